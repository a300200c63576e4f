#include "worker/agent/tree_pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/agent/tree_walk.h"

#define STEP_BYTES ((size_t)1 << 20)
#define PIECE_BYTES 65536
#define BLOCK_BYTES 512

struct packed_entry {
    char *path;   /* within the folder */
    char *target; /* of a link, else NULL */
    mode_t mode;
    int64_t bytes;
};

struct tree_pack {
    int folder;
    int fd;
    struct packed_entry *entries;
    size_t n, cap, next;
    int64_t bytes_max;
    int64_t total; /* of its files */
    struct archive *archive;
    int file; /* of the entry before `next`, while it is packed; -1: none */
    int64_t left;
    int64_t bytes;
    struct digest *digest;
    unsigned char sum[SHA256_BYTES];
};

static bool is_up(const char *part, size_t len)
{
    return len == 2 && strncmp(part, "..", 2) == 0;
}

static bool is_here(const char *part, size_t len)
{
    return len == 1 && part[0] == '.';
}

int tree_depth(const char *path)
{
    int depth = 0;

    for (const char *at = strchr(path, '/'); at != NULL; at = strchr(at, '/')) {
        at += strspn(at, "/");
        depth += *at != '\0';
    }
    return depth;
}

bool tree_link_stays_inside(const char *path, const char *target)
{
    int depth = tree_depth(path);
    bool is_named = false;

    if (target[0] == '/' || target[0] == '\0') {
        return false;
    }
    for (size_t len; *target != '\0'; target += len + strspn(target + len, "/")) {
        len = strcspn(target, "/");
        if (!is_up(target, len)) {
            is_named = is_named || !is_here(target, len);
        } else if (is_named || --depth < 0) {
            return false;
        }
    }
    return true;
}

/* ---- what is in the folder ---- */

static int grow(struct tree_pack *pack, struct err *err)
{
    if (pack->n < pack->cap) {
        return 0;
    }
    size_t cap = pack->cap == 0 ? 64 : pack->cap * 2;
    struct packed_entry *entries = realloc(pack->entries, cap * sizeof *entries);
    if (entries == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    pack->entries = entries;
    pack->cap = cap;
    return 0;
}

static int note_link(struct packed_entry *entry, const struct tree_found *found, struct err *err)
{
    char target[PATH_MAX];
    ssize_t len = readlink(found->path, target, sizeof target - 1);

    if (len < 0) {
        return err_set(err, ERR_IO, "%s cannot be read: %s", found->path, strerror(errno));
    }
    target[len] = '\0';
    if (!tree_link_stays_inside(entry->path, target)) {
        return err_set(err, ERR_INVALID,
                       "%s is a link out of the folder, or has \"..\" behind a name", found->path);
    }
    entry->target = strdup(target);
    return entry->target == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

static int note_entry(void *context, const struct tree_found *found, struct err *err)
{
    struct tree_pack *pack = context;
    const struct stat *status = found->status;

    if (!S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode) && !S_ISLNK(status->st_mode)) {
        return err_set(err, ERR_INVALID, "%s is no file, folder or link", found->path);
    }
    if (tree_depth(found->inside) + S_ISDIR(status->st_mode) > TREE_DEPTH_MAX) {
        return err_set(err, ERR_INVALID, "%s lies in more than %d folders", found->path,
                       TREE_DEPTH_MAX);
    }
    if (pack->n == TREE_ENTRIES_MAX) {
        return err_set(err, ERR_TOO_LARGE, "there are more than %d files in it", TREE_ENTRIES_MAX);
    }
    TRY(grow(pack, err));
    struct packed_entry *entry = &pack->entries[pack->n];
    *entry = (struct packed_entry){.path = strdup(found->inside),
                                   .mode = status->st_mode,
                                   .bytes = S_ISREG(status->st_mode) ? status->st_size : 0};
    if (entry->path == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    pack->n++;
    pack->total += entry->bytes;
    if (pack->total > pack->bytes_max) {
        return err_set(err, ERR_TOO_LARGE, "it has more than %lld bytes",
                       (long long)pack->bytes_max);
    }
    return S_ISLNK(status->st_mode) ? note_link(entry, found, err) : 0;
}

/* ---- the file ---- */

static la_ssize_t put_bytes(struct archive *archive, void *context, const void *bytes, size_t len)
{
    struct tree_pack *pack = context;
    ssize_t put = write(pack->fd, bytes, len);

    if (put < 0) {
        archive_set_error(archive, errno, "%s", strerror(errno));
        return -1;
    }
    digest_add(pack->digest, bytes, (size_t)put);
    pack->bytes += put;
    return put;
}

static int fault(struct tree_pack *pack, struct err *err)
{
    const char *why = archive_error_string(pack->archive);

    return err_set(err, ERR_IO, "it cannot be packed: %s", why == NULL ? "unknown" : why);
}

static int open_archive(struct tree_pack *pack, const char *to, struct err *err)
{
    pack->fd = open(to, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (pack->fd < 0) {
        return err_set(err, ERR_IO, "%s cannot be written: %s", to, strerror(errno));
    }
    pack->archive = archive_write_new();
    if (pack->archive == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    /* names are bytes, whatever the locale */
    if (archive_write_set_format_pax_restricted(pack->archive) != ARCHIVE_OK
        || archive_write_set_format_option(pack->archive, NULL, "hdrcharset", "BINARY")
               != ARCHIVE_OK
        || archive_write_set_bytes_per_block(pack->archive, PIECE_BYTES) != ARCHIVE_OK
        || archive_write_set_bytes_in_last_block(pack->archive, BLOCK_BYTES) != ARCHIVE_OK
        || archive_write_open(pack->archive, pack, NULL, put_bytes, NULL) != ARCHIVE_OK) {
        return fault(pack, err);
    }
    return 0;
}

int tree_pack_begin(const char *from, const char *to, int64_t bytes_max, struct tree_pack **pack,
                    struct err *err)
{
    OWN(tree_pack) struct tree_pack *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->fd = made->file = -1;
    made->folder = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (made->folder < 0) {
        return err_set(err, ERR_IO, "%s cannot be read: %s", from, strerror(errno));
    }
    made->bytes_max = bytes_max;
    TRY(tree_walk(from, note_entry, made, err));
    TRY(digest_create(&made->digest, err));
    TRY(open_archive(made, to, err));
    *pack = made;
    made = NULL;
    return 0;
}

void tree_pack_destroy(struct tree_pack *pack)
{
    if (pack == NULL) {
        return;
    }
    if (pack->archive != NULL) {
        (void)archive_write_fail(pack->archive);
        (void)archive_write_free(pack->archive);
    }
    const int fds[] = {pack->folder, pack->fd, pack->file};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
    for (size_t i = 0; i < pack->n; i++) {
        free(pack->entries[i].path);
        free(pack->entries[i].target);
    }
    free(pack->entries);
    digest_destroy(pack->digest);
    free(pack);
}

/* ---- packing ---- */

static int write_header(struct tree_pack *pack, const struct packed_entry *found, struct err *err)
{
    struct archive_entry *entry = archive_entry_new();

    if (entry == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    archive_entry_set_pathname(entry, found->path);
    archive_entry_set_mode(entry, found->mode);
    archive_entry_set_size(entry, (la_int64_t)found->bytes);
    if (found->target != NULL) {
        archive_entry_set_symlink(entry, found->target);
    }
    int rc = archive_write_header(pack->archive, entry) == ARCHIVE_OK ? 0 : fault(pack, err);

    archive_entry_free(entry);
    return rc;
}

static int begin_entry(struct tree_pack *pack, struct err *err)
{
    const struct packed_entry *found = &pack->entries[pack->next++];

    TRY(write_header(pack, found, err));
    if (!S_ISREG(found->mode)) {
        return 0;
    }
    pack->file = openat(pack->folder, found->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (pack->file < 0) {
        return err_set(err, ERR_IO, "%s cannot be read: %s", found->path, strerror(errno));
    }
    pack->left = found->bytes;
    return 0;
}

static int pack_piece(struct tree_pack *pack, size_t *packed, struct err *err)
{
    char bytes[PIECE_BYTES];
    size_t wanted = pack->left < PIECE_BYTES ? (size_t)pack->left : PIECE_BYTES;
    ssize_t got = read(pack->file, bytes, wanted);

    if (got < 0 || (got == 0 && wanted > 0)) {
        return err_set(err, ERR_IO, "%s has changed while it was packed",
                       pack->entries[pack->next - 1].path);
    }
    if (got > 0 && archive_write_data(pack->archive, bytes, (size_t)got) != got) {
        return fault(pack, err);
    }
    *packed += (size_t)got;
    pack->left -= got;
    if (pack->left == 0) {
        (void)close(pack->file);
        pack->file = -1;
    }
    return 0;
}

int tree_pack_step(struct tree_pack *pack, bool *done, struct err *err)
{
    *done = false;
    for (size_t packed = 0; packed < STEP_BYTES;) {
        if (pack->file >= 0) {
            TRY(pack_piece(pack, &packed, err));
        } else if (pack->next < pack->n) {
            TRY(begin_entry(pack, err));
            packed += BLOCK_BYTES * 8;
        } else {
            if (archive_write_close(pack->archive) != ARCHIVE_OK) {
                return fault(pack, err);
            }
            digest_end(pack->digest, pack->sum);
            *done = true;
            return 0;
        }
    }
    return 0;
}

int64_t tree_pack_bytes(const struct tree_pack *pack)
{
    return pack->bytes;
}

const unsigned char *tree_pack_digest(const struct tree_pack *pack)
{
    return pack->sum;
}

int tree_pack_fd(const struct tree_pack *pack)
{
    return pack->fd;
}
