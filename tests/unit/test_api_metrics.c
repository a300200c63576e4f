/* GET /metrics: the text format, what is counted, and that studies beyond 200 fold. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/metric_lines.h"
#include "server/api/metric_studies.h"
#include "server/api/metric_workers.h"
#include "tests/support/run_suite.h"
#include "tests/unit/api_fixture.h"

#define STUDY                                                                                      \
    "{\"name\": \"s\", \"metric\": \"a\\\\b\\\"c\", \"direction\": \"minimize\", "                 \
    "\"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}], "          \
    "\"strategy\": \"random\"}"

static void expect_line(const char *text, const char *line)
{
    char whole[300];

    (void)snprintf(whole, sizeof whole, "\n%s\n", line);
    ck_assert_msg(strstr(text, whole) != NULL, "no line %s in\n%s", line, text);
}

static const char *metrics(struct api_fixture *f)
{
    api_expect(f, 200, "GET", "/metrics", NULL);
    return buf_text(&f->last.body);
}

/* ---- the text format ---- */

START_TEST(values_of_labels_are_escaped)
{
    OWN(buf) struct buf out;
    const struct metric_labels labels = {{"study", "objective"}, {"a\\b", "say \"hi\"\nnow"}};

    buf_init(&out, 10000);
    metric_line(&out, "best_value", &labels, 0.1);
    ck_assert_str_eq(buf_text(&out), "hone_best_value{study=\"a\\\\b\",objective=\"say "
                                     "\\\"hi\\\"\\nnow\"} 0.1\n");
}
END_TEST

START_TEST(buckets_of_a_histogram_add_up)
{
    OWN(buf) struct buf out;
    const struct metric_labels labels = {{"code"}, {"200"}};
    struct histogram histogram = {0};

    buf_init(&out, 10000);
    histogram_add(&histogram, -5);
    histogram_add(&histogram, 500);
    histogram_add(&histogram, 501);
    histogram_add(&histogram, INT64_C(3600000000));
    metric_histogram(&out, "d", &labels, &histogram);
    buf_append(&out, "", 0);
    const char *text = buf_text(&out);
    ck_assert_ptr_eq(strstr(text, "hone_d_bucket{code=\"200\",le=\"0.0005\"} 2\n"), text);
    expect_line(text, "hone_d_bucket{code=\"200\",le=\"0.001\"} 3");
    expect_line(text, "hone_d_bucket{code=\"200\",le=\"60\"} 3");
    expect_line(text, "hone_d_bucket{code=\"200\",le=\"+Inf\"} 4");
    expect_line(text, "hone_d_sum{code=\"200\"} 3600.001001");
    expect_line(text, "hone_d_count{code=\"200\"} 4");
}
END_TEST

/* ---- studies ---- */

/* A view of n studies, of which all but the first are finished; ids from 1. */
static struct live_view *view_of(size_t n)
{
    struct live_view *view = calloc(1, sizeof *view);
    struct study_def *def = calloc(1, sizeof *def);

    ck_assert(view != NULL && def != NULL);
    def->n_objectives = 1;
    (void)strcpy(def->objectives[0].metric, "loss");
    struct shared_def *shared = shared_def_create(def);
    atomic_init(&view->holders, 1);
    view->studies = calloc(n, sizeof *view->studies);
    ck_assert(view->studies != NULL && shared != NULL);
    view->n_studies = n;
    for (size_t i = 0; i < n; i++) {
        struct live_study_view *study = &view->studies[i];
        study->id = (int64_t)i + 1;
        (void)snprintf(study->name, sizeof study->name, "s%zu", i + 1);
        study->def = shared_def_hold(shared);
        study->row.state = i == 0 ? STUDY_RUNNING : STUDY_FINISHED;
        study->row.counts[TRIAL_COMPLETED] = 10;
        study->row.best_trial = 1;
        study->row.best_value = 0.5;
        study->tally.finished[TRIAL_COMPLETED] = 2;
        study->tally.compute_ms[COMPUTE_KEPT] = 500;
        study->tally.last_report_ms = (int64_t)i + 1000;
    }
    shared_def_destroy(shared);
    return view;
}

START_TEST(studies_beyond_200_fold_and_no_running_one_does)
{
    struct live_view *view = view_of(METRIC_STUDIES_MAX + 50);
    OWN(buf) struct buf out;
    struct err err = {0};

    buf_init(&out, 1 << 20);
    ck_assert_int_eq(metric_studies(&out, view, &err), 0);
    const char *text = buf_text(&out);
    expect_line(text, "hone_trials{study=\"s1\",state=\"completed\"} 10");
    expect_line(text, "hone_trials{study=\"s250\",state=\"completed\"} 10");
    expect_line(text, "hone_trials{study=\"_other\",state=\"completed\"} 500");
    expect_line(text, "hone_trials_finished_total{study=\"_other\",outcome=\"completed\"} 100");
    expect_line(text, "hone_compute_seconds_total{study=\"_other\",fate=\"kept\"} 25");
    expect_line(text, "hone_last_report_timestamp_seconds{study=\"_other\"} 1.05");
    ck_assert_ptr_null(strstr(text, "study=\"s2\""));
    ck_assert_ptr_null(strstr(text, "hone_best_value{study=\"_other\""));
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, "\nhone_slots_wanted{")) != NULL; at++) {
        n++;
    }
    ck_assert_uint_eq(n, METRIC_STUDIES_MAX + 1);
    live_view_release(view);
}
END_TEST

START_TEST(without_a_study_the_heads_stay)
{
    struct live_view *view = view_of(1);
    OWN(buf) struct buf out;
    struct err err = {0};

    shared_def_destroy(view->studies[0].def);
    view->n_studies = 0;
    buf_init(&out, 1 << 20);
    ck_assert_int_eq(metric_studies(&out, view, &err), 0);
    expect_line(buf_text(&out), "# TYPE hone_trials gauge");
    ck_assert_ptr_null(strstr(buf_text(&out), "study="));
    live_view_release(view);
}
END_TEST

/* ---- what is counted ---- */

static void fail_trial(struct api_fixture *f)
{
    char path[100];

    api_expect(f, 201, "POST", "/v1/studies/s/leases", "{\"worker\": \"w1\"}");
    json_auto_t *grant = api_json(f);
    (void)snprintf(path, sizeof path, "/v1/leases/%s/result",
                   json_string_value(json_at(grant, "lease.id")));
    api_expect(f, 200, "PUT", path, "{\"outcome\": \"failed\", \"reason\": \"oom\"}");
}

static double value_of(const char *text, const char *series)
{
    const char *at = strstr(text, series);

    ck_assert_msg(at != NULL, "no %s in\n%s", series, text);
    return strtod(at + strlen(series), NULL);
}

START_TEST(results_suggestions_and_commits_are_counted)
{
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", STUDY);
    ck_assert_ptr_null(strstr(metrics(&f), "hone_best_value{"));
    fail_trial(&f);
    fail_trial(&f);
    const char *text = metrics(&f);
    expect_line(text, "hone_trials_finished_total{study=\"s\",outcome=\"failed\"} 2");
    expect_line(text, "hone_trials_finished_total{study=\"s\",outcome=\"completed\"} 0");
    expect_line(text, "hone_suggest_duration_seconds_count 2");
    ck_assert_double_gt(value_of(text, "\nhone_last_report_timestamp_seconds{study=\"s\"} "), 1e9);
    ck_assert_double_ge(value_of(text, "\nhone_db_commit_duration_seconds_count "), 5);
    expect_line(text, "hone_http_request_duration_seconds_count{route=\"PUT "
                      "/v1/leases/{lease}/result\",code=\"200\"} 2");
    expect_line(text, "hone_http_request_duration_seconds_count{route=\"POST "
                      "/v1/studies/{study}/leases\",code=\"201\"} 2");
    api_expect(&f, 404, "GET", "/nothing", NULL);
    expect_line(metrics(&f),
                "hone_http_request_duration_seconds_count{route=\"none\",code=\"404\"} "
                "1");
    api_fixture_stop(&f);
}
END_TEST

START_TEST(the_best_value_is_told_under_an_escaped_name)
{
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", STUDY);
    api_expect(&f, 201, "POST", "/v1/studies/s/trials",
               "{\"state\": \"completed\", \"parameters\": {\"x\": 0.5}, \"metrics\": "
               "{\"a\\\\b\\\"c\": 0.25}}");
    const char *text = metrics(&f);
    expect_line(text, "hone_best_value{study=\"s\",objective=\"a\\\\b\\\"c\"} 0.25");
    expect_line(text, "hone_trials{study=\"s\",state=\"completed\"} 1");
    api_fixture_stop(&f);
}
END_TEST

/* ---- workers ---- */

static void beat(struct api_fixture *f, const char *lease, const char *body)
{
    char path[100];

    (void)snprintf(path, sizeof path, "/v1/leases/%s", lease);
    api_expect(f, strstr(body, "1.5") == NULL ? 200 : 422, "PUT", path, body);
}

START_TEST(how_busy_gpus_are_is_told_while_a_trial_has_them)
{
    struct api_fixture f;

    api_fixture_start(&f);
    api_expect(&f, 201, "POST", "/v1/studies", STUDY);
    api_expect(&f, 201, "POST", "/v1/studies/s/leases", "{\"worker\": \"w1\"}");
    json_auto_t *grant = api_json(&f);
    const char *lease = json_string_value(json_at(grant, "lease.id"));
    ck_assert_ptr_null(strstr(metrics(&f), "\nhone_worker_gpu_utilization_ratio{"));
    beat(&f, lease, "{\"gpu_utilization\": 0.83}");
    beat(&f, lease, "{\"progress\": 0.5}"); /* says nothing of it */
    beat(&f, lease, "{\"gpu_utilization\": 1.5}");
    expect_line(metrics(&f), "hone_worker_gpu_utilization_ratio{worker=\"w1\"} 0.83");
    api_expect(&f, 200, "GET", "/v1/workers/w1", NULL);
    json_auto_t *worker = api_json(&f);
    ck_assert_double_eq(json_number_value(json_at(worker, "gpu_utilization")), 0.83);
    char path[100];
    (void)snprintf(path, sizeof path, "/v1/leases/%s/result", lease);
    api_expect(&f, 200, "PUT", path, "{\"outcome\": \"failed\", \"reason\": \"oom\"}");
    ck_assert_ptr_null(strstr(metrics(&f), "\nhone_worker_gpu_utilization_ratio{"));
    api_expect(&f, 201, "POST", "/v1/studies/s/leases", "{\"worker\": \"w1\"}");
    ck_assert_ptr_null(strstr(metrics(&f), "\nhone_worker_gpu_utilization_ratio{"));
    api_fixture_stop(&f);
}
END_TEST

START_TEST(workers_beyond_200_are_told_by_their_mean)
{
    struct live_view view = {.n_workers = METRIC_WORKERS_MAX + 3};
    OWN(buf) struct buf out;
    char line[100];

    view.workers = calloc(view.n_workers, sizeof *view.workers);
    ck_assert_ptr_nonnull(view.workers);
    for (size_t i = 0; i < view.n_workers; i++) {
        (void)snprintf(view.workers[i].name, sizeof view.workers[i].name, "w%zu", i);
        view.workers[i].state = "active";
        view.workers[i].gpu_utilization = i == 0                        ? (double)NAN
                                          : i <= METRIC_WORKERS_MAX     ? 1
                                          : i == METRIC_WORKERS_MAX + 1 ? 0.5
                                                                        : 0;
    }
    buf_init(&out, 1 << 20);
    metric_workers(&out, &view);
    const char *text = buf_text(&out);
    (void)snprintf(line, sizeof line, "hone_worker_gpu_utilization_ratio{worker=\"w%d\"} 1",
                   METRIC_WORKERS_MAX);
    expect_line(text, line);
    expect_line(text, "hone_worker_gpu_utilization_ratio{worker=\"_other\"} 0.25");
    ck_assert_ptr_null(strstr(text, "\"w0\""));
    ck_assert_ptr_null(strstr(text, "\"w201\""));
    free(view.workers);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("api_metrics");
    TCase *cases = tcase_create("metrics");

    json_start();
    tcase_add_test(cases, values_of_labels_are_escaped);
    tcase_add_test(cases, buckets_of_a_histogram_add_up);
    tcase_add_test(cases, studies_beyond_200_fold_and_no_running_one_does);
    tcase_add_test(cases, without_a_study_the_heads_stay);
    tcase_add_test(cases, results_suggestions_and_commits_are_counted);
    tcase_add_test(cases, the_best_value_is_told_under_an_escaped_name);
    tcase_add_test(cases, how_busy_gpus_are_is_told_while_a_trial_has_them);
    tcase_add_test(cases, workers_beyond_200_are_told_by_their_mean);
    suite_add_tcase(suite, cases);
    return run_suite(suite);
}
