/* A job of a suggester has its result: a suggestion, or the forecast of a trial. */
#include "server/state/studies.h"
#include "server/state/tried.h"
#include "server/tuning/forecasts.h"
#include "server/tuning/internal.h"

/* A suggestion was made, or the strategy could make none. */
static int take_suggestion(struct live_study *study, struct suggestion_job *job, struct err *err)
{
    if (job->result != 0) {
        if (job->err.code == ERR_EXHAUSTED) {
            study->row.exhausted = true;
            study_touch(study);
            suggester_discard(study->suggester);
            return 0;
        }
        /* The model failed: the quasi-random point of the ordinal is handed out, marked, or the
         * first untried one behind it. */
        uint64_t before = job->ordinal - 1;
        job->out.fallback = true;
        TRY(tried_suggest_other(study, strategy_find("quasirandom"), &before, &job->out, err));
    }
    if (job->ordinal <= study->row.last_ordinal) {
        return 0; /* its turn is over: a fallback was handed out in its place */
    }
    return suggester_keep(study->suggester, job, err);
}

int tuning_suggestion(struct tuning *tuning, struct suggestion_command *command, struct err *err)
{
    struct suggestion_job *job = command->in.job;
    struct live_study *study = map_get(&tuning->state.study_by_id, (uint64_t)job->study);

    if (study != NULL) {
        study_visit(study); /* the next one may be prepared */
    }
    if (study == NULL || study->suggester == NULL || !suggester_accept(study->suggester, job)) {
        return 0;
    }
    tuning->state.may_have_work = true;
    TRY(job->trial != 0 ? forecast_take(tuning, study, job, err)
                        : take_suggestion(study, job, err));
    suggester_continue(study->suggester);
    return 0;
}
