/* Trials: enqueue and import, cancel. lists.c lists and shows them. */
#include <inttypes.h>
#include <string.h>

#include "server/api/api.h"

/* ---- POST …/trials ---- */

static void write_added(const struct command *command, struct json_writer *w)
{
    if (command->trial_out.def != NULL) {
        trial_reply_write(&command->trial_out, w);
        return;
    }
    json_object_begin(w);
    json_write_key(w, "items");
    json_array_begin(w);
    for (size_t i = 0; i < command->n_numbers; i++) {
        json_object_begin(w);
        json_put_int(w, "number", command->numbers[i]);
        json_object_end(w);
    }
    json_array_end(w);
    json_object_end(w);
}

static void render_added(const struct command *command, int64_t *status, struct buf *text)
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
    struct command *command = command_for(api, request, COMMAND_TRIALS_ADD);
    struct err err;

    (void)reader;
    if (command == NULL) {
        return;
    }
    command->render = render_added;
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

/* ---- PATCH …/trials/{n} ---- */

static void render_trial(const struct command *command, int64_t *status, struct buf *text)
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
    struct command *command = command_for(api, request, COMMAND_TRIAL_CANCEL);

    if (command == NULL) {
        return;
    }
    command->render = render_trial;
    if (request_json(request, &command->body, &command->err) != 0 || check_cancel(command) != 0) {
        reply_problem(request, &command->err, &command->faults);
        command_destroy(command);
        return;
    }
    submit(api, command);
}
