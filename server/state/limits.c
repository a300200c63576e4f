#include "server/state/limits.h"

#include <inttypes.h>
#include <math.h>

#include "common/integer.h"
#include "server/state/studies.h"

/* Milliseconds since the first lease, pauses excluded. */
static int64_t active_ms(const struct state *state, const struct live_study *study)
{
    const struct study_row *row = &study->row;
    int64_t pause = row->paused_at_ms != 0 ? state->wall_ms - row->paused_at_ms : 0;

    return row->started_at_ms == 0 ? 0
                                   : state->wall_ms - row->started_at_ms - row->paused_ms - pause;
}

static bool trials_used_up(const struct live_study *study)
{
    const struct limits *limits = &study->def->limits;

    return limits->trials >= 0 && study->row.leased_trials >= limits->trials;
}

/* The limits after which nothing goes out at all, retries and promotions included. */
static enum study_reason hard_limit(const struct state *state, const struct live_study *study)
{
    const struct limits *limits = &study->def->limits;

    if (study->row.target_reached) {
        return REASON_TARGET;
    }
    if (limits->seconds >= 0 && (double)active_ms(state, study) >= limits->seconds * 1000) {
        return REASON_SECONDS;
    }
    if (limits->resource >= 0 && study->row.resource_spent >= limits->resource) {
        return REASON_RESOURCE;
    }
    if (limits->failures >= 0
        && study->row.counts[TRIAL_FAILED] - study->imported_failures >= limits->failures) {
        return REASON_FAILURES;
    }
    int64_t in_row = failures_in_row_max(limits, study->row.has_value);
    if (in_row >= 0 && study->row.failed_in_row >= in_row) {
        return REASON_FAILURES;
    }
    return REASON_NONE;
}

bool study_may_go_on(const struct state *state, const struct live_study *study)
{
    return study->row.state == STUDY_RUNNING && hard_limit(state, study) == REASON_NONE;
}

bool study_may_start(const struct state *state, const struct live_study *study)
{
    return study_may_go_on(state, study) && !trials_used_up(study)
           && (study->enqueued.first != NULL || !study->row.exhausted);
}

enum study_reason study_limit_reached(const struct state *state, const struct live_study *study)
{
    enum study_reason hard = hard_limit(state, study);

    if (hard != REASON_NONE) {
        return hard;
    }
    return trials_used_up(study) ? REASON_TRIALS : REASON_EXHAUSTED;
}

struct schedule_moment study_moment(const struct state *state, const struct live_study *study)
{
    return (struct schedule_moment){
        .now_ms = state->wall_ms,
        .may_start = study_may_start(state, study),
        .may_promote = study_may_go_on(state, study),
    };
}

void study_note_value(struct state *state, struct live_study *study, double value)
{
    if (!study->row.has_value && isfinite(value)) {
        study->row.has_value = true;
        study_touch(study);
        state->may_have_work = true; /* more failures in a row are allowed from now on */
    }
}

void study_check_target(struct live_study *study, double value, const double bounded[])
{
    const struct limits *limits = &study->def->limits;

    if (limits->has_target && study->def->n_objectives == 1 && isfinite(value)
        && !study->row.target_reached && !study_is_better(study->def, limits->target, value)
        && study_feasibility(study->def, bounded) == FEASIBLE) {
        study->row.target_reached = true;
        study_touch(study);
    }
}

/* When limits.seconds strikes. */
static int64_t end_of_seconds_ms(const struct state *state, const struct live_study *study)
{
    const struct limits *limits = &study->def->limits;

    if (limits->seconds < 0) {
        return INT64_MAX;
    }
    int64_t left_ms = integer_from_real(ceil(limits->seconds * 1000)) - active_ms(state, study);
    return integer_add(state->now_ms, left_ms > 0 ? left_ms : 0);
}

int study_set_clock(struct state *state, struct live_study *study, struct err *err)
{
    int64_t at_ms = end_of_seconds_ms(state, study);

    at_ms = study->stragglers_ms < at_ms ? study->stragglers_ms : at_ms;
    if (at_ms == INT64_MAX || study->row.state != STUDY_RUNNING || study->row.started_at_ms == 0) {
        heap_remove(&state->study_clocks, &study->clock);
        return 0;
    }
    return heap_set(&state->study_clocks, &study->clock, at_ms, err);
}
