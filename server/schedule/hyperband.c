#include "server/schedule/kinds.h"
#include "server/schedule/offer.h"

#include <stdio.h>
#include <string.h>

#include "common/step.h"

/* Synchronous brackets (Li et al., Hyperband, 2018) for many workers, without idle time:
 *
 * - A trial is promoted as soon as it is certain to be, not only when its rung is full: with p
 * values of the rung outstanding, the one of rank k is certain to be among the n best when k + p <
 * n. In the same way one of rank n or worse is certain to lose, and stops at once.
 * - When no open bracket has work, the next one opens.
 *
 * Neither changes which trials are promoted: that depends on the values alone, not on their order
 * of arrival. successive_halving is the same with one kind of bracket. */

static int s_max(const struct study_def *study, const struct schedule_options *options)
{
    struct table_input input = table_input_of(study, options->ratio);

    return tables_s_max(&input);
}

/* Brackets need every rung; asha leaves out levels that are too close. */
static void check_step(struct fields *fields, const struct study_def *study,
                       const struct schedule_options *options)
{
    struct table_input input = table_input_of(study, options->ratio);

    if (!tables_are_apart(&input)) {
        char step[STEP_BYTES];
        (void)step_format(study->resource_step, study->resource_digits, step);
        faults_add(fields->faults, "/resource/step",
                   "two rungs would be the same: with multiples of %s and this eta the lowest "
                   "levels lie too close; say a smaller step, a higher min or a larger eta",
                   step);
    }
}

static void read_rounding(struct fields *fields, struct schedule_options *options)
{
    static const char *const names[] = {
        [ROUNDING_FORMULA] = "formula",
        [ROUNDING_PAPER_TABLE] = "paper_table",
        [ROUNDING_CEIL_ALL] = "ceil_all",
    };
    const char *name = fields_string(fields, "rounding", "formula");

    for (int i = ROUNDING_FORMULA; i <= (int)ROUNDING_CEIL_ALL; i++) {
        if (strcmp(name, names[i]) == 0) {
            options->rounding = (enum rounding)i;
            return;
        }
    }
    fields_fault(fields, "rounding", "must be \"formula\", \"paper_table\" or \"ceil_all\"");
}

static void hyperband_read(struct fields *fields, const struct study_def *study,
                           struct schedule_options *options)
{
    int kinds = s_max(study, options) + 1;

    check_step(fields, study, options);
    options->rounds = fields_int(fields, "rounds", 0, 1, INT32_MAX);
    options->brackets = fields_int(fields, "brackets", kinds, 1, kinds);
    options->quorum = fields_real(fields, "quorum", 0);
    if (fields_has(fields, "quorum") && (options->quorum <= 0 || options->quorum > 1)) {
        fields_fault(fields, "quorum", "must be a share of the rung, above 0 and at most 1");
    }
    read_rounding(fields, options);
}

static void halving_read(struct fields *fields, const struct study_def *study,
                         struct schedule_options *options)
{
    int largest = s_max(study, options);

    check_step(fields, study, options);
    options->rounds = fields_int(fields, "rounds", 0, 1, INT32_MAX);
    options->bracket = fields_int(fields, "bracket", largest, 0, largest);
    options->brackets = 1;
}

static int plan_of_kind(const struct schedule *schedule, int s, struct bracket_plan *plan)
{
    struct table_input input = table_input_of(schedule->study, schedule->options.ratio);

    tables_bracket(&input, schedule->options.rounding, s, plan);
    return s;
}

/* The brackets of a round, from the one that tries most configurations down. */
static int hyperband_plan(const struct schedule *schedule, int index, struct bracket_plan *plan)
{
    int turn = (int)(index % schedule->options.brackets);

    return plan_of_kind(schedule, s_max(schedule->study, &schedule->options) - turn, plan);
}

static int halving_plan(const struct schedule *schedule, int index, struct bracket_plan *plan)
{
    (void)index;
    return plan_of_kind(schedule, (int)schedule->options.bracket, plan);
}

static int none_permanent(const struct schedule_options *options)
{
    (void)options;
    return 0;
}

static size_t sync_advance(const struct schedule *schedule, const struct bracket *bracket,
                           size_t rung)
{
    (void)schedule;
    return (size_t)bracket->rungs[rung + 1].size;
}

/* Several objectives: a new value can change the order of those before it, so a rank is certain
 * only once all have reported. Before that a trial is out that as many dominate as go on, and goes
 * on if it dominates so many that the others do not fill the next rung. */
static enum decision decide_several(const struct schedule *schedule, const struct bracket *bracket,
                                    size_t rung, int64_t trial, size_t rank)
{
    const struct rung *here = &bracket->rungs[rung];
    const double *costs = cost_table_row(&schedule->costs, schedule_entry(schedule, trial)->row);
    size_t outstanding = bracket_outstanding(bracket, rung);
    size_t advance = sync_advance(schedule, bracket, rung);
    size_t n_better;
    size_t n_worse;

    if (outstanding == 0) {
        return rank < advance ? DECISION_PROMOTE : DECISION_STOP;
    }
    cost_table_compare(&schedule->costs, here->n_rows, here->rows, costs, &n_better, &n_worse);
    if (n_better >= advance) {
        return DECISION_STOP;
    }
    return here->n_rows - 1 - n_worse + outstanding < advance ? DECISION_PROMOTE : DECISION_WAIT;
}

static enum decision sync_decide(const struct schedule *schedule, const struct bracket *bracket,
                                 size_t rung, double cost, int64_t trial, bool arriving)
{
    (void)arriving;
    size_t advance = sync_advance(schedule, bracket, rung);
    size_t rank = ranking_rank(&bracket->rungs[rung].all, cost, trial);

    /* A trial that is tried again after a failure may come when the rung above is full. */
    if (bracket->rungs[rung + 1].started >= advance) {
        return DECISION_STOP;
    }
    if (schedule->costs.m > 1) {
        return decide_several(schedule, bracket, rung, trial, rank);
    }
    if (rank >= advance) {
        return DECISION_STOP;
    }
    return rank + bracket_outstanding(bracket, rung) < advance ? DECISION_PROMOTE : DECISION_WAIT;
}

static bool offer_from_open(const struct schedule *schedule, const struct schedule_moment *moment,
                            struct schedule_offer *offer)
{
    for (size_t i = 0; i < schedule->n_open; i++) {
        const struct bracket *bracket = schedule->open[i];
        for (size_t rung = bracket->n_rungs - 1; rung-- > 0;) {
            int64_t trial = rung_promotable(schedule, moment, bracket, rung);
            if (trial != 0) {
                offer_promotion(bracket, rung, trial, offer);
                return true;
            }
        }
    }
    return false;
}

static bool rounds_are_used_up(const struct schedule *schedule)
{
    const struct schedule_options *options = &schedule->options;

    return options->rounds > 0
           && (int64_t)schedule->n_brackets >= options->rounds * options->brackets;
}

static bool offer_first_rung(const struct schedule *schedule, struct schedule_offer *offer)
{
    for (size_t i = 0; i < schedule->n_open; i++) {
        const struct bracket *bracket = schedule->open[i];
        if (!bracket->is_sealed && (int64_t)bracket->rungs[0].started < bracket->rungs[0].size) {
            offer_start(schedule, bracket->index, offer);
            return true;
        }
    }
    if (!rounds_are_used_up(schedule)) {
        offer_start(schedule, (int)schedule->n_brackets, offer);
        return true;
    }
    return false;
}

/* "bracket 2, rung 1 waits for 3 running trials": the oldest bracket's lowest such rung. */
static void describe_awaited(const struct schedule *schedule, struct schedule_offer *offer)
{
    for (size_t i = 0; i < schedule->n_open; i++) {
        const struct bracket *bracket = schedule->open[i];
        for (size_t rung = 0; rung < bracket->n_rungs; rung++) {
            size_t n = bracket->rungs[rung].started - bracket->rungs[rung].reported;
            if (n > 0) {
                (void)snprintf(offer->detail, sizeof offer->detail,
                               "bracket %d, rung %zu waits for %zu running trial%s", bracket->index,
                               rung, n, n == 1 ? "" : "s");
                return;
            }
        }
    }
}

static void sync_offer(const struct schedule *schedule, const struct schedule_moment *moment,
                       struct schedule_offer *offer)
{
    if (moment->may_promote && offer_from_open(schedule, moment, offer)) {
        return;
    }
    if (moment->may_start && offer_first_rung(schedule, offer)) {
        return;
    }
    offer->is_over = rounds_are_used_up(schedule) && schedule->n_open == 0;
    describe_awaited(schedule, offer);
}

/* What synchronous brackets have in common. */
#define SYNCHRONOUS                                                                                \
    .n_permanent = none_permanent, .n_advance = sync_advance, .decide = sync_decide,               \
    .offer = sync_offer

const struct schedule_kind schedule_hyperband = {
    .name = "hyperband", .read = hyperband_read, .plan = hyperband_plan, SYNCHRONOUS};

/* Hyperband whose configurations come from kernel densities (Falkner et al., BOHB, 2018). */
const struct schedule_kind schedule_bohb = {
    .name = "bohb", .read = hyperband_read, .plan = hyperband_plan, SYNCHRONOUS};

const struct schedule_kind schedule_halving = {
    .name = "successive_halving", .read = halving_read, .plan = halving_plan, SYNCHRONOUS};
