/* Every statement has a name, and is prepared when the database opens, so that a typo
 * fails at start. Parameters are bound by name. For this folder only. */
#ifndef SERVER_STORE_SQLITE_STATEMENTS_H
#define SERVER_STORE_SQLITE_STATEMENTS_H

#include <sqlite3.h>
#include <stdint.h>

#include "common/err.h"
#include "server/domain/study.h"

enum stmt_name {
    STMT_BEGIN,
    STMT_READ_BEGIN,
    STMT_COMMIT,
    STMT_ROLLBACK,
    STMT_SAVEPOINT,
    STMT_RELEASE,
    STMT_UNDO,
    STMT_STUDY_INSERT,
    STMT_STUDY_UPDATE,
    STMT_STUDY_DEFINE,
    STMT_STUDY_FORMER,
    STMT_STUDY_DELETE,
    STMT_STUDY_EACH,
    STMT_STUDY_LOAD,
    STMT_STUDY_PAGE,
    STMT_METRIC_INSERT,
    STMT_METRIC_EACH,
    STMT_WORKER_FIND,
    STMT_WORKER_INSERT,
    STMT_WORKER_EACH,
    STMT_NODE_SAVE,
    STMT_NODE_DELETE,
    STMT_NODE_EACH,
    STMT_TRIAL_INSERT,
    STMT_TRIAL_UPDATE,
    STMT_TRIAL_CONFIG,
    STMT_TRIAL_LOAD,
    STMT_TRIAL_OPEN,
    STMT_TRIAL_PAGE,
    STMT_TRIAL_PAGE_BACK,
    STMT_TRIAL_VALUES,
    STMT_TRIAL_ENDED_AFTER,
    STMT_ATTEMPT_INSERT,
    STMT_ATTEMPT_UPDATE,
    STMT_ATTEMPTS_FORGET,
    STMT_ATTEMPT_LOAD,
    STMT_ATTEMPT_OF_TRIAL,
    STMT_ATTEMPT_OF_TRIALS,
    STMT_ATTEMPT_RECENT_REQUEST,
    STMT_SPAN_OF_STUDY,
    STMT_SPAN_WITHIN,
    STMT_SPAN_LOAD,
    STMT_EVIDENCE_INSERT,
    STMT_MEASUREMENT_INSERT,
    STMT_MEASUREMENT_REPLACE,
    STMT_MEASUREMENT_GET,
    STMT_MEASUREMENT_EACH,
    STMT_MEASUREMENT_OF_METRIC,
    STMT_MEASUREMENT_SERIES,
    STMT_MEASUREMENT_FROM,
    STMT_EVENT_INSERT,
    STMT_EVENT_INSERT_AT,
    STMT_STUDY_REVISIONS,
    STMT_EVENT_LAST,
    STMT_EVENT_LAST_AT,
    STMT_EVENT_BEFORE,
    STMT_EVENT_BEFORE_NEWEST,
    STMT_EVENT_AFTER,
    STMT_EVENT_PURGE_LAST,
    STMT_EVENT_PURGE,
    STMT_FACT_INSERT,
    STMT_FACT_EACH,
    STMT_BASIS_EACH,
    STMT_STANDING_INSERT,
    STMT_STANDING_EACH,
    STMT_FORMER_INSERT,
    STMT_FORMER_EACH,
    STMT_DISCARD_INSERT,
    STMT_DISCARD_ASSIGN,
    STMT_DISCARD_DELETE,
    STMT_DISCARD_EACH,
    STMT_FIT_INSERT,
    STMT_FIT_EACH,
    STMT_FITS_FORGET,
    STMT_TRANSFER_INSERT,
    STMT_TRANSFER_EACH,
    STMT_REPLY_FIND,
    STMT_REPLY_INSERT,
    STMT_REPLY_PURGE,
    STMT_AUDIT_INSERT,
    STMT_AUDIT_EACH,
    STMT_AUDIT_PURGE,
    STMT_TOKEN_INSERT,
    STMT_TOKEN_REVOKE,
    STMT_TOKEN_USED,
    STMT_TOKEN_EACH,
    STMT_META_GET,
    STMT_META_PUT,
    STMT_PROBE_PUT,
    STMT_PROBE_DELETE,
    STMT_STORE_LOAD,
    STMT_STORE_COMMIT,
    STMT_STORE_EPOCH,
    STMT_PURGE_FIND,
    STMT_PURGE_TRIALS,
    STMT_PURGE_MEASUREMENTS,
    STMT_PURGE_EVIDENCE,
    STMT_PURGE_ATTEMPTS,
    STMT_PURGE_FACTS,
    STMT_PURGE_FITS,
    STMT_PURGE_STANDINGS,
    STMT_PURGE_FORMER,
    STMT_PURGE_TRANSFERS,
    STMT_PURGE_METRICS,
    STMT_PURGE_NOTE,
    STMT_PURGE_STUDY,
    STMT_COUNT
};

extern const char *const stmt_sql[STMT_COUNT];

/* A statement in use: reset on the way out. */
struct stmt {
    sqlite3_stmt *raw;
    bool no_memory; /* a text or a blob could not be copied */
};

/* Each binds a parameter by its name, ":study_id"; a name that the statement lacks is our own
 * mistake. */
void stmt_bind_int(struct stmt *s, const char *name, int64_t value);
void stmt_bind_int_or_null(struct stmt *s, const char *name, bool present, int64_t value);
void stmt_bind_real(struct stmt *s, const char *name, double value);
void stmt_bind_real_or_null(struct stmt *s, const char *name, bool present, double value);
void stmt_bind_text(struct stmt *s, const char *name, const char *text); /* NULL, borrowed */
/* For functions (functions.h), borrowed; NULL: none. */
void stmt_bind_study(struct stmt *s, const char *name, const struct study_def *def);
void stmt_bind_blob(struct stmt *s, const char *name, const void *bytes, size_t len);

/* Columns by index; text copies are malloc'd, NULL stays NULL. Where memory is short, texts are
 * NULL or "" and blobs empty until stmt_check() reports it: once for each row, before it is used.
 */
int64_t stmt_int(const struct stmt *s, int column);
double stmt_real(const struct stmt *s, int column); /* NULL reads as NaN */
bool stmt_is_null(const struct stmt *s, int column);
char *stmt_text_dup(struct stmt *s, int column);
/* The text itself, until the next step. */
const char *stmt_text_borrow(struct stmt *s, int column);
void stmt_text_copy(struct stmt *s, int column, char *text, size_t size);
/* Copies at most `size` bytes; returns how many the column has. */
size_t stmt_blob(struct stmt *s, int column, void *bytes, size_t size);
/* The blob itself, until the next step. */
const void *stmt_blob_borrow(struct stmt *s, int column, size_t *len);
/* ERR_NOMEM. */
MUST_USE int stmt_check(const struct stmt *s, struct err *err);

void stmt_finish(struct stmt *s);
static inline void stmt_drop(struct stmt *s)
{
    stmt_finish(s);
}

#endif
