#include "worker/cli/show/optuna_journal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/metric_bound.h"
#include "common/names.h"
#include "common/step.h"
#include "worker/cli/show/optuna_space.h"
#include "worker/cli/status.h"

enum { LINE_BYTES = 64 << 20 };
enum state { RUNNING, COMPLETE, PRUNED, FAIL, WAITING };

struct journal {
    struct session *session;
    const json_t *study;
    size_t n_objectives;
    size_t
        n_bounds; /* outcome constraints on metrics that are no constraints of Optuna's already */
    struct metric_bound bounds[BOUNDS_MAX];
    int digits; /* of steps */
    struct buf line;
    struct json_writer writer; /* of the line */
};

/* ---- lines ---------------------------------------------------------------------------------- */

static struct json_writer *begin(struct journal *journal, int operation)
{
    buf_clear(&journal->line);
    json_writer_init(&journal->writer, &journal->line);
    json_object_begin(&journal->writer);
    json_put_int(&journal->writer, "op_code", operation);
    json_put_string(&journal->writer, "worker_id", "hone");
    return &journal->writer;
}

static int end(struct journal *journal, struct err *err)
{
    json_object_end(&journal->writer);
    buf_putc(&journal->line, '\n');
    TRY(buf_check(&journal->line, err));
    return fwrite(journal->line.data, 1, journal->line.len, stdout) == journal->line.len
               ? 0
               : err_set(err, ERR_IO, "cannot write to standard output");
}

/* A number as Python's json writes it: NaN, Infinity and -Infinity bare. */
static void write_number(struct json_writer *writer, const json_t *value)
{
    if (json_is_string(value) && json_big_number(value) == NULL) {
        const char *word = json_string_value(value);
        json_write_raw(writer, word, strlen(word));
    } else {
        json_write_value(writer, value);
    }
}

/* "2026-11-30T03:23:43.469Z" → "…469000+00:00", which all versions of Python read. */
static void put_moment(struct json_writer *writer, const char *key, const char *moment)
{
    char text[64];
    size_t len = strlen(moment);

    if (len == 0 || moment[len - 1] != 'Z' || len > 40) {
        json_put_null(writer, key);
        return;
    }
    (void)snprintf(text, sizeof text, "%.*s%s+00:00", (int)(len - 1), moment,
                   len == strlen("2026-11-30T03:23:43.469Z") ? "000" : "");
    json_put_string(writer, key, text);
}

/* ---- the study ------------------------------------------------------------------------------ */

static int print_attribute(struct journal *journal, int operation, const char *member,
                           const char *key, const json_t *value, struct err *err)
{
    struct json_writer *writer = begin(journal, operation);

    json_put_int(writer, "study_id", 0);
    json_write_key(writer, member);
    json_object_begin(writer);
    json_put_value(writer, key, value);
    json_object_end(writer);
    return end(journal, err);
}

static int print_study(struct journal *journal, struct err *err)
{
    static const char *const members[] = {"description", "labels",     "strategy",
                                          "constraints", "subject_to", "state"};
    const json_t *objectives = json_object_get(journal->study, "objectives");
    json_auto_t *names = json_array();
    json_t *objective;
    size_t i;

    struct json_writer *writer = begin(journal, 0);
    json_put_string(writer, "study_name", text_at(journal->study, "name"));
    json_write_key(writer, "directions");
    json_array_begin(writer);
    json_array_foreach (json_unconst(objectives), i, objective) {
        json_write_int(writer, strcmp(text_at(objective, "direction"), "maximize") == 0 ? 2 : 1);
        (void)json_array_append(names, json_object_get(objective, "metric"));
    }
    json_array_end(writer);
    TRY(end(journal, err));
    TRY(print_attribute(journal, 3, "system_attr", "study:metric_names", names, err));
    for (i = 0; i < sizeof members / sizeof members[0]; i++) {
        char key[32];
        const json_t *value = json_object_get(journal->study, members[i]);
        (void)snprintf(key, sizeof key, "hone:%s", members[i]);
        bool is_empty = json_array_size(value) + json_object_size(value) == 0
                        && (json_is_array(value) || json_is_object(value));
        if (value != NULL && !json_is_null(value) && !is_empty) {
            TRY(print_attribute(journal, 2, "user_attr", key, value, err));
        }
    }
    return 0;
}

/* ---- a trial -------------------------------------------------------------------------------- */

/* The value of the i-th objective, NULL: it has none. */
static const json_t *objective_of(const struct journal *journal, const json_t *trial, size_t i)
{
    const json_t *objective = json_array_get(json_object_get(journal->study, "objectives"), i);
    const json_t *value =
        journal->n_objectives == 1
            ? json_object_get(trial, "value")
            : json_object_get(json_object_get(trial, "metrics"), text_at(objective, "metric"));

    return json_is_number_like(value) ? value : NULL;
}

static bool has_values(const struct journal *journal, const json_t *trial)
{
    for (size_t i = 0; i < journal->n_objectives; i++) {
        const json_t *value = objective_of(journal, trial, i);
        if (value == NULL || isnan(json_number_like(value))) {
            return false;
        }
    }
    return true;
}

static const char constraint[] = "constraint_";

static bool is_constraint(const char *metric)
{
    return strncmp(metric, constraint, strlen(constraint)) == 0;
}

static bool has_constraints(const struct journal *journal, const json_t *trial)
{
    const char *metric;
    json_t *value;

    if (json_is_boolean(json_object_get(trial, "feasible")) && journal->n_bounds > 0) {
        return true;
    }
    json_object_foreach (json_object_get(trial, "metrics"), metric, value) {
        if (is_constraint(metric)) {
            return true;
        }
    }
    return false;
}

/* Infinite values are values to Optuna, and a trial that violates its constraints is complete. */
static enum state state_of(const struct journal *journal, const json_t *trial)
{
    const char *state = text_at(trial, "state");
    bool is_valued = has_values(journal, trial);

    if (strcmp(state, "queued") == 0) {
        return WAITING;
    }
    if (strcmp(state, "running") == 0 || strcmp(state, "paused") == 0) {
        return RUNNING;
    }
    if (strcmp(state, "pruned") == 0) {
        return PRUNED;
    }
    if (strcmp(state, "completed") == 0
        || (strcmp(text_at(trial, "reason"), "diverged") == 0 && is_valued)
        || (strcmp(state, "infeasible") == 0 && has_constraints(journal, trial))) {
        return is_valued ? COMPLETE : FAIL;
    }
    return FAIL;
}

static void put_values(struct journal *journal, const json_t *trial, enum state state)
{
    struct json_writer *writer = &journal->writer;
    bool shows = (state == COMPLETE || state == PRUNED) && has_values(journal, trial);

    if (!shows || journal->n_objectives == 1) {
        json_write_key(writer, "value");
        if (shows) {
            write_number(writer, objective_of(journal, trial, 0));
        } else {
            json_write_null(writer);
        }
        json_put_null(writer, "values");
        return;
    }
    json_put_null(writer, "value");
    json_write_key(writer, "values");
    json_array_begin(writer);
    for (size_t i = 0; i < journal->n_objectives; i++) {
        write_number(writer, objective_of(journal, trial, i));
    }
    json_array_end(writer);
}

static void put_parameters(struct journal *journal, const json_t *trial, enum state state)
{
    const json_t *space = json_object_get(journal->study, "parameters");
    const json_t *values = json_object_get(trial, "parameters");
    struct json_writer *writer = &journal->writer;
    const char *name;
    json_t *value;

    for (int pass = 0; pass < 2; pass++) {
        json_write_key(writer, pass == 0 ? "distributions" : "params");
        json_object_begin(writer);
        json_object_foreach (json_unconst(values), name, value) {
            const json_t *parameter = optuna_space_find(space, name, values);
            OWN(buf) struct buf text = {0};
            if (parameter == NULL || state == WAITING) {
                continue;
            }
            buf_init(&text, LINE_BYTES);
            if (pass == 0) {
                optuna_space_append(&text, parameter, value);
                json_put_string(writer, name, buf_text(&text));
            } else {
                optuna_space_append_value(&text, parameter, value);
                json_put_raw(writer, name, buf_text(&text), text.len);
            }
            buf_check_part(&journal->line, &text);
        }
        json_object_end(writer);
    }
}

/* ---- what else it has ----------------------------------------------------------------------- */

static bool is_objective(const struct journal *journal, const char *metric)
{
    size_t i;
    json_t *objective;

    json_array_foreach (json_object_get(journal->study, "objectives"), i, objective) {
        if (strcmp(text_at(objective, "metric"), metric) == 0) {
            return true;
        }
    }
    return false;
}

static void put_attributes(struct journal *journal, const json_t *trial, const char *why)
{
    static const char *const members[] = {"number",  "state", "reason", "source",  "worker",
                                          "attempt", "seed",  "step",   "outside", "fallback"};
    struct json_writer *writer = &journal->writer;
    const char *metric;
    json_t *value;

    json_write_key(writer, "user_attrs");
    json_object_begin(writer);
    json_object_foreach (json_object_get(trial, "metrics"), metric, value) {
        if (!is_objective(journal, metric) && !is_constraint(metric)) {
            json_write_key(writer, metric);
            write_number(writer, value);
        }
    }
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        char key[32];
        value = json_object_get(trial, members[i]);
        (void)snprintf(key, sizeof key, "hone:%s", members[i]);
        if (value != NULL && !json_is_null(value)) {
            json_put_value(writer, key, value);
        }
    }
    if (*why != '\0') {
        json_put_string(writer, "hone:why", why);
    }
    json_object_end(writer);
}

/* How far each bounded metric lies beyond its limit, which is above 0 where it violates it. */
static void write_excesses(struct journal *journal, const json_t *metrics)
{
    for (size_t i = 0; i < journal->n_bounds; i++) {
        const json_t *value = json_object_get(metrics, journal->bounds[i].metric);
        if (value != NULL && json_is_number(value)) {
            json_write_number(&journal->writer,
                              metric_bound_excess(&journal->bounds[i], json_number_value(value)));
        }
    }
}

/* constraint_0, constraint_1, … and the study's own bounds as the list that all versions of Optuna
 * read, others by their names as version 5 has them. */
static void put_constraints(struct journal *journal, const json_t *metrics)
{
    struct json_writer *writer = &journal->writer;
    size_t n = 0;
    char name[32];
    const char *metric;
    json_t *value;

    json_write_key(writer, "constraints");
    json_array_begin(writer);
    for (value = NULL; n == 0 || value != NULL; n++) {
        (void)snprintf(name, sizeof name, "constraint_%zu", n);
        value = json_object_get(metrics, name);
        if (value != NULL) {
            write_number(writer, value);
        }
    }
    write_excesses(journal, metrics);
    json_array_end(writer);
    json_object_foreach (json_unconst(metrics), metric, value) {
        char key[PRINTABLE_NAME_BYTES + 32];
        const char *rest = metric + strlen(constraint);
        if (!is_constraint(metric) || strspn(rest, "0123456789") == strlen(rest)) {
            continue;
        }
        (void)snprintf(key, sizeof key, "constraints:%s", rest);
        json_write_key(writer, key);
        write_number(writer, value);
    }
}

static void put_system(struct journal *journal, const json_t *trial, enum state state)
{
    struct json_writer *writer = &journal->writer;

    json_write_key(writer, "system_attrs");
    json_object_begin(writer);
    if (state == WAITING) {
        json_put_value(writer, "fixed_params", json_object_get(trial, "parameters"));
    }
    if (has_constraints(journal, trial)) {
        put_constraints(journal, json_object_get(trial, "metrics"));
    }
    json_object_end(writer);
}

struct intermediate_values {
    struct journal *journal;
    const char *metric;
    json_t *values; /* by step; owned */
};

static int add_measurement(void *context, json_t *item, struct err *err)
{
    struct intermediate_values *curve = context;
    json_t *value = json_object_get(json_object_get(item, "metrics"), curve->metric);
    char step[32];
    int64_t units = 0;

    (void)err;
    if (value == NULL
        || !step_from_number(number_at(item, "step"), curve->journal->digits, &units)) {
        return 0;
    }
    (void)snprintf(step, sizeof step, "%" PRId64, units);
    (void)json_object_set(curve->values, step, value); /* that of the newest attempt */
    return 0;
}

/* Optuna has curves of one objective. */
static int put_curve(struct journal *journal, const json_t *trial, struct err *err)
{
    OWN(buf) struct buf path = {0};
    OWN(buf) struct buf rest = {0};
    json_auto_t *values = json_object();
    struct intermediate_values curve = {.journal = journal, .values = values};
    const char *step;
    json_t *value;

    curve.metric =
        text_at(json_array_get(json_object_get(journal->study, "objectives"), 0), "metric");
    buf_init(&rest, 256);
    buf_printf(&rest, "/trials/%" PRId64 "/measurements?limit=1000", int_at(trial, "number", 0));
    (void)study_path(&path, text_at(journal->study, "name"), buf_text(&rest));
    if (journal->n_objectives == 1) {
        TRY(session_each(journal->session, buf_text(&path), add_measurement, &curve, err));
    }
    json_write_key(&journal->writer, "intermediate_values");
    json_object_begin(&journal->writer);
    json_object_foreach (values, step, value) {
        json_write_key(&journal->writer, step);
        write_number(&journal->writer, value);
    }
    json_object_end(&journal->writer);
    return 0;
}

/* Where its configuration came from, as a sentence. */
static int read_why(const struct journal *journal, const json_t *trial, json_t **explanation,
                    struct err *err)
{
    OWN(buf) struct buf path = {0};
    OWN(buf) struct buf rest = {0};

    buf_init(&rest, 256);
    buf_printf(&rest, "/trials/%" PRId64 "/explain", int_at(trial, "number", 0));
    (void)study_path(&path, text_at(journal->study, "name"), buf_text(&rest));
    return session_get(journal->session, buf_text(&path), explanation, err);
}

static int print_trial(void *context, json_t *trial, struct err *err)
{
    struct journal *journal = context;
    json_auto_t *explanation = NULL;
    enum state state = state_of(journal, trial);
    const char *started = text_at(trial, "started_at");

    TRY(read_why(journal, trial, &explanation, err));
    struct json_writer *writer = begin(journal, 4);
    json_put_int(writer, "study_id", 0);
    put_moment(writer, "datetime_start", *started != '\0' ? started : text_at(trial, "created_at"));
    json_put_int(writer, "state", state);
    put_values(journal, trial, state);
    if (state != RUNNING && state != WAITING) {
        put_moment(writer, "datetime_complete", text_at(trial, "ended_at"));
    }
    put_parameters(journal, trial, state);
    put_attributes(journal, trial, text_at(json_object_get(explanation, "provenance"), "text"));
    put_system(journal, trial, state);
    TRY(put_curve(journal, trial, err));
    return end(journal, err);
}

static void read_bounds(struct journal *journal)
{
    size_t i;
    json_t *item;
    struct err ignored;

    json_array_foreach (json_object_get(journal->study, "subject_to"), i, item) {
        struct metric_bound *bound = &journal->bounds[journal->n_bounds];
        const char *text = json_string_value(item);
        bool is_read = journal->n_bounds < BOUNDS_MAX && text != NULL
                       && metric_bound_parse(text, bound, &ignored) == 0;
        journal->n_bounds += is_read && !is_constraint(bound->metric);
    }
}

int optuna_journal_print(struct session *session, struct err *err)
{
    OWN(buf) struct buf path = {0};
    json_auto_t *study = NULL;
    struct journal journal = {.session = session};

    TRY(session_get_part(session, "", &study, err));
    journal.study = study;
    journal.n_objectives = json_array_size(json_object_get(study, "objectives"));
    journal.digits = step_resource_digits(json_object_get(study, "resource"));
    read_bounds(&journal);
    optuna_space_tell(json_object_get(study, "parameters"));
    if (journal.digits > 0) {
        say("steps are whole in Optuna: there they count units of 1e-%d", journal.digits);
    }
    buf_init(&journal.line, LINE_BYTES);
    int rc = print_study(&journal, err);
    if (rc == 0) {
        rc = session_each(session, study_path(&path, text_at(study, "name"), "/trials?limit=1000"),
                          print_trial, &journal, err);
    }
    buf_finish(&journal.line);
    return rc;
}
