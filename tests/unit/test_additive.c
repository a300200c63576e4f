/* The additive part of the covariance. The values are those of tests/data/additive.py. */
#include "server/model/additive.h"

#include <check.h>
#include <math.h>

#include "common/rng.h"
#include "server/model/gp.h"
#include "server/model/marginal_likelihood.h"
#include "tests/support/run_suite.h"

#define NEAR(got, want, tol)                                                                       \
    do {                                                                                           \
        double got_ = (got);                                                                       \
        double want_ = (want);                                                                     \
        ck_assert_msg(fabs(got_ - want_) <= (tol)*fmax(fabs(want_), 1e-2),                         \
                      "%s = %.17g, not %.17g", #got, got_, want_);                                 \
    } while (0)

enum { N = 6, N_NUM = 3 };

static const double numbers[N][N_NUM] = {{.10, .80, .35}, {.42, .15, .90}, {.77, .55, .05},
                                         {.23, .98, .61}, {.64, .30, .48}, {.91, .70, .27}};
static const int32_t categories[N] = {0, 1, 2, 0, 1, 1};
static const double y[N] = {.3, -1.2, .8, .1, -.4, 1.1};
static const double theta[] = {-.5, .2, .4, -.1, .3, -3.0, .7, -.9};

static void fill(struct points *x)
{
    ck_assert_int_eq(points_init(x, N_NUM, 1, N, NULL), 0);
    x->n = N;
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < N_NUM; k++) {
            points_num(x, i)[k] = numbers[i][k];
        }
        points_cat(x, i)[0] = categories[i];
    }
}

/* K (3 × 3) ← k_a of the first three points and the others at this ln ℓ_a; T likewise. */
static void additive_block(const struct points *x, double log_length, double K[9], double T[9])
{
    struct additive additive;
    double tables[(3 * N_NUM + 1) * N];
    struct points a = points_part(x, 0, 3);
    struct points b = points_part(x, 3, 3);

    ck_assert_uint_eq(additive_tables(x, N), sizeof tables / sizeof *tables);
    additive_init(x, log_length, &additive);
    additive_prepare(&additive, x, tables);
    additive_cross(&additive, &(struct additive_points){&a, tables, N},
                   &(struct additive_points){&b, tables + 3, N}, K, T, 3);
}

START_TEST(covariance_has_its_values)
{
    static const double want[9] = {0.8819557440689625, 0.43597474681928927, 0.31162389485479347,
                                   0.4363871078535964, 0.8022230099969245,  0.5603185651594563,
                                   0.5323710084605746, 0.5053721524311359,  0.6706472614072262};
    OWN(points) struct points x = {0};
    double K[9], T[9], up[9], down[9];
    const double h = 1e-5;

    fill(&x);
    additive_block(&x, -.9, K, T);
    additive_block(&x, -.9 + h, up, K);
    additive_block(&x, -.9 - h, down, K);
    additive_block(&x, -.9, K, T);
    for (size_t i = 0; i < 9; i++) {
        NEAR(K[i], want[i], 1e-13);
        NEAR(T[i], (up[i] - down[i]) / (2 * h), 1e-8);
    }
}
END_TEST

/* The second number belongs to the category 1; elsewhere it is inactive. */
static void make_branches(struct points *x)
{
    for (size_t i = 0; i < x->n; i++) {
        bool is_active = points_cat(x, i)[0] == 1;
        points_active(x, i)[1] = is_active;
        points_num(x, i)[1] = is_active ? points_num(x, i)[1] : 0.5;
    }
}

START_TEST(a_term_counts_where_both_points_have_it)
{
    static const double want[9] = {0.8889947392755291, 0.4658191912673744, 0.2517263840327945,
                                   0.3881669796077608, 0.8022230099969245, 0.4276513044302595,
                                   0.3397802832529669, 0.5053721524311359, 0.5148175579119603};
    OWN(points) struct points x = {0};
    OWN(points) struct points moved = {0};
    double K[9], T[9], again[9];

    fill(&x);
    make_branches(&x);
    additive_block(&x, -.9, K, T);
    fill(&moved);
    make_branches(&moved);
    points_num(&moved, 0)[1] = .123; /* where an inactive number stands does not matter */
    additive_block(&moved, -.9, again, T);
    for (size_t i = 0; i < 9; i++) {
        NEAR(K[i], want[i], 1e-13);
        ck_assert_double_eq(K[i], again[i]);
    }
}
END_TEST

/* The variance is 1 in every branch: two equal points. */
START_TEST(every_branch_has_the_same_variance)
{
    OWN(points) struct points x = {0};
    double K[9], T[9];

    fill(&x);
    make_branches(&x);
    for (size_t i = 0; i < 3; i++) {
        points_copy(&x, 3 + i, &x, i);
    }
    additive_block(&x, -.9, K, T);
    for (size_t i = 0; i < 3; i++) {
        NEAR(K[4 * i], 1.0, 1e-14);
        NEAR(T[4 * i], 0.0, 1e-14);
    }
}
END_TEST

/* The shortest length has the largest exponentials. */
START_TEST(the_shortest_length_is_exact)
{
    static const double lengths[] = {.01, .03, .3, 3};
    OWN(points) struct points x = {0};
    double K[9], T[9];

    fill(&x);
    points_num(&x, 0)[0] = -1.0; /* outside, as far as encoding.h lets them */
    points_num(&x, 3)[1] = 2.0;
    additive_block(&x, log(lengths[_i]), K, T);
    for (size_t i = 0; i < 9; i++) {
        double sum = 0.0;
        for (size_t k = 0; k < N_NUM + 1; k++) {
            double d = k < N_NUM ? fabs(points_num(&x, i % 3)[k] - points_num(&x, 3 + i / 3)[k])
                                 : categories[i % 3] != categories[3 + i / 3];
            double r = sqrt(5) * d / lengths[_i];
            sum += (1 + r + r * r / 3) * exp(-r) / (N_NUM + 1);
        }
        NEAR(K[i], sum, 1e-12);
    }
}
END_TEST

START_TEST(likelihood_has_its_values)
{
    static const double want[] = {0.06865706835938272,  0.006907874623947781, 0.05624749034730906,
                                  0.17147178590855758,  -1.3220343257847784,  -0.19658698777099323,
                                  0.031155605658102676, 0.5511971518685025};
    OWN(points) struct points x = {0};
    OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
    double log_p, gradient[8];

    fill(&x);
    ck_assert_uint_eq(gp_n_theta(&x), 8);
    ck_assert_int_eq(marginal_likelihood_create(&x, y, NULL, GP_MEAN_POLYNOMIAL, &likelihood, NULL),
                     0);
    ck_assert_int_eq(marginal_likelihood_log(likelihood, theta, &log_p, gradient, NULL), 0);
    NEAR(log_p, -6.775111421027816, 1e-12);
    for (size_t i = 0; i < 8; i++) {
        NEAR(gradient[i], want[i], 1e-9);
    }
}
END_TEST

START_TEST(posterior_has_its_values)
{
    static const double of_mean[] = {1.1306018858341926, 1.6289036954892169, -0.9045901357938081};
    static const double of_var[] = {-0.9364045631834645, 0.446673121503686, -0.9641338549500889};
    static const double one = 1.0, none = 0.0;
    OWN(points) struct points x = {0};
    OWN(points) struct points q = {0};
    OWN(gp) struct gp *gp = NULL;
    OWN(gp_batch) struct gp_batch *batch = NULL;
    double gradient[N_NUM];

    fill(&x);
    ck_assert_int_eq(points_init(&q, N_NUM, 1, 1, NULL), 0);
    q.n = 1;
    q.num[0] = .5;
    q.num[1] = .5;
    q.num[2] = .2;
    q.cat[0] = 1;
    ck_assert_int_eq(
        gp_create(
            &(struct gp_data){
                .x = &x, .y = y, .theta = theta, .mean = GP_MEAN_POLYNOMIAL, .n_fantasies = 1},
            &gp, NULL),
        0);
    ck_assert_int_eq(gp_batch_create(gp, 1, true, &batch, NULL), 0);
    gp_predict(gp, batch, &q);
    NEAR(batch->mean[0], 0.06746732283892017, 1e-12);
    NEAR(batch->var[0], 0.32989060638362977, 1e-12);
    gp_gradient(gp, batch, &q, &one, &none, gradient);
    for (size_t k = 0; k < N_NUM; k++) {
        NEAR(gradient[k], of_mean[k], 1e-9);
    }
    gp_predict(gp, batch, &q);
    gp_gradient(gp, batch, &q, &none, &one, gradient);
    for (size_t k = 0; k < N_NUM; k++) {
        NEAR(gradient[k], of_var[k], 1e-9);
    }
}
END_TEST

/* A sum of functions of one number each, seen on two lines of the square only, is known in all of
 * it with the additive part, and is not without. */
START_TEST(a_sum_is_known_where_nothing_was_seen)
{
    OWN(points) struct points x = {0};
    OWN(points) struct points q = {0};
    double value[22], sum_theta[] = {-1, -1, 0, -14, 5, -1};

    ck_assert_int_eq(points_init(&x, 2, 0, 22, NULL), 0);
    ck_assert_int_eq(points_init(&q, 2, 0, 1, NULL), 0);
    x.n = 22;
    q.n = 1;
    for (size_t i = 0; i < 22; i++) {
        double t = (double)(i % 11) / 10;
        points_num(&x, i)[0] = i < 11 ? t : 0;
        points_num(&x, i)[1] = i < 11 ? 0 : t;
        value[i] = sin(6 * points_num(&x, i)[0]) + cos(5 * points_num(&x, i)[1]) - 1;
    }
    q.num[0] = .83;
    q.num[1] = .71;
    double want = sin(6 * .83) + cos(5 * .71) - 1;
    for (int additive = 0; additive < 2; additive++) {
        OWN(gp) struct gp *gp = NULL;
        OWN(gp_batch) struct gp_batch *batch = NULL;
        sum_theta[4] = additive ? 5 : -(double)INFINITY;
        ck_assert_int_eq(
            gp_create(&(struct gp_data){.x = &x, .y = value, .theta = sum_theta, .n_fantasies = 1},
                      &gp, NULL),
            0);
        ck_assert_int_eq(gp_batch_create(gp, 1, false, &batch, NULL), 0);
        gp_predict(gp, batch, &q);
        ck_assert((fabs(batch->mean[0] - want) < .05) == (additive == 1));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("additive");
    TCase *tcase = tcase_create("additive");

    tcase_add_test(tcase, covariance_has_its_values);
    tcase_add_test(tcase, a_term_counts_where_both_points_have_it);
    tcase_add_test(tcase, every_branch_has_the_same_variance);
    tcase_add_loop_test(tcase, the_shortest_length_is_exact, 0, 4);
    tcase_add_test(tcase, likelihood_has_its_values);
    tcase_add_test(tcase, posterior_has_its_values);
    tcase_add_test(tcase, a_sum_is_known_where_nothing_was_seen);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
