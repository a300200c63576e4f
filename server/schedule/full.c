#include "server/schedule/kinds.h"

/* The trivial schedule: every trial trains from 0 to the highest resource, or, without a resource,
 * until its job is done. It keeps no state and no facts, so a study of a million plain trials costs
 * nothing here. */

static void full_offer(const struct schedule *schedule, const struct schedule_moment *moment,
                       struct schedule_offer *offer)
{
    if (moment->may_start) {
        offer->kind = OFFER_NEW;
        offer->has_until = schedule->study->has_resource;
        offer->until = schedule->study->has_resource ? schedule->study->resource_max : 0;
    }
}

const struct schedule_kind schedule_full = {.name = NULL, .offer = full_offer};
