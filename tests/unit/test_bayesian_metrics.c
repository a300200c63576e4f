/* bayesian with several objectives and with bounds on metrics. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_at.h"
#include "server/model/hypervolume.h"
#include "server/strategy/strategy.h"
#include "tests/support/run_suite.h"

enum { TRIALS_MAX = 64, PARAMS_MAX = 4, METRICS = 4 };

/* A study with its trials, in this process. */
struct lab {
    struct study_def *study;
    const struct strategy *strategy;
    size_t n;
    struct observation items[TRIALS_MAX];
    double x[TRIALS_MAX][PARAMS_MAX];
    double values[TRIALS_MAX][METRICS], bounded[TRIALS_MAX][METRICS];
    size_t n_fits;
    struct fit fits[TRIALS_MAX];
    char *explain; /* of the last suggestion */
};

#define PARAMETERS                                                                                 \
    "\"parameters\": [{\"name\":\"a\",\"type\":\"float\",\"low\":0,\"high\":1},"                   \
    "{\"name\":\"b\",\"type\":\"float\",\"low\":0,\"high\":1},"                                    \
    "{\"name\":\"k\",\"type\":\"categorical\",\"choices\":[\"p\",\"q\"]}]"
#define OBJECTIVES                                                                                 \
    "\"objectives\": [{\"metric\":\"loss\",\"direction\":\"minimize\"},"                           \
    "{\"metric\":\"speed\",\"direction\":\"maximize\"}]"
#define ONE "\"metric\": \"loss\", \"direction\": \"minimize\""

static struct lab *lab_create(const char *strategy, const char *members)
{
    struct lab *lab = calloc(1, sizeof *lab);
    struct faults faults = {0};
    char text[4096];

    (void)snprintf(text, sizeof text,
                   "{\"name\": \"t\", \"strategy\": \"%s\", \"seed\": 5, " PARAMETERS ", %s}",
                   strategy, members);
    json_auto_t *body = json_loads(text, 0, NULL);
    ck_assert_msg(body != NULL, "%s", text);
    ck_assert_int_eq(study_def_from_json(body, 1, &lab->study, &faults), 0);
    lab->strategy = strategy_find(strategy);
    return lab;
}

static void lab_destroy(struct lab *lab)
{
    if (lab != NULL) {
        for (size_t i = 0; i < lab->n_fits; i++) {
            free((void *)(uintptr_t)lab->fits[i].data);
        }
        study_def_destroy(lab->study);
        free(lab->explain);
        free(lab);
    }
}
OWN_POINTER(lab)

/* The next suggestion, without any consequence. */
static void suggest(struct lab *lab, double x[], struct suggestion *made)
{
    const struct history seen = {
        .n = lab->n, .items = lab->items, .n_fits = lab->n_fits, .fits = lab->fits};

    *made = (struct suggestion){.config = x};
    ck_assert_int_eq(lab->strategy->suggest(lab->study, &seen, lab->n + 1, made, NULL), 0);
    ck_assert(space_is_legal(lab->study->space, x));
    ck_assert(!made->fallback);
}

/* Asks; the suggestion becomes a pending trial. */
static size_t ask(struct lab *lab)
{
    size_t i = lab->n;
    struct suggestion made;

    suggest(lab, lab->x[i], &made);
    free(lab->explain);
    lab->explain = made.explain;
    if (made.fit != NULL) {
        lab->fits[lab->n_fits++] =
            (struct fit){.n_seen = made.fit_n_seen, .bytes = made.fit_bytes, .data = made.fit};
    }
    lab->items[i] = (struct observation){.number = (int64_t)i + 1,
                                         .ordinal = i + 1,
                                         .kind = OBSERVED_PENDING,
                                         .config = lab->x[i],
                                         .values = lab->values[i],
                                         .bounded = lab->bounded[i]};
    lab->n++;
    return i;
}

static void finish(struct lab *lab, size_t i, enum observation_kind kind)
{
    lab->items[i].kind = kind;
    lab->items[i].n_values = lab->study->n_objectives;
    lab->items[i].n_bounded = lab->study->n_bounds;
}

static json_t *explained(const struct lab *lab)
{
    json_t *explain = json_loads(lab->explain, 0, NULL);

    ck_assert_ptr_nonnull(explain);
    return explain;
}

/* ---- several objectives ---------------------------------------------------------------------- */
/* Two bowls with their bottoms at a = .2 and a = .8, b = .6; the category q costs something. */
static void two_bowls(struct lab *lab, size_t i)
{
    const double *x = lab->x[i];
    double rest = (x[1] - .6) * (x[1] - .6) + .2 * x[2];

    lab->values[i][0] = (x[0] - .2) * (x[0] - .2) + rest;
    lab->values[i][1] = -100.0 * ((x[0] - .8) * (x[0] - .8) + rest);
    finish(lab, i, OBSERVED_COMPLETED);
}

/* n trials with so many others running meanwhile. */
static void tune(struct lab *lab, size_t n, size_t n_others, void (*f)(struct lab *, size_t))
{
    for (size_t i = 0; i < n; i++) {
        size_t asked = ask(lab);
        if (asked >= n_others) {
            f(lab, asked - n_others);
        }
    }
}

static double volume(const struct lab *lab)
{
    static const double reference[] = {.5, .5};
    double cost[2 * TRIALS_MAX], result;

    for (size_t i = 0; i < lab->n; i++) {
        bool is_known = lab->items[i].kind == OBSERVED_COMPLETED;
        cost[2 * i] = is_known ? lab->values[i][0] : 1;
        cost[2 * i + 1] = is_known ? -lab->values[i][1] / 100.0 : 1;
    }
    ck_assert_int_eq(hypervolume(lab->n, 2, cost, reference, &result, NULL), 0);
    return result;
}

/* The whole front covers .2284. */
START_TEST(the_front_of_two_bowls_is_found)
{
    OWN(lab) struct lab *lab = lab_create("bayesian", OBJECTIVES);
    OWN(lab) struct lab *even = lab_create("quasirandom", OBJECTIVES);

    tune(lab, 30, _i == 0 ? 0 : 4, two_bowls);
    tune(even, 30, 0, two_bowls);
    ck_assert_msg(volume(lab) > .218, "%g", volume(lab));
    ck_assert_msg(volume(even) < .2, "%g", volume(even));
}
END_TEST

START_TEST(a_suggestion_says_what_it_would_add)
{
    OWN(lab) struct lab *lab = lab_create("bayesian", OBJECTIVES);
    OWN(buf) struct buf text;

    tune(lab, 16, 1, two_bowls);
    json_auto_t *explain = explained(lab);
    ck_assert_str_eq(text_at(explain, "acquisition"), "log_expected_hypervolume_improvement");
    ck_assert_double_gt(number_at(explain, "hypervolume"), 1.0); /* in loss × speed */
    double p = number_at(explain, "p_nondominated");
    ck_assert(p > 0 && p <= 1);
    ck_assert_double_gt(number_at(explain, "expected_gain"), 0.0);
    ck_assert_uint_eq(json_array_size(json_object_get(explain, "front_trials")),
                      (size_t)int_at(explain, "front_size", 0));
    const json_t *objectives = json_object_get(explain, "objectives");
    ck_assert_uint_eq(json_array_size(objectives), 2);
    const json_t *speed = json_array_get(objectives, 1);
    ck_assert_str_eq(text_at(speed, "metric"), "speed");
    ck_assert_double_lt(number_at(speed, "reference"), 0.0);
    ck_assert_double_gt(number_at(speed, "sd"), 0.0);
    buf_init(&text, 1000);
    ck_assert_str_eq(lab->strategy->describe(explain, 16, &text), "model");
    ck_assert_ptr_nonnull(strstr(buf_text(&text), " and 1 running trials expected loss "));
    ck_assert_ptr_nonnull(strstr(buf_text(&text), ", speed -"));
}
END_TEST

/* The bottoms are at .2 and .8: a loss below .05 is wanted, and all of the speed that this leaves.
 */
START_TEST(a_goal_steers_to_a_part_of_the_front)
{
    OWN(lab)
    struct lab *lab = lab_create(
        "bayesian",
        "\"objectives\": [{\"metric\":\"loss\",\"direction\":\"minimize\",\"goal\":0.05},"
        "{\"metric\":\"speed\",\"direction\":\"maximize\"}]");
    size_t n_better = 0;

    tune(lab, 30, 0, two_bowls);
    for (size_t i = 15; i < 30; i++) {
        n_better += lab->values[i][0] < .05;
    }
    json_auto_t *explain = explained(lab);
    const json_t *loss = json_array_get(json_object_get(explain, "objectives"), 0);
    ck_assert_double_eq_tol(number_at(loss, "reference"), .05, 1e-12);
    ck_assert_uint_ge(n_better, 12);
}
END_TEST

/* A goal that nothing reaches leads to the least loss, by the model. */
START_TEST(a_goal_out_of_reach_says_which_way_to_go)
{
    OWN(lab)
    struct lab *lab = lab_create(
        "bayesian",
        "\"objectives\": [{\"metric\":\"loss\",\"direction\":\"minimize\",\"goal\":-1e300},"
        "{\"metric\":\"speed\",\"direction\":\"maximize\"}]");
    size_t n_good = 0;

    tune(lab, 25, 0, two_bowls);
    json_auto_t *explain = explained(lab);
    ck_assert_str_eq(text_at(explain, "model"), "gaussian_process");
    ck_assert(isfinite(number_at(explain, "acquisition_value")));
    for (size_t i = 15; i < 25; i++) {
        n_good += lab->values[i][0] < .02;
    }
    ck_assert_uint_ge(n_good, 6);
}
END_TEST

/* The same from the stored fits, and whatever the order of the history. */
START_TEST(the_same_history_has_the_same_suggestion)
{
    OWN(lab) struct lab *lab = lab_create("bayesian", OBJECTIVES);
    double first[PARAMS_MAX], second[PARAMS_MAX];
    struct suggestion made;

    tune(lab, 20, 2, two_bowls);
    suggest(lab, first, &made);
    free(made.explain);
    free(made.fit);
    struct observation held = lab->items[3];
    lab->items[3] = lab->items[9];
    lab->items[9] = held;
    suggest(lab, second, &made);
    free(made.explain);
    free(made.fit);
    ck_assert_mem_eq(first, second, 3 * sizeof *first);
}
END_TEST

/* Of the same front, whichever objective is named first. */
START_TEST(units_and_directions_do_not_matter)
{
    OWN(lab) struct lab *lab = lab_create("bayesian", OBJECTIVES);
    OWN(lab)
    struct lab *other =
        lab_create("bayesian", "\"objectives\": [{\"metric\":\"loss\",\"direction\":\"minimize\"},"
                               "{\"metric\":\"seconds\",\"direction\":\"minimize\"}]");

    tune(lab, 12, 0, two_bowls);
    for (size_t i = 0; i < 12; i++) {
        ck_assert_uint_eq(ask(other), i);
        ck_assert_mem_eq(other->x[i], lab->x[i], 3 * sizeof(double));
        other->values[i][0] = 1024.0 * lab->values[i][0];
        other->values[i][1] = -lab->values[i][1];
        finish(other, i, OBSERVED_COMPLETED);
    }
}
END_TEST

static void four_bowls(struct lab *lab, size_t i)
{
    for (size_t k = 0; k < lab->study->n_objectives; k++) {
        double a = lab->x[i][0] - .25 * (double)(k % 2);
        double b = lab->x[i][1] - .25 * (double)(k / 2);
        lab->values[i][k] = a * a + b * b;
    }
    finish(lab, i, i % 5 == 4 ? OBSERVED_FAILED : OBSERVED_COMPLETED);
}

START_TEST(three_and_four_objectives_with_failures_are_borne)
{
    static const char *const members[] = {
        "\"objectives\": [{\"metric\":\"w\",\"direction\":\"minimize\"},"
        "{\"metric\":\"x\",\"direction\":\"minimize\"},"
        "{\"metric\":\"y\",\"direction\":\"minimize\"}]",
        "\"objectives\": [{\"metric\":\"w\",\"direction\":\"minimize\"},"
        "{\"metric\":\"x\",\"direction\":\"minimize\"},"
        "{\"metric\":\"y\",\"direction\":\"minimize\"},"
        "{\"metric\":\"z\",\"direction\":\"minimize\"}]"};
    OWN(lab) struct lab *lab = lab_create("bayesian", members[_i]);

    tune(lab, 24, 3, four_bowls);
    json_auto_t *explain = explained(lab);
    ck_assert_uint_eq(json_array_size(json_object_get(explain, "objectives")), 3 + (size_t)_i);
    ck_assert_double_gt(number_at(explain, "p_ok"), 0.0);
}
END_TEST

static void all_equal(struct lab *lab, size_t i)
{
    lab->values[i][0] = 1;
    lab->values[i][1] = 2;
    finish(lab, i, OBSERVED_COMPLETED);
}

START_TEST(equal_results_are_borne)
{
    OWN(lab) struct lab *lab = lab_create("bayesian", OBJECTIVES);

    tune(lab, 12, 2, all_equal);
}
END_TEST

/* ---- bounds ---------------------------------------------------------------------------------- */
/* The bowl with its bottom at a = .2, where a ≥ .5 is allowed: the best is .09 at a = .5. */
static void bounded_bowl(struct lab *lab, size_t i)
{
    const double *x = lab->x[i];

    lab->values[i][0] = (x[0] - .2) * (x[0] - .2) + (x[1] - .6) * (x[1] - .6);
    lab->values[i][1] = x[0];
    lab->bounded[i][0] = 1000.0 * (1.0 - x[0]);
    lab->bounded[i][1] = 1.0 - x[1];
    finish(lab, i, OBSERVED_COMPLETED);
}

static double best_feasible(const struct lab *lab)
{
    double best = INFINITY;

    for (size_t i = 0; i < lab->n; i++) {
        if (lab->items[i].kind == OBSERVED_COMPLETED
            && study_feasibility(lab->study, lab->bounded[i]) == FEASIBLE) {
            best = fmin(best, lab->values[i][0]);
        }
    }
    return best;
}

START_TEST(the_best_within_the_bounds_is_found)
{
    OWN(lab)
    struct lab *lab = lab_create("bayesian", ONE ", \"subject_to\": [\"memory <= 500\"]");

    tune(lab, 25, _i == 0 ? 0 : 3, bounded_bowl);
    ck_assert_msg(best_feasible(lab) < .095, "%g", best_feasible(lab));
    json_auto_t *explain = explained(lab);
    const json_t *bound = json_array_get(json_object_get(explain, "bounds"), 0);
    ck_assert_str_eq(text_at(bound, "bound"), "memory <= 500");
    ck_assert_double_gt(number_at(bound, "p_satisfied"), 0.0);
    ck_assert_double_gt(number_at(bound, "mean"), 0.0); /* in the metric's unit */
    ck_assert_double_ge(number_at(explain, "incumbent"), .09);
}
END_TEST

START_TEST(of_several_objectives_the_front_is_feasible)
{
    OWN(lab)
    struct lab *lab = lab_create("bayesian", OBJECTIVES
                                 ", \"subject_to\": [\"memory <= 500\", \"cover >= 0.2\"]");

    tune(lab, 25, 0, bounded_bowl);
    json_auto_t *explain = explained(lab);
    size_t i;
    json_t *number;
    ck_assert_uint_eq(json_array_size(json_object_get(explain, "bounds")), 2);
    ck_assert_int_gt(int_at(explain, "front_size", 0), 0);
    json_array_foreach (json_object_get(explain, "front_trials"), i, number) {
        size_t trial = (size_t)json_integer_value(number) - 1;
        ck_assert_int_eq(study_feasibility(lab->study, lab->bounded[trial]), FEASIBLE);
    }
}
END_TEST

/* No trial is allowed; what they measured leads towards a = 1, though the objective is best at .2.
 * They may even be infeasible ones, without a value of the objective. */
START_TEST(without_a_feasible_trial_only_the_bound_counts)
{
    OWN(lab)
    struct lab *lab =
        lab_create("bayesian", _i < 2 ? ONE ", \"subject_to\": [\"memory <= -1\"]"
                                      : ONE ", \"subject_to\": [\"memory <= -1e300\"]");

    for (size_t i = 0; i < 14; i++) {
        size_t asked = ask(lab);
        bounded_bowl(lab, asked);
        if (_i == 1 && asked % 2 == 1) {
            finish(lab, asked, OBSERVED_INFEASIBLE);
            lab->items[asked].n_values = 0;
        }
    }
    json_auto_t *explain = explained(lab);
    ck_assert_str_eq(text_at(explain, "acquisition"), "log_probability_of_feasibility");
    ck_assert_ptr_null(json_object_get(explain, "improve_on"));
    ck_assert(isfinite(number_at(explain, "acquisition_value")));
    size_t n_led = 0;
    for (size_t i = 0; i < 14; i++) {
        n_led += lab->x[i][0] > .95;
    }
    ck_assert_uint_ge(n_led, 6); /* of ten by the model; then other places are as probable */
}
END_TEST

static void nothing_bounded(struct lab *lab, size_t i)
{
    bounded_bowl(lab, i);
    lab->bounded[i][0] = i % 2 == 0 ? (double)NAN : (double)INFINITY;
}

START_TEST(unknown_and_infinite_values_are_borne)
{
    OWN(lab)
    struct lab *lab = lab_create("bayesian", ONE ", \"subject_to\": [\"memory <= 500\"]");

    tune(lab, 12, 1, nothing_bounded);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bayesian_metrics");
    TCase *tcase = tcase_create("metrics");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, the_front_of_two_bowls_is_found, 0, 2);
    tcase_add_test(tcase, a_suggestion_says_what_it_would_add);
    tcase_add_test(tcase, a_goal_steers_to_a_part_of_the_front);
    tcase_add_test(tcase, a_goal_out_of_reach_says_which_way_to_go);
    tcase_add_test(tcase, the_same_history_has_the_same_suggestion);
    tcase_add_test(tcase, units_and_directions_do_not_matter);
    tcase_add_loop_test(tcase, three_and_four_objectives_with_failures_are_borne, 0, 2);
    tcase_add_test(tcase, equal_results_are_borne);
    tcase_add_loop_test(tcase, the_best_within_the_bounds_is_found, 0, 2);
    tcase_add_test(tcase, of_several_objectives_the_front_is_feasible);
    tcase_add_loop_test(tcase, without_a_feasible_trial_only_the_bound_counts, 0, 3);
    tcase_add_test(tcase, unknown_and_infinite_values_are_borne);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
