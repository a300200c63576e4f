/* Events: written, read in order, and removed when their study is gone. */
#include "server/store/sqlite/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/sqlite/connection.h"
#include "server/store/sqlite/meta.h"

#define PURGED_KEY "events_purged"
#define GAPS_KEY "event_gaps"
#define GAP_BYTES 48
#define GAPS_BYTES (EVENT_GAPS_MAX * GAP_BYTES)
#define LEAST_JUMP (INT64_C(1) << 32)
#define MOST_BY_CLOCK (INT64_C(1) << 52) /* JSON has exact integers up to 2^53; the year 2112 */

const char *event_kind_name(enum event_kind kind)
{
    static const char *const names[EVENT_KIND_COUNT] = {
        [EVENT_STUDY_CREATED] = "study-created",
        [EVENT_STUDY_CHANGED] = "study-changed",
        [EVENT_STUDY_FINISHED] = "study-finished",
        [EVENT_STUDY_DELETED] = "study-deleted",
        [EVENT_TRIAL_QUEUED] = "trial-queued",
        [EVENT_TRIAL_RUNNING] = "trial-running",
        [EVENT_TRIAL_PAUSED] = "trial-paused",
        [EVENT_TRIAL_ENDED] = "trial-ended",
        [EVENT_ATTEMPT_ENDED] = "attempt-ended",
        [EVENT_TOKEN_CHANGED] = "token-changed",
        [EVENT_MEASUREMENT_REPLACED] = "measurement-replaced",
        [EVENT_WORKER_QUARANTINED] = "worker-quarantined",
        [EVENT_WORKER_DRAINING] = "worker-draining",
        [EVENT_WORKER_RESUMED] = "worker-resumed",
        [EVENT_EPOCH_BEGAN] = "epoch-began",
    };

    return kind < EVENT_KIND_COUNT ? names[kind] : "unknown";
}

int store_event_append(struct store *store, const struct event_row *event, int64_t *seq,
                       struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_EVENT_INSERT);

    stmt_bind_int(&s, ":study", event->study);
    stmt_bind_int(&s, ":kind", event->kind);
    stmt_bind_int_or_null(&s, ":trial", event->trial != 0, event->trial);
    stmt_bind_int_or_null(&s, ":attempt", event->attempt != 0, event->attempt);
    stmt_bind_int(&s, ":at_ms", event->at_ms);
    stmt_bind_text(&s, ":worker", event->worker);
    stmt_bind_text(&s, ":detail", event->detail);
    TRY(stmt_run(store, &s, err));
    *seq = sqlite3_last_insert_rowid(store->db);
    return 0;
}

int store_last_seq(struct store *store, int64_t *seq, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_EVENT_LAST);

    TRY(stmt_step(store, &s, err) < 0);
    *seq = stmt_int(&s, 0);
    return 0;
}

int store_event_before(struct store *store, int64_t at_ms, int64_t *seq, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_EVENT_BEFORE);

    stmt_bind_int(&s, ":at_ms", at_ms);
    TRY(stmt_step(store, &s, err) < 0);
    *seq = stmt_int(&s, 0);
    return 0;
}

int store_last_event_ms(struct store *store, int64_t *at_ms, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_EVENT_LAST_AT);
    int found = stmt_step(store, &s, err);

    *at_ms = found == 1 ? stmt_int(&s, 0) : 0;
    return found < 0 ? -1 : 0;
}

int store_seq_before_newest(struct store *store, int n, int64_t *after, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_EVENT_BEFORE_NEWEST);

    stmt_bind_int(&s, ":n", n);
    int found = stmt_step(store, &s, err);
    TRY(found < 0);
    *after = found == 1 ? stmt_int(&s, 0) : 0;
    return 0;
}

int store_each_event(struct store *store, int64_t study, int64_t after, int limit,
                     int (*each)(void *context, const struct event_row *event, struct err *err),
                     void *context, int64_t *looked_at, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_EVENT_AFTER);
    int more;

    *looked_at = after;
    stmt_bind_int(&s, ":after", after);
    stmt_bind_int(&s, ":limit", limit);
    while ((more = stmt_step(store, &s, err)) == 1) {
        OWN(memory) char *worker = stmt_text_dup(&s, 6);
        OWN(memory) char *detail = stmt_text_dup(&s, 7);
        struct event_row event = {
            .seq = stmt_int(&s, 0),
            .study = stmt_int(&s, 1),
            .kind = (enum event_kind)stmt_int(&s, 2),
            .trial = stmt_int(&s, 3),
            .attempt = stmt_int(&s, 4),
            .at_ms = stmt_int(&s, 5),
            .worker = worker,
            .detail = detail,
        };
        TRY(stmt_check(&s, err));
        *looked_at = event.seq;
        if (study == 0 || event.study == study) {
            int stop = each(context, &event, err);
            if (stop != 0) {
                return stop;
            }
        }
    }
    return more;
}

/* ---- removing them ---- */

int store_events_purged(struct store *store, int64_t *seq, struct err *err)
{
    return meta_read_int(store, PURGED_KEY, seq, err);
}

static struct stmt use_for(struct store *store, enum stmt_name name, int64_t study,
                           int64_t before_ms, int64_t after, int64_t until)
{
    struct stmt s = stmt_use(store, name);

    stmt_bind_int(&s, ":study", study);
    stmt_bind_int(&s, ":before_ms", before_ms);
    stmt_bind_int(&s, ":after", after);
    stmt_bind_int(&s, ":until", until);
    return s;
}

/* Those after `after` up to `until` that are to go; nothing is written where there are none. */
static int purge_between(struct store *store, int64_t study, int64_t before_ms, int64_t after,
                         int64_t until, struct err *err)
{
    int64_t newest, purged;

    {
        OWN(stmt)
        struct stmt s = use_for(store, STMT_EVENT_PURGE_LAST, study, before_ms, after, until);
        TRY(stmt_step(store, &s, err) < 0);
        newest = stmt_int(&s, 0);
    }
    if (newest == 0) {
        return 0;
    }
    TRY(store_events_purged(store, &purged, err));
    if (newest > purged) {
        TRY(meta_write_int(store, PURGED_KEY, newest, err));
    }
    OWN(stmt) struct stmt s = use_for(store, STMT_EVENT_PURGE, study, before_ms, after, until);
    return stmt_run(store, &s, err);
}

/* The first event after `after`; *seq 0: there is none. */
static int next_event(struct store *store, int64_t after, int64_t *seq, int64_t *at_ms,
                      struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_EVENT_AFTER);

    stmt_bind_int(&s, ":after", after);
    stmt_bind_int(&s, ":limit", 1);
    int found = stmt_step(store, &s, err);
    TRY(found < 0);
    *seq = found == 1 ? stmt_int(&s, 0) : 0;
    *at_ms = found == 1 ? stmt_int(&s, 5) : 0;
    return 0;
}

int store_event_purge(struct store *store, int64_t before_ms, int64_t *after, int looked_at,
                      struct err *err)
{
    int64_t next, at_ms;

    TRY(next_event(store, *after, &next, &at_ms, err));
    if (next == 0 || at_ms >= before_ms) {
        *after = 0;
        return 0;
    }
    int64_t until = next - 1 + looked_at;
    TRY(purge_between(store, 0, before_ms, next - 1, until, err));
    *after = until;
    return 0;
}

int store_event_purge_study(struct store *store, int64_t study, int64_t *after, int looked_at,
                            struct err *err)
{
    int64_t next, ignored;

    TRY(next_event(store, *after, &next, &ignored, err));
    if (next == 0) {
        *after = INT64_MAX;
        return 0;
    }
    int64_t until = next - 1 + looked_at;
    TRY(purge_between(store, study, 0, next - 1, until, err));
    *after = until;
    return 0;
}

/* ---- epochs ---- */

int store_event_gaps(struct store *store, struct event_gaps *gaps, struct err *err)
{
    char text[GAPS_BYTES] = "";
    int len = 0;

    gaps->n = 0;
    TRY(meta_read(store, GAPS_KEY, text, sizeof text, err));
    for (const char *at = text; gaps->n < EVENT_GAPS_MAX; at += len, gaps->n++) {
        if (sscanf(at, "%" SCNd64 "-%" SCNd64 " %n", &gaps->items[gaps->n].after,
                   &gaps->items[gaps->n].until, &len)
            != 2) {
            break;
        }
    }
    return 0;
}

int64_t event_gaps_end(const struct event_gaps *gaps, int64_t seq)
{
    for (size_t i = 0; i < gaps->n; i++) {
        if (seq > gaps->items[i].after && seq < gaps->items[i].until) {
            return gaps->items[i].until;
        }
    }
    return 0;
}

static int note_gap(struct store *store, int64_t after, int64_t until, struct err *err)
{
    struct event_gaps gaps;
    char text[GAPS_BYTES] = "";
    size_t len = 0;

    TRY(store_event_gaps(store, &gaps, err));
    if (gaps.n == EVENT_GAPS_MAX) {
        memmove(gaps.items, gaps.items + 1, (EVENT_GAPS_MAX - 1) * sizeof gaps.items[0]);
        gaps.n--;
    }
    gaps.items[gaps.n].after = after;
    gaps.items[gaps.n++].until = until;
    for (size_t i = 0; i < gaps.n; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%" PRId64 "-%" PRId64 " ",
                                gaps.items[i].after, gaps.items[i].until);
    }
    return meta_write(store, GAPS_KEY, text, err);
}

/* Beyond any number that the older state came to: it had less than one event a microsecond. The
 * clock may have been wrong. */
static int64_t first_of_epoch(int64_t last, int64_t wall_ms)
{
    int64_t least = last + LEAST_JUMP;
    int64_t wall_us = wall_ms > 0 && wall_ms < MOST_BY_CLOCK / 1000 ? wall_ms * 1000 : 0;

    return wall_us > least ? wall_us : least;
}

int store_event_begin_epoch(struct store *store, const struct clock *clock, bool is_other,
                            int64_t *first, struct err *err)
{
    OWN(stmt) struct stmt s = stmt_use(store, STMT_EVENT_INSERT_AT);
    const struct clock *read = clock != NULL ? clock : clock_system();
    int64_t now_ms = read->wall_ms(read);
    char detail[80];
    int64_t last;

    TRY(store_last_seq(store, &last, err));
    *first = first_of_epoch(last, now_ms);
    TRY(note_gap(store, is_other ? 0 : last, *first, err));
    (void)snprintf(detail, sizeof detail, "goes on from the state of event %" PRId64, last);
    stmt_bind_int(&s, ":seq", *first);
    stmt_bind_int(&s, ":kind", EVENT_EPOCH_BEGAN);
    stmt_bind_int(&s, ":at_ms", now_ms);
    stmt_bind_text(&s, ":detail", detail);
    return stmt_run(store, &s, err);
}
