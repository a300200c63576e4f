#include "server/schedule/exact.h"
#include "server/schedule/kinds.h"
#include "server/schedule/offer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Asynchronous successive halving (Li et al., ASHA, 2020): rungs never close, so that no worker
 * waits.
 *
 *   promotion  a trial continues once it is among the best ⌊n/eta⌋ of the n that have reported at
 * its rung, failures included; the others stay paused and may be promoted later stopping   decided
 * on arrival: a trial continues while fewer than max(1, ⌊n/eta⌋) others are as good or better, else
 * it stops for good; no trial pauses predictive at each level a forecast decides, and stops a trial
 * whose probability of ending better than the incumbent is below `delta`; until the forecast is
 * made the trial trains on, and one that has passed the next level by then is judged there
 *
 * `brackets` b > 1 starts a share of the configurations at the 2nd, …, b-th level, as in hyperband.
 * `progressive` (Bohdal et al., PASHA, 2022) limits trials to the third rung at first, and to one
 * more whenever the two highest rungs in use disagree about the order; the best trial is trained in
 * full once no new configurations come. */

static size_t n_levels(const struct study_def *study, const struct schedule_options *options)
{
    struct table_input input = table_input_of(study, options->ratio);
    struct bracket_plan plan;

    tables_levels(&input, &plan);
    return plan.n;
}

static void read_mode(struct fields *fields, struct schedule_options *options)
{
    const char *mode = fields_string(fields, "mode", "promotion");

    if (strcmp(mode, "stopping") == 0) {
        options->mode = ASHA_STOPPING;
    } else if (strcmp(mode, "predictive") == 0) {
        options->mode = ASHA_PREDICTIVE;
    } else if (strcmp(mode, "promotion") != 0) {
        fields_fault(fields, "mode", "must be \"promotion\", \"stopping\" or \"predictive\"");
    }
}

static void read_delta(struct fields *fields, struct schedule_options *options)
{
    bool is_said = fields_has(fields, "delta");

    options->delta = fields_real(fields, "delta", 0.1);
    if (is_said && options->mode != ASHA_PREDICTIVE) {
        fields_fault(fields, "delta", "goes with mode \"predictive\" only");
    } else if (!(options->delta > 0 && options->delta < 1)) {
        fields_fault(fields, "delta", "is a probability: more than 0 and less than 1");
    }
}

static void asha_read(struct fields *fields, const struct study_def *study,
                      struct schedule_options *options)
{
    int64_t levels = (int64_t)n_levels(study, options);

    read_mode(fields, options);
    read_delta(fields, options);
    options->brackets = fields_int(fields, "brackets", 1, 1, levels);
    options->progressive = fields_bool(fields, "progressive", false);
    if (options->progressive && (options->mode != ASHA_PROMOTION || options->brackets > 1)) {
        fields_fault(fields, "progressive", "goes with mode \"promotion\" and one bracket only");
    }
    if (options->mode == ASHA_PREDICTIVE && study->n_objectives > 1) {
        fields_fault(fields, "mode",
                     "\"predictive\" forecasts one objective; use \"promotion\" or \"stopping\", "
                     "which rank by several");
    }
    if (options->progressive && study->n_objectives > 1) {
        fields_fault(fields, "progressive",
                     "compares the values of one objective; leave it out with several");
    }
    if (options->mode == ASHA_PREDICTIVE && options->brackets > 1) {
        fields_fault(fields, "brackets", "mode \"predictive\" has one bracket");
    }
}

static int asha_plan(const struct schedule *schedule, int index, struct bracket_plan *plan)
{
    struct table_input input = table_input_of(schedule->study, schedule->options.ratio);

    if (schedule->options.mode == ASHA_PREDICTIVE) {
        tables_half_levels(&input, plan);
        return index;
    }
    tables_levels(&input, plan);
    plan->n -= (size_t)index;
    memmove(plan->rungs, plan->rungs + index, plan->n * sizeof plan->rungs[0]);
    return index;
}

static int asha_permanent(const struct schedule_options *options)
{
    return (int)options->brackets;
}

static size_t asha_advance(const struct schedule *schedule, const struct bracket *bracket,
                           size_t rung)
{
    size_t share = ratio_divide(bracket->rungs[rung].reported, schedule->options.ratio);

    return schedule->options.mode != ASHA_PROMOTION && share < 1 ? 1 : share;
}

/* Progressive: whether nothing is left to try or to train, so that the best of the highest rung
 * continues. */
static bool is_the_final_one(const struct bracket *bracket, size_t rung, size_t rank)
{
    for (size_t i = 0; i < bracket->n_rungs; i++) {
        if (bracket->rungs[i].started > bracket->rungs[i].reported
            || (i > rung && bracket->rungs[i].all.n > 0)) {
            return false;
        }
    }
    return bracket->is_sealed && rank == 0;
}

static enum decision asha_decide(const struct schedule *schedule, const struct bracket *bracket,
                                 size_t rung, double cost, int64_t trial, bool arriving)
{
    const struct schedule_options *options = &schedule->options;
    const struct rung *here = &bracket->rungs[rung];

    size_t advance = asha_advance(schedule, bracket, rung);

    if (options->mode == ASHA_STOPPING) { /* the newest of equals loses */
        size_t others = ranking_rank(&here->all, cost, INT64_MAX) - 1;
        return !arriving || others < advance ? DECISION_PROMOTE : DECISION_STOP;
    }
    if (options->mode == ASHA_PREDICTIVE) { /* one that has passed the next level is judged there */
        return bracket_needs_no_lease(bracket, schedule_entry(schedule, trial)) ? DECISION_PROMOTE
                                                                                : DECISION_WAIT;
    }
    size_t rank = ranking_rank(&here->all, cost, trial);
    if (rung < schedule->cap && rank < advance) {
        return DECISION_PROMOTE;
    }
    return options->progressive && is_the_final_one(bracket, rung, rank) ? DECISION_PROMOTE
                                                                         : DECISION_WAIT;
}

/* The bracket of the next configuration. They are distributed in proportion to K / (K - s) ·
 * eta^-s: the bracket with the smallest use of its share is next. */
static int next_bracket(const struct schedule *schedule)
{
    size_t levels = schedule->brackets[0]->n_rungs;
    int n = (int)schedule->n_brackets;
    struct exact least = {0};
    int best = 0;

    for (int s = 0; s < n && n > 1; s++) {
        struct exact use; /* times q^n, which makes it whole */
        exact_set(&use, schedule->brackets[s]->rungs[0].started + 1);
        exact_multiply(&use, levels - (size_t)s);
        exact_multiply_power(&use, schedule->options.ratio.p, s);
        exact_multiply_power(&use, schedule->options.ratio.q, n - s);
        if (s == 0 || exact_compare(&use, &least) < 0) {
            best = s;
            least = use;
        }
    }
    return best;
}

/* Offers a promotion, the highest level of all brackets first. */
static bool offer_highest(const struct schedule *schedule, const struct schedule_moment *moment,
                          struct schedule_offer *offer)
{
    size_t levels = schedule->brackets[0]->n_rungs;

    for (size_t below_top = 1; below_top < levels; below_top++) {
        for (size_t i = 0; i < schedule->n_brackets; i++) {
            const struct bracket *bracket = schedule->brackets[i];
            if (below_top >= bracket->n_rungs) {
                continue;
            }
            size_t rung = bracket->n_rungs - 1 - below_top;
            int64_t trial = rung_promotable(schedule, moment, bracket, rung);
            if (trial != 0) {
                offer_promotion(bracket, rung, trial, offer);
                return true;
            }
        }
    }
    return false;
}

static void asha_offer(const struct schedule *schedule, const struct schedule_moment *moment,
                       struct schedule_offer *offer)
{
    if (moment->may_promote && offer_highest(schedule, moment, offer)) {
        return;
    }
    if (moment->may_start) {
        offer_start(schedule, next_bracket(schedule), offer);
    }
}

/* ---- progressive ----------------------------------------------------------------------------- */

#define COMPARED_MAX 256 /* the best of the rung: pairs are looked at */

struct pair {
    double low, high; /* the same trial's costs at the two highest rungs in use */
};

static size_t collect(const struct schedule *schedule, const struct rung *rung, size_t cap,
                      struct pair pairs[COMPARED_MAX])
{
    size_t n = 0;

    for (size_t k = 0; k < rung->all.n && n < COMPARED_MAX; k++) {
        struct ranked ranked = ranking_at(&rung->all, k);
        const struct rung_entry *entry = schedule_entry(schedule, ranked.trial);
        if (entry->rung == cap) {
            pairs[n++] = (struct pair){entry->previous_cost, ranked.cost};
        }
    }
    return n;
}

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;

    return (a > b) - (a < b);
}

/* The difference that counts as noise: the 90th percentile (linear between order statistics) of the
 * differences at the higher rung between trials whose order changed. */
static double noise(size_t n, const struct pair pairs[])
{
    double *gaps = malloc((n * n / 2 + 1) * sizeof *gaps);
    size_t n_gaps = 0;

    if (gaps == NULL) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        for (size_t j = i + 1; j < n; j++) {
            if ((pairs[i].low < pairs[j].low) != (pairs[i].high < pairs[j].high)) {
                gaps[n_gaps++] = fabs(pairs[i].high - pairs[j].high);
            }
        }
    }
    double found = 0;
    if (n_gaps > 0) {
        qsort(gaps, n_gaps, sizeof *gaps, compare_doubles);
        double at = 0.9 * (double)(n_gaps - 1);
        size_t below = (size_t)at;
        size_t above = below + 1 < n_gaps ? below + 1 : below;
        found = gaps[below] + (at - (double)below) * (gaps[above] - gaps[below]);
    }
    free(gaps);
    return found;
}

static bool asha_unlocks(const struct schedule *schedule, const struct bracket *bracket)
{
    struct pair pairs[COMPARED_MAX];
    double low[COMPARED_MAX];
    size_t cap = schedule->cap;

    if (!schedule->options.progressive || cap + 1 >= bracket->n_rungs) {
        return false;
    }
    size_t n = collect(schedule, &bracket->rungs[cap], cap, pairs);
    double eps = noise(n, pairs);
    for (size_t i = 0; i < n; i++) {
        low[i] = pairs[i].low;
    }
    qsort(low, n, sizeof low[0], compare_doubles);
    for (size_t i = 0; i < n; i++) { /* pairs are in the order of the higher rung */
        if (fabs(pairs[i].low - low[i]) > eps) {
            return true;
        }
    }
    return false;
}

const struct schedule_kind schedule_asha = {
    .name = "asha",
    .read = asha_read,
    .plan = asha_plan,
    .n_permanent = asha_permanent,
    .n_advance = asha_advance,
    .decide = asha_decide,
    .offer = asha_offer,
    .unlocks = asha_unlocks,
};
