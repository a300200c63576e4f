/* The figures behind the advice: the table, and what is interpolated in it. */
#include <check.h>

#include "server/advice/benchmark.h"
#include "server/advice/figures.h"
#include "server/advice/sentence.h"
#include "server/advice/technique.h"
#include "tests/support/run_suite.h"

/* What was measured falls with the budget (with noise the best value seen may be a lucky one), and
 * the time of a suggestion grows with the history. */
START_TEST(figures_go_the_right_way)
{
    for (size_t t = 0; t < technique_count(); t++) {
        const struct technique *technique = technique_at(t);
        for (int k = 0; k < (int)KIND_COUNT; k++) {
            double before = 1.0;
            for (double n = 1; n < 1e6; n *= 1.3) {
                double now = benchmark_regret(technique, (enum problem_kind)k, 4, n, NULL).mean;
                ck_assert_msg(now > 0 && now <= before + (k == (int)KIND_NOISY ? 0.02 : 1e-12),
                              "%s, kind %d, %.0f", technique->title, k, n);
                before = now;
            }
        }
        for (double n = 1; n < 1e6; n *= 1.3) {
            ck_assert(benchmark_suggestion_seconds(technique, n)
                      <= benchmark_suggestion_seconds(technique, n * 1.3));
            ck_assert(benchmark_suggestion_total(technique, n)
                      <= benchmark_suggestion_total(technique, n * 1.3));
        }
    }
}
END_TEST

/* Whatever was measured: the table of figures is written by a program. */
START_TEST(figures_are_those_of_techniques)
{
    for (const struct technique_figures *at = technique_figures; at->title != NULL; at++) {
        ck_assert_msg(technique_find(at->title) != NULL, "%s", at->title);
        for (int k = 0; k < (int)KIND_COUNT; k++) {
            for (int many = 0; many < 2; many++) {
                const struct figure *row = at->regret[k][many];
                for (int i = 0; i < BENCHMARK_BUDGETS; i++) {
                    ck_assert((row[i].mean > 0) == (row[0].mean > 0));
                    ck_assert(row[i].mean >= 0 && row[i].mean <= 1 && row[i].error >= 0);
                }
            }
        }
    }
    ck_assert(benchmark_has_figures(technique_find("random"), KIND_MIXED));
}
END_TEST

START_TEST(a_limit_between_the_figures_is_between_them)
{
    const struct technique *bayesian = technique_find("bayesian");
    double at50 = benchmark_regret(bayesian, KIND_NUMBERS, 1, 50, NULL).mean;
    double at70 = benchmark_regret(bayesian, KIND_NUMBERS, 1, 70, NULL).mean;
    double at100 = benchmark_regret(bayesian, KIND_NUMBERS, 1, 100, NULL).mean;
    double many = benchmark_regret(bayesian, KIND_NUMBERS, 16, 50, NULL).mean;
    double some = benchmark_regret(bayesian, KIND_NUMBERS, 4, 50, NULL).mean;
    bool is_measured;

    ck_assert(at100 < at70 && at70 < at50);
    ck_assert_double_eq_tol(some, (at50 + many) / 2, 1e-12);
    (void)benchmark_regret(bayesian, KIND_NUMBERS, 1, 50, &is_measured);
    ck_assert(is_measured);
    (void)benchmark_regret(bayesian, KIND_NUMBERS, 1, 5000, &is_measured);
    ck_assert(!is_measured);
    (void)benchmark_regret(technique_find("successive_halving"), KIND_CURVES, 16, 50, &is_measured);
    ck_assert(!is_measured);
}
END_TEST

START_TEST(an_interval_is_as_wide_as_the_error)
{
    double low;
    double high;
    char text[NUMBER_TEXT_BYTES];

    ck_assert(benchmark_interval((struct figure){.mean = 0.05, .error = 0.01}, &low, &high));
    ck_assert_double_eq_tol(low, 0.05 - 0.0196, 1e-15);
    ck_assert_double_eq_tol(high, 0.05 + 0.0196, 1e-15);
    ck_assert_str_eq(regret_text((struct figure){.mean = 0.05, .error = 0.01}, text),
                     "0.05 (0.03-0.07)");
    ck_assert(benchmark_interval((struct figure){.mean = 0.01, .error = 0.01}, &low, &high));
    ck_assert(low == 0.0);
    ck_assert(!benchmark_interval((struct figure){.mean = 0.05}, &low, &high));
    ck_assert_str_eq(regret_text((struct figure){.mean = 0.05}, text), "0.05");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("figures");

    tcase_add_test(tcase, figures_go_the_right_way);
    tcase_add_test(tcase, figures_are_those_of_techniques);
    tcase_add_test(tcase, a_limit_between_the_figures_is_between_them);
    tcase_add_test(tcase, an_interval_is_as_wide_as_the_error);
    Suite *suite = suite_create("advice_figures");
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
