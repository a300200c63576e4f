/* What a job prints. Whatever it is: the pieces in which it comes make no difference, every value
 * is one that stands in the line, every name too, and what is refused has no value. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/support/report_text.h"
#include "worker/report/blank.h"
#include "worker/report/escape.h"
#include "worker/report/number.h"
#include "worker/report/parse.h"

static const struct pattern_spec specs[] = {
    {PATTERN_GROUPS, NULL, "loss=(?<loss>\\S+)"},
    {PATTERN_GROUPS, NULL,
     "(?<name>[\\w|-]+)\\s*=\\s*(?<value>[+-]?\\d*(\\.\\d+)?([Ee][+-]?\\d+)?)"},
    {PATTERN_METRIC, "val loss", "val/loss=([0-9.]+)"},
    {PATTERN_STEP, NULL, "^Epoch (\\d+)"},
};
static struct patterns *patterns;

/* ---- the rules ---- */

/* Is this the middle of a number or a word? Behind what an expression captured a unit may stand. */
static bool continues(const char *line, size_t len, size_t at, bool may_have_unit)
{
    char c = at < len ? line[at] : ' ';
    char next = at + 1 < len ? line[at + 1] : ' ';
    bool goes_on = isdigit((unsigned char)next) || next == '-' || next == '+';

    if (!may_have_unit) {
        return isalnum((unsigned char)c) || c == '.' || c == '_';
    }
    return isdigit((unsigned char)c) || (c != '\0' && strchr(".eExX_", c) != NULL && goes_on);
}

/* Blanks and a per cent sign: nobody can say which value is meant. */
static bool is_percent(const char *line, size_t len, size_t at)
{
    at += blanks_at(line + at, len - at);
    return metric_percent_at(line + at, len - at) > 0;
}

/* Does a number with this value stand in the line, with nothing before or behind it that would make
 * it a part of another one? A zero may also be what is too small, infinity what is too large. */
static bool stands_in(const char *line, size_t len, double value, bool may_have_unit)
{
    for (size_t i = 0; i < len; i++) {
        double found = 0;
        size_t n = number_span(line + i, len - i, &found);
        bool whole = n > 0 && !continues(line, len, i + n, may_have_unit)
                     && (may_have_unit || !is_percent(line, len, i + n))
                     && (i == 0 || !(isdigit((unsigned char)line[i - 1]) || line[i - 1] == '.'));
        if (whole && (found == value || (isnan(found) && isnan(value)))) {
            return true;
        }
    }
    return false;
}

struct seen {
    bool with_patterns;
    struct buf told;
};

static void check_report(void *context, const struct metric_report *report, const char *line,
                         size_t len)
{
    struct seen *seen = context;

    MUST(!report->refused || (report->n == 0 && !report->has_step && report->n_faults == 1));
    MUST(report->n > 0 || report->n_faults > 0);
    MUST(!report->has_step || (report->step >= 0 && report->step <= METRIC_STEP_MAX));
    MUST(!report->has_step || seen->with_patterns || report->refused
         || stands_in(line, len, (double)report->step, false));
    for (size_t i = 0; i < report->n; i++) {
        const char *metric = report->items[i].metric;
        MUST(name_is_metric(metric));
        MUST(strchr(":<>!~", metric[strlen(metric) - 1]) == NULL || strlen(metric) == 1
             || seen->with_patterns || memchr(line, '"', len) != NULL
             || memchr(line, '\'', len) != NULL);
        MUST(stands_in(line, len, report->items[i].value, seen->with_patterns));
        MUST(strchr(metric, '"') != NULL || strchr(metric, '\\') != NULL
             || memmem(line, len, metric, strlen(metric)) != NULL || seen->with_patterns
             || memchr(line, '\\', len) != NULL);
        for (size_t k = 0; k < i; k++) {
            MUST(strcmp(metric, report->items[k].metric) != 0);
        }
    }
    buf_puts(&seen->told, report_text(report));
    buf_putc(&seen->told, '\n');
}

static void read_in_pieces(const uint8_t *data, size_t size, size_t piece, bool with_patterns,
                           struct seen *seen)
{
    struct reader reader;
    struct parse parse;

    seen->with_patterns = with_patterns;
    buf_init(&seen->told, 1 << 24);
    reader_init(&reader, with_patterns ? patterns : NULL, check_report, seen);
    parse_init(&parse, &reader, false);
    for (size_t i = 0; i < size; i += piece) {
        parse_feed(&parse, (const char *)data + i, size - i < piece ? size - i : piece);
    }
    parse_end(&parse);
    parse_finish(&parse);
}

static void end(void)
{
    patterns_destroy(patterns);
}

void fuzz_start(void)
{
    MUST(patterns_create(specs, sizeof specs / sizeof specs[0], &patterns, NULL) == 0);
    MUST(atexit(end) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t pieces[] = {1, 3, 64};

    for (int with = 0; with < 2; with++) {
        struct seen whole;
        read_in_pieces(data, size, size + 1, with == 1, &whole);
        for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
            struct seen cut;
            read_in_pieces(data, size, pieces[i], with == 1, &cut);
            MUST(strcmp(buf_text(&whole.told), buf_text(&cut.told)) == 0);
            buf_finish(&cut.told);
        }
        buf_finish(&whole.told);
    }
    return 0;
}
