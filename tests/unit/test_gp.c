/* Values from an independent computation in double precision. */
#include "server/model/gp.h"

#include <check.h>
#include <math.h>

#include "common/rng.h"
#include "server/model/expected_improvement.h"
#include "server/model/feasibility.h"
#include "server/model/linalg.h"
#include "server/model/marginal_likelihood.h"
#include "tests/support/run_suite.h"

#define NEAR(got, want, tol)                                                                       \
    do {                                                                                           \
        double got_ = (got);                                                                       \
        double want_ = (want);                                                                     \
        ck_assert_msg(fabs(got_ - want_) <= (tol)*fmax(fabs(want_), 1e-3),                         \
                      "%s = %.15g, not %.15g", #got, got_, want_);                                 \
    } while (0)

static const double toy_x[] = {.1, .4, .9, .65, .55};
static const double toy_y[] = {.5, -1, .8};

/* Without additive part: the last two do nothing. */
#define NO_ADDITIVE_PART -(double)INFINITY, 0

static void toy_theta(double theta[5])
{
    theta[0] = log(.3);
    theta[1] = 0.0;
    theta[2] = log(1e-4);
    theta[3] = -(double)INFINITY;
    theta[4] = 0.0;
}

static void toy_points(struct points *points, size_t n)
{
    ck_assert_int_eq(points_init(points, 1, 0, 8, NULL), 0);
    points->n = n;
    for (size_t i = 0; i < n; i++) {
        points->num[i] = toy_x[i];
    }
}

static void query(struct points *points, size_t n, const double x[])
{
    ck_assert_int_eq(points_init(points, 1, 0, n, NULL), 0);
    points->n = n;
    for (size_t i = 0; i < n; i++) {
        points->num[i] = x[i];
    }
}

/* M52 at distance r, and its derivative by r², through the covariance of two points. */
static double matern52(double r, double *slope)
{
    const double w = r * r;
    struct kernel kernel = {.n_num = 1, .w_num = &w};
    OWN(points) struct points x = {0};
    OWN(points) struct points y = {0};
    double Zx, Zy, nx, ny, K;

    query(&x, 1, (double[]){0});
    query(&y, 1, (double[]){1});
    kernel_scale(&kernel, &x, &Zx, &nx);
    kernel_scale(&kernel, &y, &Zy, &ny);
    kernel_cross(&kernel, &(struct scaled_points){&x, &Zx, &nx},
                 &(struct scaled_points){&y, &Zy, &ny}, &K, slope, 1);
    return K;
}

START_TEST(matern_has_its_values)
{
    static const double at[][2] = {{.1, .9917592361711776},
                                   {.5, .8286491424181255},
                                   {1, .5239941088318203},
                                   {2, .1386602191385043},
                                   {5, .0007509337888737546}};
    double slope;

    for (size_t i = 0; i < 5; i++) {
        NEAR(matern52(at[i][0], &slope), at[i][1], 1e-12);
    }
    NEAR(matern52(0, &slope), 1, 1e-13);
    NEAR(slope, -.8333333333333334, 1e-13);
    (void)matern52(1, &slope);
    NEAR(slope, -.2882201939426478, 1e-13);
}
END_TEST

/* k between two points of two numbers and one category. */
static double covariance(const double w[3], const double a[2], int32_t ca, const double b[2],
                         int32_t cb)
{
    OWN(points) struct points x = {0};
    OWN(points) struct points y = {0};
    struct kernel kernel = {.n_num = 2, .n_cat = 1, .w_num = w, .w_cat = w + 2};
    double Za[2], Zb[2], na, nb, K;

    ck_assert_int_eq(points_init(&x, 2, 1, 1, NULL), 0);
    ck_assert_int_eq(points_init(&y, 2, 1, 1, NULL), 0);
    x.n = y.n = 1;
    for (size_t i = 0; i < 2; i++) {
        x.num[i] = a[i];
        y.num[i] = b[i];
    }
    x.cat[0] = ca;
    y.cat[0] = cb;
    kernel_scale(&kernel, &x, Za, &na);
    kernel_scale(&kernel, &y, Zb, &nb);
    kernel_cross(&kernel, &(struct scaled_points){&x, Za, &na},
                 &(struct scaled_points){&y, Zb, &nb}, &K, NULL, 1);
    return K;
}

START_TEST(numbers_and_categories_share_one_distance)
{
    const double mixed[] = {1 / .25, 1, 1 / .81};
    const double a[] = {.3, .1};
    const double b[] = {0, 0};
    const double conditional[] = {4, 1, 1.5};
    const double at_2[] = {.2, 0};
    const double at_7[] = {.7, 0};
    const double inactive[] = {.5, 0};

    NEAR(covariance(mixed, a, 0, b, 1), .383037288787976, 1e-12);
    NEAR(covariance(conditional, at_2, 0, inactive, 1), .338735705686632, 1e-12);
    NEAR(covariance(conditional, at_2, 0, at_7, 0), .523994108831820, 1e-12);
}
END_TEST

START_TEST(likelihood_and_gradient_of_the_toy)
{
    OWN(points) struct points x = {0};
    OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
    double theta[5], gradient[5], log_p, mean[3], var[3];

    toy_points(&x, 3);
    toy_theta(theta);
    ck_assert_int_eq(marginal_likelihood_create(&x, toy_y, NULL, GP_MEAN_ZERO, &likelihood, NULL),
                     0);
    ck_assert_int_eq(marginal_likelihood_log(likelihood, theta, &log_p, gradient, NULL), 0);
    NEAR(log_p, -4.4587944022594, 1e-13);
    NEAR(gradient[0], -2.16531632798, 1e-11);
    NEAR(gradient[1], .391628943533, 1e-11);
    NEAR(gradient[2], .000205733125, 1e-8);
    ck_assert_int_eq(marginal_likelihood_leave_one_out(likelihood, theta, mean, var, NULL), 0);
    NEAR(mean[0], -.599093616332, 1e-11);
    NEAR(mean[1], .417363902623, 1e-11);
    NEAR(mean[2], -.323404267976, 1e-11);
    NEAR(var[0], .720455925952, 1e-11);
    NEAR(var[1], .685527486671, 1e-11);
    NEAR(var[2], .942709629775, 1e-11);
}
END_TEST

START_TEST(posterior_of_the_toy)
{
    static const double at[] = {.2, .65, .4, 0, .55};
    static const double means[] = {-.00824192337162463, -.275677839210618, -.999793244774253,
                                   .702460096470391};
    static const double vars[] = {.0751923979773245, .346805705996062, 9.9985412692738e-05,
                                  .137844823584057};
    OWN(points) struct points x = {0};
    OWN(points) struct points q = {0};
    OWN(gp) struct gp *gp = NULL;
    OWN(gp_batch) struct gp_batch *batch = NULL;
    double theta[5], value;

    toy_points(&x, 3);
    toy_theta(theta);
    query(&q, 5, at);
    ck_assert_int_eq(
        gp_create(&(struct gp_data){&x, 0, toy_y, NULL, theta, GP_MEAN_ZERO, 1, NULL}, &gp, NULL),
        0);
    ck_assert_int_eq(gp_batch_create(gp, 5, false, &batch, NULL), 0);
    gp_predict(gp, batch, &q);
    for (size_t i = 0; i < 4; i++) {
        NEAR(batch->mean[i], means[i], 1e-11);
        NEAR(batch->var[i], vars[i], 1e-9);
    }
    NEAR(gp->L[0], 1.00004999875, 1e-11);
    NEAR(gp->L[1], .523967911091, 1e-11);
    NEAR(gp->L[gp->ld + 1], .851796705879, 1e-11);
    NEAR(gp->L[2 * gp->ld + 2], .970932350772, 1e-11);
    NEAR(gp->A[0], 1.525552884972, 1e-11);
    NEAR(gp->A[1], -2.067552257469, 1e-11);
    NEAR(gp->A[2], 1.191675816703, 1e-11);
    NEAR(gp->mean_observed[1], -.999793244774253, 1e-11);
    double best = -1;
    log_ei_batch(gp, batch, &best, batch->norm, NULL, NULL);
    value = batch->norm[1];
    NEAR(value, -3.47184235256, 1e-11);
    NEAR(batch->norm[4], -2.35689065032, 1e-11);
}
END_TEST

START_TEST(a_pending_point_is_a_row_appended)
{
    static const double at[] = {.2, .6};
    OWN(points) struct points x = {0};
    OWN(points) struct points q = {0};
    OWN(gp) struct gp *gp = NULL;
    OWN(gp) struct gp *believer = NULL;
    OWN(gp_batch) struct gp_batch *before = NULL;
    OWN(gp_batch) struct gp_batch *after = NULL;
    double theta[5];

    toy_points(&x, 3);
    toy_theta(theta);
    query(&q, 2, at);
    ck_assert_int_eq(
        gp_create(&(struct gp_data){&x, 0, toy_y, NULL, theta, GP_MEAN_ZERO, 1, NULL}, &gp, NULL),
        0);
    ck_assert_int_eq(gp_batch_create(gp, 2, false, &before, NULL), 0);
    gp_predict(gp, before, &q);
    x.num[3] = .65;
    x.n = 4;
    ck_assert_int_eq(gp_create(&(struct gp_data){&x, 1, toy_y, NULL, theta, GP_MEAN_ZERO, 1, NULL},
                               &believer, NULL),
                     0);
    NEAR(believer->L[3], .177436618968, 1e-11);
    NEAR(believer->L[believer->ld + 3], .623198840034, 1e-11);
    NEAR(believer->L[2 * believer->ld + 3], .483046318724, 1e-11);
    NEAR(believer->L[3 * believer->ld + 3], .588987016831, 1e-11);
    ck_assert_int_eq(gp_batch_create(believer, 2, false, &after, NULL), 0);
    gp_predict(believer, after, &q);
    NEAR(after->mean[0], before->mean[0], 1e-10);
    NEAR(after->mean[1], before->mean[1], 1e-10);
    NEAR(sqrt(before->var[0]), .274212322804, 1e-11);
    NEAR(sqrt(after->var[0]), .26291638266, 1e-10);
    NEAR(sqrt(before->var[1]), .55720126225, 1e-11);
    NEAR(sqrt(after->var[1]), .125704588423, 1e-10);
}
END_TEST

/* ln EI of one normal prediction. */
static double log_ei(double mean, double sd, double best)
{
    return log(sd) + log_h((best - mean) / sd);
}

START_TEST(fantasies_share_a_variance_and_have_their_own_incumbents)
{
    static const double at[] = {.55, .3};
    static const double eps[] = {1, -1};
    OWN(points) struct points x = {0};
    OWN(points) struct points q = {0};
    OWN(gp) struct gp *gp = NULL;
    OWN(gp_batch) struct gp_batch *batch = NULL;
    double theta[5], best[2], value[2];

    toy_points(&x, 4);
    toy_theta(theta);
    query(&q, 2, at);
    ck_assert_int_eq(
        gp_create(&(struct gp_data){&x, 1, toy_y, NULL, theta, GP_MEAN_ZERO, 2, eps}, &gp, NULL),
        0);
    NEAR(gp->y_pending[0], .313309177621, 1e-11);
    NEAR(gp->y_pending[1], -.864664856042, 1e-11);
    ck_assert_int_eq(gp_batch_create(gp, 2, false, &batch, NULL), 0);
    gp_predict(gp, batch, &q);
    fantasy_incumbents(gp, -1, best);
    log_ei_batch(gp, batch, best, value, NULL, NULL);
    NEAR(batch->mean[0], -.336133067926, 1e-10);
    NEAR(batch->mean[1], -1.19512255425, 1e-10);
    NEAR(sqrt(batch->var[0]), .201496162241, 1e-10);
    NEAR(exp(log_ei(batch->mean[0], sqrt(batch->var[0]), -1)), 2.61666543567e-05, 1e-9);
    NEAR(value[0], -2.23974023923, 1e-10);
    NEAR(value[1], -4.62055227556, 1e-10);
}
END_TEST

static const struct {
    double z, log_h;
} tails[] = {
    {3, 1.0987396653277078},      {1, .08002621884930694},      {0, -.91893853320467274},
    {-.5, -1.6205162643873199},   {-1, -2.4851210257126413},    {-2, -4.7687835239171142},
    {-5, -16.74430116266099},     {-10, -55.553122036122356},   {-20, -206.9178385094251},
    {-25.1, -322.37440987246407}, {-38, -730.19618340211374},   {-50, -1258.7441828684609},
    {-100, -5010.1295788002498},  {-1000, -500014.73445209116}, {-1e6, -500000000028.54996}};

START_TEST(log_h_is_exact_into_the_tails)
{
    NEAR(log_h(tails[_i].z), tails[_i].log_h, 2e-14);
}
END_TEST

START_TEST(slopes_of_log_h)
{
    static const double at[][2] = {{0, 1.2533141373155},
                                   {-1, 1.904271233329692},
                                   {-5, 5.361816241288089},
                                   {-30, 30.06644615416242}};
    double phi, Phi;

    for (size_t i = 0; i < 4; i++) {
        log_h_slopes(at[i][0], &phi, &Phi);
        NEAR(Phi, at[i][1], 1e-12);
        NEAR(phi + at[i][0] * Phi, 1.0, 1e-11); /* h/h */
    }
}
END_TEST

START_TEST(expected_improvement_has_its_values)
{
    /* published for maximisation; the sign is reversed here */
    NEAR(exp(log_ei(-.5, .2, -.7)), .01666309411753726, 1e-13);
    NEAR(log_ei(-.5, .2, -.7), -4.0945589381467417, 1e-13);
    NEAR(exp(log_ei(-1, .5, -.7)), .3843363661208777, 1e-13);
    NEAR(log_ei(3, .1, -.7), -694.94554525626445, 1e-13);
    NEAR(log_normal_distribution(-40), -804.608442013754, 1e-13);
}
END_TEST

START_TEST(augmentation_has_its_values)
{
    double slope, none;
    const double h = 1e-7;

    NEAR(log_augmentation(.09, .01, &slope), log(1 - sqrt(.1)), 1e-14);
    NEAR(slope,
         (log_augmentation(.09 + h, .01, &none) - log_augmentation(.09 - h, .01, &none)) / (2 * h),
         1e-6);
    ck_assert(log_augmentation(1, 1e-6, &slope) > -.0011); /* hardly reduced */
    ck_assert(log_augmentation(1e-12, .01, &slope) < -20);
    ck_assert(isfinite(slope));
}
END_TEST

/* Ten points of three numbers and two categories, from a small generator of their own. */
static void mixed_points(struct points *x, size_t n, double y[])
{
    struct rng rng = rng_for(5, 1);

    ck_assert_int_eq(points_init(x, 3, 2, n, NULL), 0);
    x->n = n;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < 3; k++) {
            points_num(x, i)[k] = rng_uniform(&rng);
        }
        points_cat(x, i)[0] = (int32_t)rng_below(&rng, 3);
        points_cat(x, i)[1] = (int32_t)rng_below(&rng, 2);
        y[i] = sin(5 * points_num(x, i)[0]) + points_cat(x, i)[1] + .1 * rng_normal(&rng);
    }
}

static const enum gp_mean means[] = {GP_MEAN_CONSTANT, GP_MEAN_POLYNOMIAL};
static const double shares[] = {-(double)INFINITY, .7, 4}; /* the logits of 0, 2/3 and almost 1 */

START_TEST(likelihood_gradient_agrees_with_differences)
{
    OWN(points) struct points x = {0};
    OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
    double y[10], gradient[9], up, down, none[9];
    double theta[] = {-.5, .2, .4, -.1, .3, .1, -3, shares[_i / 2], -.6};
    const double h = 1e-5;

    mixed_points(&x, 10, y);
    ck_assert_int_eq(marginal_likelihood_create(&x, y, NULL, means[_i % 2], &likelihood, NULL), 0);
    ck_assert_int_eq(marginal_likelihood_log(likelihood, theta, &up, gradient, NULL), 0);
    for (size_t i = 0; i < (isinf(theta[7]) ? 7 : 9); i++) {
        double at = theta[i];
        theta[i] = at + h;
        ck_assert_int_eq(marginal_likelihood_log(likelihood, theta, &up, none, NULL), 0);
        theta[i] = at - h;
        ck_assert_int_eq(marginal_likelihood_log(likelihood, theta, &down, NULL, NULL), 0);
        theta[i] = at;
        NEAR(gradient[i], (up - down) / (2 * h), 1e-6);
    }
}
END_TEST

START_TEST(acquisition_gradient_agrees_with_differences)
{
    OWN(points) struct points x = {0};
    OWN(points) struct points q = {0};
    OWN(gp) struct gp *gp = NULL;
    OWN(gp_batch) struct gp_batch *batch = NULL;
    const double theta[] = {-.5, .2, .4, -.1, .3, .1, -3, shares[_i / 4], -.6};
    const double eps[] = {.3, -.2, 1.1, -.9, .4, .6};
    double y[34], best[3], value[2], a[6], b[2], gradient[6], up[2], down[2];
    const double h = 1e-5;

    mixed_points(&x, _i % 2 == 0 ? 12 : 34, y); /* without and with augmentation */
    ck_assert_int_eq(
        gp_create(&(struct gp_data){&x, 2, y, NULL, theta, means[_i / 2 % 2], 3, eps}, &gp, NULL),
        0);
    ck_assert_int_eq(gp_batch_create(gp, 2, true, &batch, NULL), 0);
    ck_assert_int_eq(points_init(&q, 3, 2, 2, NULL), 0);
    q.n = 2;
    for (size_t k = 0; k < 6; k++) {
        q.num[k] = .15 * (double)k + .1;
    }
    q.cat[0] = 1;
    fantasy_incumbents(gp, -.8, best);
    gp_predict(gp, batch, &q);
    log_ei_batch(gp, batch, best, value, a, b);
    gp_gradient(gp, batch, &q, a, b, gradient);
    for (size_t k = 0; k < 6; k++) {
        double at = q.num[k];
        q.num[k] = at + h;
        gp_predict(gp, batch, &q);
        log_ei_batch(gp, batch, best, up, NULL, NULL);
        q.num[k] = at - h;
        gp_predict(gp, batch, &q);
        log_ei_batch(gp, batch, best, down, NULL, NULL);
        q.num[k] = at;
        NEAR(gradient[k], (up[k / 3] - down[k / 3]) / (2 * h), 1e-6);
    }
}
END_TEST

START_TEST(jitter_grows_until_it_factors)
{
    const double scale = 1.0;
    double scratch[4];
    double A[] = {1, 1, 1, 1};
    double bad[] = {1, 2, 2, 1};
    double nan_matrix[] = {NAN};
    struct err err = {0};

    ck_assert_int_eq(linalg_append(0, 2, A, 2, scale, scratch, &err), 0);
    ck_assert(A[3] > 0 && A[3] < 1e-3); /* the square root of the jitter */
    ck_assert_int_eq(linalg_append(0, 2, bad, 2, scale, scratch, &err), -1);
    ck_assert_int_eq(err.code, ERR_NUMERIC);
    ck_assert_int_eq(linalg_append(0, 1, nan_matrix, 1, scale, scratch, &err), -1);
}
END_TEST

START_TEST(extra_noise_loosens_single_values)
{
    OWN(points) struct points x = {0};
    OWN(points) struct points q = {0};
    OWN(gp) struct gp *gp = NULL;
    OWN(gp_batch) struct gp_batch *batch = NULL;
    const double extra[] = {0, 1, 0};
    const double even[] = {.05, .05, .05};
    double theta[5], before, after;

    toy_points(&x, 3);
    toy_theta(theta);
    query(&q, 1, toy_x + 1);
    ck_assert_int_eq(
        gp_create(&(struct gp_data){&x, 0, toy_y, extra, theta, GP_MEAN_ZERO, 1, NULL}, &gp, NULL),
        0);
    ck_assert_int_eq(gp_batch_create(gp, 1, false, &batch, NULL), 0);
    gp_predict(gp, batch, &q);
    ck_assert(batch->mean[0] > -.7 && batch->var[0] > .2);
    NEAR(gp->mean_observed[1], batch->mean[0], 1e-10);
    /* the same extra for all is only a greater σ_n² */
    OWN(marginal_likelihood) struct marginal_likelihood *a = NULL;
    OWN(marginal_likelihood) struct marginal_likelihood *b = NULL;
    ck_assert_int_eq(marginal_likelihood_create(&x, toy_y, even, GP_MEAN_ZERO, &a, NULL), 0);
    ck_assert_int_eq(marginal_likelihood_create(&x, toy_y, NULL, GP_MEAN_ZERO, &b, NULL), 0);
    ck_assert_int_eq(marginal_likelihood_log(a, theta, &before, NULL, NULL), 0);
    theta[2] = log(exp(theta[2]) + .05);
    ck_assert_int_eq(marginal_likelihood_log(b, theta, &after, NULL, NULL), 0);
    NEAR(before, after, 1e-12);
}
END_TEST

/* With nothing but the polynomial left of the covariance, a parabola is known from four results. */
START_TEST(a_polynomial_mean_extends_beyond_the_results)
{
    OWN(points) struct points x = {0};
    OWN(points) struct points q = {0};
    OWN(gp) struct gp *gp = NULL;
    OWN(gp_batch) struct gp_batch *batch = NULL;
    const double at[] = {.05, .3, .55, .7};
    const double beyond[] = {.5, 1.0};
    const double theta[] = {log(.05), log(1e-9), log(1e-9), NO_ADDITIVE_PART};
    double y[4];

    ck_assert_int_eq(points_init(&x, 1, 0, 4, NULL), 0);
    x.n = 4;
    for (size_t i = 0; i < 4; i++) {
        x.num[i] = at[i];
        y[i] = .2 + (at[i] - .8) * (at[i] - .8);
    }
    query(&q, 2, beyond);
    ck_assert_int_eq(
        gp_create(&(struct gp_data){&x, 0, y, NULL, theta, GP_MEAN_POLYNOMIAL, 1, NULL}, &gp, NULL),
        0);
    ck_assert_int_eq(gp_batch_create(gp, 2, false, &batch, NULL), 0);
    gp_predict(gp, batch, &q);
    NEAR(batch->mean[0], .29, 1e-5);
    NEAR(batch->mean[1], .24, 1e-5);
    ck_assert(batch->var[0] < batch->var[1] && batch->var[1] < 1e-6);
}
END_TEST

START_TEST(duplicate_points_without_noise_still_factor)
{
    OWN(points) struct points x = {0};
    OWN(gp) struct gp *gp = NULL;
    const double y[] = {1, 1, 1};
    const double theta[] = {0, 0, -60, NO_ADDITIVE_PART};

    ck_assert_int_eq(points_init(&x, 1, 0, 3, NULL), 0);
    x.n = 3;
    ck_assert_int_eq(
        gp_create(&(struct gp_data){&x, 0, y, NULL, theta, GP_MEAN_CONSTANT, 1, NULL}, &gp, NULL),
        0);
    NEAR(gp->mean, 1.0, 1e-6);
}
END_TEST

/* The first n of many points in a mixed space, the last p of them pending. */
static struct gp *posterior(struct points *x, size_t n, size_t p, const double y[])
{
    static const double theta[] = {-1, -.5, .3, .2, .4, -7, .5, -.8};
    struct gp *gp = NULL;
    double eps[8];

    for (size_t i = 0; i < 8; i++) {
        eps[i] = (double)i - 3.5;
    }
    x->n = n;
    ck_assert_int_eq(
        gp_create(&(struct gp_data){x, p, y, NULL, theta, GP_MEAN_CONSTANT, 2, eps}, &gp, NULL), 0);
    return gp;
}

static void same_digits(const struct gp *a, const struct gp *b)
{
    size_t all = a->n + a->p;

    for (size_t j = 0; j < all; j++) {
        ck_assert_mem_eq(a->L + j * a->ld + j, b->L + j * b->ld + j, (all - j) * sizeof(double));
    }
    ck_assert_mem_eq(a->A, b->A, all * a->n_fantasies * sizeof(double));
    ck_assert_mem_eq(a->mean_observed, b->mean_observed, a->n * sizeof(double));
}

/* Four models that nothing else shares take all places of the cache. */
static void empty_cache(void)
{
    static const double y[] = {1, 2, 3};
    OWN(points) struct points x = {0};
    struct gp *models[4];

    toy_points(&x, 3);
    for (int i = 0; i < 4; i++) {
        const double theta[] = {.1 * i, 0, 0, NO_ADDITIVE_PART};
        const struct gp_data data = {.x = &x, .y = y, .theta = theta, .n_fantasies = 1};
        ck_assert_int_eq(gp_create(&data, &models[i], NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        gp_destroy(models[i]);
    }
}

START_TEST(the_cache_changes_no_digit)
{
    enum { N = 260 };
    static const size_t pending[] = {0, 0, 3, 0, 1, 0};
    OWN(points) struct points x = {0};
    struct rng rng = rng_for(5, 1);
    double y[N];

    ck_assert_int_eq(points_init(&x, 3, 1, N, NULL), 0);
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < 3; k++) {
            x.num[3 * i + k] = rng_uniform(&rng);
        }
        x.cat[i] = (int32_t)rng_below(&rng, 3);
        y[i] = rng_normal(&rng);
    }
    for (size_t n = 5, step = 0; n <= N; n += 17, step++) {
        size_t p = pending[step % 6];
        if (step == 9) { /* a result came that stands in the middle */
            x.num[3 * 70] = .123;
        }
        OWN(gp) struct gp *grown = posterior(&x, n, p, y);
        OWN(gp) struct gp *beside = posterior(&x, n, p, y); /* another study at the same time */
        same_digits(grown, beside);
        gp_destroy(grown);
        grown = NULL;
        empty_cache();
        OWN(gp) struct gp *anew = posterior(&x, n, p, y);
        same_digits(anew, beside);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gp");
    TCase *tcase = tcase_create("gp");

    tcase_add_test(tcase, the_cache_changes_no_digit);
    tcase_add_test(tcase, matern_has_its_values);
    tcase_add_test(tcase, numbers_and_categories_share_one_distance);
    tcase_add_test(tcase, likelihood_and_gradient_of_the_toy);
    tcase_add_test(tcase, posterior_of_the_toy);
    tcase_add_test(tcase, a_pending_point_is_a_row_appended);
    tcase_add_test(tcase, fantasies_share_a_variance_and_have_their_own_incumbents);
    tcase_add_loop_test(tcase, log_h_is_exact_into_the_tails, 0,
                        (int)(sizeof tails / sizeof tails[0]));
    tcase_add_test(tcase, slopes_of_log_h);
    tcase_add_test(tcase, expected_improvement_has_its_values);
    tcase_add_test(tcase, augmentation_has_its_values);
    tcase_add_loop_test(tcase, likelihood_gradient_agrees_with_differences, 0, 6);
    tcase_add_loop_test(tcase, acquisition_gradient_agrees_with_differences, 0, 12);
    tcase_add_test(tcase, jitter_grows_until_it_factors);
    tcase_add_test(tcase, extra_noise_loosens_single_values);
    tcase_add_test(tcase, a_polynomial_mean_extends_beyond_the_results);
    tcase_add_test(tcase, duplicate_points_without_noise_still_factor);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
