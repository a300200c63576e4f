/* Rows of studies, their metrics, and workers. */
#include <stdlib.h>
#include <string.h>

#include "server/store/sqlite/connection.h"

void study_row_finish(struct study_row *row)
{
    free(row->accepted);
    free(row->definition);
    row->accepted = NULL;
    row->definition = NULL;
}

int store_study_former_revision(struct store *store, const char *name, int64_t *revision,
                                struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STUDY_FORMER);

    stmt_bind_text(&s, ":name", name);
    TRY(stmt_step(store, &s, err) < 0);
    *revision = stmt_int(&s, 0);
    return 0;
}

int store_study_insert(struct store *store, struct study_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STUDY_INSERT);

    stmt_bind_text(&s, ":name", row->name);
    stmt_bind_text(&s, ":accepted", row->accepted);
    stmt_bind_text(&s, ":definition", row->definition);
    stmt_bind_int(&s, ":state", row->state);
    stmt_bind_int(&s, ":reason", row->reason);
    stmt_bind_int(&s, ":revision", row->revision);
    stmt_bind_int(&s, ":created_at_ms", row->created_at_ms);
    stmt_bind_blob(&s, ":counts", row->counts, sizeof row->counts);
    TRY(stmt_run(store, &s, err));
    row->id = sqlite3_last_insert_rowid(store->db);
    return 0;
}

static int update_definition(struct store *store, const struct study_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STUDY_DEFINE);

    stmt_bind_int(&s, ":id", row->id);
    stmt_bind_text(&s, ":definition", row->definition);
    return stmt_run(store, &s, err);
}

int store_study_update(struct store *store, const struct study_row *row, bool define,
                       struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STUDY_UPDATE);

    stmt_bind_int(&s, ":id", row->id);
    stmt_bind_int(&s, ":state", row->state);
    stmt_bind_int(&s, ":reason", row->reason);
    stmt_bind_int(&s, ":revision", row->revision);
    stmt_bind_int_or_null(&s, ":started_at_ms", row->started_at_ms != 0, row->started_at_ms);
    stmt_bind_int_or_null(&s, ":paused_at_ms", row->paused_at_ms != 0, row->paused_at_ms);
    stmt_bind_int(&s, ":paused_ms", row->paused_ms);
    stmt_bind_int(&s, ":last_number", row->last_number);
    stmt_bind_int(&s, ":last_ordinal", (int64_t)row->last_ordinal);
    stmt_bind_int(&s, ":leased_trials", row->leased_trials);
    stmt_bind_int(&s, ":resource_spent", row->resource_spent);
    stmt_bind_int(&s, ":exhausted", row->exhausted);
    stmt_bind_int(&s, ":target_reached", row->target_reached);
    stmt_bind_blob(&s, ":counts", row->counts, sizeof row->counts);
    stmt_bind_int_or_null(&s, ":best_trial", row->best_trial != 0, row->best_trial);
    stmt_bind_real_or_null(&s, ":best_value", row->best_trial != 0, row->best_value);
    stmt_bind_int_or_null(&s, ":best_resource", row->best_trial != 0, row->best_resource);
    stmt_bind_int(&s, ":failed_in_row", row->failed_in_row);
    stmt_bind_int(&s, ":has_value", row->has_value);
    stmt_bind_int(&s, ":enqueued_trials", row->enqueued_trials);
    stmt_bind_int(&s, ":feasible_trials", row->feasible_trials);
    stmt_bind_int(&s, ":bounds_seen", row->bounds_seen);
    TRY(stmt_run(store, &s, err));
    return define ? update_definition(store, row, err) : 0;
}

int store_study_delete(struct store *store, int64_t id, int64_t now_ms, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STUDY_DELETE);

    stmt_bind_int(&s, ":id", id);
    stmt_bind_int(&s, ":now_ms", now_ms);
    return stmt_run(store, &s, err);
}

static int read_study(struct stmt *s, struct study_row *row, struct err *err)
{
    row->id = stmt_int(s, 0);
    stmt_text_copy(s, 1, row->name, sizeof row->name);
    row->accepted = stmt_text_dup(s, 2);
    row->definition = stmt_text_dup(s, 3);
    row->state = (enum study_state)stmt_int(s, 4);
    row->reason = (enum study_reason)stmt_int(s, 5);
    row->revision = stmt_int(s, 6);
    row->created_at_ms = stmt_int(s, 7);
    row->started_at_ms = stmt_int(s, 8);
    row->paused_at_ms = stmt_int(s, 9);
    row->paused_ms = stmt_int(s, 10);
    row->last_number = stmt_int(s, 11);
    row->last_ordinal = (uint64_t)stmt_int(s, 12);
    row->leased_trials = stmt_int(s, 13);
    row->resource_spent = stmt_int(s, 14);
    row->exhausted = stmt_int(s, 15) != 0;
    row->target_reached = stmt_int(s, 16) != 0;
    (void)stmt_blob(s, 17, row->counts, sizeof row->counts);
    row->best_trial = stmt_int(s, 18);
    row->best_value = stmt_real(s, 19);
    row->best_resource = stmt_int(s, 20);
    row->failed_in_row = stmt_int(s, 21);
    row->has_value = stmt_int(s, 22) != 0;
    row->enqueued_trials = stmt_int(s, 23);
    row->feasible_trials = stmt_int(s, 24);
    row->bounds_seen = stmt_int(s, 25);
    return stmt_check(s, err);
}

/* Stops when `each` returns non-zero, which it returns. */
static int each_study(struct store *store, struct stmt *s,
                      int (*each)(void *context, struct study_row *row, struct err *err),
                      void *context, struct err *err)
{
    int more;

    while ((more = stmt_step(store, s, err)) == 1) {
        OWN(study_row) struct study_row row = {0};
        TRY(read_study(s, &row, err));
        int stop = each(context, &row, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

int store_each_study(struct store *store,
                     int (*each)(void *context, struct study_row *row, struct err *err),
                     void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STUDY_EACH);

    return each_study(store, &s, each, context, err);
}

int store_study_load(struct store *store, int64_t id, struct study_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STUDY_LOAD);
    struct study_row read = {0};

    stmt_bind_int(&s, ":id", id);
    int found = stmt_step(store, &s, err);
    TRY(found < 0);
    if (found == 0) {
        return err_set(err, ERR_NOT_FOUND, "there is no such study");
    }
    if (read_study(&s, &read, err) != 0) {
        study_row_finish(&read);
        return -1;
    }
    *row = read;
    return 0;
}

int store_each_study_of(struct store *store, const struct study_query *query,
                        int (*each)(void *context, struct study_row *row, struct err *err),
                        void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STUDY_PAGE);

    stmt_bind_int(&s, ":after", query->after_id);
    stmt_bind_int_or_null(&s, ":state", query->state >= 0, query->state);
    stmt_bind_int(&s, ":limit", query->limit);
    return each_study(store, &s, each, context, err);
}

int store_metric_insert(struct store *store, int64_t study, int64_t id, const char *name,
                        struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_METRIC_INSERT);

    stmt_bind_int(&s, ":study", study);
    stmt_bind_int(&s, ":id", id);
    stmt_bind_text(&s, ":name", name);
    return stmt_run(store, &s, err);
}

/* Both tables of names read alike. */
static int each_name(struct store *store, struct stmt *s,
                     int (*each)(void *context, int64_t id, const char *name, struct err *err),
                     void *context, struct err *err)
{
    int more;

    while ((more = stmt_step(store, s, err)) == 1) {
        char name[WORKER_NAME_BYTES];
        stmt_text_copy(s, 1, name, sizeof name);
        TRY(stmt_check(s, err));
        int stop = each(context, stmt_int(s, 0), name, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

int store_each_metric(struct store *store, int64_t study,
                      int (*each)(void *context, int64_t id, const char *name, struct err *err),
                      void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_METRIC_EACH);

    stmt_bind_int(&s, ":study", study);
    return each_name(store, &s, each, context, err);
}

static int insert_worker(struct store *store, const char *name, int64_t *id, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_WORKER_INSERT);

    stmt_bind_text(&s, ":name", name);
    TRY(stmt_run(store, &s, err));
    *id = sqlite3_last_insert_rowid(store->db);
    return 0;
}

int store_worker_save(struct store *store, const char *name, int64_t *id, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_WORKER_FIND);

    stmt_bind_text(&s, ":name", name);
    int found = stmt_step(store, &s, err);
    if (found == 1) {
        *id = stmt_int(&s, 0);
        return 0;
    }
    return found < 0 ? -1 : insert_worker(store, name, id, err);
}

int store_each_worker(struct store *store, int64_t attempts,
                      int (*each)(void *context, int64_t id, const char *name, struct err *err),
                      void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_WORKER_EACH);

    stmt_bind_int(&s, ":attempts", attempts);
    return each_name(store, &s, each, context, err);
}

/* ---- deleted studies, some rows at a time ---- */

/* Which rows refer to which: those that are referred to go last. */
static const enum stmt_name purge_steps[] = {
    STMT_PURGE_MEASUREMENTS, STMT_PURGE_EVIDENCE, STMT_PURGE_ATTEMPTS,  STMT_PURGE_TRIALS,
    STMT_PURGE_FACTS,        STMT_PURGE_FITS,     STMT_PURGE_STANDINGS, STMT_PURGE_FORMER,
    STMT_PURGE_TRANSFERS,    STMT_PURGE_METRICS,
};

/* *left: how many rows may still go; what went is taken off. */
static int purge_step(struct store *store, enum stmt_name name, int64_t study, int *left,
                      struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, name);

    stmt_bind_int(&s, ":study", study);
    stmt_bind_int(&s, ":rows", *left);
    TRY(stmt_run(store, &s, err));
    *left -= sqlite3_changes(store->db);
    return 0;
}

/* Of the numbers of studies that are gone, the largest is kept, so that none comes again: what is
 * known of that study elsewhere would be taken for the new one's. */
static int purge_last(struct store *store, int64_t study, int rows, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_PURGE_NOTE);

    stmt_bind_int(&s, ":study", study);
    TRY(stmt_run(store, &s, err));
    return purge_step(store, STMT_PURGE_STUDY, study, &rows, err);
}

static int purge_study(struct store *store, int64_t study, int rows, struct err *err)
{
    for (size_t i = 0; i < sizeof purge_steps / sizeof purge_steps[0] && rows > 0; i++) {
        TRY(purge_step(store, purge_steps[i], study, &rows, err));
    }
    if (rows == 0) {
        return 0;
    }
    if (store->purged_study != study) {
        store->purged_study = study;
        store->purged_event = 0;
    }
    if (store->purged_event < INT64_MAX) {
        return store_event_purge_study(store, study, &store->purged_event, rows, err);
    }
    return purge_last(store, study, rows, err);
}

int store_purge_deleted(struct store *store, int64_t before_ms, int rows, bool *more,
                        struct err *err)
{
    int64_t study = 0;

    {
        OWN(stmt) struct stmt s = stmt_use(store, STMT_PURGE_FIND);
        stmt_bind_int(&s, ":before_ms", before_ms);
        int found = stmt_step(store, &s, err);
        TRY(found < 0);
        study = found == 1 ? stmt_int(&s, 0) : 0;
    }
    *more = study != 0;
    return study == 0 ? 0 : purge_study(store, study, rows, err);
}
