/* What happens once a group: what time brought, studies that are over, counters, housekeeping. */
#include <inttypes.h>

#include "server/state/events.h"
#include "server/state/limits.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/state/tried.h"
#include "server/tuning/ask.h"
#include "server/tuning/claim.h"
#include "server/tuning/forecasts.h"
#include "server/tuning/internal.h"
#include "server/tuning/recent.h"
#include "server/tuning/release.h"
#include "server/tuning/retention.h"
#include "server/tuning/suggestion.h"
#include "server/tuning/tuning.h"

/* Closes rungs whose stragglers have had their time (quorum). */
static int study_drop_stragglers(struct tuning *tuning, struct live_study *study, struct err *err)
{
    OWN(schedule_log) struct schedule_log log = {0};
    struct schedule_moment moment = study_moment(&tuning->state, study);
    int64_t before_ms = study->stragglers_ms;
    int64_t next_ms;

    TRY(schedule_tick(study->schedule, &moment, &log, &next_ms, err));
    TRY(schedule_done(&tuning->state, study, &log, err));
    study->stragglers_ms = next_ms == INT64_MAX
                               ? next_ms
                               : tuning->state.now_ms + (next_ms - tuning->state.wall_ms) + 1;
    return study->stragglers_ms == before_ms ? 0 : study_set_clock(&tuning->state, study, err);
}

/* Can anything still go out, now or once something that is under way ends? */
static bool has_future(const struct tuning *tuning, const struct live_study *study, bool *over)
{
    *over = false;
    if (study->live_leases > 0) {
        return true;
    }
    if (!study_may_go_on(&tuning->state, study)) {
        return false;
    }
    if (study->retries.first != NULL) {
        return true;
    }
    struct schedule_moment moment = study_moment(&tuning->state, study);
    struct schedule_offer offer;
    schedule_offer(study->schedule, &moment, &offer);
    *over = offer.kind == OFFER_NOTHING && offer.is_over;
    return offer.kind != OFFER_NOTHING;
}

/* Queued ones become cancelled, paused ones pruned; none is running. */
static int end_the_rest(struct tuning *tuning, struct live_study *study, struct err *err)
{
    while (study->open != NULL) {
        enum trial_state end =
            study->open->row.state == TRIAL_PAUSED ? TRIAL_PRUNED : TRIAL_CANCELLED;
        TRY(trial_end(&tuning->state, study->open, end, NULL, NULL, err));
    }
    return 0;
}

/* Ends the study, which is running, if nothing runs and nothing may go out any more. */
static int study_settle(struct tuning *tuning, struct live_study *study, struct err *err)
{
    bool over;

    if (has_future(tuning, study, &over)) {
        return 0;
    }
    /* A strategy may not know that it has nothing left before it is asked; only a limit, an
     * exhausted search or a schedule that is over ends a study. */
    enum study_reason reason = study_limit_reached(&tuning->state, study);
    if (over) {
        reason = REASON_ROUNDS;
    } else if (reason == REASON_EXHAUSTED && !study->row.exhausted) {
        return 0;
    }
    TRY(end_the_rest(tuning, study, err));
    study->row.state = STUDY_FINISHED;
    study->row.reason = reason;
    study->row.paused_at_ms = tuning->state.wall_ms;
    study_touch(study);
    tuning->state.studies_moved = true; /* asks that wait for it are answered */
    return event_append(&tuning->state, EVENT_STUDY_FINISHED, study->row.id, 0, 0, err);
}

static int ring_clocks(struct tuning *tuning, struct err *err)
{
    struct heap_node *top;

    while ((top = heap_top(&tuning->state.study_clocks)) != NULL
           && top->at_ms <= tuning->state.now_ms) {
        struct live_study *study = top->owner;
        heap_remove(&tuning->state.study_clocks, &study->clock);
        study_touch(study);
        TRY(study_drop_stragglers(tuning, study, err));
        TRY(study_set_clock(&tuning->state, study, err));
        if (study->clock.place != HEAP_NOWHERE && study->clock.at_ms <= tuning->state.now_ms) {
            heap_remove(&tuning->state.study_clocks, &study->clock); /* its time is over */
        }
    }
    return 0;
}

/* Studies in which something moved: no more configurations to come? over? */
static int settle_studies(struct tuning *tuning, struct err *err)
{
    for (struct live_study *study = tuning->state.touched.first; study != NULL;
         study = study->next_touched) {
        if (!study->dirty || study->row.state != STUDY_RUNNING) {
            continue;
        }
        TRY(study_drop_stragglers(tuning, study, err));
        TRY(tried_check_exhausted(study, err));
        if (study->row.leased_trials > 0 && !study->sealed && study_may_go_on(&tuning->state, study)
            && !study_may_start(&tuning->state, study)) {
            TRY(study_seal(tuning, study, err));
        }
        TRY(study_settle(tuning, study, err));
    }
    return 0;
}

static int flush_studies(struct tuning *tuning, struct err *err)
{
    for (struct live_study *study = tuning->state.touched.first; study != NULL;
         study = study->next_touched) {
        if (study->dirty) {
            TRY(store_study_update(tuning->state.store, &study->row, study->redefine, err));
            study->dirty = false;
            study->redefine = false;
        }
    }
    studies_settled(&tuning->state);
    return 0;
}

int tuning_settle(struct tuning *tuning, struct err *err)
{
    tuning_read_clock(tuning);
    tuning->groups += tuning->is_settled;
    tuning->is_settled = true;
    TRY(leases_end_old(tuning, err));
    TRY(leases_expire(tuning, err));
    TRY(ring_clocks(tuning, err));
    TRY(settle_studies(tuning, err));
    do {
        TRY(asks_dispatch(tuning, err));
        TRY(settle_studies(tuning, err));
    } while ((tuning->state.may_have_work || tuning->state.studies_moved) && tuning->n_asks > 0);
    for (struct live_study *study = tuning->state.touched.first; study != NULL;
         study = study->next_touched) {
        TRY(study_prepare(tuning, study, err));
    }
    reports_answer(tuning, false);
    TRY(recent_step(tuning, err));
    TRY(retention_step(tuning, err));
    return flush_studies(tuning, err);
}
