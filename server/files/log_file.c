#include "server/files/log_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE_BYTES 65536
#define FORM                                                                                       \
    "hone-log 1 head_max %020" PRId64 " ring_max %020" PRId64 " head %020" PRId64                  \
    " from %020" PRId64 " size %020" PRId64 " written %020" PRId64 " ring %d ended %d"
#define SCAN                                                                                       \
    "hone-log 1 head_max %" SCNd64 " ring_max %" SCNd64 " head %" SCNd64 " from %" SCNd64          \
    " size %" SCNd64 " written %" SCNd64 " ring %d ended %d"

/* ---- reading and writing ---- */

static int fault(const char *what, struct err *err)
{
    return err_set(err, err_code_of_errno(errno), "a log cannot be %s: %s", what, strerror(errno));
}

/* Appends what is there, at most `len` bytes. */
static int read_at(const struct log_file *file, int64_t position, char *bytes, size_t len,
                   size_t *got, struct err *err)
{
    *got = 0;
    while (*got < len) {
        ssize_t n = pread(file->fd, bytes + *got, len - *got, (off_t)position + (off_t)*got);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fault("read", err);
        }
        if (n == 0) {
            break;
        }
        *got += (size_t)n;
    }
    return 0;
}

static int write_at(const struct log_file *file, int64_t position, const char *bytes, size_t len,
                    size_t *put, struct err *err)
{
    *put = 0;
    while (*put < len) {
        ssize_t n = pwrite(file->fd, bytes + *put, len - *put, (off_t)position + (off_t)*put);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return fault("written", err);
        }
        *put += (size_t)n;
    }
    return 0;
}

/* ---- the header ---- */

static int write_header(const struct log_file *file, struct err *err)
{
    char header[LOG_HEADER_BYTES + 160]; /* numbers of any length fit */
    size_t put;

    memset(header, ' ', sizeof header);
    int len = snprintf(header, sizeof header, FORM, file->head_max, file->ring_max, file->head,
                       file->from, file->is_ring ? file->size : 0, file->written, file->is_ring,
                       file->ended);
    memset(header + len, ' ', sizeof header - (size_t)len);
    header[LOG_HEADER_BYTES - 1] = '\n';
    return write_at(file, 0, header, LOG_HEADER_BYTES, &put, err);
}

static bool is_sound(const struct log_file *file, int64_t file_bytes)
{
    return file->head_max > 0 && file->ring_max > 0 && file->head >= 0
           && file->head <= file->head_max && file->head_max <= INT32_MAX
           && file->ring_max <= INT32_MAX && file_bytes >= LOG_HEADER_BYTES
           && (!file->is_ring
               || (file->from >= file->head && file->size >= file->from
                   && file->written >= file->size));
}

static int read_header(struct log_file *file, bool *sound, struct err *err)
{
    char header[LOG_HEADER_BYTES + 1] = "";
    struct stat status;
    size_t got;
    int ring = 0;
    int ended = 0;

    *sound = false;
    if (fstat(file->fd, &status) != 0) {
        return fault("read", err);
    }
    TRY(read_at(file, 0, header, LOG_HEADER_BYTES, &got, err));
    if (sscanf(header, SCAN, &file->head_max, &file->ring_max, &file->head, &file->from,
               &file->size, &file->written, &ring, &ended)
        != 8) {
        return 0;
    }
    file->is_ring = ring == 1;
    file->ended = ended == 1;
    *sound = is_sound(file, status.st_size);
    if (*sound && !file->is_ring) {
        file->size = status.st_size - LOG_HEADER_BYTES;
    }
    return 0;
}

int log_file_open(struct log_file *file, int fd, struct err *err)
{
    bool sound;

    *file = (struct log_file){.fd = fd};
    TRY(read_header(file, &sound, err));
    return sound ? 0 : err_set(err, ERR_NOT_FOUND, "the log is damaged");
}

int log_file_begin(struct log_file *file, int fd, int64_t limit, struct err *err)
{
    bool sound;

    *file = (struct log_file){.fd = fd};
    TRY(read_header(file, &sound, err));
    if (sound) {
        return 0;
    }
    *file = (struct log_file){.fd = fd, .head_max = limit / 2, .ring_max = limit - limit / 2};
    if (ftruncate(fd, 0) != 0) {
        return fault("written", err);
    }
    return write_header(file, err);
}

/* ---- where a byte stands ---- */

/* Within the ring a byte is at its offset's place, whatever was left out before it. */
static int64_t position_of(const struct log_file *file, int64_t offset)
{
    if (offset < file->head || !file->is_ring) {
        return LOG_HEADER_BYTES + offset;
    }
    int64_t place = (offset - file->head_max) % file->ring_max;
    return LOG_HEADER_BYTES + file->head_max + (place < 0 ? place + file->ring_max : place);
}

/* How many bytes from there on stand in one piece. */
static size_t run_at(const struct log_file *file, int64_t offset, size_t len)
{
    int64_t end = INT64_MAX; /* of the piece, as a position */

    if (file->is_ring) {
        end =
            LOG_HEADER_BYTES + (offset < file->head ? file->head : file->head_max + file->ring_max);
    }
    int64_t room = end - position_of(file, offset);
    return (uint64_t)room < len ? (size_t)room : len;
}

int64_t log_file_tail(const struct log_file *file)
{
    if (!file->is_ring) {
        return file->head;
    }
    int64_t oldest = file->written - file->ring_max;
    int64_t tail = oldest > file->from ? oldest : file->from;
    return tail < file->size ? tail : file->size;
}

/* ---- writing ---- */

static void become_ring(struct log_file *file)
{
    file->head = file->size < file->head_max ? file->size : file->head_max;
    file->from = file->head;
    file->written = file->size;
    file->is_ring = true;
}

static int append_ring(struct log_file *file, const char *bytes, size_t len, struct err *err)
{
    while (len > 0) {
        size_t n = run_at(file, file->size, len);
        size_t put;
        file->written = file->size + (int64_t)n;
        TRY(write_header(file, err));
        TRY(write_at(file, position_of(file, file->size), bytes, n, &put, err));
        file->size += (int64_t)n;
        bytes += n;
        len -= n;
    }
    return write_header(file, err);
}

int log_file_append(struct log_file *file, const char *bytes, size_t len, struct err *err)
{
    int64_t room = file->head_max + file->ring_max - file->size;
    size_t put;

    if (!file->is_ring) {
        size_t n = (int64_t)len < room ? len : (size_t)(room > 0 ? room : 0);
        int result = write_at(file, LOG_HEADER_BYTES + file->size, bytes, n, &put, err);
        file->size += (int64_t)put;
        TRY(result);
        bytes += n;
        len -= n;
        if (len == 0) {
            return 0;
        }
        become_ring(file);
    }
    return append_ring(file, bytes, len, err);
}

int log_file_skip(struct log_file *file, int64_t offset, struct err *err)
{
    if (offset <= file->size) {
        return 0;
    }
    if (!file->is_ring) {
        become_ring(file);
    }
    file->from = file->size = file->written = offset;
    return write_header(file, err);
}

int log_file_end(struct log_file *file, struct err *err)
{
    if (file->ended) {
        return 0;
    }
    file->ended = true;
    return write_header(file, err);
}

/* ---- reading ---- */

static int append_piece(const struct log_file *file, int64_t *offset, size_t len, struct buf *out,
                        struct err *err)
{
    char bytes[PIECE_BYTES];
    size_t got;

    len = run_at(file, *offset, len < sizeof bytes ? len : sizeof bytes);
    TRY(read_at(file, position_of(file, *offset), bytes, len, &got, err));
    if (got < len) {
        return err_set(err, ERR_IO, "a log is shorter than its header says");
    }
    buf_append(out, bytes, got);
    *offset += (int64_t)got;
    return 0;
}

int log_file_read(const struct log_file *file, int64_t *offset, size_t most, struct buf *out,
                  struct err *err)
{
    int64_t tail = log_file_tail(file);
    size_t begin = out->len;

    while (*offset < file->size && out->len - begin < most) {
        if (file->is_ring && *offset >= file->head && *offset < tail) {
            buf_printf(out, "\n… %" PRId64 " bytes left out …\n", tail - *offset);
            *offset = tail;
            continue;
        }
        int64_t end = file->is_ring && *offset < file->head ? file->head : file->size;
        size_t left = most - (out->len - begin);
        size_t len = (uint64_t)(end - *offset) < left ? (size_t)(end - *offset) : left;
        TRY(append_piece(file, offset, len, out, err));
    }
    return 0;
}

/* The kept bytes as one sequence: the head, and behind it the tail. */
struct backwards {
    const struct log_file *file;
    int64_t at;     /* the next byte to look at is the one before */
    int64_t breaks; /* line ends still to be passed */
};

static int step_back(struct backwards *walk, int64_t lowest, bool *found, struct err *err)
{
    char bytes[PIECE_BYTES];
    size_t got;

    *found = false;
    while (walk->at > lowest && !*found) {
        int64_t begin = walk->at - PIECE_BYTES > lowest ? walk->at - PIECE_BYTES : lowest;
        size_t len = run_at(walk->file, begin, (size_t)(walk->at - begin));
        /* a piece that wraps is read from where its second part begins */
        begin = begin + (int64_t)len < walk->at ? begin + (int64_t)len : begin;
        len = (size_t)(walk->at - begin);
        TRY(read_at(walk->file, position_of(walk->file, begin), bytes, len, &got, err));
        while (len > 0 && !*found) {
            bool is_last = begin + (int64_t)len == walk->file->size; /* ends the last line */
            walk->breaks -= bytes[len - 1] == '\n' && !is_last ? 1 : 0;
            *found = walk->breaks == 0;
            len -= *found ? 0 : 1;
        }
        walk->at = begin + (int64_t)len;
    }
    return 0;
}

int log_file_last_lines(const struct log_file *file, int64_t lines, int64_t *offset,
                        struct err *err)
{
    struct backwards walk = {file, file->size, lines};
    int64_t tail = file->is_ring ? log_file_tail(file) : 0;
    bool found;

    if (lines == 0) {
        *offset = file->size;
        return 0;
    }
    TRY(step_back(&walk, tail, &found, err));
    if (!found && file->is_ring && file->head > 0 && tail == file->head) {
        TRY(step_back(&walk, 0, &found, err));
    }
    *offset = walk.at;
    return 0;
}
