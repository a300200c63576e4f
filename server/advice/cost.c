#include "server/advice/cost.h"

#include <math.h>
#include <string.h>

#include "common/integer.h"
#include "common/step.h"
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

static double eta_of(const struct technique_use *use)
{
    const json_t *eta = json_object_get(use->options, "eta");

    return json_is_number(eta) ? json_number_value(eta) : 3.0;
}

static struct table_input input_of(const struct technique_use *use)
{
    return table_input_of(use->study, ratio_from_number(eta_of(use)));
}

/* The brackets of a round: s from *first down to *last. */
static void bracket_range(const struct technique_use *use, int *first, int *last)
{
    struct table_input input = input_of(use);
    int s_max = tables_s_max(&input);

    if (use->technique->is_single_bracket) {
        *first = (int)option_int(use->options, "bracket", s_max);
        *last = *first;
    } else {
        *first = s_max;
        *last = s_max + 1 - (int)option_int(use->options, "brackets", s_max + 1);
    }
}

static void plan_bracket(const struct technique_use *use, int s, struct bracket_plan *plan)
{
    struct table_input input = input_of(use);

    tables_bracket(&input, option_rounding(use->options), s, plan);
}

/* The levels of asha: half steps where a forecast decides. */
static void plan_levels(const struct technique_use *use, struct bracket_plan *plan)
{
    struct table_input input = input_of(use);

    (use->technique->plan == PLAN_FORECAST ? tables_half_levels : tables_levels)(&input, plan);
}

static json_t *level_json(int64_t level, int digits)
{
    return digits == 0 ? json_integer((json_int_t)level) : json_real(step_number(level, digits));
}

static json_t *rungs_json(const struct bracket_plan *plan, int digits)
{
    json_t *rungs = json_array();

    for (size_t i = 0; i < plan->n; i++) {
        (void)json_array_append_new(rungs, json_pack("{s:I, s:o}", "trials",
                                                     (json_int_t)plan->rungs[i].size, "resource",
                                                     level_json(plan->rungs[i].level, digits)));
    }
    return json_pack("{s:o}", "rungs", rungs);
}

/* The levels of asha. With ranks the share of trials that reach each is known in advance: the best
 * 1/eta of the level before. */
static json_t *levels_json(const struct bracket_plan *plan, int digits, double eta, bool by_rank)
{
    json_t *rungs = json_array();
    double share = 1.0;

    for (size_t i = 0; i < plan->n; i++) {
        json_t *rung = json_pack("{s:o}", "resource", level_json(plan->rungs[i].level, digits));
        if (by_rank) {
            (void)json_object_set_new(rung, "share", json_real(share));
        }
        (void)json_array_append_new(rungs, rung);
        share /= eta;
    }
    return json_pack("{s:o}", "rungs", rungs);
}

json_t *technique_brackets(const struct technique_use *use)
{
    enum technique_plan kind = use->technique->plan;
    int digits = use->study->resource_digits;
    struct bracket_plan plan;
    int first;
    int last;

    if (!use->study->has_resource || kind == PLAN_FULL) {
        return NULL;
    }
    if (kind != PLAN_BRACKETS) {
        plan_levels(use, &plan);
        return json_pack("[o]", levels_json(&plan, digits, eta_of(use), kind == PLAN_RUNGS));
    }
    json_t *brackets = json_array();
    bracket_range(use, &first, &last);
    for (int s = first; s >= last; s--) {
        plan_bracket(use, s, &plan);
        (void)json_array_append_new(brackets, rungs_json(&plan, digits));
    }
    return brackets;
}

/* ---- what a trial costs ---------------------------------------------------------------------- */

/* Sums of a round, in steps. */
struct round_sums {
    double trials, resuming, from_zero;
};

static struct round_sums sum_round(const struct technique_use *use)
{
    struct round_sums sums = {0};
    struct bracket_plan plan;
    int first;
    int last;

    bracket_range(use, &first, &last);
    for (int s = first; s >= last; s--) {
        double below = 0.0;
        plan_bracket(use, s, &plan);
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

/* Of asha: the best 1/eta of each level go on. */
static struct round_sums sum_levels(const struct technique_use *use)
{
    struct round_sums sums = {.trials = 1.0};
    struct bracket_plan plan;
    double share = 1.0;
    double below = 0.0;

    plan_levels(use, &plan);
    for (size_t i = 0; i < plan.n; i++) {
        double level = (double)plan.rungs[i].level;
        sums.resuming += share * (level - below);
        sums.from_zero += share * level;
        share /= eta_of(use);
        below = level;
    }
    return sums;
}

static void set_shares(const struct technique_use *use, const struct problem_features *features,
                       struct cost *cost)
{
    const struct technique *technique = use->technique;

    cost->share = 1.0;
    cost->share_from_zero = 1.0;
    if (!features->has_levels || technique->plan == PLAN_FULL) {
        return;
    }
    if (technique->plan == PLAN_FORECAST) { /* no trial pauses, so none starts again */
        cost->share = ADVICE_PREDICTIVE_SHARE;
        cost->share_from_zero = ADVICE_PREDICTIVE_SHARE;
        return;
    }
    struct round_sums sums = technique->plan == PLAN_BRACKETS ? sum_round(use) : sum_levels(use);
    double full = sums.trials * (double)use->study->resource_max;
    cost->share = sums.resuming / full;
    cost->share_from_zero = technique->pauses ? sums.from_zero / full : cost->share;
}

/* ---- what a budget becomes ------------------------------------------------------------------- */

/* The share of the time in which workers train. */
static double busy_share(enum technique_plan plan)
{
    switch (plan) {
    case PLAN_BRACKETS:
        return ADVICE_BUSY_HYPERBAND;
    case PLAN_RUNGS:
    case PLAN_FORECAST:
        return ADVICE_BUSY_ASHA;
    case PLAN_FULL:
        break;
    }
    return 1.0;
}

/* How many of the trials can be suggested within so many seconds, by bisection: the time grows with
 * n. */
static double suggested_within(const struct technique *technique, double span, double trials)
{
    double low = 0.0;
    double high = trials;

    if (benchmark_suggestion_total(technique, trials) <= span) {
        return trials;
    }
    for (int i = 0; i < 60; i++) {
        double middle = (low + high) / 2.0;
        if (benchmark_suggestion_total(technique, middle) <= span) {
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

static double training_span(const struct technique *technique,
                            const struct problem_features *features, const struct cost *cost)
{
    if (cost->trials < 1.0) {
        return 0.0;
    }
    if (technique->plan == PLAN_FULL) {
        return full_span(cost->trials, features->workers, features->seconds);
    }
    double spread =
        cost->evaluations * features->seconds / (features->workers * busy_share(technique->plan));
    return fmax(spread, features->seconds); /* at least one is trained in full */
}

/* The full evaluations that fit into the span; without early stopping a worker trains whole ones.
 */
static double within_span(const struct technique *technique,
                          const struct problem_features *features, double evaluations)
{
    if (features->seconds <= 0 || isinf(features->span)) {
        return evaluations;
    }
    double each = features->span / features->seconds;
    if (technique->plan != PLAN_FULL) {
        each = each < 1.0 ? 0.0 : each * busy_share(technique->plan);
    } else {
        each = floor(each * (1.0 + 1e-12));
    }
    return fmin(evaluations, each * features->workers);
}

void cost_of(const struct technique_use *use, const struct problem *problem,
             const struct problem_features *features, struct cost *cost)
{
    const struct technique *technique = use->technique;

    *cost = (struct cost){0};
    set_shares(use, features, cost);
    double share = problem->checkpoints == ANSWER_NO ? cost->share_from_zero : cost->share;
    double evaluations = within_span(technique, features, features->evaluations);
    double trials = fmin(floor(evaluations / share * (1.0 + 1e-12)), features->max_trials);
    double rounds = (double)option_int(use->options, "rounds", 0);

    if (rounds > 0 && technique->plan == PLAN_BRACKETS) {
        trials = fmin(trials, rounds * sum_round(use).trials);
    }
    if (features->seconds > 0 && isfinite(features->span)) {
        trials = floor(suggested_within(technique, features->span, trials));
    }
    if (technique->never_repeats && features->configurations < trials) {
        trials = features->configurations; /* then the space is exhausted */
    }
    cost->trials = trials;
    cost->evaluations = trials * share;
    if (features->seconds > 0) {
        double training = training_span(technique, features, cost);
        cost->span = fmax(training, benchmark_suggestion_total(technique, trials));
        cost->waiting = cost->span - training;
    }
}
