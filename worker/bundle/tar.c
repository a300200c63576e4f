#include "worker/bundle/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK_BYTES 10240

/* ---- writing ---- */

/* libarchive leaks what it holds when a write fails, so it is not told: the end of the file is. */
struct tar_writer {
    struct archive *archive;
    int fd;
    int failed; /* errno of the first write that failed; 0: none did */
};

static la_ssize_t write_block(struct archive *archive, void *context, const void *bytes, size_t len)
{
    struct tar_writer *tar = context;
    const char *at = bytes;

    (void)archive;
    for (size_t left = len; left > 0 && tar->failed == 0;) {
        ssize_t done = write(tar->fd, at, left);
        if (done <= 0) {
            tar->failed = done == 0 ? ENOSPC : errno;
        } else {
            at += done;
            left -= (size_t)done;
        }
    }
    return (la_ssize_t)len;
}

static int archive_fault(struct archive *archive, const char *what, struct err *err)
{
    const char *why = archive_error_string(archive);

    return err_set(err, archive_errno(archive) == ENOMEM ? ERR_NOMEM : ERR_IO, "%s: %s", what,
                   why == NULL ? "unknown" : why);
}

int tar_create(const char *path, struct tar_writer **tar, struct err *err)
{
    OWN(tar_writer) struct tar_writer *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (made->fd < 0) {
        return err_set(err, ERR_IO, "%s cannot be made: %s", path, strerror(errno));
    }
    made->archive = archive_write_new();
    if (made->archive == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (archive_write_set_format_ustar(made->archive) != ARCHIVE_OK
        || archive_write_open(made->archive, made, NULL, write_block, NULL) != ARCHIVE_OK) {
        return archive_fault(made->archive, path, err);
    }
    *tar = made;
    made = NULL;
    return 0;
}

int tar_add(struct tar_writer *tar, const char *name, const char *text, size_t len, struct err *err)
{
    struct archive_entry *entry = archive_entry_new();
    int rc = 0;

    if (entry == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    archive_entry_set_pathname(entry, name);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0600);
    archive_entry_set_size(entry, (la_int64_t)len);
    if (archive_write_header(tar->archive, entry) != ARCHIVE_OK
        || archive_write_data(tar->archive, text, len) != (la_ssize_t)len) {
        rc = archive_fault(tar->archive, name, err);
    }
    archive_entry_free(entry);
    return rc;
}

int tar_close(struct tar_writer *tar, struct err *err)
{
    if (archive_write_close(tar->archive) != ARCHIVE_OK) {
        return archive_fault(tar->archive, "the tar file cannot be written", err);
    }
    if (tar->failed == 0 && fsync(tar->fd) != 0) {
        tar->failed = errno;
    }
    return tar->failed == 0
               ? 0
               : err_set(err, ERR_IO, "the tar file cannot be written: %s", strerror(tar->failed));
}

void tar_writer_destroy(struct tar_writer *tar)
{
    if (tar != NULL) {
        (void)archive_write_free(tar->archive);
        if (tar->fd >= 0) {
            (void)close(tar->fd);
        }
        free(tar);
    }
}

/* ---- reading ---- */

struct reading_tar {
    struct archive *archive;
    const char *path;
    const char *suffix;
    int (*each)(void *context, const char *name, const char *text, size_t len, struct err *err);
    void *context;
};

static bool ends_with(const char *text, const char *suffix)
{
    size_t len = strlen(text);
    size_t suffix_len = strlen(suffix);

    return len >= suffix_len && strcmp(text + len - suffix_len, suffix) == 0;
}

static int read_text(const struct reading_tar *tar, const char *name, char *text, size_t len,
                     struct err *err)
{
    la_ssize_t got = archive_read_data(tar->archive, text, len);

    if (got < 0) {
        return archive_fault(tar->archive, tar->path, err);
    }
    if ((size_t)got != len) {
        return err_set(err, ERR_IO, "%s: %s is cut off", tar->path, name);
    }
    text[len] = '\0';
    return 0;
}

static int take_entry(const struct reading_tar *tar, struct archive_entry *entry, struct err *err)
{
    const char *name = archive_entry_pathname_utf8(entry);
    la_int64_t size = archive_entry_size(entry);

    if (archive_entry_filetype(entry) != AE_IFREG || name == NULL
        || !ends_with(name, tar->suffix)) {
        return 0;
    }
    if (size < 0 || (size_t)size > TAR_TEXT_BYTES) {
        return err_set(err, ERR_TOO_LARGE, "%s: %s is larger than %zu MiB", tar->path, name,
                       TAR_TEXT_BYTES >> 20);
    }
    OWN(memory) char *text = malloc((size_t)size + 1);
    if (text == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(read_text(tar, name, text, (size_t)size, err));
    return tar->each(tar->context, name, text, (size_t)size, err);
}

/* Those of tar(1) that need no other program: what a file says it is starts none. Without its
 * library libarchive would start a program for a method. */
static void allow_compression(struct archive *archive)
{
    (void)archive_read_support_filter_compress(archive);
    if (archive_zlib_version() != NULL) {
        (void)archive_read_support_filter_gzip(archive);
    }
    if (archive_bzlib_version() != NULL) {
        (void)archive_read_support_filter_bzip2(archive);
    }
    if (archive_liblzma_version() != NULL) {
        (void)archive_read_support_filter_lzip(archive);
        (void)archive_read_support_filter_lzma(archive);
        (void)archive_read_support_filter_xz(archive);
    }
    if (archive_libzstd_version() != NULL) {
        (void)archive_read_support_filter_zstd(archive);
    }
}

static int each_entry(const struct reading_tar *tar, struct err *err)
{
    struct archive_entry *entry;
    int rc;

    allow_compression(tar->archive);
    (void)archive_read_support_format_tar(tar->archive);
    if (archive_read_open_filename(tar->archive, tar->path, BLOCK_BYTES) != ARCHIVE_OK) {
        return archive_fault(tar->archive, tar->path, err);
    }
    while ((rc = archive_read_next_header(tar->archive, &entry)) == ARCHIVE_OK) {
        TRY(take_entry(tar, entry, err));
    }
    return rc == ARCHIVE_EOF ? 0 : archive_fault(tar->archive, tar->path, err);
}

int tar_each(const char *path, const char *suffix,
             int (*each)(void *context, const char *name, const char *text, size_t len,
                         struct err *err),
             void *context, struct err *err)
{
    struct reading_tar tar = {archive_read_new(), path, suffix, each, context};

    if (tar.archive == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    int rc = each_entry(&tar, err);
    (void)archive_read_free(tar.archive);
    return rc;
}
