/* The interface of a kind of schedule: full, hyperband, bohb, successive_halving, asha. A kind says
 * what may be offered, and decides about values; it changes nothing. */
#ifndef SERVER_SCHEDULE_KIND_H
#define SERVER_SCHEDULE_KIND_H

#include "common/json.h"
#include "server/domain/study.h"
#include "server/schedule/offer_types.h"
#include "server/schedule/tables.h"

struct schedule;
struct bracket;

enum asha_mode { ASHA_PROMOTION, ASHA_STOPPING, ASHA_PREDICTIVE };

struct schedule_options {
    double eta;
    struct ratio ratio; /* the same, exact */
    int64_t rounds;     /* 0: until a limit */
    int64_t brackets;   /* kinds of brackets in use; 0: all */
    int64_t bracket;    /* successive_halving: which one; -1: the largest */
    enum rounding rounding;
    double quorum; /* share of a rung that must have reported; 0: no quorum */
    enum asha_mode mode;
    double delta; /* predictive: a trial continues with at least this probability */
    bool progressive;
};

enum decision { DECISION_WAIT, DECISION_PROMOTE, DECISION_STOP };

/* One way of deciding which trials get more resource. */
struct schedule_kind {
    const char *name; /* as spelled in the API; NULL: studies whose strategy is no schedule */
    /* Reads its options; adds every fault. */
    void (*read)(struct fields *fields, const struct study_def *study,
                 struct schedule_options *options);
    /* The rungs of the bracket with this index. */
    int (*plan)(const struct schedule *schedule, int index, struct bracket_plan *plan);
    /* How many brackets are open from the start. */
    int (*n_permanent)(const struct schedule_options *options);
    /* How many of the values at this rung are promoted at present; not for the last rung. */
    size_t (*n_advance)(const struct schedule *schedule, const struct bracket *bracket,
                        size_t rung);
    /* Decides about a value at this rung; `arriving`: it is the newest one. Not for the last rung.
     */
    enum decision (*decide)(const struct schedule *schedule, const struct bracket *bracket,
                            size_t rung, double cost, int64_t trial, bool arriving);
    /* Fills an offer, which is OFFER_NOTHING before. */
    void (*offer)(const struct schedule *schedule, const struct schedule_moment *moment,
                  struct schedule_offer *offer);
    /* Whether the cap rises, after a value has entered the rung at the cap. */
    bool (*unlocks)(const struct schedule *schedule, const struct bracket *bracket);
};

#endif
