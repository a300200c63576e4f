/* Rows of trials and attempts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "server/domain/lease.h"
#include "server/store/sqlite/connection.h"
#include "server/store/trial_values.h"

void trial_row_finish(struct trial_row *row)
{
    free(row->config);
    free(row->metrics);
    free(row->explain);
    free(row->basis);
    row->config = NULL;
    row->metrics = NULL;
    row->explain = NULL;
    row->basis = NULL;
}

int metrics_value(const char *metrics, const char *name, double *value, struct err *err)
{
    json_auto_t *all = NULL;

    TRY(json_parse_own(metrics, &all, err));
    const json_t *found = json_object_get(all, name);
    *value = found != NULL && json_is_number_like(found) ? json_number_like(found) : (double)NAN;
    return 0;
}

static const char *text_or_null(const char *text)
{
    return text[0] == '\0' ? NULL : text;
}

/* What insert and update have in common. */
static void bind_progress(struct stmt *s, const struct trial_row *row)
{
    stmt_bind_int(s, ":id", row->id);
    stmt_bind_int(s, ":state", row->state);
    stmt_bind_text(s, ":reason", text_or_null(row->reason));
    stmt_bind_int(s, ":attempt", row->attempt);
    stmt_bind_int_or_null(s, ":attempt_id", row->attempt_id != 0, row->attempt_id);
    stmt_bind_int(s, ":losses", row->losses);
    stmt_bind_int(s, ":failures", row->failures);
    stmt_bind_real_or_null(s, ":value", row->n_values == 1, row->values[0]);
    stmt_bind_blob(s, ":objectives", row->n_values > 1 ? row->values : NULL,
                   row->n_values * sizeof row->values[0]);
    stmt_bind_blob(s, ":bounded", row->n_bounded > 0 ? row->bounded : NULL,
                   row->n_bounded * sizeof row->bounded[0]);
    stmt_bind_text(s, ":metrics", row->metrics);
    stmt_bind_int_or_null(s, ":step", row->has_step, row->step);
    stmt_bind_int_or_null(s, ":started_at_ms", row->started_at_ms != 0, row->started_at_ms);
    stmt_bind_int_or_null(s, ":ended_at_ms", row->ended_at_ms != 0, row->ended_at_ms);
    stmt_bind_int_or_null(s, ":ended_seq", row->ended_seq != 0, row->ended_seq);
    stmt_bind_int(s, ":replaced", row->replaced);
    stmt_bind_int(s, ":ignored", row->ignored);
    stmt_bind_int(s, ":excused", row->excused);
}

int store_trial_insert(struct store *store, const struct trial_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TRIAL_INSERT);
    static const double none = 0;

    bind_progress(&s, row);
    stmt_bind_int(&s, ":source", row->source);
    stmt_bind_int(&s, ":fallback", row->fallback);
    stmt_bind_int_or_null(&s, ":ordinal", row->ordinal != 0, (int64_t)row->ordinal);
    stmt_bind_blob(&s, ":config", row->n_params > 0 ? row->config : &none,
                   row->n_params * sizeof(double));
    stmt_bind_text(&s, ":explain", row->explain);
    stmt_bind_blob(&s, ":basis", row->basis, row->basis_bytes);
    stmt_bind_int(&s, ":created_at_ms", row->created_at_ms);
    return stmt_run(store, &s, err);
}

int store_trial_update(struct store *store, const struct trial_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TRIAL_UPDATE);

    bind_progress(&s, row);
    return stmt_run(store, &s, err);
}

int store_trial_set_config(struct store *store, int64_t id, size_t n_params, const double x[],
                           struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TRIAL_CONFIG);

    stmt_bind_int(&s, ":id", id);
    stmt_bind_blob(&s, ":config", x, n_params * sizeof *x);
    return stmt_run(store, &s, err);
}

static int read_config(struct stmt *s, int column, struct trial_row *row, struct err *err)
{
    size_t bytes = stmt_blob(s, column, NULL, 0);

    row->n_params = bytes / sizeof(double);
    row->config = calloc(row->n_params + 1, sizeof(double));
    if (row->config == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    (void)stmt_blob(s, column, row->config, row->n_params * sizeof(double));
    return 0;
}

/* One value has a column of its own, by which trials are sorted; several stand in a blob. */
static void read_values(struct stmt *s, struct trial_row *row)
{
    size_t n = stmt_blob(s, 12, row->values, sizeof row->values) / sizeof row->values[0];

    if (n == 0 && !stmt_is_null(s, 11)) {
        row->values[0] = stmt_real(s, 11);
        n = 1;
    }
    row->n_values = n < OBJECTIVES_MAX ? n : OBJECTIVES_MAX;
    n = stmt_blob(s, 24, row->bounded, sizeof row->bounded) / sizeof row->bounded[0];
    row->n_bounded = n < BOUNDS_MAX ? n : BOUNDS_MAX;
}

static int read_trial(struct stmt *s, struct trial_row *row, struct err *err)
{
    row->id = stmt_int(s, 0);
    row->state = (enum trial_state)stmt_int(s, 1);
    stmt_text_copy(s, 2, row->reason, sizeof row->reason);
    row->source = (enum trial_source)stmt_int(s, 3);
    row->fallback = stmt_int(s, 4) != 0;
    row->ordinal = (uint64_t)stmt_int(s, 5);
    row->attempt = stmt_int(s, 6);
    row->attempt_id = stmt_int(s, 7);
    row->losses = stmt_int(s, 8);
    row->failures = stmt_int(s, 9);
    TRY(read_config(s, 10, row, err));
    read_values(s, row);
    row->metrics = stmt_text_dup(s, 13);
    row->has_step = !stmt_is_null(s, 14);
    row->step = stmt_int(s, 14);
    row->explain = stmt_text_dup(s, 15);
    row->created_at_ms = stmt_int(s, 16);
    row->started_at_ms = stmt_int(s, 17);
    row->ended_at_ms = stmt_int(s, 18);
    row->ended_seq = stmt_int(s, 19);
    stmt_text_copy(s, 20, row->worker, sizeof row->worker);
    row->replaced = stmt_int(s, 21);
    row->ignored = stmt_int(s, 22);
    row->excused = stmt_int(s, 23) != 0;
    return stmt_check(s, err);
}

static int each_trial(struct store *store, struct stmt *s,
                      int (*each)(void *context, struct trial_row *row, struct err *err),
                      void *context, struct err *err)
{
    int more;

    while ((more = stmt_step(store, s, err)) == 1) {
        OWN(trial_row) struct trial_row row = {0};
        TRY(read_trial(s, &row, err));
        int stop = each(context, &row, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

int store_trial_load(struct store *store, int64_t id, struct trial_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TRIAL_LOAD);
    struct trial_row read = {0};

    stmt_bind_int(&s, ":id", id);
    int found = stmt_step(store, &s, err);
    TRY(found < 0);
    if (found == 0) {
        return err_set(err, ERR_NOT_FOUND, "there is no such trial");
    }
    if (read_trial(&s, &read, err) != 0) {
        trial_row_finish(&read);
        return -1;
    }
    *row = read;
    return 0;
}

int store_each_open_trial(struct store *store,
                          int (*each)(void *context, struct trial_row *row, struct err *err),
                          void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TRIAL_OPEN);

    return each_trial(store, &s, each, context, err);
}

int store_each_trial(struct store *store, const struct trial_query *query,
                     int (*each)(void *context, struct trial_row *row, struct err *err),
                     void *context, struct err *err)
{
    OWN(stmt)
    struct stmt s = stmt_use(store, query->reverse ? STMT_TRIAL_PAGE_BACK : STMT_TRIAL_PAGE);
    int64_t first = trial_id(query->study, 0);
    int64_t last = trial_id(query->study, TRIAL_NUMBER_MAX);
    int64_t after = trial_id(query->study, query->after_number);

    if (query->reverse) {
        stmt_bind_int(&s, ":after", query->after_number == 0 ? last + 1 : after);
        stmt_bind_int(&s, ":last", first + 1);
    } else {
        stmt_bind_int(&s, ":after", after);
        stmt_bind_int(&s, ":last", last);
    }
    stmt_bind_int(&s, ":states", query->states == 0 ? 0xff : query->states);
    stmt_bind_int(&s, ":sources", query->sources == 0 ? 0xff : query->sources);
    stmt_bind_int(&s, ":limit", query->limit);
    return each_trial(store, &s, each, context, err);
}

int store_each_trial_value(struct store *store, const struct trial_value_query *query,
                           int (*each)(void *context, const struct trial_value_row *row,
                                       struct err *err),
                           void *context, struct err *err)
{
    const unsigned open = 1U << TRIAL_QUEUED | 1U << TRIAL_RUNNING
                          | (query->best_of == NULL ? 1U << TRIAL_PAUSED : 0);
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TRIAL_VALUES);
    int more;

    stmt_bind_int(&s, ":first", trial_id(query->study, query->trial == 0 ? 1 : query->trial));
    stmt_bind_int(&s, ":last",
                  trial_id(query->study, query->trial == 0 ? TRIAL_NUMBER_MAX : query->trial));
    stmt_bind_int(&s, ":states", 0xff & ~open);
    stmt_bind_text(&s, ":metric", query->metric);
    stmt_bind_study(&s, ":best_of", query->best_of);
    while ((more = stmt_step(store, &s, err)) == 1) {
        const bool has_value = !stmt_is_null(&s, 4) && !stmt_is_null(&s, 5);
        const struct trial_value_row row = {.number = trial_id_number(stmt_int(&s, 0)),
                                            .state = (enum trial_state)stmt_int(&s, 1),
                                            .source = (enum trial_source)stmt_int(&s, 2),
                                            .ended_seq = stmt_int(&s, 3),
                                            .level = has_value ? stmt_int(&s, 4) : 0,
                                            .value = has_value ? stmt_real(&s, 5) : (double)NAN};
        TRY(each(context, &row, err));
    }
    return more;
}

int store_each_trial_ended_after(struct store *store, int64_t study, int64_t after_seq,
                                 int (*each)(void *context, struct trial_row *row, struct err *err),
                                 void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TRIAL_ENDED_AFTER);

    stmt_bind_int(&s, ":first", trial_id(study, 0));
    stmt_bind_int(&s, ":last", trial_id(study, TRIAL_NUMBER_MAX));
    stmt_bind_int(&s, ":after", after_seq);
    return each_trial(store, &s, each, context, err);
}

/* ---- attempts ---- */

void attempt_row_finish(struct attempt_row *row)
{
    free(row->detail);
    free(row->checkpoint);
    free(row->usage);
    row->detail = NULL;
    row->checkpoint = NULL;
    row->usage = NULL;
}

int store_attempt_insert(struct store *store, struct attempt_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_ATTEMPT_INSERT);

    stmt_bind_int(&s, ":trial", row->trial);
    stmt_bind_int(&s, ":number", row->number);
    stmt_bind_blob(&s, ":secret", row->secret, sizeof row->secret);
    stmt_bind_int(&s, ":worker", row->worker);
    stmt_bind_blob(&s, ":request", row->has_request ? row->request : NULL, sizeof row->request);
    stmt_bind_int(&s, ":from_step", row->from);
    stmt_bind_int(&s, ":to_step", row->to);
    stmt_bind_int(&s, ":leased_at_ms", row->leased_at_ms);
    stmt_bind_int_or_null(&s, ":ttl_ms", row->ttl_ms > 0, row->ttl_ms);
    TRY(stmt_run(store, &s, err));
    row->id = sqlite3_last_insert_rowid(store->db);
    return 0;
}

int store_attempt_update(struct store *store, const struct attempt_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_ATTEMPT_UPDATE);

    stmt_bind_int(&s, ":id", row->id);
    stmt_bind_int(&s, ":end", row->end);
    stmt_bind_text(&s, ":reason", text_or_null(row->reason));
    stmt_bind_text(&s, ":detail", row->detail);
    stmt_bind_int_or_null(&s, ":step", row->has_step, row->step);
    stmt_bind_int(&s, ":to_step", row->to);
    stmt_bind_int(&s, ":late", row->late);
    stmt_bind_blob(&s, ":result", row->has_result ? row->result : NULL, sizeof row->result);
    stmt_bind_text(&s, ":checkpoint", row->checkpoint);
    stmt_bind_text(&s, ":usage", row->usage);
    stmt_bind_int_or_null(&s, ":ended_at_ms", row->ended_at_ms != 0, row->ended_at_ms);
    return stmt_run(store, &s, err);
}

static int read_attempt(struct stmt *s, struct attempt_row *row, struct err *err)
{
    row->id = stmt_int(s, 0);
    row->trial = stmt_int(s, 1);
    row->number = stmt_int(s, 2);
    (void)stmt_blob(s, 3, row->secret, sizeof row->secret);
    row->worker = stmt_int(s, 4);
    row->has_request = stmt_blob(s, 5, row->request, sizeof row->request) > 0;
    row->from = stmt_int(s, 6);
    row->to = stmt_int(s, 7);
    row->leased_at_ms = stmt_int(s, 8);
    row->end = (enum attempt_end)stmt_int(s, 9);
    stmt_text_copy(s, 10, row->reason, sizeof row->reason);
    row->detail = stmt_text_dup(s, 11);
    row->has_step = !stmt_is_null(s, 12);
    row->step = stmt_int(s, 12);
    row->late = stmt_int(s, 13) != 0;
    row->has_result = stmt_blob(s, 14, row->result, sizeof row->result) > 0;
    row->checkpoint = stmt_text_dup(s, 15);
    row->usage = stmt_text_dup(s, 16);
    row->ended_at_ms = stmt_int(s, 17);
    stmt_text_copy(s, 18, row->worker_name, sizeof row->worker_name);
    row->ttl_ms = stmt_int(s, 19);
    return stmt_check(s, err);
}

int store_attempts_forget_checkpoints(struct store *store, int64_t trial, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_ATTEMPTS_FORGET);

    stmt_bind_int(&s, ":trial", trial);
    return stmt_run(store, &s, err);
}

int store_attempt_load(struct store *store, int64_t id, struct attempt_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_ATTEMPT_LOAD);

    stmt_bind_int(&s, ":id", id);
    int found = stmt_step(store, &s, err);
    TRY(found < 0);
    if (found == 0) {
        return store_unknown_lease(store, err);
    }
    struct attempt_row read = {0};
    if (read_attempt(&s, &read, err) != 0) {
        attempt_row_finish(&read);
        return -1;
    }
    *row = read;
    return 0;
}

static int each_attempt(struct store *store, struct stmt *s,
                        int (*each)(void *context, struct attempt_row *row, struct err *err),
                        void *context, struct err *err)
{
    int more;

    while ((more = stmt_step(store, s, err)) == 1) {
        OWN(attempt_row) struct attempt_row row = {0};
        TRY(read_attempt(s, &row, err));
        int stop = each(context, &row, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

int store_each_attempt(struct store *store, int64_t trial,
                       int (*each)(void *context, struct attempt_row *row, struct err *err),
                       void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_ATTEMPT_OF_TRIAL);

    stmt_bind_int(&s, ":trial", trial);
    return each_attempt(store, &s, each, context, err);
}

int store_each_attempt_between(struct store *store, int64_t first, int64_t last,
                               int (*each)(void *context, struct attempt_row *row, struct err *err),
                               void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_ATTEMPT_OF_TRIALS);

    stmt_bind_int(&s, ":first", first);
    stmt_bind_int(&s, ":last", last);
    return each_attempt(store, &s, each, context, err);
}

int store_each_recent_request(struct store *store, int64_t after_seq,
                              int (*each)(void *context, struct attempt_row *row, struct err *err),
                              void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_ATTEMPT_RECENT_REQUEST);

    stmt_bind_int(&s, ":after", after_seq);
    return each_attempt(store, &s, each, context, err);
}

int store_evidence_insert(struct store *store, int64_t attempt, int64_t at_ms, const char *body,
                          struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_EVIDENCE_INSERT);

    stmt_bind_int(&s, ":attempt", attempt);
    stmt_bind_int(&s, ":at_ms", at_ms);
    stmt_bind_text(&s, ":body", body);
    return stmt_run(store, &s, err);
}
