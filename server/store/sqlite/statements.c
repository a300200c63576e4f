#include "server/store/sqlite/statements.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/sqlite/functions.h"

#define STUDY_COLUMNS                                                                              \
    "id, name, accepted, definition, state, reason, revision, created_at_ms, started_at_ms,"       \
    " paused_at_ms, paused_ms, last_number, last_ordinal, leased_trials, resource_spent,"          \
    " exhausted, target_reached, counts, best_trial, best_value, best_resource, failed_in_row,"    \
    " has_value, enqueued_trials, feasible_trials, bounds_seen"

#define TRIAL_COLUMNS                                                                              \
    "trial.id, trial.state, trial.reason, trial.source, trial.fallback, trial.ordinal,"            \
    " trial.attempt, trial.attempt_id, trial.losses, trial.failures, trial.config, trial.value,"   \
    " trial.objectives, trial.metrics, trial.step, trial.explain, trial.created_at_ms,"            \
    " trial.started_at_ms, trial.ended_at_ms, trial.ended_seq, worker.name, trial.replaced,"       \
    " trial.ignored, trial.excused, trial.bounded"

/* Of one study, or old ones of none that is there; never the newest, whose number would come again.
 */
#define EVENTS_TO_GO                                                                               \
    "seq > :after AND seq <= :until AND seq < (SELECT max(seq) FROM event)"                        \
    " AND CASE :study WHEN 0 THEN at_ms < :before_ms"                                              \
    " AND NOT EXISTS (SELECT 1 FROM study WHERE study.id = event.study)"                           \
    " ELSE event.study = :study END"

#define TRIAL_FROM                                                                                 \
    " FROM trial LEFT JOIN attempt ON attempt.id = trial.attempt_id"                               \
    " LEFT JOIN worker ON worker.id = attempt.worker "

#define ATTEMPT_COLUMNS                                                                            \
    "attempt.id, attempt.trial, attempt.number, attempt.secret, attempt.worker, attempt.request,"  \
    " attempt.from_step, attempt.to_step, attempt.leased_at_ms, attempt.end, attempt.reason,"      \
    " attempt.detail, attempt.step, attempt.late, attempt.result, attempt.checkpoint,"             \
    " attempt.usage, attempt.ended_at_ms, worker.name, attempt.ttl_ms"

#define ATTEMPT_FROM " FROM attempt JOIN worker ON worker.id = attempt.worker "

#define SPAN_COLUMNS                                                                               \
    "attempt.id, attempt.trial, attempt.number, attempt.end, attempt.from_step, attempt.step,"     \
    " attempt.checkpoint IS NOT NULL, attempt.leased_at_ms, attempt.ended_at_ms, trial.state,"     \
    " worker.name"

#define SPAN_FROM                                                                                  \
    " FROM attempt JOIN trial ON trial.id = attempt.trial"                                         \
    " JOIN worker ON worker.id = attempt.worker "

const char *const stmt_sql[STMT_COUNT] = {
    [STMT_BEGIN] = "BEGIN IMMEDIATE",
    [STMT_READ_BEGIN] = "BEGIN",
    [STMT_COMMIT] = "COMMIT",
    [STMT_ROLLBACK] = "ROLLBACK",
    [STMT_SAVEPOINT] = "SAVEPOINT command",
    [STMT_RELEASE] = "RELEASE command",
    [STMT_UNDO] = "ROLLBACK TO command",
    [STMT_STUDY_INSERT] =
        "INSERT INTO study (id, name, accepted, definition, state, reason, revision, created_at_ms,"
        " paused_ms, last_number, last_ordinal, leased_trials, resource_spent, exhausted,"
        " target_reached, counts)"
        " VALUES (1 + max(coalesce((SELECT max(id) FROM study), 0),"
        " coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'study_purged'), 0)),"
        " :name, :accepted, :definition, :state, :reason, :revision, :created_at_ms,"
        " 0, 0, 0, 0, 0, 0, 0, :counts)",
    [STMT_STUDY_UPDATE] =
        "UPDATE study SET state = :state, reason = :reason, revision = :revision,"
        " started_at_ms = :started_at_ms, paused_at_ms = :paused_at_ms, paused_ms = :paused_ms,"
        " last_number = :last_number, last_ordinal = :last_ordinal,"
        " leased_trials = :leased_trials, resource_spent = :resource_spent,"
        " exhausted = :exhausted, target_reached = :target_reached, counts = :counts,"
        " best_trial = :best_trial, best_value = :best_value, best_resource = :best_resource,"
        " failed_in_row = :failed_in_row, has_value = :has_value,"
        " enqueued_trials = :enqueued_trials, feasible_trials = :feasible_trials,"
        " bounds_seen = :bounds_seen"
        " WHERE id = :id",
    [STMT_STUDY_DEFINE] = "UPDATE study SET definition = :definition WHERE id = :id",
    [STMT_STUDY_FORMER] = "SELECT coalesce(max(revision), 0) FROM study"
                          " WHERE name = :name AND deleted_at_ms IS NOT NULL",
    [STMT_STUDY_DELETE] = "UPDATE study SET deleted_at_ms = :now_ms WHERE id = :id",
    [STMT_STUDY_EACH] =
        "SELECT " STUDY_COLUMNS " FROM study WHERE deleted_at_ms IS NULL ORDER BY id",
    [STMT_STUDY_LOAD] =
        "SELECT " STUDY_COLUMNS " FROM study WHERE id = :id AND deleted_at_ms IS NULL",
    [STMT_STUDY_PAGE] =
        "SELECT " STUDY_COLUMNS " FROM study WHERE id > :after AND deleted_at_ms IS NULL"
        " AND (:state IS NULL OR state = :state) ORDER BY id LIMIT :limit",
    [STMT_METRIC_INSERT] = "INSERT INTO metric (study, id, name) VALUES (:study, :id, :name)",
    [STMT_METRIC_EACH] = "SELECT id, name FROM metric WHERE study = :study ORDER BY id",
    [STMT_WORKER_FIND] = "SELECT id, name FROM worker WHERE name = :name",
    [STMT_WORKER_INSERT] = "INSERT INTO worker (name) VALUES (:name)",
    [STMT_WORKER_EACH] = "SELECT id, name FROM worker WHERE id IN"
                         " (SELECT worker FROM attempt ORDER BY id DESC LIMIT :attempts)"
                         " ORDER BY id",
    [STMT_NODE_SAVE] =
        "INSERT INTO node (name, failed, draining, quarantined_at_ms, others_at_ms, probe_at_ms,"
        " probes, reason)"
        " VALUES (:name, :failed, :draining, :quarantined_at_ms, :others_at_ms, :probe_at_ms,"
        " :probes, :reason)"
        " ON CONFLICT (name) DO UPDATE SET failed = excluded.failed, draining = excluded.draining,"
        " quarantined_at_ms = excluded.quarantined_at_ms, others_at_ms = excluded.others_at_ms,"
        " probe_at_ms = excluded.probe_at_ms, probes = excluded.probes, reason = excluded.reason",
    [STMT_NODE_DELETE] = "DELETE FROM node WHERE name = :name",
    [STMT_NODE_EACH] = "SELECT name, failed, draining, quarantined_at_ms, others_at_ms,"
                       " probe_at_ms, probes, reason FROM node ORDER BY name",
    [STMT_TRIAL_INSERT] =
        "INSERT INTO trial (id, state, reason, source, fallback, ordinal, attempt, attempt_id,"
        " losses, failures, config, value, objectives, metrics, step, explain, created_at_ms,"
        " started_at_ms, ended_at_ms, ended_seq, replaced, ignored, excused, bounded,"
        " basis)"
        " VALUES (:id, :state, :reason, :source, :fallback, :ordinal, :attempt, :attempt_id,"
        " :losses, :failures, :config, :value, :objectives, :metrics, :step, :explain,"
        " :created_at_ms, :started_at_ms, :ended_at_ms, :ended_seq, :replaced, :ignored, :excused,"
        " :bounded, :basis)",
    [STMT_TRIAL_UPDATE] =
        "UPDATE trial SET state = :state, reason = :reason, attempt = :attempt,"
        " attempt_id = :attempt_id, losses = :losses, failures = :failures, value = :value,"
        " objectives = :objectives, metrics = :metrics, step = :step,"
        " started_at_ms = :started_at_ms, ended_at_ms = :ended_at_ms, ended_seq = :ended_seq,"
        " replaced = :replaced, ignored = :ignored, excused = :excused, bounded = :bounded"
        " WHERE id = :id",
    [STMT_TRIAL_CONFIG] = "UPDATE trial SET config = :config WHERE id = :id",
    [STMT_TRIAL_LOAD] = "SELECT " TRIAL_COLUMNS TRIAL_FROM "WHERE trial.id = :id",
    [STMT_TRIAL_OPEN] =
        "SELECT " TRIAL_COLUMNS TRIAL_FROM "WHERE trial.ended_at_ms IS NULL ORDER BY trial.id",
    [STMT_TRIAL_PAGE] =
        "SELECT " TRIAL_COLUMNS TRIAL_FROM "WHERE trial.id > :after AND trial.id <= :last"
        " AND (:states >> trial.state) & 1 AND (:sources >> trial.source) & 1"
        " ORDER BY trial.id LIMIT :limit",
    [STMT_TRIAL_PAGE_BACK] =
        "SELECT " TRIAL_COLUMNS TRIAL_FROM "WHERE trial.id < :after AND trial.id >= :last"
        " AND (:states >> trial.state) & 1 AND (:sources >> trial.source) & 1"
        " ORDER BY trial.id DESC LIMIT :limit",
    /* LIMIT -1 keeps the inner select apart, so that the level and the cost of a trial are computed
     * once. A trial that lacks one of them stands behind the others. */
    [STMT_TRIAL_VALUES] =
        "SELECT id, state, source, ended_seq, iif(:metric IS NULL,"
        " best_level(:best_of, state, step, config, bounded), 0),"
        " CASE WHEN :metric IS NOT NULL THEN metric_value(metrics, :metric)"
        " WHEN abs(value) < 9e999 THEN value END"
        " FROM trial WHERE id BETWEEN :first AND :last AND (:states >> state) & 1",
    [STMT_TRIAL_ENDED_AFTER] =
        "SELECT " TRIAL_COLUMNS TRIAL_FROM "WHERE trial.id > :first AND trial.id <= :last"
        " AND trial.ended_seq > :after AND trial.state = 3",
    [STMT_ATTEMPT_INSERT] =
        "INSERT INTO attempt (trial, number, secret, worker, request, from_step, to_step,"
        " leased_at_ms, ttl_ms, end, late)"
        " VALUES (:trial, :number, :secret, :worker, :request, :from_step, :to_step,"
        " :leased_at_ms, :ttl_ms, 0, 0)",
    [STMT_ATTEMPT_UPDATE] =
        "UPDATE attempt SET end = :end, reason = :reason, detail = :detail, step = :step,"
        " to_step = :to_step, late = :late, result = :result, checkpoint = :checkpoint,"
        " usage = :usage, ended_at_ms = :ended_at_ms WHERE id = :id",
    [STMT_ATTEMPTS_FORGET] = "UPDATE attempt SET checkpoint = NULL WHERE trial = :trial",
    [STMT_ATTEMPT_LOAD] = "SELECT " ATTEMPT_COLUMNS ATTEMPT_FROM "WHERE attempt.id = :id",
    [STMT_ATTEMPT_OF_TRIAL] = "SELECT " ATTEMPT_COLUMNS ATTEMPT_FROM
                              "WHERE attempt.trial = :trial ORDER BY attempt.number",
    [STMT_ATTEMPT_OF_TRIALS] =
        "SELECT " ATTEMPT_COLUMNS ATTEMPT_FROM "WHERE attempt.trial BETWEEN :first AND :last"
        " ORDER BY attempt.trial DESC, attempt.number",
    [STMT_ATTEMPT_RECENT_REQUEST] =
        "SELECT " ATTEMPT_COLUMNS
        " FROM event JOIN attempt ON attempt.trial = (event.study << 32 | event.trial)"
        " AND attempt.number = event.attempt JOIN worker ON worker.id = attempt.worker"
        " WHERE event.seq > :after"
        " AND event.kind IN (6, 7, 8) AND attempt.request IS NOT NULL AND attempt.end != 0",
    [STMT_SPAN_OF_STUDY] =
        "SELECT " SPAN_COLUMNS SPAN_FROM "WHERE attempt.trial > :first AND attempt.trial <= :last"
        " ORDER BY attempt.trial, attempt.number",
    /* Rows are in order of their beginning, so that the newest ones are found from the end. */
    [STMT_SPAN_WITHIN] =
        "SELECT " SPAN_COLUMNS SPAN_FROM
        "WHERE attempt.id > (SELECT coalesce(max(id), 0) - :looked_at FROM attempt)"
        " AND +attempt.trial > :first AND +attempt.trial <= :last"
        " AND attempt.leased_at_ms < :until_ms"
        " AND coalesce(attempt.ended_at_ms, :until_ms) >= :since_ms"
        " ORDER BY attempt.id DESC LIMIT :limit",
    [STMT_SPAN_LOAD] = "SELECT " SPAN_COLUMNS SPAN_FROM
                       "WHERE attempt.trial = :trial AND attempt.number = :number",
    [STMT_EVIDENCE_INSERT] =
        "INSERT INTO evidence (attempt, at_ms, body) VALUES (:attempt, :at_ms, :body)",
    [STMT_MEASUREMENT_INSERT] =
        "INSERT OR IGNORE INTO measurement (trial, attempt, metric, step, value)"
        " VALUES (:trial, :attempt, :metric, :step, :value)",
    [STMT_MEASUREMENT_REPLACE] =
        "UPDATE measurement SET value = :value WHERE trial = :trial AND attempt = :attempt"
        " AND metric = :metric AND step = :step",
    [STMT_MEASUREMENT_GET] =
        "SELECT value FROM measurement WHERE trial = :trial AND attempt = :attempt"
        " AND metric = :metric AND step = :step",
    [STMT_MEASUREMENT_EACH] =
        "SELECT metric, attempt, step, value FROM measurement WHERE trial = :trial"
        " ORDER BY metric, step, attempt",
    [STMT_MEASUREMENT_OF_METRIC] =
        "SELECT metric, attempt, step, value FROM measurement WHERE trial = :trial"
        " AND metric = :metric ORDER BY step, attempt",
    [STMT_MEASUREMENT_SERIES] =
        "SELECT attempt, metric FROM measurement WHERE trial = :trial"
        " AND (attempt, metric) > (:attempt, :metric) ORDER BY attempt, metric LIMIT 1",
    [STMT_MEASUREMENT_FROM] =
        "SELECT metric, attempt, step, value FROM measurement WHERE trial = :trial"
        " AND attempt = :attempt AND metric = :metric AND step >= :step"
        " ORDER BY step LIMIT :limit",
    [STMT_EVENT_INSERT] = "INSERT INTO event (study, kind, trial, attempt, at_ms, worker, detail)"
                          " VALUES (:study, :kind, :trial, :attempt, :at_ms, :worker, :detail)",
    [STMT_EVENT_INSERT_AT] = "INSERT INTO event (seq, study, kind, at_ms, detail)"
                             " VALUES (:seq, 0, :kind, :at_ms, :detail)",
    [STMT_STUDY_REVISIONS] = "UPDATE study SET revision = :revision",
    [STMT_EVENT_LAST] = "SELECT coalesce(max(seq), 0) FROM event",
    [STMT_EVENT_LAST_AT] = "SELECT at_ms FROM event ORDER BY seq DESC LIMIT 1",
    [STMT_EVENT_BEFORE] = "SELECT coalesce(max(seq), 0) FROM event WHERE at_ms < :at_ms",
    [STMT_EVENT_BEFORE_NEWEST] = "SELECT seq FROM event ORDER BY seq DESC LIMIT 1 OFFSET :n",
    [STMT_EVENT_AFTER] = "SELECT seq, study, kind, trial, attempt, at_ms, worker, detail FROM event"
                         " WHERE seq > :after ORDER BY seq LIMIT :limit",
    [STMT_EVENT_PURGE_LAST] = "SELECT coalesce(max(seq), 0) FROM event WHERE " EVENTS_TO_GO,
    [STMT_EVENT_PURGE] = "DELETE FROM event WHERE " EVENTS_TO_GO,
    [STMT_FACT_INSERT] =
        "INSERT INTO fact (study, fact, trial, bracket, step, value, at_ms, seq, call,"
        " call_step, reached)"
        " VALUES (:study, :fact, :trial, :bracket, :step, :value, :at_ms, :seq, :call, :call_step,"
        " :reached)",
    [STMT_FACT_EACH] =
        "SELECT fact, trial, bracket, step, value, at_ms, seq, call, call_step, reached FROM fact"
        " WHERE study = :study ORDER BY id",
    [STMT_BASIS_EACH] = "SELECT id, basis FROM trial WHERE id > :first AND id <= :last"
                        " AND basis IS NOT NULL ORDER BY id",
    [STMT_STANDING_INSERT] = "INSERT INTO standing (trial, seq, state, step, value, bounded)"
                             " VALUES (:trial, :seq, :state, :step, :value, :bounded)",
    [STMT_STANDING_EACH] = "SELECT trial, seq, state, step, value, bounded FROM standing"
                           " WHERE trial > :first AND trial <= :last ORDER BY trial, seq",
    [STMT_FORMER_INSERT] = "INSERT OR REPLACE INTO former_definition (study, seq, definition)"
                           " VALUES (:study, :seq, :definition)",
    [STMT_FORMER_EACH] = "SELECT seq, definition FROM former_definition WHERE study = :study"
                         " ORDER BY seq",
    [STMT_DISCARD_INSERT] = "INSERT INTO discard (study, host, uri, at_ms)"
                            " VALUES (:study, :host, :uri, :at_ms)",
    [STMT_DISCARD_ASSIGN] = "UPDATE discard SET attempt = :attempt WHERE id = :id",
    [STMT_DISCARD_DELETE] = "DELETE FROM discard WHERE id = :id",
    [STMT_DISCARD_EACH] = "SELECT id, study, host, uri, attempt, at_ms FROM discard ORDER BY id",
    [STMT_FIT_INSERT] = "INSERT INTO fit (study, n_seen, data) VALUES (:study, :n_seen, :data)",
    [STMT_FIT_EACH] = "SELECT n_seen, data FROM fit WHERE study = :study ORDER BY id",
    [STMT_FITS_FORGET] = "DELETE FROM fit WHERE study = :study",
    [STMT_TRANSFER_INSERT] =
        "INSERT INTO transfer (study, place, number, state, config, value, step)"
        " VALUES (:study, :place, :number, :state, :config, :value, :step)",
    [STMT_TRANSFER_EACH] = "SELECT place, number, state, config, value, step FROM transfer"
                           " WHERE study = :study ORDER BY place, number",
    [STMT_REPLY_FIND] = "SELECT body, status, text, at_ms FROM reply WHERE key = :key",
    [STMT_REPLY_INSERT] = "INSERT INTO reply (key, body, status, text, at_ms)"
                          " VALUES (:key, :body, :status, :text, :at_ms)",
    [STMT_REPLY_PURGE] = "DELETE FROM reply WHERE key IN (SELECT key FROM reply"
                         " WHERE at_ms < :before_ms ORDER BY at_ms LIMIT :rows)",
    [STMT_AUDIT_INSERT] =
        "INSERT INTO audit (at_ms, token, address, action, study, trial, target, detail)"
        " VALUES (:at_ms, :token, :address, :action, :study, :trial, :target, :detail)",
    [STMT_AUDIT_EACH] = "SELECT a.id, a.at_ms, a.token, t.name, a.address, a.action, a.study,"
                        " a.trial, a.target, a.detail"
                        " FROM audit a LEFT JOIN token t ON t.id = a.token"
                        " WHERE a.id < :before ORDER BY a.id DESC LIMIT :limit",
    [STMT_AUDIT_PURGE] = "DELETE FROM audit WHERE at_ms < :before_ms"
                         " AND id IN (SELECT id FROM audit ORDER BY id LIMIT :rows)",
    [STMT_TOKEN_INSERT] =
        "INSERT INTO token (id, name, sha256, scopes, created_at_ms, expires_at_ms)"
        " VALUES (:id, :name, :sha256, :scopes, :created_at_ms, :expires_at_ms)",
    [STMT_TOKEN_REVOKE] = "UPDATE token SET revoked_at_ms = coalesce(revoked_at_ms, :now_ms)"
                          " WHERE id = :id",
    [STMT_TOKEN_USED] = "UPDATE token SET used_at_ms = :at_ms"
                        " WHERE id = :id AND coalesce(used_at_ms, 0) < :at_ms",
    [STMT_TOKEN_EACH] = "SELECT id, name, sha256, scopes, created_at_ms, expires_at_ms,"
                        " revoked_at_ms, used_at_ms FROM token ORDER BY created_at_ms, id",
    [STMT_META_GET] = "SELECT value FROM meta WHERE key = :key",
    [STMT_META_PUT] = "INSERT INTO meta (key, value) VALUES (:key, :value)"
                      " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    [STMT_PROBE_PUT] = "INSERT INTO meta (key, value) VALUES ('probe', hex(zeroblob(131072)))"
                       " ON CONFLICT (key) DO NOTHING",
    [STMT_PROBE_DELETE] = "DELETE FROM meta WHERE key = 'probe'",
    [STMT_STORE_LOAD] = "SELECT identity, epoch, commit_number, last_attempt FROM store",
    [STMT_STORE_COMMIT] = "UPDATE store SET commit_number = :commit_number"
                          " WHERE commit_number = :known",
    [STMT_STORE_EPOCH] = "UPDATE store SET epoch = :epoch,"
                         " last_attempt = (SELECT coalesce(max(id), 0) FROM attempt)",
    [STMT_PURGE_FIND] = "SELECT id FROM study WHERE deleted_at_ms < :before_ms LIMIT 1",
    [STMT_PURGE_MEASUREMENTS] =
        "DELETE FROM measurement WHERE (trial, attempt, metric, step) IN"
        " (SELECT trial, attempt, metric, step FROM measurement"
        " WHERE trial > :study << 32 AND trial <= (:study << 32 | 0xffffffff) LIMIT :rows)",
    [STMT_PURGE_EVIDENCE] =
        "DELETE FROM evidence WHERE id IN (SELECT evidence.id"
        " FROM evidence JOIN attempt ON attempt.id = evidence.attempt"
        " WHERE trial > :study << 32 AND trial <= (:study << 32 | 0xffffffff) LIMIT :rows)",
    [STMT_PURGE_ATTEMPTS] =
        "DELETE FROM attempt WHERE id IN (SELECT id FROM attempt"
        " WHERE trial > :study << 32 AND trial <= (:study << 32 | 0xffffffff) LIMIT :rows)",
    [STMT_PURGE_TRIALS] =
        "DELETE FROM trial WHERE id IN (SELECT id FROM trial"
        " WHERE id > :study << 32 AND id <= (:study << 32 | 0xffffffff) LIMIT :rows)",
    [STMT_PURGE_FACTS] = "DELETE FROM fact WHERE id IN (SELECT id FROM fact"
                         " WHERE study = :study LIMIT :rows)",
    [STMT_PURGE_FITS] = "DELETE FROM fit WHERE id IN (SELECT id FROM fit"
                        " WHERE study = :study LIMIT :rows)",
    [STMT_PURGE_STANDINGS] =
        "DELETE FROM standing WHERE (trial, seq) IN (SELECT trial, seq FROM standing"
        " WHERE trial > :study << 32 AND trial <= (:study << 32 | 0xffffffff) LIMIT :rows)",
    [STMT_PURGE_FORMER] = "DELETE FROM former_definition WHERE (study, seq) IN (SELECT study, seq"
                          " FROM former_definition WHERE study = :study LIMIT :rows)",
    [STMT_PURGE_TRANSFERS] =
        "DELETE FROM transfer WHERE (study, place, number) IN (SELECT study, place, number"
        " FROM transfer WHERE study = :study LIMIT :rows)",
    [STMT_PURGE_METRICS] = "DELETE FROM metric WHERE (study, id) IN (SELECT study, id FROM metric"
                           " WHERE study = :study LIMIT :rows)",
    [STMT_PURGE_NOTE] = "INSERT INTO meta (key, value) VALUES ('study_purged', :study)"
                        " ON CONFLICT (key) DO UPDATE SET value = excluded.value"
                        " WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)",
    [STMT_PURGE_STUDY] = "DELETE FROM study WHERE id = :study AND :rows > 0",
};

static int index_of(const struct stmt *s, const char *name)
{
    int index = sqlite3_bind_parameter_index(s->raw, name);

    if (index == 0) {
        (void)fprintf(stderr, "no parameter %s in: %s\n", name, sqlite3_sql(s->raw));
        abort(); /* our own mistake, found by the first use */
    }
    return index;
}

void stmt_bind_int(struct stmt *s, const char *name, int64_t value)
{
    (void)sqlite3_bind_int64(s->raw, index_of(s, name), value);
}

void stmt_bind_int_or_null(struct stmt *s, const char *name, bool present, int64_t value)
{
    if (present) {
        stmt_bind_int(s, name, value);
    } else {
        (void)sqlite3_bind_null(s->raw, index_of(s, name));
    }
}

void stmt_bind_real(struct stmt *s, const char *name, double value)
{
    (void)sqlite3_bind_double(s->raw, index_of(s, name), value); /* NaN becomes NULL */
}

void stmt_bind_real_or_null(struct stmt *s, const char *name, bool present, double value)
{
    if (present) {
        stmt_bind_real(s, name, value);
    } else {
        (void)sqlite3_bind_null(s->raw, index_of(s, name));
    }
}

void stmt_bind_text(struct stmt *s, const char *name, const char *text)
{
    (void)sqlite3_bind_text(s->raw, index_of(s, name), text, -1, SQLITE_STATIC);
}

void stmt_bind_study(struct stmt *s, const char *name, const struct study_def *def)
{
    (void)sqlite3_bind_pointer(s->raw, index_of(s, name), (void *)(uintptr_t)def, FUNCTIONS_STUDY,
                               NULL);
}

void stmt_bind_blob(struct stmt *s, const char *name, const void *bytes, size_t len)
{
    if (bytes == NULL) {
        (void)sqlite3_bind_null(s->raw, index_of(s, name));
    } else {
        (void)sqlite3_bind_blob64(s->raw, index_of(s, name), bytes, len, SQLITE_STATIC);
    }
}

int64_t stmt_int(const struct stmt *s, int column)
{
    return sqlite3_column_int64(s->raw, column);
}

double stmt_real(const struct stmt *s, int column)
{
    return stmt_is_null(s, column) ? (double)NAN : sqlite3_column_double(s->raw, column);
}

bool stmt_is_null(const struct stmt *s, int column)
{
    return sqlite3_column_type(s->raw, column) == SQLITE_NULL;
}

/* A column that is not NULL and has no text lacks the memory to show it. */
const char *stmt_text_borrow(struct stmt *s, int column)
{
    const char *text = (const char *)sqlite3_column_text(s->raw, column);

    s->no_memory = s->no_memory || (text == NULL && !stmt_is_null(s, column));
    return text;
}

char *stmt_text_dup(struct stmt *s, int column)
{
    const char *text = stmt_text_borrow(s, column);
    char *copy = text == NULL ? NULL : strdup(text);

    s->no_memory = s->no_memory || (text != NULL && copy == NULL);
    return copy;
}

void stmt_text_copy(struct stmt *s, int column, char *text, size_t size)
{
    const char *value = stmt_text_borrow(s, column);

    (void)snprintf(text, size, "%s", value == NULL ? "" : value);
}

const void *stmt_blob_borrow(struct stmt *s, int column, size_t *len)
{
    const void *value = sqlite3_column_blob(s->raw, column);

    if (value == NULL && sqlite3_errcode(sqlite3_db_handle(s->raw)) == SQLITE_NOMEM) {
        s->no_memory = true;
    }
    *len = value == NULL ? 0 : (size_t)sqlite3_column_bytes(s->raw, column);
    return value;
}

size_t stmt_blob(struct stmt *s, int column, void *bytes, size_t size)
{
    size_t len;
    const void *value = stmt_blob_borrow(s, column, &len);

    if (len > 0 && size > 0) { /* asked for its length alone: no memory */
        memcpy(bytes, value, len < size ? len : size);
    }
    return len;
}

int stmt_check(const struct stmt *s, struct err *err)
{
    return s->no_memory ? err_set(err, ERR_NOMEM, "out of memory while reading") : 0;
}

void stmt_finish(struct stmt *s)
{
    if (s->raw != NULL) {
        (void)sqlite3_reset(s->raw);
        (void)sqlite3_clear_bindings(s->raw);
        s->raw = NULL;
    }
}
