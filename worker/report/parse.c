#include "worker/report/parse.h"

#include <string.h>

#include "worker/report/find.h"

void parse_init(struct parse *parse, struct reader *reader, bool bare)
{
    *parse = (struct parse){.reader = reader, .bare = bare};
    buf_init(&parse->line, (size_t)2 * METRIC_LINE_BYTES);
}

void parse_finish(struct parse *parse)
{
    buf_finish(&parse->line);
}

static void tell_cut(struct parse *parse)
{
    struct metric_report report;
    struct found found;

    metric_report_begin(&report);
    metric_report_refuse(&report, METRIC_FAULT_FORM,
                         "a line of more than %d bytes; its beginning is not read",
                         METRIC_LINE_BYTES);
    if (parse->bare || find_prefix(parse->line.data, METRIC_LINE_BYTES, 0, parse->is_cut, &found)) {
        parse->reader->on_report(parse->reader->context, &report, parse->line.data,
                                 METRIC_LINE_BYTES);
    }
}

static void end_line(struct parse *parse)
{
    if (parse->line.len > 0 && parse->bare && !parse->is_cut) {
        reader_bare_line(parse->reader, parse->line.data, parse->line.len);
    } else if (parse->line.len > 0 && !parse->bare) {
        reader_line(parse->reader, parse->line.data, parse->line.len, parse->is_cut);
    }
    buf_clear(&parse->line);
    parse->is_cut = false;
}

/* The front goes at fixed places of the line, whatever the pieces are. */
static void extend_line(struct parse *parse, const char *bytes, size_t len)
{
    while (len > 0) {
        size_t fits = parse->line.max - parse->line.len;
        size_t n = len < fits ? len : fits;
        buf_append(&parse->line, bytes, n);
        bytes += n;
        len -= n;
        if (parse->line.len == parse->line.max) {
            tell_cut(parse);
            buf_consume(&parse->line, METRIC_LINE_BYTES);
            parse->is_cut = true;
        }
    }
}

void parse_feed(struct parse *parse, const char *bytes, size_t len)
{
    size_t start = 0;

    for (size_t i = 0; i < len; i++) {
        if (bytes[i] == '\n' || bytes[i] == '\r') {
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
