#include "server/model/parzen.h"

#include <check.h>
#include <math.h>

#include "common/normal.h"
#include "common/rng.h"
#include "server/model/radix_sort.h"
#include "tests/support/run_suite.h"

static void column(struct points *x, size_t n, const double at[])
{
    ck_assert_int_eq(points_init(x, 1, 0, n, NULL), 0);
    x->n = n;
    for (size_t i = 0; i < n; i++) {
        x->num[i] = at[i];
    }
}

/* The density of a normal distribution truncated to [0, 1]. */
static double truncated(double at, double mean, double width)
{
    double z = (at - mean) / width;
    double mass = normal_cdf((1 - mean) / width) - normal_cdf(-mean / width);

    return exp(-z * z / 2) / (width * mass * 2.50662827463100050242);
}

START_TEST(widths_are_the_larger_gap)
{
    static const double at[] = {.1, .2, .5, .9, .91};
    static const double means[] = {.1, .2, .5, .9, .91, .5};
    static const double widths[] = {.1, .3, .3, .4, .03, 1};
    const uint64_t continuous[] = {0};
    OWN(points) struct points x = {0};
    OWN(points) struct points q = {0};
    OWN(parzen) struct parzen *p = NULL;
    double value;

    column(&x, 5, at);
    ck_assert_int_eq(parzen_create(&x, NULL, continuous, NULL, &p, NULL), 0);
    for (int k = 0; k <= 100; k++) {
        double u = k / 100.0;
        double want = 0;
        for (size_t i = 0; i < 6; i++) {
            want += truncated(u, means[i], widths[i]) / 6;
        }
        points_finish(&q);
        column(&q, 1, &u);
        parzen_log_density(p, &q, &value);
        ck_assert_double_eq_tol(value, log(want), 1e-9);
    }
}
END_TEST

/* The density over [0, 1], by the midpoint rule. */
static double mass(const struct parzen *p, size_t steps)
{
    OWN(points) struct points q = {0};
    double value;
    double sum = 0.0;

    ck_assert_int_eq(points_init(&q, 1, 0, 1, NULL), 0);
    q.n = 1;
    for (size_t i = 0; i < steps; i++) {
        q.num[0] = ((double)i + .5) / (double)steps;
        parzen_log_density(p, &q, &value);
        sum += exp(value) / (double)steps;
    }
    return sum;
}

START_TEST(densities_have_mass_one)
{
    static const double at[] = {.05, .125, .125, .375, .875, NAN};
    static const double weights[] = {1, 5, 2, 1, .5, 1};
    const uint64_t continuous[] = {0};
    const uint64_t four[] = {4};
    OWN(points) struct points x = {0};
    OWN(parzen) struct parzen *fine = NULL;
    OWN(parzen) struct parzen *coarse = NULL;

    column(&x, 6, at);
    ck_assert_int_eq(parzen_create(&x, weights, continuous, NULL, &fine, NULL), 0);
    ck_assert_int_eq(parzen_create(&x, weights, four, NULL, &coarse, NULL), 0);
    ck_assert_double_eq_tol(mass(fine, 20000), 1, 1e-6);
    ck_assert_double_eq_tol(mass(coarse, 4), 1, 1e-12);
}
END_TEST

START_TEST(categories_are_counted_and_smoothed)
{
    static const double want[] = {.40625, .15625, .28125, .15625}; /* algorithms.md §7 */
    const struct parzen_category choices[] = {{.choices = 4}};
    OWN(points) struct points x = {0};
    OWN(points) struct points q = {0};
    OWN(parzen) struct parzen *p = NULL;
    double value[4];

    ck_assert_int_eq(points_init(&x, 0, 1, 3, NULL), 0);
    x.n = 3;
    x.cat[2] = 2;
    ck_assert_int_eq(parzen_create(&x, NULL, NULL, choices, &p, NULL), 0);
    ck_assert_int_eq(points_init(&q, 0, 1, 4, NULL), 0);
    q.n = 4;
    for (int32_t c = 0; c < 4; c++) {
        q.cat[c] = c;
    }
    parzen_log_density(p, &q, value);
    for (size_t c = 0; c < 4; c++) {
        ck_assert_double_eq_tol(exp(value[c]), want[c], 1e-12);
    }
}
END_TEST

START_TEST(draws_follow_the_density)
{
    static const double at[] = {.2, .22, .8};
    const uint64_t continuous[] = {0};
    OWN(points) struct points x = {0};
    OWN(points) struct points q = {0};
    OWN(parzen) struct parzen *p = NULL;
    struct rng rng = rng_for(1, 1);
    double below = 0;
    double want = 0;
    double value, num;
    int32_t cat;

    column(&x, 3, at);
    column(&q, 1, at);
    ck_assert_int_eq(parzen_create(&x, NULL, continuous, NULL, &p, NULL), 0);
    for (int i = 0; i < 20000; i++) {
        parzen_draw(p, &rng, &num, &cat);
        ck_assert(num >= 0 && num <= 1);
        below += num < .25 ? 1.0 / 20000 : 0;
    }
    for (int i = 0; i < 1000; i++) {
        q.num[0] = .25 * (i + .5) / 1000;
        parzen_log_density(p, &q, &value);
        want += exp(value) * .25 / 1000;
    }
    ck_assert_double_eq_tol(below, want, .015);
}
END_TEST

START_TEST(without_points_only_the_prior_is_left)
{
    const uint64_t continuous[] = {0};
    OWN(points) struct points x = {0};
    OWN(parzen) struct parzen *p = NULL;

    column(&x, 0, NULL);
    ck_assert_int_eq(parzen_create(&x, NULL, continuous, NULL, &p, NULL), 0);
    ck_assert_double_eq_tol(mass(p, 20000), 1, 1e-6);
}
END_TEST

START_TEST(numbers_are_sorted_and_equals_keep_their_order)
{
    enum { N = 700 };
    static const double odd[] = {0.0, -0.0, -1.0, 1e300, -1e300, INFINITY, -INFINITY, NAN};
    struct radix_item items[N], scratch[N];
    double value[N];
    struct rng rng = rng_for(3, 1);

    for (size_t n = 0; n <= N; n = n < 60 ? n + 7 : n + 320) { /* by insertion, by digits */
        for (size_t i = 0; i < n; i++) {
            value[i] = i % 9 == 0 ? odd[rng_below(&rng, 8)] : floor(20 * rng_normal(&rng)) / 8;
            items[i] = (struct radix_item){radix_key(value[i]), i};
        }
        radix_sort(n, items, scratch);
        for (size_t i = 1; i < n; i++) {
            double a = value[items[i - 1].index];
            double b = value[items[i].index];
            ck_assert(a < b || isnan(b) || (a <= b && items[i - 1].index < items[i].index));
            ck_assert(!(isnan(a) && isnan(b)) || items[i - 1].index < items[i].index);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parzen");
    TCase *tcase = tcase_create("parzen");

    tcase_add_test(tcase, numbers_are_sorted_and_equals_keep_their_order);
    tcase_add_test(tcase, widths_are_the_larger_gap);
    tcase_add_test(tcase, densities_have_mass_one);
    tcase_add_test(tcase, categories_are_counted_and_smoothed);
    tcase_add_test(tcase, draws_follow_the_density);
    tcase_add_test(tcase, without_points_only_the_prior_is_left);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
