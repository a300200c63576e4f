#include "worker/agent/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHECKPOINT "checkpoint"

void folder_finish(struct folder *folder)
{
    free(folder->log);
    free(folder->params);
    free(folder->control);
    free(folder->checkpoint);
    *folder = (struct folder){0};
}

int folder_make(const char *path, struct err *err)
{
    char part[PATH_MAX];
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof part) {
        return err_set(err, ERR_INVALID, "the path of the work directory is too long");
    }
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST) {
            return err_set(err, ERR_IO,
                           "the folder %s cannot be made: %s; name another with --workdir", part,
                           strerror(errno));
        }
    }
    if (access(path, W_OK | X_OK) != 0) {
        return err_set(err, ERR_IO,
                       "the folder %s cannot be written: %s; name another with --workdir", path,
                       strerror(errno));
    }
    return 0;
}

/* "http://gpu-head:4663" → "gpu-head_4663" */
static void append_server(struct buf *path, const char *url)
{
    const char *at = strstr(url, "://");

    for (at = at == NULL ? url : at + 3; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')
                     || (*at >= '0' && *at <= '9') || *at == '-';
        buf_putc(path, plain ? *at : '_');
    }
}

static int join(const struct buf *base, const char *name, char **out, struct err *err)
{
    if (base->failed || asprintf(out, "%s/%s", buf_text(base), name) < 0) {
        *out = NULL;
        (void)err_set(err, ERR_NOMEM, "out of memory");
        return -1;
    }
    return 0;
}

/* Is this an existing folder below the work directory, however it is spelled? */
static bool lies_within(const char *workdir, const char *path)
{
    char real[PATH_MAX];
    char root[PATH_MAX];

    if (path[0] != '/' || realpath(path, real) == NULL || realpath(workdir, root) == NULL) {
        return false;
    }
    size_t len = strlen(root);
    return strncmp(real, root, len) == 0 && real[len] == '/';
}

int folder_open(struct folder *folder, const char *workdir, const char *url,
                const struct lease_grant *grant, struct err *err)
{
    OWN(buf) struct buf base;
    char log[48];

    buf_init(&base, PATH_MAX - 64);
    buf_puts(&base, workdir);
    buf_putc(&base, '/');
    append_server(&base, url);
    buf_printf(&base, "/%s/%" PRId64, grant->study[0] == '\0' ? "_" : grant->study, grant->trial);
    TRY(buf_check(&base, err));
    (void)snprintf(log, sizeof log, "attempt-%" PRId64 ".log", grant->attempt);
    TRY(join(&base, log, &folder->log, err));
    TRY(join(&base, "params.json", &folder->params, err));
    TRY(join(&base, "control.json", &folder->control, err));
    TRY(folder_make(buf_text(&base), err));
    if (grant->from > 0 && grant->checkpoint.present
        && lies_within(workdir, grant->checkpoint.uri)) {
        folder->checkpoint = strdup(grant->checkpoint.uri);
        return folder->checkpoint == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
    }
    TRY(join(&base, CHECKPOINT, &folder->checkpoint, err));
    return folder_make(folder->checkpoint, err);
}

bool folder_is_empty(const char *path)
{
    DIR *dir = opendir(path);
    bool empty = true;

    if (dir == NULL) {
        return true;
    }
    for (struct dirent *entry = readdir(dir); entry != NULL && empty; entry = readdir(dir)) {
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    }
    (void)closedir(dir);
    return empty;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    return place->level == 0 ? 0 : remove(path);
}

int folder_clear(const char *path, struct err *err)
{
    if (nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT) {
        return err_set(err, ERR_IO, "the folder %s cannot be emptied: %s", path, strerror(errno));
    }
    return 0;
}

void folder_tidy(const struct folder *folder)
{
    struct stat info;
    char base[PATH_MAX];
    const char *end = strrchr(folder->params, '/');

    (void)unlink(folder->params);
    (void)unlink(folder->control);
    if (stat(folder->log, &info) == 0 && info.st_size == 0) {
        (void)unlink(folder->log);
    }
    (void)rmdir(folder->checkpoint); /* these two only if nothing is in them */
    (void)snprintf(base, sizeof base, "%.*s", (int)(end - folder->params), folder->params);
    (void)rmdir(base);
}

void folder_discard(const char *workdir, const char *uri)
{
    const char *name = strrchr(uri, '/');
    char base[PATH_MAX];
    struct err err;

    if (name != NULL && strcmp(name + 1, CHECKPOINT) == 0 && lies_within(workdir, uri)
        && folder_clear(uri, &err) == 0) {
        (void)rmdir(uri);
        (void)snprintf(base, sizeof base, "%.*s", (int)(name - uri), uri);
        (void)rmdir(base); /* the trial's, unless a log is in it */
    }
}

static int write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t put = write(fd, text, len);
        if (put < 0 && errno != EINTR) {
            return -1;
        }
        if (put > 0) {
            text += put;
            len -= (size_t)put;
        }
    }
    return 0;
}

int folder_write(const char *path, const char *text, size_t len, struct err *err)
{
    char beside[PATH_MAX];

    if (snprintf(beside, sizeof beside, "%s.new", path) >= (int)sizeof beside) {
        return err_set(err, ERR_IO, "the path %s is too long", path);
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    int rc = fd < 0 ? -1 : write_all(fd, text, len);
    if (fd >= 0 && close(fd) != 0) {
        rc = -1;
    }
    if (rc != 0 || rename(beside, path) != 0) {
        return err_set(err, ERR_IO, "the file %s cannot be written: %s", path, strerror(errno));
    }
    return 0;
}
