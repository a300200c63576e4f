/* asha in mode "predictive": a forecast decides about every value (schedule.h). */
#include <math.h>

#include "server/schedule/decide.h"
#include "server/schedule/schedule.h"

bool schedule_needs_forecast(const struct schedule *schedule, int64_t trial, int64_t *level)
{
    const struct rung_entry *entry = schedule_entry(schedule, trial);

    if (entry == NULL || entry->state != ENTRY_WAITING || !schedule_is_predictive(schedule)) {
        return false;
    }
    *level = schedule_rung_of(schedule, entry)->level;
    return true;
}

/* Whether the trial continues: by its probability, or by its rank where no forecast is known. */
static bool should_continue(const struct schedule *schedule, const struct rung_entry *entry,
                            const struct schedule_forecast *forecast)
{
    const struct bracket *bracket = schedule->brackets[entry->bracket];

    if (forecast->known) {
        return !(forecast->chance < schedule->options.delta);
    }
    size_t others =
        ranking_rank(&schedule_rung_of(schedule, entry)->all, entry->cost, INT64_MAX) - 1;
    return others < schedule->kind->n_advance(schedule, bracket, entry->rung);
}

static int record_forecast(const struct schedule_call *call, int64_t trial, int64_t level,
                           const struct schedule_forecast *forecast, struct err *err)
{
    TRY(call_record_trial(call, trial, FACT_CHANCE, level, forecast->chance, err));
    TRY(call_record_trial(call, trial, FACT_MEAN, level, forecast->mean, err));
    TRY(call_record_trial(call, trial, FACT_SPREAD, level, forecast->spread, err));
    return call_record_trial(call, trial, FACT_INCUMBENT, level, forecast->incumbent, err);
}

int schedule_apply_forecast(struct schedule *schedule, const struct schedule_moment *moment,
                            int64_t trial, int64_t level, const struct schedule_forecast *forecast,
                            struct schedule_log *log, struct err *err)
{
    const struct schedule_call call = {schedule, moment, log};
    const struct rung_entry *entry = schedule_entry(schedule, trial);
    int64_t needed;

    if (!schedule_needs_forecast(schedule, trial, &needed) || needed != level) {
        return 0;
    }
    call_begin(&call, CALL_FORECAST, trial, level);
    if (forecast->known) {
        TRY(record_forecast(&call, trial, level, forecast, err));
    }
    if (!should_continue(schedule, entry, forecast)) {
        return call_record_trial(&call, trial, FACT_LOSE, level, (double)NAN, err);
    }
    const struct bracket *bracket = schedule->brackets[entry->bracket];
    TRY(call_record_trial(&call, trial, FACT_PROMOTE, bracket->rungs[entry->rung + 1].level,
                          (double)NAN, err));
    return call_enter_known_rungs(&call, trial, err);
}
