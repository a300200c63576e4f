#include "worker/cli/log_pieces.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PIECE_MAX ((size_t)4 << 20)
#define LINE_MAX_BYTES 80

void log_pieces_init(struct log_pieces *pieces)
{
    *pieces = (struct log_pieces){0};
    buf_init(&pieces->held, 2 * PIECE_MAX);
}

void log_pieces_finish(struct log_pieces *pieces)
{
    buf_finish(&pieces->held);
}

void log_pieces_begin(struct log_pieces *pieces)
{
    buf_clear(&pieces->held);
}

struct shown_piece {
    int64_t attempt, next;
    size_t head, len; /* of the line before it, and its own */
};

static bool damage(struct log_pieces *pieces)
{
    pieces->damaged = true;
    return false;
}

/* False: the line is not all here, or it is damaged. */
static bool read_line(struct log_pieces *pieces, const char *bytes, size_t len,
                      struct shown_piece *piece)
{
    const char *end = memchr(bytes, '\n', len < LINE_MAX_BYTES ? len : LINE_MAX_BYTES);
    char line[LINE_MAX_BYTES + 1];
    int used = 0;

    if (end == NULL) {
        return len < LINE_MAX_BYTES ? false : damage(pieces);
    }
    piece->head = (size_t)(end - bytes) + 1;
    (void)snprintf(line, sizeof line, "%.*s", (int)(end - bytes), bytes);
    if (strcmp(line, "end") == 0) {
        pieces->ended = true;
        return false;
    }
    if (sscanf(line, "piece %" SCNd64 " %" SCNd64 " %zu%n", &piece->attempt, &piece->next,
               &piece->len, &used)
            != 3
        || line[used] != '\0' || piece->attempt <= 0 || piece->next < 0 || piece->len > PIECE_MAX) {
        return damage(pieces);
    }
    return true;
}

static void drop(struct buf *held, size_t n)
{
    size_t rest = held->len - n;

    if (rest > 0) {
        (void)memmove(held->data, held->data + n, rest);
    }
    held->len = rest;
}

bool log_pieces_take(struct log_pieces *pieces, const char *bytes, size_t len,
                     bool (*print)(void *context, const char *bytes, size_t len), void *context)
{
    struct shown_piece piece;
    size_t at = 0;
    bool printed = true;

    buf_append(&pieces->held, bytes, len);
    if (pieces->held.failed) {
        return damage(pieces);
    }
    while (printed && !pieces->ended && at < pieces->held.len
           && read_line(pieces, pieces->held.data + at, pieces->held.len - at, &piece)
           && pieces->held.len - at - piece.head >= piece.len) {
        printed = piece.len == 0 || print(context, pieces->held.data + at + piece.head, piece.len);
        pieces->attempt = piece.attempt;
        pieces->next = piece.next;
        at += piece.head + piece.len;
    }
    drop(&pieces->held, at);
    return printed && !pieces->damaged;
}
