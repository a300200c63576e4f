/* What a data directory may hold when a server starts on it. An input is a list of orders, a line
 * each, that make it from a sound one:
 *
 *   base stopped | killed | old N    what it begins with; N: the version of an older database
 *   cut FILE BYTES                   the file ends there
 *   put FILE OFFSET HEX              these bytes stand there
 *   text FILE ANYTHING               this is the whole file
 *   remove FILE
 *   sql STATEMENT                    carried out in the database
 *
 * FILE is db, wal, shm, hwm, lock or copy (what a migration leaves). A server on it serves, or
 * refuses with a sentence and leaves database, log and mark as they were; `honed --check` leaves
 * them so in any case. Where it serves, everything can be read, and the next start serves too. */
#include <dirent.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "server/engine/engine.h"
#include "server/replay/replay.h"
#include "server/store/sqlite/inspect.h"
#include "server/store/sqlite/migrations.h"
#include "server/store/tokens.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/directory.h"
#include "tests/unit/api_fixture.h"

#define FILES 6
#define BASES_MAX 64
#define FILE_BYTES_MAX ((size_t)8 << 20)
#define ORDERS_MAX 32
#define STUDIES_MAX 64

static const char *const file_names[FILES][2] = {
    {"db", "hone.db"},      {"wal", "hone.db-wal"}, {"hwm", "hwm"},
    {"shm", "hone.db-shm"}, {"lock", "lock"},       {"copy", "before-0001.db"},
};
#define KEPT 3 /* the first ones: those that a refused start leaves as they are */

struct content { /* of a data directory; a buffer without memory: no such file */
    struct buf files[FILES];
};
static struct content bases[BASES_MAX]; /* stopped, killed, then the versions from 1 */
static char folder[DIRECTORY_BYTES];

/* ---- files ---- */

static void path_of(const char *name, char path[512])
{
    (void)snprintf(path, 512, "%s/%s", folder, name);
}

static void read_file(const char *name, struct buf *text)
{
    char path[512];
    char chunk[16384];
    ssize_t n;

    buf_init(text, FILE_BYTES_MAX);
    path_of(name, path);
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    buf_append(text, "", 0);
    while ((n = read(fd, chunk, sizeof chunk)) > 0) {
        buf_append(text, chunk, (size_t)n);
    }
    buf_puts(text, ""); /* it is there, if only empty */
    if (text->data == NULL) {
        buf_putc(text, ' ');
        text->len = 0;
    }
}

static void write_file(const char *name, const char *bytes, size_t len)
{
    char path[512];

    path_of(name, path);
    OWN(fd) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    MUST(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
}

static void take(struct content *content)
{
    for (size_t i = 0; i < FILES; i++) {
        read_file(file_names[i][1], &content->files[i]);
    }
}

static void forget(struct content *content)
{
    for (size_t i = 0; i < FILES; i++) {
        buf_finish(&content->files[i]);
    }
}

static void clear_folder(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    char path[512];

    MUST(dir != NULL);
    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            path_of(entry->d_name, path);
            (void)unlink(path);
        }
    }
    (void)closedir(dir);
}

static void put_back(const struct content *content)
{
    clear_folder();
    for (size_t i = 0; i < FILES; i++) {
        if (content->files[i].data != NULL) {
            write_file(file_names[i][1], content->files[i].data, content->files[i].len);
        }
    }
}

static void must_be_untouched(const struct content *before, const char *by, const struct err *err)
{
    for (size_t i = 0; i < KEPT; i++) {
        const struct buf *was = &before->files[i];
        OWN(buf) struct buf is;
        read_file(file_names[i][1], &is);
        bool same = (was->data == NULL) == (is.data == NULL) && was->len == is.len
                    && (was->len == 0 || memcmp(was->data, is.data, was->len) == 0);
        if (!same && was->len + is.len > 0) { /* an empty one may come and go */
            (void)fprintf(stderr, "%s: %s has changed, %zu → %zu bytes\n%s\n", by, file_names[i][1],
                          was->len, is.len, err == NULL ? "" : err->text);
            abort();
        }
    }
}

/* ---- what it begins with ---- */

static void run_sql(const char *sql)
{
    sqlite3 *db = NULL;
    char path[512];

    path_of("hone.db", path);
    if (sqlite3_open(path, &db) == SQLITE_OK) {
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void)sqlite3_exec(db, "PRAGMA writable_schema = ON", NULL, NULL, NULL);
        (void)sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    (void)sqlite3_close(db);
}

static void make_studies(struct api_fixture *server)
{
    api_expect(server, 201, "POST", "/v1/studies",
               "{\"name\": \"s\", \"metric\": \"loss\", \"direction\": \"minimize\", \"strategy\": "
               "\"random\", \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, "
               "\"high\": 1}, {\"name\": \"k\", \"type\": \"categorical\", \"choices\": [\"a\", "
               "\"b\"]}]}");
    api_expect(server, 201, "POST", "/v1/studies",
               "{\"name\": \"h\", \"metric\": \"loss\", \"direction\": \"minimize\", \"strategy\": "
               "{\"name\": \"hyperband\", \"eta\": 3}, \"resource\": {\"name\": \"epochs\", "
               "\"min\": 1, \"max\": 9}, \"parameters\": [{\"name\": \"x\", \"type\": \"int\", "
               "\"low\": 1, \"high\": 9}]}");
    for (int i = 0; i < 4; i++) {
        (void)api_finish_trial(server, "s", 0.5 - 0.1 * i, i);
        (void)api_finish_trial(server, "h", 0.5 + 0.1 * i, i);
    }
    api_expect(server, 201, "POST", "/v1/studies/s/leases", "{\"worker\": \"w2\"}");
}

static int copy_rows(void *context, int n, char *values[], char *names[])
{
    sqlite3 *db = context;
    char *sql = sqlite3_mprintf("INSERT INTO main.%s (%s) SELECT %s FROM newest.%s", values[0],
                                values[1], values[1], values[0]);

    (void)names;
    MUST(n == 2 && sql != NULL);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        (void)fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
        abort();
    }
    sqlite3_free(sql);
    return 0;
}

/* A database of an older version, with the rows of the newest as far as its tables had them. */
static void make_old(int version)
{
    sqlite3 *db = NULL;
    char path[512];
    char sql[700];

    clear_folder();
    write_file("newest", bases[0].files[0].data, bases[0].files[0].len);
    path_of("hone.db", path);
    MUST(sqlite3_open(path, &db) == SQLITE_OK);
    for (int i = 0; i < version; i++) {
        MUST(sqlite3_exec(db, migrations[i], NULL, NULL, NULL) == SQLITE_OK);
    }
    (void)snprintf(sql, sizeof sql,
                   "PRAGMA application_id = 0x686f6e65; PRAGMA user_version = %d; "
                   "ATTACH '%s/newest' AS newest; BEGIN",
                   version, folder);
    MUST(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
    MUST(sqlite3_exec(db,
                      "SELECT name, (SELECT group_concat(c.name) FROM pragma_table_info(s.name) c) "
                      "FROM main.sqlite_schema s WHERE type = 'table' AND name NOT LIKE 'sqlite%' "
                      "AND name != 'store'",
                      copy_rows, db, NULL)
         == SQLITE_OK);
    MUST(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK);
    MUST(sqlite3_close(db) == SQLITE_OK);
}

static void make_bases(void)
{
    struct api_fixture server;

    api_fixture_start_in(&server, folder);
    make_studies(&server);
    take(&bases[1]);
    api_fixture_stop(&server);
    take(&bases[0]);
    for (int version = 1; version <= migrations_count && version + 1 < BASES_MAX; version++) {
        make_old(version);
        take(&bases[version + 1]);
    }
}

/* ---- orders ---- */

static const char *file_of(const char *word)
{
    for (size_t i = 0; i < FILES; i++) {
        if (strcmp(file_names[i][0], word) == 0) {
            return file_names[i][1];
        }
    }
    return NULL;
}

static void begin_with(const char *rest)
{
    int version = 0;
    size_t base = strncmp(rest, "killed", 6) == 0 ? 1 : 0;

    if (sscanf(rest, "old %d", &version) == 1 && version >= 1 && version <= migrations_count) {
        base = (size_t)version + 1;
    }
    put_back(&bases[base]);
}

static void cut_file(const char *name, const char *rest)
{
    char path[512];
    unsigned long long bytes = strtoull(rest, NULL, 10);

    path_of(name, path);
    if (bytes < FILE_BYTES_MAX) {
        (void)!truncate(path, (off_t)bytes);
    }
}

static void put_bytes(const char *name, const char *rest)
{
    char path[512];
    char *at;
    unsigned long long offset = strtoull(rest, &at, 10);
    unsigned byte;
    int used;

    path_of(name, path);
    OWN(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
    for (; fd >= 0 && offset < FILE_BYTES_MAX && sscanf(at, "%2x%n", &byte, &used) == 1;
         at += used) {
        unsigned char one = (unsigned char)byte;
        MUST(pwrite(fd, &one, 1, (off_t)offset++) == 1);
    }
}

static void carry_out(char *line, size_t len)
{
    char verb[8] = "";
    char word[8] = "";
    int skip = 0;
    int skip_word = 0;

    (void)sscanf(line, "%7s %n%7s %n", verb, &skip, word, &skip_word);
    const char *name = file_of(word);
    const char *rest = skip_word > 0 && (size_t)skip_word <= len ? line + skip_word : "";
    if (strcmp(verb, "base") == 0) {
        begin_with(line + skip);
    } else if (strcmp(verb, "sql") == 0) {
        run_sql(line + skip);
    } else if (name == NULL) {
        return;
    } else if (strcmp(verb, "cut") == 0) {
        cut_file(name, rest);
    } else if (strcmp(verb, "put") == 0) {
        put_bytes(name, rest);
    } else if (strcmp(verb, "text") == 0) {
        write_file(name, rest, len - (size_t)(rest == line + skip_word ? skip_word : (int)len));
    } else if (strcmp(verb, "remove") == 0) {
        char path[512];
        path_of(name, path);
        (void)unlink(path);
    }
}

static void make(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;

    put_back(&bases[0]);
    for (int i = 0; i < ORDERS_MAX && size > 0; i++) {
        const char *end = memchr(at, '\n', size);
        size_t len = end == NULL ? size : (size_t)(end - at);
        OWN(memory) char *line = malloc(len + 1);
        MUST(line != NULL);
        memcpy(line, at, len);
        line[len] = '\0';
        carry_out(line, len);
        at += len + (end == NULL ? 0 : 1);
        size -= len + (end == NULL ? 0 : 1);
    }
}

/* ---- a start ---- */

struct found {
    struct store *reader;
    size_t n;
    char names[STUDIES_MAX][NAME_BYTES];
};

static int note_attempt(void *context, struct attempt_row *row, struct err *err)
{
    (void)context;
    (void)row;
    (void)err;
    return 0;
}

static int note_trial(void *context, struct trial_row *row, struct err *err)
{
    struct found *found = context;

    return store_each_attempt(found->reader, row->id, note_attempt, NULL, err);
}

static int note_study(void *context, struct study_row *row, struct err *err)
{
    struct found *found = context;

    (void)err;
    if (found->n < STUDIES_MAX) {
        (void)snprintf(found->names[found->n++], NAME_BYTES, "%s", row->name);
    }
    return 0;
}

/* Reads what there is; damage may be found in the middle of it. */
static void read_all(void)
{
    const struct store_settings settings = {.directory = folder};
    OWN(store) struct store *store = NULL;
    OWN(store) struct store *reader = NULL;
    OWN(memory) char *shown = NULL;
    size_t shown_bytes = 0;
    struct found found = {.n = 0};
    struct err err = {0};

    if (store_open(&settings, &store, &err) != 0 || store_open_reader(store, &reader, &err) != 0) {
        MUST(err.text[0] != '\0');
        return;
    }
    found.reader = reader;
    (void)!store_each_study(reader, note_study, &found, &err);
    (void)!store_each_open_trial(reader, note_trial, &found, &err);
    FILE *out = open_memstream(&shown, &shown_bytes);
    MUST(out != NULL);
    for (size_t i = 0; i < found.n; i++) {
        MUST(replay_print(reader, found.names[i], 5, out, &err) == 0 || err.text[0] != '\0');
    }
    MUST(fclose(out) == 0);
    store_close(reader);
    reader = NULL;
}

/* Does a server start on it? */
static bool starts(bool accept_loss, struct err *err)
{
    const struct engine_settings settings = {
        .clock = clock_system(), .clock_scale = 1, .directory = folder, .accept_loss = accept_loss};
    struct engine *engine = NULL;

    if (engine_create(&settings, &engine, err) != 0) {
        MUST(err->text[0] != '\0');
        return false;
    }
    engine_destroy(engine);
    return true;
}

/* A migration is on disk before what it has made is read; a copy of what was there lies beside it.
 */
static bool was_migrated(void)
{
    char path[512];
    char name[40];

    for (int version = 1; version < migrations_count; version++) {
        (void)snprintf(name, sizeof name, "before-%04d.db", version);
        path_of(name, path);
        if (access(path, F_OK) == 0) {
            return true;
        }
    }
    return false;
}

static void start(const struct content *before)
{
    struct err err = {0};

    if (!starts(false, &err)) {
        if (!was_migrated()) {
            must_be_untouched(before, "refused", &err);
        }
        put_back(before);
        (void)starts(true, &err);
        return;
    }
    MUST(starts(false, &err));
    read_all();
}

/* ---- one input ---- */

static int note_token(void *context, const struct token_row *row, struct err *err)
{
    (void)context;
    (void)row;
    (void)err;
    return 0;
}

static void look(const struct content *before)
{
    struct store_token_reader tokens = {.each = note_token};
    json_auto_t *list = json_array();
    struct findings findings;

    findings_init(&findings, NULL, list);
    store_inspect(folder, &tokens, &findings);
    MUST(json_array_size(list) > 0);
    must_be_untouched(before, "--check", NULL);
}

static void end(void)
{
    for (size_t i = 0; i < BASES_MAX; i++) {
        forget(&bases[i]);
    }
    directory_remove(folder);
}

void fuzz_start(void)
{
    log_start("fuzz", LOG_LEVEL_ERROR);
    if (access("/dev/shm", W_OK) == 0) {
        (void)setenv("TMPDIR", "/dev/shm", 0);
    }
    directory_create(folder);
    MUST(atexit(end) == 0);
    make_bases();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct content before;

    make(data, size);
    take(&before);
    look(&before);
    start(&before);
    forget(&before);
    return 0;
}
