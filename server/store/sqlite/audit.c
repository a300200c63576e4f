/* Who changed what. */
#include "server/store/audit.h"

#include "server/store/sqlite/connection.h"

const char *audit_action_name(enum audit_action action)
{
    static const char *const names[AUDIT_ACTION_COUNT] = {
        [AUDIT_STUDY_CREATED] = "study-created",     [AUDIT_STUDY_CHANGED] = "study-changed",
        [AUDIT_STUDY_DELETED] = "study-deleted",     [AUDIT_TRIALS_ADDED] = "trials-added",
        [AUDIT_TRIAL_CANCELLED] = "trial-cancelled", [AUDIT_TRIALS_RETRIED] = "trials-retried",
        [AUDIT_TOKEN_CREATED] = "token-created",     [AUDIT_TOKEN_REVOKED] = "token-revoked",
        [AUDIT_NODE_DRAINED] = "node-drained",       [AUDIT_NODE_RESUMED] = "node-resumed",
        [AUDIT_BACKUP_STARTED] = "backup-started",
    };

    return (unsigned)action < AUDIT_ACTION_COUNT ? names[action] : "unknown";
}

int store_audit_append(struct store *store, const struct audit_row *row, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_AUDIT_INSERT);

    stmt_bind_int(&s, ":at_ms", row->at_ms);
    stmt_bind_text(&s, ":token", row->token);
    stmt_bind_text(&s, ":address", row->address);
    stmt_bind_int(&s, ":action", row->action);
    stmt_bind_text(&s, ":study", row->study);
    stmt_bind_int_or_null(&s, ":trial", row->trial != 0, row->trial);
    stmt_bind_text(&s, ":target", row->target);
    stmt_bind_text(&s, ":detail", row->detail);
    return stmt_run(store, &s, err);
}

int store_each_audit(struct store *store, int64_t before, int64_t limit,
                     int (*each)(void *context, const struct audit_row *row, struct err *err),
                     void *context, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_AUDIT_EACH);
    int more;

    stmt_bind_int(&s, ":before", before);
    stmt_bind_int(&s, ":limit", limit);
    while ((more = stmt_step(store, &s, err)) == 1) {
        const struct audit_row row = {
            .id = stmt_int(&s, 0),
            .at_ms = stmt_int(&s, 1),
            .token = stmt_text_borrow(&s, 2),
            .token_name = stmt_text_borrow(&s, 3),
            .address = stmt_text_borrow(&s, 4),
            .action = (enum audit_action)stmt_int(&s, 5),
            .study = stmt_text_borrow(&s, 6),
            .trial = stmt_int(&s, 7),
            .target = stmt_text_borrow(&s, 8),
            .detail = stmt_text_borrow(&s, 9),
        };
        TRY(stmt_check(&s, err));
        int stop = each(context, &row, err);
        if (stop != 0) {
            return stop;
        }
    }
    return more;
}

int store_audit_purge(struct store *store, int64_t before_ms, int rows, bool *more, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_AUDIT_PURGE);

    stmt_bind_int(&s, ":before_ms", before_ms);
    stmt_bind_int(&s, ":rows", rows);
    TRY(stmt_run(store, &s, err));
    *more = sqlite3_changes(store->db) == rows;
    return 0;
}
