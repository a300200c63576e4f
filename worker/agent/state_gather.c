#include "worker/agent/state_gather.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "worker/agent/attempt_log.h"
#include "worker/agent/job_record.h"
#include "worker/agent/kept_files.h"
#include "worker/agent/leftovers.h"
#include "worker/agent/spool.h"
#include "worker/agent/state_dir.h"

#define SPOOL ".spool"
#define JOB ".job"

/* One look at the others. */
struct look {
    const struct state_gather *where;
    const char *server; /* NULL: whatever it is */
    const char *to;     /* for the one; NULL: all, under the names that are free */
    size_t next;        /* of these */
    bool found;
};

static bool is_done(const struct look *look)
{
    return look->to != NULL && look->found;
}

/* "DIR/slot-3.spool" → "DIR/slot-3"; false: it is too long. */
static bool name_base(char base[PATH_MAX], const char *dir, const char *name, const char *suffix)
{
    int len = snprintf(base, PATH_MAX, "%s/%.*s", dir, (int)(strlen(name) - strlen(suffix)), name);

    return len > 0 && len < PATH_MAX - 32; /* room for any suffix */
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text);

    return len > strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

static int is_spool(const struct dirent *entry)
{
    return ends_with(entry->d_name, SPOOL);
}

static int is_job(const struct dirent *entry)
{
    return ends_with(entry->d_name, JOB);
}

/* Calls `act` with each file's path without its suffix. */
static void for_each(const char *dir, const char *suffix, int (*filter)(const struct dirent *),
                     void (*act)(struct look *look, const char *base), struct look *look)
{
    struct dirent **names = NULL;
    char base[PATH_MAX];
    int n = scandir(dir, &names, filter, versionsort);

    for (int i = 0; i < n; i++) {
        if (!is_done(look) && name_base(base, dir, names[i]->d_name, suffix)) {
            act(look, base);
        }
        free(names[i]);
    }
    free(names);
}

/* ---- what may go ---- */

static bool read_log(const char *base, struct attempt_log *log)
{
    OWN(spool) struct spool spool;
    OWN(memory) char *path = NULL;
    struct err err = {0};

    spool_init(&spool);
    if (asprintf(&path, "%s" SPOOL, base) < 0) {
        path = NULL;
        return false;
    }
    return spool_continue(&spool, path, &err) == 0 && attempt_log_read(&spool, log);
}

/* A job that was to survive its worker may do so until its shim is gone; of one that another
 * machine runs, nothing is seen here. */
static bool may_live(const char *base, const char *host)
{
    OWN(memory) char *path = NULL;
    OWN(attempt_log) struct attempt_log log = {0};
    struct job_record record;
    char boot[JOB_RECORD_WORD];

    if (asprintf(&path, "%s" JOB, base) < 0) {
        path = NULL;
        return true;
    }
    if (!job_record_read(path, &record) || !record.keeps) {
        return false;
    }
    job_record_boot(boot);
    return strcmp(boot, record.boot) == 0
               ? job_record_lives(&record)
               : !read_log(base, &log) || (log.has_grant && strcmp(log.grant.host, host) != 0);
}

/* Is it a trial of the server that this worker serves? */
static bool is_wanted(const struct look *look, const char *base)
{
    OWN(attempt_log) struct attempt_log log = {0};

    return look->server == NULL
           || (read_log(base, &log) && log.has_grant && !log.closed
               && strcmp(log.grant.server, look->server) == 0);
}

/* Seen without a lock: is it worth one? */
static void note(struct look *look, const char *base)
{
    look->found = look->found || !may_live(base, look->where->host);
}

static bool has_any(const struct look *look, const char *dir)
{
    struct look seen = {.where = look->where};

    for_each(dir, SPOOL, is_spool, note, &seen);
    return seen.found;
}

/* ---- moving it ---- */

static bool name_target(struct look *look, char base[PATH_MAX])
{
    char path[PATH_MAX];

    if (look->to != NULL) {
        (void)snprintf(base, PATH_MAX, "%.*s", (int)(strlen(look->to) - strlen(SPOOL)), look->to);
        return true;
    }
    do {
        if (snprintf(path, sizeof path, "%s/slot-%zu" SPOOL, look->where->own, look->next)
            >= (int)sizeof path) {
            return false;
        }
        (void)snprintf(base, PATH_MAX, "%s/slot-%zu", look->where->own, look->next++);
    } while (access(path, F_OK) == 0);
    return true;
}

/* The spool last: without it the others are found again. */
static bool move(const char *from, const char *to)
{
    static const char *const parts[] = {".stdout", ".stderr", ".metrics", ".position",
                                        ".exit",   JOB,       SPOOL};
    char old[PATH_MAX];
    char now[PATH_MAX];
    int rc = -1;

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        (void)snprintf(old, sizeof old, "%s%s", from, parts[i]);
        (void)snprintf(now, sizeof now, "%s%s", to, parts[i]);
        rc = rename(old, now);
    }
    return rc == 0;
}

static void remove_rest(const char *base)
{
    OWN(kept_files) struct kept_files files = {0};
    struct err err = {0};

    if (kept_files_name(&files, base, &err) == 0) {
        kept_files_remove(&files);
    }
}

static void take(struct look *look, const char *base)
{
    char to[PATH_MAX];

    if (!may_live(base, look->where->host) && is_wanted(look, base) && name_target(look, to)
        && move(base, to)) {
        remove_rest(base);
        look->found = true;
    }
}

/* Of a job without a spool. */
static void forget(struct look *look, const char *base)
{
    char path[PATH_MAX + sizeof SPOOL];

    (void)snprintf(path, sizeof path, "%s" SPOOL, base);
    if (access(path, F_OK) != 0 && !may_live(base, look->where->host)) {
        remove_rest(base);
    }
}

static void gather_from(struct look *look, const char *dir)
{
    struct err err = {0};

    if (leftovers_end(dir, &err) == 0) {
        for_each(dir, JOB, is_job, forget, look);
    }
    for_each(dir, SPOOL, is_spool, take, look);
}

/* ---- finding them ---- */

/* "NAME" or "NAME.2" */
static bool is_of_name(const char *entry, const char *name)
{
    size_t len = strlen(name);
    int end = 0;
    unsigned number;

    if (strncmp(entry, name, len) != 0) {
        return false;
    }
    return entry[len] == '\0'
           || (sscanf(entry + len, ".%u%n", &number, &end) == 1
               && entry[len + (size_t)end] == '\0');
}

static void look_at(struct look *look, const char *workers, const char *name)
{
    char path[PATH_MAX];
    struct state_dir other;
    struct err err = {0};
    int len = snprintf(path, sizeof path, "%s/%s", workers, name);

    if (len < 0 || (size_t)len >= sizeof path || strcmp(path, look->where->own) == 0
        || (look->to != NULL && !has_any(look, path))) {
        return;
    }
    state_dir_init(&other);
    const struct state_dir_wanted wanted = {.given = path,
                                            .workdir = look->where->workdir,
                                            .name = look->where->name,
                                            .host = look->where->host};
    if (state_dir_open(&other, &wanted, &err) == 0) {
        gather_from(look, other.path);
    }
    state_dir_close(&other);
}

static void look_around(struct look *look)
{
    struct dirent **names = NULL;
    char workers[PATH_MAX];
    int len = snprintf(workers, sizeof workers, "%s/workers", look->where->workdir);
    int n =
        len > 0 && (size_t)len < sizeof workers ? scandir(workers, &names, NULL, versionsort) : 0;

    for (int i = 0; i < n; i++) {
        if (!is_done(look) && is_of_name(names[i]->d_name, look->where->name)) {
            look_at(look, workers, names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
}

void state_gather_all(const struct state_gather *gather, size_t first)
{
    struct look look = {.where = gather, .next = first};

    look_around(&look);
}

bool state_gather_one(const struct state_gather *gather, const char *server, const char *to)
{
    struct look look = {.where = gather, .server = server, .to = to};

    look_around(&look);
    return look.found;
}
