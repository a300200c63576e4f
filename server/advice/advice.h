/* Advice: which technique suits a described problem best.
 *
 * advice_rank() is a pure function of the description: no store, no clock, no results. It orders
 * the techniques by the regret to expect within the budget (benchmark.h) plus the weight of what
 * each demands of the training program, and gives reasons in sentences with numbers. `auto` takes
 * the first one (choose.h). */
#ifndef SERVER_ADVICE_ADVICE_H
#define SERVER_ADVICE_ADVICE_H

#include <jansson.h>
#include <stdbool.h>

#include "server/advice/advice_item.h"
#include "server/advice/problem.h"

enum { ADVICE_ITEMS_MAX = 32 };

struct advice {
    struct problem_features features;
    json_t *assumed, *warnings; /* sentences */
    int asked;                  /* index of the item that the body names; -1: none */
    size_t n;
    struct advice_item items[ADVICE_ITEMS_MAX]; /* best first, unusable ones last */
};

/* Ranks all techniques; without studies. ERR_NOMEM. */
MUST_USE int advice_rank(const struct problem *problem, struct advice *advice, struct err *err);
void advice_finish(struct advice *advice);
OWN_VALUE(advice)

/* Reads the body of a new study, settles `auto` and checks the whole as advice_check() does; `seed`
 * stands where the body names none. -1: the faults are in the list. */
MUST_USE int advice_read_study(const json_t *body, uint64_t seed, struct study_def **def,
                               struct faults *faults);
/* Adds a fault for each reason why the study cannot be created as it is: its schedule, its search
 * and what it names in "after". `auto` must have been settled (choose.h). */
void advice_check(const struct study_def *study, struct faults *faults);

#endif
