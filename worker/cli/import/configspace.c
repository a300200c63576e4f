#include "worker/cli/import/configspace.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/import/space.h"

bool configspace_is(struct node root)
{
    return json_is_array(node_member(root, "hyperparameters").value)
           || json_is_object(node_member(root, "hyperparameters").value);
}

struct configspace_parameter {
    struct import *import;
    const char *name;
    const char *type;
    struct node at;
    struct keys keys;
};

/* Until 0.4 it was called `default`. */
static void add_default(struct configspace_parameter *parameter, json_t *made)
{
    struct node value = keys_get(&parameter->keys, "default_value");
    struct node old = keys_get(&parameter->keys, "default");

    value = node_is_given(value) ? value : old;
    const char *type = json_string_value(json_object_get(made, "type"));
    if (node_is_given(value) && type != NULL && strcmp(type, "constant") != 0) {
        (void)json_object_set(made, "default", json_unconst(value.value));
    }
}

/* ---- numbers -------------------------------------------------------------------------------- */

static bool is_of(const struct configspace_parameter *parameter, const char *kind)
{
    return strncmp(parameter->type, kind, strlen(kind)) == 0;
}

static int read_ends(struct configspace_parameter *parameter, struct range *range, struct err *err)
{
    struct node low = keys_get(&parameter->keys, "lower");
    struct node high = keys_get(&parameter->keys, "upper");
    bool must = !is_of(parameter, "normal_");

    range->has_low = node_number(low, &range->low);
    range->has_high = node_number(high, &range->high);
    if ((must && !(range->has_low && range->has_high))
        || (range->has_low && range->has_high && range->low > range->high)) {
        return refuse_node(&parameter->import->remarks, parameter->at, err,
                           "'%.60s' needs numbers lower <= upper", parameter->name);
    }
    return 0;
}

static int read_bell(struct configspace_parameter *parameter, struct range *range, struct err *err)
{
    if (!node_number(keys_get(&parameter->keys, "mu"), &range->mean)
        || !node_number(keys_get(&parameter->keys, "sigma"), &range->sd) || range->sd < 0) {
        return refuse_node(&parameter->import->remarks, parameter->at, err,
                           "'%.60s' needs numbers mu and sigma, which is not below 0",
                           parameter->name);
    }
    range->distribution = range->scale != NULL ? "lognormal" : "normal";
    range->scale = NULL;
    return 0;
}

static void read_beta(struct configspace_parameter *parameter)
{
    double a = 1;
    double b = 1;

    (void)node_number(keys_get(&parameter->keys, "alpha"), &a);
    (void)node_number(keys_get(&parameter->keys, "beta"), &b);
    if (a != 1 || b != 1) {
        remark(&parameter->import->remarks, parameter->at,
               "beta has no counterpart: '%.60s' is drawn evenly between its ends, not by "
               "beta(%.6g, %.6g)",
               parameter->name, a, b);
    }
}

static int read_number(struct configspace_parameter *parameter, struct err *err)
{
    struct range range = {.is_int = strstr(parameter->type, "_int") != NULL};
    struct node q = keys_get(&parameter->keys, "q");

    TRY(read_ends(parameter, &range, err));
    range.scale = json_is_true(keys_get(&parameter->keys, "log").value) ? "log" : NULL;
    if (range.scale != NULL && range.has_low && !(range.low > 0)) {
        return refuse_node(&parameter->import->remarks, parameter->at, err,
                           "'%.60s' lies on a log scale, so lower must be above 0",
                           parameter->name);
    }
    if (is_of(parameter, "normal_")) {
        TRY(read_bell(parameter, &range, err));
    } else if (is_of(parameter, "beta_")) {
        read_beta(parameter);
    }
    if (node_is_given(q) && !(node_number(q, &range.step) && range.step > 0)) {
        return refuse_node(&parameter->import->remarks, q, err, "q of '%.60s' must be above 0",
                           parameter->name);
    }
    json_t *made = space_range(parameter->name, &range);
    add_default(parameter, made);
    space_add(parameter->import, made, parameter->at);
    return 0;
}

/* ---- lists ---------------------------------------------------------------------------------- */

static int read_choices(struct configspace_parameter *parameter, struct err *err)
{
    struct node choices = keys_get(&parameter->keys, "choices");
    struct node weights = keys_get(&parameter->keys, "weights");
    struct node old = keys_get(&parameter->keys, "probabilities");
    json_t *made = space_choices(parameter->import, parameter->name, choices,
                                 node_is_given(weights) ? weights : old, err);

    if (made == NULL) {
        return -1;
    }
    add_default(parameter, made);
    space_add(parameter->import, made, parameter->at);
    return 0;
}

static int read_ordinal(struct configspace_parameter *parameter, struct err *err)
{
    struct node sequence = keys_get(&parameter->keys, "sequence");

    if (node_size(sequence) == 0) {
        return refuse_node(&parameter->import->remarks, parameter->at, err,
                           "the sequence of '%.60s' is empty", parameter->name);
    }
    json_t *made = space_ordinal(parameter->name, sequence.value);
    add_default(parameter, made);
    space_add(parameter->import, made, parameter->at);
    return 0;
}

static void read_constant(struct configspace_parameter *parameter)
{
    struct node value = keys_get(&parameter->keys, "value");

    keys_skip(&parameter->keys, "default");
    keys_skip(&parameter->keys, "default_value");
    json_auto_t *none = json_null();
    space_add(parameter->import,
              space_constant(parameter->name, value.value == NULL ? none : value.value),
              parameter->at);
}

/* ---- the space ------------------------------------------------------------------------------ */

static int read_by_type(struct configspace_parameter *parameter, struct err *err)
{
    static const char *const numbers[] = {"uniform_float", "uniform_int", "normal_float",
                                          "normal_int",    "beta_float",  "beta_int"};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(parameter->type, numbers[i]) == 0) {
            return read_number(parameter, err);
        }
    }
    if (strcmp(parameter->type, "categorical") == 0) {
        return read_choices(parameter, err);
    }
    if (strcmp(parameter->type, "ordinal") == 0) {
        return read_ordinal(parameter, err);
    }
    if (strcmp(parameter->type, "constant") == 0
        || strcmp(parameter->type, "unparametrized") == 0) {
        read_constant(parameter);
        return 0;
    }
    return refuse_node(&parameter->import->remarks, parameter->at, err,
                       "'%.60s' has the type %.60s, which is not known", parameter->name,
                       parameter->type);
}

/* `name`: its key where the parameters are an object, else NULL. */
static int read_parameter(struct import *import, struct node at, const char *name, struct err *err)
{
    struct configspace_parameter parameter = {.import = import, .at = at};

    keys_begin(&parameter.keys, at);
    const char *own = node_text(keys_get(&parameter.keys, "name"));
    parameter.name = own != NULL ? own : name;
    parameter.type = node_text(keys_get(&parameter.keys, "type"));
    struct node meta = keys_get(&parameter.keys, "meta");
    if (parameter.name == NULL || parameter.type == NULL) {
        return refuse_node(&import->remarks, at, err, "a hyperparameter needs a name and a type");
    }
    if (node_is_given(meta)) {
        remark(&import->remarks, meta, "meta of '%.60s' has no counterpart; it is left out",
               parameter.name);
    }
    TRY(read_by_type(&parameter, err));
    keys_end(&parameter.keys, &import->remarks, "a hyperparameter");
    return 0;
}

static int read_parameters(struct import *import, struct node list, struct err *err)
{
    const char *key;
    json_t *value;

    for (size_t i = 0; i < node_size(list); i++) {
        TRY(read_parameter(import, node_item(list, i), NULL, err));
    }
    json_object_foreach (json_unconst(list.value), key, value) {
        TRY(read_parameter(import, node_member(list, key), key, err));
    }
    return json_array_size(json_object_get(import->study, "parameters")) > 0
               ? 0
               : refuse_node(&import->remarks, list, err, "the space has no hyperparameters");
}

int configspace_read(struct import *import, struct node root, struct err *err)
{
    struct keys keys;
    OWN(buf) struct buf name = {0};

    import->program = "ConfigSpace";
    keys_begin(&keys, root);
    const char *own = node_text(keys_get(&keys, "name"));
    TRY(read_parameters(import, keys_get(&keys, "hyperparameters"), err));
    TRY(configspace_read_conditions(import, keys_get(&keys, "conditions"), err));
    TRY(configspace_read_forbiddens(import, keys_get(&keys, "forbiddens"), err));
    keys_skip(&keys, "python_module_version");
    keys_skip(&keys, "json_format_version");
    keys_skip(&keys, "format_version");
    struct node meta = keys_get(&keys, "meta");
    if (node_is_given(meta)) {
        remark(&import->remarks, meta, "meta has no counterpart; it is left out");
    }
    buf_init(&name, 256);
    import_append_name(&name, own == NULL ? "" : own);
    if (name.len > 0) {
        study_set(import, "name", json_string(buf_text(&name)));
    }
    space_add_objective(import, "cost", false, NULL);
    remark_at(&import->remarks, 0,
              "a space names no objective: 'cost' is minimized, as SMAC does; --minimize METRIC or "
              "--maximize METRIC says another");
    keys_end(&keys, &import->remarks, "a space");
    return 0;
}
