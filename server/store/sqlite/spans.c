/* Attempts as spans of time, without their texts: of a study, and of a window of time. */
#include "server/store/spans.h"
#include "server/store/sqlite/connection.h"

static void read_span(struct stmt *s, struct span_row *row)
{
    row->attempt_id = stmt_int(s, 0);
    row->trial = stmt_int(s, 1);
    row->number = stmt_int(s, 2);
    row->end = (enum attempt_end)stmt_int(s, 3);
    row->from = stmt_int(s, 4);
    row->step = stmt_is_null(s, 5) ? row->from : stmt_int(s, 5);
    row->has_checkpoint = stmt_int(s, 6) != 0;
    row->started_at_ms = stmt_int(s, 7);
    row->ended_at_ms = stmt_int(s, 8);
    row->trial_state = (enum trial_state)stmt_int(s, 9);
    stmt_text_copy(s, 10, row->worker, sizeof row->worker);
}

static int each_span(struct store *store, struct stmt *s,
                     int (*each)(void *context, const struct span_row *row, struct err *err),
                     void *context, struct err *err)
{
    struct span_row row;
    int more;

    while ((more = stmt_step(store, s, err)) == 1) {
        read_span(s, &row);
        TRY(stmt_check(s, err));
        int stop = each(context, &row, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

static void bind_study(struct stmt *s, int64_t study)
{
    stmt_bind_int(s, ":first", study == 0 ? 0 : trial_id(study, 0));
    stmt_bind_int(s, ":last", study == 0 ? INT64_MAX : trial_id(study, TRIAL_NUMBER_MAX));
}

int store_each_span(struct store *store, int64_t study,
                    int (*each)(void *context, const struct span_row *row, struct err *err),
                    void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_SPAN_OF_STUDY);

    bind_study(&s, study);
    return each_span(store, &s, each, context, err);
}

int store_each_span_within(struct store *store, const struct span_query *query,
                           int (*each)(void *context, const struct span_row *row, struct err *err),
                           void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_SPAN_WITHIN);

    bind_study(&s, query->study);
    stmt_bind_int(&s, ":since_ms", query->since_ms);
    stmt_bind_int(&s, ":until_ms", query->until_ms);
    stmt_bind_int(&s, ":looked_at", query->looked_at);
    stmt_bind_int(&s, ":limit", query->limit);
    return each_span(store, &s, each, context, err);
}

int store_span_load(struct store *store, int64_t trial, int64_t attempt, struct span_row *row,
                    struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_SPAN_LOAD);

    stmt_bind_int(&s, ":trial", trial);
    stmt_bind_int(&s, ":number", attempt);
    int found = stmt_step(store, &s, err);
    TRY(found < 0);
    if (found == 0) {
        return err_set(err, ERR_NOT_FOUND, "there is no such attempt");
    }
    read_span(&s, row);
    return stmt_check(&s, err);
}
