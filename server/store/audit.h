/* Who changed what: rows of the store, written with the change itself. The calls are as those of
 * store.h. */
#ifndef SERVER_STORE_AUDIT_H
#define SERVER_STORE_AUDIT_H

#include "server/store/store.h"

/* Numbers are stored: only add at the end. */
enum audit_action {
    AUDIT_STUDY_CREATED = 0,
    AUDIT_STUDY_CHANGED = 1,
    AUDIT_STUDY_DELETED = 2,
    AUDIT_TRIALS_ADDED = 3,
    AUDIT_TRIAL_CANCELLED = 4,
    AUDIT_TRIALS_RETRIED = 5,
    AUDIT_TOKEN_CREATED = 6,
    AUDIT_TOKEN_REVOKED = 7,
    AUDIT_NODE_DRAINED = 8,
    AUDIT_NODE_RESUMED = 9,
    AUDIT_BACKUP_STARTED = 10,
    AUDIT_ACTION_COUNT
};
/* The word of the API; static text. */
const char *audit_action_name(enum audit_action action);

/* All texts are borrowed; NULL: there is none. */
struct audit_row {
    int64_t id;
    int64_t at_ms;
    const char *token;      /* id; "": a server without tokens, or the server itself */
    const char *token_name; /* when read: as it is called now */
    const char *address;    /* "": the server itself */
    enum audit_action action;
    const char *study;
    int64_t trial; /* number; 0: none */
    const char *target, *detail;
};
/* Adds the row; its id is given by the store. */
MUST_USE int store_audit_append(struct store *store, const struct audit_row *row, struct err *err);
/* Those with an id below `before`, newest first, at most `limit`. */
MUST_USE int store_each_audit(struct store *store, int64_t before, int64_t limit,
                              int (*each)(void *context, const struct audit_row *row,
                                          struct err *err),
                              void *context, struct err *err);
/* Removes those of the `rows` oldest that are from before this moment (wall clock); *more: call
 * again. */
MUST_USE int store_audit_purge(struct store *store, int64_t before_ms, int rows, bool *more,
                               struct err *err);

#endif
