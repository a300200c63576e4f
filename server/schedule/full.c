#include "server/schedule/kinds.h"
#include "server/schedule/offer.h"

/* No schedule: every trial trains from 0 to the highest resource, or, without a resource, until its
 * job ends: one bracket of one rung without a size. Without a stopping rule it keeps neither
 * entries nor facts, so that a study of a million plain trials costs nothing here. */

static int full_plan(const struct schedule *schedule, int index, struct bracket_plan *plan)
{
    (void)index;
    plan->n = 1;
    plan->rungs[0].size = 0;
    plan->rungs[0].level =
        schedule->study->has_resource ? schedule->study->resource_max : INT64_MAX;
    return 0;
}

static int full_permanent(const struct schedule_options *options)
{
    (void)options;
    return 1;
}

static void full_offer(const struct schedule *schedule, const struct schedule_moment *moment,
                       struct schedule_offer *offer)
{
    if (moment->may_start) {
        offer_start(schedule, 0, offer);
    }
}

const struct schedule_kind schedule_full = {
    .name = NULL,
    .plan = full_plan,
    .n_permanent = full_permanent,
    .offer = full_offer,
};
