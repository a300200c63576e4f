#include "server/advice/cost.h"

#include <math.h>
#include <string.h>

#include "common/integer.h"
#include "server/schedule/tables.h"

/* ---- options --------------------------------------------------------------------------------- */

static int64_t option_int(const json_t *options, const char *name, int64_t fallback)
{
    const json_t *value = json_object_get(options, name);

    return json_is_number(value) ? integer_from_real(json_number_value(value)) : fallback;
}

static enum rounding option_rounding(const json_t *options)
{
    const char *name = json_string_value(json_object_get(options, "rounding"));

    if (name != NULL && strcmp(name, "paper_table") == 0) {
        return ROUNDING_PAPER_TABLE;
    }
    return name != NULL && strcmp(name, "ceil_all") == 0 ? ROUNDING_CEIL_ALL : ROUNDING_FORMULA;
}

/* ---- brackets -------------------------------------------------------------------------------- */

bool technique_has_brackets(enum technique technique)
{
    return technique == TECHNIQUE_HYPERBAND || technique == TECHNIQUE_BOHB
           || technique == TECHNIQUE_HALVING;
}

static bool has_levels(enum technique technique)
{
    return technique == TECHNIQUE_PREDICTIVE || technique == TECHNIQUE_ASHA_BAYESIAN
           || technique == TECHNIQUE_ASHA_STOPPING || technique == TECHNIQUE_ASHA_PROMOTION;
}

/* Kinds of brackets in a round: s from *first down to *last. */
static void kinds_of(enum technique technique, const struct study_def *study, const json_t *options,
                     int *first, int *last)
{
    int64_t eta = option_int(options, "eta", 3);
    int s_max = tables_s_max(study->resource_max, eta, study->resource_min);

    if (technique == TECHNIQUE_HALVING) {
        *first = (int)option_int(options, "bracket", s_max);
        *last = *first;
    } else {
        *first = s_max;
        *last = s_max + 1 - (int)option_int(options, "brackets", s_max + 1);
    }
}

static void plan_bracket(const struct study_def *study, const json_t *options, int s,
                         struct bracket_plan *plan)
{
    tables_bracket(study->resource_max, option_int(options, "eta", 3), study->resource_min,
                   option_rounding(options), s, plan);
}

static void plan_levels(enum technique technique, const struct study_def *study,
                        const json_t *options, struct bracket_plan *plan)
{
    int64_t eta = option_int(options, "eta", 3);

    if (technique == TECHNIQUE_PREDICTIVE) {
        tables_half_levels(study->resource_max, eta, study->resource_min, plan);
    } else {
        tables_levels(study->resource_max, eta, study->resource_min, plan);
    }
}

static json_t *rungs_json(const struct bracket_plan *plan)
{
    json_t *rungs = json_array();

    for (size_t i = 0; i < plan->n; i++) {
        (void)json_array_append_new(rungs, json_pack("{s:I, s:I}", "trials",
                                                     (json_int_t)plan->rungs[i].size, "resource",
                                                     (json_int_t)plan->rungs[i].level));
    }
    return json_pack("{s:o}", "rungs", rungs);
}

/* Of asha's levels it is known in advance who comes how far: the best 1/eta. A model asks nobody.
 */
static json_t *levels_json(const struct bracket_plan *plan, double eta, bool by_rank)
{
    json_t *rungs = json_array();
    double share = 1.0;

    for (size_t i = 0; i < plan->n; i++) {
        json_t *rung = json_pack("{s:I}", "resource", (json_int_t)plan->rungs[i].level);
        if (by_rank) {
            (void)json_object_set_new(rung, "share", json_real(share));
        }
        (void)json_array_append_new(rungs, rung);
        share /= eta;
    }
    return json_pack("{s:o}", "rungs", rungs);
}

json_t *technique_brackets(enum technique technique, const struct study_def *study,
                           const json_t *options)
{
    struct bracket_plan plan;

    if (!study->has_resource) {
        return NULL;
    }
    if (has_levels(technique)) {
        plan_levels(technique, study, options, &plan);
        return json_pack("[o]", levels_json(&plan, (double)option_int(options, "eta", 3),
                                            technique != TECHNIQUE_PREDICTIVE));
    }
    if (!technique_has_brackets(technique)) {
        return NULL;
    }
    json_t *brackets = json_array();
    int first;
    int last;
    kinds_of(technique, study, options, &first, &last);
    for (int s = first; s >= last; s--) {
        plan_bracket(study, options, s, &plan);
        (void)json_array_append_new(brackets, rungs_json(&plan));
    }
    return brackets;
}

/* ---- what a trial costs ---------------------------------------------------------------------- */

/* Sums of a round, in steps. */
struct round_sums {
    double trials, resuming, from_zero;
};

static struct round_sums sum_round(enum technique technique, const struct study_def *study,
                                   const json_t *options)
{
    struct round_sums sums = {0};
    struct bracket_plan plan;
    int first;
    int last;

    kinds_of(technique, study, options, &first, &last);
    for (int s = first; s >= last; s--) {
        double below = 0.0;
        plan_bracket(study, options, s, &plan);
        sums.trials += (double)plan.rungs[0].size;
        for (size_t i = 0; i < plan.n; i++) {
            double level = (double)plan.rungs[i].level;
            sums.resuming += (double)plan.rungs[i].size * (level - below);
            sums.from_zero += (double)plan.rungs[i].size * level;
            below = level;
        }
    }
    return sums;
}

/* asha lets the best 1/eta of each level go on. */
static struct round_sums sum_levels(enum technique technique, const struct study_def *study,
                                    const json_t *options)
{
    struct round_sums sums = {.trials = 1.0};
    struct bracket_plan plan;
    double share = 1.0;
    double below = 0.0;

    plan_levels(technique, study, options, &plan);
    for (size_t i = 0; i < plan.n; i++) {
        double level = (double)plan.rungs[i].level;
        sums.resuming += share * (level - below);
        sums.from_zero += share * level;
        share /= (double)option_int(options, "eta", 3);
        below = level;
    }
    return sums;
}

static void set_shares(enum technique technique, const struct problem *problem,
                       const struct facts *facts, const json_t *options, struct cost *cost)
{
    const struct study_def *study = problem->study;
    struct round_sums sums;

    cost->share = 1.0;
    cost->share_from_zero = 1.0;
    if (!facts->is_curved) {
        return;
    }
    if (technique == TECHNIQUE_PREDICTIVE) { /* nothing is paused, so nothing starts again */
        cost->share = ADVICE_PREDICTIVE_SHARE;
        cost->share_from_zero = ADVICE_PREDICTIVE_SHARE;
        return;
    }
    if (technique_has_brackets(technique)) {
        sums = sum_round(technique, study, options);
    } else if (has_levels(technique)) {
        sums = sum_levels(technique, study, options);
    } else {
        return;
    }
    double full = sums.trials * (double)study->resource_max;
    cost->share = sums.resuming / full;
    cost->share_from_zero =
        technique == TECHNIQUE_ASHA_STOPPING ? cost->share : sums.from_zero / full;
}

/* ---- what a budget becomes ------------------------------------------------------------------- */

static double busy_share(enum technique technique)
{
    if (technique_has_brackets(technique)) {
        return ADVICE_BUSY_HYPERBAND;
    }
    return has_levels(technique) ? ADVICE_BUSY_ASHA : 1.0;
}

/* How many trials have been thought of after so many seconds; thinking only grows with n. */
static double thought_of(enum technique technique, double span, double trials)
{
    double low = 0.0;
    double high = trials;

    if (measured_think_total(technique, trials) <= span) {
        return trials;
    }
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2.0;
        if (measured_think_total(technique, middle) <= span) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Trials of equal length on workers of equal speed, each trained in full. */
static double full_span(double trials, double workers, double seconds)
{
    return ceil(trials / workers) * seconds;
}

static double training_span(enum technique technique, const struct facts *facts,
                            const struct cost *cost)
{
    if (cost->trials < 1.0) {
        return 0.0;
    }
    if (!has_levels(technique) && !technique_has_brackets(technique)) {
        return full_span(cost->trials, facts->workers, facts->seconds);
    }
    double spread = cost->evaluations * facts->seconds / (facts->workers * busy_share(technique));
    return fmax(spread, facts->seconds); /* one at least is trained to the end */
}

/* Within a span, a worker trains so many in full and no part of one. */
static double within_span(enum technique technique, const struct facts *facts, double evaluations)
{
    if (facts->seconds <= 0 || isinf(facts->span)) {
        return evaluations;
    }
    double each = facts->span / facts->seconds;
    if (has_levels(technique) || technique_has_brackets(technique)) {
        each = each < 1.0 ? 0.0 : each * busy_share(technique);
    } else {
        each = floor(each * (1.0 + 1e-12));
    }
    return fmin(evaluations, each * facts->workers);
}

void cost_of(enum technique technique, const struct problem *problem, const struct facts *facts,
             const json_t *options, struct cost *cost)
{
    *cost = (struct cost){0};
    set_shares(technique, problem, facts, options, cost);
    double share = problem->checkpoints == ANSWER_NO ? cost->share_from_zero : cost->share;
    double evaluations = within_span(technique, facts, facts->evaluations);
    double trials = fmin(floor(evaluations / share * (1.0 + 1e-12)), facts->max_trials);
    double rounds = (double)option_int(options, "rounds", 0);

    if (rounds > 0 && technique_has_brackets(technique)) {
        trials = fmin(trials, rounds * sum_round(technique, problem->study, options).trials);
    }
    if (facts->seconds > 0 && isfinite(facts->span)) {
        trials = floor(thought_of(technique, facts->span, trials));
    }
    if ((technique == TECHNIQUE_GRID || technique == TECHNIQUE_BAYESIAN)
        && facts->configurations < trials) {
        trials = facts->configurations; /* then it is exhausted */
    }
    cost->trials = trials;
    cost->evaluations = trials * share;
    if (facts->seconds > 0) {
        double training = training_span(technique, facts, cost);
        cost->span = fmax(training, measured_think_total(technique, trials));
        cost->thinking = cost->span - training;
    }
}
