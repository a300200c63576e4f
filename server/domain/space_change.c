#include "server/domain/space_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_value.h"

static const char old_value[] = "old_value";

void space_change_finish(struct space_change *change)
{
    free(change->added);
    change->added = NULL;
}

/* Marks the choices that are named there. */
static void mark_named(const struct param *from, const json_t *list, const char *member,
                       bool is_named[])
{
    size_t i;
    json_t *item;

    json_array_foreach (json_unconst(list), i, item) {
        const json_t *value = member == NULL ? item : json_object_get(item, member);
        int choice = value == NULL ? -1 : param_find_choice(from, value);
        if (choice >= 0) {
            is_named[choice] = true;
        }
    }
}

/* Adds the choices of the present parameter that the new one leaves out to its "removed". */
static int note_removed(const struct param *from, json_t *parameter)
{
    const json_t *given = json_object_get(parameter, from->listed ? "values" : "choices");
    json_t *removed = json_object_get(parameter, "removed");
    OWN(memory) bool *is_named = calloc(from->n_choices + 1, sizeof *is_named);
    json_auto_t *list = json_is_array(removed) ? json_incref(removed) : json_array();

    if (is_named == NULL || list == NULL) {
        return -1;
    }
    mark_named(from, given, NULL, is_named);
    mark_named(from, removed, "value", is_named);
    for (size_t k = 0; k < from->n_choices; k++) {
        if (!is_named[k]
            && json_array_append_new(
                   list, json_pack("{s:I,s:O}", "index", (json_int_t)k, "value", from->choices[k]))
                   != 0) {
            return -1;
        }
    }
    return json_array_size(list) == 0 ? 0 : json_object_set(parameter, "removed", list);
}

/* Does it list choices, as the present one of this name does? */
static bool lists_choices(const struct param *from, const json_t *parameter)
{
    const json_t *removed = json_object_get(parameter, "removed");
    const char *name = json_string_value(json_object_get(parameter, "name"));

    return from->type != PARAM_BOOL && from->type != PARAM_CONSTANT && from->n_choices > 0
           && name != NULL && strcmp(name, from->name) == 0
           && json_is_array(json_object_get(parameter, from->listed ? "values" : "choices"))
           && (removed == NULL || json_is_null(removed) || json_is_array(removed));
}

json_t *space_change_plain(const struct space *from, const json_t *parameters)
{
    json_t *plain = json_copy_whole(parameters);
    size_t i;
    json_t *parameter;

    json_array_foreach (plain, i, parameter) {
        (void)json_object_del(parameter, old_value); /* nothing where it is no object */
        if (i < from->n_params && lists_choices(&from->params[i], parameter)
            && note_removed(&from->params[i], parameter) != 0) {
            json_decref(plain);
            return NULL;
        }
    }
    return plain;
}

/* ---- what stays ---- */

static bool is_same_condition(const struct condition *a, const struct condition *b)
{
    return a->parent == b->parent && a->n_allowed == b->n_allowed
           && memcmp(a->allowed, b->allowed, a->n_allowed * sizeof *a->allowed) == 0;
}

static bool has_same_conditions(const struct param *a, const struct param *b)
{
    if (a->n_conditions != b->n_conditions) {
        return false;
    }
    for (size_t i = 0; i < a->n_conditions; i++) {
        if (!is_same_condition(&a->conditions[i], &b->conditions[i])) {
            return false;
        }
    }
    return true;
}

static bool keeps_choices(const struct param *from, const struct param *to)
{
    for (size_t i = 0; i < from->n_choices; i++) {
        if (i >= to->n_choices || json_compare(from->choices[i], to->choices[i]) != 0) {
            return false;
        }
    }
    return true;
}

/* NULL: the old values mean the same in the new parameter. */
static const char *what_is_lost(const struct param *from, const struct param *to)
{
    if (strcmp(from->name, to->name) != 0) {
        return "the parameters there are must stay, in their order, before any that are added";
    }
    if (from->type != to->type || from->listed != to->listed) {
        return "the type of a parameter cannot change";
    }
    if (!has_same_conditions(from, to)) {
        return "the condition of a parameter cannot change";
    }
    if (!keeps_choices(from, to)) {
        return "the choices must stay in their order, before any that are added; one that is left "
               "out is removed, and comes back only in its place";
    }
    return NULL;
}

/* ---- what is added ---- */

static double added_value(const struct param *param, const json_t *given, size_t i,
                          struct faults *faults)
{
    char why[PARAM_WHY_BYTES];
    char at[48];
    double value = 0.0;

    (void)snprintf(at, sizeof at, "/parameters/%zu/%s", i, old_value);
    if (given == NULL) {
        if (!param->has_default && param->type != PARAM_CONSTANT) {
            faults_add(faults, at,
                       "is missing: the value that the trials there are have had; or give the "
                       "parameter a default");
        }
        return param->has_default ? param->default_value : 0.0;
    }
    if (param_value_from_json(param, given, &value, why) != 0) {
        faults_add(faults, at, "%s", why);
    }
    return value;
}

static int read_added(const struct space *to, const json_t *parameters, struct space_change *change,
                      struct faults *faults)
{
    change->added = calloc(to->n_params - change->n_before + 1, sizeof *change->added);
    if (change->added == NULL) {
        faults_no_memory(faults);
        return -1;
    }
    for (size_t i = change->n_before; i < to->n_params; i++) {
        const json_t *given = json_object_get(json_array_get(parameters, i), old_value);
        change->added[i - change->n_before] = added_value(&to->params[i], given, i, faults);
    }
    return 0;
}

int space_change_read(const struct space *from, const struct space *to, const json_t *parameters,
                      const char *study, struct space_change *change, struct faults *faults)
{
    size_t before = faults->total;
    char at[48];

    *change = (struct space_change){.n_before = from->n_params};
    for (size_t i = 0; i < from->n_params; i++) {
        const char *lost = i < to->n_params ? what_is_lost(&from->params[i], &to->params[i])
                                            : "a parameter cannot be left out";
        (void)snprintf(at, sizeof at, "/parameters/%zu", i);
        if (lost != NULL) {
            faults_add(faults, at,
                       "\"%.60s\": %s. Create another study that learns from this one: \"after\": "
                       "[\"%s\"]",
                       from->params[i].name, lost, study);
            return -1; /* those behind it would only say the same */
        }
        if (json_object_get(json_array_get(parameters, i), old_value) != NULL) {
            (void)snprintf(at, sizeof at, "/parameters/%zu/%s", i, old_value);
            faults_add(faults, at, "is for a parameter that is added");
        }
    }
    return read_added(to, parameters, change, faults) != 0 || faults->total != before ? -1 : 0;
}

void space_change_extend(const struct space_change *change, const struct space *to,
                         const double before[], double x[])
{
    memcpy(x, before, change->n_before * sizeof *x);
    memcpy(x + change->n_before, change->added, (to->n_params - change->n_before) * sizeof *x);
    (void)space_activate(to, x); /* it is whole: what is active has a value */
}
