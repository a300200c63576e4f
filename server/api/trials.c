/* Trials: enqueue and import, show one, cancel. */
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

/* ---- GET …/trials/{n} ---- */

static void get_trial_job(void *argument, struct store *reader)
{
    struct http_request *request = argument;
    struct api *api = http_context(request);
    struct command *names = command_for(api, request, COMMAND_TRIAL_CANCEL); /* reads the path */
    struct http_response response;
    struct json_writer w;
    struct err err;
    OWN(trial_row) struct trial_row row = {0};

    if (names == NULL) {
        return;
    }
    struct live_view *view = engine_view(api->engine);
    const struct live_study_view *study = live_view_study(view, names->study);
    int result = study == NULL
                     ? err_set(&err, ERR_NOT_FOUND, "there is no study \"%s\"", names->study)
                     : store_trial_load(reader, trial_id(study->id, names->trial), &row, &err);
    if (result != 0) {
        reply_problem(request, &err, NULL);
    } else {
        json_response(&response, 200, &w);
        trial_write(study->def->def, &row, &w);
        http_reply(request, &response);
    }
    live_view_release(view);
    command_destroy(names);
}

void get_trial(void *context, struct http_request *request)
{
    read_later(context, request, get_trial_job);
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
