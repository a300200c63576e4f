/* Leases: what a worker does. */
#include "server/api/leases.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_value.h"
#include "common/shell.h"
#include "common/step.h"
#include "server/api/format.h"
#include "server/api/json.h"
#include "server/api/problem.h"
#include "server/api/request.h"
#include "server/api/submit.h"

/* ---- POST /v1/leases ---- */

/* An Idempotency-Key stands for a request_id that was not said: an ask is repeated in one way. */
static void settle_request_id(struct ask_command *command)
{
    struct lease_ask *ask = &command->in.ask;

    if (ask->request_id[0] == '\0' && command->head.has_key) {
        for (size_t i = 0; i < sizeof command->head.key; i++) {
            (void)snprintf(ask->request_id + 2 * i, 3, "%02x", command->head.key[i]);
        }
    }
}

static int read_ask(struct http_request *request, struct ask_command *command)
{
    struct err *err = &command->head.err;
    struct lease_ask *ask = &command->in.ask;
    json_auto_t *body = NULL;
    enum format format;

    TRY(request_study(request, command->in.study, err));
    TRY(request_json(request, &body, err));
    if (command->in.study[0] != '\0' && !name_is_study(command->in.study)) {
        return err_set(err, ERR_NOT_FOUND, "\"%.70s\" can be no study's name", command->in.study);
    }
    TRY(request_format(request, 1u << FORMAT_JSON | 1u << FORMAT_SH, &format, err));
    if (lease_ask_from_json(body, ask, &command->head.faults) != 0) {
        TRY(faults_result(&command->head.faults, err));
    }
    http_set_note(request, (int)format);
    if (ask->worker[0] == '\0') {
        (void)snprintf(ask->worker, sizeof ask->worker, "addr-%s", http_peer_address(request));
    }
    settle_request_id(command);
    return 0;
}

void post_lease(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_ASK);

    if (command != NULL) {
        http_watch_client(request);
        submit_or_refuse(context, command, read_ask(request, as_ask(command)));
    }
}

static void put_number(struct buf *out, const char *name, int64_t value)
{
    buf_printf(out, "export %s='%" PRId64 "'\n", name, value);
}

/* A parameter's value as a job's environment has it. */
static void put_parameter(struct buf *out, const char *key, const json_t *value)
{
    char variable[PRINTABLE_NAME_CHARACTERS + 1];
    char name[PRINTABLE_NAME_CHARACTERS + 16];
    OWN(buf) struct buf text;

    name_in_environment(key, variable);
    (void)snprintf(name, sizeof name, "HONE_PARAM_%s", variable);
    buf_init(&text, RESPONSE_MAX);
    json_append_text(&text, value);
    out->failed = out->failed || text.failed;
    shell_export(out, name, buf_text(&text));
}

static void encode_lease_sh(const struct ask_command *ask, struct http_response *response)
{
    const struct lease_grant *grant = &ask->out.grant;
    struct buf *out = &response->body;
    char step[STEP_BYTES];
    const char *key;
    json_t *value;

    http_response_init(response, ask->out.granted ? 201 : 200, format_content_type(FORMAT_SH));
    if (!ask->out.granted) {
        shell_export(out, "HONE_LEASE", "");
        shell_export(out, "HONE_REASON", no_lease_reason_name(ask->out.no_lease.reason));
        return;
    }
    shell_export(out, "HONE_LEASE", grant->id);
    shell_export(out, "HONE_STUDY", grant->study);
    put_number(out, "HONE_TRIAL", grant->trial);
    put_number(out, "HONE_ATTEMPT", grant->attempt);
    put_number(out, "HONE_SEED", (int64_t)grant->seed);
    if (grant->has_resource) {
        shell_export(out, "HONE_RESOURCE_FROM", step_format(grant->from, grant->digits, step));
        shell_export(out, "HONE_RESOURCE_TO", step_format(grant->to, grant->digits, step));
    }
    json_auto_t *parameters = stored_json(grant->parameters, out);
    json_object_foreach (parameters, key, value) {
        put_parameter(out, key, value);
    }
}

void encode_lease(const struct command *command, struct http_response *response)
{
    const struct ask_command *ask = as_const_ask(command);
    struct json_writer w;

    if (http_note(command->origin) == (int)FORMAT_SH) {
        encode_lease_sh(ask, response);
        return;
    }
    json_response(response, ask->out.granted ? 201 : 200, &w);
    if (ask->out.granted) {
        lease_grant_write(&ask->out.grant, &w);
    } else {
        no_lease_write(&ask->out.no_lease, &w);
        http_response_header(response, "Retry-After", "%.0f",
                             ceil(ask->out.no_lease.retry_after_seconds));
    }
}

/* ---- measurements, heartbeat ---- */

static int choose_action_format(struct http_request *request, struct err *err)
{
    enum format format;

    TRY(request_format(request, 1u << FORMAT_JSON | 1u << FORMAT_TEXT, &format, err));
    http_set_note(request, (int)format);
    return 0;
}

static int read_measurements(struct http_request *request, struct measure_command *measure)
{
    struct err *err = &measure->head.err;
    struct faults *faults = &measure->head.faults;
    json_auto_t *body = NULL;

    TRY(request_lease(request, measure->in.lease, err));
    TRY(request_json(request, &body, err));
    TRY(choose_action_format(request, err));
    if (measurement_list_from_json(body, &measure->in.measurements, faults) != 0) {
        (void)!faults_result(faults, err);
        return -1;
    }
    return 0;
}

void post_measurements(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_MEASURE);

    if (command != NULL) {
        submit_or_refuse(context, command, read_measurements(request, as_measure(command)));
    }
}

/* A number from 0 to 1; NaN: it is not said. */
static double read_share(struct fields *fields, const char *key)
{
    double share = fields_real(fields, key, (double)NAN);

    if (share < 0 || share > 1) {
        fields_fault(fields, key, "must lie between 0 and 1");
    }
    return share;
}

static int read_heartbeat(struct http_request *request, struct heartbeat_command *heartbeat)
{
    struct err *err = &heartbeat->head.err;
    json_auto_t *body = NULL;
    struct fields fields;

    TRY(request_lease(request, heartbeat->in.lease, err));
    TRY(request_json(request, &body, err));
    TRY(choose_action_format(request, err));
    fields_begin(&fields, body, "", &heartbeat->head.faults);
    heartbeat->in.progress = read_share(&fields, "progress");
    heartbeat->in.gpu_utilization = read_share(&fields, "gpu_utilization");
    fields_end(&fields);
    return faults_result(&heartbeat->head.faults, err);
}

void put_lease(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_HEARTBEAT);

    if (command != NULL) {
        submit_or_refuse(context, command, read_heartbeat(request, as_heartbeat(command)));
    }
}

static void encode_action(const struct http_request *request, const struct action_reply *reply,
                          struct http_response *response)
{
    struct json_writer w;

    if (http_note(request) == (int)FORMAT_TEXT) {
        http_response_init(response, 200, format_content_type(FORMAT_TEXT));
        buf_puts(&response->body, action_name(reply->action));
        if (reply->has_until) {
            char until[STEP_BYTES];
            buf_printf(&response->body, " %s", step_format(reply->until, reply->digits, until));
        }
        buf_putc(&response->body, '\n');
        return;
    }
    json_response(response, 200, &w);
    action_reply_write(reply, &w);
}

void encode_measured(const struct command *command, struct http_response *response)
{
    encode_action(command->origin, &as_const_measure(command)->out.action, response);
}

void encode_renewed(const struct command *command, struct http_response *response)
{
    encode_action(command->origin, &as_const_heartbeat(command)->out.action, response);
}

/* ---- result, release ---- */

static int read_result(struct http_request *request, struct result_command *result)
{
    struct err *err = &result->head.err;
    json_auto_t *body = NULL;
    struct buf text;
    struct json_writer w;

    TRY(request_lease(request, result->in.lease, err));
    TRY(request_json(request, &body, err));
    if (result_report_from_json(body, &result->in.report, &result->head.faults) != 0) {
        return faults_result(&result->head.faults, err);
    }
    buf_init(&text, 1 << 20);
    json_writer_init(&w, &text);
    result_report_write(&result->in.report, &w);
    result->in.text = buf_steal(&text);
    return result->in.text == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

void put_result(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_RESULT);

    if (command != NULL) {
        submit_or_refuse(context, command, read_result(request, as_result(command)));
    }
}

void encode_result(const struct command *command, struct http_response *response)
{
    const struct result_command *result = as_const_result(command);
    struct json_writer w;

    json_response(response, 200, &w);
    json_object_begin(&w);
    json_write_key(&w, "trial");
    trial_reply_write(&result->out.trial, &w);
    json_put_bool(&w, "late", result->out.late);
    json_object_end(&w);
}

void delete_lease(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_RELEASE);

    if (command != NULL) {
        struct release_command *release = as_release(command);
        submit_or_refuse(context, command,
                         request_lease(request, release->in.lease, &command->err));
    }
}
