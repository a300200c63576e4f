/* Checkpoints that are obsolete, until a lease has listed them. */
#include <stdlib.h>

#include "server/store/discards.h"
#include "server/store/sqlite/connection.h"

int store_discard_insert(struct store *store, struct discard_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_DISCARD_INSERT);

    stmt_bind_int(&s, ":study", row->study);
    stmt_bind_text(&s, ":host", row->host);
    stmt_bind_text(&s, ":uri", row->uri);
    stmt_bind_int(&s, ":at_ms", row->at_ms);
    TRY(stmt_run(store, &s, err));
    row->id = sqlite3_last_insert_rowid(store->db);
    return 0;
}

int store_discard_assign(struct store *store, int64_t id, int64_t attempt, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_DISCARD_ASSIGN);

    stmt_bind_int(&s, ":id", id);
    stmt_bind_int_or_null(&s, ":attempt", attempt != 0, attempt);
    return stmt_run(store, &s, err);
}

int store_discard_delete(struct store *store, int64_t id, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_DISCARD_DELETE);

    stmt_bind_int(&s, ":id", id);
    return stmt_run(store, &s, err);
}

int store_each_discard(struct store *store,
                       int (*each)(void *context, const struct discard_row *row, struct err *err),
                       void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_DISCARD_EACH);
    int more;

    while ((more = stmt_step(store, &s, err)) == 1) {
        OWN(memory) char *uri = stmt_text_dup(&s, 3);
        struct discard_row row = {
            .id = stmt_int(&s, 0),
            .study = stmt_int(&s, 1),
            .uri = uri,
            .attempt = stmt_int(&s, 4),
            .at_ms = stmt_int(&s, 5),
        };
        stmt_text_copy(&s, 2, row.host, sizeof row.host);
        TRY(stmt_check(&s, err));
        int stop = each(context, &row, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}
