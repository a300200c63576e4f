#include "worker/agent/tree_unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/agent/tree_pack.h"

#define STEP_BYTES ((int64_t)1 << 20)
#define ENTRY_COST 4096

struct tree_unpack {
    int folder;
    size_t folder_len; /* of its path */
    struct archive *archive;
    int file;     /* of the present entry; -1: none */
    int64_t left; /* bytes that may still come */
    size_t n_entries;
    char bytes[65536];
};

static enum err_code code_of(int number, enum err_code otherwise)
{
    return errno_is_full_disk(number) ? ERR_STORAGE_FULL : otherwise;
}

int tree_unpack_begin(int fd, const char *to, int64_t bytes_max, struct tree_unpack **unpack,
                      struct err *err)
{
    OWN(tree_unpack) struct tree_unpack *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->file = -1;
    made->left = bytes_max;
    made->folder_len = strlen(to);
    if (mkdir(to, 0700) != 0 && errno != EEXIST) {
        made->folder = -1;
        return err_set(err, code_of(errno, ERR_IO), "%s cannot be made: %s", to, strerror(errno));
    }
    made->folder = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (made->folder < 0) {
        return err_set(err, ERR_IO, "%s cannot be opened: %s", to, strerror(errno));
    }
    made->archive = archive_read_new();
    if (made->archive == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (archive_read_support_format_tar(made->archive) != ARCHIVE_OK
        || archive_read_open_fd(made->archive, fd, sizeof made->bytes) != ARCHIVE_OK) {
        return err_set(err, ERR_INVALID, "it is no tar file");
    }
    *unpack = made;
    made = NULL;
    return 0;
}

void tree_unpack_destroy(struct tree_unpack *unpack)
{
    if (unpack == NULL) {
        return;
    }
    (void)archive_read_free(unpack->archive);
    if (unpack->file >= 0) {
        (void)close(unpack->file);
    }
    if (unpack->folder >= 0) {
        (void)close(unpack->folder);
    }
    free(unpack);
}

/* ---- where an entry goes ---- */

static bool is_plain(const char *name, size_t len)
{
    return len > 0 && len <= NAME_MAX && !(len == 1 && name[0] == '.')
           && !(len == 2 && name[0] == '.' && name[1] == '.');
}

/* Enters, and makes when missing, every folder of the path but the last name, through no link. */
static int open_parent(const struct tree_unpack *unpack, const char *path, int *parent,
                       const char **name, struct err *err)
{
    char part[NAME_MAX + 1];
    int at = dup(unpack->folder);

    *parent = -1;
    for (; at >= 0;) {
        size_t len = strcspn(path, "/");
        if (!is_plain(path, len)) {
            break;
        }
        if (path[len] == '\0' || path[len + 1] == '\0') {
            *parent = at;
            *name = path;
            return 0;
        }
        (void)memcpy(part, path, len);
        part[len] = '\0';
        bool is_full = mkdirat(at, part, 0700) != 0 && errno_is_full_disk(errno);
        int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        (void)close(at);
        if (next < 0 && is_full) {
            return err_set(err, ERR_STORAGE_FULL,
                           "\"%.80s\" in it cannot be made: the disk is full", part);
        }
        at = next;
        path += len + 1;
    }
    if (at >= 0) {
        (void)close(at);
    }
    return err_set(err, ERR_INVALID, "a name in it leads out of its folder, or is no name");
}

static int refuse(const char *name, struct err *err)
{
    return err_set(err, code_of(errno, ERR_INVALID), "\"%.80s\" in it cannot be made: %s", name,
                   strerror(errno));
}

static int make_entry(struct tree_unpack *unpack, struct archive_entry *entry, const char *path,
                      int parent, const char *name, struct err *err)
{
    mode_t rights = (archive_entry_perm(entry) & 0100) != 0 ? 0700 : 0600;
    char last[NAME_MAX + 1] = "";
    const char *target = archive_entry_symlink(entry);

    (void)strncat(last, name, strcspn(name, "/"));
    switch (archive_entry_filetype(entry)) {
    case AE_IFDIR:
        return mkdirat(parent, last, 0700) == 0 || errno == EEXIST ? 0 : refuse(last, err);
    case AE_IFREG:
        if (archive_entry_hardlink(entry) != NULL) {
            break;
        }
        unpack->file =
            openat(parent, last, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, rights);
        return unpack->file >= 0 ? 0 : refuse(last, err);
    case AE_IFLNK:
        if (target == NULL || !tree_link_stays_inside(path, target)) {
            break;
        }
        return symlinkat(target, parent, last) == 0 ? 0 : refuse(last, err);
    default:
        break;
    }
    return err_set(err, ERR_INVALID,
                   "\"%.80s\" in it is neither a file nor a folder nor a link "
                   "that stays inside",
                   last);
}

/* What a program can open by its path, and tree_pack() and copy_tree() take. */
static int check_depth(const struct tree_unpack *unpack, struct archive_entry *entry,
                       const char *path, struct err *err)
{
    bool is_folder = archive_entry_filetype(entry) == AE_IFDIR;

    if (tree_depth(path) + is_folder > TREE_DEPTH_MAX) {
        return err_set(err, ERR_INVALID, "a file in it lies in more than %d folders",
                       TREE_DEPTH_MAX);
    }
    return unpack->folder_len + 1 + strlen(path) < PATH_MAX
               ? 0
               : err_set(err, ERR_INVALID, "the path of a file in it is too long");
}

static int take_entry(struct tree_unpack *unpack, struct archive_entry *entry, struct err *err)
{
    const char *path = archive_entry_pathname(entry);
    const char *name;
    int parent;

    if (++unpack->n_entries > TREE_ENTRIES_MAX) {
        return err_set(err, ERR_TOO_LARGE, "there are more than %d files in it", TREE_ENTRIES_MAX);
    }
    if (path == NULL) {
        return err_set(err, ERR_INVALID, "a name in it cannot be read");
    }
    TRY(check_depth(unpack, entry, path, err));
    TRY(open_parent(unpack, path, &parent, &name, err));
    int rc = make_entry(unpack, entry, path, parent, name, err);
    (void)close(parent);
    return rc;
}

/* ---- unpacking ---- */

static int fault(struct tree_unpack *unpack, struct err *err)
{
    const char *why = archive_error_string(unpack->archive);

    return err_set(err, ERR_INVALID, "it is no sound tar file: %s", why == NULL ? "unknown" : why);
}

static int cannot_write(struct err *err)
{
    return err_set(err, code_of(errno, ERR_IO), "it cannot be written: %s", strerror(errno));
}

static int write_all(int fd, const char *bytes, size_t len, struct err *err)
{
    while (len > 0) {
        ssize_t put = write(fd, bytes, len);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return cannot_write(err);
        }
        bytes += put;
        len -= (size_t)put;
    }
    return 0;
}

/* A piece of the present file; at its end closes it. */
static int take_piece(struct tree_unpack *unpack, int64_t *budget, struct err *err)
{
    la_ssize_t got = archive_read_data(unpack->archive, unpack->bytes, sizeof unpack->bytes);

    if (got < 0) {
        return fault(unpack, err);
    }
    *budget -= got;
    unpack->left -= got;
    if (unpack->left < 0) {
        return err_set(err, ERR_TOO_LARGE, "it has more bytes than are taken here");
    }
    if (got > 0) {
        return write_all(unpack->file, unpack->bytes, (size_t)got, err);
    }
    int closed = close(unpack->file);
    unpack->file = -1;
    return closed == 0 ? 0 : cannot_write(err);
}

int tree_unpack_step(struct tree_unpack *unpack, bool *done, struct err *err)
{
    *done = false;
    for (int64_t budget = STEP_BYTES; budget > 0;) {
        if (unpack->file >= 0) {
            TRY(take_piece(unpack, &budget, err));
            continue;
        }
        struct archive_entry *entry = NULL;
        int rc = archive_read_next_header(unpack->archive, &entry);
        if (rc == ARCHIVE_EOF) {
            *done = true;
            return 0;
        }
        if (rc != ARCHIVE_OK) {
            return fault(unpack, err);
        }
        TRY(take_entry(unpack, entry, err));
        budget -= ENTRY_COST;
    }
    return 0;
}
