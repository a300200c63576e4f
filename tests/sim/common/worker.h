/* A simulated worker: how fast it trains, how it fails, and how far it is with its job.
 *
 * A simulator embeds `struct worker` in what it knows of a worker besides. */
#ifndef TESTS_SIM_COMMON_WORKER_H
#define TESTS_SIM_COMMON_WORKER_H

#include "tests/sim/common/chance.h"

/* How many of 1000 occasions (an attempt or a step, as the simulator asks) go wrong, and for how
 * long. */
struct worker_faults {
    unsigned crash;         /* the worker dies without a message … */
    struct span down_ms;    /* … and is started again after this time */
    unsigned silence;       /* it is cut off from the server, or does not send … */
    struct span silence_ms; /* … for this time; then it goes on */
};

struct worker {
    int64_t turn; /* grows with each thing it does; an event of an earlier turn is ignored */
    struct span ms_per_step;
    int64_t step, until; /* of its job: the steps trained, and to train */
};

/* What was planned for the worker before is ignored from now on. */
void worker_next_turn(struct worker *worker);
/* How long the worker trains for so many steps. */
int64_t worker_training_ms(const struct worker *worker, int64_t n_steps, struct rng *rng);

bool worker_crashes(const struct worker_faults *faults, struct rng *rng);
int64_t worker_down_ms(const struct worker_faults *faults, struct rng *rng);
/* 0: it is not silent. */
int64_t worker_silence_ms(const struct worker_faults *faults, struct rng *rng);

#endif
