/* Leases: what a worker does. */
#include "server/api/leases.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/shell.h"
#include "server/api/format.h"
#include "server/api/json.h"
#include "server/api/problem.h"
#include "server/api/request.h"
#include "server/api/submit.h"

static void refuse(struct command *command)
{
    reply_problem(command->origin, &command->err, &command->faults);
    command_destroy(command);
}

/* The command with its body parsed; NULL: answered. */
static struct command *lease_command(struct http_request *request, enum command_kind kind)
{
    struct command *command = command_for(request, kind);

    if (command == NULL) {
        return NULL;
    }
    if (request_json(request, &command->body, &command->err) != 0) {
        refuse(command);
        return NULL;
    }
    return command;
}

/* ---- POST /v1/leases ---- */

void post_lease(void *context, struct http_request *request)
{
    struct api *api = context;
    struct command *command = lease_command(request, COMMAND_ASK);
    enum format format;

    if (command == NULL) {
        return;
    }
    if (command->study[0] != '\0' && !name_is_study(command->study)) {
        (void)err_set(&command->err, ERR_NOT_FOUND, "\"%.70s\" can be no study's name",
                      command->study);
        refuse(command);
        return;
    }
    if (request_format(request, 1u << FORMAT_JSON | 1u << FORMAT_SH, &format, &command->err) != 0
        || (lease_ask_from_json(command->body, &command->ask, &command->faults) != 0
            && faults_result(&command->faults, &command->err) != 0)) {
        refuse(command);
        return;
    }
    http_set_note(request, (int)format);
    if (command->ask.worker[0] == '\0') {
        (void)snprintf(command->ask.worker, sizeof command->ask.worker, "addr-%s",
                       http_peer_address(request));
    }
    json_decref(command->body); /* all of it is in the ask; it may be parked for long */
    command->body = NULL;
    submit(api, command);
}

static void put_quoted(struct buf *out, const char *name, const char *value)
{
    buf_printf(out, "export %s=", name);
    shell_quote(out, value);
    buf_puts(out, "\n");
}

static void put_number(struct buf *out, const char *name, int64_t value)
{
    buf_printf(out, "export %s='%" PRId64 "'\n", name, value);
}

/* A parameter's value as a job's environment has it. */
static void put_parameter(struct buf *out, const char *key, const json_t *value)
{
    char variable[NAME_BYTES + 1];
    char name[NAME_BYTES + 16];
    char number[JSON_NUMBER_BYTES];

    name_in_environment(key, variable);
    (void)snprintf(name, sizeof name, "HONE_PARAM_%s", variable);
    if (json_is_string(value)) {
        put_quoted(out, name, json_string_value(value));
    } else if (json_is_integer(value)) {
        put_number(out, name, json_integer_value(value));
    } else if (json_is_real(value)) {
        put_quoted(out, name, json_format_number(json_real_value(value), number));
    } else {
        put_quoted(out, name, json_is_true(value) ? "true" : "false");
    }
}

static void encode_lease_sh(const struct command *command, struct http_response *response)
{
    const struct lease_grant *grant = &command->grant;
    struct buf *out = &response->body;
    const char *key;
    json_t *value;

    http_response_init(response, command->granted ? 201 : 200, format_content_type(FORMAT_SH));
    if (!command->granted) {
        put_quoted(out, "HONE_LEASE", "");
        put_quoted(out, "HONE_REASON", no_lease_reason_name(command->no_lease.reason));
        return;
    }
    put_quoted(out, "HONE_LEASE", grant->id);
    put_quoted(out, "HONE_STUDY", grant->study);
    put_number(out, "HONE_TRIAL", grant->trial);
    put_number(out, "HONE_ATTEMPT", grant->attempt);
    put_number(out, "HONE_SEED", (int64_t)grant->seed);
    if (grant->has_resource) {
        put_number(out, "HONE_RESOURCE_FROM", grant->from);
        put_number(out, "HONE_RESOURCE_TO", grant->to);
    }
    json_auto_t *parameters = json_loads(grant->parameters, 0, NULL);
    json_object_foreach (parameters, key, value) {
        put_parameter(out, key, value);
    }
}

void encode_lease(const struct command *command, struct http_response *response)
{
    struct json_writer w;

    if (http_note(command->origin) == (int)FORMAT_SH) {
        encode_lease_sh(command, response);
        return;
    }
    json_response(response, command->granted ? 201 : 200, &w);
    if (command->granted) {
        lease_grant_write(&command->grant, &w);
    } else {
        no_lease_write(&command->no_lease, &w);
        http_response_header(response, "Retry-After", "%.0f",
                             ceil(command->no_lease.retry_after_seconds));
    }
}

/* ---- measurements, heartbeat ---- */

static bool set_action_format(struct command *command)
{
    enum format format;

    if (request_format(command->origin, 1u << FORMAT_JSON | 1u << FORMAT_TEXT, &format,
                       &command->err)
        != 0) {
        refuse(command);
        return false;
    }
    http_set_note(command->origin, (int)format);
    return true;
}

void post_measurements(void *context, struct http_request *request)
{
    struct api *api = context;
    struct command *command = lease_command(request, COMMAND_MEASURE);

    if (command == NULL || !set_action_format(command)) {
        return;
    }
    if (measurement_list_from_json(command->body, &command->measurements, &command->faults) != 0) {
        (void)!faults_result(&command->faults, &command->err);
        refuse(command);
        return;
    }
    submit(api, command);
}

void put_lease(void *context, struct http_request *request)
{
    struct api *api = context;
    struct command *command = lease_command(request, COMMAND_HEARTBEAT);
    struct fields fields;

    if (command == NULL || !set_action_format(command)) {
        return;
    }
    fields_begin(&fields, command->body, "", &command->faults);
    command->progress = fields_real(&fields, "progress", (double)NAN);
    if (command->progress < 0 || command->progress > 1) {
        fields_fault(&fields, "progress", "must lie between 0 and 1");
    }
    fields_end(&fields);
    if (faults_result(&command->faults, &command->err) != 0) {
        refuse(command);
        return;
    }
    submit(api, command);
}

void encode_action(const struct command *command, struct http_response *response)
{
    const struct action_reply *reply = &command->action;
    struct json_writer w;

    if (http_note(command->origin) == (int)FORMAT_TEXT) {
        http_response_init(response, 200, format_content_type(FORMAT_TEXT));
        buf_puts(&response->body, action_name(reply->action));
        if (reply->has_until) {
            buf_printf(&response->body, " %" PRId64, reply->until);
        }
        buf_putc(&response->body, '\n');
        return;
    }
    json_response(response, 200, &w);
    action_reply_write(reply, &w);
}

/* ---- result, release ---- */

static int read_report(struct command *command)
{
    struct buf text;
    struct json_writer w;

    if (result_report_from_json(command->body, &command->report, &command->faults) != 0) {
        return faults_result(&command->faults, &command->err);
    }
    buf_init(&text, 1 << 20);
    json_writer_init(&w, &text);
    result_report_write(&command->report, &w);
    command->report_text = buf_steal(&text);
    return command->report_text == NULL ? err_set(&command->err, ERR_NOMEM, "out of memory") : 0;
}

void put_result(void *context, struct http_request *request)
{
    struct api *api = context;
    struct command *command = lease_command(request, COMMAND_RESULT);

    if (command == NULL) {
        return;
    }
    if (read_report(command) != 0) {
        refuse(command);
        return;
    }
    submit(api, command);
}

void encode_result(const struct command *command, struct http_response *response)
{
    struct json_writer w;

    json_response(response, 200, &w);
    json_object_begin(&w);
    json_write_key(&w, "trial");
    trial_reply_write(&command->trial_out, &w);
    json_put_bool(&w, "late", command->late);
    json_object_end(&w);
}

void delete_lease(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_RELEASE);

    if (command != NULL) {
        submit(context, command);
    }
}
