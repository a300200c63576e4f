/* Every allocation fails once while a report is written: it is whole, or memory is out. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/report/page.h"
#include "server/report/paper.h"
#include "tests/support/allocation.h"
#include "tests/support/run_suite.h"

static struct study_report report;
static struct study_row row;
static struct study_def *def;

/* Long names are cut, which takes memory of its own. */
static const char body[] =
    "{\"name\": \"s\", \"description\": \"a & b\", \"metric\": \"validation-loss-of-the-last-epoch-"
    "of-all-that-were-trained\", \"direction\": \"minimize\", \"strategy\": \"hyperband\", "
    "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 9}, \"parameters\": ["
    "{\"name\": \"learning-rate-of-the-optimiser-<b>\", \"type\": \"float\", \"low\": 0.001, "
    "\"high\": 1, \"scale\": \"log\"}, {\"name\": \"kind\", \"type\": \"categorical\", "
    "\"choices\": [\"a\", \"a-choice-with-a-long-name-that-is-cut\"]}]}";

static void make_def(void)
{
    json_error_t error;
    struct faults faults = {0};
    json_auto_t *value = json_loads(body, 0, &error);

    ck_assert_msg(value != NULL, "%s", error.text);
    ck_assert_int_eq(study_def_from_json(value, 7, &def, &faults), 0);
}

static void make_trial(size_t i)
{
    struct shown_trial *trial = &report.trials[i];

    *trial = (struct shown_trial){.number = (int64_t)i + 1,
                                  .state = i % 5 == 4 ? TRIAL_FAILED : TRIAL_COMPLETED,
                                  .n_values = i % 5 == 4 ? 0 : 1,
                                  .values = {1.0 / (double)(i + 1)},
                                  .has_step = true,
                                  .step = 9,
                                  .started_at_ms = 1000,
                                  .ended_at_ms = 2000,
                                  .ended_seq = (int64_t)i + 1};
    trial->config = calloc(2, sizeof *trial->config);
    ck_assert_ptr_nonnull(trial->config);
    trial->config[0] = 0.001 * (double)(i + 1);
    trial->config[1] = (double)(i % 2);
}

static void make_curve(void)
{
    struct err err = {0};

    report.curves = calloc(1, sizeof *report.curves);
    ck_assert_ptr_nonnull(report.curves);
    report.n_curves = 1;
    report.curves[0].trial = report.ranked[0];
    for (int64_t step = 1; step <= 9; step++) {
        ck_assert_int_eq(
            learning_points_add(&report.curves[0].points, 0, 1, step, 1.0 / (double)step, &err), 0);
    }
    learning_points_settle(&report.curves[0].points, 100);
}

static void make_report(void)
{
    struct err err = {0};

    make_def();
    report = (struct study_report){.version = "1", .def = def, .row = &row, .n_trials = 10};
    report.trace.def = def;
    report.trials = calloc(report.n_trials, sizeof *report.trials);
    report.shares = calloc(2, sizeof *report.shares);
    ck_assert(report.trials != NULL && report.shares != NULL);
    report.shares[1].share = 1;
    report.importance = (struct importance){.n = 8, .n_top = 1, .few = true};
    for (size_t i = 0; i < report.n_trials; i++) {
        struct trial_row trial = {.id = (int64_t)i + 1, .n_values = 1, .ended_seq = (int64_t)i + 1};
        make_trial(i);
        trial.values[0] = report.trials[i].values[0];
        ck_assert_int_eq(i % 5 == 4 ? 0 : trace_add(&report.trace, &trial, &err), 0);
    }
    trace_keep_improvements(&report.trace);
    ck_assert_int_eq(study_report_rank(&report, &err), 0);
    make_curve();
}

static int run_page(struct buf *out, struct err *err)
{
    return study_report_write(&report, out, err);
}

static int run_text(struct buf *out, struct err *err)
{
    return study_paper_write(&report, false, out, err);
}

static int run_latex(struct buf *out, struct err *err)
{
    return study_paper_write(&report, true, out, err);
}

START_TEST(a_report_is_whole_or_memory_is_out)
{
    make_report();
    ck_assert_uint_gt(allocation_fail_each("page", run_page), 50);
    ck_assert_uint_gt(allocation_fail_each("text", run_text), 20);
    ck_assert_uint_gt(allocation_fail_each("latex", run_latex), 20);
    study_report_finish(&report);
    study_def_destroy(def);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_report");
    TCase *tcase = tcase_create("every allocation");

    allocation_start();
    json_start();
    tcase_add_test(tcase, a_report_is_whole_or_memory_is_out);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
