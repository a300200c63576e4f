#include "server/tuning/forecasts.h"

#include <stdlib.h>

#include "server/state/leases.h"
#include "server/state/limits.h"
#include "server/state/lookup.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/tuning/suggestion.h"

int forecast_request(const struct tuning *tuning, struct live_trial *trial, struct err *err)
{
    struct live_study *study = trial->study;
    int64_t number = trial_id_number(trial->row.id);
    int64_t level;

    if (study->suggester == NULL || !schedule_needs_forecast(study->schedule, number, &level)) {
        trial->forecast_level = 0;
        return 0;
    }
    if (trial->forecast_level == level) {
        return 0;
    }
    trial->forecast_level = level;
    return study_forecast(tuning, study, number, level, err);
}

int forecasts_request_all(struct tuning *tuning, struct err *err)
{
    for (struct live_study *study = tuning->state.studies; study != NULL; study = study->next) {
        if (!schedule_uses_forecasts(study->def)) {
            continue;
        }
        for (struct live_trial *trial = study->open; trial != NULL; trial = trial->next_open) {
            TRY(forecast_request(tuning, trial, err));
        }
    }
    return 0;
}

void forecast_forget(struct live_trial *trial, int64_t step)
{
    if (trial->forecast_level != 0 && step <= trial->forecast_level) {
        suggester_forget_forecast(trial->study->suggester, trial_id_number(trial->row.id));
        trial->forecast_level = 0;
    }
}

int forecast_take(struct tuning *tuning, struct live_study *study, const struct suggestion_job *job,
                  struct err *err)
{
    const struct forecast *forecast = &job->forecast;
    const struct schedule_forecast said = {
        .known = job->result == 0 && forecast->known,
        .chance = forecast->chance,
        .mean = forecast->mean,
        .spread = forecast->sd,
        .incumbent = forecast->incumbent,
    };
    struct schedule_moment moment = study_moment(&tuning->state, study);
    OWN(schedule_log) struct schedule_log log = {0};

    if (forecast->fit != NULL) {
        TRY(study_keep_fit(tuning, study, forecast->fit_n_seen, forecast->fit, forecast->fit_bytes,
                           err));
    }
    TRY(schedule_apply_forecast(study->schedule, &moment, job->trial, job->level, &said, &log,
                                err));
    tuning->state.forecasts_moved = true;
    TRY(schedule_done(&tuning->state, study, &log, err));
    struct live_trial *trial = trial_live(&tuning->state, trial_id(study->row.id, job->trial));
    return trial == NULL ? 0 : forecast_request(tuning, trial, err);
}

/* ---- reports whose answer waits ---- */

int report_park(struct tuning *tuning, struct measure_command *command,
                const struct live_trial *trial, struct err *err)
{
    struct parked_report *parked = calloc(1, sizeof *parked);

    if (parked == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    heap_node_init(&parked->deadline, parked);
    if (trial->study->def->serving != SERVING_EXACT
        && heap_set(&tuning->forecast_deadlines, &parked->deadline,
                    tuning->state.now_ms + tuning->settings.suggestion_timeout_ms, err)
               != 0) {
        free(parked);
        return -1;
    }
    parked->command = command;
    parked->trial = trial->row.id;
    parked->group = tuning->groups;
    command->head.waits = true;
    *tuning->parked_tail = parked;
    tuning->parked_tail = &parked->next;
    return 0;
}

/* Out of the list: `*link` is the parked report. */
static struct measure_command *unpark(struct tuning *tuning, struct parked_report **link)
{
    struct parked_report *parked = *link;
    struct measure_command *command = parked->command;

    *link = parked->next;
    if (*link == NULL) {
        tuning->parked_tail = link;
    }
    heap_remove(&tuning->forecast_deadlines, &parked->deadline);
    free(parked);
    command->head.waits = false;
    return command;
}

/* Answers as things stand now. The measurements count in any case: a lease that has ended meanwhile
 * only means that there is nothing to train any more. */
static void answer(struct tuning *tuning, struct parked_report **link)
{
    struct measure_command *command = unpark(tuning, link);
    struct live_lease *lease;

    if (lease_lookup(&tuning->state, command->in.lease, &lease, NULL, NULL) == 0) {
        lease_action(&tuning->state, lease, &command->out.action);
    } else {
        command->out.action.action = ACTION_STOP;
    }
    command_done(tuning, &command->head);
}

static bool has_its_forecast(const struct tuning *tuning, const struct parked_report *parked)
{
    const struct live_trial *trial = trial_live(&tuning->state, parked->trial);

    return trial == NULL || trial->lease == NULL || trial->forecast_level == 0;
}

void reports_answer(struct tuning *tuning, bool all)
{
    const struct heap_node *top = heap_top(&tuning->forecast_deadlines);
    bool is_due = top != NULL && top->at_ms <= tuning->state.now_ms;

    if (!all && !is_due && !tuning->state.forecasts_moved) {
        return;
    }
    tuning->state.forecasts_moved = false;
    for (struct parked_report **link = &tuning->parked; *link != NULL;) {
        const struct parked_report *parked = *link;
        bool is_late = parked->deadline.place != HEAP_NOWHERE
                       && parked->deadline.at_ms <= tuning->state.now_ms;
        if (all || is_late || has_its_forecast(tuning, parked)) {
            answer(tuning, link);
        } else {
            link = &(*link)->next;
        }
    }
}

void reports_fail_group(struct tuning *tuning, const struct err *why)
{
    for (struct parked_report **link = &tuning->parked; *link != NULL;) {
        if ((*link)->group == tuning->groups) {
            struct measure_command *command = unpark(tuning, link);
            command->head.err = *why;
            command_done(tuning, &command->head);
        } else {
            link = &(*link)->next;
        }
    }
}
