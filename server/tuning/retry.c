/* Trials that have failed are tried again: the same configuration, with its number and its slot. */
#include "server/tuning/retry.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/array.h"
#include "server/state/limits.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/tuning/history.h"
#include "server/tuning/internal.h"

static const unsigned retryable = 1u << TRIAL_FAILED | 1u << TRIAL_INFEASIBLE;

/* The trials to be tried again. */
struct retried {
    const struct live_study *study;
    int64_t n_skipped;
    size_t n, cap;
    struct trial_row *rows; /* owned */
};

static void retried_finish(struct retried *retried)
{
    for (size_t i = 0; i < retried->n; i++) {
        trial_row_finish(&retried->rows[i]);
    }
    free(retried->rows);
}
OWN_VALUE(retried)

bool trial_may_be_retried(const struct live_study *study, const struct trial_row *row)
{
    return row->source != SOURCE_IMPORTED
           && schedule_may_retry(study->schedule, trial_id_number(row->id));
}

static bool may_retry(const struct live_study *study, const struct trial_row *row)
{
    return (retryable >> row->state & 1) != 0 && trial_may_be_retried(study, row);
}

static int collect(void *context, struct trial_row *row, struct err *err)
{
    struct retried *retried = context;

    if (!may_retry(retried->study, row)) {
        retried->n_skipped++;
        return 0;
    }
    TRY(array_reserve(&retried->rows, retried->n, &retried->cap, sizeof *retried->rows, err));
    retried->rows[retried->n++] = *row;
    *row = (struct trial_row){0};
    return 0;
}

static int refuse_one(const struct trial_row *row, struct err *err)
{
    int64_t number = trial_id_number(row->id);

    if ((retryable >> row->state & 1) == 0) {
        return err_set(err, ERR_WRONG_STATE,
                       "trial %" PRId64 " is %s; only one that is failed or infeasible can be "
                       "tried again",
                       number, trial_state_name(row->state));
    }
    if (row->source == SOURCE_IMPORTED) {
        return err_set(err, ERR_WRONG_STATE,
                       "trial %" PRId64 " was imported; enqueue its configuration to run it",
                       number);
    }
    return err_set(err, ERR_WRONG_STATE,
                   "the decisions at the rung of trial %" PRId64 " have been made without it; "
                   "enqueue its configuration to run it again",
                   number);
}

static int choose(struct tuning *tuning, const struct trials_retry_command *command,
                  struct retried *retried, struct err *err)
{
    const struct live_study *study = retried->study;

    if (command->in.trial == 0) {
        const struct trial_query query = {
            .study = study->row.id, .limit = -1, .states = command->in.states};
        return store_each_trial(tuning->state.store, &query, collect, retried, err);
    }
    OWN(trial_row) struct trial_row row = {0};
    TRY(store_trial_load(tuning->state.store, trial_id(study->row.id, command->in.trial), &row,
                         err));
    return may_retry(study, &row) ? collect(retried, &row, err) : refuse_one(&row, err);
}

/* May anything be handed out once these trials have not failed? */
static bool may_go_on_without(const struct state *state, const struct live_study *study,
                              const struct retried *retried)
{
    struct live_study then = *study;

    then.row.state = STUDY_RUNNING;
    then.row.failed_in_row = 0;
    for (size_t i = 0; i < retried->n; i++) {
        then.row.counts[retried->rows[i].state]--;
    }
    return study_may_go_on(state, &then);
}

static int check_study(const struct state *state, const struct live_study *study,
                       const struct retried *retried, struct err *err)
{
    if (study->row.state == STUDY_STOPPED) {
        return err_set(err, ERR_WRONG_STATE,
                       "the study is stopped; make it run again before its trials");
    }
    if (study->row.state == STUDY_FINISHED && retried->n > 0
        && !may_go_on_without(state, study, retried)) {
        return err_set(err, ERR_WRONG_STATE,
                       "the study is finished (%s); raise the limit that ended it before its "
                       "trials are tried again",
                       study_reason_name(study->row.reason));
    }
    return 0;
}

int trial_try_again(struct tuning *tuning, struct live_study *study, struct trial_row *row,
                    struct err *err)
{
    struct live_trial *trial;

    TRY(trial_retry(&tuning->state, study, row, &trial, err));
    bool learns = study->suggester != NULL && study->def->has_resource;
    return trial_load_curve(tuning, study, trial_id_number(trial->row.id), NULL,
                            learns ? &trial->curve : NULL, err);
}

int tuning_trials_retry(struct tuning *tuning, struct trials_retry_command *command,
                        struct err *err)
{
    struct live_study *study;

    TRY(study_required(&tuning->state, command->in.study, &study, err));
    OWN(retried) struct retried retried = {.study = study};
    TRY(choose(tuning, command, &retried, err));
    TRY(check_study(&tuning->state, study, &retried, err));
    command->out.numbers = calloc(retried.n + 1, sizeof *command->out.numbers);
    if (command->out.numbers == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < retried.n; i++) {
        command->out.numbers[command->out.n_numbers++] = trial_id_number(retried.rows[i].id);
        retried.rows[i].excused = false;
        TRY(trial_try_again(tuning, study, &retried.rows[i], err));
    }
    command->out.n_skipped = retried.n_skipped;
    if (retried.n > 0) {
        TRY(study_renew_history(tuning, study, err));
    }
    if (retried.n > 0 && study->row.state == STUDY_FINISHED) {
        TRY(study_set_state(tuning, study, STUDY_RUNNING, err));
    }
    if (command->in.trial == 0) {
        return 0;
    }
    const struct live_trial *trial =
        trial_live(&tuning->state, trial_id(study->row.id, command->in.trial));
    return trial_report(trial, &command->out.trial, err);
}
