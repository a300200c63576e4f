#include "worker/cli/define/goals.h"

#include <string.h>

#include "common/json.h"
#include "common/json_at.h"
#include "common/metric_bound.h"

static json_t *find_objective(const json_t *body, const char *metric)
{
    size_t i;
    json_t *objective;

    json_array_foreach (json_object_get(body, "objectives"), i, objective) {
        if (strcmp(text_at(objective, "metric"), metric) == 0) {
            return objective;
        }
    }
    return NULL;
}

static int put_goal(const char *text, json_t *body, struct err *err)
{
    struct metric_bound goal;

    if (metric_bound_parse(text, &goal, err) != 0) {
        return err_wrap(err, "--goal '%s'", text);
    }
    if (json_array_size(json_object_get(body, "objectives")) < 2) {
        return err_set(
            err, ERR_INVALID,
            "--goal '%s' is for one of several objectives; --target ends a study with one", text);
    }
    json_t *objective = find_objective(body, goal.metric);
    if (objective == NULL) {
        return err_set(err, ERR_INVALID,
                       "--goal '%s': %s is no objective; name it with --minimize or --maximize",
                       text, goal.metric);
    }
    if (goal.is_lower != (strcmp(text_at(objective, "direction"), "maximize") == 0)) {
        return err_set(err, ERR_INVALID, "--goal '%s': %s is %sd, so that its goal is '%s %s ...'",
                       text, goal.metric, text_at(objective, "direction"), goal.metric,
                       goal.is_lower ? "<=" : ">=");
    }
    if (json_object_get(objective, "goal") != NULL) {
        return err_set(err, ERR_INVALID, "--goal '%s': %s has a goal already", text, goal.metric);
    }
    return json_object_set_new(objective, "goal", json_real(goal.limit)) == 0
               ? 0
               : err_set(err, ERR_NOMEM, "out of memory");
}

int goals_put(const json_t *goals, json_t *body, struct err *err)
{
    size_t i;
    json_t *goal;

    json_array_foreach (json_unconst(goals), i, goal) {
        TRY(put_goal(json_string_value(goal), body, err));
    }
    return 0;
}
