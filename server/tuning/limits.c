/* What a study still may do, and when it is over. */
#include <inttypes.h>
#include <math.h>

#include "server/tuning/live.h"

/* Milliseconds since the first lease, pauses excluded. */
static int64_t active_ms(const struct tuning *tuning, const struct live_study *study)
{
    const struct study_row *row = &study->row;
    int64_t pause = row->paused_at_ms != 0 ? tuning->wall_ms - row->paused_at_ms : 0;

    return row->started_at_ms == 0 ? 0
                                   : tuning->wall_ms - row->started_at_ms - row->paused_ms - pause;
}

static bool trials_used_up(const struct live_study *study)
{
    const struct limits *limits = &study->def->limits;

    return limits->trials >= 0 && study->row.leased_trials >= limits->trials;
}

/* The limits after which nothing goes out at all, retries and promotions included. */
static enum study_reason hard_limit(const struct tuning *tuning, const struct live_study *study)
{
    const struct limits *limits = &study->def->limits;

    if (study->row.target_reached) {
        return REASON_TARGET;
    }
    if (limits->seconds >= 0 && (double)active_ms(tuning, study) >= limits->seconds * 1000) {
        return REASON_SECONDS;
    }
    if (limits->resource >= 0 && study->row.resource_spent >= limits->resource) {
        return REASON_RESOURCE;
    }
    if (limits->failures >= 0 && study->row.counts[TRIAL_FAILED] >= limits->failures) {
        return REASON_FAILURES;
    }
    int64_t in_row = failures_in_row_max(limits, study->row.has_value);
    if (in_row >= 0 && study->row.failed_in_row >= in_row) {
        return REASON_FAILURES;
    }
    return REASON_NONE;
}

bool study_may_go_on(const struct tuning *tuning, const struct live_study *study)
{
    return study->row.state == STUDY_RUNNING && hard_limit(tuning, study) == REASON_NONE;
}

bool study_may_start(const struct tuning *tuning, const struct live_study *study)
{
    return study_may_go_on(tuning, study) && !trials_used_up(study)
           && (study->enqueued.first != NULL || !study->row.exhausted);
}

enum study_reason study_limit_reached(const struct tuning *tuning, const struct live_study *study)
{
    enum study_reason hard = hard_limit(tuning, study);

    if (hard != REASON_NONE) {
        return hard;
    }
    return trials_used_up(study) ? REASON_TRIALS : REASON_EXHAUSTED;
}

struct schedule_moment study_moment(const struct tuning *tuning, const struct live_study *study)
{
    return (struct schedule_moment){
        .now_ms = tuning->wall_ms,
        .may_start = study_may_start(tuning, study),
        .may_promote = study_may_go_on(tuning, study),
    };
}

void study_note_value(struct tuning *tuning, struct live_study *study, double value)
{
    if (!study->row.has_value && isfinite(value)) {
        study->row.has_value = true;
        study->dirty = true;
        tuning->may_have_work = true; /* more failures in a row are allowed from now on */
    }
}

void study_check_target(struct live_study *study, double value)
{
    const struct limits *limits = &study->def->limits;

    if (limits->has_target && study->def->n_objectives == 1 && isfinite(value)
        && !study->row.target_reached && !study_is_better(study->def, limits->target, value)) {
        study->row.target_reached = true;
        study->dirty = true;
    }
}

/* When limits.seconds strikes. */
static int64_t end_of_seconds_ms(const struct tuning *tuning, const struct live_study *study)
{
    const struct limits *limits = &study->def->limits;

    if (limits->seconds < 0) {
        return INT64_MAX;
    }
    int64_t left_ms = (int64_t)ceil(limits->seconds * 1000) - active_ms(tuning, study);
    return tuning->now_ms + (left_ms > 0 ? left_ms : 0);
}

int study_set_clock(struct tuning *tuning, struct live_study *study, struct err *err)
{
    int64_t at_ms = end_of_seconds_ms(tuning, study);

    at_ms = study->stragglers_ms < at_ms ? study->stragglers_ms : at_ms;
    if (at_ms == INT64_MAX || study->row.state != STUDY_RUNNING || study->row.started_at_ms == 0) {
        heap_remove(&tuning->study_clocks, &study->clock);
        return 0;
    }
    return heap_set(&tuning->study_clocks, &study->clock, at_ms, err);
}

int study_drop_stragglers(struct tuning *tuning, struct live_study *study, struct err *err)
{
    OWN(schedule_log) struct schedule_log log = {0};
    struct schedule_moment moment = study_moment(tuning, study);
    int64_t before_ms = study->stragglers_ms;
    int64_t next_ms;

    TRY(schedule_tick(study->schedule, &moment, &log, &next_ms, err));
    TRY(schedule_done(tuning, study, &log, err));
    study->stragglers_ms =
        next_ms == INT64_MAX ? next_ms : tuning->now_ms + (next_ms - tuning->wall_ms) + 1;
    return study->stragglers_ms == before_ms ? 0 : study_set_clock(tuning, study, err);
}

/* Can anything still go out, now or once something that is under way ends? */
static bool has_future(const struct tuning *tuning, const struct live_study *study, bool *over)
{
    *over = false;
    if (study->live_leases > 0) {
        return true;
    }
    if (!study_may_go_on(tuning, study)) {
        return false;
    }
    if (study->retries.first != NULL) {
        return true;
    }
    struct schedule_moment moment = study_moment(tuning, study);
    struct schedule_offer offer;
    schedule_offer(study->schedule, &moment, &offer);
    *over = offer.kind == OFFER_NOTHING && offer.is_over;
    return offer.kind != OFFER_NOTHING;
}

/* Queued ones become cancelled, paused ones pruned. */
static int end_the_rest(struct tuning *tuning, struct live_study *study, struct err *err)
{
    OWN(memory) int64_t *open = NULL;
    size_t n;

    TRY(study_open_trials(tuning, study, &open, &n, err));
    for (size_t i = 0; i < n; i++) {
        struct live_trial *trial = trial_live(tuning, open[i]);
        if (trial != NULL) { /* the end of another may have ended it */
            bool paused = trial->row.state == TRIAL_PAUSED;
            TRY(trial_end(tuning, trial, paused ? TRIAL_PRUNED : TRIAL_CANCELLED, NULL, NULL, err));
        }
    }
    return 0;
}

int study_settle(struct tuning *tuning, struct live_study *study, struct err *err)
{
    bool over;

    if (study->row.state != STUDY_RUNNING || has_future(tuning, study, &over)) {
        return 0;
    }
    /* A strategy may not know that it has nothing left before it is asked; only a limit, an
     * exhausted search or a schedule that is over ends a study. */
    enum study_reason reason = study_limit_reached(tuning, study);
    if (over) {
        reason = REASON_ROUNDS;
    } else if (reason == REASON_EXHAUSTED && !study->row.exhausted) {
        return 0;
    }
    TRY(end_the_rest(tuning, study, err));
    study->row.state = STUDY_FINISHED;
    study->row.reason = reason;
    study->row.paused_at_ms = tuning->wall_ms;
    study->dirty = true;
    tuning->studies_moved = true; /* those who wait for this study hear it */
    return event_append(tuning, EVENT_STUDY_FINISHED, study->row.id, 0, 0, err);
}
