/* Choices that a list has no more. They keep their places among all, by which configurations name
 * them: {"choices": ["a", "c"], "removed": [{"index": 1, "value": "b"}]}. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/space/build.h"

void choice_list_finish(struct choice_list *list)
{
    json_decref(list->all);
    free(list->is_removed);
    *list = (struct choice_list){0};
}

/* One item of "removed"; a fault where it cannot be one. */
static void read_one(struct fields *f, const json_t *array, size_t i, size_t n,
                     const json_t *places[], struct choice_list *list)
{
    struct fields item;
    char pointer[sizeof f->pointer + 32];

    (void)snprintf(pointer, sizeof pointer, "%s/removed/%zu", f->pointer, i);
    const json_t *object = json_array_get(array, i);
    if (!json_is_object(object)) {
        faults_add(f->faults, pointer, "must be {\"index\": PLACE, \"value\": CHOICE}");
        return;
    }
    fields_begin(&item, object, pointer, f->faults);
    int64_t at = fields_int(&item, "index", -1, 0, (int64_t)n - 1);
    (void)fields_any(&item, "value");
    const json_t *value = json_object_get(object, "value"); /* null is a value like another */
    if (value == NULL) {
        fields_fault(&item, "value", "is missing");
    } else if (at < 0) {
        if (!fields_has(&item, "index")) {
            fields_fault(&item, "index", "is missing: the place among all, from 0");
        }
    } else if (places[at] != NULL) {
        fields_fault(&item, "index", "is the place of another one too");
    } else if (choice_is_sound(&item, "value", value)) {
        places[at] = value;
        list->is_removed[at] = true;
    }
    fields_end(&item);
}

/* The places that are left are those of `given`, in its order. */
static bool put_together(const json_t *given, const json_t *const places[], size_t n,
                         struct choice_list *list)
{
    size_t next = 0;

    for (size_t i = 0; i < n; i++) {
        const json_t *value = places[i] != NULL ? places[i] : json_array_get(given, next++);
        if (json_array_append(list->all, json_unconst(value)) != 0) {
            return false;
        }
    }
    return true;
}

bool choice_list_read(struct fields *f, const json_t *given, struct choice_list *list)
{
    const json_t *removed = fields_array(f, "removed");
    size_t before = f->faults->total;
    size_t n = json_array_size(given) + json_array_size(removed);

    *list = (struct choice_list){.n_live = json_array_size(given)};
    if (n > SPACE_CHOICES_MAX) {
        fields_fault(f, "removed", "and the values are more than %d together", SPACE_CHOICES_MAX);
        return false;
    }
    OWN(memory) const json_t **places = calloc(n, sizeof *places);
    list->all = json_array();
    list->is_removed = calloc(n, sizeof *list->is_removed);
    if (places == NULL || list->all == NULL || list->is_removed == NULL) {
        faults_no_memory(f->faults);
        return false;
    }
    for (size_t i = 0; i < json_array_size(removed); i++) {
        read_one(f, removed, i, n, places, list);
    }
    if (f->faults->total != before) {
        return false;
    }
    if (!put_together(given, places, n, list)) {
        faults_no_memory(f->faults);
        return false;
    }
    return true;
}

int param_note_removed(struct param *param, const bool is_removed[])
{
    size_t n_live = 0;

    for (size_t i = 0; i < param->n_choices; i++) {
        n_live += !is_removed[i];
    }
    if (n_live == param->n_choices) {
        return 0;
    }
    param->live = calloc(n_live, sizeof *param->live);
    param->shares =
        param->shares != NULL ? param->shares : calloc(param->n_choices, sizeof *param->shares);
    if (param->live == NULL || param->shares == NULL) {
        return -1;
    }
    param->n_cells = n_live;
    n_live = 0;
    for (size_t i = 0; i < param->n_choices; i++) {
        if (!is_removed[i]) {
            param->live[n_live++] = (uint32_t)i;
        }
    }
    return 0;
}

/* The place among the live choices, or n_cells. */
static size_t rank_of(const struct param *param, size_t choice)
{
    size_t low = 0;
    size_t high = (size_t)param->n_cells;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (param->live[middle] < choice) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint64_t param_live_rank(const struct param *param, double value)
{
    return rank_of(param, (size_t)value);
}

/* O(log n). */
bool param_is_removed(const struct param *param, double value)
{
    if (param->live == NULL || !(value >= 0 && value < (double)param->n_choices)) {
        return false;
    }
    size_t rank = rank_of(param, (size_t)value);
    return rank == param->n_cells || param->live[rank] != (size_t)value;
}
