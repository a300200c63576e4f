/* Bugs on purpose, one or more for each invariant: the suite must catch them all. A bug of a
 * schedule replaces functions of its kind; one of the server's part is a flag. */
#ifndef TESTS_SIM_PLANTED_H
#define TESTS_SIM_PLANTED_H

#include "server/schedule/kinds.h"
#include "server/schedule/offer.h"
#include "tests/sim/watch.h"

struct planted {
    const char *name;
    enum invariant breaks;
    const char *strategy; /* where it shows: "hyperband", "asha" */
    bool is_stopping;     /* asha's mode */
    enum decision (*decide)(const struct schedule *schedule, const struct bracket *bracket,
                            size_t rung, double cost, int64_t trial, bool arriving);
    int (*plan)(const struct schedule *schedule, int index, struct bracket_plan *plan);
    void (*offer)(const struct schedule *schedule, const struct schedule_moment *moment,
                  struct schedule_offer *offer);
    bool forgets_facts;       /* the server loses some of the facts that it should store */
    bool forgets_lost_slots;  /* a trial lost for good is not reported */
    bool forgets_retries;     /* a lost attempt is never tried again */
    bool counts_twice;        /* a repeated report enters the rung again */
    bool lets_go_early;       /* a trial counts as free while its worker still trains it */
    bool wants_more_chance;   /* predictive: a trial needs more than delta to go on */
    bool failures_get_values; /* what is not finite becomes a very bad value */
};

extern const struct planted planted_bugs[];
extern const size_t n_planted_bugs;

#endif
