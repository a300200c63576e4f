/* What may be kept of all logs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/files/logs_private.h"

#define OLDEST_MAX 4096 /* removed in one go; the next sweep finds more */

struct kept_log {
    struct log_name name;
    int64_t changed_ns;
    int64_t bytes;
};

struct log_sweep {
    struct logs *logs;
    const struct logs_world *world;
    void (*use)(struct log_sweep *sweep, const struct kept_log *log); /* each that is there */
    int64_t bytes;
    struct kept_log *oldest; /* a heap, the youngest first; OLDEST_MAX places */
    size_t n;
};

/* ---- the oldest ---- */

static void swap(struct kept_log *a, struct kept_log *b)
{
    struct kept_log kept = *a;

    *a = *b;
    *b = kept;
}

static void sink(struct kept_log heap[], size_t n, size_t i)
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) {
            return;
        }
        if (child + 1 < n && heap[child + 1].changed_ns > heap[child].changed_ns) {
            child++;
        }
        if (heap[child].changed_ns <= heap[i].changed_ns) {
            return;
        }
        swap(&heap[i], &heap[child]);
        i = child;
    }
}

static void note(struct log_sweep *sweep, const struct kept_log *log)
{
    struct kept_log *heap = sweep->oldest;

    sweep->bytes += log->bytes;
    if (sweep->n == OLDEST_MAX) {
        if (log->changed_ns < heap[0].changed_ns) {
            heap[0] = *log;
            sink(heap, sweep->n, 0);
        }
        return;
    }
    size_t i = sweep->n++;
    heap[i] = *log;
    while (i > 0 && heap[(i - 1) / 2].changed_ns < heap[i].changed_ns) {
        swap(&heap[i], &heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
}

/* ---- walking ---- */

static bool read_number(const char **text, int64_t *number)
{
    char *end;

    errno = 0;
    *number = strtoll(*text, &end, 10);
    bool found = end != *text && errno == 0 && *number > 0;
    *text = end;
    return found;
}

static DIR *open_folder(int at, const char *name)
{
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (fd >= 0 && folder == NULL) {
        (void)close(fd);
    }
    return folder;
}

static void walk_study(struct log_sweep *sweep, int64_t study, const char *name)
{
    DIR *folder = open_folder(sweep->logs->folder, name);
    const struct dirent *entry;
    struct stat status;

    if (folder == NULL) {
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        struct kept_log log = {.name.study = study};
        const char *at = entry->d_name;
        if (!read_number(&at, &log.name.trial) || *at++ != '-'
            || !read_number(&at, &log.name.attempt)
            || fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
            continue;
        }
        log.changed_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
        log.bytes = status.st_size;
        sweep->use(sweep, &log);
    }
    (void)closedir(folder);
}

static void remove_study(const struct logs *logs, int64_t study)
{
    char name[32];
    const struct dirent *entry;

    (void)snprintf(name, sizeof name, "%" PRId64, study);
    DIR *folder = open_folder(logs->folder, name);
    if (folder == NULL) {
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    (void)closedir(folder);
    (void)unlinkat(logs->folder, name, AT_REMOVEDIR);
}

static int walk(struct log_sweep *sweep, struct err *err)
{
    DIR *folder = open_folder(sweep->logs->folder, ".");
    const struct dirent *entry;

    if (folder == NULL) {
        return err_set(err, err_code_of_errno(errno), "the folder of the logs cannot be read: %s",
                       strerror(errno));
    }
    while ((entry = readdir(folder)) != NULL) {
        const char *at = entry->d_name;
        int64_t study;
        if (!read_number(&at, &study) || *at != '\0') {
            continue;
        }
        if (sweep->world->study_lives(sweep->world->context, study)) {
            walk_study(sweep, study, entry->d_name);
        } else {
            remove_study(sweep->logs, study);
        }
    }
    (void)closedir(folder);
    return 0;
}

/* ---- removing ---- */

static bool remove_log(const struct log_sweep *sweep, const struct log_name *name)
{
    char path[LOG_PATH_BYTES];
    pthread_mutex_t *lock = logs_lock_of(sweep->logs, name);

    if (sweep->world->attempt_lives(sweep->world->context, name)) {
        return false;
    }
    logs_path_of(name, path);
    (void)pthread_mutex_lock(lock);
    bool removed = unlinkat(sweep->logs->folder, path, 0) == 0;
    (void)pthread_mutex_unlock(lock);
    return removed;
}

/* Takes the youngest out, so that the array is in order of age in the end. */
static void sort(struct kept_log heap[], size_t n)
{
    while (n > 1) {
        n--;
        swap(&heap[0], &heap[n]);
        sink(heap, n, 0);
    }
}

static void remove_oldest(struct log_sweep *sweep)
{
    int64_t limit = atomic_load(&sweep->logs->total_limit);

    if (sweep->bytes <= limit) {
        return;
    }
    sort(sweep->oldest, sweep->n);
    for (size_t i = 0; i < sweep->n && sweep->bytes > limit / 10 * 9; i++) {
        if (remove_log(sweep, &sweep->oldest[i].name)) {
            sweep->bytes -= sweep->oldest[i].bytes;
            atomic_fetch_add(&sweep->logs->removed, 1);
        }
    }
}

/* Where live logs alone are more than may be kept, a sweep is worth it only after some growth. */
static void set_next(struct logs *logs, int64_t bytes)
{
    int64_t limit = atomic_load(&logs->total_limit);

    atomic_store(&logs->sweep_at, bytes > limit ? bytes + limit / 10 : limit);
}

int logs_sweep(struct logs *logs, const struct logs_world *world, struct err *err)
{
    struct log_sweep sweep = {.logs = logs, .world = world, .use = note};
    int64_t before = atomic_load(&logs->bytes);

    sweep.oldest = calloc(OLDEST_MAX, sizeof *sweep.oldest);
    if (sweep.oldest == NULL) {
        atomic_store(&logs->sweeping, false);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    int result = walk(&sweep, err);
    if (result == 0) {
        remove_oldest(&sweep);
        set_next(logs, sweep.bytes);
        /* what came meanwhile counts on */
        atomic_fetch_add(&logs->bytes, sweep.bytes - before);
    }
    free(sweep.oldest);
    atomic_store(&logs->sweeping, false);
    return result;
}

/* ---- another epoch ---- */

static void remove_unknown(struct log_sweep *sweep, const struct kept_log *log)
{
    char path[LOG_PATH_BYTES];

    if (!sweep->world->attempt_is_known(sweep->world->context, &log->name)) {
        logs_path_of(&log->name, path);
        (void)unlinkat(sweep->logs->folder, path, 0);
    }
}

int logs_begin_epoch(struct logs *logs, int64_t epoch, const struct logs_world *world,
                     struct err *err)
{
    struct log_sweep sweep = {.logs = logs, .world = world, .use = remove_unknown};
    char mark[32];

    (void)snprintf(mark, sizeof mark, "epoch-%" PRId64, epoch);
    if (epoch == 1 || faccessat(logs->folder, mark, F_OK, 0) == 0) {
        return 0;
    }
    TRY(walk(&sweep, err));
    OWN(fd) int made = openat(logs->folder, mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    (void)made; /* without the mark the next start looks again */
    return 0;
}
