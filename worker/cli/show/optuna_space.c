#include "worker/cli/show/optuna_space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/json_at.h"
#include "common/own.h"
#include "worker/cli/status.h"

#define FAR 8 /* deviations: where a bell without ends is cut off */

static bool is_type(const json_t *parameter, const char *type)
{
    return strcmp(text_at(parameter, "type"), type) == 0;
}

/* ---- choices -------------------------------------------------------------------------------- */

/* All that a trial may have had, those that were removed too. A new reference; NULL: it is a range.
 */
static json_t *choices_of(const json_t *parameter)
{
    static const char *const lists[] = {"choices", "values"};
    size_t i;
    json_t *removed;

    if (is_type(parameter, "bool")) {
        return json_pack("[b, b]", 0, 1);
    }
    if (is_type(parameter, "constant")) {
        return json_pack("[O]", json_object_get(parameter, "value"));
    }
    for (size_t k = 0; k < 2; k++) {
        const json_t *list = json_object_get(parameter, lists[k]);
        if (list != NULL) {
            json_t *all = json_copy(json_unconst(list));
            json_array_foreach (json_object_get(parameter, "removed"), i, removed) {
                (void)json_array_append(all, json_object_get(removed, "value"));
            }
            return all;
        }
    }
    return NULL;
}

/* Optuna takes texts, numbers, truths and none; a list or an object goes as its JSON. */
static void append_choice(struct json_writer *writer, const json_t *choice)
{
    if (!json_is_array(choice) && !json_is_object(choice)) {
        json_write_value(writer, choice);
        return;
    }
    OWN(buf) struct buf text = {0};
    struct json_writer inner;
    buf_init(&text, 1 << 20);
    json_writer_init(&inner, &text);
    json_write_value(&inner, choice);
    json_write_string(writer, buf_text(&text));
}

static void append_choices(struct buf *out, const json_t *choices)
{
    struct json_writer writer;
    size_t i;
    json_t *choice;

    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_put_string(&writer, "name", "CategoricalDistribution");
    json_write_key(&writer, "attributes");
    json_object_begin(&writer);
    json_write_key(&writer, "choices");
    json_array_begin(&writer);
    json_array_foreach (json_unconst(choices), i, choice) {
        append_choice(&writer, choice);
    }
    json_array_end(&writer);
    json_object_end(&writer);
    json_object_end(&writer);
}

static bool is_same(const json_t *a, const json_t *b)
{
    return json_equal(json_unconst(a), json_unconst(b))
           || (json_is_number(a) && json_is_number(b)
               && json_number_value(a) == json_number_value(b));
}

/* ---- ranges --------------------------------------------------------------------------------- */

struct bounds {
    double low, high, step; /* step 0: none */
    bool is_log;
};

static double tidy(double x)
{
    char text[40];

    (void)snprintf(text, sizeof text, "%.15g", x);
    return strtod(text, NULL);
}

static bool has_ends(const json_t *parameter)
{
    return json_is_number(json_object_get(parameter, "low"))
           && json_is_number(json_object_get(parameter, "high"));
}

/* A bell's ends are far out where it has none, and it has no steps then. */
static void bound_bell(const json_t *parameter, struct bounds *bounds)
{
    double mean = number_at(parameter, "mean");
    double sd = number_at(parameter, "sd");
    bool of_log = strcmp(text_at(parameter, "distribution"), "lognormal") == 0;

    bounds->is_log = of_log;
    if (!json_is_number(json_object_get(parameter, "low"))) {
        bounds->low = of_log ? exp(mean - FAR * sd) : mean - FAR * sd;
    }
    if (!json_is_number(json_object_get(parameter, "high"))) {
        bounds->high = of_log ? exp(mean + FAR * sd) : mean + FAR * sd;
    }
    if (!has_ends(parameter)) {
        bounds->step = 0;
    }
    bounds->is_log = bounds->is_log && bounds->low > 0;
}

static struct bounds bounds_of(const json_t *parameter, const json_t *value)
{
    const json_t *step = json_object_get(parameter, "step");
    struct bounds bounds = {
        .low = json_number_value(json_object_get(parameter, "low")),
        .high = json_number_value(json_object_get(parameter, "high")),
        .step = json_number_value(step),
        .is_log = strcmp(text_at(parameter, "scale"), "log") == 0,
    };
    double x = json_number_value(value);
    bool is_int = is_type(parameter, "int");

    if (*text_at(parameter, "distribution") != '\0'
        && strcmp(text_at(parameter, "distribution"), "uniform") != 0) {
        bound_bell(parameter, &bounds);
    }
    if (bounds.step > 0) { /* the last step that is reached */
        bounds.high =
            tidy(bounds.low + floor((bounds.high - bounds.low) / bounds.step + 1e-9) * bounds.step);
    }
    if (bounds.is_log) { /* Optuna has no steps there */
        bounds.step = 0;
    }
    if (json_is_number(value) && (x < bounds.low || x > bounds.high)) {
        bounds.low = fmin(bounds.low, x);
        bounds.high = fmax(bounds.high, x);
        bounds.step = 0;
    }
    if (is_int) {
        bounds.low = floor(bounds.low);
        bounds.high = ceil(bounds.high);
        bounds.is_log = bounds.is_log && bounds.low >= 1;
    }
    bounds.is_log = bounds.is_log && bounds.low > 0;
    return bounds;
}

static void append_range(struct buf *out, const json_t *parameter, const json_t *value)
{
    struct bounds bounds = bounds_of(parameter, value);
    struct json_writer writer;
    bool is_int = is_type(parameter, "int");

    json_writer_init(&writer, out);
    json_object_begin(&writer);
    json_put_string(&writer, "name", is_int ? "IntDistribution" : "FloatDistribution");
    json_write_key(&writer, "attributes");
    json_object_begin(&writer);
    if (is_int || bounds.step > 0) {
        json_put_number(&writer, "step", bounds.step > 0 ? bounds.step : 1);
    } else {
        json_put_null(&writer, "step");
    }
    json_put_number(&writer, "low", bounds.low);
    json_put_number(&writer, "high", bounds.high);
    json_put_bool(&writer, "log", bounds.is_log);
    json_object_end(&writer);
    json_object_end(&writer);
}

/* ---- for others ----------------------------------------------------------------------------- */

void optuna_space_append(struct buf *out, const json_t *parameter, const json_t *value)
{
    json_auto_t *choices = choices_of(parameter);

    if (choices != NULL) {
        append_choices(out, choices);
    } else {
        append_range(out, parameter, value);
    }
}

void optuna_space_append_value(struct buf *out, const json_t *parameter, const json_t *value)
{
    json_auto_t *choices = choices_of(parameter);
    struct json_writer writer;
    size_t i = 0;

    json_writer_init(&writer, out);
    if (choices == NULL) {
        json_write_value(&writer, value);
        return;
    }
    while (i + 1 < json_array_size(choices) && !is_same(json_array_get(choices, i), value)) {
        i++;
    }
    json_write_int(&writer, (int64_t)i);
}

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
            is_allowed = is_allowed || (value != NULL && is_same(one, value));
        }
        if (!is_allowed) {
            return false;
        }
    }
    return true;
}

const json_t *optuna_space_find(const json_t *parameters, const char *name, const json_t *values)
{
    const json_t *found = NULL;
    size_t i;
    json_t *parameter;

    json_array_foreach (json_unconst(parameters), i, parameter) {
        if (strcmp(text_at(parameter, "name"), name) == 0
            && (found == NULL || is_active(parameter, values))) {
            found = parameter;
        }
    }
    return found;
}

static bool has_parts(const json_t *parameter)
{
    size_t i;
    json_t *choice;

    json_array_foreach (json_object_get(parameter, "choices"), i, choice) {
        if (json_is_array(choice) || json_is_object(choice)) {
            return true;
        }
    }
    const json_t *value = json_object_get(parameter, "value");
    return json_is_array(value) || json_is_object(value);
}

static void tell_one(const json_t *parameter)
{
    const char *name = text_at(parameter, "name");
    const char *distribution = text_at(parameter, "distribution");
    const char *scale = text_at(parameter, "scale");

    if (has_parts(parameter)) {
        say("'%.60s': lists and objects are their JSON texts in Optuna", name);
    }
    if (strcmp(scale, "reverse_log") == 0) {
        say("'%.60s': Optuna has no scale that tells high values apart; it is linear there", name);
    }
    if (strcmp(scale, "log") == 0 && json_is_number(json_object_get(parameter, "step"))) {
        say("'%.60s': Optuna has no steps on a log scale; it has none there", name);
    }
    if (*distribution != '\0' && strcmp(distribution, "uniform") != 0) {
        say("'%.60s': Optuna knows no %s distribution; there it is even%s", name, distribution,
            has_ends(parameter) ? "" : ", and cut off eight deviations from the mean");
    }
    if (json_object_get(parameter, "weights") != NULL) {
        say("'%.60s': Optuna has no weights; they are left out", name);
    }
}

void optuna_space_tell(const json_t *parameters)
{
    size_t i;
    json_t *parameter;

    json_array_foreach (json_unconst(parameters), i, parameter) {
        tell_one(parameter);
    }
}
