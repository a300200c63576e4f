/* Time, chance, and the values that trials would have. */
#include <math.h>
#include <stdlib.h>

#include "common/rng.h"
#include "tests/sim/cluster_parts.h"

void cluster_must(int failed, struct cluster *c, const struct err *err)
{
    if (failed) { /* a planted bug may break the schedule's own bookkeeping */
        watch_violate(&c->watch, I2_ONE_SLOT, "%s", err->text);
        c->n_events = 0;
    }
}

bool cluster_chance(struct cluster *c, int of_1000)
{
    return of_1000 > 0 && rng_below(&c->rng, 1000) < (uint64_t)of_1000;
}

static bool is_earlier(const struct event *a, const struct event *b)
{
    return a->at_ms < b->at_ms || (a->at_ms == b->at_ms && a->order < b->order);
}

void cluster_push(struct cluster *c, struct event event)
{
    if (c->n_events == c->cap_events) {
        c->cap_events = c->cap_events == 0 ? 64 : c->cap_events * 2;
        c->heap = realloc(c->heap, c->cap_events * sizeof *c->heap);
        if (c->heap == NULL) {
            abort();
        }
    }
    event.order = c->order++;
    size_t i = c->n_events++;
    while (i > 0 && is_earlier(&event, &c->heap[(i - 1) / 2])) {
        c->heap[i] = c->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    c->heap[i] = event;
}

struct event cluster_pop(struct cluster *c)
{
    struct event top = c->heap[0];
    struct event last = c->heap[--c->n_events];
    size_t i = 0;

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= c->n_events) {
            break;
        }
        if (child + 1 < c->n_events && is_earlier(&c->heap[child + 1], &c->heap[child])) {
            child++;
        }
        if (!is_earlier(&c->heap[child], &last)) {
            break;
        }
        c->heap[i] = c->heap[child];
        i = child;
    }
    c->heap[i] = last;
    return top;
}

double cluster_unit(uint64_t a, uint64_t b)
{
    return (double)(splitmix64(a * 0x9e37 + b) >> 11) * 0x1p-53;
}

bool cluster_is_broken(const struct cluster *c, int64_t trial, int64_t step)
{
    uint64_t key = splitmix64(c->o->curve_seed) + (uint64_t)trial * 1000003;

    return cluster_unit(key, 3) * 1000 < c->o->nan
           && step >= (int64_t)(1 + 8 * cluster_unit(key, 4));
}

/* A curve that falls like a power, with a level, a speed and some noise of its own. */
double cluster_value_of(const struct cluster *c, int64_t trial, int64_t step)
{
    uint64_t key = splitmix64(c->o->curve_seed) + (uint64_t)trial * 1000003;
    double loss = cluster_unit(key, 1) + (0.5 + cluster_unit(key, 2)) / sqrt((double)step)
                  + 0.05 * cluster_unit(key, 100 + (uint64_t)step);

    if (cluster_is_broken(c, trial, step)) {
        loss = c->o->planted != NULL && c->o->planted->failures_get_values ? 1e6 : (double)NAN;
    }
    if (c->o->told == TOLD_EXPONENTIAL) {
        return exp(loss) - 3;
    }
    return c->o->told == TOLD_NEGATED ? -loss : loss;
}
