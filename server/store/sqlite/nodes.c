/* Nodes of which there is something to keep. */
#include <stdlib.h>

#include "server/store/sqlite/connection.h"

int store_node_save(struct store *store, const struct node_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_NODE_SAVE);
    bool quarantined = row->quarantined_at_ms != 0;

    stmt_bind_text(&s, ":name", row->name);
    stmt_bind_blob(&s, ":failed", row->n_failed > 0 ? row->failed : NULL,
                   row->n_failed * sizeof row->failed[0]);
    stmt_bind_int(&s, ":draining", row->draining);
    stmt_bind_int_or_null(&s, ":quarantined_at_ms", quarantined, row->quarantined_at_ms);
    stmt_bind_int_or_null(&s, ":others_at_ms", quarantined, row->others_at_ms);
    stmt_bind_int_or_null(&s, ":probe_at_ms", quarantined, row->probe_at_ms);
    stmt_bind_int(&s, ":probes", row->probes);
    stmt_bind_text(&s, ":reason", row->reason[0] == '\0' ? NULL : row->reason);
    return stmt_run(store, &s, err);
}

int store_node_delete(struct store *store, const char *name, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_NODE_DELETE);

    stmt_bind_text(&s, ":name", name);
    return stmt_run(store, &s, err);
}

int store_each_node(struct store *store,
                    int (*each)(void *context, const struct node_row *row, struct err *err),
                    void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_NODE_EACH);
    int more;

    while ((more = stmt_step(store, &s, err)) == 1) {
        struct node_row row = {
            .draining = stmt_int(&s, 2) != 0,
            .quarantined_at_ms = stmt_int(&s, 3),
            .others_at_ms = stmt_int(&s, 4),
            .probe_at_ms = stmt_int(&s, 5),
            .probes = stmt_int(&s, 6),
        };
        stmt_text_copy(&s, 0, row.name, sizeof row.name);
        size_t n = stmt_blob(&s, 1, row.failed, sizeof row.failed) / sizeof row.failed[0];
        row.n_failed = n < NODE_FAILURES_MAX ? n : NODE_FAILURES_MAX;
        stmt_text_copy(&s, 7, row.reason, sizeof row.reason);
        TRY(stmt_check(&s, err));
        int stop = each(context, &row, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}
