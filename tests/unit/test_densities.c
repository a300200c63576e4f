#include "server/strategy/tpe/densities.h"

#include <check.h>
#include <math.h>

#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

/* Three groups: k and c; a and b; d alone, a level deeper. */
static const char tree[] = "[{'name':'k','type':'categorical','choices':['p','q']},"
                           "{'name':'a','type':'float','low':0,'high':1,'when':{'k':['p']}},"
                           "{'name':'b','type':'int','low':1,'high':8,'when':{'k':['p']}},"
                           "{'name':'c','type':'float','low':0,'high':1},"
                           "{'name':'d','type':'float','low':0,'high':1,'when':{'b':[1,2]}}]";

static const double p_low[] = {0, .2, 1, .5, .9};
static const double p_high[] = {0, .8, 8, .4, NAN};
static const double q_one[] = {1, NAN, NAN, .6, NAN};
static const double q_two[] = {1, NAN, NAN, .3, NAN};

static void both(struct densities *densities, const struct encoding *encoding,
                 const double *const good[2], const double *const others[2])
{
    struct density_data l = {.n = 2, .configs = good};
    struct density_data g = {.n = 2, .configs = others};

    ck_assert_int_eq(densities_init(densities, encoding, &l, &g, NULL), 0);
}

static double log_good(const struct densities *densities, const double x[])
{
    double l, g;

    densities_of(densities, x, &l, &g);
    ck_assert(isfinite(l) && isfinite(g));
    return l;
}

START_TEST(groups_are_what_is_active_together)
{
    OWN(space) struct space *space = space_or_abort(tree, NULL);
    OWN(encoding) struct encoding encoding = {0};
    OWN(densities) struct densities densities = {0};
    const double *const good[] = {p_low, p_high};
    const double *const others[] = {q_one, q_two};

    ck_assert_int_eq(encoding_init(&encoding, space, NULL), 0);
    both(&densities, &encoding, good, others);
    ck_assert_uint_eq(densities.n_groups, 3);
}
END_TEST

START_TEST(a_point_says_what_is_active)
{
    OWN(space) struct space *space = space_or_abort(tree, NULL);
    OWN(encoding) struct encoding encoding = {0};
    OWN(points) struct points points = {0};

    ck_assert_int_eq(encoding_init(&encoding, space, NULL), 0);
    ck_assert_int_eq(points_init(&points, encoding.n_num, encoding.n_cat, 2, NULL), 0);
    encoding_put(&encoding, q_one, &points, 0); /* of the numbers a, b, c and d only c */
    encoding_put(&encoding, p_low, &points, 1);
    ck_assert_mem_eq(points_active(&points, 0), ((bool[]){0, 0, 1, 0, 1}), 5);
    ck_assert_mem_eq(points_active(&points, 1), ((bool[]){1, 1, 1, 1, 1}), 5);
    points_copy(&points, 1, &points, 0);
    ck_assert_mem_eq(points_active(&points, 1), points_active(&points, 0), 5);
}
END_TEST

START_TEST(a_number_outside_its_range_is_outside_the_unit_interval)
{
    static const struct {
        double config[3], place[3];
    } rows[] = {{{2, 4, 10}, {0.5, 0.375, 0.5}},
                {{5, 9, 1000}, {1.25, 1.0, 1.5}},
                {{-99, 99, 1e-9}, {-1, 2, -1}},
                {{0, 1, 1}, {0, 0, 0}}};
    OWN(space)
    struct space *space = space_or_abort("[{'name':'x','type':'float','low':0,'high':4},"
                                         "{'name':'n','type':'int','low':1,'high':8},"
                                         "{'name':'c','type':'float','low':1,'high':100,"
                                         "'scale':'log'}]",
                                         NULL);
    OWN(encoding) struct encoding encoding = {0};
    struct points points = {0};

    ck_assert_int_eq(encoding_init(&encoding, space, NULL), 0);
    ck_assert_int_eq(points_init(&points, 3, 0, 1, NULL), 0);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        encoding_put(&encoding, rows[i].config, &points, 0);
        for (size_t k = 0; k < 3; k++) {
            double half = k == 1 && rows[i].place[1] >= 0 && rows[i].place[1] < 2 ? 0.5 / 8 : 0;
            ck_assert_double_eq_tol(points_num(&points, 0)[k], rows[i].place[k] + half, 1e-12);
        }
    }
    points_finish(&points);
}
END_TEST

/* Values in a branch have no influence on configurations without it. */
START_TEST(a_branch_does_not_touch_the_others)
{
    static const double elsewhere[] = {0, .9, 4, .4, NAN};
    OWN(space) struct space *space = space_or_abort(tree, NULL);
    OWN(encoding) struct encoding encoding = {0};
    OWN(densities) struct densities one = {0};
    OWN(densities) struct densities two = {0};
    const double *const good[] = {p_low, p_high};
    const double *const moved[] = {p_low, elsewhere};
    const double *const others[] = {q_one, q_two};

    ck_assert_int_eq(encoding_init(&encoding, space, NULL), 0);
    both(&one, &encoding, good, others);
    both(&two, &encoding, moved, others);
    ck_assert_double_eq(log_good(&one, q_one), log_good(&two, q_one));
    ck_assert_double_gt(log_good(&one, p_high), log_good(&two, p_high));
}
END_TEST

/* Integrated over c, what is left for q is about its share of the good. */
START_TEST(choices_share_the_mass)
{
    OWN(space) struct space *space = space_or_abort(tree, NULL);
    OWN(encoding) struct encoding encoding = {0};
    OWN(densities) struct densities densities = {0};
    const double *const good[] = {p_low, q_one};
    const double *const others[] = {p_high, q_two};
    enum { STEPS = 400 };
    double mass = 0.0;

    ck_assert_int_eq(encoding_init(&encoding, space, NULL), 0);
    both(&densities, &encoding, good, others);
    for (int i = 0; i < STEPS; i++) {
        double x[] = {1, NAN, NAN, (i + .5) / STEPS, NAN};
        mass += exp(log_good(&densities, x)) / STEPS;
    }
    ck_assert_double_gt(mass, .3); /* one of two good ones has q; the prior leans to neither */
    ck_assert_double_lt(mass, .7);
}
END_TEST

START_TEST(draws_are_legal_places_near_the_good)
{
    OWN(space) struct space *space = space_or_abort(tree, NULL);
    OWN(encoding) struct encoding encoding = {0};
    OWN(densities) struct densities densities = {0};
    const double *const good[] = {p_low, p_low};
    const double *const others[] = {q_one, q_two};
    struct rng rng = rng_for(4, 1);
    double place[5], x[5];
    int near = 0;

    ck_assert_int_eq(encoding_init(&encoding, space, NULL), 0);
    both(&densities, &encoding, good, others);
    for (int i = 0; i < 200; i++) {
        densities_draw(&densities, &rng, place);
        space_decode(space, place, x);
        ck_assert(space_is_legal(space, x));
        near += x[0] < .5 && fabs(x[1] - .2) < .2;
    }
    ck_assert_int_gt(near, 60);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("densities");
    TCase *tcase = tcase_create("densities");

    tcase_add_test(tcase, groups_are_what_is_active_together);
    tcase_add_test(tcase, a_point_says_what_is_active);
    tcase_add_test(tcase, a_number_outside_its_range_is_outside_the_unit_interval);
    tcase_add_test(tcase, a_branch_does_not_touch_the_others);
    tcase_add_test(tcase, choices_share_the_mass);
    tcase_add_test(tcase, draws_are_legal_places_near_the_good);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
