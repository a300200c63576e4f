/* Parameters that are lists: choices, listed values, booleans, constants. */
#include "common/space/build.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

bool json_same_scalar(const json_t *a, const json_t *b)
{
    if (json_is_integer(a) && json_is_integer(b)) {
        return json_integer_value(a) == json_integer_value(b);
    }
    if (json_is_number(a) && json_is_number(b)) {
        return json_number_value(a) == json_number_value(b);
    }
    if (json_is_string(a) && json_is_string(b)) {
        return strcmp(json_string_value(a), json_string_value(b)) == 0;
    }
    return json_typeof(a) == json_typeof(b) && json_is_boolean(a);
}

/* NULL when it can be a choice, else what is wrong with it. */
static const char *choice_trouble(const json_t *choice)
{
    if (json_is_string(choice)) {
        if (json_string_length(choice) > SPACE_CHOICE_BYTES) {
            return "is longer than 4096 bytes; name it by something shorter, such as a path";
        }
        if (strlen(json_string_value(choice)) != json_string_length(choice)) {
            return "contains the character NUL, which no argument or environment can carry";
        }
        return NULL;
    }
    if (json_is_number(choice) || json_is_boolean(choice)) {
        return NULL;
    }
    return "must be a string, a finite number or a boolean";
}

static int compare_numbers(const void *a, const void *b)
{
    double x = json_number_value(*(json_t *const *)a);
    double y = json_number_value(*(json_t *const *)b);

    return (x > y) - (x < y);
}

static int compare_scalars(const void *a, const void *b)
{
    const json_t *x = *(json_t *const *)a;
    const json_t *y = *(json_t *const *)b;
    int kind_x = json_is_number(x) ? 0 : json_is_string(x) ? 1 : 2;
    int kind_y = json_is_number(y) ? 0 : json_is_string(y) ? 1 : 2;

    if (kind_x != kind_y) {
        return kind_x - kind_y;
    }
    if (kind_x == 0) {
        return json_same_scalar(x, y) ? 0 : json_number_value(x) < json_number_value(y) ? -1 : 1;
    }
    if (kind_x == 1) {
        return strcmp(json_string_value(x), json_string_value(y));
    }
    return (int)json_is_true(x) - (int)json_is_true(y);
}

/* Sorts a copy, so that ten thousand choices do not take fifty million comparisons. */
static void check_distinct(struct fields *f, const char *name, const struct param *param)
{
    OWN(memory) json_t **sorted = malloc(param->n_choices * sizeof(json_t *));

    if (sorted == NULL) {
        faults_no_memory(f->faults);
        return;
    }
    memcpy(sorted, param->choices, param->n_choices * sizeof(json_t *));
    qsort(sorted, param->n_choices, sizeof(json_t *), compare_scalars);
    for (size_t i = 1; i < param->n_choices; i++) {
        if (json_same_scalar(sorted[i - 1], sorted[i])) {
            OWN(memory) char *text = json_dumps(sorted[i], JSON_ENCODE_ANY | JSON_COMPACT);
            fields_fault(f, name, "names %.60s twice; the values must be distinct",
                         text != NULL ? text : "a value");
            return;
        }
    }
}

/* Takes the array's items over as choices; false after a fault. */
static bool take_choices(struct fields *f, const char *name, const json_t *array,
                         struct param *param)
{
    size_t n = json_array_size(array);

    if (n == 0 || n > SPACE_CHOICES_MAX) {
        fields_fault(f, name, n == 0 ? "needs at least one value" : "has more than 10000 values");
        return false;
    }
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

void param_read_choices(struct fields *f, struct param *param)
{
    const json_t *array = fields_array(f, "choices");

    if (array == NULL) {
        if (!fields_has(f, "choices")) {
            fields_fault(f, "choices", "is missing; list the values, such as [\"a\", \"b\"]");
        }
        return;
    }
    size_t before = f->faults->total;
    for (size_t i = 0; i < json_array_size(array); i++) {
        const char *trouble = choice_trouble(json_array_get(array, i));
        if (trouble != NULL) {
            char at[32];
            (void)snprintf(at, sizeof at, "choices/%zu", i);
            fields_fault(f, at, "%s", trouble);
        }
    }
    if (f->faults->total == before && take_choices(f, "choices", array, param)) {
        check_distinct(f, "choices", param);
        number_choices(param);
    }
}

void param_read_constant(struct fields *f, struct param *param)
{
    const json_t *value = fields_any(f, "value");

    if (value == NULL) {
        fields_fault(f, "value", "is missing; a constant needs its value");
        return;
    }
    const char *trouble = choice_trouble(value);
    if (trouble != NULL) {
        fields_fault(f, "value", "%s", trouble);
        return;
    }
    json_auto_t *array = json_array();
    if (json_array_append(array, json_unconst(value)) != 0) {
        faults_no_memory(f->faults);
    } else if (take_choices(f, "value", array, param)) {
        number_choices(param);
    }
}

void param_read_bool(struct fields *f, struct param *param)
{
    json_auto_t *array = json_array();

    if (json_array_append_new(array, json_false()) != 0
        || json_array_append_new(array, json_true()) != 0) {
        faults_no_memory(f->faults);
    } else if (take_choices(f, "type", array, param)) {
        number_choices(param);
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
        const json_t *value = json_array_get(array, i);
        char at[32];
        (void)snprintf(at, sizeof at, "values/%zu", i);
        double x = json_number_value(value);
        if (!json_is_number(value)) {
            fields_fault(f, at, "must be a finite number");
        } else if (param->type == PARAM_INT && (x != floor(x) || fabs(x) > 0x1p53)) {
            fields_fault(f, at, "must be an integer between -2^53 and 2^53");
        } else if (param->scale == SCALE_LOG && x <= 0) {
            fields_fault(f, at, "must be greater than 0 with a log scale");
        }
    }
    param->listed = true;
    if (array != NULL && f->faults->total == before && take_choices(f, "values", array, param)) {
        qsort(param->choices, param->n_choices, sizeof(json_t *), compare_numbers);
        check_distinct(f, "values", param);
        number_choices(param);
    }
}
