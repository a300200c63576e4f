/* Between a configuration and its JSON or text. */
#include "common/space/space.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json_value.h"
#include "common/space/build.h"

__attribute__((format(printf, 2, 3))) static int refuse(char why[PARAM_WHY_BYTES], const char *fmt,
                                                        ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(why, PARAM_WHY_BYTES, fmt, args);
    va_end(args);
    return -1;
}

static const char *kind_of(const json_t *value)
{
    return json_is_string(value)    ? "a text"
           : json_is_number(value)  ? "a number"
           : json_is_boolean(value) ? "a truth value"
           : json_is_null(value)    ? "the null of JSON"
           : json_is_array(value)   ? "a list"
                                    : "an object";
}

/* The choice that a program would get as the same text, such as 16 for "16", or NULL. */
static const json_t *find_lookalike(const struct param *param, const json_t *given)
{
    OWN(buf) struct buf text;
    OWN(buf) struct buf other;

    buf_init(&text, SPACE_CHOICE_BYTES);
    buf_init(&other, SPACE_CHOICE_BYTES);
    json_append_text(&text, given);
    for (size_t i = 0; i < param->n_choices && !text.failed; i++) {
        if (param_is_removed(param, (double)i)) {
            continue;
        }
        buf_clear(&other);
        json_append_text(&other, param->choices[i]);
        if (!other.failed && strcmp(buf_text(&text), buf_text(&other)) == 0) {
            return param->choices[i];
        }
    }
    return NULL;
}

static int refuse_type(const json_t *given, const json_t *choice, char why[PARAM_WHY_BYTES])
{
    OWN(buf) struct buf written;
    OWN(buf) struct buf wanted;
    struct json_writer w;

    buf_init(&written, 80);
    buf_init(&wanted, 80);
    json_writer_init(&w, &written);
    json_write_value(&w, given);
    json_writer_init(&w, &wanted);
    json_write_value(&w, choice);
    if (written.failed || wanted.failed) {
        return refuse(why, "is %s, but the choice that looks like it is %s", kind_of(given),
                      kind_of(choice));
    }
    return refuse(why, "%s is %s, but the choice is %s, %s", buf_text(&written), kind_of(given),
                  buf_text(&wanted), kind_of(choice));
}

/* The first few values, for a sentence. */
static int refuse_choice(const struct param *param, const json_t *given, char why[PARAM_WHY_BYTES])
{
    const json_t *alike = find_lookalike(param, given);
    OWN(buf) struct buf list = {0};
    struct json_writer w;

    if (alike != NULL) {
        return refuse_type(given, alike, why);
    }
    buf_init(&list, 100);
    json_writer_init(&w, &list);
    for (size_t k = 0; k < param->n_cells && k < 10; k++) {
        struct buf before = list;
        buf_puts(&list, k > 0 ? ", " : "");
        json_write_value(&w, param->choices[(size_t)param_cell_value(param, k)]);
        if (list.failed) {
            list.len = before.len;
            break;
        }
    }
    list.failed = false;
    return refuse(why, "must be %s%.*s%s", param->n_cells > 1 ? "one of " : "", (int)list.len,
                  buf_text(&list), param->n_cells > 10 ? ", …" : "");
}

/* A value between two steps is refused with both; one that is a step but for rounding is taken. */
static int take_step(const struct param *param, double number, double *value,
                     char why[PARAM_WHY_BYTES])
{
    char below[JSON_NUMBER_BYTES];
    char above[JSON_NUMBER_BYTES];
    double k = floor((number - param->low) / param->step + 0.5);
    double last = (double)(param->n_cells - 1);
    double nearest = param_cell_value(param, (uint64_t)(k < 0 ? 0 : k > last ? last : k));

    if (fabs(nearest - number) <= 1e-9 * param->step) {
        *value = nearest;
        return 0;
    }
    k = floor((number - param->low) / param->step);
    k = k < 0 ? 0 : k >= last ? last - 1 : k;
    return refuse(why, "must be on a step; the nearest are %s and %s",
                  json_format_number(param_cell_value(param, (uint64_t)k), below),
                  json_format_number(param_cell_value(param, (uint64_t)k + 1), above));
}

static int take_number(const struct param *param, const json_t *json, double *value,
                       char why[PARAM_WHY_BYTES])
{
    char low[JSON_NUMBER_BYTES];
    char high[JSON_NUMBER_BYTES];

    if (!json_is_finite(json)) {
        return refuse(why, "must be a finite number");
    }
    double number = json_number_like(json);
    if (json_is_integer(json)
        && (json_integer_value(json) > SPACE_INT_MAX || json_integer_value(json) < -SPACE_INT_MAX)
        && param->type == PARAM_INT) {
        return refuse(why, "must be an integer between -2^53 and 2^53");
    }
    if (param->type == PARAM_INT && number != floor(number)) {
        return refuse(why, "must be an integer");
    }
    if (number < param->low - 1e-9 * param->step || number > param->high + 1e-9 * param->step) {
        return refuse(why, "must lie between %s and %s", json_format_number(param->low, low),
                      json_format_number(param->high, high));
    }
    if (param->n_cells > 0) {
        return param->type == PARAM_INT && param_allows(param, number)
                   ? (*value = number, 0)
                   : take_step(param, number, value, why);
    }
    if (!param_allows(param, number)) {
        return refuse(why, "must be greater than 0");
    }
    *value = number;
    return 0;
}

int param_value_from_json(const struct param *param, const json_t *json, double *value,
                          char why[PARAM_WHY_BYTES])
{
    if (param->n_choices == 0) {
        return take_number(param, json, value, why);
    }
    int choice = param_find_choice(param, json);
    if (choice >= 0 && param_is_removed(param, choice)) {
        return refuse(why, "was removed from the choices of this study");
    }
    if (choice < 0) {
        return refuse_choice(param, json, why);
    }
    *value = choice;
    return 0;
}

/* Is one of the parameters of this name active? What its value is does not matter. */
static bool is_any_active(const struct space *space, size_t first, const double x[])
{
    for (size_t i = first; i != SPACE_NONE; i = space->params[i].next_namesake) {
        if (param_is_active(space, i, x)) {
            return true;
        }
    }
    return false;
}

/* A choice that was removed, or a number that the parameter could have if its range were wider, or
 * its steps finer. */
static bool take_outside(const struct param *param, const json_t *json, double *value)
{
    double number = json_number_value(json) + 0.0;
    int choice = param->n_choices > 0 ? param_find_choice(param, json) : -1;

    if (choice >= 0) {
        *value = choice;
        return true;
    }
    if (param->n_choices > 0 || !json_is_number(json) || !isfinite(param_measure(param, number))
        || (param->distribution == DISTRIBUTION_LOGNORMAL && number <= 0)
        || (param->type == PARAM_INT
            && (number != floor(number) || fabs(number) > (double)SPACE_INT_MAX))) {
        return false;
    }
    *value = number;
    return true;
}

/* A value that no parameter takes: of an unknown name, or of one that is not active. */
static void refuse_unused(const struct space *space, const json_t *object, const double x[],
                          const char *pointer, struct faults *faults)
{
    const char *name;
    json_t *value;
    char at[SPACE_POINTER_BYTES];

    json_object_foreach (json_unconst(object), name, value) {
        int first = space_find(space, name);
        space_member_pointer(at, pointer, name);
        if (first < 0) {
            faults_add(faults, at, "there is no parameter \"%.80s\" in this study", name);
        } else if (!is_any_active(space, (size_t)first, x)) {
            faults_add(faults, at, "is not active in this configuration; leave it out");
        }
    }
}

static void check_constraints(const struct space *space, const double x[], const char *pointer,
                              struct faults *faults)
{
    for (size_t i = 0; i < space->n_constraints; i++) {
        if (!space_constraint_holds(space, i, x)) {
            faults_add(faults, pointer, "violates the constraint \"%.200s\"",
                       space->constraints[i]);
        }
    }
}

/* `outside`: numbers may lie outside their ranges, and constraints need not hold. */
static int read_config(const struct space *space, const json_t *object, bool outside, double x[],
                       const char *pointer, struct faults *faults)
{
    size_t before = faults->total;
    char at[SPACE_POINTER_BYTES];
    char why[PARAM_WHY_BYTES];

    if (!json_is_object(object)) {
        faults_add(faults, pointer, "must be an object of parameters and their values");
        return -1;
    }
    for (size_t k = 0; k < space->n_params; k++) { /* parents before children */
        size_t i = space->order[k];
        const struct param *param = &space->params[i];
        const json_t *given = json_object_get(object, param->name);
        space_member_pointer(at, pointer, param->name);
        if (!param_is_active(space, i, x)) {
            x[i] = (double)NAN;
        } else if (given != NULL) {
            if (param_value_from_json(param, given, &x[i], why) != 0
                && !(outside && take_outside(param, given, &x[i]))) {
                faults_add(faults, at, "%s", why);
                x[i] = (double)NAN;
            }
        } else if (param->type == PARAM_CONSTANT) {
            x[i] = 0;
        } else if (param->has_default) {
            x[i] = param->default_value;
        } else {
            faults_add(faults, at, "is missing and has no default");
            x[i] = (double)NAN;
        }
    }
    refuse_unused(space, object, x, pointer, faults);
    if (faults->total == before && !outside) {
        check_constraints(space, x, pointer, faults);
    }
    return faults->total == before ? 0 : -1;
}

int space_config_from_json(const struct space *space, const json_t *object, double x[],
                           const char *pointer, struct faults *faults)
{
    return read_config(space, object, false, x, pointer, faults);
}

int space_outside_from_json(const struct space *space, const json_t *object, double x[],
                            const char *pointer, struct faults *faults)
{
    return read_config(space, object, true, x, pointer, faults);
}

void param_write_value(const struct param *param, double value, struct json_writer *w)
{
    if (param->n_choices > 0 && value >= (double)param->n_choices) {
        json_write_null(w); /* a choice that was added since this space was read */
    } else if (param->n_choices > 0) {
        json_write_value(w, param->choices[(size_t)value]);
    } else if (param->type == PARAM_INT) {
        json_write_int(w, (int64_t)value);
    } else {
        json_write_number(w, value);
    }
}

void space_config_write(const struct space *space, const double x[], struct json_writer *w)
{
    json_object_begin(w);
    for (size_t i = 0; i < space->n_params; i++) {
        if (!isnan(x[i])) {
            json_write_key(w, space->params[i].name);
            param_write_value(&space->params[i], x[i], w);
        }
    }
    json_object_end(w);
}

void space_config_write_inactive(const struct space *space, const double x[], struct json_writer *w)
{
    json_array_begin(w);
    for (size_t i = 0; i < space->n_params; i++) {
        if (!space->params[i].is_namesake && space_active_namesake(space, i, x) == SPACE_NONE) {
            json_write_string(w, space->params[i].name);
        }
    }
    json_array_end(w);
}

void param_append_cell(const struct param *param, double value, struct buf *out)
{
    struct json_writer w;

    if (param->n_choices > 0 && value < (double)param->n_choices) {
        json_append_cell(out, param->choices[(size_t)value]);
    } else {
        json_writer_init(&w, out);
        param_write_value(param, value, &w);
    }
}
