/* The state of a schedule, and the facts that change it.
 *
 * Every scheduled trial has a rung entry: it runs towards the level of its rung, or waits there
 * with a value, or is out. Rungs rank the values. state.c applies facts and is the only file that
 * changes any of this; one thread at a time. */
#ifndef SERVER_SCHEDULE_STATE_H
#define SERVER_SCHEDULE_STATE_H

#include "server/schedule/kind.h"
#include "server/schedule/ranking.h"
#include "server/schedule/record.h"
#include "server/schedule/stopping.h"

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
};

struct rung_entry {
    enum entry_state state;
    bool held;              /* by a live lease */
    bool is_short;          /* ended by itself: its value counts at every later rung */
    bool is_late;           /* out before it had a value at its rung, which closed without it */
    bool threshold_checked; /* the threshold rule has been applied */
    bool has_forecast;      /* of its value at this rung */
    bool ended_waiting;     /* ENTRY_ENDED: it had a value at its rung */
    int bracket;
    size_t rung;
    double cost;                /* at its rung, once it has reported there */
    double previous_cost;       /* at the rung below */
    struct measured_point last; /* newest one at or before the level of its rung; step -1: none;
                                 * of a trial that is out, `step` alone is meant: what it reached */
    int64_t granted;            /* the step that its live lease was first told to train to */
    int64_t since_ms;           /* when it entered this rung */
    size_t n_ahead, cap_ahead;
    struct measured_point *ahead;    /* measured past the level of its rung, steps ascending */
    struct running_average *average; /* for the median rule, or NULL */
    struct schedule_forecast forecast;
};

struct rung {
    int64_t level;
    int64_t size;                /* slots; 0: unlimited */
    size_t started;              /* trials that took a slot */
    size_t reported;             /* of these, those with a value and those that gave the slot up */
    struct rung_ranking all;     /* every finite value */
    struct rung_ranking waiting; /* the values of undecided trials */
    size_t n_without_lease;      /* of these, those that need no lease to continue */
    size_t n_durations, cap_durations;
    int64_t *durations_ms; /* of the trials that reported, sorted; only with a quorum */
};

struct bracket {
    int index;
    int kind; /* s, the number of halvings; asha: its first level */
    bool is_sealed;
    bool is_done;
    size_t n_rungs;
    struct rung *rungs;
};

struct schedule {
    const struct study_def *study; /* borrowed */
    const struct schedule_kind *kind;
    struct schedule_options options;
    struct stopping stopping;
    size_t n_brackets, cap_brackets;
    struct bracket **brackets;
    size_t n_open;
    struct bracket **open; /* those that are not done, oldest first */
    size_t n_entries;
    struct rung_entry *entries; /* indexed by trial number */
    size_t cap;                 /* progressive asha: the highest rung in use; else SIZE_MAX */
};

/* Applies a fact. ERR_IO: it does not fit the state; ERR_NOMEM. */
MUST_USE int schedule_apply(struct schedule *schedule, const struct schedule_record *record,
                            struct err *err);
/* Notes a measurement; decides nothing. ERR_NOMEM. */
MUST_USE int schedule_note(struct schedule *schedule, int64_t trial, int64_t step, double cost,
                           struct err *err);
/* The entry of a trial; NULL: it is not scheduled. */
struct rung_entry *schedule_entry(const struct schedule *schedule, int64_t trial);
/* From a value to a cost (smaller is better), and back. */
double schedule_cost(const struct schedule *schedule, double value);
bool schedule_is_predictive(const struct schedule *schedule);

MUST_USE int bracket_open(struct schedule *schedule, struct err *err);
void bracket_destroy(struct bracket *bracket);
/* How many values a rung may still get; without a size: how many trials run there. */
size_t bracket_outstanding(const struct bracket *bracket, size_t rung);

/* The rung of an entry. */
struct rung *schedule_rung_of(const struct schedule *schedule, const struct rung_entry *entry);
/* The highest step measured so far; -1: none. */
int64_t entry_reach(const struct rung_entry *entry);
/* Whether this waiting trial could enter the next rung without a lease. */
bool entry_needs_no_lease(const struct bracket *bracket, const struct rung_entry *entry);

#endif
