#include "common/metric_bound.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

#define EXAMPLE "p99_ms <= 500"
#define RELATION_CHARACTERS "<>=!"

/* ---- reading --------------------------------------------------------------------------------- */

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* `name`, in which `` is a backquote; *at ← behind it. */
static int read_quoted(const char **at, char name[METRIC_NAME_BYTES + 1], struct err *err)
{
    const char *from = *at + 1;
    size_t len = 0;

    while (*from != '\0' && (*from != '`' || from[1] == '`')) {
        if (len == METRIC_NAME_BYTES) {
            return err_set(err, ERR_INVALID, "the name is too long: a metric's name has %s",
                           NAME_METRIC_RULE);
        }
        name[len++] = *from;
        from += *from == '`' ? 2 : 1;
    }
    if (*from == '\0') {
        return err_set(err, ERR_INVALID, "the closing ` is missing; write `a name` <= 500");
    }
    name[len] = '\0';
    *at = from + 1;
    return 0;
}

/* All before the relation; *at ← the relation. */
static int read_plain(const char **at, char name[METRIC_NAME_BYTES + 1], struct err *err)
{
    size_t len = strcspn(*at, RELATION_CHARACTERS);
    const char *relation = *at + len;

    while (len > 0 && ((*at)[len - 1] == ' ' || (*at)[len - 1] == '\t')) {
        len--;
    }
    if (len > METRIC_NAME_BYTES) {
        return err_set(err, ERR_INVALID, "the name is too long: a metric's name has %s",
                       NAME_METRIC_RULE);
    }
    memcpy(name, *at, len);
    name[len] = '\0';
    *at = relation;
    return 0;
}

static int read_name(const char **at, char name[METRIC_NAME_BYTES + 1], struct err *err)
{
    *at = skip_blanks(*at);
    TRY(**at == '`' ? read_quoted(at, name, err) : read_plain(at, name, err));
    *at = skip_blanks(*at);
    if (name[0] == '\0') {
        return err_set(err, ERR_INVALID,
                       "names no metric; write the metric first, such as " EXAMPLE);
    }
    if (!name_is_metric(name)) {
        return err_set(err, ERR_INVALID, "\"%.80s\" is no metric name: it has %s", name,
                       NAME_METRIC_RULE);
    }
    return 0;
}

/* *at ← behind <= or >=. */
static int read_relation(const char **at, bool *is_lower, struct err *err)
{
    const char *relation = *at;

    if (strncmp(relation, "<=", 2) == 0 || strncmp(relation, ">=", 2) == 0) {
        *is_lower = relation[0] == '>';
        *at += 2;
        return 0;
    }
    if (relation[0] == '<' || relation[0] == '>') {
        return err_set(err, ERR_INVALID, "has %c; write %c=: the limit itself is allowed",
                       relation[0], relation[0]);
    }
    if (relation[0] == '=' || relation[0] == '!') {
        return err_set(err, ERR_INVALID,
                       "must be an upper or a lower bound; write <= or >=, such as " EXAMPLE);
    }
    return err_set(err, ERR_INVALID, "has neither <= nor >= behind the metric; write " EXAMPLE);
}

/* A finite decimal number and nothing else. */
static bool is_number(const char *text, size_t len, double *number)
{
    char copy[64];
    char *end;

    if (len == 0 || len >= sizeof copy || strspn(text, "+-.0123456789eE") < len) {
        return false;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    double read = strtod(copy, &end);
    if (*end != '\0' || !isfinite(read)) {
        return false;
    }
    *number = read == 0 ? 0 : read; /* -0 is 0 */
    return true;
}

static int read_limit(const char *at, const char *name, double *limit, struct err *err)
{
    const char *text = skip_blanks(at);
    size_t len = strlen(text);
    double ignored;

    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) {
        len--;
    }
    if (is_number(text, len, limit)) {
        return 0;
    }
    if (len == 0) {
        return err_set(err, ERR_INVALID, "has no number behind <= or >=; write " EXAMPLE);
    }
    if (is_number(name, strlen(name), &ignored) && strpbrk(text, RELATION_CHARACTERS) == NULL) {
        return err_set(err, ERR_INVALID,
                       "begins with a number; write the metric first, such as " EXAMPLE);
    }
    if (strpbrk(text, RELATION_CHARACTERS) != NULL) {
        return err_set(err, ERR_INVALID,
                       "has more than one relation; write two constraints, one for each bound");
    }
    return err_set(err, ERR_INVALID,
                   "\"%.60s\" is no finite number; write it without a unit, such as " EXAMPLE,
                   text);
}

int metric_bound_parse(const char *text, struct metric_bound *bound, struct err *err)
{
    struct metric_bound read = {0};
    const char *at = text;

    TRY(read_name(&at, read.metric, err));
    TRY(read_relation(&at, &read.is_lower, err));
    TRY(read_limit(at, read.metric, &read.limit, err));
    *bound = read;
    return 0;
}

/* ---- printing -------------------------------------------------------------------------------- */

/* Returns the end of what it wrote. */
static char *print_name(const char *name, char *to)
{
    bool is_quoted = strpbrk(name, RELATION_CHARACTERS "`") != NULL;

    if (is_quoted) {
        *to++ = '`';
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (*c == '`') {
            *to++ = '`';
        }
        *to++ = *c;
    }
    if (is_quoted) {
        *to++ = '`';
    }
    *to = '\0';
    return to;
}

const char *metric_bound_text(const struct metric_bound *bound, char text[METRIC_BOUND_BYTES])
{
    char number[JSON_NUMBER_BYTES];
    char *at = print_name(bound->metric, text);

    (void)snprintf(at, METRIC_BOUND_BYTES - (size_t)(at - text), " %s %s",
                   bound->is_lower ? ">=" : "<=", json_format_number(bound->limit, number));
    return text;
}

/* ---- values ---------------------------------------------------------------------------------- */

double metric_bound_excess(const struct metric_bound *bound, double value)
{
    return bound->is_lower ? bound->limit - value : value - bound->limit;
}

double metric_bound_scale(const struct metric_bound *bound)
{
    return bound->limit == 0 ? 1 : fabs(bound->limit);
}

enum feasibility feasibility_of(size_t n, const struct metric_bound bounds[], const double values[])
{
    enum feasibility found = FEASIBLE;

    for (size_t i = 0; i < n; i++) {
        double value = values == NULL ? (double)NAN : values[i];
        if (metric_bound_excess(&bounds[i], value) > 0) {
            return VIOLATES;
        }
        found = isnan(value) ? FEASIBILITY_UNKNOWN : found;
    }
    return found;
}

double constraint_violation(size_t n, const struct metric_bound bounds[], const double values[])
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        double value = values == NULL ? (double)NAN : values[i];
        if (isnan(value)) {
            return (double)INFINITY;
        }
        sum += fmax(0, metric_bound_excess(&bounds[i], value) / metric_bound_scale(&bounds[i]));
    }
    return sum;
}
