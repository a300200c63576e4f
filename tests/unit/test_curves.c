#include "server/model/curves.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/schedule/tables.h"
#include "server/strategy/gp/forecast.h"
#include "server/strategy/strategy.h"
#include "tests/support/run_suite.h"

START_TEST(levels_go_down_by_the_root_of_eta)
{
    static const struct {
        int64_t high, low;
        double eta;
        size_t n;
        int64_t levels[6];
    } cases[] = {{52, 1, 3, 5, {6, 10, 17, 30, 52}},
                 {81, 1, 3, 5, {9, 16, 27, 47, 81}},
                 {9, 1, 3, 5, {1, 2, 3, 5, 9}},
                 {1, 1, 3, 1, {1}},
                 {1000, 1, 4, 4, {125, 250, 500, 1000}}};
    int64_t levels[CURVE_LEVELS_MAX];

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = curve_levels(cases[i].low, cases[i].high, 1, cases[i].eta, levels);
        ck_assert_uint_eq(n, cases[i].n);
        ck_assert_mem_eq(levels, cases[i].levels, n * sizeof *levels);
    }
}
END_TEST

/* The schedule decides at these levels and counts them in integers; the model counts in doubles. */
START_TEST(schedule_has_the_same_levels)
{
    int64_t levels[CURVE_LEVELS_MAX];

    for (int64_t high = 1; high <= 2000; high++) {
        struct table_input input = {.min = 1, .max = high, .step = 1 + high % 3, .eta = {3, 1}};
        struct bracket_plan plan;
        input.step = input.step > high ? 1 : input.step;
        tables_half_levels(&input, &plan);
        ck_assert_uint_eq(curve_levels(1, high, input.step, 3, levels), plan.n);
        for (size_t i = 0; i < plan.n; i++) {
            ck_assert_int_eq(levels[i], plan.rungs[i].level);
        }
    }
}
END_TEST

/* Computed apart, by the formulas of the header in numpy (matrices instead of sums). */
START_TEST(unfinished_curves_are_carried_to_the_end)
{
    const double value[] = {.9,  .7,  .6, .8,  .75, .72, .5,  .4,  .35, .6, .5,
                            NAN, 1.2, .9, NAN, .55, NAN, NAN, .95, NAN, NAN};
    const double before[] = {1.2, 1.0, .9, .65, NAN, .6, NAN};
    const double unknown[] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    static const double want[][4] = {
        {.6, 0, .6, 0},
        {.72, 0, .72, 0},
        {.35, 0, .35, 0},
        {.444098588911286, .00487476074353125, .444098588911286, .00487476074353125},
        {.807935483051808, .0102868040210563, .807935483051808, .0102868040210563},
        {.439183358653275, .0155288850590271, .416631121814336, .0135360670142432},
        {.6848004970774, .0130532683763133, .685072229939588, .0131329415598101}};
    double end[7], var[7];

    ck_assert_int_eq(curves_extrapolate(3, 7, value, before, end, var, NULL), 0);
    for (size_t i = 0; i < 7; i++) {
        ck_assert_double_eq_tol(end[i], want[i][0], 1e-13);
        ck_assert_double_eq_tol(var[i], want[i][1], 1e-14);
    }
    ck_assert_int_eq(curves_extrapolate(3, 7, value, unknown, end, var, NULL), 0);
    for (size_t i = 0; i < 7; i++) {
        ck_assert_double_eq_tol(end[i], want[i][2], 1e-13);
        ck_assert_double_eq_tol(var[i], want[i][3], 1e-14);
    }
}
END_TEST

/* Four similar curves went on. How one that begins like them ends is known; of one that begins
 * worse it is less so, as it may cross them; one that is far away is out of reach. */
START_TEST(a_curve_unlike_those_that_went_on_is_uncertain)
{
    double value[] = {.30, .25, .24, .31, .26, .25, .32, .28, .27, .33, .27,
                      .26, .30, NAN, NAN, .34, NAN, NAN, .4,  NAN, NAN};
    const double unknown[] = {NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    double end[7], var[7];

    ck_assert_int_eq(curves_extrapolate(3, 7, value, unknown, end, var, NULL), 0);
    ck_assert_double_eq_tol(end[4], .242186746987952, 1e-13);
    ck_assert_double_eq_tol(var[4], .000103657584288312, 1e-14);
    ck_assert_double_eq_tol(end[6], .32760843373494, 1e-13);
    ck_assert_double_eq_tol(var[6], .000718079383139363, 1e-14);
    value[18] = 5;
    ck_assert_int_eq(curves_extrapolate(3, 7, value, unknown, end, var, NULL), 0);
    ck_assert_double_eq_tol(end[6], 4.25700602409639, 1e-13);
    ck_assert_double_eq_tol(var[6], .000904321114029154, 1e-14);
}
END_TEST

/* Curves a + b/step that start alike and differ in what they still gain: the last gain tells it. */
START_TEST(the_last_gain_tells_curves_apart_that_cross)
{
    enum { CURVES = 12, LEVELS = 4 };
    static const double steps[LEVELS] = {2, 4, 8, 16};
    double value[CURVES * LEVELS], before[CURVES], end[CURVES], var[CURVES];

    for (size_t i = 0; i < CURVES; i++) {
        double b = .2 + .1 * (double)i; /* all are at about 1 at step 2 */
        double a = 1.0 - .5 * b + .001 * (double)(i % 3);
        for (size_t k = 0; k < LEVELS; k++) {
            bool is_known = i % 2 == 0 || k == 0;
            value[i * LEVELS + k] = is_known ? a + b / steps[k] : (double)NAN;
        }
        before[i] = a + b;
    }
    ck_assert_int_eq(curves_extrapolate(LEVELS, CURVES, value, before, end, var, NULL), 0);
    for (size_t i = 1; i < CURVES; i += 2) {
        double b = .2 + .1 * (double)i;
        double truth = 1.0 - .5 * b + .001 * (double)(i % 3) + b / 16;
        ck_assert_msg(fabs(end[i] - truth) < .03, "%g for %g", end[i], truth);
        ck_assert_msg(fabs(end[i] - truth) < 2 * sqrt(var[i]), "%g ± %g", end[i], sqrt(var[i]));
    }
}
END_TEST

START_TEST(the_level_below_is_one_that_can_be_measured)
{
    ck_assert_int_eq(curve_level_below(1, 6, 1, 3), 3);
    ck_assert_int_eq(curve_level_below(1, 3, 1, 3), 2);
    ck_assert_int_eq(curve_level_below(5, 6, 1, 3), 0);
    ck_assert_int_eq(curve_level_below(1, 1, 1, 3), 0);
    ck_assert_int_eq(curve_level_below(100, 600, 100, 3), 300);
}
END_TEST

START_TEST(nothing_is_carried_from_nothing)
{
    const double none[] = {NAN, NAN};
    const double equal[] = {1, 1, 1, NAN};
    double end[2], var[2];

    ck_assert_int_eq(curves_extrapolate(2, 1, none, none, end, var, NULL), 0);
    ck_assert(isnan(end[0]));
    ck_assert_int_eq(curves_extrapolate(2, 2, equal, none, end, var, NULL), 0);
    ck_assert_double_eq_tol(end[1], 1, 1e-9);
    ck_assert(var[1] < 1e-20);
}
END_TEST

/* n trials of a on curves a + 1/step up to 9; the last one runs and has come to `steps`. */
enum { N = 12 };

static void forecast_for(double a, int64_t steps, size_t n, struct forecast *forecast)
{
    struct faults faults = {0};
    OWN(study_def) struct study_def *study = NULL;
    static double x[N];
    static struct curve_point curve[N][9];
    struct observation items[N];
    json_auto_t *body = json_loads(
        "{\"name\":\"t\",\"metric\":\"y\",\"direction\":\"minimize\",\"strategy\":\"random\","
        "\"resource\":{\"name\":\"e\",\"min\":1,\"max\":9},"
        "\"parameters\":[{\"name\":\"a\",\"type\":\"float\",\"low\":0,\"high\":1}]}",
        0, NULL);

    ck_assert_int_eq(study_def_from_json(body, 1, &study, &faults), 0);
    for (size_t i = 0; i < n; i++) {
        bool runs = i + 1 == n;
        x[i] = runs ? a : .2 + .06 * (double)i;
        int64_t last = runs ? steps : i % 3 == 2 ? 3 : 9;
        for (int64_t s = 0; s < last; s++) {
            curve[i][s] = (struct curve_point){s + 1, x[i] + 1.0 / (double)(s + 1)};
        }
        items[i] = (struct observation){.number = (int64_t)i + 1,
                                        .kind = runs        ? OBSERVED_PENDING
                                                : last == 9 ? OBSERVED_COMPLETED
                                                            : OBSERVED_PRUNED,
                                        .config = &x[i],
                                        .n_values = runs ? 0 : 1,
                                        .values = &curve[i][last - 1].value,
                                        .step = last,
                                        .n_curve = (size_t)last,
                                        .curve = curve[i]};
    }
    struct history seen = {.n = n, .items = items};
    ck_assert_int_eq(strategy_forecast(study, &seen, (int64_t)n, forecast, NULL), 0);
    free(forecast->fit);
}

START_TEST(good_curves_have_a_chance_and_bad_ones_none)
{
    struct forecast good, bad, far;

    forecast_for(.05, 3, N, &good);
    forecast_for(.9, 3, N, &bad);
    forecast_for(.05, 5, N, &far);
    ck_assert(good.known && bad.known);
    ck_assert_msg(good.chance > .5, "%g", good.chance);
    ck_assert_msg(bad.chance < .05, "%g", bad.chance);
    ck_assert_double_eq_tol(good.incumbent, .2 + 1.0 / 9, 1e-9);
    ck_assert(fabs(far.mean - (.05 + 1.0 / 9)) < .1);
}
END_TEST

/* Hundreds of bad curves that were stopped early, none below `low`, a few that ran through, and one
 * that runs, among the bad by its configuration: `start` is its value at step 3. */
enum { MANY = 460 };

static void forecast_among_many(size_t n_whole, double low, double start, struct forecast *forecast)
{
    struct faults faults = {0};
    OWN(study_def) struct study_def *study = NULL;
    static double x[MANY];
    static struct curve_point curve[MANY][9];
    static struct observation items[MANY];
    json_auto_t *body = json_loads(
        "{\"name\":\"t\",\"metric\":\"y\",\"direction\":\"minimize\",\"strategy\":\"random\","
        "\"resource\":{\"name\":\"e\",\"min\":1,\"max\":9},"
        "\"parameters\":[{\"name\":\"a\",\"type\":\"float\",\"low\":0,\"high\":1}]}",
        0, NULL);

    ck_assert_int_eq(study_def_from_json(body, 1, &study, &faults), 0);
    for (size_t i = 0; i < MANY; i++) {
        bool runs = i + 1 == MANY;
        size_t last = i < n_whole ? 9 : 3;
        double level =
            i < n_whole ? 1 + .1 * (double)i : low + 4 + 4 * sin(40.0 * (double)i / MANY);
        x[i] = i < n_whole ? .01 * (double)i : (double)i / MANY;
        for (size_t s = 0; s < last; s++) {
            curve[i][s] = (struct curve_point){(int64_t)s + 1, runs ? start : level};
        }
        items[i] = (struct observation){.number = (int64_t)i + 1,
                                        .kind = runs          ? OBSERVED_PENDING
                                                : i < n_whole ? OBSERVED_COMPLETED
                                                              : OBSERVED_PRUNED,
                                        .config = &x[i],
                                        .n_values = runs ? 0 : 1,
                                        .values = &curve[i][last - 1].value,
                                        .step = (int64_t)last,
                                        .n_curve = last,
                                        .curve = curve[i]};
    }
    struct history seen = {.n = MANY, .items = items};
    ck_assert_int_eq(strategy_forecast(study, &seen, MANY, forecast, NULL), 0);
    free(forecast->fit);
}

START_TEST(a_curve_that_leads_is_not_taken_for_noise)
{
    struct forecast leads, lags;

    forecast_among_many(3, 1, .5, &leads);
    forecast_among_many(3, 1, 9.5, &lags);
    ck_assert(leads.known && lags.known);
    ck_assert_double_eq_tol(leads.incumbent, 1, 1e-9);
    ck_assert_msg(leads.chance > .5, "%g", leads.chance);
    ck_assert_msg(lags.chance < .05, "%g", lags.chance);
}
END_TEST

/* Behind the incumbent, and ahead of the ten that were stopped last, which are near 11. */
START_TEST(after_many_stops_the_one_ahead_has_the_benefit_of_the_doubt)
{
    struct forecast ahead, among;

    forecast_among_many(3, 3, 2, &ahead);
    forecast_among_many(3, 3, 12, &among);
    ck_assert(ahead.known && among.known);
    ck_assert_msg(ahead.mean > ahead.incumbent, "%g", ahead.mean);
    ck_assert_msg(ahead.chance >= .5, "%g", ahead.chance);
    ck_assert_msg(among.chance < .5, "%g", among.chance);
}
END_TEST

/* A rank decides while one has run through, and stops as many. */
START_TEST(a_rank_that_stops_everything_is_doubted_too)
{
    struct forecast ahead, among, none;

    forecast_among_many(1, 3, 2, &ahead);
    forecast_among_many(1, 3, 12, &among);
    forecast_among_many(0, 3, 2, &none);
    ck_assert(ahead.known && !among.known && !none.known);
    ck_assert_msg(ahead.chance >= .5, "%g", ahead.chance);
}
END_TEST

/* Four complete trials show a minimum around .8, where twenty others were begun and stopped, far
 * worse. */
enum { WHOLE = 4, BEGUN = 20 };

START_TEST(no_trial_is_begun_beside_those_that_were_stopped)
{
    struct faults faults = {0};
    OWN(study_def) struct study_def *study = NULL;
    static const double whole[WHOLE] = {.3, .5, .65, .95};
    static double x[WHOLE + BEGUN];
    static struct curve_point curve[WHOLE + BEGUN][9];
    static struct observation items[WHOLE + BEGUN];
    struct history seen = {.n = WHOLE + BEGUN, .items = items};
    json_auto_t *body = json_loads(
        "{\"name\":\"t\",\"metric\":\"y\",\"direction\":\"minimize\","
        "\"strategy\":{\"name\":\"asha\",\"mode\":\"predictive\",\"search\":\"bayesian\"},"
        "\"resource\":{\"name\":\"e\",\"min\":1,\"max\":9},"
        "\"parameters\":[{\"name\":\"a\",\"type\":\"float\",\"low\":0,\"high\":1}]}",
        0, NULL);

    ck_assert_int_eq(study_def_from_json(body, 1, &study, &faults), 0);
    for (size_t i = 0; i < WHOLE + BEGUN; i++) {
        bool is_whole = i < WHOLE;
        size_t last = is_whole ? 9 : 3;
        x[i] = is_whole ? whole[i] : .8 + 1e-6 * (double)i;
        double end = 4 * (x[i] - .8) * (x[i] - .8) + (is_whole ? 0 : 1);
        for (size_t s = 0; s < last; s++) {
            curve[i][s] = (struct curve_point){(int64_t)s + 1, end + .5 / (double)(s + 1)};
        }
        items[i] = (struct observation){.number = (int64_t)i + 1,
                                        .kind = is_whole ? OBSERVED_COMPLETED : OBSERVED_PRUNED,
                                        .config = &x[i],
                                        .n_values = 1,
                                        .values = &curve[i][last - 1].value,
                                        .step = (int64_t)last,
                                        .n_curve = last,
                                        .curve = curve[i]};
    }
    for (uint64_t ordinal = 25; ordinal < 35; ordinal++) {
        double a = 0.0;
        struct suggestion made = {.config = &a};
        ck_assert_int_eq(strategy_find("bayesian")->suggest(study, &seen, ordinal, &made, NULL), 0);
        ck_assert_msg(fabs(a - .8) > .02, "%g", a);
        free(made.explain);
        free(made.fit);
    }
}
END_TEST

START_TEST(nothing_is_known_before_three_have_finished)
{
    struct forecast early;

    forecast_for(.5, 3, 3, &early); /* two finished and one running */
    ck_assert(!early.known);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("curves");
    TCase *tcase = tcase_create("curves");

    tcase_add_test(tcase, levels_go_down_by_the_root_of_eta);
    tcase_add_test(tcase, schedule_has_the_same_levels);
    tcase_add_test(tcase, unfinished_curves_are_carried_to_the_end);
    tcase_add_test(tcase, a_curve_unlike_those_that_went_on_is_uncertain);
    tcase_add_test(tcase, the_last_gain_tells_curves_apart_that_cross);
    tcase_add_test(tcase, the_level_below_is_one_that_can_be_measured);
    tcase_add_test(tcase, nothing_is_carried_from_nothing);
    tcase_add_test(tcase, good_curves_have_a_chance_and_bad_ones_none);
    tcase_add_test(tcase, a_curve_that_leads_is_not_taken_for_noise);
    tcase_add_test(tcase, after_many_stops_the_one_ahead_has_the_benefit_of_the_doubt);
    tcase_add_test(tcase, a_rank_that_stops_everything_is_doubted_too);
    tcase_add_test(tcase, no_trial_is_begun_beside_those_that_were_stopped);
    tcase_add_test(tcase, nothing_is_known_before_three_have_finished);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
