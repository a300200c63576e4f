#include "worker/agent/tree_remove.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/own.h"

#define DEPTH_MAX 64 /* a folder that lies deeper is moved up first */

struct removal {
    int root;
    dev_t device;
    size_t n_moved;
    int why; /* the first error; 0: none */
    char name[NAME_MAX + 1];
};

static void note(struct removal *removal, const char *name, int why)
{
    if (removal->why == 0) {
        removal->why = why;
        (void)snprintf(removal->name, sizeof removal->name, "%s", name);
    }
}

static bool empty(struct removal *removal, int fd, int depth);

/* Moves a folder from far below into the root, where it is found again. */
static bool move_up(struct removal *removal, int folder, const char *name)
{
    char moved[32];
    int result;

    do {
        (void)snprintf(moved, sizeof moved, ".removed-%zu", removal->n_moved++);
        result = renameat(folder, name, removal->root, moved);
    } while (result != 0 && (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR));
    return result == 0;
}

/* Opens a folder that may be without the rights for it. */
static int open_folder(int folder, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
    int fd = openat(folder, name, flags);

    if (fd < 0 && errno == EACCES && fchmodat(folder, name, S_IRWXU, 0) == 0) {
        fd = openat(folder, name, flags);
    }
    return fd;
}

static bool remove_folder(struct removal *removal, int folder, const char *name, int depth)
{
    struct stat status;

    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return false;
    }
    if (!S_ISDIR(status.st_mode) || status.st_dev != removal->device) {
        errno = S_ISDIR(status.st_mode) ? EBUSY : EPERM;
        return false;
    }
    if (depth == DEPTH_MAX) {
        return move_up(removal, folder, name);
    }
    int fd = open_folder(folder, name);
    return fd >= 0 && empty(removal, fd, depth + 1) && unlinkat(folder, name, AT_REMOVEDIR) == 0;
}

/* True: it is gone from this folder. */
static bool remove_entry(struct removal *removal, int folder, const struct dirent *entry, int depth)
{
    const char *name = entry->d_name;
    bool is_removed = unlinkat(folder, name, 0) == 0;

    if (!is_removed && (errno == EISDIR || errno == EPERM)) {
        is_removed = remove_folder(removal, folder, name, depth);
    }
    if (!is_removed) {
        note(removal, name, errno);
    }
    return is_removed;
}

/* Once through the folder; *n_left ← what could not be removed. Whether anything was. */
static bool pass(struct removal *removal, DIR *entries, int depth, size_t *n_left)
{
    bool has_removed = false;
    const struct dirent *entry;

    *n_left = 0;
    rewinddir(entries);
    while ((entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        bool is_removed = remove_entry(removal, dirfd(entries), entry, depth);
        has_removed = has_removed || is_removed;
        *n_left += !is_removed;
    }
    return has_removed;
}

/* Closes `fd`. A file system may leave entries out of a pass in which others are removed, and the
 * root gets new ones, so there are passes until one finds nothing. True: nothing is left. */
static bool empty(struct removal *removal, int fd, int depth)
{
    DIR *entries = fdopendir(fd);
    struct stat status;
    size_t n_left = 1;

    if (entries == NULL) {
        (void)close(fd);
        return false;
    }
    if (fstat(fd, &status) == 0 && (status.st_mode & S_IRWXU) != S_IRWXU) {
        (void)fchmod(fd, S_IRWXU); /* else its owner may not remove what is in it */
    }
    while (pass(removal, entries, depth, &n_left)) {
    }
    (void)closedir(entries);
    errno = n_left > 0 ? ENOTEMPTY : 0;
    return n_left == 0;
}

int tree_remove_below(const char *path, struct err *err)
{
    struct removal removal = {.root = open_folder(AT_FDCWD, path)};
    struct stat status;

    if (removal.root < 0) {
        return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
                   ? 0
                   : err_set(err, ERR_IO, "the folder %s cannot be emptied: %s", path,
                             strerror(errno));
    }
    if (fstat(removal.root, &status) != 0) {
        (void)close(removal.root);
        return err_set(err, ERR_IO, "the folder %s cannot be emptied: %s", path, strerror(errno));
    }
    removal.device = status.st_dev;
    if (empty(&removal, removal.root, 0)) {
        return 0;
    }
    note(&removal, ".", errno);
    return err_set(err, ERR_IO, "the folder %s cannot be emptied: %s: %s", path, removal.name,
                   strerror(removal.why));
}
