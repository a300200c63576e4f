/* How points are drawn from spaces with constraints, and which constraints are refused for it. */
#include <check.h>
#include <string.h>

#include "common/space/space.h"
#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

#define NUMBER "[{'name':'a','type':'float','low':0,'high':1}]"

START_TEST(narrow_but_possible_constraints_are_taken)
{
    OWN(space) struct space *space = space_or_abort(NUMBER, "['a < 0.0003']");
    struct rng rng = rng_for(1, 1);
    struct err err = {0};
    double x[1];

    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(space_sample(space, &rng, x, &err), 0);
        ck_assert(x[0] < 0.0003);
    }
}
END_TEST

/* Many long expressions of which only the last does not hold. */
START_TEST(constraints_that_take_too_long_are_refused_when_they_are_new)
{
    OWN(buf) struct buf rules;
    OWN(space) struct space *space = NULL;
    struct faults faults = {0};

    buf_init(&rules, 1 << 20);
    buf_puts(&rules, "[");
    for (int i = 0; i < 63; i++) {
        buf_puts(&rules, "'a");
        for (int k = 0; k < 250; k++) {
            buf_puts(&rules, "+a");
        }
        buf_puts(&rules, " >= 0',");
    }
    buf_puts(&rules, "'a < 0.0003']");
    ck_assert_int_eq(space_from_text(NUMBER, buf_text(&rules), &space, &faults), -1);
    ck_assert_uint_eq(faults.total, 1);
    ck_assert_str_eq(faults.items[0].pointer, "/constraints");
    ck_assert_ptr_eq(strstr(faults.items[0].detail, "take too long: "), faults.items[0].detail);
    faults_finish(&faults);

    json_auto_t *parameters = json_from_text(NUMBER);
    json_auto_t *constraints = json_from_text(buf_text(&rules));
    faults = (struct faults){0};
    ck_assert_int_eq(space_from_json(parameters, constraints, &space, &faults), 0);
    ck_assert_uint_eq(faults.total, 0);
}
END_TEST

/* 4,096 parameters of which a constraint lets one in a thousand pass; of the others each is drawn.
 */
START_TEST(large_spaces_are_drawn_within_their_constraints)
{
    OWN(buf) struct buf text;
    struct err err = {0};
    static double x[SPACE_PARAMS_MAX];
    struct rng rng = rng_for(1, 1);

    buf_init(&text, 1 << 20);
    buf_puts(&text, "[{'name':'k','type':'bool'},"
                    "{'name':'a','type':'float','low':0,'high':1}");
    for (int i = 2; i < SPACE_PARAMS_MAX; i++) {
        buf_printf(&text, ",{'name':'p%d','type':'float','low':0,'high':1,'when':{'k':[%s]}}", i,
                   i % 2 == 0 ? "true" : "false,true");
    }
    buf_puts(&text, "]");
    OWN(space) struct space *space = space_or_abort(buf_text(&text), "['k and a < 0.002']");
    double sum = 0;
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(space_sample(space, &rng, x, &err), 0);
        ck_assert(space_is_legal(space, x));
        ck_assert(x[1] < 0.002);
        for (size_t p = 2; p < space->n_params; p++) {
            sum += x[p];
        }
    }
    ck_assert_double_eq_tol(sum / (5 * (SPACE_PARAMS_MAX - 2)), 0.5, 0.02);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("draws");
    TCase *tcase = tcase_create("draws");

    tcase_add_test(tcase, narrow_but_possible_constraints_are_taken);
    tcase_add_test(tcase, constraints_that_take_too_long_are_refused_when_they_are_new);
    tcase_add_test(tcase, large_spaces_are_drawn_within_their_constraints);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
