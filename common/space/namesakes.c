/* Names: which parameters have the same one, and that of these at most one is active. */
#include "common/space/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By the name in the environment, then by name, then by place. */
static int compare_names(const void *a, const void *b, void *context)
{
    const struct space *space = context;
    size_t i = *(const size_t *)a;
    size_t j = *(const size_t *)b;
    int order = strcmp(space->params[i].env_name, space->params[j].env_name);

    if (order == 0) {
        order = strcmp(space->params[i].name, space->params[j].name);
    }
    return order != 0 ? order : (i > j) - (i < j);
}

static int compare_names_alone(const void *a, const void *b, void *context)
{
    const struct space *space = context;

    return strcmp(space->params[*(const size_t *)a].name, space->params[*(const size_t *)b].name);
}

static void refuse_meeting(const struct space *space, size_t i, size_t j, struct faults *faults)
{
    char pointer[SPACE_POINTER_BYTES];
    size_t later = i > j ? i : j;

    (void)snprintf(pointer, sizeof pointer, "/parameters/%zu/name", later);
    faults_add(faults, pointer,
               "\"%.80s\" and \"%.80s\" meet in the environment as HONE_PARAM_%s; rename one",
               space->params[later].name, space->params[i + j - later].name,
               space->params[i].env_name);
}

void space_order_names(struct space *space, struct faults *faults)
{
    size_t n = 0;

    for (size_t i = 0; i < space->n_params; i++) {
        space->params[i].next_namesake = SPACE_NONE;
        if (space->params[i].name != NULL) {
            space->by_name[n++] = i;
        }
    }
    qsort_r(space->by_name, n, sizeof *space->by_name, compare_names, space);
    size_t last = SPACE_NONE;
    for (size_t k = 0; k < n; last = space->by_name[k++]) {
        struct param *param = &space->params[space->by_name[k]];
        struct param *before = last == SPACE_NONE ? NULL : &space->params[last];
        if (before != NULL && strcmp(before->name, param->name) == 0) {
            before->next_namesake = space->by_name[k];
            param->is_namesake = true;
            continue;
        }
        if (before != NULL && strcmp(before->env_name, param->env_name) == 0) {
            refuse_meeting(space, last, space->by_name[k], faults);
        }
        space->by_name[space->n_names++] = space->by_name[k];
    }
    qsort_r(space->by_name, space->n_names, sizeof *space->by_name, compare_names_alone, space);
}

/* ---- what excludes what ---- */

/* The conditions of a parameter and of all its ancestors, which hold whenever it is active. */
struct conditions {
    size_t n;
    const struct condition *items[SPACE_CONDITION_PARENTS_MAX * SPACE_CONDITION_PARENTS_MAX];
};

/* Those of the parameters at the end of the list are added until nothing new comes, or it is full:
 * what is left out is not used to prove anything. */
static void gather(const struct space *space, size_t i, struct conditions *out)
{
    const size_t most = sizeof out->items / sizeof out->items[0];
    const struct param *param = &space->params[i];

    out->n = 0;
    for (size_t next = 0;; next++) {
        for (size_t c = 0; c < param->n_conditions && out->n < most; c++) {
            out->items[out->n++] = &param->conditions[c];
        }
        if (next >= out->n) {
            return;
        }
        param = &space->params[out->items[next]->parent];
    }
}

static bool are_disjoint(const struct condition *a, const struct condition *b)
{
    size_t i = 0;
    size_t j = 0;

    while (i < a->n_allowed && j < b->n_allowed) {
        if (a->allowed[i] == b->allowed[j]) {
            return false;
        }
        if (a->allowed[i] < b->allowed[j]) {
            i++;
        } else {
            j++;
        }
    }
    return true;
}

static bool exclude_each_other(const struct conditions *a, const struct conditions *b)
{
    for (size_t i = 0; i < a->n; i++) {
        for (size_t j = 0; j < b->n; j++) {
            if (a->items[i]->parent == b->items[j]->parent
                && are_disjoint(a->items[i], b->items[j])) {
                return true;
            }
        }
    }
    return false;
}

/* Against the later parameters of its name. */
static void check_from(const struct space *space, size_t i, struct faults *faults)
{
    struct conditions own;
    struct conditions others;
    char pointer[SPACE_POINTER_BYTES];

    gather(space, i, &own);
    for (size_t j = space->params[i].next_namesake; j != SPACE_NONE;
         j = space->params[j].next_namesake) {
        gather(space, j, &others);
        if (!exclude_each_other(&own, &others)) {
            (void)snprintf(pointer, sizeof pointer, "/parameters/%zu/name", j);
            faults_add(faults, pointer,
                       "\"%.80s\" is the name of parameter %zu already; two may share it only "
                       "where their \"when\" name a common parent with different values",
                       space->params[i].name, i);
            return;
        }
    }
}

static size_t count_namesakes(const struct space *space, size_t first)
{
    size_t n = 0;

    for (size_t i = first; i != SPACE_NONE; i = space->params[i].next_namesake) {
        n++;
    }
    return n;
}

void space_check_namesakes(const struct space *space, struct faults *faults)
{
    for (size_t k = 0; k < space->n_names; k++) {
        size_t first = space->by_name[k];
        if (count_namesakes(space, first) > SPACE_NAMESAKES_MAX) {
            faults_add(faults, "/parameters", "more than %d parameters have the name \"%.80s\"",
                       SPACE_NAMESAKES_MAX, space->params[first].name);
            continue;
        }
        for (size_t i = first; i != SPACE_NONE; i = space->params[i].next_namesake) {
            check_from(space, i, faults);
        }
    }
}
