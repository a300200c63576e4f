#include "server/analysis/importance.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "server/domain/study.h"
#include "server/model/ped_anova.h"
#include "tests/support/run_suite.h"

/* algorithms.md §7: y = (x1 − .3)² + .01 x2, the best fifth of ten. */
static const double x2[] = {.5, .9, .1, .7, .3, .2, .8, .4, .6, 0};

static double divergence(bool second)
{
    size_t bin[10];
    bool top[10];
    double value = 0.0;

    for (size_t i = 0; i < 10; i++) {
        bin[i] = ped_anova_bin(second ? x2[i] : .05 + .1 * (double)i);
        top[i] = i == 2 || i == 3;
    }
    ck_assert_int_eq(
        ped_anova_divergence(&(struct binned_values){10, bin, top, PED_ANOVA_BINS, false}, &value,
                             NULL),
        0);
    return value;
}

START_TEST(divergences_have_their_values)
{
    ck_assert_double_eq_tol(divergence(false), .936791298749, 1e-11);
    ck_assert_double_eq_tol(divergence(true), .00278369436135, 1e-13);
    ck_assert_double_eq_tol(divergence(false) / (divergence(false) + divergence(true)), .99704,
                            5e-6);
}
END_TEST

START_TEST(categories_that_win_matter)
{
    const size_t bin[] = {0, 0, 1, 1, 2, 2, 0, 1};
    const bool win[] = {true, true, false, false, false, false, true, false};
    const bool even[] = {true, false, true, false, true, false, false, false};
    double much = 0;
    double little = 0;

    ck_assert_int_eq(
        ped_anova_divergence(&(struct binned_values){8, bin, win, 3, true}, &much, NULL), 0);
    ck_assert_int_eq(
        ped_anova_divergence(&(struct binned_values){8, bin, even, 3, true}, &little, NULL), 0);
    ck_assert(much > 10 * little);
}
END_TEST

/* n trials of (k, a if k = p, b) whose cost is that of `cost`. */
static void study_shares(size_t n, double (*cost)(const double x[]),
                         struct importance_share share[3], struct importance *importance)
{
    struct faults faults = {0};
    OWN(study_def) struct study_def *study = NULL;
    OWN(memory) const double **rows = calloc(n + 1, sizeof *rows);
    OWN(memory) double *costs = calloc(n + 1, sizeof *costs);
    OWN(memory) double *x = calloc(3 * n + 1, sizeof *x);
    json_auto_t *body = json_loads(
        "{\"name\":\"t\",\"metric\":\"y\",\"direction\":\"minimize\",\"strategy\":\"random\","
        "\"parameters\":[{\"name\":\"k\",\"type\":\"categorical\",\"choices\":[\"p\",\"q\"]},"
        "{\"name\":\"a\",\"type\":\"float\",\"low\":0,\"high\":1,\"when\":{\"k\":[\"p\"]}},"
        "{\"name\":\"b\",\"type\":\"int\",\"low\":1,\"high\":9}]}",
        0, NULL);

    ck_assert_int_eq(study_def_from_json(body, 1, &study, &faults), 0);
    for (size_t i = 0; i < n; i++) {
        struct rng rng = rng_for(1, i + 1);
        ck_assert_int_eq(space_sample(study->space, &rng, x + 3 * i, NULL), 0);
        rows[i] = x + 3 * i;
        costs[i] = cost(x + 3 * i);
    }
    ck_assert_int_eq(importance_of(study->space, n, rows, costs, share, importance, NULL), 0);
}

static double by_a(const double x[])
{
    return isnan(x[1]) ? 2 : fabs(x[1] - .3);
}

static double by_b(const double x[])
{
    return fabs(x[2] - 3) + .001 * x[0];
}

static double by_none(const double x[])
{
    (void)x;
    return 1;
}

START_TEST(shares_point_at_what_matters)
{
    struct importance_share share[3];
    struct importance importance;

    study_shares(200, by_b, share, &importance);
    ck_assert(share[2].share > .8);
    ck_assert_double_eq_tol(share[0].share + share[1].share + share[2].share, 1, 1e-12);
    ck_assert(!importance.few);
    ck_assert_uint_eq(importance.n, 200);
    ck_assert_uint_ge(importance.n_top, 20);
    ck_assert_uint_eq(share[2].n, 200);
    study_shares(200, by_a, share, &importance);
    ck_assert_uint_lt(share[1].n, 200); /* it is conditional */
    ck_assert_uint_eq(share[1].n_top, importance.n_top);
    ck_assert_double_lt(importance.cutoff, .15);
    ck_assert(share[1].share > share[2].share && share[0].share > share[2].share);
}
END_TEST

START_TEST(few_or_equal_trials_say_nothing)
{
    struct importance_share share[3];
    struct importance importance;

    study_shares(0, by_b, share, &importance);
    ck_assert(importance.few);
    study_shares(1, by_b, share, &importance);
    ck_assert_double_eq(share[2].share, 0);
    study_shares(60, by_none, share, &importance);
    ck_assert_double_eq(share[2].share, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("importance");
    TCase *tcase = tcase_create("importance");

    tcase_add_test(tcase, divergences_have_their_values);
    tcase_add_test(tcase, categories_that_win_matter);
    tcase_add_test(tcase, shares_point_at_what_matters);
    tcase_add_test(tcase, few_or_equal_trials_say_nothing);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
