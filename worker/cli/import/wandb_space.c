/* The parameters of a W&B sweep. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/import/space.h"
#include "worker/cli/import/wandb.h"

enum family { CONSTANT, LIST, WHOLE, UNIFORM, LOG, LOG_VALUES, INVERSE, NORMAL, LOG_NORMAL, BETA };

/* An inverse one draws the logarithm of 1/x evenly: x itself lies evenly on a log scale. */
static const struct distribution {
    const char *name;
    enum family family;
    bool is_rounded; /* to multiples of q */
} distributions[] = {
    {"constant", CONSTANT, false},
    {"categorical", LIST, false},
    {"categorical_w_probabilities", LIST, false},
    {"int_uniform", WHOLE, false},
    {"uniform", UNIFORM, false},
    {"q_uniform", UNIFORM, true},
    {"log_uniform", LOG, false},
    {"q_log_uniform", LOG, true},
    {"log_uniform_values", LOG_VALUES, false},
    {"q_log_uniform_values", LOG_VALUES, true},
    {"inv_log_uniform", INVERSE, false},
    {"inv_log_uniform_values", LOG_VALUES, false},
    {"normal", NORMAL, false},
    {"q_normal", NORMAL, true},
    {"log_normal", LOG_NORMAL, false},
    {"q_log_normal", LOG_NORMAL, true},
    {"beta", BETA, false},
    {"q_beta", BETA, true},
};
static const size_t n_distributions = sizeof distributions / sizeof distributions[0];

struct wandb_parameter {
    struct import *import;
    const char *name;
    struct node at;
    struct keys keys;
};

/* Where the file names none: what W&B takes by the keys that are there. */
static const char *name_by_keys(const struct wandb_parameter *parameter)
{
    struct node at = parameter->at;

    if (json_object_get(at.value, "value") != NULL) {
        return "constant";
    }
    if (node_member(at, "values").value != NULL) {
        return "categorical";
    }
    if (node_member(at, "min").value == NULL || node_member(at, "max").value == NULL) {
        return NULL;
    }
    return json_is_integer(node_member(at, "min").value)
                   && json_is_integer(node_member(at, "max").value)
               ? "int_uniform"
               : "uniform";
}

static int find_distribution(struct wandb_parameter *parameter, const struct distribution **found,
                             struct err *err)
{
    struct node said = keys_get(&parameter->keys, "distribution");
    const char *name = node_is_given(said) ? node_text(said) : name_by_keys(parameter);

    for (size_t i = 0; name != NULL && i < n_distributions; i++) {
        if (strcmp(distributions[i].name, name) == 0) {
            *found = &distributions[i];
            return 0;
        }
    }
    if (node_is_given(said)) {
        return refuse_node(&parameter->import->remarks, said, err,
                           "W&B has no distribution %s; '%.60s' cannot be read", node_show(said),
                           parameter->name);
    }
    return refuse_node(&parameter->import->remarks, parameter->at, err,
                       "'%.60s' has neither value, values, nor min and max", parameter->name);
}

/* A number that the distribution needs; `fallback` NaN: it must be there. */
static int read_number(struct wandb_parameter *parameter, const char *key, double fallback,
                       double *x, struct err *err)
{
    struct node node = keys_get(&parameter->keys, key);

    *x = fallback;
    if ((!node_is_given(node) && !isnan(fallback)) || node_number(node, x)) {
        return 0;
    }
    return refuse_node(&parameter->import->remarks, node_is_given(node) ? node : parameter->at, err,
                       "'%.60s' needs a number for %s, not %s", parameter->name, key,
                       node_show(node));
}

static int read_ends(struct wandb_parameter *parameter, enum family family, struct range *range,
                     struct err *err)
{
    double low, high;

    TRY(read_number(parameter, "min", (double)NAN, &low, err));
    TRY(read_number(parameter, "max", (double)NAN, &high, err));
    if (low > high) {
        return refuse_node(&parameter->import->remarks, parameter->at, err,
                           "min of '%.60s' is above its max", parameter->name);
    }
    range->has_low = range->has_high = true;
    range->low = family == LOG ? exp(low) : (family == INVERSE ? exp(-high) : low);
    range->high = family == LOG ? exp(high) : (family == INVERSE ? exp(-low) : high);
    range->is_int = family == WHOLE;
    range->scale = family == WHOLE || family == UNIFORM ? NULL : "log";
    if (family == WHOLE && (floor(low) != low || floor(high) != high)) {
        return refuse_node(&parameter->import->remarks, parameter->at, err,
                           "the ends of '%.60s' must be whole numbers", parameter->name);
    }
    if (range->scale != NULL && (!(range->low > 0) || !isfinite(range->high))) {
        return refuse_node(
            &parameter->import->remarks, parameter->at, err,
            "'%.60s' lies on a log scale, and its ends come to %g and %g%s", parameter->name,
            range->low, range->high,
            family == LOG_VALUES
                ? ""
                : "; min and max are exponents of e, log_uniform_values takes values");
    }
    return 0;
}

static int read_bell(struct wandb_parameter *parameter, enum family family, struct range *range,
                     struct err *err)
{
    TRY(read_number(parameter, "mu", 0, &range->mean, err));
    TRY(read_number(parameter, "sigma", 1, &range->sd, err));
    range->distribution = family == NORMAL ? "normal" : "lognormal";
    return range->sd >= 0 ? 0
                          : refuse_node(&parameter->import->remarks, parameter->at, err,
                                        "sigma of '%.60s' is below 0", parameter->name);
}

static int read_beta(struct wandb_parameter *parameter, struct range *range, struct err *err)
{
    double a, b;

    TRY(read_number(parameter, "a", 1, &a, err));
    TRY(read_number(parameter, "b", 1, &b, err));
    *range = (struct range){.has_low = true, .has_high = true, .low = 0, .high = 1};
    if (a != 1 || b != 1) {
        remark(&parameter->import->remarks, parameter->at,
               "beta has no counterpart: '%.60s' is drawn evenly between 0 and 1, not by "
               "beta(%.6g, %.6g)",
               parameter->name, a, b);
    }
    return 0;
}

static int round_to_q(struct wandb_parameter *parameter, struct range *range, struct err *err)
{
    struct node said = keys_get(&parameter->keys, "q");
    double q = 1;

    if ((node_is_given(said) && !node_number(said, &q)) || !(q > 0)) {
        return refuse_node(&parameter->import->remarks, said, err,
                           "q of '%.60s' must be a number above 0", parameter->name);
    }
    if (range->scale != NULL && rint(range->low / q) < 1) {
        remark(&parameter->import->remarks, parameter->at,
               "'%.60s' begins at %.6g: 0, to which W&B also rounds, has no logarithm",
               parameter->name, q);
    }
    range->is_int = !node_is_given(said) || json_is_integer(said.value);
    range_round_to(range, q);
    return 0;
}

static int read_range(struct wandb_parameter *parameter, const struct distribution *distribution,
                      struct err *err)
{
    struct range range = {0};
    enum family family = distribution->family;

    if (family == BETA) {
        TRY(read_beta(parameter, &range, err));
    } else if (family == NORMAL || family == LOG_NORMAL) {
        TRY(read_bell(parameter, family, &range, err));
    } else {
        TRY(read_ends(parameter, family, &range, err));
    }
    if (distribution->is_rounded) {
        TRY(round_to_q(parameter, &range, err));
    }
    space_add(parameter->import, space_range(parameter->name, &range), parameter->at);
    return 0;
}

/* PyYAML reads these words as true and false where they have no quotes. */
static void warn_of_words(const struct wandb_parameter *parameter, struct node values)
{
    static const char *const words[] = {"yes", "no", "on", "off"};

    for (size_t i = 0; i < node_size(values); i++) {
        for (size_t k = 0; k < sizeof words / sizeof words[0]; k++) {
            struct node item = node_item(values, i);
            if (node_says(item, words[k])) {
                remark(&parameter->import->remarks, item,
                       "%s stays a word; without quotes W&B reads it as true or false",
                       node_show(item));
            }
        }
    }
}

static int read_list(struct wandb_parameter *parameter, struct err *err)
{
    struct node values = keys_get(&parameter->keys, "values");
    struct node weights = keys_get(&parameter->keys, "probabilities");

    if (!json_is_array(values.value)) {
        return refuse_node(&parameter->import->remarks, parameter->at, err,
                           "the values of '%.60s' must be a list", parameter->name);
    }
    warn_of_words(parameter, values);
    json_t *made = space_choices(parameter->import, parameter->name, values, weights, err);
    if (made == NULL) {
        return -1;
    }
    space_add(parameter->import, made, parameter->at);
    return 0;
}

static int read_constant(struct wandb_parameter *parameter)
{
    const json_t *value = json_object_get(parameter->at.value, "value");

    keys_skip(&parameter->keys, "value");
    space_add(parameter->import, space_constant(parameter->name, value), parameter->at);
    return 0;
}

static int read_parameter(struct import *import, const char *name, struct node at, struct err *err)
{
    struct wandb_parameter parameter = {.import = import, .name = name, .at = at};
    const struct distribution *distribution;

    keys_begin(&parameter.keys, at);
    TRY(find_distribution(&parameter, &distribution, err));
    switch (distribution->family) {
    case CONSTANT:
        TRY(read_constant(&parameter));
        break;
    case LIST:
        TRY(read_list(&parameter, err));
        break;
    case WHOLE:
    case UNIFORM:
    case LOG:
    case LOG_VALUES:
    case INVERSE:
    case NORMAL:
    case LOG_NORMAL:
    case BETA:
    default:
        TRY(read_range(&parameter, distribution, err));
        break;
    }
    keys_end(&parameter.keys, &import->remarks, "its distribution");
    return 0;
}

/* `prefix`: of the objects around it, with a dot at the end. The depth is what the file may have.
 */
static int read_level(struct import *import, const char *prefix, struct node level, struct err *err)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(level.value), key, value) {
        OWN(buf) struct buf name = {0};
        struct node at = node_member(level, key);
        struct node inner = node_member(at, "parameters");
        if (strcmp(key, "<<") == 0) {
            return refuse_node(&import->remarks, at, err,
                               "'<<' is not read here; write out the keys that it merges");
        }
        buf_init(&name, 4096);
        buf_printf(&name, "%s%s", prefix, key);
        if (buf_check(&name, err) != 0 || (inner.value != NULL && !json_is_object(inner.value))
            || !json_is_object(at.value)) {
            return refuse_node(&import->remarks, at, err,
                               "'%.60s' must be an object: value: …, values: […], or min: … and "
                               "max: …",
                               key);
        }
        if (inner.value == NULL) {
            TRY(read_parameter(import, buf_text(&name), at, err));
            continue;
        }
        if (*prefix == '\0') {
            remark(
                &import->remarks, at,
                "nested parameters are called by their path, such as '%.60s.…'; the program gets "
                "them under these names, not as one object",
                buf_text(&name));
        }
        buf_putc(&name, '.');
        TRY(read_level(import, buf_text(&name), inner, err));
        struct keys keys;
        keys_begin(&keys, at);
        keys_skip(&keys, "parameters");
        keys_end(&keys, &import->remarks, "an object of parameters");
    }
    return 0;
}

int wandb_read_parameters(struct import *import, struct node parameters, struct err *err)
{
    if (json_object_size(parameters.value) == 0) {
        return refuse_node(&import->remarks, parameters, err, "the sweep has no parameters");
    }
    return read_level(import, "", parameters, err);
}
