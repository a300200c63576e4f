#include "server/strategy/grid/grid.h"
#include "server/strategy/grid/grid_values.h"

#include <check.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/strategy/strategy.h"
#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

static const struct {
    const char *parameters;
    const char *constraints;
    uint64_t count;
} counted[] = {
    {"[{'name':'a','type':'int','low':1,'high':12},{'name':'b','type':'float','low':0,'high':1,"
     "'step':0.1},{'name':'c','type':'bool'},{'name':'k','type':'constant','value':3}]",
     NULL, 264},
    /* sgd 4 * 5, adam 4, none 1 */
    {"[{'name':'opt','type':'categorical','choices':['sgd','adam','none']},"
     "{'name':'lr','type':'float','low':1e-3,'high':1,'scale':'log','grid':4,"
     "'when':{'opt':['sgd','adam']}},"
     "{'name':'m','type':'int','low':1,'high':5,'when':{'opt':['sgd']}}]",
     NULL, 25},
    /* children declared before their parents, three deep; int parents */
    {"[{'name':'d','type':'bool','when':{'n':[3,4]}},{'name':'n','type':'int','low':1,'high':5,"
     "'when':{'p':[true]}},{'name':'p','type':'bool'}]",
     NULL, 8},
    /* two parents: 2 * 3 joint values, one of them opens four points */
    {"[{'name':'a','type':'bool'},{'name':'b','type':'ordinal','choices':['x','y','z']},"
     "{'name':'c','type':'int','low':1,'high':4,'when':{'a':[true],'b':['z']}}]",
     NULL, 9},
    /* a diamond: a opens b and c, d hangs on both */
    {"[{'name':'a','type':'bool'},{'name':'b','type':'bool','when':{'a':[true]}},"
     "{'name':'c','type':'bool','when':{'a':[true]}},"
     "{'name':'d','type':'int','low':1,'high':7,'when':{'b':[true],'c':[true]}}]",
     NULL, 11},
    /* a parent of a million values */
    {"[{'name':'n','type':'int','low':1,'high':1000000},"
     "{'name':'c','type':'int','low':1,'high':10,'when':{'n':[1,500000]}}]",
     NULL, 1000018},
    {"[{'name':'n','type':'int','values':[8,2,4]},{'name':'m','type':'float','values':[0.5,0.25]}]",
     NULL, 6},
    {"[{'name':'a','type':'int','low':1,'high':100},{'name':'b','type':'int','low':1,'high':100}]",
     "['a + b <= 100']", 4950},
    {"[{'name':'a','type':'bool'},{'name':'b','type':'int','low':1,'high':9,'when':{'a':[true]}}]",
     "['b > 3']", 7},
    {"[{'name':'f','type':'int','low':1,'high':4},{'name':'a','type':'bool'},"
     "{'name':'b','type':'int','low':1,'high':9,'when':{'a':[true]}},{'name':'g','type':'bool'}]",
     "['b > 3 or g']", 2 * 4 + 4 * (9 + 6)},
    /* the largest that is allowed: 2^63 - 1 = 7^2 * 73 * 127 * 337 * 92737 * 649657 */
    {"[{'name':'a','type':'int','low':1,'high':7},{'name':'b','type':'int','low':1,'high':7},"
     "{'name':'c','type':'int','low':1,'high':73},{'name':'d','type':'int','low':1,'high':127},"
     "{'name':'e','type':'int','low':1,'high':337},{'name':'f','type':'int','low':1,'high':92737},"
     "{'name':'g','type':'int','low':1,'high':649657}]",
     NULL, INT64_MAX},
};

START_TEST(count_is_exact)
{
    OWN(space)
    struct space *space = space_or_abort(counted[_i].parameters, counted[_i].constraints);
    const struct search_grid *grid;
    struct err err = {0};

    ck_assert_msg(grid_of(space, &grid, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(grid_count(grid), counted[_i].count);
}
END_TEST

static int compare_keys(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct space_key));
}

/* All points of small grids: legal, and never one twice. */
START_TEST(every_point_is_legal_and_different)
{
    OWN(space)
    struct space *space = space_or_abort(counted[_i].parameters, counted[_i].constraints);
    const struct search_grid *grid;
    struct err err = {0};
    double x[SPACE_GRID_PARAMS_MAX];

    ck_assert_int_eq(grid_of(space, &grid, &err), 0);
    uint64_t n = grid_count(grid) > 20000 ? 20000 : grid_count(grid);
    OWN(memory) struct space_key *keys = calloc(n, sizeof *keys);
    for (uint64_t i = 0; i < n; i++) {
        grid_point(grid, grid_count(grid) > n ? i * (grid_count(grid) / n) : i, x);
        ck_assert(space_is_legal(space, x));
        keys[i] = space_config_key(space, x);
    }
    qsort(keys, n, sizeof *keys, compare_keys);
    for (uint64_t i = 1; i < n; i++) {
        ck_assert_int_ne(compare_keys(&keys[i - 1], &keys[i]), 0);
    }
}
END_TEST

static const struct {
    const char *parameters;
    const char *constraints;
    const char *word;
} refused[] = {
    {"[{'name':'a','type':'float','low':0,'high':1}]", NULL, "continuous"},
    {"[{'name':'a','type':'int','low':1,'high':9007199254740992},"
     "{'name':'b','type':'int','low':1,'high':1024}]",
     NULL, "2^63"},
    {"[{'name':'a','type':'int','low':1,'high':10000},{'name':'b','type':'int','low':1,"
     "'high':10000}]",
     "['a <= b']", "10000000"},
    {"[{'name':'a','type':'float','low':0,'high':1,'grid':2}]", "['a > 0.2 and a < 0.8']",
     "satisfies"},
};

/* A million points: eight nodes of constraints are counted, more than a hundred are not. */
START_TEST(a_new_grid_that_takes_long_to_count_is_refused)
{
    static const char parameters[] = "[{'name':'a','type':'int','low':1,'high':1000},"
                                     "{'name':'b','type':'int','low':1,'high':1000}]";
    static const char dear[] =
        "['a + b + a + b + a + b + a + b + a + b + a + b + a + b + a + b + a + b + a + b + a + b + "
        "a + b + a + b + a + b + a + b + a + b + a + b + a + b + a + b + a + b + a + b + a + b + a "
        "+ b + a + b + a + b > 0', 'a * b <= 40']";
    OWN(space) struct space *cheap = space_or_abort(parameters, "['a * b <= 40', 'a <= b']");
    OWN(space) struct space *space = space_or_abort(parameters, dear);
    const struct search_grid *grid;
    struct err err = {0};

    ck_assert_uint_eq(space_constraint_nodes(cheap), 8);
    ck_assert_int_eq(grid_of_new(cheap, &grid, &err), 0);
    ck_assert_uint_gt(space_constraint_nodes(space), 100);
    ck_assert_int_eq(grid_of_new(space, &grid, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
    ck_assert_msg(strstr(err.text, "too large to count") != NULL, "%s", err.text);
    ck_assert_msg(strstr(err.text, "and this one has 1000000;") != NULL, "%s", err.text);
}
END_TEST

START_TEST(impossible_grids_are_refused)
{
    OWN(space)
    struct space *space = space_or_abort(refused[_i].parameters, refused[_i].constraints);
    const struct search_grid *grid;
    struct err err = {0};

    ck_assert_int_eq(grid_of(space, &grid, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
    ck_assert_msg(strstr(err.text, refused[_i].word) != NULL, "%s", err.text);
}
END_TEST

/* The whole strategy: each point once, then exhausted, and another order for another seed. */
static void visit(const char *parameters, const char *constraints, uint64_t seed, uint64_t n,
                  double first[])
{
    OWN(space) struct space *space = space_or_abort(parameters, constraints);
    struct study_def def = {.space = space, .seed = seed, .n_objectives = 1};
    const struct strategy *grid = strategy_find("grid");
    struct history history = {0};
    struct err err = {0};
    double x[SPACE_GRID_PARAMS_MAX];
    struct suggestion out = {.config = x};
    OWN(memory) struct space_key *keys = calloc(n, sizeof *keys);

    ck_assert_uint_eq(grid->count(&def), n);
    for (uint64_t ordinal = 1; ordinal <= n; ordinal++) {
        ck_assert_int_eq(grid->suggest(&def, &history, ordinal, &out, &err), 0);
        keys[ordinal - 1] = space_config_key(space, x);
        for (size_t i = 0; i < space->n_params && ordinal == 1; i++) {
            first[i] = x[i];
        }
    }
    ck_assert_int_eq(grid->suggest(&def, &history, n + 1, &out, &err), -1);
    ck_assert_int_eq(err.code, ERR_EXHAUSTED);
    qsort(keys, n, sizeof *keys, compare_keys);
    for (uint64_t i = 1; i < n; i++) {
        ck_assert_int_ne(compare_keys(&keys[i - 1], &keys[i]), 0);
    }
}

START_TEST(each_point_comes_once_and_then_no_more)
{
    double first[4][SPACE_GRID_PARAMS_MAX];
    int same = 0;

    for (uint64_t seed = 0; seed < 4; seed++) {
        visit("[{'name':'a','type':'int','low':1,'high':140},{'name':'b','type':'int','low':1,"
              "'high':93}]",
              NULL, seed, 13020, first[seed]);
        same += seed > 0 && first[seed][0] == first[0][0] && first[seed][1] == first[0][1];
    }
    ck_assert_int_eq(same, 0);
    for (uint64_t n = 2; n <= 70; n++) {
        char parameters[100];
        (void)snprintf(parameters, sizeof parameters,
                       "[{'name':'a','type':'int','low':1,'high':%" PRIu64 "}]", n);
        visit(parameters, NULL, n, n, first[0]);
    }
}
END_TEST

START_TEST(constrained_points_come_once)
{
    double first[SPACE_GRID_PARAMS_MAX];

    visit("[{'name':'a','type':'int','low':1,'high':300},{'name':'b','type':'int','low':1,"
          "'high':100}]",
          "['a + b <= 100']", 3, 4950, first);
}
END_TEST

static const struct {
    const char *parameter;
    size_t n;
    double values[8];
} spread[] = {
    {"[{'name':'a','type':'float','low':0,'high':1,'grid':5}]", 5, {0, .25, .5, .75, 1}},
    {"[{'name':'a','type':'float','low':0.001,'high':1000,'scale':'log','grid':3}]",
     3,
     {0.001, 1, 1000}},
    {"[{'name':'a','type':'float','low':0,'high':1,'grid':1}]", 1, {.5}},
    {"[{'name':'a','type':'int','low':1,'high':1000,'scale':'log','grid':4}]",
     4,
     {1, 10, 100, 1000}},
    {"[{'name':'a','type':'int','low':0,'high':9,'grid':4}]", 4, {0, 3, 6, 9}},
    {"[{'name':'a','type':'float','low':0,'high':0.8,'step':0.1}]", 9, {0, .1, .2, .3, .4, .5, .6}},
    {"[{'name':'a','type':'float','distribution':'normal','mean':1,'sd':2,'grid':1}]", 1, {1}},
};

START_TEST(points_are_spread_on_the_scale)
{
    OWN(space) struct space *space = space_or_abort(spread[_i].parameter, NULL);
    const struct param *param = &space->params[0];

    ck_assert_uint_eq(grid_param_size(param), spread[_i].n);
    for (size_t k = 0; k < spread[_i].n; k++) {
        double value = grid_param_value(param, k);
        ck_assert(param_allows(param, value));
        ck_assert(k == 0 || value > grid_param_value(param, k - 1));
        if (k < 7) {
            ck_assert_double_eq_tol(value, spread[_i].values[k], 1e-9 * fabs(value) + 1e-15);
        }
    }
}
END_TEST

START_TEST(log_points_of_ints_are_distinct_whatever_their_number)
{
    for (int high = 3; high < 60; high++) {
        for (int n = 1; n < high; n++) {
            char text[128];
            (void)snprintf(text, sizeof text,
                           "[{'name':'a','type':'int','low':1,'high':%d,'scale':'log','grid':%d}]",
                           high, n);
            OWN(space) struct space *space = space_or_abort(text, NULL);
            ck_assert_uint_eq(grid_param_size(&space->params[0]), (uint64_t)n);
            for (uint64_t k = 0; k < (uint64_t)n; k++) {
                double value = grid_param_value(&space->params[0], k);
                ck_assert(value <= high && value == floor(value));
                ck_assert(k == 0 || value > grid_param_value(&space->params[0], k - 1));
            }
        }
    }
}
END_TEST

START_TEST(long_chains_and_wide_trees_are_counted)
{
    OWN(buf) struct buf text;
    const struct search_grid *grid;
    struct err err = {0};
    double x[SPACE_GRID_PARAMS_MAX];

    buf_init(&text, 100000);
    buf_puts(&text, "[{'name':'p0','type':'bool'}");
    for (int i = 1; i < SPACE_GRID_PARAMS_MAX; i++) {
        buf_printf(&text, ",{'name':'p%d','type':'bool','when':{'p%d':[true]}}", i, i - 1);
    }
    buf_puts(&text, "]");
    OWN(space) struct space *chain = space_or_abort(buf_text(&text), NULL);
    ck_assert_msg(grid_of(chain, &grid, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(grid_count(grid), SPACE_GRID_PARAMS_MAX + 1);
    for (uint64_t i = 0; i < grid_count(grid); i++) {
        grid_point(grid, i, x);
        ck_assert(space_is_legal(chain, x));
    }

    buf_clear(&text); /* each value of one parent opens a child of its own */
    buf_puts(&text, "[{'name':'p','type':'int','low':1,'high':255}");
    for (int i = 1; i < SPACE_GRID_PARAMS_MAX; i++) {
        buf_printf(&text, ",{'name':'c%d','type':'int','low':1,'high':%d,'when':{'p':[%d]}}", i,
                   i + 1, i);
    }
    buf_puts(&text, "]");
    OWN(space) struct space *wide = space_or_abort(buf_text(&text), NULL);
    ck_assert_msg(grid_of(wide, &grid, &err) == 0, "%s", err.text);
    ck_assert_uint_eq(grid_count(grid), 255 * 256 / 2 + 255); /* 2 + 3 + … + 256 */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("grid");
    TCase *tcase = tcase_create("grid");
    int n_counted = (int)(sizeof counted / sizeof counted[0]);

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, count_is_exact, 0, n_counted);
    tcase_add_loop_test(tcase, every_point_is_legal_and_different, 0, n_counted);
    tcase_add_loop_test(tcase, impossible_grids_are_refused, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tcase, each_point_comes_once_and_then_no_more);
    tcase_add_test(tcase, a_new_grid_that_takes_long_to_count_is_refused);
    tcase_add_test(tcase, constrained_points_come_once);
    tcase_add_loop_test(tcase, points_are_spread_on_the_scale, 0,
                        (int)(sizeof spread / sizeof spread[0]));
    tcase_add_test(tcase, log_points_of_ints_are_distinct_whatever_their_number);
    tcase_add_test(tcase, long_chains_and_wide_trees_are_counted);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
