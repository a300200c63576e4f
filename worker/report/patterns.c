#define PCRE2_CODE_UNIT_WIDTH 8
#include "worker/report/patterns.h"

#include <ctype.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "worker/report/blank.h"
#include "worker/report/number.h"

#define MATCH_STEPS 100000u
#define MATCH_DEPTH 1000u
#define MATCH_HEAP_KIB 1024u
#define EXPRESSION_BYTES 4096
#define SHOWN_BYTES 60 /* of the text in a fault */
#define OPTIONS                                                                                    \
    (PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_DUPNAMES)

struct pattern {
    enum pattern_kind kind;
    const char *metric;
    pcre2_code *code;
    pcre2_match_data *match;
    size_t name_group, value_group; /* of an expression that captures both; 0: it does not */
};

struct patterns {
    size_t n;
    struct pattern *items;
    pcre2_match_context *limits;
    bool find_step;
};

void patterns_destroy(struct patterns *patterns)
{
    if (patterns == NULL) {
        return;
    }
    for (size_t i = 0; i < patterns->n; i++) {
        pcre2_match_data_free(patterns->items[i].match);
        pcre2_code_free(patterns->items[i].code);
    }
    pcre2_match_context_free(patterns->limits);
    free(patterns->items);
    free(patterns);
}

/* ---- making them ---- */

/* The table of named groups: an entry is a big-endian number and the name. */
static uint32_t name_count(const pcre2_code *code, PCRE2_SPTR *table, uint32_t *entry_len)
{
    uint32_t n = 0;

    (void)pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &n);
    (void)pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, table);
    (void)pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, entry_len);
    return n;
}

static size_t group_at(PCRE2_SPTR table, uint32_t entry_len, uint32_t i, const char **name)
{
    PCRE2_SPTR entry = table + (size_t)i * entry_len;

    *name = (const char *)entry + 2;
    return (size_t)entry[0] << 8 | entry[1];
}

/* Finds the groups `name` and `value`, and whether any group is a metric. */
static bool look_at_names(struct pattern *pattern)
{
    PCRE2_SPTR table = NULL;
    uint32_t entry_len = 0;
    uint32_t n = name_count(pattern->code, &table, &entry_len);
    size_t metrics = 0;

    for (uint32_t i = 0; i < n; i++) {
        const char *name;
        size_t group = group_at(table, entry_len, i, &name);
        metrics += strcmp(name, "step") != 0;
        pattern->name_group = strcmp(name, "name") == 0 ? group : pattern->name_group;
        pattern->value_group = strcmp(name, "value") == 0 ? group : pattern->value_group;
    }
    if (pattern->name_group == 0 || pattern->value_group == 0) {
        pattern->name_group = pattern->value_group = 0;
    }
    return metrics > 0;
}

static int check_groups(struct pattern *pattern, const char *expression, struct err *err)
{
    uint32_t n = 0;

    (void)pcre2_pattern_info(pattern->code, PCRE2_INFO_CAPTURECOUNT, &n);
    if (pattern->kind == PATTERN_GROUPS && !look_at_names(pattern)) {
        return err_set(err, ERR_INVALID,
                       "the expression \"%.150s\" names no metric; name what it captures, as in "
                       "'Accuracy = (?<accuracy>[0-9.]+)', or capture the name too, as (?<name>…) "
                       "and (?<value>…)",
                       expression);
    }
    if (pattern->kind != PATTERN_GROUPS && n == 0) {
        return err_set(err, ERR_INVALID,
                       "the expression \"%.150s\" captures nothing; put parentheses around the "
                       "number",
                       expression);
    }
    if (pattern->kind == PATTERN_METRIC && !name_is_metric(pattern->metric)) {
        return err_set(err, ERR_INVALID, "\"%.150s\" is no metric name: it has " NAME_METRIC_RULE,
                       pattern->metric);
    }
    return 0;
}

static int compile(const struct pattern_spec *spec, struct pattern *pattern, struct err *err)
{
    const char *expression = spec->expression;
    int code = 0;
    PCRE2_SIZE at = 0;

    if (strlen(expression) > EXPRESSION_BYTES) {
        return err_set(err, ERR_INVALID, "a regular expression of more than %d bytes",
                       EXPRESSION_BYTES);
    }
    pattern->kind = spec->kind;
    pattern->metric = spec->metric;
    pattern->code =
        pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED, OPTIONS, &code, &at, NULL);
    if (pattern->code == NULL) {
        PCRE2_UCHAR text[160];
        (void)pcre2_get_error_message(code, text, sizeof text / sizeof text[0]);
        return err_set(err, ERR_INVALID, "the expression \"%.150s\" is wrong at character %zu: %s",
                       expression, at + 1, (const char *)text);
    }
    pattern->match = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    if (pattern->match == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return check_groups(pattern, expression, err);
}

int patterns_create(const struct pattern_spec specs[], size_t n, struct patterns **patterns,
                    struct err *err)
{
    OWN(patterns) struct patterns *made = calloc(1, sizeof *made);

    if (made == NULL || (made->items = calloc(n + 1, sizeof *made->items)) == NULL
        || (made->limits = pcre2_match_context_create(NULL)) == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    (void)pcre2_set_match_limit(made->limits, MATCH_STEPS);
    (void)pcre2_set_depth_limit(made->limits, MATCH_DEPTH);
    (void)pcre2_set_heap_limit(made->limits, MATCH_HEAP_KIB);
    for (size_t i = 0; i < n; i++) {
        made->n = i + 1;
        TRY(compile(&specs[i], &made->items[i], err));
        made->find_step = made->find_step || specs[i].kind == PATTERN_STEP;
    }
    *patterns = made;
    made = NULL;
    return 0;
}

bool patterns_find_step(const struct patterns *patterns)
{
    return patterns->find_step;
}

/* ---- matching ---- */

/* A match within a line. */
struct matched {
    const struct pattern *pattern;
    const char *line;
    size_t len;
    const PCRE2_SIZE *ends;
    struct metric_report *report;
};

/* What a group captured; false: it belongs to a branch that was not taken. */
static bool captured(const struct matched *m, size_t group, size_t *begin, size_t *end)
{
    *begin = m->ends[2 * group];
    *end = m->ends[2 * group + 1];
    return *begin != PCRE2_UNSET && *begin <= *end;
}

/* Is a NUL at this place that is not only the filling of a line's end? */
static bool is_nul_within(const struct matched *m, size_t at)
{
    while (at < m->len && m->line[at] == '\0') {
        at++;
        if (at < m->len && m->line[at] != '\0') {
            return true;
        }
    }
    return false;
}

static char char_at(const struct matched *m, size_t at)
{
    return at < m->len ? m->line[at] : '\0';
}

/* Does the number go on behind `end`? "1" out of "1e-5", "0" out of "0,5". A comma counts only
 * where the expression itself says nothing about it. */
static bool goes_on(const struct matched *m, size_t begin, size_t end)
{
    char here = char_at(m, end);
    char next = char_at(m, end + 1);
    bool digit_next = isdigit((unsigned char)next);
    double value;

    if (number_span(m->line + begin, m->len - begin, &value) != end - begin) {
        return true;
    }
    if (is_nul_within(m, end)) { /* it shows as nothing, so "1\0002" looks like 12 */
        return true;
    }
    if (here == ',') {
        return digit_next && end == m->ends[1];
    }
    return here != '\0' && strchr("._xXeE", here) != NULL
           && (digit_next || next == '-' || next == '+');
}

/* Does the number begin before `begin`? "5" out of "0.5", "0.5" out of "=-0.5". */
static bool began_before(const struct matched *m, size_t begin)
{
    char before = begin > 0 ? m->line[begin - 1] : '\0';
    char first = char_at(m, begin);
    bool word_before = begin > 1 && isalnum((unsigned char)m->line[begin - 2]);

    if (!isdigit((unsigned char)first) && first != '.') {
        return false;
    }
    return isdigit((unsigned char)before) || before == '.' || (before == '\0' && begin > 1)
           || (before == '-' && !word_before);
}

/* The number that a group captured, which may have a separator behind it. A part of a longer number
 * is none. */
static bool read_number(const struct matched *m, size_t begin, size_t end, double *value)
{
    const char *text = m->line + begin;
    size_t len = end - begin;

    blank_trim(&text, &len);
    while (len > 1 && strchr(",;|)]}\"'", text[len - 1]) != NULL) {
        len--;
    }
    begin = (size_t)(text - m->line);
    return number_read(text, len, value) && !goes_on(m, begin, begin + len)
           && !began_before(m, begin);
}

static int shown(size_t len)
{
    return (int)(len < SHOWN_BYTES ? len : SHOWN_BYTES);
}

static void take_group(const struct matched *m, size_t group, const char *name)
{
    size_t begin;
    size_t end;
    double value;

    if (!captured(m, group, &begin, &end)) {
        return;
    }
    bool is_step = m->pattern->kind == PATTERN_STEP
                   || (m->pattern->kind == PATTERN_GROUPS && strcmp(name, "step") == 0);
    if (read_number(m, begin, end, &value)) {
        if (is_step) {
            metric_report_set_step(m->report, value);
        } else {
            metric_report_add(m->report, name, strlen(name), value);
        }
    } else if (is_step) {
        metric_report_refuse(m->report, METRIC_FAULT_STEP,
                             "the expression captured \"%.*s\" for the step, which is no "
                             "number or only a part of one",
                             shown(end - begin), m->line + begin);
    } else {
        metric_report_fault(m->report, METRIC_FAULT_NUMBER, name, strlen(name),
                            "the expression captured \"%.*s\" for %.60s, which is no number or "
                            "only a part of one",
                            shown(end - begin), m->line + begin, name);
    }
}

static void take_groups(const struct matched *m)
{
    PCRE2_SPTR table = NULL;
    uint32_t entry_len = 0;
    uint32_t n = name_count(m->pattern->code, &table, &entry_len);

    for (uint32_t i = 0; i < n; i++) {
        const char *name;
        size_t group = group_at(table, entry_len, i, &name);
        take_group(m, group, name);
    }
}

/* Is what was captured only the end of a longer name? "loss" out of "val/loss". */
static bool is_name_cut(const struct matched *m, size_t begin)
{
    uint32_t point = 0;
    char before = begin > 0 ? m->line[begin - 1] : ' ';

    if (strchr(" \t\r\n\f\v,;|([{<>\"'", before) != NULL && before != '\0') {
        return false;
    }
    return (unsigned char)before < 0x80
           || !(begin > 1 && utf8_decode(m->line + begin - 2, 2, &point) == 2
                && utf8_is_blank(point));
}

/* A name and its value, both captured. A pair whose value is no number is none of a metric. */
static void take_pair(const struct matched *m)
{
    size_t begin;
    size_t end;
    size_t from;
    size_t to;
    double value;

    if (!captured(m, m->pattern->name_group, &begin, &end) || begin == end
        || !captured(m, m->pattern->value_group, &from, &to) || from == to) {
        return;
    }
    const char *name = m->line + begin;
    if (is_name_cut(m, begin)) {
        metric_report_fault(
            m->report, METRIC_FAULT_NAME, name, end - begin,
            "the expression captured the name \"%.*s\", which is a part of a longer "
            "one",
            shown(end - begin), name);
    } else if (!read_number(m, from, to, &value)) {
        metric_report_fault(m->report, METRIC_FAULT_NUMBER, name, end - begin,
                            "the expression captured \"%.*s\" for %.*s, which is no number or only "
                            "a part of one",
                            shown(to - from), m->line + from, shown(end - begin), name);
    } else if (metric_name_is_step(name, end - begin)) {
        metric_report_set_step(m->report, value);
    } else {
        metric_report_add(m->report, name, end - begin, value);
    }
}

static void take_match(const struct matched *m)
{
    if (m->pattern->kind != PATTERN_GROUPS) {
        take_group(m, 1, m->pattern->metric);
    } else if (m->pattern->name_group > 0) {
        take_pair(m);
    } else {
        take_groups(m);
    }
}

/* Takes one match, or all of an expression that captures names; true: there was one. */
static bool match_all(const struct patterns *patterns, struct matched *m)
{
    PCRE2_SIZE from = 0;
    bool any = false;

    while (from <= m->len) {
        int rc = pcre2_match(m->pattern->code, (PCRE2_SPTR)m->line, m->len, from, 0,
                             m->pattern->match, patterns->limits);
        if (rc != PCRE2_ERROR_NOMATCH && rc < 0) {
            metric_report_fault(m->report, METRIC_FAULT_FORM, "", 0,
                                "an expression takes too long to match");
            return true;
        }
        if (rc < 0) {
            return any;
        }
        any = true;
        m->ends = pcre2_get_ovector_pointer(m->pattern->match);
        take_match(m);
        if (m->pattern->name_group == 0) {
            return true;
        }
        from = m->ends[1] > from ? m->ends[1] : from + 1;
    }
    return any;
}

static bool read_kind(const struct patterns *patterns, struct matched *m, bool step)
{
    bool matched = false;

    for (size_t i = 0; i < patterns->n; i++) {
        m->pattern = &patterns->items[i];
        if ((m->pattern->kind == PATTERN_STEP) == step && match_all(patterns, m)) {
            matched = true;
        }
    }
    bool found = m->report->n > 0 || m->report->n_faults > 0 || (step && m->report->has_step);
    return matched && found;
}

bool patterns_read(const struct patterns *patterns, const char *line, size_t len,
                   struct metric_report *report)
{
    struct matched m = {.line = line, .len = len, .report = report};

    return read_kind(patterns, &m, false);
}

bool patterns_read_step(const struct patterns *patterns, const char *line, size_t len,
                        struct metric_report *report)
{
    struct matched m = {.line = line, .len = len, .report = report};

    return read_kind(patterns, &m, true);
}
