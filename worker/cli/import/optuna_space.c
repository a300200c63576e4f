/* The space of an Optuna study, which nobody wrote down: each trial tells the parameters that it
 * asked for. Ranges are joined; a parameter that only some trials have depends on a choice, or on a
 * whole number, if there is one that explains in which trials it is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/import/optuna.h"
#include "worker/cli/import/space.h"

enum { PARENT_VALUES_MAX = 1000, PARAMETERS_MAX = 4096 }; /* the latter as the server has it */

static bool is_finished_well(const json_t *trial)
{
    json_int_t state = json_integer_value(json_object_get(trial, "state"));

    return (state == OPTUNA_COMPLETE || state == OPTUNA_PRUNED)
           && !json_is_true(json_object_get(trial, "discarded"));
}

static const char *kind_of(const json_t *distribution)
{
    const char *kind = json_string_value(json_object_get(distribution, "kind"));

    return kind == NULL ? "" : kind;
}

json_t *optuna_value(const json_t *distribution, const json_t *number)
{
    const char *kind = kind_of(distribution);
    double x = json_number_value(number);

    if (strcmp(kind, "categorical") == 0) {
        const json_t *choices = json_object_get(distribution, "choices");
        return x >= 0 && x < (double)json_array_size(choices)
                   ? json_incref(json_array_get(choices, (size_t)x))
                   : NULL;
    }
    if (strcmp(kind, "int") == 0) {
        return fabs(x) <= 9007199254740992.0 ? json_integer((json_int_t)rint(x)) : NULL;
    }
    return isfinite(x) ? json_real(x) : NULL;
}

/* ---- one distribution of all ---------------------------------------------------------------- */

static double at(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static void put(json_t *object, const char *key, double x)
{
    (void)json_object_set_new(object, key, json_real(x));
}

/* Do both lie on the same steps? */
static bool have_same_steps(const json_t *a, const json_t *b)
{
    double step = at(a, "step");
    double apart = step > 0 ? (at(a, "low") - at(b, "low")) / step : 0;

    return step == at(b, "step") && fabs(apart - rint(apart)) < 1e-9;
}

/* `known` grows to hold `other`, too. */
static void join(json_t *known, const json_t *other)
{
    bool is_wider = at(other, "low") < at(known, "low") || at(other, "high") > at(known, "high");
    bool is_other =
        is_wider || at(other, "low") != at(known, "low") || at(other, "high") != at(known, "high");

    if (!have_same_steps(known, other)) {
        put(known, "step", 0);
        (void)json_object_set_new(known, "mixed_steps", json_true());
    }
    put(known, "low", fmin(at(known, "low"), at(other, "low")));
    put(known, "high", fmax(at(known, "high"), at(other, "high")));
    if (is_other) {
        (void)json_object_set_new(known, "varies", json_true());
    }
}

static bool is_same(const json_t *a, const json_t *b, const char *key)
{
    const json_t *x = json_object_get(a, key);
    const json_t *y = json_object_get(b, key);

    return x == y || json_equal(x, y); /* also where neither has it */
}

bool optuna_are_alike(const json_t *a, const json_t *b)
{
    return is_same(a, b, "kind") && is_same(a, b, "log") && is_same(a, b, "choices");
}

/* One more trial that has the parameter; `counts`: it counts in what depends on what. */
static void add_one(json_t *space, const char *name, json_t *distribution, bool counts)
{
    json_t *known = json_object_get(space, name);

    if (known == NULL) {
        known = json_copy(distribution);
        (void)json_object_set_new(known, "first", json_incref(distribution));
        (void)json_object_set_new(space, name, known);
    } else if (!optuna_are_alike(known, distribution)) {
        (void)json_object_set_new(known, "unlike", json_true());
        return;
    } else if (json_object_get(known, "first") != distribution) {
        join(known, distribution);
    }
    if (counts) {
        (void)json_object_set_new(known, "n", json_integer((json_int_t)at(known, "n") + 1));
    }
}

static size_t add_trials(json_t *space, const json_t *trials)
{
    size_t n = 0;
    size_t i;
    json_t *trial;
    const char *name;
    json_t *distribution;

    json_array_foreach (json_unconst(trials), i, trial) {
        bool counts = is_finished_well(trial);
        n += counts ? 1U : 0U;
        json_object_foreach (json_object_get(trial, "distributions"), name, distribution) {
            add_one(space, name, distribution, counts);
        }
    }
    return n;
}

/* ---- what depends on what ------------------------------------------------------------------- */

static bool may_be_parent(const json_t *parameter)
{
    if (strcmp(kind_of(parameter), "categorical") == 0) {
        return json_array_size(json_object_get(parameter, "choices")) > 1;
    }
    double step = at(parameter, "step");
    double width = at(parameter, "high") - at(parameter, "low");
    return strcmp(kind_of(parameter), "int") == 0 && width > 0
           && width / (step > 0 ? step : 1) < PARENT_VALUES_MAX;
}

/* How many values a parent has, and which one a trial's number is. */
static size_t n_values(const json_t *parent)
{
    double step = at(parent, "step");

    return strcmp(kind_of(parent), "categorical") == 0
               ? json_array_size(json_object_get(parent, "choices"))
               : (size_t)((at(parent, "high") - at(parent, "low")) / (step > 0 ? step : 1)) + 1;
}

static size_t place_of(const json_t *parent, double number)
{
    double step = at(parent, "step");
    double place = strcmp(kind_of(parent), "categorical") == 0
                       ? number
                       : rint((number - at(parent, "low")) / (step > 0 ? step : 1));

    return place >= 0 ? (size_t)place : 0;
}

enum seen { UNSEEN, PRESENT, ABSENT };

/* Is the child in a trial if, and only if, the parent has some of its values there? seen ← which of
 * them. */
static bool explains(const json_t *trials, const char *parent_name, const json_t *parent,
                     const char *child, enum seen seen[], size_t n)
{
    size_t i;
    json_t *trial;

    json_array_foreach (json_unconst(trials), i, trial) {
        const json_t *params = json_object_get(trial, "params");
        const json_t *number = json_object_get(params, parent_name);
        bool is_there = json_object_get(params, child) != NULL;
        if (!is_finished_well(trial) || (number == NULL && !is_there)) {
            continue;
        }
        size_t place = place_of(parent, json_number_value(number));
        enum seen now = is_there ? PRESENT : ABSENT;
        if (number == NULL || place >= n || (seen[place] != UNSEEN && seen[place] != now)) {
            return false;
        }
        seen[place] = now;
    }
    return true;
}

/* Whole numbers that no trial had are as their nearest neighbour is. */
static enum seen nearest(const enum seen seen[], size_t n, size_t place)
{
    for (size_t d = 0; d < n; d++) {
        if (d <= place && seen[place - d] != UNSEEN) {
            return seen[place - d];
        }
        if (place + d < n && seen[place + d] != UNSEEN) {
            return seen[place + d];
        }
    }
    return ABSENT;
}

/* The parent's values where the child is. */
static json_t *allowed_values(const json_t *parent, const enum seen seen[], size_t n)
{
    json_t *allowed = json_array();
    bool is_list = strcmp(kind_of(parent), "categorical") == 0;
    double step = at(parent, "step");

    for (size_t i = 0; i < n; i++) {
        enum seen here = is_list ? seen[i] : nearest(seen, n, i);
        if (here == PRESENT) {
            (void)json_array_append_new(
                allowed, is_list
                             ? json_incref(json_array_get(json_object_get(parent, "choices"), i))
                             : space_number(at(parent, "low") + (double)i * (step > 0 ? step : 1)));
        }
    }
    return allowed;
}

/* The parent that is in the fewest trials of those that explain the child, for it is the nearest
 * one. */
static int find_parent(const json_t *trials, json_t *space, const char *child, struct err *err)
{
    json_t *parameter = json_object_get(space, child);
    double least = INFINITY;
    const char *name;
    json_t *parent;

    json_object_foreach (space, name, parent) {
        if (parent == parameter || !may_be_parent(parent) || at(parent, "n") <= at(parameter, "n")
            || at(parent, "n") >= least) {
            continue;
        }
        size_t n = n_values(parent);
        OWN(memory) enum seen *seen = calloc(n, sizeof *seen);
        if (seen == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        if (explains(trials, name, parent, child, seen, n)) {
            least = at(parent, "n");
            (void)json_object_set_new(parameter, "when",
                                      json_pack("{s:o}", name, allowed_values(parent, seen, n)));
        }
    }
    return 0;
}

static void tell_parent(struct import *import, const char *name, const json_t *parameter)
{
    const char *parent;
    json_t *values;

    json_object_foreach (json_object_get(parameter, "when"), parent, values) {
        struct node shown = {values, NULL};
        remark_at(&import->remarks, 0,
                  "'%.60s' is only in trials where '%.60s' is one of %s; it depends on that here",
                  name, parent, node_show(shown));
    }
}

static int find_parents(struct import *import, const json_t *trials, json_t *space, size_t n,
                        struct err *err)
{
    const char *name;
    json_t *parameter;

    json_object_foreach (space, name, parameter) {
        if (at(parameter, "n") == (double)n || at(parameter, "n") == 0) {
            continue;
        }
        TRY(find_parent(trials, space, name, err));
        if (json_object_get(parameter, "when") != NULL) {
            tell_parent(import, name, parameter);
        } else {
            remark_at(
                &import->remarks, 0,
                "'%.60s' is in %.0f of %zu finished trials, and no other parameter explains in "
                "which; it is always active here, and trials without it are left out",
                name, at(parameter, "n"), n);
        }
    }
    return 0;
}

/* ---- parameters ----------------------------------------------------------------------------- */

static void tell_changes(struct import *import, const char *name, const json_t *parameter)
{
    if (json_is_true(json_object_get(parameter, "unlike"))) {
        remark_at(&import->remarks, 0,
                  "'%.60s' was asked for in ways that do not go together (kind, scale or choices); "
                  "the first one is taken",
                  name);
    }
    if (json_is_true(json_object_get(parameter, "mixed_steps"))) {
        remark_at(&import->remarks, 0, "'%.60s' was asked for in different steps; it has none here",
                  name);
    }
    if (json_is_true(json_object_get(parameter, "varies"))) {
        remark_at(&import->remarks, 0,
                  "'%.60s' was asked for with different ends; here it lies between the outermost, "
                  "%.6g and %.6g",
                  name, at(parameter, "low"), at(parameter, "high"));
    }
}

/* As Optuna has them, in their order, for it takes no others of that name when it goes on. */
static json_t *choices_parameter(struct import *import, const char *name, json_t *list,
                                 struct err *err)
{
    struct node items = {list, NULL};
    json_t *made = space_choices(import, name, items, (struct node){0}, err);
    json_t *values = json_object_get(made, "values");
    const char *type = json_string_value(json_object_get(made, "type"));
    bool is_bool = type != NULL && strcmp(type, "bool") == 0;

    if (made != NULL && (is_bool || values != NULL)) {
        (void)json_object_set_new(made, "type", json_string("categorical"));
        (void)json_object_set(made, "choices", is_bool ? list : values);
        (void)json_object_del(made, "values");
    }
    return made;
}

static int add_parameter(struct import *import, const char *name, json_t *parameter,
                         struct err *err)
{
    json_t *made;
    bool is_log = json_is_true(json_object_get(parameter, "log"));

    if (strcmp(kind_of(parameter), "categorical") == 0) {
        made = choices_parameter(import, name, json_object_get(parameter, "choices"), err);
    } else {
        struct range range = {.is_int = strcmp(kind_of(parameter), "int") == 0,
                              .has_low = true,
                              .has_high = true,
                              .low = at(parameter, "low"),
                              .high = at(parameter, "high"),
                              .step = at(parameter, "step"),
                              .scale = is_log ? "log" : NULL};
        made = space_range(name, &range);
    }
    if (made == NULL) {
        return -1;
    }
    json_t *when = json_object_get(parameter, "when");
    if (when != NULL) {
        (void)json_object_set(made, "when", when);
    }
    space_add(import, made, (struct node){0});
    return 0;
}

int optuna_read_space(struct import *import, const json_t *trials, json_t **space, struct err *err)
{
    json_auto_t *found = json_object();
    const char *name;
    json_t *parameter;

    size_t n = add_trials(found, trials);
    if (json_object_size(found) == 0) {
        return err_set(err, ERR_INVALID,
                       "%.120s: no trial of the study has a parameter, so its space is not known",
                       import->remarks.file);
    }
    if (json_object_size(found) > PARAMETERS_MAX) { /* each is compared with each other one */
        return err_set(err, ERR_INVALID,
                       "%.120s: its trials have %zu parameters; a study has at most %d",
                       import->remarks.file, json_object_size(found), PARAMETERS_MAX);
    }
    TRY(find_parents(import, trials, found, n, err));
    json_object_foreach (found, name, parameter) {
        tell_changes(import, name, parameter);
        TRY(add_parameter(import, name, parameter, err));
    }
    *space = json_incref(found);
    return 0;
}
