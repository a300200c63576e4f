#include "worker/agent/copy_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/own.h"
#include "worker/agent/tree_pack.h"

#define CHUNK_BYTES ((size_t)16 << 20)
#define READ_BYTES 65536

/* One entry: its name in both folders. */
struct entry {
    int from, to; /* the folders that hold it */
    const char *name;
    struct stat info;
};

/* ---- files ---- */

/* Where the kernel cannot copy between these two. */
static ssize_t copy_by_hand(int from, int to)
{
    char bytes[READ_BYTES];
    ssize_t got = read(from, bytes, sizeof bytes);

    for (ssize_t done = 0; done < got;) {
        ssize_t put = write(to, bytes + done, (size_t)(got - done));
        if (put < 0) {
            return -1;
        }
        done += put;
    }
    return got;
}

static bool kernel_cannot(int why)
{
    return why == EXDEV || why == EINVAL || why == ENOSYS || why == EOPNOTSUPP || why == EPERM
           || why == EBADF;
}

static int copy_bytes(const struct copy_tree *copy, int from, int to)
{
    bool by_hand = false;

    for (;;) {
        if (copy->must_stop != NULL && copy->must_stop()) {
            return ECANCELED;
        }
        ssize_t n = by_hand ? copy_by_hand(from, to)
                            : copy_file_range(from, NULL, to, NULL, CHUNK_BYTES, 0);
        if (n > 0 || (n < 0 && errno == EINTR)) {
            continue;
        }
        if (by_hand || (n < 0 && !kernel_cannot(errno))) {
            return n == 0 ? 0 : errno;
        }
        by_hand = true; /* also at what seems to be the end: some file systems only say so */
    }
}

static int keep_mode_and_times(int fd, const struct stat *info)
{
    const struct timespec times[] = {info->st_atim, info->st_mtim};

    return fchmod(fd, info->st_mode & 07777) == 0 && futimens(fd, times) == 0 ? 0 : errno;
}

static int copy_file(const struct copy_tree *copy, const struct entry *entry)
{
    OWN(fd) int from = openat(entry->from, entry->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    OWN(fd) int to = openat(entry->to, entry->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (from < 0 || to < 0) {
        return errno;
    }
    int why = copy_bytes(copy, from, to);
    return why != 0 ? why : keep_mode_and_times(to, &entry->info);
}

/* ---- links ---- */

/* The part of `target` behind `folder`, or NULL when it does not lie there. */
static const char *behind(const char *target, const char *folder)
{
    size_t len = folder == NULL ? 0 : strlen(folder);

    return len > 0 && strncmp(target, folder, len) == 0
                   && (target[len] == '/' || target[len] == '\0')
               ? target + len
               : NULL;
}

static int copy_link(const struct copy_tree *copy, const struct entry *entry)
{
    char target[PATH_MAX];
    char moved[2 * PATH_MAX];
    ssize_t len = readlinkat(entry->from, entry->name, target, sizeof target - 1);

    if (len < 0) {
        return errno;
    }
    target[len] = '\0';
    const char *rest = behind(target, copy->from);
    rest = rest != NULL ? rest : behind(target, copy->made_at);
    (void)snprintf(moved, sizeof moved, "%s%s", rest != NULL ? copy->to : "",
                   rest != NULL ? rest : target);
    return symlinkat(moved, entry->to, entry->name) == 0 ? 0 : errno;
}

/* ---- folders ---- */

static int copy_folder(const struct copy_tree *copy, const struct entry *entry, int depth);

/* Files of other kinds are left out. */
static int copy_entry(const struct copy_tree *copy, struct entry *entry, int depth)
{
    if (fstatat(entry->from, entry->name, &entry->info, AT_SYMLINK_NOFOLLOW) != 0) {
        return errno;
    }
    switch (entry->info.st_mode & S_IFMT) {
    case S_IFREG:
        return copy_file(copy, entry);
    case S_IFDIR:
        return depth < TREE_DEPTH_MAX ? copy_folder(copy, entry, depth + 1) : ENAMETOOLONG;
    case S_IFLNK:
        return copy_link(copy, entry);
    default:
        return 0;
    }
}

static int copy_entries(const struct copy_tree *copy, DIR *from, int to, int depth)
{
    for (;;) {
        errno = 0;
        const struct dirent *found = readdir(from);
        if (found == NULL) {
            return errno;
        }
        struct entry entry = {.from = dirfd(from), .to = to, .name = found->d_name};
        if (strcmp(entry.name, ".") == 0 || strcmp(entry.name, "..") == 0) {
            continue;
        }
        int why = copy_entry(copy, &entry, depth);
        if (why != 0) {
            return why;
        }
    }
}

static int copy_opened(const struct copy_tree *copy, int from, int to, int depth)
{
    struct stat info;
    DIR *entries = fdopendir(from);

    if (entries == NULL) {
        (void)close(from);
        return errno;
    }
    int why = fstat(from, &info) == 0 ? copy_entries(copy, entries, to, depth) : errno;
    (void)closedir(entries);
    return why != 0 ? why : keep_mode_and_times(to, &info);
}

static int copy_folder(const struct copy_tree *copy, const struct entry *entry, int depth)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

    if (mkdirat(entry->to, entry->name, 0700) != 0) {
        return errno;
    }
    OWN(fd) int to = openat(entry->to, entry->name, flags | O_NOFOLLOW);
    int from = to < 0 ? -1 : openat(entry->from, entry->name, flags | O_NOFOLLOW);
    return from < 0 ? errno : copy_opened(copy, from, to, depth);
}

int copy_tree(const struct copy_tree *copy)
{
    int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

    if (mkdir(copy->beside, 0700) != 0) {
        return errno;
    }
    OWN(fd) int to = open(copy->beside, flags);
    int from = to < 0 ? -1 : open(copy->from, flags);
    int why = from < 0 ? errno : copy_opened(copy, from, to, 0);
    if (why != 0) {
        return why;
    }
    return rename(copy->beside, copy->to) == 0 ? 0 : errno;
}
