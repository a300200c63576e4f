/* From one space to another: what carries over, what does not, and which rows are worth it. */
#include <check.h>
#include <math.h>

#include "server/domain/transfer.h"
#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

enum { PARAMS_MAX = 8, ROWS = 1000 };

/* Carries one configuration, as JSON, from one space to the other; false: refused. */
static bool carry(const char *from_text, const char *to_text, const char *config, size_t shared,
                  double y[])
{
    OWN(space) struct space *from = space_or_abort(from_text, NULL);
    OWN(space) struct space *to = space_or_abort(to_text, NULL);
    OWN(transfer) struct transfer *transfer = NULL;
    struct faults faults = {0};
    struct err err = {0};
    double x[PARAMS_MAX];
    json_auto_t *object = json_from_text(config);

    ck_assert_int_eq(space_config_from_json(from, object, x, "", &faults), 0);
    ck_assert_int_eq(transfer_create(from, to, &transfer, &err), 0);
    ck_assert_uint_eq(transfer_shared(transfer), shared);
    return transfer_row(transfer, x, y);
}

#define SAME(a, b) ck_assert_double_eq_tol(a, b, 1e-12)
#define FLOAT(name, low, high) "{'name':'" name "','type':'float','low':" #low ",'high':" #high "}"
#define LOG(name, low, high)                                                                       \
    "{'name':'" name "','type':'float','low':" #low ",'high':" #high ",'scale':'log'}"

START_TEST(parameters_meet_by_name)
{
    double y[PARAMS_MAX];

    ck_assert(carry("[" FLOAT("a", 0, 1) "," FLOAT("b", 0, 10) "]",
                    "[" FLOAT("b", 0, 10) "," FLOAT("c", 0, 1) "," FLOAT("a", 0, 2) "]",
                    "{'a':0.25,'b':7}", 2, y));
    SAME(y[0], 7);
    ck_assert(isnan(y[1]));
    SAME(y[2], 0.25);
}
END_TEST

START_TEST(choices_meet_by_value)
{
    const char *from = "[{'name':'k','type':'categorical','choices':['rbf','poly','lin']}]";
    const char *to = "[{'name':'k','type':'categorical','choices':['lin','rbf']}]";
    double y[PARAMS_MAX];

    ck_assert(carry(from, to, "{'k':'rbf'}", 1, y));
    SAME(y[0], 1);
    ck_assert(carry(from, to, "{'k':'lin'}", 1, y));
    SAME(y[0], 0);
    ck_assert(!carry(from, to, "{'k':'poly'}", 1, y));
}
END_TEST

START_TEST(numbers_and_numeric_choices_meet)
{
    double y[PARAMS_MAX];

    ck_assert(carry("[{'name':'n','type':'int','values':[16,32,64]}]",
                    "[{'name':'n','type':'int','low':8,'high':128}]", "{'n':32}", 1, y));
    SAME(y[0], 32);
    ck_assert(carry("[{'name':'n','type':'int','low':8,'high':128}]",
                    "[{'name':'n','type':'int','values':[16,32,64]}]", "{'n':64}", 1, y));
    SAME(y[0], 2);
    ck_assert(!carry("[{'name':'n','type':'int','low':8,'high':128}]",
                     "[{'name':'n','type':'int','values':[16,32,64]}]", "{'n':65}", 1, y));
}
END_TEST

START_TEST(a_number_is_no_choice)
{
    double y[PARAMS_MAX];

    ck_assert(carry("[" FLOAT("k", 0, 1) "]",
                    "[{'name':'k','type':'categorical','choices':['a','b']}]", "{'k':0.5}", 0, y));
    ck_assert(isnan(y[0]));
    ck_assert(carry("[{'name':'k','type':'categorical','choices':['a','b']}]",
                    "[" FLOAT("k", 0, 1) "]", "{'k':'a'}", 0, y));
}
END_TEST

START_TEST(near_a_narrower_range_counts_and_far_from_it_does_not)
{
    const char *wide = "[" LOG("C", 1e-3, 1e3) "]";
    const char *narrow = "[" LOG("C", 1, 10) "]";
    double y[PARAMS_MAX];

    ck_assert(carry(wide, narrow, "{'C':50}", 1, y));
    SAME(y[0], 50);
    ck_assert(carry(wide, narrow, "{'C':0.11}", 1, y));
    ck_assert(!carry(wide, narrow, "{'C':110}", 1, y));
    ck_assert(!carry("[" FLOAT("C", -1, 3) "]", narrow, "{'C':-1}", 1, y));
}
END_TEST

START_TEST(what_is_inactive_or_constant_says_nothing)
{
    const char *space = "[{'name':'k','type':'categorical','choices':['a','b']},"
                        "{'name':'d','type':'float','low':0,'high':1,'when':{'k':['b']}},"
                        "{'name':'one','type':'constant','value':3}]";
    double y[PARAMS_MAX];

    ck_assert(carry(space, space, "{'k':'a','one':3}", 2, y));
    SAME(y[0], 0);
    ck_assert(isnan(y[1]));
}
END_TEST

START_TEST(places_go_on_beyond_the_edges)
{
    OWN(space)
    struct space *space = space_or_abort(
        "[" LOG("C", 1, 100) "," FLOAT("x", 0, 2) ",{'name':'n','type':'int','low':1,'high':10}]",
        NULL);

    SAME(transfer_place(&space->params[0], 1000), 1.5);
    SAME(transfer_place(&space->params[1], -1), -0.5);
    SAME(transfer_place(&space->params[1], 0.5), param_encode(&space->params[1], 0.5));
    SAME(transfer_place(&space->params[2], 4), param_encode(&space->params[2], 4));
}
END_TEST

START_TEST(a_row_becomes_the_nearest_legal_configuration)
{
    OWN(space)
    struct space *space = space_or_abort("[{'name':'n','type':'int','low':0,'high':10,'step':5},"
                                         "{'name':'x','type':'float','low':0,'high':1},"
                                         "{'name':'y','type':'float','low':0,'high':1}]",
                                         "['x + y < 1.5']");
    const double unknown[] = {0.5, 0.5, 0.75};
    double x[PARAMS_MAX];

    ck_assert(transfer_legalise(space, (double[]){7.6, -0.5, NAN}, unknown, x));
    ck_assert(space_is_legal(space, x));
    SAME(x[0], 10);
    SAME(x[1], 0);
    SAME(x[2], 0.75);
    ck_assert(!transfer_legalise(space, (double[]){7.6, 1.8, NAN}, unknown, x));
}
END_TEST

START_TEST(the_best_half_and_a_spread_are_chosen)
{
    static struct observation rows[ROWS];
    static double values[ROWS];
    static size_t order[ROWS];
    size_t best = 0;

    for (size_t i = 0; i < ROWS; i++) {
        values[i] = (double)((i * 7919) % ROWS);
        rows[i] = (struct observation){.number = (int64_t)i + 1,
                                       .kind = i % 10 == 0 ? OBSERVED_PRUNED : OBSERVED_COMPLETED,
                                       .n_values = 1,
                                       .values = &values[i]};
    }
    size_t n = 0;
    ck_assert_int_eq(transfer_choose(ROWS, rows, 1.0, order, &n, NULL), 0);
    ck_assert_uint_eq(n, SOURCE_ROWS_MAX);
    for (size_t i = 0; i < n; i++) {
        ck_assert(i == 0 || order[i] > order[i - 1]);
        best += rows[order[i]].kind == OBSERVED_COMPLETED && values[order[i]] < 56.0;
    }
    ck_assert_uint_ge(best, SOURCE_ROWS_MAX / 2);
    ck_assert_uint_gt(order[n - 1], ROWS * 9 / 10);
    ck_assert_int_eq(transfer_choose(7, rows, -1.0, order, &n, NULL), 0);
    ck_assert_uint_eq(n, 7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transfer");
    TCase *tcase = tcase_create("rows");

    tcase_add_test(tcase, parameters_meet_by_name);
    tcase_add_test(tcase, choices_meet_by_value);
    tcase_add_test(tcase, numbers_and_numeric_choices_meet);
    tcase_add_test(tcase, a_number_is_no_choice);
    tcase_add_test(tcase, near_a_narrower_range_counts_and_far_from_it_does_not);
    tcase_add_test(tcase, what_is_inactive_or_constant_says_nothing);
    tcase_add_test(tcase, places_go_on_beyond_the_edges);
    tcase_add_test(tcase, a_row_becomes_the_nearest_legal_configuration);
    tcase_add_test(tcase, the_best_half_and_a_spread_are_chosen);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
