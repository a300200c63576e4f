/* Parameters that are lists: choices, listed values, booleans, constants. */
#include "common/space/build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_value.h"

#define SPACE_CHOICE_DEPTH 16 /* nested arrays and objects within one choice */

/* ---- one value ---- */

static bool has_nul(const json_t *string)
{
    return strlen(json_string_value(string)) != json_string_length(string);
}

/* NULL when the value and all that it holds can be a choice, else what is wrong with it. */
static const char *value_trouble(const json_t *value, size_t depth)
{
    const char *trouble = NULL;
    const char *key;
    json_t *item;
    size_t i;

    if (depth > SPACE_CHOICE_DEPTH) {
        return "is nested deeper than 16 levels; flatten it";
    }
    if (json_big_number(value) != NULL) {
        return "is a number that fits no 64-bit integer and no double as it is written; make it "
               "a string";
    }
    if (json_is_string(value) && has_nul(value)) {
        return "contains the character NUL, which no argument or environment can carry";
    }
    json_array_foreach (value, i, item) {
        trouble = trouble != NULL ? trouble : value_trouble(item, depth + 1);
    }
    json_object_foreach (json_unconst(value), key, item) {
        trouble = trouble != NULL ? trouble : value_trouble(item, depth + 1);
    }
    return trouble;
}

bool choice_is_sound(struct fields *f, const char *at, const json_t *choice)
{
    const char *trouble = value_trouble(choice, 0);
    OWN(buf) struct buf text = {0};

    if (trouble == NULL && !json_is_number(choice)) {
        buf_init(&text, SPACE_CHOICE_BYTES);
        json_append_text(&text, choice);
        if (text.no_memory) {
            faults_no_memory(f->faults);
            return false;
        }
        if (text.failed) {
            trouble = "is longer than 4096 bytes; name it by something shorter, such as a path";
        }
    }
    if (trouble != NULL) {
        fields_fault(f, at, "%s", trouble);
    }
    return trouble == NULL;
}

/* ---- lists of values ---- */

static int compare_choices(const void *a, const void *b, void *context)
{
    const struct param *param = context;

    return json_compare(param->choices[*(const uint32_t *)a], param->choices[*(const uint32_t *)b]);
}

static void refuse_twice(struct fields *f, const char *name, const json_t *value)
{
    OWN(buf) struct buf text;

    buf_init(&text, SPACE_CHOICE_BYTES * 8);
    json_append_cell(&text, value);
    fields_fault(f, name,
                 "names %.60s twice; the values must be distinct: to try one more often, name it "
                 "once and give \"weights\", one for each value",
                 text.failed ? "a value" : buf_text(&text));
}

/* Fills param->sorted, by which a value is found without comparing it with each choice. */
static void sort_choices(struct fields *f, const char *name, struct param *param)
{
    param->sorted = calloc(param->n_choices, sizeof *param->sorted);
    if (param->sorted == NULL) {
        faults_no_memory(f->faults);
        return;
    }
    for (size_t i = 0; i < param->n_choices; i++) {
        param->sorted[i] = (uint32_t)i;
    }
    qsort_r(param->sorted, param->n_choices, sizeof *param->sorted, compare_choices, param);
    for (size_t i = 1; i < param->n_choices; i++) {
        const json_t *value = param->choices[param->sorted[i]];
        if (json_same(param->choices[param->sorted[i - 1]], value)) {
            refuse_twice(f, name, value);
            return;
        }
    }
}

int param_find_choice(const struct param *param, const json_t *value)
{
    size_t low = 0;
    size_t high = param->n_choices;

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = json_compare(param->choices[param->sorted[middle]], value);
        if (order == 0) {
            return (int)param->sorted[middle];
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return -1;
}

/* Takes the array's items over as choices; false after a fault. */
static bool take_choices(struct fields *f, const json_t *array, struct param *param)
{
    size_t n = json_array_size(array);

    param->choices = calloc(n, sizeof *param->choices);
    param->choice_numbers = calloc(n, sizeof *param->choice_numbers);
    if (param->choices == NULL || param->choice_numbers == NULL) {
        faults_no_memory(f->faults);
        return false;
    }
    param->n_choices = n;
    for (size_t i = 0; i < n; i++) {
        param->choices[i] = json_incref(json_array_get(array, i));
    }
    return true;
}

/* ---- weights ---- */

/* Of all; the width of the choice's place in the unit interval, in which u has 53 bits. */
#define LEAST_SHARE 1e-12

static double weight_of(const struct param *param, size_t i)
{
    return param->weights != NULL ? param->weights[i] : param_is_removed(param, (double)i) ? 0 : 1;
}

/* param->shares[i] ← the share of the first i + 1 choices; from the last live one on it is 1. */
static void add_up_weights(struct param *param)
{
    size_t last = param->live == NULL ? param->n_choices - 1 : param->live[param->n_cells - 1];
    double total = 0;
    double so_far = 0;

    for (size_t i = 0; i < param->n_choices; i++) {
        total += weight_of(param, i);
    }
    for (size_t i = 0; i < param->n_choices; i++) {
        so_far += weight_of(param, i);
        param->shares[i] = i < last ? so_far / total : 1;
    }
}

static void refuse_weight(struct fields *f, size_t i, const char *why)
{
    char at[32];

    (void)snprintf(at, sizeof at, "weights/%zu", i);
    fields_fault(f, at, "%s", why);
}

static void check_weights(struct fields *f, const json_t *array, size_t n)
{
    double total = 0;
    size_t i;
    json_t *item;

    if (json_array_size(array) != n) {
        fields_fault(f, "weights", "must be as many as there are values: %zu, not %zu", n,
                     json_array_size(array));
        return;
    }
    json_array_foreach (array, i, item) {
        if (!json_is_number(item) || json_number_value(item) <= 0) {
            refuse_weight(f, i,
                          "must be a finite number greater than 0; leave out the values that are "
                          "not wanted");
            return;
        }
        total += json_number_value(item);
    }
    if (!isfinite(total)) {
        fields_fault(f, "weights", "add up to more than a double holds; divide all by the same");
        return;
    }
    json_array_foreach (array, i, item) {
        if (json_number_value(item) / total < LEAST_SHARE) {
            refuse_weight(f, i, "is less than 1e-12 of all; leave the value out");
            return;
        }
    }
}

/* "weights", one for each choice that was not removed, in the order of `choices`. */
static void read_weights(struct fields *f, const struct choice_list *list, struct param *param)
{
    const json_t *array = fields_array(f, "weights");
    size_t before = f->faults->total;

    if (array == NULL) {
        return;
    }
    check_weights(f, array, list->n_live);
    if (f->faults->total != before) {
        return;
    }
    param->weights = calloc(param->n_choices, sizeof *param->weights);
    param->shares = calloc(param->n_choices, sizeof *param->shares);
    if (param->weights == NULL || param->shares == NULL) {
        faults_no_memory(f->faults);
        return;
    }
    for (size_t i = 0, next = 0; i < param->n_choices; i++) {
        param->weights[i] =
            list->is_removed[i] ? 0 : json_number_value(json_array_get(array, next++));
    }
}

/* Every choice as a number: itself, 0 or 1 for booleans, NaN for texts. */
static void number_choices(struct param *param)
{
    for (size_t i = 0; i < param->n_choices; i++) {
        const json_t *choice = param->choices[i];
        param->choice_numbers[i] = json_is_number(choice)    ? json_number_value(choice)
                                   : json_is_boolean(choice) ? (double)json_is_true(choice)
                                                             : (double)NAN;
    }
    param->n_cells = param->n_choices;
    param->step = 1;
    param->high = (double)(param->n_choices - 1);
}

/* Puts listed values, and what belongs to each, into increasing order. */
static void order_values(struct fields *f, struct choice_list *list, struct param *param)
{
    size_t n = param->n_choices;
    OWN(memory) json_t **choices = calloc(n, sizeof(json_t *));
    OWN(memory) double *weights = calloc(n, sizeof *weights);
    OWN(memory) bool *is_removed = calloc(n, sizeof *is_removed);

    if (choices == NULL || weights == NULL || is_removed == NULL) {
        faults_no_memory(f->faults);
        return;
    }
    memcpy(choices, param->choices, n * sizeof(json_t *));
    memcpy(is_removed, list->is_removed, n * sizeof *is_removed);
    if (param->weights != NULL) {
        memcpy(weights, param->weights, n * sizeof *weights);
    }
    for (size_t i = 0; i < n; i++) {
        param->choices[i] = choices[param->sorted[i]];
        list->is_removed[i] = is_removed[param->sorted[i]];
        if (param->weights != NULL) {
            param->weights[i] = weights[param->sorted[i]];
        }
    }
    for (size_t i = 0; i < n; i++) {
        param->sorted[i] = (uint32_t)i;
    }
}

/* Takes sound values and the weights beside them; false when there is nothing to take. */
static bool take_weighted(struct fields *f, const char *name, const json_t *array,
                          struct param *param)
{
    OWN(choice_list) struct choice_list list = {0};
    size_t before = f->faults->total;

    if (json_array_size(array) == 0 || json_array_size(array) > SPACE_CHOICES_MAX) {
        fields_fault(f, name,
                     json_array_size(array) == 0 ? "needs at least one value"
                                                 : "has more than 65536 values");
        return false;
    }
    if (!choice_list_read(f, array, &list) || !take_choices(f, list.all, param)) {
        return false;
    }
    sort_choices(f, name, param);
    read_weights(f, &list, param);
    if (f->faults->total != before) {
        return true;
    }
    if (param->listed) {
        order_values(f, &list, param);
    }
    number_choices(param);
    if (param_note_removed(param, list.is_removed) != 0) {
        faults_no_memory(f->faults);
    } else if (param->shares != NULL) {
        add_up_weights(param);
    }
    return true;
}

/* Members that are not looked at further when the list itself is wrong. */
static void pass_over(struct fields *f)
{
    (void)fields_any(f, "weights");
    (void)fields_any(f, "removed");
}

void param_read_choices(struct fields *f, struct param *param)
{
    const json_t *array = fields_array(f, "choices");

    if (array == NULL) {
        pass_over(f);
        if (!fields_has(f, "choices")) {
            fields_fault(f, "choices", "is missing; list the values, such as [\"a\", \"b\"]");
        }
        return;
    }
    size_t before = f->faults->total;
    for (size_t i = 0; i < json_array_size(array); i++) {
        char at[32];
        (void)snprintf(at, sizeof at, "choices/%zu", i);
        (void)choice_is_sound(f, at, json_array_get(array, i));
    }
    if (f->faults->total != before || !take_weighted(f, "choices", array, param)) {
        pass_over(f);
    }
}

/* Choices that are known to be sound. */
static void take_fixed(struct fields *f, const char *name, const json_t *array, struct param *param)
{
    if (take_choices(f, array, param)) {
        sort_choices(f, name, param);
        number_choices(param);
    }
}

void param_read_constant(struct fields *f, struct param *param)
{
    (void)fields_any(f, "value");
    const json_t *value = json_object_get(f->object, "value"); /* null is a value like another */

    if (value == NULL) {
        fields_fault(f, "value", "is missing; a constant needs its value");
        return;
    }
    if (!choice_is_sound(f, "value", value)) {
        return;
    }
    json_auto_t *array = json_array();
    if (json_array_append(array, json_unconst(value)) != 0) {
        faults_no_memory(f->faults);
    } else {
        take_fixed(f, "value", array, param);
    }
}

void param_read_bool(struct fields *f, struct param *param)
{
    json_auto_t *array = json_array();

    if (json_array_append_new(array, json_false()) != 0
        || json_array_append_new(array, json_true()) != 0) {
        faults_no_memory(f->faults);
    } else {
        take_fixed(f, "type", array, param);
    }
}

static void check_value(struct fields *f, const struct param *param, const char *at,
                        const json_t *value)
{
    double x = json_number_value(value);

    if (!json_is_number(value)) {
        fields_fault(f, at, "must be a finite number");
    } else if (param->type == PARAM_INT && x != floor(x)) {
        fields_fault(f, at, "must be an integer");
    } else if (param->type == PARAM_INT && !json_is_integer(value) && fabs(x) > 0x1p53) {
        fields_fault(f, at, "must be an integer of 64 bits, written with all of its digits");
    } else if (param->scale != SCALE_LINEAR && x <= 0) {
        fields_fault(f, at, "must be greater than 0 with a log scale");
    }
}

void param_read_listed(struct fields *f, struct param *param)
{
    static const char *const excluded[] = {"low",          "high", "step", "grid",
                                           "distribution", "mean", "sd"};
    const json_t *array = fields_array(f, "values");
    size_t before = f->faults->total;

    for (size_t i = 0; i < sizeof excluded / sizeof excluded[0]; i++) {
        if (fields_any(f, excluded[i]) != NULL) {
            fields_fault(f, excluded[i], "says nothing beside \"values\"; leave one of them out");
        }
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        char at[32];
        (void)snprintf(at, sizeof at, "values/%zu", i);
        check_value(f, param, at, json_array_get(array, i));
    }
    const json_t *removed = json_object_get(f->object, "removed");
    for (size_t i = 0; i < json_array_size(removed); i++) {
        char at[40];
        const json_t *value = json_object_get(json_array_get(removed, i), "value");
        (void)snprintf(at, sizeof at, "removed/%zu/value", i);
        if (value != NULL) {
            check_value(f, param, at, value);
        }
    }
    param->listed = true;
    if (array == NULL || f->faults->total != before || !take_weighted(f, "values", array, param)) {
        pass_over(f);
    }
}
