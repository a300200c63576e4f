#include "tests/support/store_script.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/store/decisions.h"
#include "server/store/discards.h"
#include "server/store/replies.h"

/* A row's texts are owned when it was read, and only borrowed when it is written. */
static char accepted[] = "{\"name\":\"s\"}";
static char definition[] = "{\"name\":\"s\",\"limits\":{}}";
static char metrics[] = "{\"loss\":0.5}";
static char explanation[] =
    "{\"strategy\":\"random\",\"why\":\"a text that is longer than the inline "
    "buffer of a page of the database would be, so that it is copied\"}";
static char detail[] = "exit status 1";
static char checkpoint[] = "{\"uri\":\"file:///c\",\"step\":3,\"reach\":\"any\"}";
static char usage[] = "{\"wall_seconds\":2.5}";
static double config[] = {0.25, NAN, 3};

struct study_row script_study(const char *name)
{
    struct study_row row = {.accepted = accepted,
                            .definition = definition,
                            .state = STUDY_RUNNING,
                            .reason = REASON_NONE,
                            .revision = 1,
                            .created_at_ms = 1000};

    (void)snprintf(row.name, sizeof row.name, "%s", name);
    return row;
}

struct trial_row script_trial(int64_t study, int64_t number, enum trial_state state)
{
    struct trial_row row = {.id = trial_id(study, number),
                            .state = state,
                            .source = SOURCE_SUGGESTED,
                            .fallback = true,
                            .ordinal = (uint64_t)number,
                            .n_params = 3,
                            .config = config,
                            .explain = explanation,
                            .created_at_ms = 2000 + number,
                            .ended_at_ms = trial_state_is_final(state) ? 5000 + number : 0};

    return row;
}

struct attempt_row script_attempt(int64_t trial, int64_t number, int64_t worker)
{
    struct attempt_row row = {.trial = trial,
                              .number = number,
                              .worker = worker,
                              .has_request = true,
                              .from = 1,
                              .to = 9,
                              .leased_at_ms = 3000 + number};

    memset(row.secret, (int)number, sizeof row.secret);
    memset(row.request, 0x40 + (int)number, sizeof row.request);
    return row;
}

struct token_row script_token(const char *id, int64_t created_at_ms)
{
    struct token_row row = {.name = "laptop", .scopes = 5, .created_at_ms = created_at_ms};

    (void)snprintf(row.id, sizeof row.id, "%s", id);
    memset(row.sha256, 0x5a, sizeof row.sha256);
    return row;
}

/* ---- writing ---- */

static int write_study(struct store *store, int mark, struct study_row *row, struct err *err)
{
    char name[NAME_BYTES];

    (void)snprintf(name, sizeof name, "study-%d", mark);
    *row = script_study(name);
    TRY(store_study_insert(store, row, err));
    row->revision = 2;
    row->started_at_ms = 1500;
    row->paused_at_ms = 1600;
    row->paused_ms = 70;
    row->last_number = 2;
    row->last_ordinal = 2;
    row->leased_trials = 1;
    row->resource_spent = 9;
    row->counts[TRIAL_QUEUED] = 1;
    row->counts[TRIAL_COMPLETED] = 1;
    row->best_trial = 1;
    row->best_value = 0.5;
    row->best_resource = 9;
    row->failed_in_row = 1;
    row->has_value = true;
    row->feasible_trials = 1;
    row->bounds_seen = 1;
    TRY(store_study_update(store, row, true, err));
    TRY(store_metric_insert(store, row->id, 0, "loss", err));
    return store_metric_insert(store, row->id, 1, "val/accuracy", err);
}

static int write_attempt(struct store *store, int64_t trial, int64_t worker,
                         struct attempt_row *row, struct err *err)
{
    *row = script_attempt(trial, 1, worker);
    TRY(store_attempt_insert(store, row, err));
    row->end = ATTEMPT_COMPLETED;
    (void)snprintf(row->reason, sizeof row->reason, "exit_code");
    row->detail = detail;
    row->has_step = true;
    row->step = 9;
    row->late = true;
    row->has_result = true;
    memset(row->result, 0x33, sizeof row->result);
    row->checkpoint = checkpoint;
    row->usage = usage;
    row->ended_at_ms = 5001;
    TRY(store_attempt_update(store, row, err));
    return store_evidence_insert(store, row->id, 6000, "{\"late\":true}", err);
}

static int write_trials(struct store *store, int mark, int64_t study, struct err *err)
{
    struct trial_row row = script_trial(study, 1, TRIAL_QUEUED);
    struct attempt_row attempt;
    char worker_name[WORKER_NAME_BYTES];
    int64_t worker;

    (void)snprintf(worker_name, sizeof worker_name, "gpu%d:0", mark);
    TRY(store_worker_save(store, worker_name, &worker, err));
    TRY(store_trial_insert(store, &row, err));
    TRY(write_attempt(store, row.id, worker, &attempt, err));
    row.state = TRIAL_COMPLETED;
    row.attempt = 1;
    row.attempt_id = attempt.id;
    row.losses = 1;
    row.excused = true;
    row.failures = 2;
    row.replaced = 3;
    row.ignored = 4;
    row.n_values = 2;
    row.values[0] = 0.5;
    row.values[1] = -1;
    row.n_bounded = 1;
    row.bounded[0] = 8;
    row.metrics = metrics;
    row.has_step = true;
    row.step = 9;
    row.started_at_ms = 3000;
    row.ended_at_ms = 5001;
    row.ended_seq = 1;
    TRY(store_trial_update(store, &row, err));
    row = script_trial(study, 2, TRIAL_QUEUED);
    return store_trial_insert(store, &row, err);
}

static int write_measurements(struct store *store, int64_t trial, struct err *err)
{
    enum store_append result;

    for (int64_t step = 1; step <= 3; step++) {
        TRY(store_measurement_append(
            store, &(const struct measurement_row){trial, 1, 0, step, 1.0 / (double)step}, &result,
            err));
    }
    TRY(store_measurement_append(store, &(const struct measurement_row){trial, 1, 0, 2, 7}, &result,
                                 err)); /* a conflict */
    TRY(store_measurement_replace(store, &(const struct measurement_row){trial, 1, 0, 2, 7}, err));
    return store_measurement_append(
        store, &(const struct measurement_row){trial, 1, 1, 1, (double)NAN}, &result, err);
}

static int write_history(struct store *store, int64_t study, struct err *err)
{
    const struct event_row event = {
        .study = study, .kind = EVENT_TRIAL_ENDED, .trial = 1, .attempt = 1, .at_ms = 5001};
    const struct fact_row fact = {.study = study,
                                  .fact = 1,
                                  .trial = 1,
                                  .bracket = 2,
                                  .step = 9,
                                  .value = 0.5,
                                  .at_ms = 5000};
    const struct transfer_row transfer = {.study = study,
                                          .number = 4,
                                          .state = TRIAL_PRUNED,
                                          .n_params = 3,
                                          .config = config,
                                          .value = 0.25,
                                          .step = 3};
    int64_t seq;

    TRY(store_event_append(store, &event, &seq, err));
    TRY(store_fact_append(store, &fact, err));
    TRY(store_fit_insert(store, study, 7, "fit", 3, err));
    return store_transfer_insert(store, &transfer, err);
}

static int write_rest(struct store *store, int mark, int64_t study, struct err *err)
{
    struct discard_row discard = {
        .study = study, .host = "gpu", .uri = "file:///old", .at_ms = 5002};
    struct discard_row gone = {.study = study, .host = "", .uri = "s3://gone", .at_ms = 5003};
    struct reply_row reply = {.status = 201, .text = accepted, .at_ms = 1000 + mark};
    char id[16];

    TRY(store_discard_insert(store, &discard, err));
    TRY(store_discard_assign(store, discard.id, 1, err));
    TRY(store_discard_insert(store, &gone, err));
    TRY(store_discard_delete(store, gone.id, err));
    memset(reply.key, mark + 1, sizeof reply.key);
    memset(reply.body, 0x77, sizeof reply.body);
    TRY(store_reply_insert(store, &reply, err));
    (void)snprintf(id, sizeof id, "t_%d", mark);
    struct token_row token = script_token(id, 900 + mark);
    token.expires_at_ms = 99000;
    TRY(store_token_insert(store, &token, err));
    TRY(store_token_used(store, &(const struct token_use){"t_1", 950}, err));
    return store_token_revoke(store, id, 8000, err);
}

static int write_nodes(struct store *store, int mark, int64_t trial, struct err *err)
{
    struct node_row node = {.n_failed = 2,
                            .failed = {{trial, 1}, {trial + 1, 0}},
                            .draining = true,
                            .quarantined_at_ms = 7000,
                            .others_at_ms = 7001,
                            .probe_at_ms = 7002,
                            .probes = 1,
                            .reason = "3 failed"};
    struct node_row gone = {.draining = true};

    (void)snprintf(node.name, sizeof node.name, "node-%d", mark);
    (void)snprintf(gone.name, sizeof gone.name, "gone-%d", mark);
    TRY(store_node_save(store, &gone, err));
    TRY(store_node_save(store, &node, err));
    node.probes = 2;
    TRY(store_node_save(store, &node, err));
    return store_node_delete(store, gone.name, err);
}

int script_write(struct store *store, int mark, struct err *err)
{
    struct study_row study;

    TRY(write_study(store, mark, &study, err));
    TRY(write_trials(store, mark, study.id, err));
    TRY(write_measurements(store, trial_id(study.id, 1), err));
    TRY(write_history(store, study.id, err));
    TRY(write_nodes(store, mark, trial_id(study.id, 1), err));
    return write_rest(store, mark, study.id, err);
}

/* ---- reading ---- */

struct reading {
    struct store *store;
    struct buf *text;
};

static const char *text_of(const char *text)
{
    return text == NULL ? "NULL" : text;
}

static void put_numbers(struct buf *text, const char *name, const double x[], size_t n)
{
    buf_printf(text, " %s", name);
    for (size_t i = 0; i < n; i++) {
        buf_printf(text, " %.17g", x[i]);
    }
}

static void put_bytes(struct buf *text, const char *name, const unsigned char bytes[], size_t n)
{
    buf_printf(text, " %s ", name);
    for (size_t i = 0; i < n; i++) {
        buf_printf(text, "%02x", bytes[i]);
    }
}

static int put_attempt(void *context, struct attempt_row *row, struct err *err)
{
    struct buf *text = context;

    (void)err;
    buf_printf(text, "attempt %" PRId64 " of %" PRId64 " number %" PRId64 " worker %" PRId64,
               row->id, row->trial, row->number, row->worker);
    put_bytes(text, "secret", row->secret, sizeof row->secret);
    put_bytes(text, "request", row->request, row->has_request ? sizeof row->request : 0);
    put_bytes(text, "result", row->result, row->has_result ? sizeof row->result : 0);
    buf_printf(text,
               " %" PRId64 "..%" PRId64 " leased %" PRId64 " end %d reason %s step %d %" PRId64
               " late %d ended %" PRId64 " by %s",
               row->from, row->to, row->leased_at_ms, (int)row->end, row->reason, row->has_step,
               row->step, row->late, row->ended_at_ms, row->worker_name);
    buf_printf(text, " %s %s %s\n", text_of(row->detail), text_of(row->checkpoint),
               text_of(row->usage));
    return 0;
}

static int put_measurement(void *context, int64_t metric, int64_t attempt, int64_t step,
                           double value, struct err *err)
{
    (void)err;
    buf_printf(context, "measurement %" PRId64 " %" PRId64 " %" PRId64 " %.17g\n", metric, attempt,
               step, value);
    return 0;
}

static int put_trial(void *context, struct trial_row *row, struct err *err)
{
    struct reading *reading = context;
    struct buf *text = reading->text;
    struct attempt_row attempt;

    buf_printf(text,
               "trial %" PRId64 " state %d reason %s source %d fallback %d ordinal %" PRIu64
               " attempt %" PRId64 " %" PRId64 " losses %" PRId64 " failures %" PRId64
               " replaced %" PRId64 " ignored %" PRId64 " excused %d",
               row->id, (int)row->state, row->reason, (int)row->source, row->fallback, row->ordinal,
               row->attempt, row->attempt_id, row->losses, row->failures, row->replaced,
               row->ignored, row->excused);
    put_numbers(text, "config", row->config, row->n_params);
    put_numbers(text, "values", row->values, row->n_values);
    put_numbers(text, "bounded", row->bounded, row->n_bounded);
    buf_printf(text,
               " step %d %" PRId64 " at %" PRId64 " %" PRId64 " %" PRId64 " seq %" PRId64
               " by %s %s %s\n",
               row->has_step, row->step, row->created_at_ms, row->started_at_ms, row->ended_at_ms,
               row->ended_seq, row->worker, text_of(row->metrics), text_of(row->explain));
    if (row->attempt_id != 0) {
        TRY(store_attempt_load(reading->store, row->attempt_id, &attempt, err));
        (void)put_attempt(text, &attempt, err);
        attempt_row_finish(&attempt);
    }
    TRY(store_each_attempt(reading->store, row->id, put_attempt, text, err));
    return store_each_measurement(reading->store, row->id, -1, put_measurement, text, err);
}

static int put_name(void *context, int64_t id, const char *name, struct err *err)
{
    (void)err;
    buf_printf(context, "name %" PRId64 " %s\n", id, name);
    return 0;
}

static int put_fact(void *context, const struct fact_row *row, struct err *err)
{
    (void)err;
    buf_printf(context,
               "fact %" PRId64 " trial %" PRId64 " bracket %" PRId64 " step %" PRId64
               " %.17g at %" PRId64 "\n",
               row->fact, row->trial, row->bracket, row->step, row->value, row->at_ms);
    return 0;
}

static int put_fit(void *context, uint64_t n_seen, const void *data, size_t bytes, struct err *err)
{
    (void)err;
    buf_printf(context, "fit %" PRIu64, n_seen);
    put_bytes(context, "data", data, bytes);
    buf_putc(context, '\n');
    return 0;
}

static int put_transfer(void *context, const struct transfer_row *row, struct err *err)
{
    (void)err;
    buf_printf(context, "transfer %" PRId64 " %" PRId64 " state %d step %" PRId64, row->place,
               row->number, (int)row->state, row->step);
    put_numbers(context, "config", row->config, row->n_params);
    put_numbers(context, "value", &row->value, 1);
    buf_putc(context, '\n');
    return 0;
}

static void put_study_row(struct buf *text, const struct study_row *row)
{
    buf_printf(text,
               "study %" PRId64 " %s %s %s state %d reason %d revision %" PRId64 " at %" PRId64
               " %" PRId64 " %" PRId64 " %" PRId64,
               row->id, row->name, text_of(row->accepted), text_of(row->definition),
               (int)row->state, (int)row->reason, row->revision, row->created_at_ms,
               row->started_at_ms, row->paused_at_ms, row->paused_ms);
    buf_printf(text,
               " last %" PRId64 " %" PRIu64 " leased %" PRId64 " spent %" PRId64
               " exhausted %d target %d best %" PRId64 " %.17g %" PRId64 " failed %" PRId64
               " has value %d feasible %" PRId64 " %" PRId64 " counts",
               row->last_number, row->last_ordinal, row->leased_trials, row->resource_spent,
               row->exhausted, row->target_reached, row->best_trial, row->best_value,
               row->best_resource, row->failed_in_row, row->has_value, row->feasible_trials,
               row->bounds_seen);
    for (size_t i = 0; i < TRIAL_STATE_COUNT; i++) {
        buf_printf(text, " %" PRId64, row->counts[i]);
    }
    buf_putc(text, '\n');
}

static int put_study(void *context, struct study_row *row, struct err *err)
{
    struct reading *reading = context;
    struct buf *text = reading->text;
    const struct trial_query query = {.study = row->id, .limit = 1000};

    put_study_row(text, row);
    TRY(store_each_metric(reading->store, row->id, put_name, text, err));
    TRY(store_each_trial(reading->store, &query, put_trial, reading, err));
    TRY(store_each_fact(reading->store, row->id, put_fact, text, err));
    TRY(store_each_fit(reading->store, row->id, put_fit, text, err));
    return store_each_transfer(reading->store, row->id, put_transfer, text, err);
}

static int put_event(void *context, const struct event_row *event, struct err *err)
{
    (void)err;
    buf_printf(context,
               "event %" PRId64 " study %" PRId64 " kind %s trial %" PRId64 " attempt %" PRId64
               " at %" PRId64 " of %s: %s\n",
               event->seq, event->study, event_kind_name(event->kind), event->trial, event->attempt,
               event->at_ms, text_of(event->worker), text_of(event->detail));
    return 0;
}

static int put_discard(void *context, const struct discard_row *row, struct err *err)
{
    (void)err;
    buf_printf(context,
               "discard %" PRId64 " study %" PRId64 " host %s uri %s attempt %" PRId64
               " at %" PRId64 "\n",
               row->id, row->study, row->host, row->uri, row->attempt, row->at_ms);
    return 0;
}

static int put_node(void *context, const struct node_row *row, struct err *err)
{
    (void)err;
    buf_printf(context,
               "node %s draining %d at %" PRId64 " %" PRId64 " %" PRId64 " probes %" PRId64 " %s",
               row->name, row->draining, row->quarantined_at_ms, row->others_at_ms,
               row->probe_at_ms, row->probes, row->reason);
    for (size_t i = 0; i < row->n_failed; i++) {
        buf_printf(context, " %" PRId64 ":%" PRId64, row->failed[i].trial,
                   row->failed[i].elsewhere);
    }
    buf_putc(context, '\n');
    return 0;
}

static int put_token(void *context, const struct token_row *row, struct err *err)
{
    (void)err;
    buf_printf(context, "token %s %s scopes %u at %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64,
               row->id, row->name, row->scopes, row->created_at_ms, row->expires_at_ms,
               row->revoked_at_ms, row->used_at_ms);
    put_bytes(context, "sha256", row->sha256, sizeof row->sha256);
    buf_putc(context, '\n');
    return 0;
}

static int put_replies(struct store *store, struct buf *text, struct err *err)
{
    for (int mark = 0; mark < 8; mark++) {
        unsigned char key[16];
        struct reply_row row = {0};
        bool found = false;

        memset(key, mark + 1, sizeof key);
        TRY(store_reply_find(store, key, &row, &found, err));
        if (found) {
            buf_printf(text, "reply %d %" PRId64 " at %" PRId64 " %s", mark, row.status, row.at_ms,
                       text_of(row.text));
            put_bytes(text, "body", row.body, sizeof row.body);
            buf_putc(text, '\n');
            free(row.text);
        }
    }
    return 0;
}

int script_read(struct store *store, struct buf *text, struct err *err)
{
    struct reading reading = {store, text};
    int64_t looked_at;
    int64_t seq, purged;

    TRY(store_each_study(store, put_study, &reading, err));
    TRY(store_each_worker(store, INT64_MAX, put_name, text, err));
    buf_puts(text, "open:\n");
    TRY(store_each_open_trial(store, put_trial, &reading, err));
    buf_puts(text, "recent requests:\n");
    TRY(store_each_recent_request(store, 0, put_attempt, text, err));
    TRY(store_each_event(store, 0, 0, 1000, put_event, text, &looked_at, err));
    TRY(store_last_seq(store, &seq, err));
    TRY(store_events_purged(store, &purged, err));
    buf_printf(text, "events up to %" PRId64 " %" PRId64 ", removed up to %" PRId64 "\n", looked_at,
               seq, purged);
    TRY(store_each_discard(store, put_discard, text, err));
    TRY(store_each_node(store, put_node, text, err));
    TRY(store_each_token(store, put_token, text, err));
    TRY(put_replies(store, text, err));
    return buf_check(text, err);
}
