/* nsga2: the order of trials under constrained domination, the variation, and whole searches. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/json.h"
#include "server/strategy/nsga2/variation.h"
#include "server/strategy/population.h"
#include "server/strategy/strategy.h"
#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

enum { TRIALS_MAX = 600, PARAMS = 4 };

/* A study of two objectives with trials; `f2` is bounded where the study says so. */
struct lab {
    struct study_def *study;
    size_t n;
    struct observation items[TRIALS_MAX];
    double x[TRIALS_MAX][PARAMS];
    double values[TRIALS_MAX][2];
    double bounded[TRIALS_MAX];
};

static void lab_open(struct lab *lab, const char *more)
{
    struct faults faults = {0};
    char text[900];

    *lab = (struct lab){0};
    (void)snprintf(text, sizeof text,
                   "{\"name\": \"t\", \"objectives\": [{\"metric\": \"f1\", \"direction\": "
                   "\"minimize\"}, {\"metric\": \"f2\", \"direction\": \"minimize\"}], "
                   "\"strategy\": \"nsga2\", \"parameters\": ["
                   "{\"name\": \"a\", \"type\": \"float\", \"low\": 0, \"high\": 1}, "
                   "{\"name\": \"b\", \"type\": \"float\", \"low\": 0, \"high\": 1}, "
                   "{\"name\": \"c\", \"type\": \"float\", \"low\": 0, \"high\": 1}, "
                   "{\"name\": \"d\", \"type\": \"float\", \"low\": 0, \"high\": 1}]%s}",
                   more);
    json_auto_t *body = json_loads(text, 0, NULL);
    ck_assert_int_eq(study_def_from_json(body, 5, &lab->study, &faults), 0);
}

static struct observation *add(struct lab *lab, enum observation_kind kind, double f1, double f2)
{
    size_t i = lab->n++;

    ck_assert_uint_lt(i, TRIALS_MAX);
    lab->values[i][0] = f1;
    lab->values[i][1] = f2;
    lab->bounded[i] = f2;
    lab->items[i] = (struct observation){.number = (int64_t)i + 1,
                                         .ordinal = i + 1,
                                         .kind = kind,
                                         .config = lab->x[i],
                                         .n_values = 2,
                                         .values = lab->values[i],
                                         .n_bounded = lab->study->n_bounds,
                                         .bounded = &lab->bounded[i]};
    return &lab->items[i];
}

/* order ← the numbers of the trials, best first; returns how many. */
static size_t sort(struct lab *lab, int64_t order[])
{
    const struct history seen = {.n = lab->n, .items = lab->items};
    struct study_data data;
    struct objective_costs costs;
    size_t items[TRIALS_MAX];
    struct err err = {0};

    ck_assert_int_eq(study_data_init(&data, lab->study, &seen, &err), 0);
    ck_assert_int_eq(objective_costs_init(&costs, &data, &err), 0);
    size_t n = costs.n;
    for (size_t i = 0; i < n; i++) {
        items[i] = i;
    }
    ck_assert_int_eq(objective_costs_sort(&costs, n, items, &err), 0);
    for (size_t i = 0; i < n; i++) {
        order[i] = data.evaluations.done_observed[costs.done[items[i]]]->number;
    }
    objective_costs_finish(&costs);
    study_data_finish(&data);
    return n;
}

/* Fronts {1, 2, 3, 6}, {4}, {5}, with crowding inf, 1.125, inf and 1.1667 in the
 * first. */
START_TEST(fronts_come_in_order_and_the_lonely_first)
{
    static const double points[][2] = {{1, 5}, {2, 3}, {4, 1}, {3, 4}, {5, 5}, {2.5, 2.5}};
    static const int64_t expected[] = {1, 3, 6, 2, 4, 5};
    struct lab lab;
    int64_t order[TRIALS_MAX];

    lab_open(&lab, "");
    for (size_t i = 0; i < 6; i++) {
        add(&lab, OBSERVED_COMPLETED, points[i][0], points[i][1]);
    }
    add(&lab, OBSERVED_FAILED, 0, 0);
    add(&lab, OBSERVED_COMPLETED, 0, (double)INFINITY); /* no finite value of each objective */
    ck_assert_uint_eq(sort(&lab, order), 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert_msg(order[i] == expected[i], "place %zu has trial %d", i, (int)order[i]);
    }
    study_def_destroy(lab.study);
}
END_TEST

START_TEST(feasible_ones_come_first_then_those_nearest_to_the_bound)
{
    struct lab lab;
    int64_t order[TRIALS_MAX];

    lab_open(&lab, ", \"subject_to\": [\"f2 <= 2\"]");
    add(&lab, OBSERVED_COMPLETED, 0, 5); /* on the front, and violates most */
    add(&lab, OBSERVED_COMPLETED, 1, 3);
    add(&lab, OBSERVED_COMPLETED, 9, 2);
    add(&lab, OBSERVED_COMPLETED, 9, 1);
    ck_assert_uint_eq(sort(&lab, order), 4);
    ck_assert_int_eq(order[0], 4);
    ck_assert_int_eq(order[1], 3);
    ck_assert_int_eq(order[2], 2);
    ck_assert_int_eq(order[3], 1);
    study_def_destroy(lab.study);
}
END_TEST

START_TEST(pruned_ones_come_last_the_longest_trained_first)
{
    struct lab lab;
    int64_t order[TRIALS_MAX];

    lab_open(&lab, "");
    add(&lab, OBSERVED_PRUNED, 0, 0)->step = 3;
    add(&lab, OBSERVED_PRUNED, 1, 1)->step = 9;
    add(&lab, OBSERVED_COMPLETED, 8, 8);
    ck_assert_uint_eq(sort(&lab, order), 3);
    ck_assert_int_eq(order[0], 3);
    ck_assert_int_eq(order[1], 2);
    ck_assert_int_eq(order[2], 1);
    study_def_destroy(lab.study);
}
END_TEST

/* ---- variation ------------------------------------------------------------------------------- */

START_TEST(children_stay_in_the_space_and_resemble_their_parents)
{
    OWN(space)
    struct space *space = space_or_abort(
        "[{'name':'kind','type':'categorical','choices':['a','b']},"
        "{'name':'x','type':'float','low':1e-4,'high':1,'scale':'log','when':{'kind':['a']}},"
        "{'name':'n','type':'int','low':1,'high':9,'when':{'kind':['b']}},"
        "{'name':'y','type':'float','low':-1,'high':1},"
        "{'name':'fixed','type':'constant','value':3}]",
        NULL);
    OWN(encoding) struct encoding encoding = {0};
    struct rng rng = rng_for(3, 1);
    struct err err = {0};
    double a[] = {0, 0.01, NAN, 0.5, 0};
    double b[] = {1, NAN, 7, -0.5, 0};
    int kept = 0;

    ck_assert_int_eq(encoding_init(&encoding, space, &err), 0);
    for (int i = 0; i < 2000; i++) {
        double u[5], scratch[5], config[5];
        struct variation made = variation_breed(&encoding, a, b, &rng, scratch, u);
        space_decode(space, u, config);
        ck_assert(space_is_legal(space, config));
        ck_assert(!isnan(config[0] == 0 ? config[1] : config[2]));
        kept += (fabs(config[3] - 0.5) < 1e-9 || fabs(config[3] + 0.5) < 1e-9);
        ck_assert(made.n_mutated <= 4);
    }
    ck_assert_int_gt(kept, 1200); /* one mutation a child is to be expected, of four parameters */
    ck_assert_int_lt(kept, 1800);
}
END_TEST

/* ---- searches -------------------------------------------------------------------------------- */

/* ZDT1 with its optimum moved to b, c, d = 0.3. */
static void zdt1(const double x[], double values[])
{
    double g = 1 + 3 * (fabs(x[1] - 0.3) + fabs(x[2] - 0.3) + fabs(x[3] - 0.3));

    values[0] = x[0];
    values[1] = g * (1 - sqrt(x[0] / g));
}

static void suggest(const struct lab *lab, const struct history *seen, uint64_t ordinal, double x[])
{
    struct suggestion made = {.config = x};
    struct err err = {0};

    ck_assert_int_eq(strategy_find("nsga2")->suggest(lab->study, seen, ordinal, &made, &err), 0);
    ck_assert(space_is_legal(lab->study->space, x));
    free(made.explain);
}

static void search(struct lab *lab, size_t n)
{
    while (lab->n < n) {
        const struct history seen = {.n = lab->n, .items = lab->items};
        size_t i = lab->n;
        double values[2];
        suggest(lab, &seen, i + 1, lab->x[i]);
        zdt1(lab->x[i], values);
        add(lab, OBSERVED_COMPLETED, values[0], values[1]);
    }
}

START_TEST(a_search_comes_near_the_front)
{
    struct lab lab;
    double first = 0;
    double last = 0;

    lab_open(&lab, "");
    search(&lab, 400);
    for (size_t i = 0; i < 16; i++) { /* how far from the front: g - 1, on average */
        const double *x = lab.x[i];
        const double *y = lab.x[lab.n - 1 - i];
        first += (fabs(x[1] - 0.3) + fabs(x[2] - 0.3) + fabs(x[3] - 0.3)) / 16;
        last += (fabs(y[1] - 0.3) + fabs(y[2] - 0.3) + fabs(y[3] - 0.3)) / 16;
    }
    ck_assert_msg(last < first / 3, "%g, at first %g", last, first);
    study_def_destroy(lab.study);
}
END_TEST

START_TEST(the_order_of_arrival_changes_nothing)
{
    struct lab lab;
    struct observation mixed[100];
    double x[PARAMS];
    double y[PARAMS];

    lab_open(&lab, "");
    search(&lab, 100);
    for (size_t i = 0; i < 100; i++) {
        mixed[i] = lab.items[(i * 37 + 11) % 100];
    }
    for (uint64_t ordinal = 101; ordinal < 117; ordinal++) { /* sixteen workers ask at once */
        suggest(&lab, &(const struct history){.n = 100, .items = lab.items}, ordinal, x);
        suggest(&lab, &(const struct history){.n = 100, .items = mixed}, ordinal, y);
        for (size_t i = 0; i < PARAMS; i++) {
            ck_assert(x[i] == y[i]);
        }
    }
    study_def_destroy(lab.study);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nsga2");
    TCase *ranks = tcase_create("order");
    TCase *searches = tcase_create("searches");

    tcase_add_test(ranks, fronts_come_in_order_and_the_lonely_first);
    tcase_add_test(ranks, feasible_ones_come_first_then_those_nearest_to_the_bound);
    tcase_add_test(ranks, pruned_ones_come_last_the_longest_trained_first);
    tcase_add_test(searches, children_stay_in_the_space_and_resemble_their_parents);
    tcase_add_test(searches, a_search_comes_near_the_front);
    tcase_add_test(searches, the_order_of_arrival_changes_nothing);
    tcase_set_timeout(searches, 60);
    suite_add_tcase(suite, ranks);
    suite_add_tcase(suite, searches);
    return run_suite(suite);
}
