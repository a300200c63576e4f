/* Which uploaded files are kept: those that a trial still needs. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/files/uploads_private.h"

static DIR *open_folder(const struct uploads *uploads, const char *path)
{
    int fd = openat(uploads->folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);

    if (fd >= 0 && folder == NULL) {
        (void)close(fd);
    }
    return folder;
}

/* Content that no link is left of is removed, and counted so where `counts`; under the lock.
 * Returns the bytes of what stays, -1 when nothing does. */
static int64_t keep_linked(struct uploads *uploads, const char *path, bool counts)
{
    struct stat status;

    if (fstatat(uploads->folder, path, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return -1;
    }
    if (status.st_nlink > 1 || unlinkat(uploads->folder, path, 0) != 0) {
        return (int64_t)status.st_size;
    }
    if (counts) {
        uploads_count(uploads, path, -1, -(int64_t)status.st_size);
    }
    return -1;
}

struct trial_folder {
    struct uploads *uploads;
    const struct uploads_world *world;
    int64_t study, trial;
    int fd;
};

/* Whether it is needed is asked under the lock: what is linked after the answer is linked again. */
static void remove_unneeded(const struct trial_folder *folder, const char *digits)
{
    struct uploads *uploads = folder->uploads;
    const struct uploads_world *world = folder->world;
    char uri[UPLOAD_URI_BYTES];
    char content[UPLOAD_PATH_BYTES];

    (void)snprintf(uri, sizeof uri, "sha256:%.64s", digits);
    (void)snprintf(content, sizeof content, "%.2s/%.62s", digits, digits + 2);
    (void)pthread_mutex_lock(&uploads->lock);
    if (!world->needs(world->context, folder->study, folder->trial, uri)
        && unlinkat(folder->fd, digits, 0) == 0) {
        (void)keep_linked(uploads, content, true);
    }
    (void)pthread_mutex_unlock(&uploads->lock);
}

/* The folder, if nothing is in it; no link is made in it meanwhile. */
static void remove_empty(struct uploads *uploads, const char *path)
{
    (void)pthread_mutex_lock(&uploads->lock);
    (void)unlinkat(uploads->folder, path, AT_REMOVEDIR);
    (void)pthread_mutex_unlock(&uploads->lock);
}

static bool is_digest(const char *name)
{
    return strspn(name, "0123456789abcdef") == UPLOAD_DIGITS && name[UPLOAD_DIGITS] == '\0';
}

void uploads_prune_trial(struct uploads *uploads, int64_t study, int64_t trial,
                         const struct uploads_world *world)
{
    char path[UPLOAD_PATH_BYTES];
    const struct dirent *entry;

    (void)snprintf(path, sizeof path, "trials/%" PRId64 "/%" PRId64, study, trial);
    DIR *folder = open_folder(uploads, path);
    if (folder == NULL) {
        return;
    }
    const struct trial_folder its = {uploads, world, study, trial, dirfd(folder)};
    while ((entry = readdir(folder)) != NULL) {
        if (is_digest(entry->d_name)) {
            remove_unneeded(&its, entry->d_name);
        }
    }
    (void)closedir(folder);
    remove_empty(uploads, path);
}

/* ---- all ---- */

/* The names of a folder that are positive numbers, one by one. */
static bool next_number(DIR *folder, int64_t *number)
{
    const struct dirent *entry;

    while ((entry = readdir(folder)) != NULL) {
        char *end;
        *number = strtoll(entry->d_name, &end, 10);
        if (*number > 0 && *end == '\0') {
            return true;
        }
    }
    return false;
}

void uploads_prune_study(struct uploads *uploads, int64_t study, const struct uploads_world *world)
{
    char path[UPLOAD_PATH_BYTES];
    int64_t trial;

    (void)snprintf(path, sizeof path, "trials/%" PRId64, study);
    DIR *folder = open_folder(uploads, path);
    if (folder == NULL) {
        return;
    }
    while (next_number(folder, &trial)) {
        uploads_prune_trial(uploads, study, trial, world);
    }
    (void)closedir(folder);
    remove_empty(uploads, path);
}

/* Removes what no trial has, and counts the rest; under the lock, so that what is uploaded
 * meanwhile is counted once. */
static void count_content(struct uploads *uploads, const char *name)
{
    DIR *folder = open_folder(uploads, name);
    struct content_count found = {0};
    const struct dirent *entry;
    char path[UPLOAD_PATH_BYTES];

    if (folder == NULL) {
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof path, "%.2s/%.64s", name, entry->d_name);
        int64_t bytes = keep_linked(uploads, path, false);
        found.files += bytes >= 0;
        found.bytes += bytes >= 0 ? bytes : 0;
    }
    (void)closedir(folder);
    const struct content_count *known = uploads_counted(uploads, name);
    uploads_count(uploads, name, found.files - known->files, found.bytes - known->bytes);
}

static int count_all(struct uploads *uploads, struct err *err)
{
    DIR *folder = open_folder(uploads, ".");
    const struct dirent *entry;

    if (folder == NULL) {
        return err_set(err, err_code_of_errno(errno), "the uploaded files cannot be looked at: %s",
                       strerror(errno));
    }
    while ((entry = readdir(folder)) != NULL) {
        if (strlen(entry->d_name) == 2 && entry->d_name[0] != '.') {
            (void)pthread_mutex_lock(&uploads->lock);
            count_content(uploads, entry->d_name);
            (void)pthread_mutex_unlock(&uploads->lock);
        }
    }
    (void)closedir(folder);
    atomic_store(&uploads->counted, true);
    return 0;
}

int uploads_prune(struct uploads *uploads, const struct uploads_world *world, struct err *err)
{
    DIR *folder = open_folder(uploads, "trials");
    int64_t study;

    if (folder == NULL) {
        return err_set(err, err_code_of_errno(errno), "the uploaded files cannot be looked at: %s",
                       strerror(errno));
    }
    while (next_number(folder, &study)) {
        uploads_prune_study(uploads, study, world);
    }
    (void)closedir(folder);
    return count_all(uploads, err);
}
