/* Conditions: the parents of each parameter, which of their values make it active, and the order
 * in which parameters are decided. */
#include "common/space/build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

void space_member_pointer(char pointer[SPACE_POINTER_BYTES], const char *base, const char *name)
{
    size_t len = (size_t)snprintf(pointer, SPACE_POINTER_BYTES, "%.120s/", base);

    for (; *name != '\0' && len < SPACE_POINTER_BYTES - 3; name++) {
        if (*name == '~' || *name == '/') {
            pointer[len++] = '~';
            pointer[len++] = *name == '~' ? '0' : '1';
        } else {
            pointer[len++] = *name;
        }
    }
    pointer[len] = '\0';
    utf8_mend(pointer);
}

static bool can_be_parent(const struct param *param)
{
    return param->type == PARAM_CATEGORICAL || param->type == PARAM_ORDINAL
           || param->type == PARAM_BOOL || param->type == PARAM_INT || param->listed;
}

static int compare_reals(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Makes the values increasing and each once, so that equal conditions read equal. */
static void order_allowed(struct condition *condition)
{
    size_t n = 0;

    qsort(condition->allowed, condition->n_allowed, sizeof *condition->allowed, compare_reals);
    for (size_t i = 0; i < condition->n_allowed; i++) {
        if (n == 0 || condition->allowed[i] > condition->allowed[n - 1]) {
            condition->allowed[n++] = condition->allowed[i];
        }
    }
    condition->n_allowed = n;
}

static void read_allowed(const struct param *parent, const json_t *values, const char *pointer,
                         struct condition *condition, struct faults *faults)
{
    size_t n = json_array_size(values);

    if (n == 0 || n > SPACE_CHOICES_MAX) {
        faults_add(faults, pointer, "must be a list of at least one and at most %d values of %s",
                   SPACE_CHOICES_MAX, parent->name);
        return;
    }
    condition->allowed = calloc(n, sizeof *condition->allowed);
    if (condition->allowed == NULL) {
        faults_no_memory(faults);
        return;
    }
    for (size_t j = 0; j < n; j++) {
        char at[SPACE_POINTER_BYTES + 24];
        char why[PARAM_WHY_BYTES];
        double value;
        int choice = parent->n_choices > 0
                         ? param_find_choice(parent, json_array_get(values, j))
                         : -1; /* one that was removed stays in the conditions that name it */
        value = choice;
        if (choice >= 0
            || param_value_from_json(parent, json_array_get(values, j), &value, why) == 0) {
            condition->allowed[condition->n_allowed++] = value;
            continue;
        }
        (void)snprintf(at, sizeof at, "%s/%zu", pointer, j);
        faults_add(faults, at, "%s never has this value: it %s", parent->name, why);
    }
    order_allowed(condition);
}

/* Keeps conditions in the order of their parents, so that equal spaces read equal. */
static struct condition *insert_condition(struct param *param, size_t parent)
{
    size_t at = param->n_conditions++;

    while (at > 0 && param->conditions[at - 1].parent > parent) {
        param->conditions[at] = param->conditions[at - 1];
        at--;
    }
    param->conditions[at] = (struct condition){.parent = parent};
    return &param->conditions[at];
}

void param_conditions_from_json(struct space *space, size_t i, const json_t *when,
                                const bool broken[], struct faults *faults)
{
    struct param *param = &space->params[i];
    char base[SPACE_POINTER_BYTES];
    char pointer[SPACE_POINTER_BYTES];
    const char *name;
    json_t *values;

    (void)snprintf(base, sizeof base, "/parameters/%zu/when", i);
    if (!json_is_object(when) || json_object_size(when) > SPACE_CONDITION_PARENTS_MAX) {
        faults_add(faults, base,
                   "must be an object of at most %d parents, such as {\"kernel\": [\"poly\"]}",
                   SPACE_CONDITION_PARENTS_MAX);
        return;
    }
    param->conditions = calloc(json_object_size(when) + 1, sizeof *param->conditions);
    if (param->conditions == NULL) {
        faults_no_memory(faults);
        return;
    }
    json_object_foreach (json_unconst(when), name, values) {
        int parent = space_find(space, name);
        space_member_pointer(pointer, base, name);
        if (parent < 0) {
            faults_add(faults, pointer, "there is no parameter \"%.80s\"", name);
        } else if ((size_t)parent == i) {
            faults_add(faults, pointer, "a parameter cannot be its own condition");
        } else if (space->params[parent].next_namesake != SPACE_NONE) {
            faults_add(faults, pointer,
                       "there are several parameters \"%.80s\"; a condition can name only a "
                       "parameter that shares its name with no other",
                       name);
        } else if (broken[parent]) {
            (void)insert_condition(param, (size_t)parent); /* its faults are reported already */
        } else if (!can_be_parent(&space->params[parent])) {
            faults_add(
                faults, pointer,
                "%.80s cannot be a condition: parents are categorical, ordinal, bool, int or "
                "listed values",
                name);
        } else {
            read_allowed(&space->params[parent], values, pointer,
                         insert_condition(param, (size_t)parent), faults);
        }
    }
}

static bool parents_are_placed(const struct param *param, const bool placed[])
{
    for (size_t c = 0; c < param->n_conditions; c++) {
        if (!placed[param->conditions[c].parent]) {
            return false;
        }
    }
    return true;
}

/* Walks from child to unplaced parent until a parameter comes round again. */
static void report_cycle(const struct space *space, const bool placed[], struct faults *faults)
{
    bool seen[SPACE_PARAMS_MAX] = {false};
    char text[400] = "";
    char pointer[SPACE_POINTER_BYTES];
    size_t at = 0;

    while (placed[at]) {
        at++;
    }
    while (!seen[at]) {
        seen[at] = true;
        const struct param *param = &space->params[at];
        size_t c = 0;
        while (placed[param->conditions[c].parent]) {
            c++;
        }
        at = param->conditions[c].parent;
    }
    size_t first = at;
    size_t len = 0;
    do {
        const struct param *param = &space->params[at];
        size_t c = 0;
        int wrote = snprintf(text + len, sizeof text - len, "%.64s needs ", param->name);
        len += wrote > 0 && (size_t)wrote < sizeof text - len ? (size_t)wrote : 0;
        while (placed[param->conditions[c].parent]) {
            c++;
        }
        at = param->conditions[c].parent;
    } while (at != first && len < sizeof text - 80);
    (void)snprintf(text + len, sizeof text - len, "%.64s", space->params[first].name);
    (void)snprintf(pointer, sizeof pointer, "/parameters/%zu/when", first);
    faults_add(faults, pointer, "conditions go round in a circle: %s", text);
}

void space_sort(struct space *space, struct faults *faults)
{
    bool placed[SPACE_PARAMS_MAX] = {false};
    size_t n = 0;
    bool moved = true;

    while (moved) {
        moved = false;
        for (size_t i = 0; i < space->n_params; i++) {
            if (!placed[i] && parents_are_placed(&space->params[i], placed)) {
                placed[i] = true;
                space->order[n++] = i;
                moved = true;
            }
        }
    }
    if (n < space->n_params) {
        report_cycle(space, placed, faults);
    }
}
