/* tpe behind a schedule with rungs: whom it compares with whom. */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "common/json.h"
#include "server/strategy/strategy.h"
#include "tests/support/run_suite.h"

enum { LOW = 40, HIGH = 3, ASKS = 60 };

struct lab {
    struct study_def *study;
    struct observation items[LOW + HIGH];
    double x[LOW + HIGH];
    struct curve_point curves[LOW + HIGH][2];
};

/* Forty were pruned at step 1, where they are the better the nearer to 0.2; three, near 0.9, went
 * all the way, and were the worst at step 1. */
static void lab_open(struct lab *lab, const char *strategy)
{
    struct faults faults = {0};
    char text[512];

    (void)snprintf(text, sizeof text,
                   "{\"name\": \"t\", \"metric\": \"y\", \"direction\": \"minimize\", \"seed\": 7, "
                   "\"strategy\": \"%s\", \"resource\": {\"name\": \"epochs\", \"max\": 9}, "
                   "\"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": "
                   "1}]}",
                   strategy);
    json_auto_t *body = json_loads(text, 0, NULL);
    ck_assert_int_eq(study_def_from_json(body, 1, &lab->study, &faults), 0);
    for (int i = 0; i < LOW + HIGH; i++) {
        bool is_high = i >= LOW;
        lab->x[i] = is_high ? 0.9 + 0.02 * (i - LOW) : (i + 0.5) / LOW * 0.8;
        lab->curves[i][0] = (struct curve_point){1, is_high ? 5 : fabs(lab->x[i] - 0.2)};
        lab->curves[i][1] = (struct curve_point){9, 0.01};
        lab->items[i] = (struct observation){.number = i + 1,
                                             .kind = is_high ? OBSERVED_COMPLETED : OBSERVED_PRUNED,
                                             .config = &lab->x[i],
                                             .n_values = 1,
                                             .values = &lab->curves[i][is_high].value,
                                             .step = lab->curves[i][is_high].step,
                                             .n_curve = is_high ? 2 : 1,
                                             .curve = lab->curves[i]};
    }
}

/* How many of the next suggestions lie within 0.15 of `at`. */
static int count_near(const struct lab *lab, double at)
{
    const struct strategy *strategy = strategy_find("tpe");
    const struct history seen = {.n = LOW + HIGH, .items = lab->items};
    int n = 0;

    for (uint64_t ordinal = 100; ordinal < 100 + ASKS; ordinal++) {
        double x;
        struct suggestion made = {.config = &x};
        struct err err = {0};
        ck_assert_int_eq(strategy->suggest(lab->study, &seen, ordinal, &made, &err), 0);
        free(made.explain);
        n += fabs(x - at) < 0.15;
    }
    return n;
}

START_TEST(rungs_compare_those_who_came_to_the_same_level)
{
    struct lab lab;

    lab_open(&lab, "bohb");
    ck_assert_int_gt(count_near(&lab, 0.2), ASKS / 2);
    ck_assert_int_lt(count_near(&lab, 0.9), ASKS / 3);
    ck_assert_int_lt(count_near(&lab, 0.2), ASKS); /* one in three is drawn without the model */
    study_def_destroy(lab.study);
}
END_TEST

START_TEST(without_rungs_the_complete_ones_are_the_best)
{
    struct lab lab;

    lab_open(&lab, "tpe");
    ck_assert_int_gt(count_near(&lab, 0.9), ASKS / 2);
    study_def_destroy(lab.study);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tpe");
    TCase *tcase = tcase_create("tpe");

    json_start();
    tcase_add_test(tcase, rungs_compare_those_who_came_to_the_same_level);
    tcase_add_test(tcase, without_rungs_the_complete_ones_are_the_best);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
