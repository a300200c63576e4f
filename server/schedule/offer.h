/* Offers: what goes out next. */
#ifndef SERVER_SCHEDULE_OFFER_H
#define SERVER_SCHEDULE_OFFER_H

#include "server/schedule/state.h"

/* The first trial of a rung that can be promoted, preferably one that this worker prefers; 0: none.
 */
int64_t rung_promotable(const struct schedule *schedule, const struct schedule_moment *moment,
                        const struct bracket *bracket, size_t rung);
/* *offer ← the promotion of this trial to the rung above `rung`. */
void offer_promotion(const struct bracket *bracket, size_t rung, int64_t trial,
                     struct schedule_offer *offer);
/* *offer ← a new configuration in this bracket. */
void offer_start(const struct schedule *schedule, int bracket, struct schedule_offer *offer);

#endif
