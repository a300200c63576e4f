#include "server/api/trials.h"

#include <string.h>

#include "server/api/json.h"
#include "server/api/problem.h"
#include "server/api/request.h"
#include "server/api/submit.h"
#include "server/api/trial_rows.h"

/* ---- POST …/trials ---- */

static void write_numbers(const struct command *command, struct json_writer *w)
{
    json_write_key(w, "items");
    json_array_begin(w);
    for (size_t i = 0; i < command->n_numbers; i++) {
        json_object_begin(w);
        json_put_int(w, "number", command->numbers[i]);
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_added(const struct command *command, struct json_writer *w)
{
    if (command->trial_out.def != NULL) {
        trial_reply_write(&command->trial_out, w);
        return;
    }
    json_object_begin(w);
    write_numbers(command, w);
    json_object_end(w);
}

void render_trials_added(const struct command *command, int64_t *status, struct buf *text)
{
    struct json_writer w;

    *status = 201;
    json_writer_init(&w, text);
    write_added(command, &w);
}

void encode_trials_added(const struct command *command, struct http_response *response)
{
    struct json_writer w;

    json_response(response, 201, &w);
    write_added(command, &w);
}

static void add_job(void *argument, struct store *reader)
{
    struct http_request *request = argument;
    struct api *api = http_context(request);
    struct command *command = command_for(request, COMMAND_TRIALS_ADD);
    struct err err;

    (void)reader;
    if (command == NULL) {
        return;
    }
    if (request_json(request, &command->body, &err) != 0
        || engine_submit(api->engine, command, &err) != 0) {
        reply_problem(request, &err, NULL);
        command_destroy(command);
    }
}

void post_trials(void *context, struct http_request *request)
{
    read_later(context, request, add_job);
}

/* ---- GET …/trials/{n} ---- */

static int read_trial(struct read_request *read, struct err *err)
{
    OWN(trial_row) struct trial_row row = {0};
    struct buf *out = &read->response.body;
    struct json_writer w;

    TRY(store_trial_load(read->store, trial_id(read->study->id, read->trial), &row, err));
    if (read->format != FORMAT_JSON) {
        trial_lines(read->study, &row, out);
        return 0;
    }
    json_writer_init(&w, out);
    trial_write(read->study->def->def, &row, &w);
    buf_putc(out, '\n');
    return 0;
}

READ_HANDLER(get_trial, FORMATS_ONE, NULL, read_trial)

/* ---- PATCH …/trials/{n} ---- */

void render_trial(const struct command *command, int64_t *status, struct buf *text)
{
    struct json_writer w;

    *status = 200;
    json_writer_init(&w, text);
    trial_reply_write(&command->trial_out, &w);
}

void encode_trial(const struct command *command, struct http_response *response)
{
    struct json_writer w;

    json_response(response, 200, &w);
    trial_reply_write(&command->trial_out, &w);
}

static int check_cancel(struct command *command)
{
    struct fields fields;

    fields_begin(&fields, command->body, "", &command->faults);
    const char *state = fields_string(&fields, "state", NULL);
    if (state == NULL || strcmp(state, "cancelled") != 0) {
        fields_fault(&fields, "state", "must be \"cancelled\", the only change a trial takes");
    }
    fields_end(&fields);
    return faults_result(&command->faults, &command->err);
}

void patch_trial(void *context, struct http_request *request)
{
    struct api *api = context;
    struct command *command = command_for(request, COMMAND_TRIAL_CANCEL);

    if (command == NULL) {
        return;
    }
    if (request_json(request, &command->body, &command->err) != 0 || check_cancel(command) != 0) {
        reply_problem(request, &command->err, &command->faults);
        command_destroy(command);
        return;
    }
    submit(api, command);
}

/* ---- POST …/trials/retry, …/trials/{n}/retry ---- */

static void write_retried(const struct command *command, struct json_writer *w)
{
    if (command->trial != 0) {
        trial_reply_write(&command->trial_out, w);
        return;
    }
    json_object_begin(w);
    write_numbers(command, w);
    json_put_int(w, "skipped", command->n_skipped);
    json_object_end(w);
}

void render_retried(const struct command *command, int64_t *status, struct buf *text)
{
    struct json_writer w;

    *status = 200;
    json_writer_init(&w, text);
    write_retried(command, &w);
}

void encode_retried(const struct command *command, struct http_response *response)
{
    struct json_writer w;

    json_response(response, 200, &w);
    write_retried(command, &w);
}

/* Which trials are meant: of one number none needs to be named, else those of a state. */
static int read_retried(struct command *command)
{
    struct fields fields;

    command->states = 1u << TRIAL_FAILED;
    if (command->body == NULL) {
        return 0;
    }
    fields_begin(&fields, command->body, "", &command->faults);
    const char *state = command->trial == 0 ? fields_string(&fields, "state", "failed") : NULL;
    if (state != NULL && strcmp(state, "infeasible") == 0) {
        command->states = 1u << TRIAL_INFEASIBLE;
    } else if (state != NULL && strcmp(state, "failed") != 0) {
        fields_fault(&fields, "state", "must be \"failed\" or \"infeasible\"");
    }
    fields_end(&fields);
    return faults_result(&command->faults, &command->err);
}

void post_retry(void *context, struct http_request *request)
{
    struct api *api = context;
    struct command *command = command_for(request, COMMAND_TRIALS_RETRY);

    if (command == NULL) {
        return;
    }
    if (request_json(request, &command->body, &command->err) != 0 || read_retried(command) != 0) {
        reply_problem(request, &command->err, &command->faults);
        command_destroy(command);
        return;
    }
    submit(api, command);
}
