#include "worker/cli/import/space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"

#define WHOLE_MAX 9007199254740992.0 /* 2^53 */
enum { ORDERED_MAX = 65536 };

json_t *space_number(double x)
{
    return floor(x) == x && fabs(x) <= WHOLE_MAX ? json_integer((json_int_t)x) : json_real(x);
}

/* Without the last bits that a product leaves: 3 * 0.1 is 0.3. */
static double tidy(double x)
{
    char text[40];

    (void)snprintf(text, sizeof text, "%.15g", x);
    return strtod(text, NULL);
}

void range_round_to(struct range *range, double q)
{
    range->step = q;
    if (range->has_low) {
        double first = rint(range->low / q);
        range->low = tidy((range->scale != NULL && first < 1 ? 1 : first) * q);
    }
    if (range->has_high) {
        range->high = tidy(rint(range->high / q) * q);
        range->high = range->has_low ? fmax(range->low, range->high) : range->high;
    }
}

json_t *space_constant(const char *name, const json_t *value)
{
    return json_pack("{s:s, s:s, s:O}", "name", name, "type", "constant", "value", value);
}

static json_t *end_number(const struct range *range, double x)
{
    return range->is_int ? space_number(x) : json_real(x);
}

static bool is_finite(const struct range *range)
{
    return isfinite(range->low) && isfinite(range->high) && isfinite(range->step)
           && isfinite(range->mean) && isfinite(range->sd);
}

json_t *space_range(const char *name, const struct range *range)
{
    if (!is_finite(range)) { /* JSON has no such number, and it would be left out */
        return NULL;
    }
    if (range->has_low && range->has_high && range->low >= range->high) {
        return json_pack("{s:s, s:s, s:o}", "name", name, "type", "constant", "value",
                         end_number(range, range->low));
    }
    if (range->distribution != NULL && !(range->sd > 0)) {
        return json_pack("{s:s, s:s, s:o}", "name", name, "type", "constant", "value",
                         end_number(range, range->mean));
    }
    json_t *made = json_pack("{s:s, s:s}", "name", name, "type", range->is_int ? "int" : "float");
    if (range->has_low) {
        (void)json_object_set_new(made, "low", end_number(range, range->low));
    }
    if (range->has_high) {
        (void)json_object_set_new(made, "high", end_number(range, range->high));
    }
    if (range->scale != NULL) {
        (void)json_object_set_new(made, "scale", json_string(range->scale));
    }
    if (range->step > 0 && !(range->is_int && range->step == 1)) {
        (void)json_object_set_new(made, "step", end_number(range, range->step));
    }
    if (range->distribution != NULL) {
        (void)json_object_set_new(made, "distribution", json_string(range->distribution));
        (void)json_object_set_new(made, "mean", json_real(range->mean));
        (void)json_object_set_new(made, "sd", json_real(range->sd));
    }
    return made;
}

/* ---- lists ---------------------------------------------------------------------------------- */

struct list {
    json_t *values;  /* distinct */
    json_t *places;  /* of each, by its text */
    double *weights; /* of each */
    bool is_even;    /* all the same */
};

/* The place of this value, a new one where it is not there. */
static size_t place_of(struct list *list, const json_t *value)
{
    OWN(memory) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    const json_t *known = json_object_get(list->places, text == NULL ? "" : text);
    size_t n = json_array_size(list->values);

    if (known != NULL) {
        return (size_t)json_integer_value(known);
    }
    (void)json_object_set_new(list->places, text == NULL ? "" : text, json_integer((json_int_t)n));
    return n;
}

static bool weight_at(struct node weights, size_t i, double *weight)
{
    *weight = 1;
    return weights.value == NULL || (node_number(node_item(weights, i), weight) && *weight >= 0);
}

static int gather(struct import *import, const char *name, struct node items, struct node weights,
                  struct list *list, struct err *err)
{
    for (size_t i = 0; i < node_size(items); i++) {
        struct node item = node_item(items, i);
        double weight;
        if (!weight_at(weights, i, &weight)) {
            return refuse_node(&import->remarks, weights, err,
                               "the weights of '%.60s' must be %zu numbers, none below 0", name,
                               node_size(items));
        }
        if (weight == 0) {
            remark(&import->remarks, item, "%s of '%.60s' has weight 0; it is left out",
                   node_show(item), name);
            continue;
        }
        size_t place = place_of(list, item.value);
        if (place == json_array_size(list->values)) {
            (void)json_array_append(list->values, json_unconst(item.value));
            list->weights[place] = 0;
        } else {
            remark(&import->remarks, item,
                   "%s is there several times; '%.60s' has it once, with so much more weight",
                   node_show(item), name);
        }
        list->weights[place] += weight;
    }
    list->is_even = true;
    for (size_t i = 1; i < json_array_size(list->values); i++) {
        list->is_even = list->is_even && list->weights[i] == list->weights[0];
    }
    return json_array_size(list->values) > 0
               ? 0
               : refuse_node(&import->remarks, items, err, "'%.60s' has no value to choose from",
                             name);
}

/* Numbers that keep their order, rather than words. */
static bool are_numbers(const json_t *values, bool *are_whole)
{
    size_t i;
    json_t *value;

    *are_whole = true;
    json_array_foreach (json_unconst(values), i, value) {
        if (!json_is_number(value)
            || (json_is_integer(value) && fabs(json_number_value(value)) > WHOLE_MAX)) {
            return false;
        }
        *are_whole = *are_whole && json_is_integer(value);
    }
    return json_array_size(values) <= ORDERED_MAX;
}

static bool are_truths(const json_t *values)
{
    return json_array_size(values) == 2 && json_is_boolean(json_array_get(values, 0))
           && json_is_boolean(json_array_get(values, 1));
}

static json_t *list_parameter(const char *name, const struct list *list)
{
    bool are_whole;

    if (json_array_size(list->values) == 1) {
        return space_constant(name, json_array_get(list->values, 0));
    }
    if (are_truths(list->values) && list->is_even) {
        return json_pack("{s:s, s:s}", "name", name, "type", "bool");
    }
    bool are_ordered = are_numbers(list->values, &are_whole);
    json_t *made = json_pack("{s:s, s:s, s:O}", "name", name, "type",
                             !are_ordered ? "categorical" : (are_whole ? "int" : "float"),
                             are_ordered ? "values" : "choices", list->values);
    if (!list->is_even) {
        json_t *weights = json_array();
        for (size_t i = 0; i < json_array_size(list->values); i++) {
            (void)json_array_append_new(weights, space_number(list->weights[i]));
        }
        (void)json_object_set_new(made, "weights", weights);
    }
    return made;
}

json_t *space_choices(struct import *import, const char *name, struct node items,
                      struct node weights, struct err *err)
{
    json_auto_t *values = json_array();
    json_auto_t *places = json_object();
    OWN(memory) double *sums = calloc(node_size(items) + 1, sizeof *sums);
    struct list list = {.values = values, .places = places, .weights = sums};

    if (sums == NULL) {
        (void)err_set(err, ERR_NOMEM, "out of memory");
        return NULL;
    }
    return gather(import, name, items, weights, &list, err) == 0 ? list_parameter(name, &list)
                                                                 : NULL;
}

json_t *space_ordinal(const char *name, const json_t *items)
{
    return json_array_size(items) == 1
               ? space_constant(name, json_array_get(items, 0))
               : json_pack("{s:s, s:s, s:O}", "name", name, "type", "ordinal", "choices", items);
}

/* ---- the study ------------------------------------------------------------------------------ */

static json_t *part(struct import *import, const char *key, json_t *fresh)
{
    json_t *known = json_object_get(import->study, key);

    if (known != NULL) {
        json_decref(fresh);
        return known;
    }
    (void)json_object_set_new(import->study, key, fresh);
    return json_object_get(import->study, key);
}

void space_add(struct import *import, json_t *parameter, struct node at)
{
    if (parameter == NULL && !import->is_beyond) { /* a number that is none */
        import->is_beyond = true;
        import->beyond_line = node_line(at);
    }
    json_t *parameters = part(import, "parameters", json_array());
    const char *name = json_string_value(json_object_get(parameter, "name"));
    if (name != NULL && json_object_get(import->places, name) == NULL) {
        (void)json_object_set_new(import->places, name,
                                  json_integer((json_int_t)json_array_size(parameters)));
    }
    (void)json_array_append_new(parameters, parameter);
    (void)json_array_append_new(import->lines, json_integer((json_int_t)node_line(at)));
}

json_t *space_parameter(const struct import *import, const char *name, size_t *at)
{
    const json_t *place = name == NULL ? NULL : json_object_get(import->places, name);

    if (place == NULL) {
        return NULL;
    }
    *at = (size_t)json_integer_value(place);
    return json_array_get(json_object_get(import->study, "parameters"), *at);
}

void space_add_objective(struct import *import, const char *metric, bool maximizes,
                         const char *fold)
{
    json_t *objective =
        json_pack("{s:s, s:s}", "metric", metric, "direction", maximizes ? "maximize" : "minimize");

    if (fold != NULL) {
        (void)json_object_set_new(objective, "fold", json_string(fold));
    }
    (void)json_array_append_new(part(import, "objectives", json_array()), objective);
}

void study_set(struct import *import, const char *key, json_t *value)
{
    import->is_beyond = import->is_beyond || value == NULL;
    (void)json_object_set_new(import->study, key, value);
}

void study_put(struct import *import, const char *object, const char *key, json_t *value)
{
    import->is_beyond = import->is_beyond || value == NULL;
    (void)json_object_set_new(part(import, object, json_object()), key, value);
}
