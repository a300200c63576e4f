#include "server/tuning/suggestion.h"

#include <stdlib.h>
#include <string.h>

#include "common/histogram.h"
#include "server/state/limits.h"
#include "server/state/studies.h"
#include "server/state/trials.h"
#include "server/state/tried.h"
#include "server/store/decisions.h"
#include "server/tuning/waiting.h"

/* What a job is made from; *open is owned by the caller. */
static int read_input(const struct tuning *tuning, const struct live_study *study,
                      struct suggester_input *input, struct open_trial **open, struct err *err)
{
    struct open_trial *items = malloc(study->n_open * sizeof *items + 1);
    size_t n = 0;

    if (items == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (const struct live_trial *trial = study->open; trial != NULL; trial = trial->next_open) {
        const struct live_lease *lease = trial->lease;
        items[n++] = (struct open_trial){
            .row = &trial->row,
            .curve = &trial->curve,
            .reported = lease == NULL ? INT64_MAX : lease->last_step,
        };
    }
    *input = (struct suggester_input){.def = study->shared,
                                      .last_ordinal = study->row.last_ordinal,
                                      .seq = tuning->state.last_seq,
                                      .n_open = n,
                                      .open = items};
    *open = items;
    return 0;
}

/* Requests one more suggestion. */
static int request(const struct tuning *tuning, struct live_study *study, struct err *err)
{
    OWN(memory) struct open_trial *open = NULL;
    struct suggester_input input;

    TRY(read_input(tuning, study, &input, &open, err));
    return suggester_request(study->suggester, &input, err);
}

int study_forecast(const struct tuning *tuning, struct live_study *study, int64_t trial,
                   int64_t level, struct err *err)
{
    OWN(memory) struct open_trial *open = NULL;
    struct suggester_input input;

    TRY(read_input(tuning, study, &input, &open, err));
    return suggester_forecast(study->suggester, &input, trial, level, err);
}

int study_keep_fit(struct tuning *tuning, struct live_study *study, uint64_t n_seen,
                   const void *fit, size_t bytes, struct err *err)
{
    TRY(store_fit_insert(tuning->state.store, study->row.id, n_seen, fit, bytes, err));
    return suggester_add_fit(study->suggester, n_seen, fit, bytes, err);
}

/* The suggestion becomes a trial; takes what it owns, and its basis. */
static int adopt(struct tuning *tuning, struct live_study *study, struct prepared *prepared,
                 struct live_trial **trial, struct err *err)
{
    struct suggestion *suggestion = &prepared->out;
    struct trial_row row = {
        .id = trial_id(study->row.id, study->row.last_number + 1),
        .state = TRIAL_QUEUED,
        .source = SOURCE_SUGGESTED,
        .fallback = suggestion->fallback,
        .ordinal = prepared->ordinal,
        .n_params = study->def->space->n_params,
        .config = suggestion->config,
        .explain = suggestion->explain,
        .basis = prepared->basis,
        .basis_bytes = prepared->basis_bytes,
        .created_at_ms = tuning->state.wall_ms,
    };
    OWN(memory) void *fit = suggestion->fit;

    suggestion->config = NULL;
    suggestion->explain = NULL;
    suggestion->fit = NULL;
    prepared->basis = NULL;
    if (trial_enter(&tuning->state, study, &row, trial, err) != 0) {
        trial_row_finish(&row);
        return -1;
    }
    (*trial)->unsaved = true; /* its row is written once, by the grant */
    study->row.last_number++;
    study->row.last_ordinal = prepared->ordinal;
    study->row.counts[TRIAL_QUEUED]++;
    study_touch(study);
    return fit == NULL || study->suggester == NULL
               ? 0
               : study_keep_fit(tuning, study, suggestion->fit_n_seen, fit, suggestion->fit_bytes,
                                err);
}

static int suggest_other(struct tuning *tuning, struct live_study *study,
                         const struct strategy *strategy, uint64_t *ordinal,
                         struct suggestion *suggestion, struct err *err)
{
    int64_t began_us = clock_monotonic_us();
    int result = tried_suggest_other(study, strategy, ordinal, suggestion, err);

    if (tuning->settings.suggest_durations != NULL) {
        histogram_add(tuning->settings.suggest_durations, clock_monotonic_us() - began_us);
    }
    return result;
}

/* A new trial from a strategy that needs no time, or a fallback; *trial NULL when there is no
 * configuration left. */
static int suggest_now(struct tuning *tuning, struct live_study *study,
                       const struct strategy *strategy, bool fallback, struct live_trial **trial,
                       struct err *err)
{
    struct prepared made = {
        .ordinal = study->row.last_ordinal,
        .out = {.config = calloc(study->def->space->n_params + 1, sizeof(double)),
                .fallback = fallback},
    };

    *trial = NULL;
    if (made.out.config == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (suggest_other(tuning, study, strategy, &made.ordinal, &made.out, err) != 0) {
        free(made.out.config);
        if (err->code != ERR_EXHAUSTED) {
            return -1;
        }
        if (!fallback) {
            study->row.exhausted = true;
            study_touch(study);
        }
        return 0;
    }
    return adopt(tuning, study, &made, trial, err);
}

/* The next prepared suggestion whose configuration was not brought meanwhile; NULL: none. */
static struct prepared *take_prepared(struct live_study *study)
{
    struct prepared *prepared;

    while ((prepared = suggester_take(study->suggester)) != NULL
           && tried_contains(study, prepared->out.config)) {
        prepared_destroy(prepared);
    }
    return prepared;
}

/* May one more suggestion be requested, beside those that are prepared or under way? */
static bool may_reserve(const struct live_study *study)
{
    const struct limits *limits = &study->def->limits;
    int64_t reserved = (int64_t)suggester_reserved(study->suggester);

    return (limits->trials < 0 || study->row.leased_trials + reserved < limits->trials)
           && (limits->parallel < 0 || study->live_leases + reserved < limits->parallel);
}

/* A new trial from a strategy that runs as a job; *trial NULL: not yet, or nothing left. */
static int suggest_prepared(struct tuning *tuning, struct ask *ask, struct live_study *study,
                            struct live_trial **trial, struct err *err)
{
    struct prepared *prepared = take_prepared(study);
    bool exact = study->def->serving == SERVING_EXACT;

    *trial = NULL;
    if (prepared != NULL) {
        int result = adopt(tuning, study, prepared, trial, err);
        prepared_destroy(prepared);
        return result;
    }
    if (ask->takes_fallback && !exact) {
        /* the model was not done in time */
        return suggest_now(tuning, study, strategy_find("quasirandom"), true, trial, err);
    }
    if (exact ? !ask->has_job && may_reserve(study)
              : suggester_reserved(study->suggester) == 0 && may_reserve(study)) {
        TRY(request(tuning, study, err));
        ask->has_job = true;
    }
    ask->awaits_suggestion = suggester_reserved(study->suggester) > 0;
    if (ask->awaits_suggestion && exact) {
        TRY(ask_set_due(tuning, ask, INT64_MAX, err));
    } else if (ask->awaits_suggestion && !ask->suggestion_timed) {
        ask->suggestion_timed = true;
        TRY(ask_set_due(tuning, ask, tuning->state.now_ms + tuning->settings.suggestion_timeout_ms,
                        err));
    }
    return 0;
}

int study_suggest(struct tuning *tuning, struct ask *ask, struct live_study *study,
                  struct live_trial **trial, struct err *err)
{
    return study->strategy->is_async
               ? suggest_prepared(tuning, ask, study, trial, err)
               : suggest_now(tuning, study, study->strategy, false, trial, err);
}

int study_prepare(struct tuning *tuning, struct live_study *study, struct err *err)
{
    if (!study->strategy->is_async || study->def->serving == SERVING_EXACT
        || study->row.leased_trials == 0 || !suggester_is_idle(study->suggester)
        || !study_may_start(&tuning->state, study)) {
        return 0;
    }
    /* one for each worker that is at work, at most 8 */
    size_t wanted = study->live_leases > 8   ? 8
                    : study->live_leases < 1 ? 1
                                             : (size_t)study->live_leases;
    return suggester_n_prepared(study->suggester) >= wanted ? 0 : request(tuning, study, err);
}
