#include "server/schedule/offer.h"

#define PREFERENCE_MAX 32 /* promotable trials that are compared with a worker's preference */

int64_t rung_promotable(const struct schedule *schedule, const struct schedule_moment *moment,
                        const struct bracket *bracket, size_t rung)
{
    const struct rung_ranking *waiting = &bracket->rungs[rung].waiting;
    int64_t first = 0;
    size_t shown = 0;

    for (size_t k = 0; k < waiting->n && shown < PREFERENCE_MAX; k++) {
        struct ranked one = ranking_at(waiting, k);
        if (schedule->kind->decide(schedule, bracket, rung, one.cost, one.trial, false)
            != DECISION_PROMOTE) {
            break;
        }
        if (schedule_entry(schedule, one.trial)->held) {
            continue; /* its worker still saves the checkpoint */
        }
        if (moment->prefers == NULL || moment->prefers(moment->worker, one.trial)) {
            return one.trial;
        }
        first = first == 0 ? one.trial : first;
        shown++;
    }
    return first;
}

void offer_promotion(const struct bracket *bracket, size_t rung, int64_t trial,
                     struct schedule_offer *offer)
{
    offer->kind = OFFER_RESUME;
    offer->trial = trial;
    offer->bracket = bracket->index;
    offer->has_until = true;
    offer->until = bracket->rungs[rung + 1].level;
}

void offer_start(const struct schedule *schedule, int bracket, struct schedule_offer *offer)
{
    struct bracket_plan plan;

    (void)schedule->kind->plan(schedule, bracket, &plan);
    offer->kind = OFFER_NEW;
    offer->bracket = bracket;
    offer->has_until = schedule->study->has_resource;
    size_t goal = schedule_is_predictive(schedule) ? plan.n - 1 : 0;
    offer->until = offer->has_until ? plan.rungs[goal].level : 0;
}
