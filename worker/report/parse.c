#include "worker/report/parse.h"

#include <string.h>

#include "common/utf8.h"

void parse_init(struct parse *parse, const struct patterns *patterns, bool bare,
                void (*on_report)(void *context, const struct metric_report *report), void *context)
{
    *parse = (struct parse){
        .patterns = patterns, .bare = bare, .on_report = on_report, .context = context};
    buf_init(&parse->line, METRIC_LINE_BYTES);
    buf_init(&parse->tail, (size_t)3 * PARSE_TAIL_BYTES);
}

void parse_finish(struct parse *parse)
{
    buf_finish(&parse->line);
    buf_finish(&parse->tail);
}

static void read_line(struct parse *parse, const char *line, size_t len)
{
    struct metric_report report;
    bool found;

    if (parse->bare) {
        found = metric_bare_read(line, len, &report);
    } else {
        found = metric_line_read(line, len, &report)
                || (parse->patterns != NULL && patterns_read(parse->patterns, line, len, &report));
    }
    if (found) {
        parse->on_report(parse->context, &report);
    }
}

static void end_line(struct parse *parse)
{
    if (parse->line.len > 0) {
        read_line(parse, parse->line.data, parse->line.len);
    }
    buf_clear(&parse->line);
    parse->too_long = false;
}

/* A line longer than the limit is read as far as it fits, once. */
static void extend_line(struct parse *parse, const char *bytes, size_t len)
{
    size_t room = METRIC_LINE_BYTES - parse->line.len;

    if (!parse->too_long) {
        buf_append(&parse->line, bytes, len < room ? len : room);
        parse->too_long = len > room;
    }
}

static void keep_tail(struct parse *parse, const char *bytes, size_t len)
{
    size_t kept = (size_t)2 * PARSE_TAIL_BYTES;

    if (len > kept) {
        bytes += len - kept;
        len = kept;
    }
    if (parse->tail.len + len > kept) {
        buf_consume(&parse->tail, parse->tail.len + len - kept);
    }
    buf_append(&parse->tail, bytes, len);
}

void parse_feed(struct parse *parse, const char *bytes, size_t len)
{
    size_t start = 0;

    keep_tail(parse, bytes, len);
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r') { /* progress bars return without feeding */
            extend_line(parse, bytes + start, i - start);
            end_line(parse);
            start = i + 1;
        }
    }
    extend_line(parse, bytes + start, len - start);
}

void parse_end(struct parse *parse)
{
    end_line(parse);
}

/* ---- clean text ---- */

void parse_append_clean(struct buf *out, const char *bytes, size_t len)
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

void parse_last_lines(const struct parse *parse, struct buf *out)
{
    const char *text = buf_text(&parse->tail);
    size_t len = parse->tail.len;

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    size_t start = len > PARSE_TAIL_BYTES ? len - PARSE_TAIL_BYTES : 0;
    if (start > 0) { /* begin with a whole line, if there is one */
        const char *newline = memchr(text + start, '\n', len - start);
        start = newline == NULL ? start : (size_t)(newline + 1 - text);
    }
    parse_append_clean(out, text + start, len - start);
}
