#include "server/schedule/schedule.h"

#include <stdlib.h>

#include "server/schedule/kinds.h"

void schedule_check(const struct study_def *study, struct faults *faults)
{
    (void)study;
    (void)faults; /* nothing can be wrong with the trivial schedule */
}

bool schedule_is_known(const char *name)
{
    (void)name;
    return false;
}

const char *schedule_search(const struct study_def *study)
{
    return study->strategy;
}

int schedule_create(const struct study_def *study, struct schedule **schedule, struct err *err)
{
    struct schedule *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->study = study;
    made->kind = &schedule_full;
    *schedule = made;
    return 0;
}

void schedule_destroy(struct schedule *schedule)
{
    free(schedule);
}

const char *schedule_fact_name(enum schedule_fact fact)
{
    static const char *const names[FACT_COUNT] = {
        [FACT_START] = "start",     [FACT_VALUE] = "value",         [FACT_SHORT] = "short",
        [FACT_PROMOTE] = "promote", [FACT_LOSE] = "lose",           [FACT_LATE] = "late",
        [FACT_MEDIAN] = "median",   [FACT_THRESHOLD] = "threshold", [FACT_COMPLETE] = "complete",
        [FACT_FAIL] = "fail",       [FACT_CANCEL] = "cancel",       [FACT_SEAL] = "seal",
        [FACT_UNLOCK] = "unlock",
    };

    return names[fact];
}

void schedule_log_finish(struct schedule_log *log)
{
    free(log->items);
    *log = (struct schedule_log){0};
}

bool schedule_has_facts(const struct schedule *schedule)
{
    (void)schedule;
    return false;
}

bool schedule_wants_curves(const struct schedule *schedule)
{
    (void)schedule;
    return false;
}

int schedule_load(struct schedule *schedule, const struct schedule_record *record, struct err *err)
{
    (void)schedule;
    return err_set(err, ERR_IO, "a plain study has no fact \"%s\"",
                   schedule_fact_name(record->fact));
}

int schedule_recall(struct schedule *schedule, int64_t trial, int64_t step, double value,
                    struct err *err)
{
    (void)schedule;
    (void)trial;
    (void)step;
    (void)value;
    (void)err;
    return 0;
}

void schedule_hold(struct schedule *schedule, int64_t trial, int64_t to)
{
    (void)schedule;
    (void)trial;
    (void)to;
}

void schedule_release(struct schedule *schedule, int64_t trial)
{
    (void)schedule;
    (void)trial;
}

void schedule_offer(const struct schedule *schedule, const struct schedule_moment *moment,
                    struct schedule_offer *offer)
{
    *offer = (struct schedule_offer){.kind = OFFER_NOTHING};
    schedule->kind->offer(schedule, moment, offer);
}

int schedule_take(struct schedule *schedule, const struct schedule_moment *moment,
                  const struct schedule_offer *offer, int64_t trial, struct schedule_log *log,
                  struct err *err)
{
    (void)schedule;
    (void)moment;
    (void)offer;
    (void)trial;
    (void)log;
    (void)err;
    return 0;
}

struct schedule_answer schedule_answer(const struct schedule *schedule, int64_t trial)
{
    (void)trial;
    return (struct schedule_answer){
        .verdict = VERDICT_RUN,
        .has_until = schedule->study->has_resource,
        .until = schedule->study->has_resource ? schedule->study->resource_max : 0,
    };
}

int schedule_measure(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                     int64_t step, double value, struct schedule_log *log,
                     struct schedule_answer *answer, struct err *err)
{
    (void)moment;
    (void)value;
    (void)log;
    (void)err;
    *answer = schedule_answer(schedule, trial);
    if (answer->has_until && step >= answer->until) {
        answer->verdict = VERDICT_COMPLETE;
    }
    return 0;
}

int schedule_finish(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                    int64_t step, struct schedule_log *log, struct schedule_answer *answer,
                    struct err *err)
{
    (void)moment;
    (void)step;
    (void)log;
    (void)err;
    *answer = schedule_answer(schedule, trial);
    answer->verdict = VERDICT_COMPLETE;
    return 0;
}

int schedule_end(struct schedule *schedule, const struct schedule_moment *moment, int64_t trial,
                 enum schedule_fact how, struct schedule_log *log, struct err *err)
{
    (void)schedule;
    (void)moment;
    (void)trial;
    (void)how;
    (void)log;
    (void)err;
    return 0;
}

int schedule_seal(struct schedule *schedule, const struct schedule_moment *moment,
                  struct schedule_log *log, struct err *err)
{
    (void)schedule;
    (void)moment;
    (void)log;
    (void)err;
    return 0;
}

int schedule_tick(struct schedule *schedule, const struct schedule_moment *moment,
                  struct schedule_log *log, int64_t *next_ms, struct err *err)
{
    (void)schedule;
    (void)moment;
    (void)log;
    (void)err;
    *next_ms = INT64_MAX;
    return 0;
}
