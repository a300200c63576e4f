#include "server/replay/suggestion.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/domain/config_set.h"
#include "server/replay/past.h"
#include "server/schedule/choice.h"
#include "server/strategy/strategy.h"
#include "server/suggester/untried.h"

void suggestion_again_finish(struct suggestion_again *again)
{
    free(again->config);
    again->config = NULL;
}

static bool is_same(const double a[], const double b[], size_t n)
{
    for (size_t i = 0; i < n; i++) {
        bool both_nan = isnan(a[i]) && isnan(b[i]);
        if (!both_nan && memcmp(&a[i], &b[i], sizeof a[i]) != 0) {
            return false;
        }
    }
    return true;
}

bool suggestion_is_same(const struct record_trial *trial, const struct suggestion_again *again)
{
    return again->config != NULL
           && is_same(trial->row.config, again->config, again->def->space->n_params);
}

static void release(struct suggestion *out)
{
    free(out->explain);
    free(out->fit);
    out->explain = NULL;
    out->fit = NULL;
}

/* Takes over what a strategy answered. */
static int settle(int result, struct suggestion *out, struct suggestion_again *again,
                  struct err *err)
{
    release(out);
    if (result == 0) {
        again->why.code = ERR_NONE;
        return 0;
    }
    if (again->why.code == ERR_NOMEM || again->why.code == ERR_OVERLOADED) {
        *err = again->why;
        return -1;
    }
    free(again->config);
    again->config = NULL;
    out->config = NULL;
    return 0;
}

/* ---- strategies that learn ---- */

static int suggest_from_past(const struct study_record *record, const struct strategy *strategy,
                             const struct record_trial *trial, const atomic_bool *stop,
                             struct suggestion_again *again, struct err *err)
{
    OWN(basis) struct basis basis = {0};
    OWN(past) struct past past = {0};
    struct suggestion out = {.config = again->config};

    TRY(basis_read(trial->basis, trial->basis_bytes, &basis, err));
    again->def = study_record_def_at(record, basis.seq)->def->def;
    TRY(past_read(record, &basis, &past, err));
    if (past.missing != NULL) {
        again->missing = past.missing;
        return 0;
    }
    past.history.stop = stop;
    int result =
        strategy->suggest(again->def, &past.history, trial->row.ordinal, &out, &again->why);
    return settle(result, &out, again, err);
}

/* ---- strategies that need no history ---- */

/* The last ordinal before this trial's; 0: there was none, or the points were counted anew. */
static uint64_t ordinal_before(const struct study_record *record, const struct record_trial *trial)
{
    for (const struct record_trial *at = trial; at-- > record->trials;) {
        if (at->row.source == SOURCE_SUGGESTED && at->n_events > 0) {
            return at->row.ordinal < trial->row.ordinal ? at->row.ordinal : 0;
        }
    }
    return 0;
}

/* The configurations that had a trial before this one. */
static int read_tried(const struct study_record *record, const struct untried *untried,
                      const struct record_trial *trial, struct config_set *tried, struct err *err)
{
    const struct space *space = untried->study->space;
    int64_t seq = trial->events[0].seq - 1;

    for (const struct record_trial *at = record->trials; at < trial; at++) {
        const struct record_event *event = past_event(at, seq);
        bool was_cancelled =
            event != NULL && event->seq == at->row.ended_seq && at->row.state == TRIAL_CANCELLED;
        if (event != NULL && !was_cancelled && space_is_legal(space, at->row.config)
            && untried_keeps(untried->strategy, untried->study, untried->n_configurations,
                             at->row.source)) {
            TRY(config_set_add(tried, space, at->row.config, err));
        }
    }
    return 0;
}

/* The first untried one behind an ordinal. */
static int suggest_untried(const struct study_record *record, const struct strategy *strategy,
                           const struct record_trial *trial, uint64_t before,
                           struct suggestion_again *again, struct err *err)
{
    struct config_set tried = {0};
    struct suggestion out = {.config = again->config};
    const struct untried untried = {
        .strategy = strategy,
        .study = again->def,
        .tried = &tried,
        .n_configurations = strategy->enumerates ? UINT64_MAX : untried_count_all(again->def),
    };

    int result = read_tried(record, &untried, trial, &tried, err);
    if (result == 0) {
        result = settle(untried_suggest(&untried, &before, &out, &again->why), &out, again, err);
    }
    config_set_finish(&tried);
    return result;
}

/* Most often it is the point of its ordinal; else that one had been tried. */
static int suggest_alone(const struct study_record *record, const struct strategy *strategy,
                         const struct record_trial *trial, struct suggestion_again *again,
                         struct err *err)
{
    static const struct history nothing;
    struct suggestion out = {.config = again->config};

    again->def = study_record_def_at(record, trial->events[0].seq - 1)->def->def;
    int result = strategy->suggest(again->def, &nothing, trial->row.ordinal, &out, &again->why);
    release(&out);
    if (result == 0 && suggestion_is_same(trial, again)) {
        return 0;
    }
    TRY(suggest_untried(
        record, strategy, trial,
        trial->row.fallback ? trial->row.ordinal - 1 : ordinal_before(record, trial), again, err));
    if (!trial->row.fallback || again->config == NULL || suggestion_is_same(trial, again)) {
        return 0;
    }
    return suggest_untried(record, strategy, trial, ordinal_before(record, trial), again, err);
}

int suggestion_make_again(const struct study_record *record, const struct record_trial *trial,
                          const atomic_bool *stop, struct suggestion_again *again, struct err *err)
{
    const struct study_def *def = study_record_def_at(record, trial->events[0].seq - 1)->def->def;
    const struct strategy *strategy = strategy_find(schedule_search(def));
    OWN(suggestion_again)
    struct suggestion_again made = {
        .def = def,
        .config = calloc(trial->row.n_params + def->space->n_params + 1, sizeof(double))};

    if (made.config == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (trial->basis != NULL) {
        TRY(suggest_from_past(record, strategy, trial, stop, &made, err));
    } else if (trial->row.fallback) {
        TRY(suggest_alone(record, strategy_find("quasirandom"), trial, &made, err));
    } else if (strategy->is_async) {
        made.missing = "it was made by a version that did not keep what it had seen";
    } else {
        TRY(suggest_alone(record, strategy, trial, &made, err));
    }
    *again = made;
    made = (struct suggestion_again){0};
    return 0;
}
