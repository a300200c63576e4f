/* Studies and trials as JSON. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "common/step.h"
#include "server/analysis/slots_wanted.h"
#include "server/api/bounds.h"
#include "server/api/json.h"

void json_response(struct http_response *response, int status, struct json_writer *w)
{
    http_response_init(response, status, "application/json");
    response->body.max = RESPONSE_MAX;
    json_writer_init(w, &response->body);
}

void response_end_line(struct http_response *response)
{
    struct buf *body = &response->body;

    if (body->len > 0 && body->data[body->len - 1] != '\n') {
        buf_putc(body, '\n');
    }
}

json_t *stored_json(const char *text, struct buf *out)
{
    json_t *value = NULL;
    struct err err;

    if (json_parse_own(text, &value, &err) != 0 && err.code == ERR_NOMEM) {
        buf_lack_memory(out);
    }
    return value;
}

/* What `reason` alone does not say. */
static void write_detail(const struct study_def *def, const struct study_row *row,
                         struct json_writer *w)
{
    char text[200];

    if (row->state == STUDY_FINISHED && row->reason == REASON_FAILURES
        && def->limits.failures < 0) {
        failures_in_row_explain(row->has_value, row->failed_in_row, text, sizeof text);
        json_put_string(w, "detail", text);
    } else {
        json_put_null(w, "detail");
    }
}

void study_write_members(const struct study_def *def, const struct study_row *row,
                         struct json_writer *w)
{
    study_def_write(def, w);
    json_put_string(w, "state", study_state_name(row->state));
    json_put_string(w, "reason", study_reason_name(row->reason));
    write_detail(def, row, w);
    json_put_int(w, "revision", row->revision);
    json_put_moment(w, "created_at", row->created_at_ms);
    json_write_key(w, "counts");
    json_object_begin(w);
    for (int i = 0; i < TRIAL_STATE_COUNT; i++) {
        json_put_int(w, trial_state_name((enum trial_state)i), row->counts[i]);
    }
    json_object_end(w);
    json_write_key(w, "best");
    if (row->best_trial > 0) {
        json_object_begin(w);
        json_put_int(w, "trial", row->best_trial);
        json_put_number(w, "value", row->best_value);
        json_object_end(w);
    } else {
        json_write_null(w);
    }
    bounds_put_study(def, row, w);
    int64_t slots = slots_wanted(def, row);
    if (slots == SLOTS_UNLIMITED) {
        json_put_null(w, "slots_wanted");
    } else {
        json_put_int(w, "slots_wanted", slots);
    }
}

void study_write(const struct study_def *def, const struct study_row *row, struct json_writer *w)
{
    json_object_begin(w);
    study_write_members(def, row, w);
    json_object_end(w);
}

static void write_moment_or_null(struct json_writer *w, const char *key, int64_t wall_ms)
{
    json_put_moment(w, key, wall_ms == 0 ? -1 : wall_ms);
}

/* Diverged values are stored among the metrics only. */
static void write_value(const struct study_def *def, const struct trial_row *row,
                        struct json_writer *w)
{
    json_write_key(w, "value");
    if (row->n_values == 1) {
        json_write_number(w, row->values[0]);
        return;
    }
    json_auto_t *metrics = stored_json(row->metrics, w->out);
    const json_t *value = json_object_get(metrics, def->objectives[0].metric);
    if (def->n_objectives == 1 && trial_state_is_final(row->state) && value != NULL
        && json_is_string(value)) {
        json_write_string(w, json_string_value(value));
    } else {
        json_write_null(w);
    }
}

/* Of the attempt that is under way; the trial's own step and value are those decided upon. */
static void write_live(const struct study_def *def, const struct live_lease_view *lease,
                       struct json_writer *w)
{
    json_write_key(w, "live");
    json_object_begin(w);
    json_write_key(w, "step");
    json_write_step(w, lease->last_step, def->resource_digits);
    json_write_key(w, "value");
    if (isnan(lease->value)) {
        json_write_null(w);
    } else {
        json_write_number(w, lease->value);
    }
    json_object_end(w);
}

static void write_trial(const struct study_def *def, const struct trial_row *row,
                        const char *parameters, const struct live_lease_view *lease,
                        struct json_writer *w)
{
    int64_t number = trial_id_number(row->id);

    json_object_begin(w);
    json_put_int(w, "number", number);
    json_put_string(w, "state", trial_state_name(row->state));
    json_put_string(w, "reason", row->reason[0] == '\0' ? NULL : row->reason);
    json_write_key(w, "parameters");
    if (parameters != NULL) {
        json_write_raw(w, parameters, strlen(parameters));
    } else {
        space_config_write(def->space, row->config, w);
    }
    json_put_int(w, "seed", (int64_t)trial_seed(def->seed, number));
    json_put_string(w, "source", trial_source_name(row->source));
    json_write_key(w, "ordinal");
    if (row->ordinal == 0) {
        json_write_null(w);
    } else {
        json_write_int(w, (int64_t)row->ordinal);
    }
    json_put_bool(w, "fallback", row->fallback);
    json_put_bool(w, "outside", !space_is_legal(def->space, row->config));
    write_value(def, row, w);
    bounds_put_feasible(def, row, w);
    json_write_key(w, "metrics");
    if (row->metrics == NULL) {
        json_object_begin(w);
        json_object_end(w);
    } else {
        json_write_raw(w, row->metrics, strlen(row->metrics));
    }
    json_write_key(w, "step");
    if (row->has_step) {
        json_write_step(w, row->step, def->resource_digits);
    } else {
        json_write_null(w);
    }
    if (lease != NULL && lease->last_step >= 0 && row->state == TRIAL_RUNNING) {
        write_live(def, lease, w);
    }
    json_put_int(w, "attempt", row->attempt);
    json_put_string(w, "worker", row->worker[0] == '\0' ? NULL : row->worker);
    json_put_moment(w, "created_at", row->created_at_ms);
    write_moment_or_null(w, "started_at", row->started_at_ms);
    write_moment_or_null(w, "ended_at", row->ended_at_ms);
    trial_corrections_write(row, w);
    json_object_end(w);
}

void trial_corrections_write(const struct trial_row *row, struct json_writer *w)
{
    if (row->replaced > 0) {
        json_put_int(w, "replaced", row->replaced);
    }
    if (row->ignored > 0) {
        json_put_int(w, "ignored", row->ignored);
    }
}

void trial_write(const struct study_def *def, const struct trial_row *row, struct json_writer *w)
{
    write_trial(def, row, NULL, NULL, w);
}

void trial_write_live(const struct study_def *def, const struct trial_row *row,
                      const struct live_lease_view *lease, struct json_writer *w)
{
    write_trial(def, row, NULL, lease, w);
}

void trial_reply_write(const struct trial_reply *reply, struct json_writer *w)
{
    write_trial(reply->def->def, &reply->row, reply->parameters, NULL, w);
}

void write_numbers(const char *key, size_t n, const int64_t numbers[], struct json_writer *w)
{
    json_write_key(w, key);
    json_array_begin(w);
    for (size_t i = 0; i < n; i++) {
        json_object_begin(w);
        json_put_int(w, "number", numbers[i]);
        json_object_end(w);
    }
    json_array_end(w);
}
