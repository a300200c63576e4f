#include "server/api/trials.h"

#include <string.h>

#include "server/api/json.h"
#include "server/api/problem.h"
#include "server/api/request.h"
#include "server/api/submit.h"
#include "server/api/trial_representation.h"
#include "server/api/wait.h"

/* ---- POST …/trials ---- */

static void write_added(const struct command *command, struct json_writer *w)
{
    const struct trials_add_command *add = as_const_trials_add(command);

    if (add->out.trial.def != NULL) {
        trial_reply_write(&add->out.trial, w);
        return;
    }
    json_object_begin(w);
    write_numbers("items", add->out.n_numbers, add->out.numbers, w);
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

static int read_addition(struct http_request *request, struct trials_add_command *add)
{
    static const char *const known[] = {"guest", NULL};

    TRY(query_check(request, known, &add->head.err));
    TRY(query_flag(request, "guest", false, &add->in.by_program, &add->head.err));
    TRY(request_study(request, add->in.study, &add->head.err));
    return request_json(request, &add->in.body, &add->head.err);
}

static void add_job(void *argument, struct store *reader)
{
    struct http_request *request = argument;
    struct command *command = command_for(request, COMMAND_TRIALS_ADD);

    (void)reader;
    if (command == NULL) {
        return;
    }
    if (read_addition(request, as_trials_add(command)) != 0) {
        refuse(command);
        return;
    }
    submit_deferred(http_context(request), command);
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

    TRY(wait_tag(read, err));
    TRY(store_trial_load(read->store, trial_id(read->study->id, read->trial), &row, err));
    json_writer_init(&w, out);
    trial_write_live(read->study->def->def, &row,
                     live_view_lease(read->view, read->study->id, read->trial), &w);
    return 0;
}

static const char *const trial_query[] = {"wait", "after", NULL};

WAIT_HANDLER(get_trial, &trial_representation, trial_query, read_trial)

/* ---- PATCH …/trials/{n} ---- */

void render_trial_cancelled(const struct command *command, int64_t *status, struct buf *text)
{
    struct json_writer w;

    *status = 200;
    json_writer_init(&w, text);
    trial_reply_write(&as_const_trial_cancel(command)->out.trial, &w);
}

void encode_trial_cancelled(const struct command *command, struct http_response *response)
{
    struct json_writer w;

    json_response(response, 200, &w);
    trial_reply_write(&as_const_trial_cancel(command)->out.trial, &w);
}

static int read_cancel(struct http_request *request, struct trial_cancel_command *cancel)
{
    struct err *err = &cancel->head.err;
    json_auto_t *body = NULL;
    struct fields fields;

    TRY(request_study(request, cancel->in.study, err));
    TRY(request_trial(request, &cancel->in.trial, err));
    TRY(request_json(request, &body, err));
    fields_begin(&fields, body, "", &cancel->head.faults);
    const char *state = fields_string(&fields, "state", NULL);
    if (state == NULL || strcmp(state, "cancelled") != 0) {
        fields_fault(&fields, "state", "must be \"cancelled\", the only change a trial takes");
    }
    fields_end(&fields);
    return faults_result(&cancel->head.faults, err);
}

void patch_trial(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_TRIAL_CANCEL);

    if (command != NULL) {
        submit_or_refuse(context, command, read_cancel(request, as_trial_cancel(command)));
    }
}

/* ---- POST …/trials/retry, …/trials/{n}/retry ---- */

static void write_retried(const struct command *command, struct json_writer *w)
{
    const struct trials_retry_command *retry = as_const_trials_retry(command);

    if (retry->out.trial.def != NULL) {
        trial_reply_write(&retry->out.trial, w);
        return;
    }
    json_object_begin(w);
    write_numbers("items", retry->out.n_numbers, retry->out.numbers, w);
    json_put_int(w, "skipped", retry->out.n_skipped);
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

/* Which trials are meant: one by its number in the path, else those of a state. */
static int read_retried(struct http_request *request, struct trials_retry_command *retry)
{
    struct err *err = &retry->head.err;
    json_auto_t *body = NULL;
    struct fields fields;

    TRY(request_study(request, retry->in.study, err));
    TRY(request_trial(request, &retry->in.trial, err));
    TRY(request_json(request, &body, err));
    retry->in.states = 1u << TRIAL_FAILED;
    if (body == NULL) {
        return 0;
    }
    fields_begin(&fields, body, "", &retry->head.faults);
    const char *state = retry->in.trial == 0 ? fields_string(&fields, "state", "failed") : NULL;
    if (state != NULL && strcmp(state, "infeasible") == 0) {
        retry->in.states = 1u << TRIAL_INFEASIBLE;
    } else if (state != NULL && strcmp(state, "failed") != 0) {
        fields_fault(&fields, "state", "must be \"failed\" or \"infeasible\"");
    }
    fields_end(&fields);
    return faults_result(&retry->head.faults, err);
}

void post_retry(void *context, struct http_request *request)
{
    struct command *command = command_for(request, COMMAND_TRIALS_RETRY);

    if (command != NULL) {
        submit_or_refuse(context, command, read_retried(request, as_trials_retry(command)));
    }
}
