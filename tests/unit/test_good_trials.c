/* tpe with several objectives or bounds: which trials are good, and their weights. */
#include <check.h>
#include <math.h>
#include <stdio.h>

#include "common/json.h"
#include "server/strategy/tpe/good_trials.h"
#include "tests/support/run_suite.h"

enum { TRIALS_MAX = 200 };

struct lab {
    struct study_def *study;
    size_t n;
    struct observation items[TRIALS_MAX];
    double x[TRIALS_MAX];
    double values[TRIALS_MAX][2];
    size_t order[TRIALS_MAX];
    double weights[TRIALS_MAX];
};

static void lab_open(struct lab *lab, const char *objectives)
{
    struct faults faults = {0};
    char text[600];

    *lab = (struct lab){0};
    (void)snprintf(text, sizeof text,
                   "{\"name\": \"t\", %s, \"strategy\": \"tpe\", \"parameters\": [{\"name\": "
                   "\"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}]}",
                   objectives);
    json_auto_t *body = json_loads(text, 0, NULL);
    ck_assert_int_eq(study_def_from_json(body, 5, &lab->study, &faults), 0);
}

static void add(struct lab *lab, double f1, double f2)
{
    size_t i = lab->n++;

    lab->x[i] = (double)i / TRIALS_MAX;
    lab->values[i][0] = f1;
    lab->values[i][1] = f2;
    lab->items[i] = (struct observation){.number = (int64_t)i + 1,
                                         .kind = OBSERVED_COMPLETED,
                                         .config = &lab->x[i],
                                         .n_values = lab->study->n_objectives,
                                         .values = lab->values[i],
                                         .n_bounded = lab->study->n_bounds,
                                         .bounded = &lab->values[i][1]};
}

static void choose(struct lab *lab, size_t n_good)
{
    const struct history seen = {.n = lab->n, .items = lab->items};
    struct study_data data;
    struct err err = {0};

    ck_assert(good_trials_are_several(lab->study));
    ck_assert_int_eq(study_data_init(&data, lab->study, &seen, &err), 0);
    ck_assert_int_eq(good_trials_choose(&data, n_good, lab->order, lab->weights, &err), 0);
    study_data_finish(&data);
}

#define TWO                                                                                        \
    "\"objectives\": [{\"metric\": \"a\", \"direction\": \"minimize\"}, {\"metric\": \"b\", "      \
    "\"direction\": \"minimize\"}]"

/* Of the front (1, 5) (2, 3) (4, 1) with the reference (4.3, 5.4), by hand: they contribute 0.4, 4
 * and 0.6; the two that are taken contribute 4.8 and 0.6 to each other. */
START_TEST(of_the_last_front_those_are_good_that_contribute_most)
{
    struct lab lab;

    lab_open(&lab, TWO);
    add(&lab, 9, 9);
    add(&lab, 1, 5);
    add(&lab, 2, 3);
    add(&lab, 4, 1);
    choose(&lab, 2);
    ck_assert_uint_eq(lab.order[0], 2);
    ck_assert_uint_eq(lab.order[1], 3);
    ck_assert_double_eq_tol(lab.weights[0], 4.8 / 2.7, 1e-12);
    ck_assert_double_eq_tol(lab.weights[1], 0.6 / 2.7, 1e-12);
    study_def_destroy(lab.study);
}
END_TEST

START_TEST(feasible_ones_are_good_before_better_ones)
{
    struct lab lab;

    lab_open(&lab, "\"metric\": \"a\", \"direction\": \"minimize\", \"subject_to\": [\"b <= 1\"]");
    add(&lab, 0, 3);
    add(&lab, 1, 2);
    add(&lab, 7, 1);
    add(&lab, 8, 0);
    add(&lab, 9, 1);
    choose(&lab, 2);
    ck_assert_uint_eq(lab.order[0], 2);
    ck_assert_uint_eq(lab.order[1], 3);
    ck_assert_double_eq_tol(lab.weights[0], 4.0 / 3, 1e-12); /* 2 and 1 better than the next */
    ck_assert_double_eq_tol(lab.weights[1], 2.0 / 3, 1e-12);
    choose(&lab, 4); /* of the others the one nearest to the bound; weights are equal then */
    ck_assert_uint_eq(lab.order[3], 1);
    ck_assert_double_eq_tol(lab.weights[3], 1, 1e-12);
    study_def_destroy(lab.study);
}
END_TEST

/* Every trial once, whatever the values. */
START_TEST(the_order_holds_every_trial)
{
    struct lab lab;
    struct rng rng = rng_for(2, (uint64_t)_i);

    lab_open(&lab, TWO);
    for (int i = 0; i < 5 + 30 * _i; i++) {
        double f = _i % 2 == 0 ? rng_uniform(&rng) : 1; /* or all equal in one objective */
        add(&lab, f, rng_uniform(&rng) * 1e300);
    }
    size_t n_good = 1 + (size_t)_i * 4;
    choose(&lab, n_good);
    double sum = 0;
    bool is_there[TRIALS_MAX] = {false};
    for (size_t i = 0; i < lab.n; i++) {
        ck_assert(!is_there[lab.order[i]]);
        is_there[lab.order[i]] = true;
    }
    for (size_t i = 0; i < n_good; i++) {
        ck_assert(lab.weights[i] > 0);
        sum += lab.weights[i];
    }
    ck_assert_double_eq_tol(sum, (double)n_good, 1e-6);
    study_def_destroy(lab.study);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("good_trials");
    TCase *tcase = tcase_create("good trials");

    json_start();
    tcase_add_test(tcase, of_the_last_front_those_are_good_that_contribute_most);
    tcase_add_test(tcase, feasible_ones_are_good_before_better_ones);
    tcase_add_loop_test(tcase, the_order_holds_every_trial, 0, 6);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
