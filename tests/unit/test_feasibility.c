#include "server/model/feasibility.h"

#include <check.h>
#include <math.h>

#include "server/model/expected_improvement.h"
#include "tests/support/run_suite.h"

enum { POINTS = 8, QUERIES = 3 };

#define NEAR(got, want, tol)                                                                       \
    do {                                                                                           \
        double got_ = (got);                                                                       \
        double want_ = (want);                                                                     \
        ck_assert_msg(fabs(got_ - want_) <= (tol)*fmax(fabs(want_), 1.0), "%s = %.15g, not %.15g", \
                      #got, got_, want_);                                                          \
    } while (0)

/* A model of two numbers, and points to ask for. */
struct fixture {
    struct points x, q;
    struct gp *gp;
};

static void fixture_finish(struct fixture *f)
{
    gp_destroy(f->gp);
    points_finish(&f->x);
    points_finish(&f->q);
}
OWN_VALUE(fixture)

static void fixture_init(struct fixture *f)
{
    static const double theta[] = {-.6, -.2, .1, -4, -(double)INFINITY, 0};
    double y[POINTS];

    ck_assert_int_eq(points_init(&f->x, 2, 0, POINTS, NULL), 0);
    ck_assert_int_eq(points_init(&f->q, 2, 0, QUERIES, NULL), 0);
    f->x.n = POINTS;
    f->q.n = QUERIES;
    for (size_t i = 0; i < 2 * POINTS; i++) {
        f->x.num[i] = fmod(.381966 * (double)(i * i + 1), 1.0);
        f->q.num[i % (2 * (size_t)QUERIES)] = .1 + .13 * (double)(i % (2 * (size_t)QUERIES));
        y[i / 2] = sin(7.0 * f->x.num[i / 2 * 2]);
    }
    const struct gp_data data = {
        .x = &f->x, .y = y, .theta = theta, .mean = GP_MEAN_CONSTANT, .n_fantasies = 1};
    ck_assert_int_eq(gp_create(&data, &f->gp, NULL), 0);
}

/* The term of a bound far away, within reach and hopeless; and, last, that of labels. */
static const double limits[] = {20, .2, -30, 0};
enum { TERMS = sizeof limits / sizeof limits[0] };

static void add_term(int which, const struct gp *gp, struct acquisition *acquisition)
{
    struct acquisition_term *term = NULL;

    acquisition->cap = 2; /* fewer than the points */
    ck_assert_int_eq(which + 1 < TERMS ? bound_create(gp, limits[which], 2, &term, NULL)
                                       : feasibility_create(gp, 2, &term, NULL),
                     0);
    acquisition_add(acquisition, term);
}

START_TEST(a_term_is_the_logarithm_of_its_probability)
{
    OWN(fixture) struct fixture f = {0};
    OWN(acquisition) struct acquisition acquisition = {0};
    OWN(gp_batch) struct gp_batch *batch = NULL;
    double value[QUERIES];

    fixture_init(&f);
    add_term(_i, f.gp, &acquisition);
    ck_assert_int_eq(gp_batch_create(f.gp, QUERIES, false, &batch, NULL), 0);
    gp_predict(f.gp, batch, &f.q);
    acquisition_score(&acquisition, &f.q, value, NULL);
    for (size_t j = 0; j < QUERIES; j++) {
        double z = (limits[_i] - batch->mean[j]) / sqrt(batch->var[j]);
        NEAR(value[j],
             _i + 1 < TERMS ? log_normal_distribution(z)
                            : log_feasibility(batch->mean[j], batch->var[j]),
             1e-12);
        ck_assert(value[j] <= 0.0 && isfinite(value[j]));
    }
}
END_TEST

START_TEST(the_gradient_agrees_with_differences)
{
    OWN(fixture) struct fixture f = {0};
    OWN(acquisition) struct acquisition acquisition = {0};
    const double h = 1e-5;
    double value[QUERIES], gradient[2 * QUERIES], up[QUERIES], down[QUERIES];

    fixture_init(&f);
    add_term(_i, f.gp, &acquisition);
    acquisition_score(&acquisition, &f.q, value, gradient);
    for (size_t i = 0; i < 2 * (size_t)QUERIES; i++) {
        double at = f.q.num[i];
        f.q.num[i] = at + h;
        acquisition_score(&acquisition, &f.q, up, NULL);
        f.q.num[i] = at - h;
        acquisition_score(&acquisition, &f.q, down, NULL);
        f.q.num[i] = at;
        NEAR(gradient[i], (up[i / 2] - down[i / 2]) / (2 * h), 1e-6);
    }
}
END_TEST

/* The terms add up, and so do their gradients. */
START_TEST(terms_are_added)
{
    OWN(fixture) struct fixture f = {0};
    OWN(acquisition) struct acquisition both = {0};
    double each[2][QUERIES], slope[2][2 * QUERIES], sum[QUERIES], gradient[2 * QUERIES];

    fixture_init(&f);
    for (int k = 0; k < 2; k++) {
        OWN(acquisition) struct acquisition one = {0};
        add_term(1 + 2 * k, f.gp, &one);
        add_term(1 + 2 * k, f.gp, &both);
        acquisition_score(&one, &f.q, each[k], slope[k]);
    }
    acquisition_score(&both, &f.q, sum, gradient);
    for (size_t i = 0; i < 2 * (size_t)QUERIES; i++) {
        NEAR(sum[i / 2], each[0][i / 2] + each[1][i / 2], 1e-14);
        NEAR(gradient[i], slope[0][i] + slope[1][i], 1e-14);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("feasibility");
    TCase *tcase = tcase_create("feasibility");

    tcase_add_loop_test(tcase, a_term_is_the_logarithm_of_its_probability, 0, TERMS);
    tcase_add_loop_test(tcase, the_gradient_agrees_with_differences, 0, TERMS);
    tcase_add_test(tcase, terms_are_added);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
