/* The Pareto front, the trace and the comparable level, from rows made here: no store is opened. */
#include <check.h>
#include <math.h>
#include <string.h>

#include "server/analysis/comparable.h"
#include "server/analysis/pareto.h"
#include "server/analysis/slots_wanted.h"
#include "server/analysis/trace.h"
#include "tests/support/run_suite.h"

static struct trial_row completed(int64_t number, double value)
{
    return (struct trial_row){.id = trial_id(1, number),
                              .state = TRIAL_COMPLETED,
                              .n_values = isfinite(value) ? 1 : 0,
                              .values = {value},
                              .ended_seq = number};
}

/* ---- slots ---- */

static const struct slots_case {
    const char *what;
    struct limits limits;
    struct study_row row;
    int64_t wanted;
} slots_cases[] = {
    {"nothing is leased yet", {.trials = 20, .parallel = -1}, {0}, 20},
    {"no limit", {.trials = -1, .parallel = -1}, {0}, SLOTS_UNLIMITED},
    {"no limit but parallel", {.trials = -1, .parallel = 8}, {.counts = {[TRIAL_RUNNING] = 3}}, 8},
    {"some run, some are left",
     {.trials = 20, .parallel = -1},
     {.leased_trials = 15, .counts = {[TRIAL_RUNNING] = 4, [TRIAL_COMPLETED] = 11}},
     9},
    {"parallel is less than what is left",
     {.trials = 20, .parallel = 6},
     {.leased_trials = 15, .counts = {[TRIAL_RUNNING] = 4}},
     6},
    {"enqueued trials are counted once",
     {.trials = 20, .parallel = -1},
     {.leased_trials = 15, .counts = {[TRIAL_QUEUED] = 3}},
     5},
    {"all are handed out, two come again",
     {.trials = 20, .parallel = -1},
     {.leased_trials = 20, .counts = {[TRIAL_RUNNING] = 1, [TRIAL_QUEUED] = 2}},
     3},
    {"the space is used up",
     {.trials = -1, .parallel = -1},
     {.exhausted = true, .counts = {[TRIAL_RUNNING] = 2}},
     2},
    {"paused ones may be promoted",
     {.trials = 27, .parallel = -1},
     {.leased_trials = 27, .counts = {[TRIAL_PAUSED] = 27}},
     9},
    {"at least one asks",
     {.trials = 2, .parallel = -1},
     {.leased_trials = 2, .counts = {[TRIAL_PAUSED] = 2}},
     1},
    {"a rung waits for one that runs",
     {.trials = 27, .parallel = -1},
     {.leased_trials = 27, .counts = {[TRIAL_PAUSED] = 26, [TRIAL_RUNNING] = 1}},
     1},
    {"a paused study starts nothing",
     {.trials = 20, .parallel = -1},
     {.state = STUDY_PAUSED, .counts = {[TRIAL_RUNNING] = 2, [TRIAL_QUEUED] = 2}},
     2},
    {"a finished one", {.trials = 20, .parallel = -1}, {.state = STUDY_FINISHED}, 0},
    {"its target is reached",
     {.trials = 20, .parallel = -1},
     {.target_reached = true, .counts = {[TRIAL_RUNNING] = 1}},
     1},
};

START_TEST(slots_wanted_are_those_that_can_be_busy)
{
    const struct slots_case *c = &slots_cases[_i];
    struct study_def def = {.limits = c->limits};

    ck_assert_msg(slots_wanted(&def, &c->row) == c->wanted, "%s: %lld, wanted %lld", c->what,
                  (long long)slots_wanted(&def, &c->row), (long long)c->wanted);
}
END_TEST

/* ---- Pareto front ---- */

static const struct study_def two_objectives = {
    .n_objectives = 2,
    .objectives = {{.metric = "loss", .direction = DIRECTION_MINIMIZE},
                   {.metric = "speed", .direction = DIRECTION_MAXIMIZE}}};

static void add_pair(struct pareto_front *front, int64_t number, double loss, double speed)
{
    struct trial_row row = {.id = trial_id(1, number), .n_values = 2, .values = {loss, speed}};

    ck_assert_int_eq(pareto_front_add(front, &row, NULL), 0);
}

START_TEST(dominated_trials_leave_the_front_and_equal_ones_stay)
{
    OWN(pareto_front) struct pareto_front front;

    pareto_front_init(&front, &two_objectives);
    add_pair(&front, 1, 2, 1);
    add_pair(&front, 2, 1, 2); /* dominates trial 1 */
    add_pair(&front, 3, 3, 1); /* dominated */
    add_pair(&front, 4, 3, 5);
    add_pair(&front, 5, 1, 2); /* equal to trial 2 */
    add_pair(&front, 6, (double)NAN, 9);
    ck_assert_int_eq(pareto_front_reduce(&front, NULL), 0);
    ck_assert_uint_eq(front.n, 3);
    ck_assert_int_eq(front.numbers[0], 2);
    ck_assert_int_eq(front.numbers[1], 4);
    ck_assert_int_eq(front.numbers[2], 5);
}
END_TEST

/* More than there is room for at first: most leave on the way, or all stay. */
START_TEST(long_fronts_and_many_dominated_trials_are_told_apart)
{
    enum { TRIALS = 5000 };
    OWN(pareto_front) struct pareto_front stays;
    OWN(pareto_front) struct pareto_front leaves;

    pareto_front_init(&stays, &two_objectives);
    pareto_front_init(&leaves, &two_objectives);
    for (int64_t i = 1; i <= TRIALS; i++) {
        add_pair(&stays, i, (double)i, (double)i);
        add_pair(&leaves, i, (double)(i % 3000 == 0 ? 0 : TRIALS - i / 2), 1);
    }
    ck_assert_uint_lt(leaves.cap, 4096);
    ck_assert_int_eq(pareto_front_reduce(&stays, NULL), 0);
    ck_assert_int_eq(pareto_front_reduce(&leaves, NULL), 0);
    ck_assert_uint_eq(stays.n, TRIALS);
    for (int64_t i = 1; i <= TRIALS; i++) {
        ck_assert_int_eq(stays.numbers[i - 1], i);
    }
    ck_assert_uint_eq(leaves.n, 1);
    ck_assert_int_eq(leaves.numbers[0], 3000);
}
END_TEST

START_TEST(with_one_objective_the_front_is_the_best)
{
    static const struct study_def def = {.n_objectives = 1,
                                         .objectives = {{.direction = DIRECTION_MAXIMIZE}}};
    static const double values[] = {1, 3, 2, 3};
    OWN(pareto_front) struct pareto_front front;

    pareto_front_init(&front, &def);
    for (int i = 0; i < 4; i++) {
        struct trial_row row = completed(i + 1, values[i]);
        ck_assert_int_eq(pareto_front_add(&front, &row, NULL), 0);
    }
    ck_assert_int_eq(pareto_front_reduce(&front, NULL), 0);
    ck_assert_uint_eq(front.n, 2);
    ck_assert_int_eq(front.numbers[0], 2);
    ck_assert_int_eq(front.numbers[1], 4);
}
END_TEST

/* ---- trace ---- */

START_TEST(the_trace_is_in_order_of_ends_and_strictly_better)
{
    static const struct study_def def = {.n_objectives = 1,
                                         .objectives = {{.direction = DIRECTION_MINIMIZE}}};
    static const struct {
        int64_t number, ended_seq;
        double value;
    } trials[] = {{1, 9, 1}, {2, 5, 4}, {3, 6, 4}, {4, 7, 3}, {5, 8, (double)INFINITY}};
    OWN(trace) struct trace trace = {.def = &def};

    for (size_t i = 0; i < sizeof trials / sizeof trials[0]; i++) {
        struct trial_row row = completed(trials[i].number, trials[i].value);
        row.ended_seq = trials[i].ended_seq;
        ck_assert_int_eq(trace_add(&trace, &row, NULL), 0);
    }
    trace_keep_improvements(&trace);
    ck_assert_uint_eq(trace.n, 3);
    ck_assert_int_eq(trace.points[0].number, 2);
    ck_assert_int_eq(trace.points[1].number, 4);
    ck_assert_int_eq(trace.points[2].number, 1);
}
END_TEST

/* Trials with a latency that may be at most 5: too slow, within, not known, within and worse. */
static void add_bounded(int (*add)(void *to, struct trial_row *row, struct err *err), void *to)
{
    static const double latencies[] = {6, 5, (double)NAN, 1};

    for (int i = 0; i < 4; i++) {
        struct trial_row row = completed(i + 1, i == 3 ? 0.9 : 0.2 + 0.1 * i);
        row.ended_seq = i + 1;
        row.n_bounded = i == 2 ? 0 : 1;
        row.bounded[0] = latencies[i];
        ck_assert_int_eq(add(to, &row, NULL), 0);
    }
}

START_TEST(what_is_not_feasible_is_counted_and_improves_nothing)
{
    static const struct study_def def = {.n_objectives = 1,
                                         .objectives = {{.direction = DIRECTION_MINIMIZE}},
                                         .n_bounds = 1,
                                         .bounds = {{.metric = "latency", .limit = 5}}};
    OWN(trace) struct trace trace = {.def = &def};
    OWN(pareto_front) struct pareto_front front;

    add_bounded(trace_add, &trace);
    trace_keep_improvements(&trace);
    ck_assert_uint_eq(trace.n, 1);
    ck_assert_int_eq(trace.points[0].number, 2);
    ck_assert_int_eq(trace.points[0].n_ended, 2);
    pareto_front_init(&front, &def);
    add_bounded(pareto_front_add, &front);
    ck_assert_int_eq(pareto_front_reduce(&front, NULL), 0);
    ck_assert_uint_eq(front.n, 1);
    ck_assert_int_eq(front.numbers[0], 2);
}
END_TEST

START_TEST(what_violates_ranks_behind_all_that_is_feasible)
{
    const struct comparable_metric up = {.direction = DIRECTION_MAXIMIZE};
    const struct comparable_metric other = {.direction = DIRECTION_MAXIMIZE, .objective = -1};
    const struct comparable_point points[] = {
        {.violation = 0}, {.violation = 0.1}, {.violation = 9}, {.violation = (double)INFINITY}};
    double worst_feasible = comparable_rank_cost(&up, &points[0], -1e300);

    ck_assert_double_lt(comparable_rank_cost(&up, &points[0], 2), worst_feasible);
    ck_assert_double_lt(worst_feasible, COMPARABLE_VIOLATES);
    for (int i = 1; i < 4; i++) {
        double cost = comparable_rank_cost(&up, &points[i], 1e300);
        ck_assert_double_ge(cost, COMPARABLE_VIOLATES);
        ck_assert(isfinite(cost)
                  && (i == 1 || cost > comparable_rank_cost(&up, &points[i - 1], 5)));
        ck_assert_double_eq(comparable_rank_cost(&other, &points[i], 5), -5);
    }
}
END_TEST

START_TEST(the_trace_of_nothing_is_empty)
{
    OWN(trace) struct trace trace = {.def = &two_objectives};

    trace_keep_improvements(&trace);
    ck_assert_uint_eq(trace.n, 0);
}
END_TEST

/* ---- comparable level ---- */

static struct study_def resource_study(enum direction direction, enum fold fold)
{
    return (struct study_def){
        .n_objectives = 1,
        .objectives = {{.metric = "loss", .direction = direction, .fold = fold}},
        .has_resource = true,
        .resource_max = 9};
}

static void add_step(struct comparable *comparable, enum trial_state state, int64_t step)
{
    struct trial_row row = completed((int64_t)comparable->n + 1, 10.0 * (double)step);

    row.state = state;
    row.has_step = true;
    row.step = step;
    ck_assert_int_eq(comparable_add(comparable, &row, NULL), 0);
}

START_TEST(the_level_is_the_highest_that_half_have_reached)
{
    const struct study_def def = resource_study(DIRECTION_MINIMIZE, FOLD_LAST);
    struct comparable_metric metric;
    OWN(comparable) struct comparable comparable = {.def = &def, .metric = &metric};

    comparable_metric_init(&metric, &def, NULL);
    ck_assert_int_eq(comparable_choose_level(&comparable, NULL), 0);
    ck_assert_int_eq(comparable.level, 0);
    add_step(&comparable, TRIAL_PRUNED, 1);
    add_step(&comparable, TRIAL_PRUNED, 3);
    add_step(&comparable, TRIAL_PAUSED, 3);
    add_step(&comparable, TRIAL_COMPLETED, 2); /* stands at every later level */
    add_step(&comparable, TRIAL_PRUNED, 6);
    ck_assert_int_eq(comparable_choose_level(&comparable, NULL), 0);
    ck_assert_int_eq(comparable.level, 3);
}
END_TEST

START_TEST(the_value_at_the_level_is_known_asked_for_or_absent)
{
    const struct study_def def = resource_study(DIRECTION_MINIMIZE, FOLD_LAST);
    struct comparable_metric metric;
    OWN(comparable) struct comparable comparable = {.def = &def, .metric = &metric};
    double value;

    comparable_metric_init(&metric, &def, "loss");
    add_step(&comparable, TRIAL_PRUNED, 1);
    add_step(&comparable, TRIAL_PRUNED, 3);
    add_step(&comparable, TRIAL_COMPLETED, 2);
    add_step(&comparable, TRIAL_COMPLETED, 9);
    comparable.level = 3;
    ck_assert(!comparable_value(&comparable, &comparable.points[0], &value));
    ck_assert_double_nan(value);
    ck_assert(!comparable_value(&comparable, &comparable.points[1], &value));
    ck_assert_double_eq(value, 30);
    ck_assert(!comparable_value(&comparable, &comparable.points[2], &value));
    ck_assert_double_eq(value, 20);
    ck_assert(comparable_value(&comparable, &comparable.points[3], &value));
    ck_assert_double_nan(value);
}
END_TEST

static double folded(enum direction direction, enum fold fold)
{
    static const double curve[] = {5, 2, (double)NAN, 4, 1};
    const struct study_def def = resource_study(direction, fold);
    struct comparable_metric metric;
    const struct comparable comparable = {.def = &def, .metric = &metric, .level = 4};
    double value = (double)NAN;

    comparable_metric_init(&metric, &def, "loss");
    for (int i = 0; i < 5; i++) {
        comparable_fold(&comparable, i + 1, curve[i], &value);
    }
    return value;
}

START_TEST(measurements_are_folded_up_to_the_level)
{
    ck_assert_double_eq(folded(DIRECTION_MINIMIZE, FOLD_LAST), 4);
    ck_assert_double_eq(folded(DIRECTION_MINIMIZE, FOLD_BEST), 2);
    ck_assert_double_eq(folded(DIRECTION_MAXIMIZE, FOLD_BEST), 5);
}
END_TEST

START_TEST(a_metric_that_is_no_objective_is_read_from_the_row)
{
    static char metrics[] = "{\"loss\":1,\"heat\":7.5,\"far\":\"Infinity\"}";
    const struct study_def def = {.n_objectives = 1, .objectives = {{.metric = "loss"}}};
    struct comparable_metric metric;
    OWN(comparable) struct comparable comparable = {.def = &def, .metric = &metric};
    struct trial_row row = completed(1, 1);
    struct trial_row pruned = completed(2, 1);

    comparable_metric_init(&metric, &def, "heat");
    ck_assert_int_eq(metric.objective, -1);
    row.metrics = metrics;
    ck_assert_int_eq(comparable_add(&comparable, &row, NULL), 0);
    pruned.state = TRIAL_PRUNED; /* without a resource it cannot be compared */
    ck_assert_int_eq(comparable_add(&comparable, &pruned, NULL), 0);
    ck_assert_uint_eq(comparable.n, 1);
    ck_assert_double_eq(comparable.points[0].value, 7.5);
    double value = 0;
    ck_assert_int_eq(metrics_value(row.metrics, "far", &value, NULL), 0);
    ck_assert_double_eq(value, (double)INFINITY);
    ck_assert_int_eq(metrics_value(row.metrics, "none", &value, NULL), 0);
    ck_assert_double_nan(value);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("analysis");
    TCase *tcase = tcase_create("analysis");

    tcase_add_loop_test(tcase, slots_wanted_are_those_that_can_be_busy, 0,
                        sizeof slots_cases / sizeof slots_cases[0]);
    tcase_add_test(tcase, dominated_trials_leave_the_front_and_equal_ones_stay);
    tcase_add_test(tcase, long_fronts_and_many_dominated_trials_are_told_apart);
    tcase_add_test(tcase, with_one_objective_the_front_is_the_best);
    tcase_add_test(tcase, the_trace_is_in_order_of_ends_and_strictly_better);
    tcase_add_test(tcase, what_is_not_feasible_is_counted_and_improves_nothing);
    tcase_add_test(tcase, what_violates_ranks_behind_all_that_is_feasible);
    tcase_add_test(tcase, the_trace_of_nothing_is_empty);
    tcase_add_test(tcase, the_level_is_the_highest_that_half_have_reached);
    tcase_add_test(tcase, the_value_at_the_level_is_known_asked_for_or_absent);
    tcase_add_test(tcase, measurements_are_folded_up_to_the_level);
    tcase_add_test(tcase, a_metric_that_is_no_objective_is_read_from_the_row);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
