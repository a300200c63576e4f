/* A scheduled trial: where it stands, and what it has measured around the level of its rung.
 *
 * These values are not a learning curve as models read it (suggester/curve.h): they are costs, the
 * first value of a step stands where attempts repeat it, only the newest one up to the rung's level
 * and those past it are kept, and after a restart facts and stored measurements rebuild them. One
 * thread at a time. */
#ifndef SERVER_SCHEDULE_ENTRY_H
#define SERVER_SCHEDULE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "server/domain/study.h"
#include "server/schedule/record.h"

struct running_average;

enum entry_state {
    ENTRY_NONE,
    ENTRY_RUNNING,  /* has no value at its rung yet */
    ENTRY_WAITING,  /* has one, undecided */
    ENTRY_LOST,     /* others were better, or its rung closed without it */
    ENTRY_STOPPED,  /* by the stopping rule */
    ENTRY_DIVERGED, /* its value was not finite */
    ENTRY_COMPLETE, /* has reached the last rung */
    ENTRY_ENDED,    /* failed or cancelled */
    ENTRY_STATE_COUNT
};

struct measured_point {
    int64_t step;
    double cost;
    size_t row; /* of the cost table, where there are several objectives */
};

/* What is known of a step in a study with several objectives, until all of it is. */
struct partial_point {
    int64_t step;
    unsigned known; /* a bit for each objective */
    double costs[OBJECTIVES_MAX + 1];
};
/* Of so many steps, the newest, what is known is kept. */
#define PARTIAL_MAX 256

struct rung_entry {
    enum entry_state state;
    bool held;          /* by a live lease */
    bool is_short;      /* ended by itself: its value counts at every later rung */
    bool is_late;       /* out before it had a value at its rung, which closed without it */
    bool has_forecast;  /* of its value at this rung */
    bool ended_waiting; /* ENTRY_ENDED: it had a value at its rung */
    int bracket;
    size_t rung;
    double cost; /* at its rung, once it has reported there; of several objectives its place in
                  * the order of the rung */
    size_t row;  /* several objectives: of its costs at its rung, in the cost table */
    double
        violation; /* several objectives: of what the trial has measured last; unknown: infinite */
    size_t n_partial, cap_partial;
    struct partial_point *partial; /* several objectives: steps that are not whole, ascending */
    double previous_cost;          /* at the rung below */
    struct measured_point last;    /* newest one at or before the level of its rung; step -1: none;
                                    * of a trial that is out, `step` alone is meant: what it reached */
    int64_t granted;               /* the step that its live lease was first told to train to */
    int64_t since_ms;              /* when it entered this rung */
    int64_t checked_step;          /* where the threshold rule was applied; -1: not yet */
    int64_t forecast_step; /* forecasts have used what was measured up to here; -1: none has */
    size_t n_decided, cap_decided;
    int64_t *decided; /* the steps of its values at rungs */
    size_t n_ahead, cap_ahead;
    struct measured_point *ahead;    /* measured past the level of its rung, steps ascending */
    struct running_average *average; /* for the median rule, or NULL */
    struct schedule_forecast forecast;
};

/* A trial that begins: nothing is measured yet. */
struct rung_entry entry_begin(enum entry_state state, int bracket, int64_t since_ms);
void entry_finish(struct rung_entry *entry);
void entry_forget_average(struct rung_entry *entry);
/* Returns the newest measurement so far; step -1: none. */
struct measured_point entry_newest(const struct rung_entry *entry);
/* Returns the highest step measured so far; -1: none. */
int64_t entry_reach(const struct rung_entry *entry);
/* Adds a measurement; `level` is that of its rung. A step that is known is ignored, but the value
 * of a result replaces the newest measurement, if it `replaces` any and no decision rests on that.
 * ERR_NOMEM. */
MUST_USE int entry_note(struct rung_entry *entry, int64_t level, bool replaces,
                        struct measured_point point, struct err *err);
/* The measurement of a step, where it is kept; or NULL. */
const struct measured_point *entry_point(const struct rung_entry *entry, int64_t step);
/* *partial ← what is known of a step so far, nothing if it is new; valid until the next call.
 * ERR_NOMEM. */
MUST_USE int entry_partial(struct rung_entry *entry, int64_t step, struct partial_point **partial,
                           struct err *err);
/* A step is whole: forgets what is kept of it and of those before. */
void entry_forget_partial(struct rung_entry *entry, int64_t step);
/* The value of a step is another one, where it is kept. */
void entry_replace(struct rung_entry *entry, struct measured_point point);
/* Notes that a decision rests on the value of this step. ERR_NOMEM. */
MUST_USE int entry_decide(struct rung_entry *entry, int64_t step, struct err *err);
/* Whether a value at a rung or a forecast rests on the value of this step. */
bool entry_is_decided(const struct rung_entry *entry, int64_t step);
/* Moves what was measured ahead, up to this level, to `last`. */
void entry_advance(struct rung_entry *entry, int64_t level);
/* The trial had reached this step; after a restart that is known from the fact of its end alone. */
void entry_note_reached(struct rung_entry *entry, int64_t step);
/* Sets a final state: nothing more will be measured. */
void entry_end(struct rung_entry *entry, enum entry_state state);

#endif
