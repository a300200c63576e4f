#include "server/files/uploads.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/digest.h"
#include "common/wire/checkpoint.h"
#include "server/files/uploads_private.h"

#define PREFIX "sha256:"
#define INCOMING "incoming"
#define TRIALS "trials"
#define SPARE_CHECK_BYTES ((int64_t)1 << 20)

struct upload {
    struct uploads *uploads;
    int fd;
    char path[UPLOAD_PATH_BYTES]; /* in incoming/; "": it is gone */
    int64_t bytes, checked_bytes;
    struct digest *digest;
};

static int fault(const char *what, struct err *err)
{
    return err_set(err, err_code_of_errno(errno), "an uploaded file cannot be %s: %s", what,
                   strerror(errno));
}

/* ---- the folders ---- */

static void clear_incoming(const struct uploads *uploads)
{
    int fd = openat(uploads->folder, INCOMING, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    if (folder == NULL) {
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    (void)closedir(folder);
}

static int make_folder(int at, const char *path, struct err *err)
{
    return mkdirat(at, path, 0700) == 0 || errno == EEXIST ? 0 : fault("kept", err);
}

static int open_folders(struct uploads *uploads, struct err *err)
{
    OWN(fd) int data = open(uploads->settings.directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (data < 0) {
        return fault("kept", err);
    }
    TRY(make_folder(data, "files", err));
    uploads->folder = openat(data, "files", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (uploads->folder < 0) {
        return fault("kept", err);
    }
    TRY(make_folder(uploads->folder, INCOMING, err));
    TRY(make_folder(uploads->folder, TRIALS, err));
    clear_incoming(uploads);
    return 0;
}

int uploads_create(const struct uploads_settings *settings, struct uploads **uploads,
                   struct err *err)
{
    OWN(uploads) struct uploads *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->settings = *settings;
    atomic_init(&made->limit, settings->limit);
    made->folder = -1;
    (void)pthread_mutex_init(&made->lock, NULL);
    if (open_folders(made, err) != 0) {
        return err_wrap(err, "%s/files", settings->directory);
    }
    *uploads = made;
    made = NULL;
    return 0;
}

void uploads_destroy(struct uploads *uploads)
{
    if (uploads != NULL) {
        if (uploads->folder >= 0) {
            (void)close(uploads->folder);
        }
        (void)pthread_mutex_destroy(&uploads->lock);
        free(uploads);
    }
}

int64_t uploads_limit(const struct uploads *uploads)
{
    return atomic_load(&uploads->limit);
}

void uploads_set_limit(struct uploads *uploads, int64_t limit)
{
    atomic_store(&uploads->limit, limit);
}

/* ---- names ---- */

static void content_path(const char *uri, char path[UPLOAD_PATH_BYTES])
{
    const char *digits = uri + strlen(PREFIX);

    (void)snprintf(path, UPLOAD_PATH_BYTES, "%.2s/%s", digits, digits + 2);
}

static void link_path(int64_t study, int64_t trial, const char *uri, char path[UPLOAD_PATH_BYTES])
{
    (void)snprintf(path, UPLOAD_PATH_BYTES, TRIALS "/%" PRId64 "/%" PRId64 "/%s", study, trial,
                   uri + strlen(PREFIX));
}

/* ---- one upload ---- */

static int check_room(const struct uploads *uploads, struct err *err)
{
    struct statvfs disk;

    if (fstatvfs(uploads->folder, &disk) != 0
        || (int64_t)disk.f_bavail * (int64_t)disk.f_frsize >= uploads->settings.spare_bytes) {
        return 0;
    }
    return err_set(err, ERR_STORAGE_FULL,
                   "the server's disk is nearly full, and what is left is kept for results: the "
                   "file was not taken");
}

int upload_begin(struct uploads *uploads, struct upload **upload, struct err *err)
{
    TRY(check_room(uploads, err));
    OWN(upload) struct upload *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->uploads = uploads;
    (void)snprintf(made->path, sizeof made->path, INCOMING "/%lu",
                   atomic_fetch_add(&uploads->n_begun, 1));
    made->fd = openat(uploads->folder, made->path,
                      O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (made->fd < 0) {
        made->path[0] = '\0';
        return fault("made", err);
    }
    TRY(digest_create(&made->digest, err));
    *upload = made;
    made = NULL;
    return 0;
}

int upload_write(struct upload *upload, const void *bytes, size_t len, struct err *err)
{
    const char *at = bytes;
    size_t left = len;

    if (upload->bytes - upload->checked_bytes >= SPARE_CHECK_BYTES) {
        TRY(check_room(upload->uploads, err));
        upload->checked_bytes = upload->bytes;
    }
    while (left > 0) {
        ssize_t put = write(upload->fd, at, left);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return fault("written", err);
        }
        at += put;
        left -= (size_t)put;
    }
    digest_add(upload->digest, bytes, len);
    upload->bytes += (int64_t)len;
    return 0;
}

int64_t upload_bytes(const struct upload *upload)
{
    return upload->bytes;
}

void upload_destroy(struct upload *upload)
{
    if (upload == NULL) {
        return;
    }
    if (upload->path[0] != '\0') {
        (void)unlinkat(upload->uploads->folder, upload->path, 0);
    }
    if (upload->fd >= 0) {
        (void)close(upload->fd);
    }
    digest_destroy(upload->digest);
    free(upload);
}

static int sync_folder(const struct uploads *uploads, const char *path, struct err *err)
{
    OWN(fd) int fd = openat(uploads->folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd >= 0 && fsync(fd) == 0 ? 0 : fault("kept", err);
}

/* Under the lock: the content has its name, if it had none. */
static int store_content(struct upload *upload, const char *uri, struct err *err)
{
    struct uploads *uploads = upload->uploads;
    char path[UPLOAD_PATH_BYTES];
    char folder[4];

    content_path(uri, path);
    (void)snprintf(folder, sizeof folder, "%.2s", path);
    if (faccessat(uploads->folder, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
        return 0; /* stored before: this copy goes when the upload is destroyed */
    }
    TRY(make_folder(uploads->folder, folder, err));
    if (renameat(uploads->folder, upload->path, uploads->folder, path) != 0) {
        return fault("kept", err);
    }
    upload->path[0] = '\0';
    uploads_count(uploads, path, 1, upload->bytes);
    TRY(sync_folder(uploads, folder, err));
    return sync_folder(uploads, ".", err);
}

static int link_for_trial(const struct uploads *uploads, int64_t study, int64_t trial,
                          const char *uri, struct err *err)
{
    char content[UPLOAD_PATH_BYTES];
    char path[UPLOAD_PATH_BYTES];
    char folder[UPLOAD_PATH_BYTES];
    char parent[UPLOAD_PATH_BYTES];

    content_path(uri, content);
    (void)snprintf(parent, sizeof parent, TRIALS "/%" PRId64, study);
    (void)snprintf(folder, sizeof folder, TRIALS "/%" PRId64 "/%" PRId64, study, trial);
    TRY(make_folder(uploads->folder, parent, err));
    TRY(make_folder(uploads->folder, folder, err));
    link_path(study, trial, uri, path);
    if (linkat(uploads->folder, content, uploads->folder, path, 0) != 0 && errno != EEXIST) {
        return fault("linked", err);
    }
    TRY(sync_folder(uploads, folder, err));
    TRY(sync_folder(uploads, parent, err));
    return sync_folder(uploads, TRIALS, err);
}

static void write_uri(struct upload *upload, char uri[UPLOAD_URI_BYTES])
{
    unsigned char sum[SHA256_BYTES];
    size_t at = strlen(PREFIX);

    digest_end(upload->digest, sum);
    (void)strcpy(uri, PREFIX);
    for (size_t i = 0; i < sizeof sum; i++) {
        (void)snprintf(uri + at + 2 * i, 3, "%02x", sum[i]);
    }
}

int upload_finish(struct upload *upload, int64_t study, int64_t trial, char uri[UPLOAD_URI_BYTES],
                  struct err *err)
{
    struct uploads *uploads = upload->uploads;

    if (fsync(upload->fd) != 0) {
        return fault("written", err);
    }
    write_uri(upload, uri);
    (void)pthread_mutex_lock(&uploads->lock);
    int result = store_content(upload, uri, err);
    if (result == 0) {
        result = link_for_trial(uploads, study, trial, uri, err);
    }
    (void)pthread_mutex_unlock(&uploads->lock);
    atomic_fetch_add(&uploads->received, result == 0 ? 1 : 0);
    return result;
}

int upload_open(const struct uploads *uploads, int64_t study, int64_t trial, const char *uri,
                int *fd, struct err *err)
{
    char path[UPLOAD_PATH_BYTES];

    *fd = -1;
    if (checkpoint_uri_is_uploaded(uri)) {
        link_path(study, trial, uri, path);
        *fd = openat(uploads->folder, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    }
    return *fd >= 0 ? 0 : err_set(err, ERR_NOT_FOUND, "the trial has no such uploaded file");
}

/* ---- counters ---- */

bool uploads_are_used(const struct uploads *uploads)
{
    return !atomic_load(&uploads->counted) || atomic_load(&uploads->files) > 0;
}

void uploads_stats(const struct uploads *uploads, struct uploads_stats *stats)
{
    *stats = (struct uploads_stats){.files = atomic_load(&uploads->files),
                                    .bytes = atomic_load(&uploads->bytes),
                                    .received = atomic_load(&uploads->received)};
}
