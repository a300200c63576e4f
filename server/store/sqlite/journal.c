/* What only grows: measurements, facts, fits, replies; and tokens. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/decisions.h"
#include "server/store/replies.h"
#include "server/store/sqlite/connection.h"
#include "server/store/tokens.h"

/* A statement about one value. */
static struct stmt use_for(struct store *store, enum stmt_name name,
                           const struct measurement_row *row)
{
    struct stmt s = stmt_use(store, name);

    stmt_bind_int(&s, ":trial", row->trial);
    stmt_bind_int(&s, ":attempt", row->attempt);
    stmt_bind_int(&s, ":metric", row->metric);
    stmt_bind_int(&s, ":step", row->step);
    return s;
}

static int compare_stored(struct store *store, const struct measurement_row *row,
                          enum store_append *result, struct err *err)
{
    OWN(stmt) struct stmt s = use_for(store, STMT_MEASUREMENT_GET, row);

    TRY(stmt_step(store, &s, err) < 0);
    double stored = stmt_real(&s, 0);
    bool same = stored == row->value || (isnan(stored) && isnan(row->value));
    *result = same ? APPEND_DUPLICATE : APPEND_CONFLICT;
    return 0;
}

int store_measurement_append(struct store *store, const struct measurement_row *row,
                             enum store_append *result, struct err *err)
{
    OWN(stmt) struct stmt s = use_for(store, STMT_MEASUREMENT_INSERT, row);

    stmt_bind_real(&s, ":value", row->value);
    TRY(stmt_run(store, &s, err));
    if (sqlite3_changes(store->db) == 0) {
        return compare_stored(store, row, result, err);
    }
    *result = APPEND_NEW;
    return 0;
}

int store_measurement_replace(struct store *store, const struct measurement_row *row,
                              struct err *err)
{
    OWN(stmt) struct stmt s = use_for(store, STMT_MEASUREMENT_REPLACE, row);

    stmt_bind_real(&s, ":value", row->value);
    return stmt_run(store, &s, err);
}

int store_measurement_exists(struct store *store, const struct measurement_row *row, bool *found,
                             struct err *err)
{
    OWN(stmt) struct stmt s = use_for(store, STMT_MEASUREMENT_GET, row);
    int more = stmt_step(store, &s, err);

    TRY(more < 0);
    *found = more == 1;
    return 0;
}

static int tell_measurements(struct store *store, struct stmt *s,
                             int (*each)(void *context, int64_t metric, int64_t attempt,
                                         int64_t step, double value, struct err *err),
                             void *context, struct err *err)
{
    int more;

    while ((more = stmt_step(store, s, err)) == 1) {
        int stop =
            each(context, stmt_int(s, 0), stmt_int(s, 1), stmt_int(s, 2), stmt_real(s, 3), err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

int store_each_measurement(struct store *store, int64_t trial, int64_t metric,
                           int (*each)(void *context, int64_t metric, int64_t attempt, int64_t step,
                                       double value, struct err *err),
                           void *context, struct err *err)
{
    OWN(stmt)
    struct stmt s =
        stmt_use(store, metric < 0 ? STMT_MEASUREMENT_EACH : STMT_MEASUREMENT_OF_METRIC);

    stmt_bind_int(&s, ":trial", trial);
    if (metric >= 0) {
        stmt_bind_int(&s, ":metric", metric);
    }
    return tell_measurements(store, &s, each, context, err);
}

/* The next attempt and metric of a trial that have measurements. 1: found, 0: there is none. */
static int next_series(struct store *store, int64_t trial, int64_t *attempt, int64_t *metric,
                       struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_MEASUREMENT_SERIES);

    stmt_bind_int(&s, ":trial", trial);
    stmt_bind_int(&s, ":attempt", *attempt);
    stmt_bind_int(&s, ":metric", *metric);
    int more = stmt_step(store, &s, err);
    if (more == 1) {
        *attempt = stmt_int(&s, 0);
        *metric = stmt_int(&s, 1);
    }
    return more;
}

static int each_of_series(struct store *store, const struct measurement_query *query,
                          int64_t attempt, int64_t metric,
                          int (*each)(void *context, int64_t metric, int64_t attempt, int64_t step,
                                      double value, struct err *err),
                          void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_MEASUREMENT_FROM);
    bool is_told = attempt <= query->after_attempt; /* the step where the page before ended */

    stmt_bind_int(&s, ":trial", query->trial);
    stmt_bind_int(&s, ":attempt", attempt);
    stmt_bind_int(&s, ":metric", metric);
    stmt_bind_int(&s, ":step", is_told ? query->after_step + 1 : query->after_step);
    stmt_bind_int(&s, ":limit", query->limit);
    return tell_measurements(store, &s, each, context, err);
}

int store_each_measurement_after(struct store *store, const struct measurement_query *query,
                                 int (*each)(void *context, int64_t metric, int64_t attempt,
                                             int64_t step, double value, struct err *err),
                                 void *context, struct err *err)
{
    int64_t attempt = -1;
    int64_t metric = -1;
    int more;

    while ((more = next_series(store, query->trial, &attempt, &metric, err)) == 1) {
        if (query->metric >= 0 && query->metric != metric) {
            continue;
        }
        int stop = each_of_series(store, query, attempt, metric, each, context, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

/* ---- facts ---- */

int store_fact_append(struct store *store, const struct fact_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_FACT_INSERT);

    stmt_bind_int(&s, ":study", row->study);
    stmt_bind_int(&s, ":fact", row->fact);
    stmt_bind_int(&s, ":trial", row->trial);
    stmt_bind_int(&s, ":bracket", row->bracket);
    stmt_bind_int(&s, ":step", row->step);
    stmt_bind_real(&s, ":value", row->value);
    stmt_bind_int(&s, ":at_ms", row->at_ms);
    stmt_bind_int_or_null(&s, ":seq", row->call != 0, row->seq);
    stmt_bind_int_or_null(&s, ":call", row->call != 0, row->call);
    stmt_bind_int_or_null(&s, ":call_step", row->call != 0, row->call_step);
    stmt_bind_int_or_null(&s, ":reached", row->call != 0, row->reached);
    return stmt_run(store, &s, err);
}

int store_each_fact(struct store *store, int64_t study,
                    int (*each)(void *context, const struct fact_row *row, struct err *err),
                    void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_FACT_EACH);
    int more;

    stmt_bind_int(&s, ":study", study);
    while ((more = stmt_step(store, &s, err)) == 1) {
        struct fact_row row = {
            .study = study,
            .fact = stmt_int(&s, 0),
            .trial = stmt_int(&s, 1),
            .bracket = stmt_int(&s, 2),
            .step = stmt_int(&s, 3),
            .value = stmt_real(&s, 4),
            .at_ms = stmt_int(&s, 5),
            .seq = stmt_int(&s, 6),
            .call = stmt_int(&s, 7),
            .call_step = stmt_int(&s, 8),
            .reached = stmt_int(&s, 9),
        };
        int stop = each(context, &row, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

/* ---- fits ---- */

int store_fit_insert(struct store *store, int64_t study, uint64_t n_seen, const void *data,
                     size_t bytes, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_FIT_INSERT);

    stmt_bind_int(&s, ":study", study);
    stmt_bind_int(&s, ":n_seen", (int64_t)n_seen);
    stmt_bind_blob(&s, ":data", data, bytes);
    return stmt_run(store, &s, err);
}

int store_fits_forget(struct store *store, int64_t study, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_FITS_FORGET);

    stmt_bind_int(&s, ":study", study);
    return stmt_run(store, &s, err);
}

int store_each_fit(struct store *store, int64_t study,
                   int (*each)(void *context, uint64_t n_seen, const void *data, size_t bytes,
                               struct err *err),
                   void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_FIT_EACH);
    int more;

    stmt_bind_int(&s, ":study", study);
    while ((more = stmt_step(store, &s, err)) == 1) {
        size_t bytes;
        const void *data = stmt_blob_borrow(&s, 1, &bytes);
        TRY(stmt_check(&s, err));
        int stop = each(context, (uint64_t)stmt_int(&s, 0), data, bytes, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

/* ---- replies ---- */

int store_reply_find(struct store *store, const unsigned char key[16], struct reply_row *row,
                     bool *found, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_REPLY_FIND);

    stmt_bind_blob(&s, ":key", key, 16);
    int more = stmt_step(store, &s, err);
    TRY(more < 0);
    if (more == 1) {
        struct reply_row read = {.status = stmt_int(&s, 1), .at_ms = stmt_int(&s, 3)};
        memcpy(read.key, key, 16);
        (void)stmt_blob(&s, 0, read.body, sizeof read.body);
        read.text = stmt_text_dup(&s, 2);
        if (stmt_check(&s, err) != 0) {
            free(read.text);
            return -1;
        }
        *row = read;
    }
    *found = more == 1;
    return 0;
}

int store_reply_insert(struct store *store, const struct reply_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_REPLY_INSERT);

    stmt_bind_blob(&s, ":key", row->key, sizeof row->key);
    stmt_bind_blob(&s, ":body", row->body, sizeof row->body);
    stmt_bind_int(&s, ":status", row->status);
    stmt_bind_text(&s, ":text", row->text);
    stmt_bind_int(&s, ":at_ms", row->at_ms);
    return stmt_run(store, &s, err);
}

int store_reply_purge(struct store *store, int64_t before_ms, int rows, bool *more, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_REPLY_PURGE);

    stmt_bind_int(&s, ":before_ms", before_ms);
    stmt_bind_int(&s, ":rows", rows);
    TRY(stmt_run(store, &s, err));
    *more = sqlite3_changes(store->db) == rows;
    return 0;
}

/* ---- tokens ---- */

int store_token_insert(struct store *store, const struct token_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TOKEN_INSERT);

    stmt_bind_text(&s, ":id", row->id);
    stmt_bind_text(&s, ":name", row->name);
    stmt_bind_blob(&s, ":sha256", row->sha256, sizeof row->sha256);
    stmt_bind_int(&s, ":scopes", row->scopes);
    stmt_bind_int(&s, ":created_at_ms", row->created_at_ms);
    stmt_bind_int_or_null(&s, ":expires_at_ms", row->expires_at_ms != 0, row->expires_at_ms);
    return stmt_run(store, &s, err);
}

int store_token_revoke(struct store *store, const char *id, int64_t now_ms, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TOKEN_REVOKE);

    stmt_bind_text(&s, ":id", id);
    stmt_bind_int(&s, ":now_ms", now_ms);
    TRY(stmt_run(store, &s, err));
    if (sqlite3_changes(store->db) == 0) {
        return err_set(err, ERR_NOT_FOUND, "there is no token with the id \"%.16s\"", id);
    }
    return 0;
}

int store_token_used(struct store *store, const struct token_use *use, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TOKEN_USED);

    stmt_bind_text(&s, ":id", use->id);
    stmt_bind_int(&s, ":at_ms", use->at_ms);
    return stmt_run(store, &s, err);
}

int store_each_token(struct store *store,
                     int (*each)(void *context, const struct token_row *row, struct err *err),
                     void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TOKEN_EACH);
    int more;

    while ((more = stmt_step(store, &s, err)) == 1) {
        struct token_row row = {
            .scopes = (unsigned)stmt_int(&s, 3),
            .created_at_ms = stmt_int(&s, 4),
            .expires_at_ms = stmt_int(&s, 5),
            .revoked_at_ms = stmt_int(&s, 6),
            .used_at_ms = stmt_int(&s, 7),
        };
        stmt_text_copy(&s, 0, row.id, sizeof row.id);
        stmt_text_copy(&s, 1, row.name, sizeof row.name);
        (void)stmt_blob(&s, 2, row.sha256, sizeof row.sha256);
        TRY(stmt_check(&s, err));
        int stop = each(context, &row, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}
