/* Small steps that several use cases share: events, counters, facts of the schedule, and bringing
 * trials in line with what their schedule decided. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/tuning/facts.h"
#include "server/tuning/live.h"

int err_at_pointer(struct err *err, const char *pointer, const char *fmt, ...)
{
    char text[sizeof err->text];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    (void)err_set(err, ERR_INVALID, "%s", text);
    return err_at(err, "%s", pointer);
}

int event_append(struct tuning *tuning, enum event_kind kind, int64_t study, int64_t trial,
                 int64_t attempt, struct err *err)
{
    struct event_row event = {
        .study = study,
        .kind = kind,
        .trial = trial,
        .attempt = attempt,
        .at_ms = tuning->wall_ms,
    };

    return store_event_append(tuning->store, &event, &tuning->last_seq, err);
}

void study_count(struct live_study *study, enum trial_state from, enum trial_state to)
{
    study->row.counts[from]--;
    study->row.counts[to]++;
    study->dirty = true;
}

int facts_append(struct tuning *tuning, struct live_study *study, const struct schedule_log *log,
                 struct err *err)
{
    for (size_t i = 0; i < log->n; i++) {
        struct fact_row row = fact_row_of(study->row.id, &log->items[i]);
        TRY(store_fact_append(tuning->store, &row, err));
    }
    return 0;
}

/* A trial without a live lease follows its answer. */
static int align(struct tuning *tuning, struct live_trial *trial, struct err *err)
{
    struct schedule_answer answer =
        schedule_answer(trial->study->schedule, trial_id_number(trial->row.id));

    switch (answer.verdict) {
    case VERDICT_PRUNE:
        return trial_end(tuning, trial, TRIAL_PRUNED, NULL, NULL, err);
    case VERDICT_FAIL:
        return trial_end(tuning, trial, TRIAL_FAILED, "diverged", NULL, err);
    case VERDICT_COMPLETE:
        return trial_end(tuning, trial, TRIAL_COMPLETED, NULL, NULL, err);
    case VERDICT_PAUSE:
    case VERDICT_RUN:
    case VERDICT_COUNT:
    default:
        return 0; /* a promoted one is offered by the schedule to the next ask */
    }
}

int trials_align(struct tuning *tuning, struct live_study *study, const struct schedule_log *log,
                 struct err *err)
{
    for (size_t i = 0; i < log->n; i++) {
        tuning->may_have_work = true;
        if (log->items[i].trial == 0) {
            continue;
        }
        struct live_trial *trial = trial_live(tuning, trial_id(study->row.id, log->items[i].trial));
        if (trial != NULL
            && (trial->row.state == TRIAL_PAUSED || trial->row.state == TRIAL_QUEUED)) {
            TRY(align(tuning, trial, err));
        }
    }
    return 0;
}
