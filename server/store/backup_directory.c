#include "server/store/backup_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/own.h"
#include "common/rng.h"

#define MARK "hone-backups"       /* in the directory */
#define RECORD "backup-directory" /* in the data directory */
#define HEAD "hone-backups 1 identity="
#define DEPTH_MOST 40

struct record {
    char identity[STORE_IDENTITY_BYTES]; /* "": there is none */
    char path[PATH_MAX];
};

static int failed(const char *doing, const char *path, struct err *err)
{
    return err_set(err, err_code_of_errno(errno), "cannot %s %s: %s", doing, path, strerror(errno));
}

int backup_directory_usable(const char *folder, const char *data, struct err *err)
{
    struct stat named, own;

    if (stat(folder, &named) != 0 || !S_ISDIR(named.st_mode)
        || access(folder, R_OK | W_OK | X_OK) != 0) {
        return err_set(err, ERR_INVALID,
                       "--backup-directory %s: it must be a directory that this user may write to",
                       folder);
    }
    if ((named.st_mode & S_IWOTH) != 0 && (named.st_mode & S_ISVTX) == 0) {
        return err_set(err, ERR_INVALID,
                       "--backup-directory %s: every user may write to it, and could replace a "
                       "backup; chmod o-w %s",
                       folder, folder);
    }
    if (stat(data, &own) == 0 && own.st_dev == named.st_dev && own.st_ino == named.st_ino) {
        return err_set(err, ERR_INVALID,
                       "--backup-directory %s: it is the data directory; name another one, on "
                       "another disk if there is one",
                       folder);
    }
    return 0;
}

/* ---- the two files ---- */

/* The text of a file, without its last line feed; -1: it cannot be read, see errno. */
static ssize_t read_text(const char *path, char *text, size_t size)
{
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    ssize_t len = fd < 0 ? -1 : read(fd, text, size - 1);

    text[len < 0 ? 0 : len] = '\0';
    if (len > 0 && text[len - 1] == '\n') {
        text[--len] = '\0';
    }
    return len;
}

/* identity ← what stands in such a line; false: it is none. *rest ← what comes behind. */
static bool read_identity(const char *text, char identity[STORE_IDENTITY_BYTES], const char **rest)
{
    const char *hex = text + sizeof HEAD - 1;

    if (strncmp(text, HEAD, sizeof HEAD - 1) != 0
        || strspn(hex, "0123456789abcdef") != STORE_IDENTITY_BYTES - 1) {
        return false;
    }
    memcpy(identity, hex, STORE_IDENTITY_BYTES - 1);
    identity[STORE_IDENTITY_BYTES - 1] = '\0';
    *rest = hex + STORE_IDENTITY_BYTES - 1;
    return true;
}

/* identity ← "" where the directory has no mark, or one that was cut short. */
static int read_mark(const char *folder, char identity[STORE_IDENTITY_BYTES], struct err *err)
{
    char path[PATH_MAX];
    char text[128];
    const char *rest;

    identity[0] = '\0';
    (void)snprintf(path, sizeof path, "%s/" MARK, folder);
    if (read_text(path, text, sizeof text) < 0) {
        return errno == ENOENT || errno == ENOTDIR ? 0 : failed("read", path, err);
    }
    if (!read_identity(text, identity, &rest) || *rest != '\0') {
        identity[0] = '\0';
    }
    return 0;
}

static int read_record(const char *data, struct record *record, struct err *err)
{
    char path[PATH_MAX];
    char text[PATH_MAX + 128];
    const char *rest;

    record->identity[0] = '\0';
    (void)snprintf(path, sizeof path, "%s/" RECORD, data);
    if (read_text(path, text, sizeof text) < 0) {
        return errno == ENOENT ? 0 : failed("read", path, err);
    }
    if (!read_identity(text, record->identity, &rest) || *rest != '\n'
        || snprintf(record->path, sizeof record->path, "%s", rest + 1)
               >= (int)sizeof record->path) {
        return err_set(err, ERR_WRONG_STATE,
                       "%.300s is damaged: it does not say where backups went to; look whether "
                       "they go to the right directory now, and remove this file",
                       path);
    }
    return 0;
}

/* ---- is it the same? ---- */

/* *record ← what is known of this very directory; "" where that is nothing. */
static int recall(const char *folder, const char *data, struct record *record, struct err *err)
{
    char real[PATH_MAX];

    TRY(read_record(data, record, err));
    if (record->identity[0] == '\0') {
        return 0;
    }
    if (realpath(folder, real) == NULL) {
        return err_set(err, ERR_WRONG_STATE,
                       "cannot use the backup directory %.250s: %s; is its file system mounted?",
                       folder, strerror(errno));
    }
    if (strcmp(real, record->path) != 0) {
        record->identity[0] = '\0';
    }
    return 0;
}

/* The name behind the last slash; parent ← what stands before it. The path ends with no slash. */
static const char *split(const char *path, char parent[PATH_MAX])
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        (void)snprintf(parent, PATH_MAX, ".");
        return path;
    }
    (void)snprintf(parent, PATH_MAX, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return slash + 1;
}

/* real ← what realpath() would give if what is missing were there; a link that leads nowhere now is
 * followed. `depth`: so many links and missing names at most. */
static bool real_path_of(const char *path, char real[PATH_MAX], int depth)
{
    char whole[PATH_MAX];
    char parent[PATH_MAX];
    char to[PATH_MAX];
    size_t len = strlen(path);

    if (realpath(path, real) != NULL) {
        return true;
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    if (depth == 0 || len == 0 || len >= sizeof whole) {
        return false;
    }
    (void)snprintf(whole, sizeof whole, "%.*s", (int)len, path);
    const char *name = split(whole, parent);
    if (!real_path_of(parent, real, depth - 1)) {
        return false;
    }
    const char *base = strcmp(real, "/") == 0 ? "" : real;
    ssize_t linked = readlink(whole, to, sizeof to - 1);
    to[linked < 0 ? 0 : linked] = '\0';
    int n = linked > 0 && to[0] == '/'
                ? snprintf(parent, sizeof parent, "%s", to)
                : snprintf(parent, sizeof parent, "%s/%s", base, linked > 0 ? to : name);
    if (n >= (int)sizeof parent) {
        return false;
    }
    if (linked > 0) {
        return real_path_of(parent, real, depth - 1);
    }
    memcpy(real, parent, sizeof parent);
    return true;
}

bool backup_directory_was_used(const char *folder, const char *data)
{
    struct record record;
    struct err ignored;
    char real[PATH_MAX];

    return read_record(data, &record, &ignored) == 0 && record.identity[0] != '\0'
           && real_path_of(folder, real, DEPTH_MOST) && strcmp(real, record.path) == 0;
}

int backup_directory_check(const char *folder, const char *data, struct err *err)
{
    struct record record;
    char found[STORE_IDENTITY_BYTES];

    TRY(recall(folder, data, &record, err));
    if (record.identity[0] == '\0') {
        return 0;
    }
    TRY(read_mark(folder, found, err));
    if (strcmp(found, record.identity) == 0) {
        return 0;
    }
    return err_set(err, ERR_WRONG_STATE,
                   "%.120s is not the directory that backups went to before: its file " MARK " %s; "
                   "mount the right file system there, or, if backups are to go to this one from "
                   "now on, remove %.120s/" RECORD,
                   folder,
                   found[0] == '\0' ? "is missing, as where its file system is not mounted"
                                    : "is that of another one",
                   data);
}

/* ---- marking it ---- */

static void make_identity(char identity[STORE_IDENTITY_BYTES])
{
    unsigned char bytes[(STORE_IDENTITY_BYTES - 1) / 2];

    rng_entropy(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(identity + 2 * i, 3, "%02x", bytes[i]);
    }
}

static int sync_folder(const char *folder, struct err *err)
{
    OWN(fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd < 0 || fsync(fd) != 0 ? failed("sync", folder, err) : 0;
}

static int write_text(const char *path, int flags, const char *identity, const char *more,
                      struct err *err)
{
    OWN(fd) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);

    if (fd < 0) {
        return failed("write", path, err);
    }
    if (dprintf(fd, HEAD "%s\n%s", identity, more) < 0 || fsync(fd) != 0) {
        (void)failed("write", path, err);
        (void)unlink(path);
        return -1;
    }
    return 0;
}

/* A mark appears whole, and none takes the place of another one, which a server knows already.
 * identity ← what the directory has then. */
static int give_mark(const char *fresh, const char *folder, char identity[STORE_IDENTITY_BYTES],
                     struct err *err)
{
    char found[STORE_IDENTITY_BYTES];
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/" MARK, folder);
    bool is_linked = link(fresh, path) == 0;
    if (!is_linked && errno == EEXIST) {
        TRY(read_mark(folder, found, err));
        if (found[0] != '\0') { /* another server was faster */
            memcpy(identity, found, sizeof found);
            is_linked = true;
        }
    }
    /* One that was cut short goes; some file systems have no links. */
    if (is_linked ? unlink(fresh) != 0 : rename(fresh, path) != 0) {
        return failed("write", path, err);
    }
    return sync_folder(folder, err);
}

int backup_directory_mark(const char *folder, char identity[STORE_IDENTITY_BYTES], struct err *err)
{
    char fresh[PATH_MAX];

    TRY(read_mark(folder, identity, err));
    if (identity[0] != '\0') {
        return 0;
    }
    make_identity(identity);
    (void)snprintf(fresh, sizeof fresh, "%s/" MARK ".%s", folder, identity);
    TRY(write_text(fresh, O_EXCL, identity, "", err));
    (void)chmod(fresh, 0644); /* for a server of another user; it is no secret */
    if (give_mark(fresh, folder, identity, err) != 0) {
        (void)unlink(fresh);
        return -1;
    }
    return 0;
}

int backup_directory_remember(const char *folder, const char *data,
                              const char identity[STORE_IDENTITY_BYTES], struct err *err)
{
    struct record known;
    char real[PATH_MAX];
    char line[PATH_MAX + 1];
    char path[PATH_MAX];
    char fresh[PATH_MAX + 8];

    TRY(recall(folder, data, &known, err));
    if (strcmp(known.identity, identity) == 0) {
        return 0;
    }
    if (realpath(folder, real) == NULL) {
        return failed("use", folder, err);
    }
    (void)snprintf(line, sizeof line, "%s\n", real);
    (void)snprintf(path, sizeof path, "%s/" RECORD, data);
    (void)snprintf(fresh, sizeof fresh, "%s.new", path);
    TRY(write_text(fresh, O_TRUNC, identity, line, err));
    if (rename(fresh, path) != 0) {
        return failed("write", path, err);
    }
    return sync_folder(data, err);
}
