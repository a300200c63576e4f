/* Inside the room: what a schedule is made of. Others include schedule.h.
 *
 * A trial sits in a `seat`: it is running towards the level of its rung, or waits there with a
 * value, or is out. Rungs rank the values. state.c applies facts and is the only file that changes
 * any of this; the kinds (full, hyperband, asha) only say what may go out and what becomes of a
 * trial of a given rank; schedule.c tells the story. */
#ifndef SERVER_SCHEDULE_KINDS_H
#define SERVER_SCHEDULE_KINDS_H

#include "server/schedule/ranking.h"
#include "server/schedule/schedule.h"
#include "server/schedule/stopping.h"
#include "server/schedule/tables.h"

enum asha_mode { ASHA_PROMOTION, ASHA_STOPPING, ASHA_PREDICTIVE };

struct schedule_options {
    int64_t eta;
    int64_t rounds;   /* 0: until a limit */
    int64_t brackets; /* kinds of brackets in use; 0: all */
    int64_t bracket;  /* successive_halving: which one; -1: the largest */
    enum rounding rounding;
    double quorum; /* share of a rung that must have reported; 0: no quorum */
    enum asha_mode mode;
    double delta; /* predictive: the least chance with which a trial goes on */
    bool progressive;
};

enum seat_state {
    SEAT_NONE,
    SEAT_RUNNING,  /* owes a value at its rung */
    SEAT_WAITING,  /* has one, undecided */
    SEAT_LOST,     /* others were better, or its rung closed without it */
    SEAT_STOPPED,  /* by the stopping rule */
    SEAT_DIVERGED, /* its value was not finite */
    SEAT_COMPLETE, /* has reached the last rung */
    SEAT_ENDED,    /* failed or cancelled */
    SEAT_STATE_COUNT
};

struct point {
    int64_t step;
    double cost;
};

struct seat {
    enum seat_state state;
    bool held;     /* a live lease works on it */
    bool is_short; /* ended by itself: its value stands at every later rung */
    bool judged;   /* the threshold rule has had its one look */
    bool has_word; /* the model has spoken about its value at this rung */
    int bracket;
    size_t rung;
    double cost;       /* at its rung, once it has reported there */
    double before;     /* at the rung below */
    struct point last; /* newest one at or before the level of its rung; step -1: none */
    int64_t granted;   /* what its live lease was told at first */
    int64_t since_ms;  /* in this rung */
    size_t n_ahead, cap_ahead;
    struct point *ahead; /* measured past that level, steps rising */
    struct curve *curve; /* for the median rule, or NULL */
    struct schedule_word word;
};

struct rung {
    int64_t level;
    int64_t size;           /* slots; 0: as many as come */
    size_t started;         /* took a slot */
    size_t reported;        /* gave a value or gave the slot up */
    struct ranking all;     /* every finite value */
    struct ranking waiting; /* of those who are undecided */
    size_t n_auto;          /* of these, who need no lease to go on */
    size_t n_spans, cap_spans;
    int64_t *spans_ms; /* how long those who reported took, sorted; only with a quorum */
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
    size_t n_open; /* those not done, oldest first */
    struct bracket **open;
    size_t n_seats; /* indexed by trial number */
    struct seat *seats;
    size_t cap; /* progressive asha: the highest rung in use; else SIZE_MAX */
};

enum fate { FATE_WAITS, FATE_ADVANCES, FATE_LOSES };

/* One way of deciding who gets more resource. */
struct schedule_kind {
    const char *name; /* as spelled in the API; NULL: studies whose strategy is no schedule */
    /* Reads its options, with every fault. */
    void (*read)(struct fields *fields, const struct study_def *study,
                 struct schedule_options *options);
    /* The rungs of the bracket with this index. */
    int (*plan)(const struct schedule *schedule, int index, struct bracket_plan *plan);
    /* How many brackets stand open from the start. */
    int (*n_permanent)(const struct schedule_options *options);
    /* How many of the values at this rung may go on, as things stand; not for the last rung. */
    size_t (*n_advance)(const struct schedule *schedule, const struct bracket *bracket,
                        size_t rung);
    /* What becomes of a value at this rung, if `arriving` the newest one; not for the last rung. */
    enum fate (*fate)(const struct schedule *schedule, const struct bracket *bracket, size_t rung,
                      double cost, int64_t trial, bool arriving);
    /* Fills an offer that is OFFER_NOTHING so far. */
    void (*offer)(const struct schedule *schedule, const struct schedule_moment *moment,
                  struct schedule_offer *offer);
    /* May the cap rise now that a value has entered the rung at it? */
    bool (*unlocks)(const struct schedule *schedule, const struct bracket *bracket);
};

extern const struct schedule_kind schedule_full;
extern const struct schedule_kind schedule_hyperband;
extern const struct schedule_kind schedule_bohb;
extern const struct schedule_kind schedule_halving;
extern const struct schedule_kind schedule_asha;

/* options.c */
const struct schedule_kind *schedule_kind_of(const char *strategy);
void schedule_options_read(const struct study_def *study, struct schedule_options *options,
                           struct faults *faults);

/* state.c */
MUST_USE int schedule_apply(struct schedule *schedule, const struct schedule_record *record,
                            struct err *err);
MUST_USE int schedule_note(struct schedule *schedule, int64_t trial, int64_t step, double cost,
                           struct err *err);
struct seat *schedule_seat(const struct schedule *schedule, int64_t trial); /* NULL: unknown */
MUST_USE int bracket_open(struct schedule *schedule, struct err *err);
void bracket_destroy(struct bracket *bracket);
double schedule_cost(const struct schedule *schedule, double value); /* and back */
bool schedule_is_predictive(const struct schedule *schedule);

/* The highest step measured so far; -1 if none. */
int64_t seat_reach(const struct seat *seat);
/* How many values a rung still waits for, at most; of a rung without size: those who run. */
size_t bracket_outstanding(const struct bracket *bracket, size_t rung);
/* Could this waiting trial enter the next rung without a lease? */
bool seat_needs_no_lease(const struct bracket *bracket, const struct seat *seat);

/* offer.c: the first trial of a rung that may go on, for this worker; 0 if there is none. */
int64_t rung_promotable(const struct schedule *schedule, const struct schedule_moment *moment,
                        const struct bracket *bracket, size_t rung);
void offer_promotion(const struct bracket *bracket, size_t rung, int64_t trial,
                     struct schedule_offer *offer);
void offer_start(const struct schedule *schedule, int bracket, struct schedule_offer *offer);

#endif
