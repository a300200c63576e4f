/* A library to put before libc (LD_PRELOAD) in a honed or hone under test:
 *
 *   HONE_TEST_SYNC_DELAY_US=1000   every fsync and fdatasync takes so much longer
 *   HONE_TEST_SYNC_FAILS_AT=40     the 40th fsync or fdatasync fails with EIO
 *   HONE_TEST_WRITE_DELAY_US=200   every write at a place of a file takes so much longer
 *   HONE_TEST_FS_TYPE=0x6969       every file system says that it is of this type (0x6969: NFS)
 *   HONE_TEST_FS_FREE=1048576      … and that it has so many bytes free
 *   HONE_TEST_DIE_AT=7             the 7th call that changes files kills the process instead; those
 *                                  of its children count nothing
 *   HONE_TEST_DIE_AFTER=7          the 7th pwrite() or splice() kills the process when it is done;
 *                                  its children count nothing
 *   HONE_TEST_FULL=FILE            while there is such a file, nothing can be written at a place of
 *                                  a file: there is no space
 *   HONE_TEST_TEAR=1               … and only writes at a place of a file are counted; half of that
 *                                  one is written
 *
 *   HONE_TEST_FLOCK_OF_NFS=1       flock() locks bytes of the file, as it does over NFS: such locks
 *                                  meet those of fcntl(), also of the same process
 *   HONE_TEST_THREAD_FAILS_AT=3    the third thread cannot be started (EAGAIN)
 *
 *   HONE_TEST_HOLD_SYNC=FILE       while there is FILE, a sync of a journal (-wal) makes FILE.held
 *                                  and waits
 *   HONE_TEST_HOLD_ENDING=.new     … a sync of a file that ends so, instead
 *   HONE_TEST_HOLD=FILE            the first one to open, below some folder, a place whose name
 *                                  FILE holds makes FILE.held, and waits while there is FILE
 *
 * preload_network.c has those for the network.
 * Without any of these it changes nothing. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/preload.h"

void *libc_function(const char *name)
{
    void *function = dlsym(RTLD_NEXT, name);

    if (function == NULL) {
        abort();
    }
    return function;
}

static void delay(const char *variable)
{
    const char *text = getenv(variable);
    long us = text == NULL ? 0 : strtol(text, NULL, 10);
    struct timespec span = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};

    if (us > 0) {
        (void)nanosleep(&span, NULL);
    }
}

static pid_t first_process; /* the one that was started; its forks inherit the number */

__attribute__((constructor)) static void note_first_process(void)
{
    first_process = getpid();
}

bool is_first_process(void)
{
    return first_process == getpid();
}

/* Counts a call, where the variable is set. Is it the one that the variable names? */
static bool is_last(const char *variable, atomic_long *n_calls)
{
    const char *text = getenv(variable);

    return text != NULL && is_first_process()
           && atomic_fetch_add(n_calls, 1) + 1 == strtol(text, NULL, 10);
}

/* Is this call, one that changes files, the last one? */
static bool is_last_change(void)
{
    static atomic_long n_changes;

    return is_last("HONE_TEST_DIE_AT", &n_changes);
}

/* Called before each call that changes files. */
static void count_change(void)
{
    if (getenv("HONE_TEST_TEAR") == NULL && is_last_change()) {
        (void)kill(getpid(), SIGKILL);
    }
}

/* Called after each call that has moved bytes. */
static void count_done(void)
{
    static atomic_long n_done;

    if (is_last("HONE_TEST_DIE_AFTER", &n_done)) {
        (void)kill(getpid(), SIGKILL);
    }
}

static void wait_while_there_is(const char *file)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    char held[4096];

    (void)snprintf(held, sizeof held, "%s.held", file);
    (void)close(creat(held, 0600));
    while (access(file, F_OK) == 0) {
        (void)nanosleep(&pause, NULL);
    }
}

static void hold_sync(int fd)
{
    const char *named = getenv("HONE_TEST_HOLD_ENDING");
    const char *ending = named == NULL ? "-wal" : named;
    const char *file = getenv("HONE_TEST_HOLD_SYNC");
    char link[64];
    char path[4096];

    if (file == NULL || access(file, F_OK) != 0) {
        return;
    }
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path);
    size_t end = strlen(ending);
    if (len >= (ssize_t)end && memcmp(path + len - end, ending, end) == 0) {
        wait_while_there_is(file);
    }
}

typedef int sync_function(int fd);

static int slow_sync(const char *name, int fd)
{
    static atomic_long n_syncs;
    void *found = libc_function(name);
    sync_function *real;

    memcpy(&real, &found, sizeof real); /* ISO C has no cast from data to function */
    hold_sync(fd);
    delay("HONE_TEST_SYNC_DELAY_US");
    if (is_last("HONE_TEST_SYNC_FAILS_AT", &n_syncs)) {
        errno = EIO;
        return -1;
    }
    count_change();
    return real(fd);
}

int fsync(int fd)
{
    return slow_sync("fsync", fd);
}

int fdatasync(int fd)
{
    return slow_sync("fdatasync", fd);
}

int flock(int fd, int operation)
{
    int (*real)(int, int);
    void *found = libc_function("flock");
    struct flock all = {.l_type = (operation & LOCK_UN) != 0   ? F_UNLCK
                                  : (operation & LOCK_SH) != 0 ? F_RDLCK
                                                               : F_WRLCK,
                        .l_whence = SEEK_SET};

    if (getenv("HONE_TEST_FLOCK_OF_NFS") == NULL) {
        memcpy(&real, &found, sizeof real);
        return real(fd, operation);
    }
    return fcntl(fd, (operation & LOCK_NB) != 0 ? F_OFD_SETLK : F_OFD_SETLKW, &all);
}

typedef int path_function(const char *path, mode_t mode);

int mkdir(const char *path, mode_t mode)
{
    void *found = libc_function("mkdir");
    path_function *real;

    memcpy(&real, &found, sizeof real);
    count_change();
    return real(path, mode);
}

int rename(const char *from, const char *to)
{
    int (*real)(const char *, const char *);
    void *found = libc_function("rename");

    memcpy(&real, &found, sizeof real);
    count_change();
    return real(from, to);
}

int unlink(const char *path)
{
    int (*real)(const char *);
    void *found = libc_function("unlink");

    memcpy(&real, &found, sizeof real);
    count_change();
    return real(path);
}

static bool is_full(void)
{
    const char *path = getenv("HONE_TEST_FULL");

    return path != NULL && access(path, F_OK) == 0;
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
{
    ssize_t (*real)(int, const void *, size_t, off_t);
    void *found = libc_function("pwrite64");

    memcpy(&real, &found, sizeof real);
    delay("HONE_TEST_WRITE_DELAY_US");
    if (is_full()) {
        errno = ENOSPC;
        return -1;
    }
    if (is_last_change()) {
        if (getenv("HONE_TEST_TEAR") != NULL) {
            (void)real(fd, bytes, len / 2, at);
        }
        (void)kill(getpid(), SIGKILL);
    }
    ssize_t done = real(fd, bytes, len, at);
    count_done();
    return done;
}

ssize_t splice(int from, off64_t *from_at, int to, off64_t *to_at, size_t len, unsigned flags)
{
    ssize_t (*real)(int, off64_t *, int, off64_t *, size_t, unsigned);
    void *found = libc_function("splice");

    memcpy(&real, &found, sizeof real);
    ssize_t done = real(from, from_at, to, to_at, len, flags);
    count_done();
    return done;
}

static bool names(const char *file, const char *place)
{
    char text[256] = "";
    FILE *found = fopen(file, "re");
    size_t len = found == NULL ? 0 : fread(text, 1, sizeof text - 1, found);

    if (found != NULL) {
        (void)fclose(found);
    }
    return len > 0 && strcmp(text, place) == 0;
}

static void hold(const char *place)
{
    static atomic_bool was_held;
    const char *file = getenv("HONE_TEST_HOLD");

    if (file == NULL || !names(file, place) || atomic_exchange(&was_held, true)) {
        return;
    }
    wait_while_there_is(file);
}

int openat64(int folder, const char *path, int flags, ...)
{
    int (*real)(int, const char *, int, ...);
    void *found = libc_function("openat64");
    va_list more;

    memcpy(&real, &found, sizeof real);
    va_start(more, flags);
    mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0;
    va_end(more);
    hold(path);
    return real(folder, path, flags, mode);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *argument)
{
    static atomic_long n_threads;
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    void *found = libc_function("pthread_create");

    memcpy(&real, &found, sizeof real);
    return is_last("HONE_TEST_THREAD_FAILS_AT", &n_threads)
               ? EAGAIN
               : real(thread, attributes, run, argument);
}

static void rename_fs(struct statfs *facts)
{
    const char *text = getenv("HONE_TEST_FS_TYPE");
    const char *free_bytes = getenv("HONE_TEST_FS_FREE");

    if (free_bytes != NULL) {
        facts->f_bavail = strtoul(free_bytes, NULL, 0) / (unsigned long)facts->f_bsize;
    }

    if (text != NULL) {
        facts->f_type = strtol(text, NULL, 0);
    }
}

int statfs(const char *path, struct statfs *facts)
{
    int (*real)(const char *, struct statfs *);
    void *found = libc_function("statfs");
    int result;

    memcpy(&real, &found, sizeof real);
    result = real(path, facts);
    rename_fs(facts);
    return result;
}

int fstatfs(int fd, struct statfs *facts)
{
    int (*real)(int, struct statfs *);
    void *found = libc_function("fstatfs");
    int result;

    memcpy(&real, &found, sizeof real);
    result = real(fd, facts);
    rename_fs(facts);
    return result;
}
