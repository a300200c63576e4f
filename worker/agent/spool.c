#include "worker/agent/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/log.h"
#include "common/rng.h"

#define MAGIC "hone.sp1"
#define MAGIC_BYTES 8
#define WINDOW_BYTES ((size_t)1 << 16)
#define RESERVED_BYTES ((off_t)1 << 18) /* a grant, an exit and a result */
#define RETRY_MS 1000

void spool_record_init(struct spool_record *record)
{
    record->kind = SPOOL_CLOSED;
    buf_init(&record->content, SPOOL_RECORD_MAX);
}

void spool_record_finish(struct spool_record *record)
{
    buf_finish(&record->content);
}

void spool_init(struct spool *spool)
{
    *spool = (struct spool){.fd = -1, .unsynced_ms = INT64_MAX};
    buf_init(&spool->waiting, SPOOL_WAITING_MAX);
}

static void close_file(struct spool *spool)
{
    if (spool->fd >= 0) {
        (void)close(spool->fd);
    }
    free(spool->window);
    buf_finish(&spool->waiting);
    *spool = (struct spool){.path = spool->path, .fd = -1, .unsynced_ms = INT64_MAX};
    buf_init(&spool->waiting, SPOOL_WAITING_MAX);
}

void spool_finish(struct spool *spool)
{
    close_file(spool);
    free(spool->path);
    spool->path = NULL;
}

void spool_remove(struct spool *spool)
{
    close_file(spool);
    if (spool->path != NULL) {
        (void)unlink(spool->path);
    }
}

/* ---- numbers ---- */

static void put32(unsigned char at[4], uint32_t value)
{
    for (size_t i = 0; i < 4; i++) {
        at[i] = (unsigned char)(value >> (8 * i));
    }
}

static uint32_t get32(const unsigned char at[4])
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* ---- opening ---- */

static int open_file(struct spool *spool, const char *path, int flags, struct err *err)
{
    char *copy = strdup(path);

    if (copy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    close_file(spool);
    free(spool->path);
    spool->path = copy;
    spool->fd = open(copy, O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (spool->fd < 0) {
        return err_set(err, ERR_IO, "the file %s cannot be opened: %s", copy, strerror(errno));
    }
    return 0;
}

static int write_head(struct spool *spool, struct err *err)
{
    unsigned char head[SPOOL_HEAD_BYTES] = MAGIC;

    rng_entropy(&spool->number, sizeof spool->number);
    put32(head + MAGIC_BYTES, spool->number);
    put32(head + MAGIC_BYTES + 4, crc32c(0, head, MAGIC_BYTES + 4));
    /* a file system that cannot reserve is none that must */
    int why = fallocate(spool->fd, FALLOC_FL_KEEP_SIZE, 0, RESERVED_BYTES) == 0 ? 0 : errno;
    bool is_full = errno_is_full_disk(why) || why == EROFS || why == EIO;
    if (is_full || pwrite(spool->fd, head, sizeof head, 0) != (ssize_t)sizeof head) {
        return err_set(err, ERR_IO, "the file %s cannot be written: %s", spool->path,
                       strerror(is_full ? why : errno));
    }
    spool->written = SPOOL_HEAD_BYTES;
    return 0;
}

int spool_begin(struct spool *spool, const char *path, struct err *err)
{
    TRY(open_file(spool, path, O_RDWR | O_CREAT | O_TRUNC, err));
    if (write_head(spool, err) != 0) {
        close_file(spool);
        return -1;
    }
    return 0;
}

static bool read_head(struct spool *spool)
{
    unsigned char head[SPOOL_HEAD_BYTES];

    if (pread(spool->fd, head, sizeof head, 0) != (ssize_t)sizeof head
        || memcmp(head, MAGIC, MAGIC_BYTES) != 0
        || get32(head + MAGIC_BYTES + 4) != crc32c(0, head, MAGIC_BYTES + 4)) {
        return false;
    }
    spool->number = get32(head + MAGIC_BYTES);
    return true;
}

/* Everything from `end` on is no record. A file that cannot be cut is read all the same. */
static void cut(struct spool *spool, int64_t end)
{
    if (spool->written > end) {
        log_warning("%s: the last %lld bytes are damaged or were not written whole; what stands "
                    "before them counts",
                    spool->path, (long long)(spool->written - end));
        if (ftruncate(spool->fd, (off_t)end) != 0) {
            log_warning("%s cannot be cut: %s", spool->path, strerror(errno));
        }
    }
    spool->written = end;
    spool->window_len = 0;
}

/* Opens a file that is there; *end ← behind its last good record, 0: not even its head is good. */
static int open_until(struct spool *spool, const char *path, int flags, int64_t *end,
                      struct err *err)
{
    OWN(spool_record) struct spool_record record;

    spool_record_init(&record);
    TRY(open_file(spool, path, flags, err));
    off_t size = lseek(spool->fd, 0, SEEK_END);
    if (size < 0) {
        return err_set(err, ERR_IO, "the file %s cannot be read: %s", path, strerror(errno));
    }
    spool->written = (int64_t)size;
    *end = 0;
    if (read_head(spool)) {
        *end = SPOOL_HEAD_BYTES;
        while (spool_next(spool, end, &record)) {
        }
    }
    return 0;
}

int spool_continue(struct spool *spool, const char *path, struct err *err)
{
    int64_t end;

    TRY(open_until(spool, path, O_RDWR, &end, err));
    cut(spool, end);
    return end == 0 ? write_head(spool, err) : 0;
}

int spool_look(struct spool *spool, const char *path, struct err *err)
{
    int64_t end;

    TRY(open_until(spool, path, O_RDONLY, &end, err));
    spool->written = end > SPOOL_HEAD_BYTES ? end : SPOOL_HEAD_BYTES;
    spool->window_len = 0;
    return 0;
}

/* ---- writing ---- */

int64_t spool_end(const struct spool *spool)
{
    return spool->written + (int64_t)spool->waiting.len;
}

static uint32_t checksum(const struct spool *spool, const unsigned char *head, const void *content,
                         size_t len)
{
    return crc32c(crc32c(spool->number, head, 8), content, len);
}

bool spool_append(struct spool *spool, enum spool_kind kind, const void *content, size_t len)
{
    unsigned char head[SPOOL_RECORD_HEAD_BYTES];

    if (len > SPOOL_RECORD_MAX || spool->waiting.failed
        || spool->waiting.len + sizeof head + len > SPOOL_WAITING_MAX) {
        return false;
    }
    size_t before = spool->waiting.len;
    put32(head, (uint32_t)len);
    put32(head + 4, (uint32_t)kind);
    put32(head + 8, checksum(spool, head, content, len));
    buf_append(&spool->waiting, head, sizeof head);
    buf_append(&spool->waiting, content, len);
    if (spool->waiting.failed) { /* for want of memory: what was there is still there */
        spool->waiting.len = before;
        spool->waiting.failed = spool->waiting.no_memory = false;
        return false;
    }
    return true;
}

static void note_failure(struct spool *spool, int why, int64_t now_ms)
{
    (void)snprintf(spool->why, sizeof spool->why, "%s", strerror(why));
    if (!spool->failing) {
        log_warning("%s cannot be written: %s; its job goes on, and what it measures is kept in "
                    "memory",
                    spool->path, spool->why);
    }
    spool->failing = true;
    spool->retry_at_ms = now_ms + RETRY_MS;
}

static void note_success(struct spool *spool)
{
    if (spool->failing) {
        log_info("%s can be written again", spool->path);
    }
    spool->failing = false;
}

static void write_waiting(struct spool *spool, int64_t now_ms)
{
    size_t done = 0;

    while (done < spool->waiting.len) {
        ssize_t put = pwrite(spool->fd, spool->waiting.data + done, spool->waiting.len - done,
                             (off_t)(spool->written + (int64_t)done));
        if (put < 0 && errno != EINTR) {
            note_failure(spool, errno, now_ms);
            break;
        }
        done += put > 0 ? (size_t)put : 0;
    }
    if (done > 0 && spool->unsynced_ms == INT64_MAX) {
        spool->unsynced_ms = now_ms;
    }
    spool->written += (int64_t)done;
    buf_consume(&spool->waiting, done);
    if (spool->waiting.len == 0) {
        note_success(spool);
    }
}

void spool_flush(struct spool *spool, int64_t now_ms)
{
    if (spool->fd >= 0 && spool->waiting.len > 0
        && (!spool->failing || now_ms >= spool->retry_at_ms)) {
        write_waiting(spool, now_ms);
    }
}

void spool_sync(struct spool *spool, int64_t now_ms)
{
    spool->retry_at_ms = 0;
    spool_flush(spool, now_ms);
    if (spool->fd < 0 || spool->unsynced_ms == INT64_MAX) {
        return;
    }
    spool->unsynced_ms = INT64_MAX;
    if (fdatasync(spool->fd) != 0) {
        note_failure(spool, errno, now_ms);
    }
}

int spool_replace(struct spool *spool, struct spool *by, struct err *err)
{
    char *path = spool->path;
    char *beside = by->path;

    if (by->failing || by->waiting.len > 0 || by->unsynced_ms != INT64_MAX
        || rename(beside, path) != 0) {
        return err_set(err, ERR_IO, "the file %s cannot be replaced: %s", path,
                       by->failing ? by->why : strerror(errno));
    }
    spool->path = NULL;
    spool_finish(spool);
    *spool = *by;
    spool->path = path;
    spool_init(by);
    free(beside);
    return 0;
}

/* ---- reading ---- */

/* Makes the window begin at `at`; returns how many bytes it has of the file there. */
static size_t look_at(struct spool *spool, int64_t at)
{
    if (at >= spool->window_at && at < spool->window_at + (int64_t)spool->window_len) {
        return (size_t)(spool->window_at + (int64_t)spool->window_len - at);
    }
    if (spool->window == NULL && (spool->window = malloc(WINDOW_BYTES)) == NULL) {
        return 0;
    }
    int64_t left = spool->written - at;
    size_t wanted = left < (int64_t)WINDOW_BYTES ? (size_t)left : WINDOW_BYTES;
    ssize_t got = pread(spool->fd, spool->window, wanted, (off_t)at);
    spool->window_at = at;
    spool->window_len = got > 0 ? (size_t)got : 0;
    return spool->window_len;
}

/* Appends what stands in [at, at + len) to `out`; false: not all of it is there. */
static bool read_bytes(struct spool *spool, int64_t at, size_t len, struct buf *out)
{
    while (len > 0 && at < spool->written) {
        size_t n = look_at(spool, at);
        n = n < len ? n : len;
        if (n == 0) {
            return false;
        }
        buf_append(out, spool->window + (at - spool->window_at), n);
        at += (int64_t)n;
        len -= n;
    }
    int64_t from = at - spool->written;
    if (len > 0 && (from < 0 || from + (int64_t)len > (int64_t)spool->waiting.len)) {
        return false;
    }
    if (len > 0) {
        buf_append(out, spool->waiting.data + from, len);
    }
    return !out->failed;
}

bool spool_next(struct spool *spool, int64_t *at, struct spool_record *record)
{
    unsigned char head[SPOOL_RECORD_HEAD_BYTES];
    struct buf *content = &record->content;

    buf_clear(content);
    if (!read_bytes(spool, *at, sizeof head, content)) {
        return false;
    }
    memcpy(head, content->data, sizeof head);
    size_t len = get32(head);
    buf_clear(content);
    if (len > SPOOL_RECORD_MAX || !read_bytes(spool, *at + (int64_t)sizeof head, len, content)
        || get32(head + 8) != checksum(spool, head, buf_text(content), len)) {
        buf_clear(content);
        return false;
    }
    record->kind = (enum spool_kind)get32(head + 4);
    *at += (int64_t)(sizeof head + len);
    return true;
}
