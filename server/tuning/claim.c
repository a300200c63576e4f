#include "server/tuning/claim.h"

#include "common/planted.h"
#include "server/state/limits.h"
#include "server/state/node_health.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/tuning/fits.h"
#include "server/tuning/grant.h"
#include "server/tuning/match.h"
#include "server/tuning/suggestion.h"

/* Tells the schedule once that no new configurations will come. */
int study_seal(struct tuning *tuning, struct live_study *study, struct err *err)
{
    OWN(schedule_log) struct schedule_log log = {0};
    struct schedule_moment moment = study_moment(&tuning->state, study);

    if (study->sealed) {
        return 0;
    }
    study->sealed = true;
    TRY(schedule_seal(study->schedule, &moment, &log, err));
    return schedule_done(&tuning->state, study, &log, err);
}

/* The ask, and the study that it may be served from. */
struct asker {
    const struct state *state;
    const struct live_study *study;
    const struct ask *ask;
};

/* Is the trial's checkpoint on the asking host? One that every host reaches prefers none. */
static bool holds_checkpoint(const void *worker, int64_t number)
{
    const struct asker *asker = worker;
    const struct live_trial *trial =
        trial_live(asker->state, trial_id(asker->study->row.id, number));

    return trial != NULL && trial->checkpoint.present && trial->checkpoint.reach == REACH_HOST
           && grant_resume_step(trial, &asker->ask->command->in.ask, INT64_MAX) > 0;
}

/* One system call, made only when there is something to hand out. */
static bool has_hung_up(struct ask *ask)
{
    const struct command *command = &ask->command->head;

    if (command->is_gone != NULL && command->is_gone(command->origin)) {
        ask->gone = true;
    }
    return ask->gone;
}

/* The schedule offers a trial that is no more: it lets go of it, and the next offer counts. */
static int drop_unknown(struct tuning *tuning, struct live_study *study, int64_t number,
                        struct err *err)
{
    OWN(schedule_log) struct schedule_log log = {0};
    struct schedule_moment moment = study_moment(&tuning->state, study);

    study->no_offer = 0;
    tuning->state.may_have_work = true;
    TRY(schedule_end(study->schedule, &moment, number, FACT_DROP, &log, err));
    return schedule_done(&tuning->state, study, &log, err);
}

/* The first trial that is to be tried again, and elsewhere than on a node in quarantine where it
 * has failed. */
static struct live_trial *next_retry(const struct live_study *study, const struct ask *ask)
{
    struct live_trial *trial = study->retries.first;

    while (trial != NULL && node_refuses(ask->worker->node, trial->row.id)) {
        trial = trial->next;
    }
    return trial;
}

/* Will this trial's next attempt, or that of a new configuration (NULL), end in time? One that does
 * not may go to another ask. */
static bool fits(const struct tuning *tuning, struct ask *ask, struct live_study *study,
                 const struct live_trial *trial, bool has_until, int64_t until)
{
    int64_t from = trial == NULL ? 0
                                 : grant_resume_step(trial, &ask->command->in.ask,
                                                     has_until ? until : INT64_MAX);

    if (ask_fits(tuning, ask, study, from, until)) {
        return true;
    }
    study->no_offer = 0;
    return false;
}

/* Grants the ask something of this study, if anything may go out. */
static int serve(struct tuning *tuning, struct ask *ask, struct live_study *study, bool *served,
                 struct err *err)
{
    const struct limits *limits = &study->def->limits;
    OWN(schedule_log) struct schedule_log log = {0};
    struct schedule_offer offer;
    struct live_trial *trial;

    *served = false;
    ask->n_tried++;
    if (study->no_offer == tuning->dispatches) {
        return 0;
    }
    trial = next_retry(study, ask);
    if (trial != NULL || study->retries.first == NULL) { /* else another node may get one */
        study->no_offer = tuning->dispatches;            /* unless something goes out below */
    }
    if (study->row.state != STUDY_RUNNING || !study_may_go_on(&tuning->state, study)
        || (limits->parallel >= 0 && study->live_leases >= limits->parallel)) {
        return 0;
    }
    if (trial != NULL) {
        if (has_hung_up(ask)) {
            study->no_offer = 0;
            return 0;
        }
        struct schedule_answer answer =
            schedule_answer(study->schedule, trial_id_number(trial->row.id));
        if (!fits(tuning, ask, study, trial, answer.has_until, answer.until)) {
            return 0;
        }
        schedule_hold(study->schedule, trial_id_number(trial->row.id), answer.until);
        *served = true;
        study->no_offer = 0;
        return grant_lease(tuning, ask, trial, answer.has_until, answer.until, err);
    }
    struct schedule_moment moment = study_moment(&tuning->state, study);
    const struct asker asker = {&tuning->state, study, ask};
    moment.prefers = holds_checkpoint;
    moment.worker = &asker;
    schedule_offer(study->schedule, &moment, &offer);
    if (offer.kind == OFFER_NOTHING) {
        return 0;
    }
    if (has_hung_up(ask)) {
        study->no_offer = 0;
        return 0;
    }
    if (offer.kind == OFFER_RESUME) {
        trial = trial_live(&tuning->state, trial_id(study->row.id, offer.trial));
        if (trial == NULL) {
            return drop_unknown(tuning, study, offer.trial, err);
        }
    } else {
        trial = study->enqueued.first;
    }
    if (!fits(tuning, ask, study, trial, offer.has_until, offer.until)) {
        return 0;
    }
    if (trial == NULL) {
        TRY(study_suggest(tuning, ask, study, &trial, err));
        if (trial == NULL && ask->awaits_suggestion) {
            study->no_offer = 0; /* the next ask requests one too */
            return 0;
        }
        if (trial == NULL) {
            return study->row.exhausted ? study_seal(tuning, study, err) : 0;
        }
    }
    *served = true;
    study->no_offer = 0;
    TRY(schedule_take(study->schedule, &moment, &offer, trial_id_number(trial->row.id), &log, err));
    offer.until = PLANTED(RUNG_AGAIN) && trial->row.has_step ? trial->row.step : offer.until;
    TRY(grant_lease(tuning, ask, trial, offer.has_until, offer.until, err));
    return schedule_done(&tuning->state, study, &log, err);
}

/* Tries the studies in the order of fairness; each is tried at most once. */
int ask_serve(struct tuning *tuning, struct ask *ask, bool *served, struct err *err)
{
    const struct ask_command *command = ask->command;
    const struct live_study *last = NULL;
    bool admitted;

    *served = false;
    ask->n_tried = ask->n_too_long = 0;
    TRY(node_admit(&tuning->state, ask->worker->node, &admitted, err));
    if (!admitted) {
        return 0;
    }
    if (command->in.study[0] != '\0') { /* the common case needs no search */
        struct live_study *study = study_named(&tuning->state, command->in.study);
        if (study == NULL || !ask_matches(&command->in.ask, command->in.study, study)) {
            return 0;
        }
        return serve(tuning, ask, study, served, err);
    }
    for (;;) {
        struct live_study *best = NULL;
        for (struct live_study *study = tuning->state.studies; study != NULL; study = study->next) {
            if (study->row.state == STUDY_RUNNING && (last == NULL || study_goes_first(last, study))
                && study != last && ask_matches(&command->in.ask, "", study)
                && (best == NULL || study_goes_first(study, best))) {
                best = study;
            }
        }
        if (best == NULL) {
            return 0;
        }
        TRY(serve(tuning, ask, best, served, err));
        if (*served) {
            return 0;
        }
        last = best;
    }
}
