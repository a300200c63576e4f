/* The facts of a schedule, as they are stored, and the log that a call appends them to. */
#ifndef SERVER_SCHEDULE_RECORD_H
#define SERVER_SCHEDULE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/own.h"

/* Stored as numbers: new ones go to the end. */
enum schedule_fact {
    FACT_START,     /* trial takes a first-rung slot of `bracket`; step: train to */
    FACT_VALUE,     /* trial's `value` at its rung, measured at `step`; not finite: it has failed;
                     * at the last rung: it is complete */
    FACT_SHORT,     /* trial has ended by itself at `step`: its value counts at later rungs too */
    FACT_PROMOTE,   /* trial takes a slot of the next rung; step: train to */
    FACT_LOSE,      /* trial is out: others are better at its rung; step: the rung's level */
    FACT_LATE,      /* trial is out: its rung has closed without it (quorum) */
    FACT_MEDIAN,    /* trial was stopped at `step` by the median rule; value: the median */
    FACT_THRESHOLD, /* trial was stopped at `step` by the threshold rule */
    FACT_FAIL,      /* trial ended without a value: failed, infeasible, lost for good */
    FACT_CANCEL,    /* trial was cancelled */
    FACT_SEAL,      /* no new configurations: first-rung slots that are free are given up */
    FACT_UNLOCK,    /* progressive asha may use one rung more */
    FACT_DROP,      /* trial still waited when its study was over */
    /* The forecast of the trial at its level, `step`: probability of ending better than the
     * incumbent, mean and standard deviation of its value at the end, value of the incumbent. */
    FACT_CHANCE,
    FACT_MEAN,
    FACT_SPREAD,
    FACT_INCUMBENT,
    FACT_RETRY, /* trial, which had failed, is tried again in the slot that it had given up */
    /* Of several objectives: trial's `value` of the objective number `step` (1, 2, …) at its rung,
     * and behind the last one how far its bounds are violated; the FACT_VALUE that follows has the
     * value of the first. */
    FACT_OBJECTIVE,
    FACT_COUNT
};
/* Returns the name of a fact, as explanations show it; static text. */
const char *schedule_fact_name(enum schedule_fact fact);

/* Calls into a schedule that may decide (schedule.h). Stored as numbers: new ones go to the end. */
enum schedule_call_kind {
    CALL_NONE,
    CALL_TAKE,
    CALL_MEASURE,
    CALL_REPLACE,
    CALL_FINISH,
    CALL_END,
    CALL_RETRY,
    CALL_SEAL,
    CALL_TICK,
    CALL_FORECAST
};
/* The circumstances of a call, added to its kind. */
enum {
    CALL_KIND_MASK = 0xf,
    CALL_MAY_START = 0x10,   /* of the moment */
    CALL_MAY_PROMOTE = 0x20, /* of the moment */
    CALL_HELD = 0x40,        /* its trial had a live lease */
    CALL_PREFERRED = 0x80    /* CALL_TAKE: the worker preferred the trial that was offered */
};

/* The call that a fact was the first of: with the facts before it and what was measured, the call
 * can be made again. */
struct schedule_origin {
    unsigned code;   /* 0: the fact is not the first of its call, or none was kept */
    int64_t step;    /* that the call named; 0 where it names none */
    int64_t reached; /* the highest step that its trial had measured before; -1: none */
};

struct schedule_record { /* a row of the store, in order of happening */
    enum schedule_fact fact;
    int64_t trial;   /* 0 where no trial is meant */
    int64_t bracket; /* 0, 1, … in order of opening; asha: which of its brackets */
    int64_t step;
    double value; /* as measured; NaN where there is none */
    int64_t at_ms;
    struct schedule_origin call;
};

struct schedule_log { /* zero-initialise; finish with schedule_log_finish() */
    size_t n, cap;
    struct schedule_record *items;
    struct schedule_origin call; /* of the next one, where it is the first of its call */
};
void schedule_log_finish(struct schedule_log *log);
OWN_VALUE(schedule_log)

/* The forecast of a trial. */
struct schedule_forecast {
    bool known;          /* false: no forecast is possible yet, and the trial's rank decides */
    double chance;       /* of ending better than the incumbent */
    double mean, spread; /* of its value at the highest resource, as measured */
    double incumbent;    /* the best value there, as measured */
};

#endif
