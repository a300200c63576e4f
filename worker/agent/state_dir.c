#include "worker/agent/state_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buf.h"
#include "worker/agent/folder.h"
#include "worker/agent/owner.h"
#include "worker/agent/state_kept.h"

#define LOCK "/lock"
#define WORKERS_MAX 1000 /* of one name */
#define TRIES_MAX 100
#define OWNER_BYTES 512

void state_dir_init(struct state_dir *dir)
{
    *dir = (struct state_dir){.lock_fd = -1};
}

static int lock_path(const struct state_dir *dir, char **path, struct err *err)
{
    if (asprintf(path, "%s" LOCK, dir->path) < 0) {
        *path = NULL;
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

void state_dir_close(struct state_dir *dir)
{
    OWN(memory) char *path = NULL;
    struct err err;

    if (dir->lock_fd >= 0 && lock_path(dir, &path, &err) == 0) {
        (void)unlink(path); /* while it is locked: whoever has opened it looks again */
        (void)close(dir->lock_fd);
        (void)rmdir(dir->path); /* these two only if nothing is left in them */
    }
    free(dir->path);
    state_dir_init(dir);
}

/* ---- locking ---- */

/* Is it still the file of that name? */
static bool is_there(int fd, const char *path)
{
    struct stat mine;
    struct stat named;

    return fstat(fd, &mine) == 0 && stat(path, &named) == 0 && mine.st_ino == named.st_ino
           && mine.st_dev == named.st_dev;
}

/* 1: locked; 0: another process has it; -1: errno says why not. */
static int try_lock(int fd, const char *path, const char *host)
{
    struct stat info;

    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return 1;
    }
    if (errno == EWOULDBLOCK) {
        return 0;
    }
    if (errno != ENOSYS && errno != ENOLCK && errno != EOPNOTSUPP) {
        return -1;
    }
    return fstat(fd, &info) == 0 && (info.st_size == 0 || owner_is_gone(path, host)) ? 1 : 0;
}

static int write_owner(int fd, const char *path, const char *host, struct err *err)
{
    OWN(buf) struct buf text;

    buf_init(&text, OWNER_BYTES);
    owner_describe(host, 0, &text);
    TRY(buf_check(&text, err));
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text.data, text.len, 0) != (ssize_t)text.len) {
        return err_set(err, ERR_IO, "the file %s cannot be written: %s", path, strerror(errno));
    }
    return 0;
}

/* "host" and pid of the file, as far as they can be read. */
static int tell_holder(const struct state_dir *dir, const char *path, struct err *err)
{
    char host[128] = "another host";
    long pid = 0;
    FILE *file = fopen(path, "re");

    if (file != NULL) {
        if (fscanf(file, "%127s %*[^\n]\n%ld", host, &pid) < 2) {
            pid = 0;
        }
        (void)fclose(file);
    }
    return err_set(err, ERR_LOCKED,
                   "the state directory %s belongs to a worker that runs: process %ld on %s; stop "
                   "it, or name another directory",
                   dir->path, pid, host);
}

/* Locks the directory of dir->path. ERR_LOCKED: another worker has it. */
static int lock(struct state_dir *dir, const char *host, struct err *err)
{
    OWN(memory) char *path = NULL;

    TRY(lock_path(dir, &path, err));
    for (int tries = 0; tries < TRIES_MAX; tries++) {
        OWN(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 && errno == ENOENT) { /* its last worker has just left */
            TRY(folder_make(dir->path, err));
            continue;
        }
        int locked = fd < 0 ? -1 : try_lock(fd, path, host);
        if (locked < 0) {
            return err_set(err, ERR_IO, "the file %s cannot be locked: %s", path, strerror(errno));
        }
        if (locked == 0) {
            return tell_holder(dir, path, err);
        }
        if (is_there(fd, path)) {
            TRY(write_owner(fd, path, host, err));
            dir->lock_fd = fd;
            fd = -1;
            return 0;
        }
    }
    return err_set(err, ERR_IO, "the file %s cannot be locked: it is removed all the time", path);
}

/* ---- choosing ---- */

/* Makes the directory and finds its real path. */
static int make(struct state_dir *dir, const char *path, struct err *err)
{
    free(dir->path);
    dir->path = NULL;
    for (int tries = 0; tries < TRIES_MAX && dir->path == NULL; tries++) {
        if (folder_make(path, err) != 0) {
            return err_set(err, err->code,
                           "the state directory %s cannot be made or written: %s; name another "
                           "with --state-dir",
                           path, strerror(errno));
        }
        dir->path = realpath(path, NULL);
        if (dir->path == NULL && errno != ENOENT) { /* ENOENT: its last worker has just left */
            break;
        }
    }
    return dir->path != NULL ? 0
                             : err_set(err, ERR_IO, "the state directory %s cannot be used: %s",
                                       path, strerror(errno));
}

static int take(struct state_dir *dir, const char *path, const struct state_dir_wanted *wanted,
                struct err *err)
{
    TRY(make(dir, path, err));
    TRY(lock(dir, wanted->host, err));
    if (wanted->server != NULL && state_kept_check(dir->path, wanted->server, err) != 0) {
        state_dir_close(dir);
        return -1;
    }
    return 0;
}

int state_dir_open(struct state_dir *dir, const struct state_dir_wanted *wanted, struct err *err)
{
    OWN(buf) struct buf path = {0};
    int rc = -1;

    buf_init(&path, 4000);
    dir->number = 1;
    if (wanted->given != NULL) {
        return take(dir, wanted->given, wanted, err);
    }
    for (int i = 1; i <= WORKERS_MAX; i++) {
        buf_clear(&path);
        buf_printf(&path, "%s/workers/%s", wanted->workdir, wanted->name);
        if (i > 1) {
            buf_printf(&path, ".%d", i);
        }
        TRY(buf_check(&path, err));
        rc = take(dir, buf_text(&path), wanted, err);
        dir->number = i;
        if (rc == 0 || err->code != ERR_LOCKED) {
            return rc;
        }
    }
    return rc;
}
