#include "tests/sim/common/worker.h"

void worker_next_turn(struct worker *worker)
{
    worker->turn++;
}

int64_t worker_training_ms(const struct worker *worker, int64_t n_steps, struct rng *rng)
{
    return n_steps * chance_within(rng, worker->ms_per_step);
}

bool worker_crashes(const struct worker_faults *faults, struct rng *rng)
{
    return chance_happens(rng, faults->crash);
}

int64_t worker_down_ms(const struct worker_faults *faults, struct rng *rng)
{
    return chance_within(rng, faults->down_ms);
}

int64_t worker_silence_ms(const struct worker_faults *faults, struct rng *rng)
{
    return chance_happens(rng, faults->silence) ? chance_within(rng, faults->silence_ms) : 0;
}
