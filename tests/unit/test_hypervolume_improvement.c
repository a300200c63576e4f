/* The vectors: the integral of Π Φ((t − μ)/σ) over the region that the front does not dominate,
 * cell by cell of the grid that its coordinates span, each integral by quadrature with 40 digits
 * (mpmath 1.3): neither the boxes nor ψ have a part in it. */
#include "server/model/hypervolume_improvement.h"

#include <check.h>
#include <math.h>
#include <string.h>

#include "common/rng.h"
#include "server/model/expected_improvement.h"
#include "server/model/hypervolume.h"
#include "tests/support/run_suite.h"

enum { FRONT = 12, SCRATCH = 512 };

#define NEAR(got, want, tol)                                                                       \
    do {                                                                                           \
        double got_ = (got);                                                                       \
        double want_ = (want);                                                                     \
        ck_assert_msg(fabs(got_ - want_) <= (tol)*fmax(fabs(want_), 1.0), "%s = %.15g, not %.15g", \
                      #got, got_, want_);                                                          \
    } while (0)

/* The fronts; the last point of the second is dominated. */
static const double one[] = {-.4};
static const double two[] = {-1.2, .9, -.5, .1, -.1, -.3, .6, -1.1, -.5, .4};
static const double three[] = {-1, .4, .2, .1, -.9, .3, .2, .3, -1.1, -.4, -.3, .1, .5, .5, .5};
static const double four[] = {-1, .4, .2,   .1, .1,  -.9, .3, -.2,
                              .2, .3, -1.1, .4, -.4, -.3, .1, -.8};

static const struct {
    size_t m, n;
    const double *front;
    double reference[4], mean[4], sd[4];
    double log_gain, p_nondominated;
} vectors[] = {
    {1, 1, one, {1}, {-.2}, {.3}, -3.09365619496576508, .252492537546923},
    {1, 1, one, {1}, {3}, {.1}, -588.27683201815031, 1.11389878557438e-253},
    {2, 5, two, {1, 1.2}, {-.6, -.2}, {.4, .5}, -.766396375115023763, .849633556460459},
    {2, 5, two, {1, 1.2}, {.3, .3}, {.1, .2}, -10.6824527217323649, .00135305786290489},
    {2, 5, two, {1, 1.2}, {2, 2}, {.05, .06}, -1148.33213731486156, 0},
    {2, 5, two, {1, 1.2}, {-2, -1.5}, {.2, .1}, 1.70110523134784338, 1},
    {2, 5, two, {1, 1.2}, {.1, .1}, {.001, 2}, -.816823699998002593, .420740290560897},
    {2, 5, two, {.5, .5}, {-.6, -.2}, {.4, .5}, -1.01993353613305067, .808116852132716},
    {3,
     5,
     three,
     {1, 1, 1.1},
     {-.2, -.2, -.2},
     {.4, .5, .3},
     -.832035072364397992,
     .901607485009313},
    {3,
     5,
     three,
     {1, 1, 1.1},
     {.6, .6, .7},
     {.1, .2, .15},
     -19.7978379281996582,
     2.12962061290909e-6},
    {3, 5, three, {1, 1, 1.1}, {3, 3, 3}, {.2, .1, .1}, -607.366332718399058, 0},
    {4,
     4,
     four,
     {1, 1, 1, 1.2},
     {-.2, -.2, -.2, 0},
     {.4, .5, .3, .6},
     -.446006041407605026,
     .90457524958503},
    {4,
     4,
     four,
     {1, 1, 1, 1.2},
     {.6, .6, .7, .5},
     {.1, .2, .15, .1},
     -19.566404081060194,
     6.70413124343215e-6},
};
enum { VECTORS = sizeof vectors / sizeof vectors[0] };

static double log_gain(const struct nondominated_boxes *boxes, const double mean[],
                       const double sd[])
{
    double scratch[SCRATCH];

    ck_assert(hypervolume_improvement_scratch(boxes) <= SCRATCH);
    return log_hypervolume_improvement(boxes, mean, sd, NULL, NULL, scratch);
}

START_TEST(improvements_have_their_values)
{
    OWN(nondominated_boxes) struct nondominated_boxes boxes = {0};
    double scratch[SCRATCH];

    ck_assert_int_eq(nondominated_boxes_init(&boxes, vectors[_i].n, vectors[_i].m,
                                             vectors[_i].front, vectors[_i].reference, NULL),
                     0);
    NEAR(log_gain(&boxes, vectors[_i].mean, vectors[_i].sd), vectors[_i].log_gain, 1e-12);
    NEAR(nondominated_probability(&boxes, vectors[_i].mean, vectors[_i].sd, scratch),
         vectors[_i].p_nondominated, 1e-12);
}
END_TEST

START_TEST(slopes_agree_with_differences)
{
    OWN(nondominated_boxes) struct nondominated_boxes boxes = {0};
    const double h = 1e-5;
    double mean[4], sd[4], d_mean[4], d_var[4], scratch[SCRATCH];

    memcpy(mean, vectors[_i].mean, sizeof mean);
    memcpy(sd, vectors[_i].sd, sizeof sd);
    ck_assert_int_eq(nondominated_boxes_init(&boxes, vectors[_i].n, vectors[_i].m,
                                             vectors[_i].front, vectors[_i].reference, NULL),
                     0);
    (void)log_hypervolume_improvement(&boxes, mean, sd, d_mean, d_var, scratch);
    for (size_t k = 0; k < vectors[_i].m; k++) {
        double step = h * sd[k];
        double at = mean[k];
        mean[k] = at + step;
        double up = log_gain(&boxes, mean, sd);
        mean[k] = at - step;
        NEAR(d_mean[k], (up - log_gain(&boxes, mean, sd)) / (2 * step), 1e-6);
        mean[k] = at;
        double var = sd[k] * sd[k];
        sd[k] = sqrt(var * (1 + h));
        up = log_gain(&boxes, mean, sd);
        sd[k] = sqrt(var * (1 - h));
        NEAR(d_var[k], (up - log_gain(&boxes, mean, sd)) / (2 * h * var), 1e-6);
        sd[k] = sqrt(var);
    }
}
END_TEST

START_TEST(of_one_cost_it_is_the_expected_improvement)
{
    OWN(nondominated_boxes) struct nondominated_boxes boxes = {0};
    const double best = -.3;
    const double reference = 1;

    ck_assert_int_eq(nondominated_boxes_init(&boxes, 2, 1, (double[]){.5, best}, &reference, NULL),
                     0);
    for (double mean = -3; mean < 30; mean += .7) {
        double sd = .2 + fabs(sin(mean));
        NEAR(log_gain(&boxes, &mean, &sd), log(sd) + log_h((best - mean) / sd), 1e-13);
    }
}
END_TEST

/* Random points of m costs, and the boxes of their front. */
static void random_boxes(struct rng *rng, size_t m, size_t n, double front[],
                         struct nondominated_boxes *boxes)
{
    static const double reference[] = {1, 1, 1, 1};

    for (size_t i = 0; i < n * m; i++) {
        front[i] = (double)rng_below(rng, 20) / 20.0; /* with ties */
    }
    ck_assert_int_eq(nondominated_boxes_init(boxes, n, m, front, reference, NULL), 0);
}

/* At a variance near nothing it is what the volume gains. */
START_TEST(a_certain_point_adds_its_volume)
{
    static const double reference[] = {1, 1, 1, 1};
    struct rng rng = rng_for(11, (uint64_t)_i);
    size_t m = 2 + (size_t)_i % 3;
    OWN(nondominated_boxes) struct nondominated_boxes boxes = {0};
    double front[(FRONT + 1) * 4], sd[4] = {1e-9, 1e-9, 1e-9, 1e-9}, before, after;

    random_boxes(&rng, m, FRONT, front, &boxes);
    for (size_t k = 0; k < m; k++) {
        front[FRONT * m + k] = .5 * rng_uniform(&rng);
    }
    ck_assert_int_eq(hypervolume(FRONT, m, front, reference, &before, NULL), 0);
    ck_assert_int_eq(hypervolume(FRONT + 1, m, front, reference, &after, NULL), 0);
    double gain = exp(log_gain(&boxes, front + FRONT * m, sd));
    ck_assert_double_eq_tol(gain, after - before, 1e-8);
}
END_TEST

START_TEST(more_points_on_the_front_leave_less_to_gain)
{
    static const double reference[] = {1, 1, 1, 1};
    struct rng rng = rng_for(12, (uint64_t)_i);
    size_t m = 2 + (size_t)_i % 3;
    OWN(nondominated_boxes) struct nondominated_boxes all = {0};
    double front[FRONT * 4], mean[4], sd[4];
    double before = INFINITY;

    random_boxes(&rng, m, FRONT, front, &all);
    for (size_t k = 0; k < m; k++) {
        mean[k] = rng_uniform(&rng);
        sd[k] = .3 * rng_uniform(&rng) + .01;
    }
    for (size_t n = 0; n <= FRONT; n++) {
        OWN(nondominated_boxes) struct nondominated_boxes boxes = {0};
        ck_assert_int_eq(nondominated_boxes_init(&boxes, n, m, front, reference, NULL), 0);
        double gain = log_gain(&boxes, mean, sd);
        ck_assert(isfinite(gain));
        ck_assert(gain <= before + 1e-12);
        before = gain;
    }
}
END_TEST

START_TEST(the_order_of_costs_does_not_matter)
{
    struct rng rng = rng_for(13, (uint64_t)_i);
    size_t m = 2 + (size_t)_i % 3;
    OWN(nondominated_boxes) struct nondominated_boxes boxes = {0};
    OWN(nondominated_boxes) struct nondominated_boxes turned = {0};
    static const double reference[] = {1, 1, 1, 1};
    double front[FRONT * 4], other[FRONT * 4], mean[8], sd[8];

    random_boxes(&rng, m, FRONT, front, &boxes);
    for (size_t k = 0; k < m; k++) {
        mean[k] = mean[4 + (k + 1) % m] = rng_uniform(&rng);
        sd[k] = sd[4 + (k + 1) % m] = rng_uniform(&rng);
        for (size_t i = 0; i < FRONT; i++) {
            other[(FRONT - 1 - i) * m + (k + 1) % m] = front[i * m + k];
        }
    }
    ck_assert_int_eq(nondominated_boxes_init(&turned, FRONT, m, other, reference, NULL), 0);
    NEAR(log_gain(&turned, mean + 4, sd + 4), log_gain(&boxes, mean, sd), 1e-12);
}
END_TEST

/* ---- the term -------------------------------------------------------------------------------- */
struct models {
    struct points x;
    struct gp *gp[2];
};

static void models_finish(struct models *models)
{
    gp_destroy(models->gp[0]);
    gp_destroy(models->gp[1]);
    points_finish(&models->x);
}
OWN_VALUE(models)

/* Ten results, then two pending points, of two numbers and a category. */
static void models_init(struct models *models, size_t n_fantasies)
{
    static const double theta[] = {-.5, .2, .4, .1, -3, -(double)INFINITY, 0};
    static const double other[] = {.1, -.6, .2, .3, -4, .5, -.8};
    struct rng rng = rng_for(21, 0);
    double y[2][10], eps[2][6];

    ck_assert_int_eq(points_init(&models->x, 2, 1, 12, NULL), 0);
    models->x.n = 12;
    for (size_t i = 0; i < 12; i++) {
        models->x.num[2 * i] = rng_uniform(&rng);
        models->x.num[2 * i + 1] = rng_uniform(&rng);
        models->x.cat[i] = (int32_t)rng_below(&rng, 2);
    }
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < 10; i++) {
            y[k][i] = rng_normal(&rng);
        }
        for (size_t i = 0; i < 6; i++) {
            eps[k][i] = rng_normal(&rng);
        }
        ck_assert_int_eq(
            gp_create(&(struct gp_data){&models->x, 2, y[k], NULL, k == 0 ? theta : other,
                                        GP_MEAN_POLYNOMIAL, n_fantasies, eps[k]},
                      &models->gp[k], NULL),
            0);
    }
}

START_TEST(the_gradient_of_the_term_agrees_with_differences)
{
    static const double front[] = {-.8, .7, .1, -.9};
    static const double reference[] = {1, 1};
    const double h = 1e-5;
    OWN(models) struct models models = {0};
    OWN(points) struct points q = {0};
    OWN(acquisition) struct acquisition acquisition = {.cap = 2};
    struct acquisition_term *term = NULL;
    double value[3], gradient[6], up[3], down[3];

    models_init(&models, 3);
    ck_assert_int_eq(hypervolume_improvement_create(
                         &(struct hypervolume_models){.m = 2,
                                                      .gp = {models.gp[0], models.gp[1]},
                                                      .n = 2,
                                                      .front = front,
                                                      .reference = reference},
                         2, &term, NULL),
                     0);
    acquisition_add(&acquisition, term);
    ck_assert_int_eq(points_init(&q, 2, 1, 3, NULL), 0);
    q.n = 3; /* more than one call takes */
    for (size_t i = 0; i < 6; i++) {
        q.num[i] = .15 * (double)i + .1;
    }
    q.cat[1] = 1;
    acquisition_score(&acquisition, &q, value, gradient);
    for (size_t i = 0; i < 6; i++) {
        double at = q.num[i];
        q.num[i] = at + h;
        acquisition_score(&acquisition, &q, up, NULL);
        q.num[i] = at - h;
        acquisition_score(&acquisition, &q, down, NULL);
        q.num[i] = at;
        NEAR(gradient[i], (up[i / 2] - down[i / 2]) / (2 * h), 1e-6);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hypervolume_improvement");
    TCase *tcase = tcase_create("hypervolume_improvement");

    tcase_add_loop_test(tcase, improvements_have_their_values, 0, VECTORS);
    tcase_add_loop_test(tcase, slopes_agree_with_differences, 0, VECTORS);
    tcase_add_test(tcase, of_one_cost_it_is_the_expected_improvement);
    tcase_add_loop_test(tcase, a_certain_point_adds_its_volume, 0, 12);
    tcase_add_loop_test(tcase, more_points_on_the_front_leave_less_to_gain, 0, 12);
    tcase_add_loop_test(tcase, the_order_of_costs_does_not_matter, 0, 12);
    tcase_add_test(tcase, the_gradient_of_the_term_agrees_with_differences);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
