#include "tests/sim/watch_tables.h"

#include <math.h>

static int64_t raised(int64_t eta, size_t k)
{
    int64_t out = 1;

    while (k-- > 0) {
        out *= eta;
    }
    return out;
}

static size_t halvings(const struct watch *watch)
{
    size_t s = 0;

    while (watch->r_min * raised(watch->eta, s + 1) <= watch->R) {
        s++;
    }
    return s;
}

static int64_t nearest(int64_t R, int64_t d)
{
    return (2 * R + d) / (2 * d);
}

static void plan_sync(const struct watch *watch, size_t index, struct watch_bracket *bracket)
{
    size_t most = halvings(watch);
    size_t s = most - index % (size_t)watch->n_kinds;
    int64_t n = ((int64_t)(most + 1) * raised(watch->eta, s) + (int64_t)s) / (int64_t)(s + 1);

    bracket->n_rungs = s + 1;
    for (size_t i = 0; i <= s; i++) {
        bracket->rungs[i].size = n / raised(watch->eta, i);
        bracket->rungs[i].level = nearest(watch->R, raised(watch->eta, s - i));
        int64_t before = i > 0 ? bracket->rungs[i - 1].level : 0;
        bracket->budget += bracket->rungs[i].size * (bracket->rungs[i].level - before);
    }
}

static void plan_async(const struct watch *watch, size_t index, struct watch_bracket *bracket)
{
    int64_t down[20] = {watch->R};
    size_t n = 1;

    for (size_t k = 1; n < 20; k++) {
        int64_t level = nearest(watch->R, raised(watch->eta, k));
        if (level < watch->r_min || level < 1) {
            break;
        }
        double ratio = (double)down[n - 1] / (double)level;
        if (level < down[n - 1] && ratio * ratio >= (double)watch->eta) {
            down[n++] = level;
        }
    }
    bracket->n_rungs = n - index;
    for (size_t i = 0; i < bracket->n_rungs; i++) {
        bracket->rungs[i].level = down[n - 1 - index - i];
    }
}

static void plan_predictive(const struct watch *watch, struct watch_bracket *bracket)
{
    int64_t tenth = (watch->R + 9) / 10;
    int64_t least = watch->r_min > tenth ? watch->r_min : tenth;
    int64_t down[20] = {watch->R};
    size_t n = 1;

    for (int k = 1; n < 20; k++) {
        int64_t level = (int64_t)floor((double)watch->R / pow((double)watch->eta, k / 2.0) + 0.5);
        if (level < least || level >= down[n - 1]) {
            break;
        }
        down[n++] = level;
    }
    bracket->n_rungs = n;
    for (size_t i = 0; i < n; i++) {
        bracket->rungs[i].level = down[n - 1 - i];
    }
}

void watch_plan(const struct watch *watch, size_t index, struct watch_bracket *bracket)
{
    *bracket = (struct watch_bracket){0};
    switch (watch->kind) {
    case WATCH_SYNC:
        plan_sync(watch, index, bracket);
        break;
    case WATCH_PREDICTIVE:
        plan_predictive(watch, bracket);
        break;
    case WATCH_PROMOTION:
    case WATCH_STOPPING:
        plan_async(watch, index, bracket);
        break;
    }
}
