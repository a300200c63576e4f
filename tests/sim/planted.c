#include "tests/sim/planted.h"

/* ---- bugs of hyperband ---- */

static size_t rank_of(const struct bracket *bracket, size_t rung, double cost, int64_t trial)
{
    return ranking_rank(&bracket->rungs[rung].all, cost, trial);
}

static size_t advance_of(const struct bracket *bracket, size_t rung)
{
    return (size_t)bracket->rungs[rung + 1].size;
}

static int one_slot_too_many(const struct schedule *schedule, int index, struct bracket_plan *plan)
{
    int kind = schedule_hyperband.plan(schedule, index, plan);

    plan->rungs[0].size++;
    return kind;
}

static int past_the_top(const struct schedule *schedule, int index, struct bracket_plan *plan)
{
    int kind = schedule_hyperband.plan(schedule, index, plan);

    plan->rungs[plan->n - 1].level++;
    return kind;
}

static int rounded_up(const struct schedule *schedule, int index, struct bracket_plan *plan)
{
    struct table_input input = table_input_of(schedule->study, schedule->options.ratio);
    int s = schedule_hyperband.plan(schedule, index, plan);

    tables_bracket(&input, ROUNDING_CEIL_ALL, s, plan);
    return s;
}

static enum decision one_rank_too_many(const struct schedule *schedule,
                                       const struct bracket *bracket, size_t rung, double cost,
                                       int64_t trial, bool arriving)
{
    (void)schedule;
    (void)arriving;
    size_t rank = rank_of(bracket, rung, cost, trial);
    size_t advance = advance_of(bracket, rung) + 1;

    if (rank >= advance) {
        return DECISION_STOP;
    }
    return rank + bracket_outstanding(bracket, rung) < advance ? DECISION_PROMOTE : DECISION_WAIT;
}

/* Promotes the best third of those who happen to have come. */
static enum decision share_of_those_who_came(const struct schedule *schedule,
                                             const struct bracket *bracket, size_t rung,
                                             double cost, int64_t trial, bool arriving)
{
    enum decision decision =
        schedule_hyperband.decide(schedule, bracket, rung, cost, trial, arriving);
    size_t share = bracket->rungs[rung].reported / (size_t)schedule->options.eta;

    return decision != DECISION_STOP && rank_of(bracket, rung, cost, trial) < share
               ? DECISION_PROMOTE
               : decision;
}

static enum decision never_waits(const struct schedule *schedule, const struct bracket *bracket,
                                 size_t rung, double cost, int64_t trial, bool arriving)
{
    (void)schedule;
    (void)arriving;
    return rank_of(bracket, rung, cost, trial) < advance_of(bracket, rung) ? DECISION_PROMOTE
                                                                           : DECISION_STOP;
}

/* Does not wait for slots that no trial has taken yet. */
static enum decision only_those_who_run(const struct schedule *schedule,
                                        const struct bracket *bracket, size_t rung, double cost,
                                        int64_t trial, bool arriving)
{
    (void)schedule;
    (void)arriving;
    size_t rank = rank_of(bracket, rung, cost, trial);
    size_t running = bracket->rungs[rung].started - bracket->rungs[rung].reported;

    if (rank >= advance_of(bracket, rung)) {
        return DECISION_STOP;
    }
    return rank + running < advance_of(bracket, rung) ? DECISION_PROMOTE : DECISION_WAIT;
}

static enum decision below_zero_is_wrong(const struct schedule *schedule,
                                         const struct bracket *bracket, size_t rung, double cost,
                                         int64_t trial, bool arriving)
{
    bool is_negative = study_cost(schedule->study, cost) < 0;

    return is_negative ? DECISION_STOP
                       : schedule_hyperband.decide(schedule, bracket, rung, cost, trial, arriving);
}

/* Values closer than a fixed distance count as equal. */
static enum decision close_is_equal(const struct schedule *schedule, const struct bracket *bracket,
                                    size_t rung, double cost, int64_t trial, bool arriving)
{
    enum decision decision =
        schedule_hyperband.decide(schedule, bracket, rung, cost, trial, arriving);
    size_t better = ranking_rank(&bracket->rungs[rung].all, cost - 0.2, 0);

    return decision == DECISION_STOP && better < advance_of(bracket, rung) ? DECISION_WAIT
                                                                           : decision;
}

static void waits_for_its_bracket(const struct schedule *schedule,
                                  const struct schedule_moment *moment,
                                  struct schedule_offer *offer)
{
    schedule_hyperband.offer(schedule, moment, offer);
    if (offer->kind == OFFER_NEW && offer->bracket == (int64_t)schedule->n_brackets
        && schedule->n_open > 0) {
        *offer = (struct schedule_offer){.kind = OFFER_NOTHING};
    }
}

/* ---- bugs of asha ---- */

static enum decision quota_rounded_up(const struct schedule *schedule,
                                      const struct bracket *bracket, size_t rung, double cost,
                                      int64_t trial, bool arriving)
{
    (void)arriving;
    size_t eta = (size_t)schedule->options.eta;
    size_t quota = (bracket->rungs[rung].reported + eta - 1) / eta;

    return rank_of(bracket, rung, cost, trial) < quota ? DECISION_PROMOTE : DECISION_WAIT;
}

static enum decision ties_stay(const struct schedule *schedule, const struct bracket *bracket,
                               size_t rung, double cost, int64_t trial, bool arriving)
{
    size_t others = ranking_rank(&bracket->rungs[rung].all, cost, INT64_MAX) - 1;
    size_t stay = bracket->rungs[rung].reported / (size_t)schedule->options.eta;

    (void)trial;
    return !arriving || others <= (stay > 1 ? stay : 1) ? DECISION_PROMOTE : DECISION_STOP;
}

static void waits_for_a_full_rung(const struct schedule *schedule,
                                  const struct schedule_moment *moment,
                                  struct schedule_offer *offer)
{
    const struct rung *first = &schedule->brackets[0]->rungs[0];

    schedule_asha.offer(schedule, moment, offer);
    if (offer->kind == OFFER_NEW && first->started > first->reported + 2) {
        *offer = (struct schedule_offer){.kind = OFFER_NOTHING};
    }
}

const struct planted planted_bugs[] = {
    {"one slot too many", I1_SLOTS, "hyperband", .plan = one_slot_too_many},
    {"free while it trains", I2_ONE_SLOT, "hyperband", .lets_go_early = true},
    {"free while it trains", I2_ONE_SLOT, "asha", .lets_go_early = true},
    {"one rank too many", I3_RANK, "hyperband", .decide = one_rank_too_many},
    {"share of those who came", I4_ORDER, "hyperband", .decide = share_of_those_who_came},
    {"never waits", I5_GUARANTEE, "hyperband", .decide = never_waits},
    {"past the top", I6_LEVELS, "hyperband", .plan = past_the_top},
    {"rounded up", I7_COST, "hyperband", .plan = rounded_up},
    {"forgets facts", I8_REPLAY, "hyperband", .forgets_facts = true},
    {"counts twice", I9_IDEMPOTENT, "hyperband", .counts_twice = true},
    {"never retries", I9_IDEMPOTENT, "asha", .forgets_retries = true},
    {"forgets lost slots", I10_FINISH, "hyperband", .forgets_lost_slots = true},
    {"only those who run", I11_WORKERS, "hyperband", .decide = only_those_who_run},
    {"below zero is wrong", I12_DIRECTION, "hyperband", .decide = below_zero_is_wrong},
    {"close is equal", I13_MONOTONE, "hyperband", .decide = close_is_equal},
    {"failures get values", I14_ALL_FAILED, "hyperband", .failures_get_values = true},
    {"quota rounded up", I15_ASHA_QUOTA, "asha", .decide = quota_rounded_up},
    {"one more stays", I15_ASHA_QUOTA, "asha", .is_stopping = true, .decide = ties_stay},
    {"more than delta is asked for", I15_ASHA_QUOTA, "asha", .wants_more_chance = true},
    {"waits for its bracket", I16_NO_IDLING, "hyperband", .offer = waits_for_its_bracket},
    {"waits for a full rung", I16_NO_IDLING, "asha", .offer = waits_for_a_full_rung},
};
const size_t n_planted_bugs = sizeof planted_bugs / sizeof planted_bugs[0];
