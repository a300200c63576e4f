#include "worker/agent/environment.h"

#include <inttypes.h>
#include <string.h>

#include "common/json_value.h"
#include "common/step.h"
#include "worker/agent/attempt_id.h"

#define VALUE_BYTES ((size_t)64 * 1024)

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool has(const struct argv_list *list, const char *start)
{
    for (size_t i = 0; i < list->n; i++) {
        if (starts_with(list->items[i], start)) {
            return true;
        }
    }
    return false;
}

static void inherit(const struct environment *environment, struct argv_list *out)
{
    for (size_t i = 0; environment->inherited[i] != NULL; i++) {
        const char *variable = environment->inherited[i];
        if (inherited_is_passed(&environment->choice, variable)
            && !job_devices_replace(&environment->devices, variable)) {
            argv_list_add(out, variable);
        }
    }
    inherited_append_set(&environment->choice, out);
    if (!has(out, "PYTHONUNBUFFERED=")) { /* else a Python job's reports would arrive at its end,
                                             all at once */
        argv_list_add(out, "PYTHONUNBUFFERED=1");
    }
}

static int add_parameters(const json_t *parameters, struct argv_list *out, struct err *err)
{
    const char *name;
    json_t *value;

    json_object_foreach (json_unconst(parameters), name, value) {
        OWN(buf) struct buf variable;
        char plain[PRINTABLE_NAME_CHARACTERS + 1];
        buf_init(&variable, VALUE_BYTES);
        name_in_environment(name, plain);
        buf_printf(&variable, "HONE_PARAM_%s=", plain);
        json_append_text(&variable, value);
        TRY(buf_check(&variable, err));
        argv_list_add(out, buf_text(&variable));
    }
    return 0;
}

int environment_build(const struct environment *environment, struct argv_list *out, struct err *err)
{
    const struct lease_grant *grant = environment->grant;

    inherit(environment, out);
    argv_list_printf(out, "HONE_STUDY=%s", grant->study);
    argv_list_printf(out, "HONE_TRIAL=%" PRId64, grant->trial);
    argv_list_printf(out, "HONE_ATTEMPT=%" PRId64, grant->attempt);
    argv_list_printf(out, ATTEMPT_ID_VARIABLE "=%s", environment->attempt_id);
    argv_list_printf(out, "HONE_SEED=%" PRIu64, grant->seed);
    if (grant->has_resource) {
        char step[STEP_BYTES];
        argv_list_printf(out, "HONE_RESOURCE_FROM=%s",
                         step_format(environment->from, grant->digits, step));
        argv_list_printf(out, "HONE_RESOURCE_TO=%s",
                         step_format(environment->to, grant->digits, step));
    }
    argv_list_printf(out, "HONE_CHECKPOINT_DIR=%s", environment->folder->checkpoint);
    if (environment->from > 0) {
        argv_list_add(out, "HONE_RESUME=1");
    }
    argv_list_printf(out, "HONE_PARAMS_FILE=%s", environment->folder->params);
    argv_list_printf(out, "HONE_METRICS_FD=%d", environment->metrics_fd);
    argv_list_printf(out, "HONE_CONTROL_FILE=%s", environment->folder->control);
    if (environment->report_socket != NULL) {
        argv_list_printf(out, "HONE_REPORT_SOCKET=%s", environment->report_socket);
    }
    job_devices_append(&environment->devices, out);
    TRY(add_parameters(environment->parameters, out, err));
    return argv_list_check(out, err);
}
