#include "server/files/logs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "server/files/log_file.h"
#include "server/files/logs_private.h"

int logs_create(const struct logs_settings *settings, struct logs **logs, struct err *err)
{
    OWN(logs) struct logs *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->settings = *settings;
    atomic_init(&made->log_limit, settings->log_limit);
    atomic_init(&made->total_limit, settings->total_limit);
    made->folder = -1;
    atomic_init(&made->sweep_at, settings->total_limit);
    for (size_t i = 0; i < LOCKS; i++) {
        (void)pthread_mutex_init(&made->locks[i], NULL);
    }
    (void)pthread_mutex_init(&made->watch_lock, NULL);
    OWN(fd) int data = open(settings->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (data < 0 || (mkdirat(data, "logs", 0700) != 0 && errno != EEXIST)
        || (made->folder = openat(data, "logs", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW))
               < 0) {
        return err_set(err, err_code_of_errno(errno),
                       "the folder for logs in %s cannot be used: %s", settings->directory,
                       strerror(errno));
    }
    *logs = made;
    made = NULL;
    return 0;
}

void logs_destroy(struct logs *logs)
{
    if (logs == NULL) {
        return;
    }
    if (logs->folder >= 0) {
        (void)close(logs->folder);
    }
    for (size_t i = 0; i < LOCKS; i++) {
        (void)pthread_mutex_destroy(&logs->locks[i]);
    }
    (void)pthread_mutex_destroy(&logs->watch_lock);
    free(logs);
}

int64_t logs_limit(const struct logs *logs)
{
    return atomic_load(&logs->log_limit);
}

void logs_set_limits(struct logs *logs, int64_t log_limit, int64_t total_limit)
{
    atomic_store(&logs->log_limit, log_limit);
    atomic_store(&logs->total_limit, total_limit);
    atomic_store(&logs->sweep_at, total_limit);
}

/* ---- one log ---- */

static int open_to_write(const struct logs *logs, const struct log_name *name, struct err *err)
{
    char path[LOG_PATH_BYTES];
    char folder[32];

    logs_path_of(name, path);
    (void)snprintf(folder, sizeof folder, "%" PRId64, name->study);
    for (int tries = 0; tries < 2; tries++) {
        int fd = openat(logs->folder, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0) {
            return fd;
        }
        if (errno != ENOENT || (mkdirat(logs->folder, folder, 0700) != 0 && errno != EEXIST)) {
            break;
        }
    }
    return err_set(err, err_code_of_errno(errno), "a log cannot be opened: %s", strerror(errno));
}

static int check_room(struct logs *logs, struct err *err)
{
    struct statvfs disk;

    if (fstatvfs(logs->folder, &disk) != 0
        || (int64_t)disk.f_bavail * (int64_t)disk.f_frsize >= logs->settings.spare_bytes) {
        return 0;
    }
    return err_set(err, ERR_STORAGE_FULL,
                   "the server's disk is nearly full, and what is left is kept for results: this "
                   "piece of the log was not taken");
}

static int64_t bytes_of(int fd)
{
    struct stat status;

    return fstat(fd, &status) == 0 ? (int64_t)status.st_size : 0;
}

static int add_piece(struct logs *logs, struct log_file *file, const struct log_piece *piece,
                     struct err *err)
{
    const char *bytes = piece->bytes;
    size_t len = piece->len;
    int64_t before = file->size;

    if (piece->skips) {
        TRY(log_file_skip(file, piece->offset, err));
        before = file->size;
    }
    if (piece->offset > file->size) {
        return 0; /* the answer says where to go on */
    }
    int64_t known = file->size - piece->offset;
    if ((uint64_t)known < len) {
        TRY(check_room(logs, err));
        int result = log_file_append(file, bytes + known, len - (size_t)known, err);
        atomic_fetch_add(&logs->received_bytes, file->size - before);
        TRY(result);
    }
    return piece->ends ? log_file_end(file, err) : 0;
}

static int append_locked(struct logs *logs, const struct log_name *name,
                         const struct log_piece *piece, int64_t *next_offset, struct err *err)
{
    struct log_file file;
    OWN(fd) int fd = open_to_write(logs, name, err);

    if (fd < 0) {
        return -1;
    }
    int64_t before = bytes_of(fd);
    int result = log_file_begin(&file, fd, logs_limit(logs), err);
    if (result == 0) {
        result = add_piece(logs, &file, piece, err);
        *next_offset = file.size;
    }
    atomic_fetch_add(&logs->bytes, bytes_of(fd) - before);
    return result;
}

static void wake_watchers(struct logs *logs, const struct log_name *name)
{
    (void)pthread_mutex_lock(&logs->watch_lock);
    for (struct log_watch *at = logs->watches; at != NULL; at = at->next) {
        if (at->name.study == name->study && at->name.trial == name->trial
            && at->name.attempt == name->attempt) {
            atomic_store(&at->changed, true);
            at->wake(at->context);
        }
    }
    (void)pthread_mutex_unlock(&logs->watch_lock);
}

int logs_append(struct logs *logs, const struct log_name *name, const struct log_piece *piece,
                int64_t *next_offset, struct err *err)
{
    pthread_mutex_t *lock = logs_lock_of(logs, name);

    (void)pthread_mutex_lock(lock);
    int result = append_locked(logs, name, piece, next_offset, err);
    (void)pthread_mutex_unlock(lock);
    if (result != 0) {
        atomic_fetch_add(&logs->refused, 1);
        return -1;
    }
    wake_watchers(logs, name);
    return 0;
}

/* Calls `use` with the log, locked; *exists ← whether there is one. */
static int with_log(struct logs *logs, const struct log_name *name, bool *exists,
                    int (*use)(const struct log_file *file, void *context, struct err *err),
                    void *context, struct err *err)
{
    char path[LOG_PATH_BYTES];
    struct log_file file;
    pthread_mutex_t *lock = logs_lock_of(logs, name);

    logs_path_of(name, path);
    (void)pthread_mutex_lock(lock);
    OWN(fd) int fd = openat(logs->folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    *exists = fd >= 0;
    int result = fd >= 0 ? log_file_open(&file, fd, err) : 0;
    if (result == 0 && fd >= 0) {
        result = use(&file, context, err);
    } else if (result != 0 && err->code == ERR_NOT_FOUND) { /* being made again */
        *exists = false;
        result = 0;
    }
    (void)pthread_mutex_unlock(lock);
    return result;
}

struct piece {
    struct log_read *read;
    struct buf *out;
};

static int read_log(const struct log_file *file, void *context, struct err *err)
{
    const struct piece *piece = context;
    struct log_read *read = piece->read;

    TRY(log_file_read(file, &read->offset, read->most, piece->out, err));
    read->at_end = read->offset >= file->size;
    read->ended = file->ended;
    return 0;
}

int logs_read(struct logs *logs, const struct log_name *name, struct log_read *read,
              struct buf *out, struct err *err)
{
    struct piece piece = {read, out};

    read->at_end = true;
    read->ended = false;
    return with_log(logs, name, &read->exists, read_log, &piece, err);
}

struct counting {
    int64_t lines;
    int64_t *offset;
};

static int count_lines(const struct log_file *file, void *context, struct err *err)
{
    const struct counting *counting = context;

    return log_file_last_lines(file, counting->lines, counting->offset, err);
}

int logs_last_lines(struct logs *logs, const struct log_name *name, int64_t lines, int64_t *offset,
                    struct err *err)
{
    struct counting counting = {lines, offset};
    bool exists;

    *offset = 0;
    return with_log(logs, name, &exists, count_lines, &counting, err);
}

/* ---- who waits ---- */

void logs_watch(struct logs *logs, struct log_watch *watch)
{
    (void)pthread_mutex_lock(&logs->watch_lock);
    watch->next = logs->watches;
    watch->link = &logs->watches;
    if (watch->next != NULL) {
        watch->next->link = &watch->next;
    }
    logs->watches = watch;
    (void)pthread_mutex_unlock(&logs->watch_lock);
}

void logs_unwatch(struct logs *logs, struct log_watch *watch)
{
    (void)pthread_mutex_lock(&logs->watch_lock);
    if (watch->link != NULL) {
        *watch->link = watch->next;
        if (watch->next != NULL) {
            watch->next->link = watch->link;
        }
        watch->link = NULL;
    }
    (void)pthread_mutex_unlock(&logs->watch_lock);
}

/* ---- counters ---- */

bool logs_want_sweep(struct logs *logs)
{
    return atomic_load(&logs->bytes) > atomic_load(&logs->sweep_at)
           && !atomic_exchange(&logs->sweeping, true);
}

void logs_stats(const struct logs *logs, struct logs_stats *stats)
{
    *stats = (struct logs_stats){.bytes = atomic_load(&logs->bytes),
                                 .received_bytes = atomic_load(&logs->received_bytes),
                                 .removed = atomic_load(&logs->removed),
                                 .refused = atomic_load(&logs->refused)};
}
