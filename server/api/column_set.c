#include "server/api/column_set.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/step.h"
#include "server/api/bounds.h"

#define PARAMETERS "parameters."
#define METRICS "metrics."

static const char *const plain_names[COLUMN_PLAIN_COUNT] = {
    [COLUMN_NUMBER] = "number",         [COLUMN_STATE] = "state",
    [COLUMN_VALUE] = "value",           [COLUMN_STEP] = "step",
    [COLUMN_ATTEMPT] = "attempt",       [COLUMN_WORKER] = "worker",
    [COLUMN_CREATED_AT] = "created_at", [COLUMN_STARTED_AT] = "started_at",
    [COLUMN_ENDED_AT] = "ended_at",     [COLUMN_REASON] = "reason",
    [COLUMN_SOURCE] = "source",         [COLUMN_FEASIBLE] = "feasible",
};

/* ---- which ---- */

static const struct space *space_of(const struct column_set *set)
{
    return set->study->def->def->space;
}

/* Places in `seen`: plain columns, metrics, parameters. */
static bool *seen_of(struct column_set *set, enum column_kind kind, size_t index)
{
    size_t at = kind < COLUMN_PARAMETER ? (size_t)kind
                : kind == COLUMN_METRIC ? COLUMN_PLAIN_COUNT + index
                                        : COLUMN_PLAIN_COUNT + set->study->n_metrics + index;

    return &set->seen[at];
}

static void add(struct column_set *set, enum column_kind kind, size_t index, const char *name)
{
    bool *seen = seen_of(set, kind, index);

    if (!*seen) {
        *seen = true;
        set->items[set->n++] = (struct trial_column){kind, index, name};
        set->has_value = set->has_value || kind == COLUMN_VALUE;
        set->has_metrics = set->has_metrics || kind == COLUMN_METRIC;
    }
}

static bool is_named(const char *wanted, size_t len, const char *name)
{
    return (len == 1 && wanted[0] == '*') || (strncmp(wanted, name, len) == 0 && name[len] == '\0');
}

/* Each adds what the field names; false: nothing. */
static bool add_plain(struct column_set *set, const char *field, size_t len)
{
    for (int kind = 0; kind < COLUMN_PLAIN_COUNT; kind++) {
        if (strncmp(field, plain_names[kind], len) == 0 && plain_names[kind][len] == '\0') {
            add(set, (enum column_kind)kind, 0, plain_names[kind]);
            return true;
        }
    }
    return false;
}

static bool add_parameters(struct column_set *set, const char *name, size_t len)
{
    const struct space *space = space_of(set);
    bool found = len == 1 && name[0] == '*';

    for (size_t i = 0; i < space->n_params; i++) {
        if (!space->params[i].is_namesake && is_named(name, len, space->params[i].name)) {
            add(set, COLUMN_PARAMETER, i, space->params[i].name);
            found = true;
        }
    }
    return found;
}

static bool add_metrics(struct column_set *set, const char *name, size_t len)
{
    bool found = len == 1 && name[0] == '*';

    for (size_t i = 0; i < set->study->n_metrics; i++) {
        if (is_named(name, len, set->study->metrics[i])) {
            add(set, COLUMN_METRIC, i, set->study->metrics[i]);
            found = true;
        }
    }
    return found;
}

static bool add_field(struct column_set *set, const char *field, size_t len)
{
    const size_t parameters = strlen(PARAMETERS);
    const size_t metrics = strlen(METRICS);

    if (len > parameters && strncmp(field, PARAMETERS, parameters) == 0) {
        return add_parameters(set, field + parameters, len - parameters);
    }
    if (len > metrics && strncmp(field, METRICS, metrics) == 0) {
        return add_metrics(set, field + metrics, len - metrics);
    }
    return add_plain(set, field, len);
}

static int add_fields(struct column_set *set, const char *fields, struct err *err)
{
    for (const char *at = fields; *at != '\0';) {
        size_t len = strcspn(at, ",");
        if (len > 0 && !add_field(set, at, len)) {
            return err_set(
                err, ERR_MALFORMED,
                "fields: trials of this study have no \"%.*s\"; take of number, state, "
                "value, step, attempt, worker, created_at, started_at, ended_at, reason, "
                "source, feasible, parameters.NAME, parameters.*, metrics.NAME, metrics.*",
                len > 80 ? 80 : (int)len, at);
        }
        at += len + (at[len] == ',' ? 1 : 0);
    }
    return set->n > 0 ? 0 : err_set(err, ERR_MALFORMED, "fields names no column");
}

int column_set_parse(const char *fields, int digits, const struct live_study_view *study,
                     struct column_set *set, struct err *err)
{
    size_t most = COLUMN_PLAIN_COUNT + study->n_metrics + study->def->def->space->n_params;

    *set = (struct column_set){.study = study, .digits = digits};
    set->items = calloc(most, sizeof *set->items);
    set->seen = calloc(most, sizeof *set->seen);
    if (set->items == NULL || set->seen == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for %zu columns", most);
    }
    return add_fields(set, fields, err);
}

void column_set_finish(struct column_set *set)
{
    free(set->items);
    free(set->seen);
    *set = (struct column_set){0};
}

void column_name(const struct trial_column *column, char name[COLUMN_NAME_BYTES])
{
    const char *prefix = column->kind == COLUMN_PARAMETER ? PARAMETERS
                         : column->kind == COLUMN_METRIC  ? METRICS
                                                          : "";

    (void)snprintf(name, COLUMN_NAME_BYTES, "%s%s", prefix, column->name);
}

bool column_is_parameter(const struct trial_column *column)
{
    return column->kind == COLUMN_PARAMETER;
}

/* ---- what ---- */

/* Diverged values are stored among the metrics only. */
static bool may_have_diverged(const struct column_set *set, const struct trial_row *row)
{
    return set->study->def->def->n_objectives == 1 && row->n_values == 0
           && trial_state_is_final(row->state) && row->metrics != NULL;
}

bool column_set_needs_metrics(const struct column_set *set, const struct trial_row *row)
{
    return set->has_metrics || (set->has_value && may_have_diverged(set, row));
}

/* The value of a trial with one objective: a number, or NULL where there is none. */
static bool value_of(const struct column_set *set, const struct trial_row *row,
                     const json_t *metrics, double *value)
{
    if (row->n_values == 1) {
        *value = row->values[0];
        return true;
    }
    const json_t *found = json_object_get(metrics, set->study->def->def->objectives[0].metric);
    if (!may_have_diverged(set, row) || !json_is_string(found) || !json_is_number_like(found)) {
        return false;
    }
    *value = json_number_like(found);
    return true;
}

/* "null" or a number in the shortest form that has the digits. */
static bool metric_of(const struct trial_column *column, const json_t *metrics, double *value)
{
    const json_t *found = json_object_get(metrics, column->name);

    if (found == NULL || !json_is_number_like(found)) {
        return false;
    }
    *value = json_number_like(found);
    return true;
}

/* The parameter of this column that is active, or SPACE_NONE. A trial may be older than the space.
 */
static size_t parameter_of(const struct column_set *set, const struct trial_column *column,
                           const struct trial_row *row)
{
    const struct space *space = space_of(set);

    return row->n_params != space->n_params
               ? SPACE_NONE
               : space_active_namesake(space, column->index, row->config);
}

static int64_t moment_of(const struct trial_column *column, const struct trial_row *row)
{
    return column->kind == COLUMN_CREATED_AT   ? row->created_at_ms
           : column->kind == COLUMN_STARTED_AT ? row->started_at_ms
                                               : row->ended_at_ms;
}

static const char *word_of(const struct trial_column *column, const struct trial_row *row)
{
    const char *word = column->kind == COLUMN_STATE    ? trial_state_name(row->state)
                       : column->kind == COLUMN_WORKER ? row->worker
                       : column->kind == COLUMN_REASON ? row->reason
                                                       : trial_source_name(row->source);

    return word[0] == '\0' ? NULL : word;
}

/* Is it a real number that may be rounded? */
static bool is_rounded(const struct param *param)
{
    return param->type == PARAM_FLOAT && !param->listed;
}

static const char *format_rounded(double value, int digits, char text[JSON_NUMBER_BYTES])
{
    if (digits >= COLUMN_DIGITS_MAX || !isfinite(value) || value == 0) {
        return json_format_number(value, text);
    }
    (void)snprintf(text, JSON_NUMBER_BYTES, "%.*g", digits, value);
    return text;
}

static void write_rounded(double value, int digits, struct json_writer *w)
{
    char text[JSON_NUMBER_BYTES];

    if (isfinite(value)) {
        (void)format_rounded(value, digits, text);
        json_write_raw(w, text, strlen(text));
    } else {
        json_write_number(w, value);
    }
}

static void write_number_or_null(bool there, double value, int digits, struct json_writer *w)
{
    if (there) {
        write_rounded(value, digits, w);
    } else {
        json_write_null(w);
    }
}

static void write_int_or_null(bool there, int64_t value, struct json_writer *w)
{
    if (there) {
        json_write_int(w, value);
    } else {
        json_write_null(w);
    }
}

static void write_parameter(const struct column_set *set, const struct trial_column *column,
                            const struct trial_row *row, struct json_writer *w)
{
    size_t active = parameter_of(set, column, row);

    if (active == SPACE_NONE) {
        json_write_null(w);
        return;
    }
    const struct param *param = &space_of(set)->params[active];
    if (is_rounded(param)) {
        write_rounded(row->config[active], set->digits, w);
    } else {
        param_write_value(param, row->config[active], w);
    }
}

void column_write(const struct column_set *set, const struct trial_column *column,
                  const struct trial_row *row, const json_t *metrics, struct json_writer *w)
{
    double value = 0;
    bool there;

    switch (column->kind) {
    case COLUMN_NUMBER:
        json_write_int(w, trial_id_number(row->id));
        break;
    case COLUMN_ATTEMPT:
        json_write_int(w, row->attempt);
        break;
    case COLUMN_VALUE:
        there = value_of(set, row, metrics, &value);
        write_number_or_null(there, value, set->digits, w);
        break;
    case COLUMN_METRIC:
        there = metric_of(column, metrics, &value);
        write_number_or_null(there, value, set->digits, w);
        break;
    case COLUMN_STEP:
        if (row->has_step) {
            json_write_step(w, row->step, set->study->def->def->resource_digits);
        } else {
            json_write_null(w);
        }
        break;
    case COLUMN_CREATED_AT:
    case COLUMN_STARTED_AT:
    case COLUMN_ENDED_AT:
        write_int_or_null(moment_of(column, row) > 0, moment_of(column, row), w);
        break;
    case COLUMN_FEASIBLE:
        bounds_write_feasible(set->study->def->def, row, w);
        break;
    case COLUMN_PARAMETER:
        write_parameter(set, column, row, w);
        break;
    case COLUMN_STATE:
    case COLUMN_WORKER:
    case COLUMN_REASON:
    case COLUMN_SOURCE:
    default:
        json_write_string(w, word_of(column, row));
        break;
    }
}
