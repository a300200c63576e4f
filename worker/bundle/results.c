#include "worker/bundle/results.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/rng.h"
#include "worker/bundle/tar.h"

#define PATH_BYTES 4096
#define CHECKPOINT_BYTES 8192
#define ENDED ".ndjson"

static int io_fault(const char *path, struct err *err)
{
    bool is_full = errno == ENOSPC || errno == EDQUOT;

    return err_set(err, is_full ? ERR_STORAGE_FULL : ERR_IO, "%s: %s", path, strerror(errno));
}

static const char *path_of(const struct results *results, size_t number, const char *suffix,
                           char path[PATH_BYTES])
{
    (void)snprintf(path, PATH_BYTES, "%s/%05zu%s", results->folder, number, suffix);
    return path;
}

int results_open(const char *folder, struct results *results, struct err *err)
{
    if (strlen(folder) > PATH_BYTES - 64) {
        return err_set(err, ERR_INVALID, "the name of the folder of results is too long");
    }
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
        return io_fault(folder, err);
    }
    results->folder = strdup(folder);
    return results->folder == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

void results_close(struct results *results)
{
    free(results->folder);
    results->folder = NULL;
}

/* ---- claiming ---- */

/* One that another host has left in a place of its own cannot be gone on from here. */
static bool is_here(const json_t *checkpoint)
{
    const char *uri = json_string_value(json_object_get(checkpoint, "uri"));

    return uri == NULL || uri[0] != '/' || access(uri, F_OK) == 0;
}

/* What a checkpoint's file says: NULL where that makes no sense. ERR_NOMEM. */
static int parse_checkpoint(const struct claim_lease *lease, const char *text, size_t len,
                            json_t **checkpoint, struct err *err)
{
    json_auto_t *value = NULL;
    bool can = false;

    if (json_parse(text, len, &json_limits_default, &value, err) != 0) {
        return err->code == ERR_NOMEM ? -1 : 0;
    }
    if (is_here(value)) {
        TRY(lease->can_begin_at(lease->context, value, &can, err));
    }
    if (can) {
        *checkpoint = value;
        value = NULL;
    }
    return 0;
}

/* *checkpoint ← NULL: there is none of use; then the job begins at its start, and what was measured
 * is not of it. ERR_IO, ERR_NOMEM: unknown, which may pass. */
static int read_checkpoint(const struct results *results, const struct claim_lease *lease,
                           json_t **checkpoint, struct err *err)
{
    char path[PATH_BYTES];
    char text[CHECKPOINT_BYTES];
    int fd =
        open(path_of(results, lease->number, ".resume", path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    *checkpoint = NULL;
    if (fd < 0) {
        return errno == ENOENT ? 0 : io_fault(path, err);
    }
    ssize_t got = read(fd, text, sizeof text);
    if (got < 0) {
        (void)io_fault(path, err);
        (void)close(fd);
        return -1;
    }
    (void)close(fd);
    TRY(parse_checkpoint(lease, text, (size_t)got, checkpoint, err));
    if (*checkpoint == NULL) {
        (void)unlink(path); /* its own host does not go on from it either */
    }
    return 0;
}

/* What stands behind the last whole line was being written when the machine stopped. */
static int cut_torn_line(int fd, const char *path, struct err *err)
{
    char block[4096];
    off_t end = lseek(fd, 0, SEEK_END);

    while (end > 0) {
        off_t from = end > (off_t)sizeof block ? end - (off_t)sizeof block : 0;
        ssize_t got = pread(fd, block, (size_t)(end - from), from);
        if (got != end - from) {
            return io_fault(path, err);
        }
        const char *last = memrchr(block, '\n', (size_t)got);
        if (last != NULL) {
            end = from + (last - block) + 1;
            break;
        }
        end = from;
    }
    return ftruncate(fd, end) == 0 ? 0 : io_fault(path, err);
}

static int open_part(const struct results *results, const struct claim_lease *lease, bool continues,
                     struct claim *claim, struct err *err)
{
    char path[PATH_BYTES];
    struct stat info;

    claim->part_fd = open(path_of(results, claim->number, ".part", path),
                          O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (claim->part_fd < 0) {
        return io_fault(path, err);
    }
    TRY(read_checkpoint(results, lease, &claim->checkpoint, err));
    if (claim->checkpoint == NULL && !continues) {
        if (ftruncate(claim->part_fd, 0) != 0) {
            return io_fault(path, err);
        }
    } else {
        TRY(cut_torn_line(claim->part_fd, path, err));
    }
    if (fstat(claim->part_fd, &info) == 0 && info.st_size == 0) {
        return claim_append(claim, lease->header, strlen(lease->header), err);
    }
    return 0;
}

static bool has_ended(const struct results *results, size_t number)
{
    char path[PATH_BYTES];

    return access(path_of(results, number, ENDED, path), F_OK) == 0;
}

/* Its state: CLAIM_TAKEN once the lock is had, CLAIM_BUSY where another has it. */
static int lock_claim(const struct results *results, struct claim *claim, struct err *err)
{
    char path[PATH_BYTES];

    claim->lock_fd =
        open(path_of(results, claim->number, ".claim", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (claim->lock_fd < 0) {
        return io_fault(path, err);
    }
    claim->state = CLAIM_TAKEN;
    if (flock(claim->lock_fd, LOCK_EX | LOCK_NB) == 0) {
        return 0;
    }
    claim->state = CLAIM_BUSY;
    return errno == EWOULDBLOCK ? 0 : io_fault(path, err);
}

static int begin_run(struct claim *claim, struct err *err)
{
    uint32_t number;

    rng_entropy(&number, sizeof number);
    (void)snprintf(claim->run, sizeof claim->run, "%08" PRIx32, number);
    if (ftruncate(claim->lock_fd, 0) != 0
        || pwrite(claim->lock_fd, claim->run, sizeof claim->run - 1, 0)
               != (ssize_t)sizeof claim->run - 1) {
        return io_fault("the claim of a lease", err);
    }
    return 0;
}

static bool is_of_run(struct claim *claim, const char *run)
{
    ssize_t got = pread(claim->lock_fd, claim->run, sizeof claim->run - 1, 0);

    return got == (ssize_t)sizeof claim->run - 1 && strcmp(claim->run, run) == 0;
}

static int take_locked(const struct results *results, const struct claim_lease *lease,
                       const char *run, struct claim *claim, struct err *err)
{
    if (claim->state == CLAIM_TAKEN && has_ended(results, claim->number)) {
        claim->state = CLAIM_ENDED; /* between the first look and the lock */
    }
    if (claim->state == CLAIM_TAKEN && run != NULL && !is_of_run(claim, run)) {
        claim->state = CLAIM_BUSY;
    }
    if (claim->state != CLAIM_TAKEN) {
        return 0;
    }
    if (run == NULL) {
        TRY(begin_run(claim, err));
    }
    return open_part(results, lease, run != NULL, claim, err);
}

int claim_take(const struct results *results, const struct claim_lease *lease, const char *run,
               struct claim *claim, struct err *err)
{
    int rc = 0;

    *claim =
        (struct claim){.number = lease->number, .state = CLAIM_ENDED, .lock_fd = -1, .part_fd = -1};
    if (has_ended(results, lease->number)) {
        return 0;
    }
    rc = lock_claim(results, claim, err);
    rc = rc == 0 ? take_locked(results, lease, run, claim, err) : rc;
    if (rc != 0 || claim->state != CLAIM_TAKEN) {
        claim_release(claim);
    }
    return rc;
}

enum claim_state claim_look(const struct results *results, size_t number)
{
    char path[PATH_BYTES];

    if (has_ended(results, number)) {
        return CLAIM_ENDED;
    }
    int fd = open(path_of(results, number, ".claim", path), O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        return CLAIM_TAKEN;
    }
    bool is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
    (void)close(fd);
    return is_free ? CLAIM_TAKEN : CLAIM_BUSY;
}

struct results_count results_count(const struct results *results, size_t n_leases)
{
    struct results_count count = {0};

    for (size_t number = 1; number <= n_leases; number++) {
        enum claim_state state = claim_look(results, number);
        count.ended += state == CLAIM_ENDED;
        count.busy += state == CLAIM_BUSY;
        count.open += state == CLAIM_TAKEN;
    }
    return count;
}

void claim_release(struct claim *claim)
{
    json_decref(claim->checkpoint);
    if (claim->part_fd >= 0) {
        (void)close(claim->part_fd);
    }
    if (claim->lock_fd >= 0) {
        (void)close(claim->lock_fd);
    }
    *claim = (struct claim){.state = claim->state, .lock_fd = -1, .part_fd = -1};
}

/* ---- saying what became of it ---- */

int claim_append(struct claim *claim, const char *line, size_t len, struct err *err)
{
    struct stat before;
    OWN(buf) struct buf text;

    buf_init(&text, len + 1);
    buf_append(&text, line, len);
    buf_putc(&text, '\n');
    TRY(buf_check(&text, err));
    if (fstat(claim->part_fd, &before) != 0) {
        return io_fault("the results", err);
    }
    ssize_t written = write(claim->part_fd, text.data, text.len);
    if (written == (ssize_t)text.len) {
        return 0;
    }
    errno = written < 0 ? errno : ENOSPC;
    (void)io_fault("the results cannot be written", err);
    if (ftruncate(claim->part_fd, before.st_size) != 0) {
        return err_set(err, ERR_IO, "the results cannot be written");
    }
    return -1;
}

static int write_whole(int fd, const struct buf *text)
{
    bool is_whole = write(fd, text->data, text->len) == (ssize_t)text->len && fsync(fd) == 0;

    return (close(fd) == 0 && is_whole) ? 0 : -1;
}

int claim_set_checkpoint(const struct results *results, struct claim *claim,
                         const json_t *checkpoint, struct err *err)
{
    char path[PATH_BYTES];
    char beside[PATH_BYTES];
    OWN(buf) struct buf text = {0};
    struct json_writer w;

    (void)path_of(results, claim->number, ".resume", path);
    (void)path_of(results, claim->number, ".resume-new", beside);
    if (checkpoint == NULL) {
        return unlink(path) == 0 || errno == ENOENT ? 0 : io_fault(path, err);
    }
    buf_init(&text, CHECKPOINT_BYTES);
    json_writer_init(&w, &text);
    json_write_value(&w, checkpoint);
    TRY(buf_check(&text, err));
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write_whole(fd, &text) != 0 || rename(beside, path) != 0) {
        return io_fault(beside, err);
    }
    return 0;
}

static int sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return -1;
    }
    int rc = fsync(fd);
    (void)close(fd);
    return rc;
}

int claim_end(const struct results *results, struct claim *claim, struct err *err)
{
    char part[PATH_BYTES];
    char ended[PATH_BYTES];
    char path[PATH_BYTES];

    (void)path_of(results, claim->number, ".part", part);
    (void)path_of(results, claim->number, ENDED, ended);
    if (fsync(claim->part_fd) != 0 || rename(part, ended) != 0
        || sync_folder(results->folder) != 0) {
        return io_fault(ended, err);
    }
    (void)unlink(path_of(results, claim->number, ".resume", path));
    (void)unlink(path_of(results, claim->number, ".claim", path));
    return 0;
}

/* ---- reading all ---- */

static int is_ended(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);
    size_t suffix = sizeof ENDED - 1;

    return len > suffix && strcmp(entry->d_name + len - suffix, ENDED) == 0;
}

static int read_file(const char *folder, const char *name, char **text, size_t *len,
                     struct err *err)
{
    char path[PATH_BYTES];
    struct stat info;

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* opening a pipe would wait */
    if (fd < 0 || fstat(fd, &info) != 0) {
        int rc = io_fault(path, err);
        (void)(fd >= 0 && close(fd));
        return rc;
    }
    if (!S_ISREG(info.st_mode)) {
        (void)close(fd);
        return err_set(err, ERR_INVALID, "%s is no file of results", path);
    }
    *len = (size_t)info.st_size;
    *text = malloc(*len + 1);
    ssize_t got = *text == NULL ? 0 : read(fd, *text, *len);
    (void)close(fd);
    if (*text == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (got != (ssize_t)*len) {
        return err_set(err, ERR_IO, "%s cannot be read as a whole", path);
    }
    (*text)[*len] = '\0';
    return 0;
}

static int each_file(const char *folder, struct dirent *entries[], int n,
                     int (*each)(void *context, const char *name, const char *text, size_t len,
                                 struct err *err),
                     void *context, struct err *err)
{
    for (int i = 0; i < n; i++) {
        OWN(memory) char *text = NULL;
        size_t len = 0;
        TRY(read_file(folder, entries[i]->d_name, &text, &len, err));
        TRY(each(context, entries[i]->d_name, text, len, err));
    }
    return 0;
}

int results_each(const char *source,
                 int (*each)(void *context, const char *name, const char *text, size_t len,
                             struct err *err),
                 void *context, struct err *err)
{
    struct dirent **entries = NULL;
    struct stat info;

    if (stat(source, &info) != 0) {
        return io_fault(source, err);
    }
    if (!S_ISDIR(info.st_mode)) {
        return tar_each(source, ENDED, each, context, err);
    }
    int n = scandir(source, &entries, is_ended, alphasort);
    if (n < 0) {
        return io_fault(source, err);
    }
    int rc = each_file(source, entries, n, each, context, err);
    for (int i = 0; i < n; i++) {
        free(entries[i]);
    }
    free(entries);
    return rc;
}
