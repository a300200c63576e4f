#define PCRE2_CODE_UNIT_WIDTH 8
#include "worker/report/patterns.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#define MATCH_STEPS 100000u
#define MATCH_DEPTH 1000u
#define MATCH_HEAP_KIB 1024u
#define EXPRESSION_BYTES 4096

struct pattern {
    pcre2_code *code;
    pcre2_match_data *match;
};

struct patterns {
    size_t n;
    struct pattern *items;
    pcre2_match_context *limits;
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

/* Calls visit for each named group: an entry is a big-endian number and the name. */
static uint32_t name_count(const pcre2_code *code, PCRE2_SPTR *table, uint32_t *entry_len)
{
    uint32_t n = 0;

    (void)pcre2_pattern_info(code, PCRE2_INFO_NAMECOUNT, &n);
    (void)pcre2_pattern_info(code, PCRE2_INFO_NAMETABLE, table);
    (void)pcre2_pattern_info(code, PCRE2_INFO_NAMEENTRYSIZE, entry_len);
    return n;
}

static int check_names(const pcre2_code *code, const char *expression, struct err *err)
{
    PCRE2_SPTR table = NULL;
    uint32_t entry_len = 0;
    uint32_t n = name_count(code, &table, &entry_len);
    size_t metrics = 0;

    for (uint32_t i = 0; i < n; i++) {
        const char *name = (const char *)table + (size_t)i * entry_len + 2;
        metrics += strcmp(name, "step") != 0;
    }
    if (metrics == 0) {
        return err_set(err, ERR_INVALID,
                       "the expression \"%.150s\" names no metric; name what it captures, as in "
                       "'Accuracy = (?<accuracy>[0-9.]+)'",
                       expression);
    }
    return 0;
}

static int compile(const char *expression, struct pattern *pattern, struct err *err)
{
    int code = 0;
    PCRE2_SIZE at = 0;

    if (strlen(expression) > EXPRESSION_BYTES) {
        return err_set(err, ERR_INVALID, "a regular expression of more than %d bytes",
                       EXPRESSION_BYTES);
    }
    pattern->code = pcre2_compile((PCRE2_SPTR)expression, PCRE2_ZERO_TERMINATED,
                                  PCRE2_NEVER_BACKSLASH_C | PCRE2_DUPNAMES, &code, &at, NULL);
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
    return check_names(pattern->code, expression, err);
}

int patterns_create(const char *const expressions[], size_t n, struct patterns **patterns,
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
        TRY(compile(expressions[i], &made->items[i], err));
    }
    *patterns = made;
    made = NULL;
    return 0;
}

static void take_group(const char *line, const PCRE2_SIZE *ends, const char *name,
                       struct metric_report *report)
{
    double value;

    if (ends[0] == PCRE2_UNSET) {
        return; /* a group of a branch not taken */
    }
    const char *text = line + ends[0];
    size_t len = ends[1] - ends[0];
    if (!metric_number_read(text, len, &value)) {
        if (report->fault[0] == '\0') {
            (void)snprintf(report->fault, sizeof report->fault,
                           "the expression captured \"%.*s\" for %s, which is no number",
                           (int)(len < 60 ? len : 60), text, name);
        }
    } else if (strcmp(name, "step") == 0) {
        metric_report_set_step(report, value);
    } else {
        metric_report_add(report, name, strlen(name), value);
    }
}

static void take_groups(const struct pattern *pattern, const char *line,
                        struct metric_report *report)
{
    PCRE2_SPTR table = NULL;
    uint32_t entry_len = 0;
    uint32_t n = name_count(pattern->code, &table, &entry_len);
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(pattern->match);

    for (uint32_t i = 0; i < n; i++) {
        PCRE2_SPTR entry = table + (size_t)i * entry_len;
        size_t group = (size_t)entry[0] << 8 | entry[1];
        take_group(line, ends + 2 * group, (const char *)entry + 2, report);
    }
}

bool patterns_read(const struct patterns *patterns, const char *line, size_t len,
                   struct metric_report *report)
{
    bool matched = false;

    for (size_t i = 0; i < patterns->n; i++) {
        const struct pattern *pattern = &patterns->items[i];
        int rc = pcre2_match(pattern->code, (PCRE2_SPTR)line, len, 0, 0, pattern->match,
                             patterns->limits);
        if (rc < 0) {
            continue; /* no match, or one that would take too long to find */
        }
        if (!matched) {
            report->has_step = false;
            report->step = 0;
            report->n = 0;
            report->fault[0] = '\0';
            matched = true;
        }
        take_groups(pattern, line, report);
    }
    return matched;
}
