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

/* Removes content that no link is left of; under the lock. */
static void remove_unlinked(struct uploads *uploads, const char *path)
{
    struct stat status;

    if (fstatat(uploads->folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_nlink == 1
        && unlinkat(uploads->folder, path, 0) == 0) {
        atomic_fetch_sub(&uploads->files, 1);
        atomic_fetch_sub(&uploads->bytes, (int64_t)status.st_size);
    }
}

static void remove_link(struct uploads *uploads, int folder, const char *digits)
{
    char content[UPLOAD_PATH_BYTES];

    (void)snprintf(content, sizeof content, "%.2s/%s", digits, digits + 2);
    (void)pthread_mutex_lock(&uploads->lock);
    if (unlinkat(folder, digits, 0) == 0) {
        remove_unlinked(uploads, content);
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
    while ((entry = readdir(folder)) != NULL) {
        char uri[UPLOAD_URI_BYTES];
        if (!is_digest(entry->d_name)) {
            continue;
        }
        (void)snprintf(uri, sizeof uri, "sha256:%.64s", entry->d_name);
        if (!world->needs(world->context, study, trial, uri)) {
            remove_link(uploads, dirfd(folder), entry->d_name);
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

struct content_count {
    int64_t files, bytes;
};

static void count_content(struct uploads *uploads, const char *name, struct content_count *count)
{
    DIR *folder = open_folder(uploads, name);
    const struct dirent *entry;
    struct stat status;
    char path[UPLOAD_PATH_BYTES];

    if (folder == NULL) {
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        (void)snprintf(path, sizeof path, "%.2s/%.64s", name, entry->d_name);
        (void)pthread_mutex_lock(&uploads->lock);
        remove_unlinked(uploads, path);
        (void)pthread_mutex_unlock(&uploads->lock);
        if (fstatat(uploads->folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0) {
            count->files++;
            count->bytes += (int64_t)status.st_size;
        }
    }
    (void)closedir(folder);
}

static int count_all(struct uploads *uploads, struct err *err)
{
    struct content_count count = {0};
    DIR *folder = open_folder(uploads, ".");
    const struct dirent *entry;

    if (folder == NULL) {
        return err_set(err, ERR_IO, "the uploaded files cannot be looked at: %s", strerror(errno));
    }
    while ((entry = readdir(folder)) != NULL) {
        if (strlen(entry->d_name) == 2 && entry->d_name[0] != '.') {
            count_content(uploads, entry->d_name, &count);
        }
    }
    (void)closedir(folder);
    atomic_store(&uploads->files, count.files);
    atomic_store(&uploads->bytes, count.bytes);
    atomic_store(&uploads->used, count.files > 0);
    return 0;
}

int uploads_prune(struct uploads *uploads, const struct uploads_world *world, struct err *err)
{
    DIR *folder = open_folder(uploads, "trials");
    int64_t study;

    if (folder == NULL) {
        return err_set(err, ERR_IO, "the uploaded files cannot be looked at: %s", strerror(errno));
    }
    while (next_number(folder, &study)) {
        uploads_prune_study(uploads, study, world);
    }
    (void)closedir(folder);
    return count_all(uploads, err);
}
