/* The normalised form: equal spaces give equal text, and reading it back gives the same space. */
#include "common/space/space.h"

#include <math.h>

static const char *const type_names[PARAM_TYPE_COUNT] = {
    [PARAM_FLOAT] = "float",     [PARAM_INT] = "int",   [PARAM_CATEGORICAL] = "categorical",
    [PARAM_ORDINAL] = "ordinal", [PARAM_BOOL] = "bool", [PARAM_CONSTANT] = "constant",
};

static void write_choices(const struct param *param, const char *key, struct json_writer *w)
{
    json_write_key(w, key);
    json_array_begin(w);
    for (size_t i = 0; i < param->n_choices; i++) {
        if (!param_is_removed(param, (double)i)) {
            json_write_value(w, param->choices[i]);
        }
    }
    json_array_end(w);
}

static void write_removed(const struct param *param, struct json_writer *w)
{
    json_write_key(w, "removed");
    json_array_begin(w);
    for (size_t i = 0; i < param->n_choices; i++) {
        if (param_is_removed(param, (double)i)) {
            json_object_begin(w);
            json_put_int(w, "index", (int64_t)i);
            json_put_value(w, "value", param->choices[i]);
            json_object_end(w);
        }
    }
    json_array_end(w);
}

static void write_weights(const struct param *param, struct json_writer *w)
{
    json_write_key(w, "weights");
    json_array_begin(w);
    for (size_t i = 0; i < param->n_choices; i++) {
        if (!param_is_removed(param, (double)i)) {
            json_write_number(w, param->weights[i]);
        }
    }
    json_array_end(w);
}

static void write_range(const struct param *param, struct json_writer *w)
{
    bool lognormal = param->distribution == DISTRIBUTION_LOGNORMAL;

    if (isfinite(param->low) && !(lognormal && param->low == 0 && param->step == 0)) {
        json_write_key(w, "low");
        param_write_value(param, param->low, w);
    }
    if (isfinite(param->high)) {
        json_write_key(w, "high");
        param_write_value(param, param->high, w);
    }
    if (param->step > 0 && !(param->type == PARAM_INT && param->step == 1)) {
        json_write_key(w, "step");
        param_write_value(param, param->step, w);
    }
    if (param->distribution != DISTRIBUTION_UNIFORM) {
        json_put_string(w, "distribution", lognormal ? "lognormal" : "normal");
        json_put_number(w, "mean", param->mean);
        json_put_number(w, "sd", param->sd);
    }
    if (param->grid > 0) {
        json_put_int(w, "grid", (int64_t)param->grid);
    }
}

static void write_when(const struct space *space, const struct param *param, struct json_writer *w)
{
    json_write_key(w, "when");
    json_object_begin(w);
    for (size_t c = 0; c < param->n_conditions; c++) {
        const struct condition *condition = &param->conditions[c];
        const struct param *parent = &space->params[condition->parent];
        json_write_key(w, parent->name);
        json_array_begin(w);
        for (size_t i = 0; i < condition->n_allowed; i++) {
            param_write_value(parent, condition->allowed[i], w);
        }
        json_array_end(w);
    }
    json_object_end(w);
}

static void write_param(const struct space *space, const struct param *param, struct json_writer *w)
{
    json_object_begin(w);
    json_put_string(w, "name", param->name);
    json_put_string(w, "type", type_names[param->type]);
    if (param->type == PARAM_CONSTANT) {
        json_put_value(w, "value", param->choices[0]);
    } else if (param->listed) {
        write_choices(param, "values", w);
    } else if (param->n_choices == 0) {
        write_range(param, w);
    } else if (param->type != PARAM_BOOL) {
        write_choices(param, "choices", w);
    }
    if (param->live != NULL) {
        write_removed(param, w);
    }
    if (param->weights != NULL) {
        write_weights(param, w);
    }
    if (param->scale != SCALE_LINEAR) {
        json_put_string(w, "scale", param->scale == SCALE_LOG ? "log" : "reverse_log");
    }
    if (param->has_default) {
        json_write_key(w, "default");
        param_write_value(param, param->default_value, w);
    }
    if (param->n_conditions > 0) {
        write_when(space, param, w);
    }
    json_object_end(w);
}

void space_write_parameters(const struct space *space, struct json_writer *w)
{
    json_array_begin(w);
    for (size_t i = 0; i < space->n_params; i++) {
        write_param(space, &space->params[i], w);
    }
    json_array_end(w);
}

void space_write_constraints(const struct space *space, struct json_writer *w)
{
    json_array_begin(w);
    for (size_t i = 0; i < space->n_constraints; i++) {
        json_write_string(w, space->constraints[i]);
    }
    json_array_end(w);
}
