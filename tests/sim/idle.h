/* Checks that no worker waits while a job is legal. It checks tuning/ as a whole, after every
 * group: its claims, limits, queues and restarts, not the schedule alone.
 *
 * The facts in the store go to a watch of each scheduled study, which has the rules but no part of
 * the implementation. Whenever an ask waits, the watch and plain counting look for a retry, an
 * enqueued or new configuration, or a promotion that this ask could have had. The watch also checks
 * these facts by I1 to I7 and I15. */
#ifndef TESTS_SIM_IDLE_H
#define TESTS_SIM_IDLE_H

#include "tests/sim/watch.h"
#include "tests/sim/world.h"

#define IDLE_STUDIES_MAX 16

struct idle_study {
    int64_t id;
    struct watch watch;
    size_t n_facts; /* seen */
    size_t pulse;   /* of the schedule when they were read: saves reading again */
};

struct idle {
    size_t n;
    struct idle_study studies[IDLE_STUDIES_MAX];
    int64_t n_waits; /* checks made while an ask waited */
    int64_t n_facts;
};
void idle_finish(struct idle *idle);

/* ERR_INVALID with what is wrong. Asks for any study are meant: no runners, no labels. */
MUST_USE int idle_check(struct idle *idle, const struct world *world, struct err *err);

/* ---- ways to keep workers waiting, planted in the server while it runs ---- */
extern const size_t idle_n_bugs;
const char *idle_bug_name(size_t bug);
void idle_plant(struct world *world, size_t bug);

#endif
