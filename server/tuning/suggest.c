/* New configurations: from strategies that need no time, and from those that think. */
#include "server/tuning/claim.h"

#include <stdlib.h>
#include <string.h>

#include "server/strategy/sobol.h"

/* The suggestion becomes a trial; takes what it owns. */
static int adopt(struct tuning *tuning, struct live_study *study, uint64_t ordinal,
                 struct suggestion *suggestion, struct live_trial **trial, struct err *err)
{
    struct trial_row row = {
        .id = trial_id(study->row.id, study->row.last_number + 1),
        .state = TRIAL_QUEUED,
        .source = SOURCE_SUGGESTED,
        .fallback = suggestion->fallback,
        .ordinal = ordinal,
        .n_params = study->def->space->n_params,
        .config = suggestion->x,
        .explain = suggestion->explain,
        .created_at_ms = tuning->wall_ms,
    };
    OWN(memory) void *fit = suggestion->fit;

    suggestion->x = NULL;
    suggestion->explain = NULL;
    suggestion->fit = NULL;
    if (trial_enter(tuning, study, &row, trial, err) != 0) {
        trial_row_finish(&row);
        return -1;
    }
    (*trial)->unsaved = true; /* its row is written once, by the grant */
    study->row.last_number++;
    study->row.last_ordinal = ordinal;
    study->row.counts[TRIAL_QUEUED]++;
    study->dirty = true;
    if (fit == NULL || study->past == NULL) {
        return 0;
    }
    TRY(store_fit_insert(tuning->store, study->row.id, suggestion->fit_n_seen, fit,
                         suggestion->fit_bytes, err));
    return past_add_fit(study->past, suggestion->fit_n_seen, fit, suggestion->fit_bytes, err);
}

/* A new trial from a strategy that needs no time; *trial NULL when it has nothing left. */
static int suggest_now(struct tuning *tuning, struct live_study *study, struct live_trial **trial,
                       struct err *err)
{
    struct suggestion suggestion = {.x = calloc(study->def->space->n_params + 1, sizeof(double))};
    static const struct history nothing;
    uint64_t ordinal = study->row.last_ordinal + 1;

    *trial = NULL;
    if (suggestion.x == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (study->strategy->suggest(study->def, &nothing, ordinal, &suggestion, err) != 0) {
        free(suggestion.x);
        if (err->code == ERR_EXHAUSTED) {
            study->row.exhausted = true;
            study->dirty = true;
            return 0;
        }
        return -1;
    }
    return adopt(tuning, study, ordinal, &suggestion, trial, err);
}

/* The model was not done in time: the quasi-random point of the ordinal, marked. */
static int suggest_fallback(struct tuning *tuning, struct live_study *study,
                            struct live_trial **trial, struct err *err)
{
    struct suggestion suggestion = {.x = calloc(study->def->space->n_params + 1, sizeof(double)),
                                    .fallback = true};
    uint64_t ordinal = study->row.last_ordinal + 1;

    *trial = NULL;
    if (suggestion.x == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (strategy_quasi_random(study->def, ordinal, suggestion.x, err) != 0) {
        free(suggestion.x);
        return err->code == ERR_EXHAUSTED ? 0 : -1;
    }
    return adopt(tuning, study, ordinal, &suggestion, trial, err);
}

/* May one more suggestion be thought about, beside those that are ready or under way? */
static bool may_reserve(const struct live_study *study)
{
    const struct limits *limits = &study->def->limits;
    int64_t reserved = (int64_t)study_reserved(study);

    return (limits->trials < 0 || study->row.leased_trials + reserved < limits->trials)
           && (limits->parallel < 0 || study->live_leases + reserved < limits->parallel);
}

/* A new trial from a strategy that thinks; *trial NULL: not yet, or nothing left. */
static int suggest_thought(struct tuning *tuning, struct ask *ask, struct live_study *study,
                           struct live_trial **trial, struct err *err)
{
    struct ready *ready = study_take_ready(study);
    bool exact = study->def->serving == SERVING_EXACT;

    *trial = NULL;
    if (ready != NULL) {
        int result = adopt(tuning, study, ready->ordinal, &ready->out, trial, err);
        ready_destroy(ready);
        return result;
    }
    if (ask->thought_enough && !exact) {
        return suggest_fallback(tuning, study, trial, err);
    }
    if (exact ? !ask->has_thought && may_reserve(study)
              : study_reserved(study) == 0 && may_reserve(study)) {
        TRY(study_think(tuning, study, err));
        ask->has_thought = true;
    }
    ask->thinks = study_reserved(study) > 0;
    if (ask->thinks && exact) {
        TRY(ask_set_due(tuning, ask, INT64_MAX, err));
    } else if (ask->thinks && !ask->waits_for_thought) {
        ask->waits_for_thought = true;
        TRY(ask_set_due(tuning, ask, tuning->now_ms + tuning->settings.think_ms, err));
    }
    return 0;
}

int study_suggest(struct tuning *tuning, struct ask *ask, struct live_study *study,
                  struct live_trial **trial, struct err *err)
{
    return study->strategy->thinks ? suggest_thought(tuning, ask, study, trial, err)
                                   : suggest_now(tuning, study, trial, err);
}
