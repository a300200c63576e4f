/* Rows that a study took over from older ones. */
#include <stdlib.h>

#include "server/store/decisions.h"
#include "server/store/sqlite/connection.h"

int store_transfer_insert(struct store *store, const struct transfer_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TRANSFER_INSERT);

    stmt_bind_int(&s, ":study", row->study);
    stmt_bind_int(&s, ":place", row->place);
    stmt_bind_int(&s, ":number", row->number);
    stmt_bind_int(&s, ":state", row->state);
    stmt_bind_blob(&s, ":config", row->config, row->n_params * sizeof *row->config);
    stmt_bind_real(&s, ":value", row->value);
    stmt_bind_int(&s, ":step", row->step);
    return stmt_run(store, &s, err);
}

/* *config is the caller's to free. */
static int read_transfer(struct stmt *s, struct transfer_row *row, double **config, struct err *err)
{
    size_t bytes = stmt_blob(s, 3, NULL, 0);

    row->place = stmt_int(s, 0);
    row->number = stmt_int(s, 1);
    row->state = (enum trial_state)stmt_int(s, 2);
    row->n_params = bytes / sizeof *row->config;
    *config = malloc(bytes + 1);
    if (*config == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    (void)stmt_blob(s, 3, *config, bytes);
    row->config = *config;
    row->value = stmt_real(s, 4);
    row->step = stmt_int(s, 5);
    return stmt_check(s, err);
}

int store_each_transfer(struct store *store, int64_t study,
                        int (*each)(void *context, const struct transfer_row *row, struct err *err),
                        void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_TRANSFER_EACH);
    int more;

    stmt_bind_int(&s, ":study", study);
    while ((more = stmt_step(store, &s, err)) == 1) {
        struct transfer_row row = {.study = study};
        OWN(memory) double *config = NULL;
        TRY(read_transfer(&s, &row, &config, err));
        int stop = each(context, &row, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}
