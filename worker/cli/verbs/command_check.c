#include "worker/cli/verbs/command_check.h"

#include "common/json.h"
#include "common/own.h"
#include "worker/agent/expand.h"
#include "worker/agent/runner.h"
#include "worker/cli/session.h"
#include "worker/cli/status.h"

int command_check(char *const command[], const json_t *study, bool may_add, struct err *err)
{
    size_t failures = json_failures();
    json_auto_t *all = json_object();
    json_auto_t *none = json_array();
    struct expand_study names = {.active = all,
                                 .inactive = none,
                                 .has_resource = json_is_object(json_object_get(study, "resource")),
                                 .may_add = may_add};
    struct expand_found found;
    size_t i;
    json_t *parameter;

    json_array_foreach (json_object_get(study, "parameters"), i, parameter) {
        (void)json_object_set_new(all, text_at(parameter, "name"), json_true());
    }
    TRY(json_check(failures, err)); /* else a parameter would be called unknown */
    TRY(expand_check(command, err));
    TRY(expand_check_names(command, &names, &found, err));
    if (!found.names_parameter && !found.names_all && json_object_size(all) > 0) {
        say("note: the command names no parameter ({args} stands for all); the program gets them "
            "from HONE_PARAM_... or HONE_PARAMS_FILE only");
    }
    return 0;
}

int command_check_here(char *const command[], const struct reading *reading, struct err *err)
{
    OWN(memory) char *path = NULL;
    OWN(patterns) struct patterns *patterns = NULL;

    TRY(runner_find(command[0], &path, err));
    return reading->n == 0 ? 0 : patterns_create(reading->specs, reading->n, &patterns, err);
}
