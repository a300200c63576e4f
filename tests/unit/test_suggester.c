/* One study's suggestions without a store, a clock or a thread: which jobs go out, what their
 * snapshots hold, and which results are out of date. */
#include "server/suggester/suggester.h"
#include "server/suggester/untried.h"

#include <check.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

/* Suggests the share of finished trials and records what it was shown. */
static int suggest(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err)
{
    size_t finished = 0;

    (void)study;
    if (ordinal > 100) {
        return err_set(err, ERR_EXHAUSTED, "nothing is left");
    }
    for (size_t i = 0; i < seen->n; i++) {
        finished += seen->items[i].kind != OBSERVED_PENDING;
    }
    out->config[0] =
        100.0 * (double)ordinal + 10.0 * (double)finished + (double)(seen->n - finished);
    return 0;
}

static const struct strategy stub = {
    .name = "stub", .is_async = true, .needs_history = true, .suggest = suggest};

static struct shared_def *def;
static struct job_queue queue;
static struct suggester *suggester;

#define ONE_OBJECTIVE "'metric':'loss','direction':'minimize'"
#define TWO_OBJECTIVES                                                                             \
    "'objectives':[{'metric':'loss','direction':'minimize'},"                                      \
    "{'metric':'speed','direction':'maximize'}]"

static struct shared_def *make_def(const char *objectives, const char *serving)
{
    char text[500];
    struct study_def *made = NULL;
    struct faults faults = {0};

    (void)snprintf(text, sizeof text,
                   "{'name':'s',%s,'strategy':{'name':'bayesian','serving':'%s'},"
                   "'parameters':[{'name':'x','type':'float',"
                   "'low':0,'high':1}]}",
                   objectives, serving);
    json_auto_t *body = json_from_text(text);
    ck_assert_msg(study_def_from_json(body, 1, &made, &faults) == 0, "%s",
                  faults.n > 0 ? faults.items[0].detail : "");
    return shared_def_create(made);
}

/* 120,000 configurations before two constraints of so many terms. */
static uint64_t count_constrained(size_t n_terms)
{
    OWN(buf) struct buf text;
    struct study_def *made = NULL;
    struct faults faults = {0};

    buf_init(&text, 8192);
    buf_puts(&text, "{'name':'s'," ONE_OBJECTIVE
                    ",'strategy':'random','parameters':[{'name':'a','type':'int','low':1,"
                    "'high':300},{'name':'b','type':'int','low':1,'high':400}],'constraints':[");
    for (int k = 0; k < 2; k++) {
        buf_puts(&text, k == 0 ? "'b" : ",'b");
        for (size_t i = 1; i < n_terms; i++) {
            buf_puts(&text, "+a");
        }
        buf_puts(&text, ">1'");
    }
    buf_puts(&text, "]}");
    json_auto_t *body = json_from_text(buf_text(&text));
    ck_assert_msg(study_def_from_json(body, 1, &made, &faults) == 0, "%s",
                  faults.n > 0 ? faults.items[0].detail : "");
    uint64_t n = untried_count_all(made);
    study_def_destroy(made);
    return n;
}

/* It is done on the thread that writes. */
START_TEST(configurations_are_counted_where_that_does_not_take_long)
{
    ck_assert_uint_eq(count_constrained(1), 120000 - 300);
    ck_assert_uint_eq(count_constrained(200), UINT64_MAX);
}
END_TEST

static void start_with(const char *objectives, const char *serving)
{
    job_queue_init(&queue);
    def = make_def(objectives, serving);
    ck_assert_int_eq(suggester_create(7, def, &stub, &queue, &suggester, NULL), 0);
}

static void start(const char *serving)
{
    start_with(ONE_OBJECTIVE, serving);
}

static void setup(void)
{
    start("prepared");
}

static void teardown(void)
{
    suggester_destroy(suggester);
    job_queue_finish(&queue);
    shared_def_destroy(def);
}

static void request(uint64_t last_ordinal)
{
    const struct suggester_input input = {.def = def, .last_ordinal = last_ordinal};

    ck_assert_int_eq(suggester_request(suggester, &input, NULL), 0);
}

static void forecast(int64_t trial)
{
    const struct suggester_input input = {.def = def};

    ck_assert_int_eq(suggester_forecast(suggester, &input, trial, 1, NULL), 0);
}

static struct suggestion_job *run_next(void)
{
    struct suggestion_job *job = job_queue_take(&queue);

    ck_assert_ptr_nonnull(job);
    if (job->trial == 0) {
        suggestion_job_run(job, NULL);
    }
    return job;
}

/* Runs the job that is under way and keeps its suggestion. */
static void finish_next(void)
{
    struct suggestion_job *job = run_next();

    ck_assert(suggester_accept(suggester, job));
    ck_assert_int_eq(suggester_keep(suggester, job, NULL), 0);
    suggester_continue(suggester);
    suggestion_job_destroy(job);
}

static void observe(int64_t number, enum trial_state state)
{
    double x = 0.5;
    const struct learning_curve curve = {0};
    const struct trial_row row = {.id = trial_id(7, number),
                                  .state = state,
                                  .n_params = 1,
                                  .config = &x,
                                  .n_values = 1,
                                  .values = {1}};

    ck_assert_int_eq(suggester_observe(suggester, &row, &curve, NULL), 0);
}

static double take_value(uint64_t ordinal)
{
    struct prepared *prepared = suggester_take(suggester);

    ck_assert_ptr_nonnull(prepared);
    ck_assert_uint_eq(prepared->ordinal, ordinal);
    double value = prepared->out.config[0];
    prepared_destroy(prepared);
    return value;
}

START_TEST(a_job_sees_the_values_of_all_objectives)
{
    double x = 0.5;
    struct learning_curve curve = {0};
    struct trial_row row = {.id = trial_id(7, 1),
                            .state = TRIAL_COMPLETED,
                            .n_params = 1,
                            .config = &x,
                            .n_values = 2,
                            .values = {1, -2},
                            .n_bounded = 2,
                            .bounded = {(double)NAN, 7}};

    teardown();
    start_with(TWO_OBJECTIVES ", \"subject_to\": [\"a <= 1\", \"b <= 1\"]", "prepared");
    ck_assert_int_eq(suggester_observe(suggester, &row, &curve, NULL), 0);
    row.id = trial_id(7, 2);
    row.state = TRIAL_PAUSED;
    row.values[1] = 3;
    const struct open_trial open = {.row = &row, .curve = &curve};
    const struct suggester_input input = {.def = def, .n_open = 1, .open = &open};
    ck_assert_int_eq(suggester_request(suggester, &input, NULL), 0);
    row.values[1] = 9; /* the snapshot has its own */
    row.bounded[1] = 9;
    OWN(suggestion_job) struct suggestion_job *job = job_queue_take(&queue);
    ck_assert_uint_eq(job->snapshot.history.n, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct observation *seen = &job->snapshot.history.items[i];
        ck_assert_uint_eq(seen->n_values, 2);
        ck_assert_double_eq(observation_value(seen, 0), 1);
        ck_assert_double_eq(observation_value(seen, 1), i == 0 ? -2 : 3);
        ck_assert_double_nan(observation_value(seen, 2));
        ck_assert_double_nan(observation_bounded(seen, 0));
        ck_assert_double_eq(observation_bounded(seen, 1), 7);
        ck_assert_double_nan(observation_bounded(seen, 2));
    }
}
END_TEST

START_TEST(one_job_at_a_time_goes_out)
{
    request(0);
    request(0);
    struct suggestion_job *job = job_queue_take(&queue);
    ck_assert_ptr_nonnull(job);
    ck_assert_ptr_null(job_queue_take(&queue));
    ck_assert_uint_eq(suggester_reserved(suggester), 2);
    ck_assert(!suggester_is_idle(suggester));
    suggestion_job_run(job, NULL);
    ck_assert(suggester_accept(suggester, job));
    ck_assert_int_eq(suggester_keep(suggester, job, NULL), 0);
    suggester_continue(suggester);
    suggestion_job_destroy(job);
    finish_next();
    ck_assert(suggester_is_idle(suggester));
    ck_assert_uint_eq(suggester_n_prepared(suggester), 2);
}
END_TEST

START_TEST(a_later_job_sees_what_was_suggested_before_it)
{
    request(0);
    request(0); /* its snapshot is fixed before the first suggestion is made */
    finish_next();
    finish_next();
    ck_assert_double_eq(take_value(1), 100);
    ck_assert_double_eq(take_value(2), 201); /* one pending */
    ck_assert_ptr_null(suggester_take(suggester));
}
END_TEST

START_TEST(a_later_job_sees_what_was_handed_out_meanwhile)
{
    request(0);
    request(0);
    request(0);
    finish_next();
    ck_assert_double_eq(take_value(1), 100); /* becomes a trial while the third waits */
    finish_next();
    finish_next();
    ck_assert_double_eq(take_value(2), 201);
    ck_assert_double_eq(take_value(3), 302);
}
END_TEST

START_TEST(a_job_sees_open_trials_and_finished_ones)
{
    double x = 0.25;
    const struct learning_curve curve = {0};
    struct trial_row rows[2] = {{.id = trial_id(7, 3), .ordinal = 3, .n_params = 1, .config = &x},
                                {.id = trial_id(7, 4), .ordinal = 4, .n_params = 1, .config = &x}};
    const struct open_trial open[] = {{&rows[0], &curve, INT64_MAX}, {&rows[1], &curve, INT64_MAX}};
    const struct suggester_input input = {.def = def, .last_ordinal = 4, .n_open = 2, .open = open};

    observe(1, TRIAL_COMPLETED);
    observe(2, TRIAL_CANCELLED); /* says nothing about its configuration */
    ck_assert_int_eq(suggester_request(suggester, &input, NULL), 0);
    finish_next();
    ck_assert_double_eq(take_value(5), 500 + 10 + 2);
}
END_TEST

START_TEST(a_result_makes_prepared_suggestions_out_of_date)
{
    request(0);
    finish_next();
    request(0);
    struct suggestion_job *job = run_next();
    observe(1, TRIAL_COMPLETED);
    suggester_renew(suggester);
    ck_assert_uint_eq(suggester_reserved(suggester), 0);
    ck_assert(!suggester_accept(suggester, job)); /* it was made without that result */
    suggestion_job_destroy(job);
    request(0);
    finish_next();
    ck_assert_double_eq(take_value(1), 110);
}
END_TEST

START_TEST(a_forecast_outlives_that)
{
    request(0);
    forecast(9);
    forecast(10);
    struct suggestion_job *job = run_next();
    suggester_renew(suggester);
    ck_assert(!suggester_accept(suggester, job));
    suggestion_job_destroy(job);
    for (int64_t trial = 9; trial <= 10; trial++) {
        job = run_next();
        ck_assert_int_eq(job->trial, trial);
        ck_assert(suggester_accept(suggester, job));
        suggester_continue(suggester);
        suggestion_job_destroy(job);
    }
}
END_TEST

/* The jobs' trials in the order in which they go out, after a suggestion is under way. */
static void check_order(const int64_t trials[3])
{
    request(0);
    request(0);
    forecast(1);
    forecast(2);
    for (size_t i = 0; i < 4; i++) {
        struct suggestion_job *job = run_next();
        ck_assert_int_eq(job->trial, i == 0 ? 0 : trials[i - 1]);
        ck_assert(suggester_accept(suggester, job));
        suggester_continue(suggester);
        suggestion_job_destroy(job);
    }
}

START_TEST(forecasts_go_before_suggestions_that_are_only_prepared)
{
    check_order((const int64_t[]){1, 2, 0});
}
END_TEST

START_TEST(exact_serving_keeps_the_order_of_requests)
{
    teardown();
    start("exact");
    check_order((const int64_t[]){0, 1, 2});
}
END_TEST

START_TEST(a_job_of_a_suggester_that_is_gone_is_not_taken_by_the_next)
{
    request(0);
    struct suggestion_job *job = run_next();
    suggester_destroy(suggester);
    ck_assert_int_eq(suggester_create(7, def, &stub, &queue, &suggester, NULL), 0);
    ck_assert(!suggester_accept(suggester, job));
    suggestion_job_destroy(job);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("suggester");
    TCase *tcase = tcase_create("suggester");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, configurations_are_counted_where_that_does_not_take_long);
    tcase_add_test(tcase, a_job_sees_the_values_of_all_objectives);
    tcase_add_test(tcase, one_job_at_a_time_goes_out);
    tcase_add_test(tcase, a_later_job_sees_what_was_suggested_before_it);
    tcase_add_test(tcase, a_later_job_sees_what_was_handed_out_meanwhile);
    tcase_add_test(tcase, a_job_sees_open_trials_and_finished_ones);
    tcase_add_test(tcase, a_result_makes_prepared_suggestions_out_of_date);
    tcase_add_test(tcase, a_forecast_outlives_that);
    tcase_add_test(tcase, forecasts_go_before_suggestions_that_are_only_prepared);
    tcase_add_test(tcase, exact_serving_keeps_the_order_of_requests);
    tcase_add_test(tcase, a_job_of_a_suggester_that_is_gone_is_not_taken_by_the_next);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
