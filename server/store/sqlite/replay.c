/* What decisions were made from. */
#include <stdlib.h>

#include "server/store/decisions.h"
#include "server/store/sqlite/connection.h"

/* The trials of a study. */
static void bind_trials(struct stmt *s, int64_t study)
{
    stmt_bind_int(s, ":first", trial_id(study, 0));
    stmt_bind_int(s, ":last", trial_id(study, TRIAL_NUMBER_MAX));
}

int store_each_basis(struct store *store, int64_t study,
                     int (*each)(void *context, int64_t trial, const void *basis, size_t bytes,
                                 struct err *err),
                     void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_BASIS_EACH);
    int more;

    bind_trials(&s, study);
    while ((more = stmt_step(store, &s, err)) == 1) {
        size_t bytes;
        const void *basis = stmt_blob_borrow(&s, 1, &bytes);
        TRY(stmt_check(&s, err));
        int stop = each(context, stmt_int(&s, 0), basis, bytes, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

int store_standing_insert(struct store *store, const struct standing_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STANDING_INSERT);

    stmt_bind_int(&s, ":trial", row->trial);
    stmt_bind_int(&s, ":seq", row->seq);
    stmt_bind_int(&s, ":state", row->state);
    stmt_bind_int_or_null(&s, ":step", row->has_step, row->step);
    stmt_bind_blob(&s, ":value", row->values, row->n_values * sizeof row->values[0]);
    stmt_bind_blob(&s, ":bounded", row->bounded, row->n_bounded * sizeof row->bounded[0]);
    return stmt_run(store, &s, err);
}

int store_each_standing(struct store *store, int64_t study,
                        int (*each)(void *context, const struct standing_row *row, struct err *err),
                        void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_STANDING_EACH);
    int more;

    bind_trials(&s, study);
    while ((more = stmt_step(store, &s, err)) == 1) {
        struct standing_row row = {
            .trial = stmt_int(&s, 0),
            .seq = stmt_int(&s, 1),
            .state = (enum trial_state)stmt_int(&s, 2),
            .has_step = !stmt_is_null(&s, 3),
            .step = stmt_int(&s, 3),
        };
        size_t n = stmt_blob(&s, 4, row.values, sizeof row.values) / sizeof row.values[0];
        row.n_values = n < OBJECTIVES_MAX ? n : OBJECTIVES_MAX;
        n = stmt_blob(&s, 5, row.bounded, sizeof row.bounded) / sizeof row.bounded[0];
        row.n_bounded = n < BOUNDS_MAX ? n : BOUNDS_MAX;
        TRY(stmt_check(&s, err));
        int stop = each(context, &row, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

int store_former_insert(struct store *store, int64_t study, int64_t seq, const char *definition,
                        struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_FORMER_INSERT);

    stmt_bind_int(&s, ":study", study);
    stmt_bind_int(&s, ":seq", seq);
    stmt_bind_text(&s, ":definition", definition);
    return stmt_run(store, &s, err);
}

int store_each_former(struct store *store, int64_t study,
                      int (*each)(void *context, int64_t seq, const char *definition,
                                  struct err *err),
                      void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_FORMER_EACH);
    int more;

    stmt_bind_int(&s, ":study", study);
    while ((more = stmt_step(store, &s, err)) == 1) {
        OWN(memory) char *definition = stmt_text_dup(&s, 1);
        TRY(stmt_check(&s, err));
        int stop = each(context, stmt_int(&s, 0), definition, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}
