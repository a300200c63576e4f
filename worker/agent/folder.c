#include "worker/agent/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/agent/owner.h"
#include "worker/agent/tree_remove.h"

#define CHECKPOINT "checkpoint"
#define UNPUBLISHED CHECKPOINT ".new"
#define COPYING CHECKPOINT ".copy"
#define ATTEMPT "attempt-"
#define CLAIMS_MAX 10000
#define MAKE_TRIES_MAX 100

void folder_finish(struct folder *folder)
{
    free(folder->base);
    free(folder->log);
    free(folder->params);
    free(folder->parameters);
    free(folder->control);
    free(folder->owner);
    free(folder->checkpoint);
    free(folder->copying);
    free(folder->published);
    free(folder->granted);
    free(folder->made_at);
    *folder = (struct folder){0};
}

/* Makes what is missing of the path, part by part, and checks that it can be written: 0, or errno,
 * with the part that failed in `part`. */
static int make_parts(const char *path, size_t len, char part[PATH_MAX])
{
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0') {
            continue;
        }
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST) {
            return errno;
        }
    }
    return access(path, W_OK | X_OK) == 0 ? 0 : errno;
}

int folder_make(const char *path, struct err *err)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    int fault = ENOENT;

    if (len == 0 || len >= sizeof part) {
        return err_set(err, ERR_INVALID, "the path of the work directory is too long");
    }
    /* a worker that leaves removes what it leaves empty, perhaps this very folder */
    for (int tries = 0; tries < MAKE_TRIES_MAX && fault == ENOENT; tries++) {
        fault = make_parts(path, len, part);
    }
    if (fault != 0) {
        errno = fault;
        return err_set(err, ERR_IO,
                       "the folder %s cannot be made or written: %s; name another with --workdir",
                       part, strerror(fault));
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

/* WORKDIR/<server>/<study>/<trial> */
static int name_trial(const char *workdir, const char *url, const struct lease_grant *grant,
                      struct buf *path, struct err *err)
{
    buf_puts(path, workdir);
    buf_putc(path, '/');
    append_server(path, url);
    buf_printf(path, "/%s/%" PRId64, grant->study[0] == '\0' ? "_" : grant->study, grant->trial);
    return buf_check(path, err);
}

static int name_claim(const char *trial, int64_t attempt, int taken, char **path, struct err *err)
{
    int len = taken == 0
                  ? asprintf(path, "%s/" ATTEMPT "%" PRId64, trial, attempt)
                  : asprintf(path, "%s/" ATTEMPT "%" PRId64 ".%d", trial, attempt, taken + 1);

    return len < 0 ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

/* Makes the first folder attempt-N, attempt-N.2, … that is not there: mkdir() succeeds once for a
 * name, on a network file system too. The trial's may vanish while it is empty: who makes room
 * removes it. */
static int claim(const char *trial, int64_t attempt, char **base, struct err *err)
{
    for (int taken = 0, missing = 0; taken < CLAIMS_MAX && missing < CLAIMS_MAX;) {
        OWN(memory) char *path = NULL;
        TRY(name_claim(trial, attempt, taken, &path, err));
        if (mkdir(path, 0700) == 0) {
            *base = path;
            path = NULL;
            return 0;
        }
        if (errno == EEXIST) {
            taken++;
        } else if (errno == ENOENT && folder_make(trial, err) != 0 && missing++ > 0) {
            return -1;
        } else if (errno != ENOENT && errno != EEXIST) {
            return err_set(err, ERR_IO, "the folder %s cannot be made: %s", path, strerror(errno));
        }
    }
    return err_set(err, ERR_IO, "%s is full of folders of attempt %" PRId64 "; remove them", trial,
                   attempt);
}

/* Names what is in the folder, and the log beside it. */
static int name_files(const char *base, struct folder *folder, struct err *err)
{
    const struct {
        char **path;
        const char *behind;
    } files[] = {{&folder->log, ".log"},
                 {&folder->params, "/params.json"},
                 {&folder->parameters, "/parameters"},
                 {&folder->control, "/control.json"},
                 {&folder->owner, "/owner"},
                 {&folder->checkpoint, "/" UNPUBLISHED},
                 {&folder->copying, "/" COPYING},
                 {&folder->published, "/" CHECKPOINT}};

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (asprintf(files[i].path, "%s%s", base, files[i].behind) < 0) {
            *files[i].path = NULL;
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    return 0;
}

static bool is_found(const char *workdir, const struct lease_grant *grant)
{
    return grant->from > 0 && grant->checkpoint.present
           && lies_within(workdir, grant->checkpoint.uri)
           && !folder_is_empty(grant->checkpoint.uri);
}

int folder_open(struct folder *folder, const char *workdir, const char *url,
                const struct lease_grant *grant, struct err *err)
{
    OWN(buf) struct buf trial;

    buf_init(&trial, PATH_MAX - 64);
    TRY(name_trial(workdir, url, grant, &trial, err));
    TRY(claim(buf_text(&trial), grant->attempt, &folder->base, err));
    if (name_files(folder->base, folder, err) != 0) {
        folder_finish(folder);
        return -1;
    }
    if (!is_found(workdir, grant)) {
        return folder_make(folder->checkpoint, err);
    }
    folder->granted = strdup(grant->checkpoint.uri);
    if (folder->granted == NULL || asprintf(&folder->made_at, "%s.new", folder->granted) < 0) {
        folder->made_at = NULL;
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

int folder_reopen(struct folder *folder, const char *base, struct err *err)
{
    struct stat info;

    if (base[0] != '/' || lstat(base, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return 0;
    }
    folder->base = strdup(base);
    if (folder->base == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (name_files(base, folder, err) != 0) {
        folder_finish(folder);
        return -1;
    }
    return 0;
}

int folder_own(const struct folder *folder, const char *host, pid_t shim, struct err *err)
{
    return owner_write(folder->owner, host, shim, err);
}

bool folder_has_log(const struct folder *folder)
{
    struct stat info;

    return folder->log != NULL && stat(folder->log, &info) == 0 && info.st_size > 0;
}

bool folder_is_empty(const char *path)
{
    DIR *dir = path == NULL ? NULL : opendir(path);
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

int folder_publish(const struct folder *folder, struct err *err)
{
    struct stat info;

    if (folder_is_empty(folder->checkpoint) || lstat(folder->checkpoint, &info) != 0
        || !S_ISDIR(info.st_mode)) {
        return 0;
    }
    if (rename(folder->checkpoint, folder->published) != 0) {
        return err_set(err, ERR_IO, "the checkpoint %s cannot be renamed: %s", folder->checkpoint,
                       strerror(errno));
    }
    int linked = symlink(CHECKPOINT, folder->checkpoint); /* what it kept may name that folder */
    (void)linked;
    return 0;
}

/* ---- removing ---- */

/* A folder with all that is in it, or a link. */
static void remove_whole(const char *path)
{
    struct err err;

    if (unlink(path) != 0 && tree_remove_below(path, &err) == 0) {
        (void)rmdir(path);
    }
}

/* … "/a/b/c" → "/a/b", if nothing is in it. */
static void remove_empty_parent(const char *path)
{
    char base[PATH_MAX];

    (void)snprintf(base, sizeof base, "%.*s", (int)(strrchr(path, '/') - path), path);
    (void)rmdir(base);
}

static void remove_base(const struct folder *folder)
{
    (void)rmdir(folder->base); /* these two only if nothing is in them */
    remove_empty_parent(folder->base);
}

static void remove_parameters(const struct folder *folder)
{
    static const char *const endings[] = {".json", ".yaml"};
    char path[PATH_MAX];

    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        (void)snprintf(path, sizeof path, "%s%s", folder->parameters, endings[i]);
        (void)unlink(path);
    }
}

/* Of a checkpoint that was packed or fetched when the worker was killed. */
static void remove_packed(const char *path)
{
    char packed[PATH_MAX];

    (void)snprintf(packed, sizeof packed, "%s.tar", path);
    (void)unlink(packed);
}

void folder_tidy(const struct folder *folder)
{
    struct stat info;

    (void)unlink(folder->params);
    remove_parameters(folder);
    (void)unlink(folder->control);
    (void)unlink(folder->owner);
    if (stat(folder->log, &info) == 0 && info.st_size == 0) {
        (void)unlink(folder->log);
    }
    remove_packed(folder->checkpoint);
    remove_packed(folder->published);
    remove_whole(folder->copying);
    if (access(folder->published, F_OK) != 0) {
        remove_whole(folder->checkpoint);
    }
    remove_base(folder);
}

void folder_abandon(const struct folder *folder)
{
    remove_whole(folder->published);
    folder_tidy(folder);
}

void folder_end(const struct folder *folder)
{
    (void)unlink(folder->owner);
}

/* "attempt-2.3" → 2; 0: something else. */
static int64_t attempt_of(const char *name)
{
    int64_t attempt = 0;
    int len = 0;

    if (sscanf(name, ATTEMPT "%" SCNd64 "%n", &attempt, &len) != 1
        || (name[len] != '\0' && name[len] != '.') || strstr(name, ".log") != NULL) {
        return 0;
    }
    return attempt;
}

static bool is_same(const char *a, const char *b)
{
    struct stat at_a;
    struct stat at_b;

    return stat(a, &at_a) == 0 && stat(b, &at_b) == 0 && at_a.st_dev == at_b.st_dev
           && at_a.st_ino == at_b.st_ino;
}

static void remove_if_ended(const char *base, const struct lease_grant *grant, const char *host)
{
    OWN(folder) struct folder old = {.base = strdup(base)};
    struct err err;

    if (old.base == NULL || name_files(base, &old, &err) != 0 || !owner_is_gone(old.owner, host)) {
        return;
    }
    if (grant->checkpoint.present && is_same(old.published, grant->checkpoint.uri)) {
        folder_tidy(&old);
    } else {
        folder_abandon(&old);
    }
}

void folder_remove_superseded(const struct folder *folder, const struct lease_grant *grant,
                              const char *host)
{
    char trial[PATH_MAX];
    char base[PATH_MAX];

    (void)snprintf(trial, sizeof trial, "%.*s", (int)(strrchr(folder->base, '/') - folder->base),
                   folder->base);
    DIR *dir = opendir(trial);
    for (struct dirent *entry = dir == NULL ? NULL : readdir(dir); entry != NULL;
         entry = readdir(dir)) {
        int64_t attempt = attempt_of(entry->d_name);
        if (attempt > 0 && attempt < grant->attempt
            && snprintf(base, sizeof base, "%s/%s", trial, entry->d_name) < (int)sizeof base) {
            remove_if_ended(base, grant, host);
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
}

void folder_discard(const char *workdir, const char *uri)
{
    const char *name = strrchr(uri, '/');
    char base[PATH_MAX];
    char link[PATH_MAX];

    if (name == NULL || strcmp(name + 1, CHECKPOINT) != 0 || !lies_within(workdir, uri)) {
        return;
    }
    remove_whole(uri);
    (void)snprintf(base, sizeof base, "%.*s", (int)(name - uri), uri);
    if (snprintf(link, sizeof link, "%s/" UNPUBLISHED, base) < (int)sizeof link) {
        (void)unlink(link);
    }
    (void)rmdir(base); /* unless something else is in it */
    name = strrchr(base, '/');
    if (name != NULL && attempt_of(name + 1) > 0) {
        remove_empty_parent(base);
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
