#include "worker/cli/import/optuna_constraints.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "common/metric_bound.h"
#include "worker/cli/import/optuna.h"

static void put_constraint(json_t *constraints, const char *key, json_t *value)
{
    char name[160];

    (void)snprintf(name, sizeof name, "constraint_%.100s", key);
    (void)json_object_set(constraints, name, value);
}

/* Until version 4 a list, since then an attribute each. */
json_t *optuna_constraints(const json_t *trial)
{
    static const char prefix[] = "constraints:";
    const json_t *attributes = json_object_get(trial, "system_attrs");
    const json_t *list = json_object_get(attributes, "constraints");
    json_t *constraints = json_object();
    const char *key;
    json_t *value;

    for (size_t i = 0; i < json_array_size(list); i++) {
        char place[24];
        (void)snprintf(place, sizeof place, "%zu", i);
        put_constraint(constraints, place, json_array_get(list, i));
    }
    json_object_foreach (json_unconst(attributes), key, value) {
        if (strncmp(key, prefix, strlen(prefix)) == 0) {
            put_constraint(constraints, key + strlen(prefix), value);
        }
    }
    return constraints;
}

static bool has_same_names(const json_t *a, const json_t *b)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(a), name, value) {
        if (json_object_get(b, name) == NULL) {
            return false;
        }
    }
    return json_object_size(a) == json_object_size(b);
}

json_t *optuna_common_constraints(const json_t *trials)
{
    json_t *common = NULL;
    size_t i;
    json_t *trial;

    json_array_foreach (json_unconst(trials), i, trial) {
        if (json_integer_value(json_object_get(trial, "state")) != OPTUNA_COMPLETE) {
            continue;
        }
        json_auto_t *own = optuna_constraints(trial);
        if (common == NULL) {
            common = json_incref(own);
        } else if (!has_same_names(common, own)) {
            json_decref(common);
            return NULL;
        }
    }
    if (json_object_size(common) == 0 || json_object_size(common) > BOUNDS_MAX) {
        json_decref(common);
        return NULL;
    }
    return common;
}
