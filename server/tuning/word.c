/* The model's word about a trial that trains: asked for, waited for, taken (asha, predictive).
 *
 * A report that brings a trial to a level asks for it, and the answer to the report waits: in exact
 * serving until the word is there, so that the order of commands alone decides; else think_ms at
 * most, after which the job hears `continue` and the decision with a later report. The job trains
 * on meanwhile in either case. The measurements are on disk before: only the answer waits. */
#include <stdlib.h>

#include "server/tuning/live.h"

int word_ask(struct tuning *tuning, struct live_trial *trial, struct err *err)
{
    struct live_study *study = trial->study;
    int64_t number = trial_id_number(trial->row.id);
    int64_t level;

    if (study->past == NULL || !schedule_awaits(study->schedule, number, &level)) {
        trial->asked_level = 0;
        return 0;
    }
    if (trial->asked_level == level) {
        return 0;
    }
    trial->asked_level = level;
    return study_foretell(tuning, study, number, level, err);
}

int words_ask_all(struct tuning *tuning, struct err *err)
{
    for (struct live_study *study = tuning->studies; study != NULL; study = study->next) {
        OWN(memory) int64_t *open = NULL;
        size_t n = 0;

        if (schedule_wants_word(study->def)) {
            TRY(study_open_trials(tuning, study, &open, &n, err));
        }
        for (size_t i = 0; i < n; i++) {
            TRY(word_ask(tuning, trial_live(tuning, open[i]), err));
        }
    }
    return 0;
}

static int keep_fit(struct tuning *tuning, struct live_study *study,
                    const struct forecast *forecast, struct err *err)
{
    if (forecast->fit == NULL) {
        return 0;
    }
    TRY(store_fit_insert(tuning->store, study->row.id, forecast->fit_n_seen, forecast->fit,
                         forecast->fit_bytes, err));
    return past_add_fit(study->past, forecast->fit_n_seen, forecast->fit, forecast->fit_bytes, err);
}

int word_take(struct tuning *tuning, struct live_study *study, struct thought *thought,
              struct err *err)
{
    const struct forecast *forecast = &thought->forecast;
    const struct schedule_word word = {
        .known = thought->result == 0 && forecast->known,
        .chance = forecast->chance,
        .mean = forecast->mean,
        .spread = forecast->sd,
        .incumbent = forecast->incumbent,
    };
    struct schedule_moment moment = study_moment(tuning, study);
    OWN(schedule_log) struct schedule_log log = {0};

    TRY(keep_fit(tuning, study, forecast, err));
    TRY(schedule_judge(study->schedule, &moment, thought->judged, thought->level, &word, &log,
                       err));
    tuning->words_moved = true;
    TRY(schedule_done(tuning, study, &log, err));
    struct live_trial *trial = trial_live(tuning, trial_id(study->row.id, thought->judged));
    return trial == NULL ? 0 : word_ask(tuning, trial, err);
}

/* ---- reports whose answer waits ---- */

int report_park(struct tuning *tuning, struct command *command, const struct live_trial *trial,
                struct err *err)
{
    struct parked *parked = calloc(1, sizeof *parked);

    if (parked == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    heap_node_init(&parked->deadline, parked);
    if (trial->study->def->serving != SERVING_EXACT
        && heap_set(&tuning->word_deadlines, &parked->deadline,
                    tuning->now_ms + tuning->settings.think_ms, err)
               != 0) {
        free(parked);
        return -1;
    }
    parked->command = command;
    parked->study = trial->study->row.id;
    parked->trial = trial->row.id;
    parked->group = tuning->groups;
    command->is_parked = true;
    *tuning->parked_tail = parked;
    tuning->parked_tail = &parked->next;
    return 0;
}

/* Out of the list: `*link` is the parked report. */
static struct command *unpark(struct tuning *tuning, struct parked **link)
{
    struct parked *parked = *link;
    struct command *command = parked->command;

    *link = parked->next;
    if (*link == NULL) {
        tuning->parked_tail = link;
    }
    heap_remove(&tuning->word_deadlines, &parked->deadline);
    free(parked);
    command->is_parked = false;
    return command;
}

/* As things stand now. The measurements count in any case: a lease that has ended meanwhile only
 * means that there is nothing to train any more. */
static void answer(struct tuning *tuning, struct parked **link)
{
    struct command *command = unpark(tuning, link);
    struct live_lease *lease;

    if (lease_lookup(tuning, command->lease, &lease, NULL, NULL) == 0) {
        lease_action(tuning, lease, &command->action);
    } else {
        command->action.action = ACTION_STOP;
    }
    command_done(tuning, command);
}

static bool has_its_word(const struct tuning *tuning, const struct parked *parked)
{
    const struct live_trial *trial = trial_live(tuning, parked->trial);

    return trial == NULL || trial->lease == NULL || trial->asked_level == 0;
}

void reports_answer(struct tuning *tuning, bool all)
{
    const struct heap_node *top = heap_top(&tuning->word_deadlines);
    bool is_due = top != NULL && top->at_ms <= tuning->now_ms;

    if (!all && !is_due && !tuning->words_moved) {
        return;
    }
    tuning->words_moved = false;
    for (struct parked **link = &tuning->parked; *link != NULL;) {
        const struct parked *parked = *link;
        bool is_late =
            parked->deadline.place != HEAP_NOWHERE && parked->deadline.at_ms <= tuning->now_ms;
        if (all || is_late || has_its_word(tuning, parked)) {
            answer(tuning, link);
        } else {
            link = &(*link)->next;
        }
    }
}

void reports_fail_group(struct tuning *tuning, const struct err *why)
{
    for (struct parked **link = &tuning->parked; *link != NULL;) {
        if ((*link)->group == tuning->groups) {
            struct command *command = unpark(tuning, link);
            command->err = *why;
            command_done(tuning, command);
        } else {
            link = &(*link)->next;
        }
    }
}
