#include "worker/report/transcript.h"

#include <string.h>

#include "common/utf8.h"

void transcript_init(struct transcript *transcript,
                     void (*keep)(void *context, const char *bytes, size_t len), void *context)
{
    *transcript = (struct transcript){.keep = keep, .context = context};
    for (size_t i = 0; i < TRANSCRIPT_STREAMS; i++) {
        buf_init(&transcript->held[i], TRANSCRIPT_LINE_BYTES);
    }
    buf_init(&transcript->tail, (size_t)3 * TRANSCRIPT_TAIL_BYTES);
}

void transcript_finish(struct transcript *transcript)
{
    for (size_t i = 0; i < TRANSCRIPT_STREAMS; i++) {
        buf_finish(&transcript->held[i]);
    }
    buf_finish(&transcript->tail);
}

static void keep_tail(struct transcript *transcript, const char *bytes, size_t len)
{
    size_t kept = (size_t)2 * TRANSCRIPT_TAIL_BYTES;

    if (len > kept) {
        bytes += len - kept;
        len = kept;
    }
    if (transcript->tail.len + len > kept) {
        buf_consume(&transcript->tail, transcript->tail.len + len - kept);
    }
    buf_append(&transcript->tail, bytes, len);
}

static void keep(struct transcript *transcript, const char *bytes, size_t len)
{
    keep_tail(transcript, bytes, len);
    transcript->keep(transcript->context, bytes, len);
}

/* Keeps the first bytes of what a stream holds. */
static void keep_held(struct transcript *transcript, size_t stream, size_t len)
{
    struct buf *held = &transcript->held[stream];

    if (len == 0) {
        return;
    }
    if (transcript->is_open && transcript->last != stream) {
        keep(transcript, "\n", 1);
    }
    keep(transcript, held->data, len);
    transcript->is_open = held->data[len - 1] != '\n' && held->data[len - 1] != '\r';
    transcript->last = stream;
    buf_consume(held, len);
}

/* How much of the text is whole lines. A carriage return at its end may be the half of a line's
 * end. */
static size_t whole(const struct buf *held)
{
    for (size_t i = held->len; i > 0; i--) {
        if (held->data[i - 1] == '\n' || (held->data[i - 1] == '\r' && i < held->len)) {
            return i;
        }
    }
    return 0;
}

void transcript_feed(struct transcript *transcript, size_t stream, const char *bytes, size_t len)
{
    struct buf *held = &transcript->held[stream];

    while (len > 0) {
        size_t fits = held->max - held->len;
        size_t n = len < fits ? len : fits;
        buf_append(held, bytes, n);
        bytes += n;
        len -= n;
        size_t lines = whole(held);
        keep_held(transcript, stream, lines == 0 && held->len == held->max ? held->len : lines);
    }
}

void transcript_end(struct transcript *transcript)
{
    for (size_t i = 0; i < TRANSCRIPT_STREAMS; i++) {
        keep_held(transcript, i, transcript->held[i].len);
    }
}

/* ---- clean text ---- */

void transcript_append_clean(struct buf *out, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t point = 0;
        size_t n = utf8_decode(bytes + i, len - i, &point);
        bool control =
            (point < 0x20 && point != '\n' && point != '\t') || (point >= 0x7f && point < 0xa0);
        if (point == '\r') {
            buf_putc(out, '\n');
        } else if (n == 0 || control) {
            buf_putc(out, '?');
        } else {
            buf_append(out, bytes + i, n);
        }
        i += n == 0 ? 1 : n;
    }
}

void transcript_last_lines(const struct transcript *transcript, struct buf *out)
{
    const char *text = buf_text(&transcript->tail);
    size_t len = transcript->tail.len;

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    size_t start = len > TRANSCRIPT_TAIL_BYTES ? len - TRANSCRIPT_TAIL_BYTES : 0;
    if (start > 0) { /* begin with a whole line, if there is one */
        const char *newline = memchr(text + start, '\n', len - start);
        start = newline == NULL ? start : (size_t)(newline + 1 - text);
    }
    transcript_append_clean(out, text + start, len - start);
}
