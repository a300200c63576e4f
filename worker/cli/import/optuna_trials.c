/* The trials of an Optuna study, as the bodies that import them. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/metric_bound.h"
#include "worker/cli/import/optuna.h"
#include "worker/cli/import/optuna_constraints.h"
#include "worker/cli/import/space.h"

enum { CURVE_MAX = 1000, METRICS_MAX = 60, NAMES_SHOWN = 8 };

/* Why trials are left out, or are not what they were; each is told once, with how many. */
enum why {
    RUNNING,
    DISCARDED,
    LACKS,
    WAITING_LACKS,
    PRUNED_BARE,
    COMPLETE_BARE,
    VIOLATING,
    BOUNDED,
    CURVE_CUT,
    STEP_BELOW,
    ATTRIBUTES,
    TIMES,
    WHY_COUNT
};

static const char *const sentences[WHY_COUNT] = {
    [RUNNING] = "that were running when this was stored are left out",
    [DISCARDED] = "that Rustuna has discarded are left out",
    [LACKS] = "have not just the parameters that the space asks for; they are left out",
    [WAITING_LACKS] = "that wait have not all parameters fixed; they are left out",
    [PRUNED_BARE] = "that were pruned had reported nothing; they are infeasible here",
    [COMPLETE_BARE] = "are complete without a value of each objective; they are failed here",
    [VIOLATING] = "violate their constraints; they are infeasible here, with their values",
    [BOUNDED] = "violate their constraints, which stand in subject_to here; they are not feasible",
    [CURVE_CUT] = "have more than 1,000 intermediate values; every k-th and the last one are kept",
    [STEP_BELOW] = "have intermediate values at steps below 0, which are left out",
    [ATTRIBUTES] = "have user attributes that are no numbers, or too many, which are left out",
    [TIMES] = "have times of start and end of their own, which are left out",
};

struct trial_import {
    struct import *import;
    const json_t *space, *metrics;
    json_t *kept;    /* names of attributes that are metrics here, at most METRICS_MAX; owned */
    bool is_bounded; /* the study has their constraints as its own */
    size_t n[WHY_COUNT];
    json_int_t first[WHY_COUNT]; /* the number of the first such trial */
    size_t line[WHY_COUNT];
};

static void count(struct trial_import *trials, enum why why, const json_t *trial)
{
    if (trials->n[why]++ == 0) {
        trials->first[why] = json_integer_value(json_object_get(trial, "number"));
        trials->line[why] = (size_t)json_integer_value(json_object_get(trial, "line"));
    }
}

static void tell(const struct trial_import *trials)
{
    for (size_t i = 0; i < WHY_COUNT; i++) {
        if (trials->n[i] > 0) {
            remark_at(&trials->import->remarks, trials->line[i],
                      "%zu of its trials (number %lld%s) %s", trials->n[i],
                      (long long)trials->first[i], trials->n[i] > 1 ? " is the first" : "",
                      sentences[i]);
        }
    }
}

/* ---- parameters ----------------------------------------------------------------------------- */

/* Is the parameter active, with these values? */
static bool is_active(const json_t *parameter, const json_t *values)
{
    const char *parent;
    json_t *allowed;

    json_object_foreach (json_object_get(parameter, "when"), parent, allowed) {
        const json_t *value = json_object_get(values, parent);
        bool is_allowed = false;
        size_t i;
        json_t *one;
        json_array_foreach (allowed, i, one) {
            is_allowed = is_allowed || json_equal(one, json_unconst(value));
        }
        if (!is_allowed) {
            return false;
        }
    }
    return true;
}

/* Are just the active ones there? */
static bool fits(const struct trial_import *trials, const json_t *values)
{
    const char *name;
    json_t *parameter;

    json_object_foreach (json_unconst(trials->space), name, parameter) {
        if (is_active(parameter, values) != (json_object_get(values, name) != NULL)) {
            return false;
        }
    }
    return true;
}

/* The values of those that are as in the space; a new reference. */
static json_t *values_of(const struct trial_import *trials, const json_t *trial)
{
    json_t *values = json_object();
    const char *name;
    json_t *number;

    json_object_foreach (json_object_get(trial, "params"), name, number) {
        const json_t *own = json_object_get(json_object_get(trial, "distributions"), name);
        const json_t *known = json_object_get(trials->space, name);
        json_t *value = optuna_are_alike(own, known) ? optuna_value(own, number) : NULL;
        if (value != NULL) {
            (void)json_object_set_new(values, name, value);
        }
    }
    return values;
}

/* ---- values and curves ---------------------------------------------------------------------- */

static int by_step(const void *a, const void *b)
{
    const long long *x = a;
    const long long *y = b;

    return (*x > *y) - (*x < *y);
}

/* Steps in order; NULL: no memory. *n ← how many there are. */
static long long *steps_of(struct trial_import *trials, const json_t *trial, size_t *n)
{
    const json_t *curve = json_object_get(trial, "intermediate");
    long long *steps = calloc(json_object_size(curve) + 1, sizeof *steps);
    const char *key;
    json_t *value;

    *n = 0;
    json_object_foreach (json_unconst(curve), key, value) {
        errno = 0;
        long long step = strtoll(key, NULL, 10);
        if (steps != NULL && step >= 0 && errno == 0 && step <= 1000000000000) {
            steps[(*n)++] = step;
        } else {
            count(trials, STEP_BELOW, trial);
        }
    }
    if (steps != NULL) {
        qsort(steps, *n, sizeof *steps, by_step);
    }
    return steps;
}

static json_t *curve_of(struct trial_import *trials, const json_t *trial, const char *metric)
{
    const json_t *curve = json_object_get(trial, "intermediate");
    json_t *measurements = json_array();
    size_t n;
    OWN(memory) long long *steps = steps_of(trials, trial, &n);
    size_t stride = n / CURVE_MAX + (n % CURVE_MAX > 0 ? 1U : 0U);

    if (n > CURVE_MAX) {
        count(trials, CURVE_CUT, trial);
    }
    for (size_t i = 0; steps != NULL && i < n; i++) {
        char key[32];
        if (i % stride != (n - 1) % stride) { /* the last one is always there */
            continue;
        }
        (void)snprintf(key, sizeof key, "%lld", steps[i]);
        (void)json_array_append_new(measurements,
                                    json_pack("{s:I, s:{s:O}}", "step", (json_int_t)steps[i],
                                              "metrics", metric, json_object_get(curve, key)));
    }
    return measurements;
}

/* A number among the user's attributes is a metric here, as far as there is room. */
static bool keep_attribute(struct trial_import *trials, json_t *metrics, const char *name,
                           const json_t *value)
{
    bool is_known = json_object_get(trials->kept, name) != NULL;

    if (!json_is_number(value) || json_object_get(metrics, name) != NULL || *name == '\0'
        || strlen(name) > 128 || (!is_known && json_object_size(trials->kept) >= METRICS_MAX)) {
        return false;
    }
    (void)json_object_set_new(trials->kept, name, json_true());
    (void)json_object_set(metrics, name, json_unconst(value));
    return true;
}

static void add_attributes(struct trial_import *trials, const json_t *trial, json_t *metrics)
{
    const char *name;
    json_t *value;
    bool is_whole = true;

    json_object_foreach (json_object_get(trial, "user_attrs"), name, value) {
        if (strncmp(name, "hone:", strlen("hone:")) == 0) {
            continue; /* of an export of ours, and of that study alone */
        }
        is_whole = keep_attribute(trials, metrics, name, value) && is_whole;
    }
    if (!is_whole) {
        count(trials, ATTRIBUTES, trial);
    }
}

/* They become metrics, too; returns whether one is violated. */
static bool add_constraints(struct trial_import *trials, const json_t *trial, json_t *metrics)
{
    json_auto_t *constraints = optuna_constraints(trial);
    bool is_violated = false;
    const char *name;
    json_t *value;

    json_object_foreach (constraints, name, value) {
        (void)keep_attribute(trials, metrics, name, value);
        is_violated = is_violated || json_number_value(value) > 0;
    }
    return is_violated;
}

/* What every trial is constrained by becomes "subject_to" of the study. */
static void bound_study(struct trial_import *reading, const json_t *trials)
{
    json_auto_t *common = optuna_common_constraints(trials);
    json_t *list = common == NULL ? NULL : json_array();
    const char *name;
    json_t *value;

    json_object_foreach (common, name, value) {
        struct metric_bound bound = {.limit = 0};
        char text[METRIC_BOUND_BYTES];
        (void)snprintf(bound.metric, sizeof bound.metric, "%s", name);
        (void)json_array_append_new(list, json_string(metric_bound_text(&bound, text)));
        (void)json_object_set_new(reading->kept, name, json_true());
    }
    if (list != NULL) {
        study_set(reading->import, "subject_to", list);
        reading->is_bounded = true;
    }
}

/* One value for each objective. */
static bool add_values(const struct trial_import *trials, const json_t *trial, json_t *metrics)
{
    const json_t *values = json_object_get(trial, "values");
    size_t n = json_array_size(trials->metrics);

    for (size_t i = 0; i < n && i < json_array_size(values); i++) {
        if (!json_is_number_like(json_array_get(values, i))) {
            return false;
        }
        (void)json_object_set(metrics, json_string_value(json_array_get(trials->metrics, i)),
                              json_array_get(values, i));
    }
    return json_array_size(values) == n;
}

/* ---- bodies --------------------------------------------------------------------------------- */

static const char *state_of(struct trial_import *trials, const json_t *trial, bool has_values,
                            bool has_curve, bool is_violated)
{
    switch (json_integer_value(json_object_get(trial, "state"))) {
    case OPTUNA_COMPLETE:
        if (!has_values) {
            count(trials, COMPLETE_BARE, trial);
            return "failed";
        }
        if (is_violated) {
            count(trials, trials->is_bounded ? BOUNDED : VIOLATING, trial);
        }
        return is_violated && !trials->is_bounded ? "infeasible" : "completed";
    case OPTUNA_PRUNED:
        if (!has_values && !has_curve) {
            count(trials, PRUNED_BARE, trial);
            return "infeasible";
        }
        return "pruned";
    default:
        return "failed";
    }
}

static void add_finished(struct trial_import *trials, const json_t *trial)
{
    json_auto_t *values = values_of(trials, trial);
    json_auto_t *metrics = json_object();
    const char *objective = json_string_value(json_array_get(trials->metrics, 0));

    if (!fits(trials, values)) {
        count(trials, LACKS, trial);
        return;
    }
    json_auto_t *curve =
        json_array_size(trials->metrics) == 1 ? curve_of(trials, trial, objective) : json_array();
    bool has_values = add_values(trials, trial, metrics);
    bool has_curve = json_array_size(curve) > 0;
    bool is_violated = add_constraints(trials, trial, metrics);
    const char *state = state_of(trials, trial, has_values, has_curve, is_violated);
    if (!has_values) { /* what a pruned trial reported last is its value */
        const json_t *last = json_array_get(curve, json_array_size(curve) - 1);
        (void)json_object_update(metrics, json_object_get(last, "metrics"));
    }
    add_attributes(trials, trial, metrics);
    json_t *body = json_pack("{s:O, s:s, s:O, s:b}", "parameters", values, "state", state,
                             "metrics", metrics, "outside", 1);
    if (has_curve) {
        (void)json_object_set(body, "measurements", curve);
    } else if (strcmp(state, "pruned") == 0) {
        (void)json_object_set_new(body, "step", json_integer(0));
    }
    (void)json_array_append_new(trials->import->trials, body);
}

/* enqueue_trial() keeps what it was given among the system's attributes. */
static void add_waiting(struct trial_import *trials, const json_t *trial)
{
    json_t *fixed = json_object_get(json_object_get(trial, "system_attrs"), "fixed_params");

    if (!json_is_object(fixed) || !fits(trials, fixed)) {
        count(trials, WAITING_LACKS, trial);
        return;
    }
    (void)json_array_append_new(trials->import->trials, json_pack("{s:O}", "parameters", fixed));
}

static void add_trial(struct trial_import *trials, const json_t *trial)
{
    json_int_t state = json_integer_value(json_object_get(trial, "state"));

    if (json_is_true(json_object_get(trial, "discarded"))) {
        count(trials, DISCARDED, trial);
    } else if (state == OPTUNA_RUNNING) {
        count(trials, RUNNING, trial);
    } else if (state == OPTUNA_WAITING) {
        add_waiting(trials, trial);
    } else {
        count(trials, TIMES, trial);
        add_finished(trials, trial);
    }
}

int optuna_read_trials(struct import *import, const json_t *trials, const json_t *space,
                       const json_t *metrics, struct err *err)
{
    json_auto_t *kept = json_object();
    struct trial_import reading = {
        .import = import, .space = space, .metrics = metrics, .kept = kept};
    size_t i;
    json_t *trial;

    bound_study(&reading, trials);
    json_array_foreach (json_unconst(trials), i, trial) {
        add_trial(&reading, trial);
    }
    tell(&reading);
    (void)err;
    return 0;
}
