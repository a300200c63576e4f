/* The lanes of workers: which spans belong together, the gaps between them, and their reasons. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "common/buf.h"
#include "server/analysis/lanes.h"
#include "server/store/spans.h"
#include "tests/support/run_suite.h"

static struct span_row span(const char *worker, int64_t id, int64_t from_s, int64_t to_s)
{
    struct span_row row = {.attempt_id = id,
                           .started_at_ms = from_s * 1000,
                           .ended_at_ms = to_s * 1000,
                           .end = to_s == 0 ? ATTEMPT_LIVE : ATTEMPT_COMPLETED};

    (void)snprintf(row.worker, sizeof row.worker, "%s", worker);
    return row;
}

static const struct {
    const char *what;
    size_t n;
    struct {
        int64_t from_s, to_s;
    } spans[4];
    const char *gaps; /* at 100 s; "!": the last one */
} lanes[] = {
    {"nothing", 0, {{0, 0}}, ""},
    {"it runs", 1, {{10, 0}}, ""},
    {"it has ended", 1, {{10, 20}}, "20-100! "},
    {"it has ended just now", 1, {{10, 100}}, ""},
    {"a pause between two", 2, {{10, 20}, {30, 0}}, "20-30 "},
    {"one after the other", 2, {{10, 20}, {20, 0}}, ""},
    {"overlapping", 3, {{10, 50}, {20, 30}, {40, 60}}, "60-100! "},
    {"a short one within a long one", 3, {{10, 50}, {20, 30}, {70, 80}}, "50-70 80-100! "},
    {"one that runs beside others", 3, {{10, 0}, {20, 30}, {40, 50}}, ""},
    {"a clock that was set back", 2, {{50, 60}, {55, 40}}, "60-100! "},
};

START_TEST(gaps_are_where_nothing_runs)
{
    struct span_row spans[4];
    struct lane_walk walk = {.spans = spans, .n = lanes[_i].n, .now_ms = 100000};
    struct lane_gap gap;
    OWN(buf) struct buf text;

    for (size_t i = 0; i < lanes[_i].n; i++) {
        spans[i] = span("w", (int64_t)i, lanes[_i].spans[i].from_s, lanes[_i].spans[i].to_s);
    }
    buf_init(&text, 1000);
    while (lane_next_gap(&walk, &gap)) {
        buf_printf(&text, "%d-%d%s ", (int)(gap.from_ms / 1000), (int)(gap.to_ms / 1000),
                   gap.is_last ? "!" : "");
    }
    ck_assert_msg(strcmp(buf_text(&text), lanes[_i].gaps) == 0, "%s: %s", lanes[_i].what,
                  buf_text(&text));
}
END_TEST

START_TEST(spans_are_sorted_by_worker_and_time_and_stand_once)
{
    const struct span_row rows[] = {span("b", 7, 5, 6), span("a", 9, 8, 9), span("b", 2, 1, 0),
                                    span("a", 3, 2, 3), span("b", 2, 1, 0)};
    OWN(lanes) struct lanes sorted = {0};

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(lanes_add(&sorted, &rows[i], NULL), 0);
    }
    lanes_sort(&sorted);
    ck_assert_uint_eq(sorted.n, 4);
    ck_assert_uint_eq(lanes_length(&sorted, 0), 2);
    ck_assert_uint_eq(lanes_length(&sorted, 2), 2);
    ck_assert_int_eq(sorted.spans[0].attempt_id, 3);
    ck_assert_int_eq(sorted.spans[2].attempt_id, 2);
}
END_TEST

START_TEST(outages_explain_the_gaps_of_their_node)
{
    const struct event_row events[] = {
        {.kind = EVENT_WORKER_DRAINING, .at_ms = 10, .worker = "n1"},
        {.kind = EVENT_TRIAL_ENDED, .at_ms = 12},
        {.kind = EVENT_WORKER_QUARANTINED, .at_ms = 15, .worker = "n2"},
        {.kind = EVENT_WORKER_RESUMED, .at_ms = 20, .worker = "n1"},
        {.kind = EVENT_WORKER_DRAINING, .at_ms = 30, .worker = "n2"},
        {.kind = EVENT_WORKER_RESUMED, .at_ms = 35, .worker = "n9"},
    };
    static const struct {
        const char *node;
        int64_t from_ms, to_ms;
        const char *reason;
    } gaps[] = {
        {"n1", 5, 12, "draining"},     {"n1", 20, 40, NULL},       {"n1", 0, 10, NULL},
        {"n2", 16, 18, "quarantined"}, {"n2", 40, 50, "draining"}, {"n3", 0, 50, NULL},
    };
    OWN(outages) struct outages outages = {0};

    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        ck_assert_int_eq(outages_add(&outages, &events[i], NULL), 0);
    }
    for (size_t i = 0; i < sizeof gaps / sizeof gaps[0]; i++) {
        const struct lane_gap gap = {gaps[i].from_ms, gaps[i].to_ms, false};
        ck_assert_pstr_eq(outages_reason(&outages, gaps[i].node, &gap), gaps[i].reason);
    }
}
END_TEST

/* Studies 1 (finished at 100 s), 2 (paused at 200 s), 3 (created at 300 s, open). */
static const struct study_row studies[] = {
    {.state = STUDY_FINISHED, .created_at_ms = 10000, .paused_at_ms = 100000},
    {.state = STUDY_PAUSED, .created_at_ms = 150000, .paused_at_ms = 200000},
    {.state = STUDY_RUNNING, .created_at_ms = 300000},
};
static const struct {
    int64_t from_s, to_s, known_from_s, deleted_s;
    const char *reason;
} closed_gaps[] = {
    {1, 5, 0, 0, "no study"},     /* before all of them */
    {1, 10, 0, 0, "no study"},    /* the first one ends it */
    {1, 12, 0, 0, NULL},          /* it was open for 2 s */
    {100, 140, 0, 0, "no study"}, /* from its end on */
    {99, 140, 0, 0, "no study"},  /* it ended a moment later */
    {98, 140, 0, 0, NULL},        /* it was open for 2 s */
    {110, 160, 0, 0, NULL},       /* the second one was open */
    {200, 250, 0, 0, "paused"},   /* one is finished, one is paused */
    {250, 301, 0, 0, "paused"},   /* the third one ends it */
    {250, 320, 0, 0, NULL},       /* the third one was open */
    {400, 500, 0, 0, NULL},       /* and is */
    {200, 250, 0, 199, "paused"}, /* what was deleted before is no matter */
    {200, 250, 0, 220, NULL},     /* what was deleted since may have been open */
    {200, 250, 0, 260, NULL},     /* the same */
    {200, 250, 199, 0, "paused"}, /* every event since is known */
    {200, 250, 210, 0, NULL},     /* something may have been deleted unknown */
};

START_TEST(a_gap_is_of_no_study_only_where_that_is_certain)
{
    OWN(closed_studies)
    struct closed_studies closed = {.known_from_ms = closed_gaps[_i].known_from_s * 1000};
    const struct lane_gap gap = {closed_gaps[_i].from_s * 1000, closed_gaps[_i].to_s * 1000, false};
    const struct event_row deleted = {.kind = EVENT_STUDY_DELETED,
                                      .at_ms = closed_gaps[_i].deleted_s * 1000};
    const struct event_row another = {.kind = EVENT_STUDY_CHANGED, .at_ms = 1000000};

    for (size_t i = 0; i < sizeof studies / sizeof studies[0]; i++) {
        ck_assert_int_eq(closed_studies_add(&closed, &studies[i], NULL), 0);
    }
    closed_studies_note(&closed, &deleted);
    closed_studies_note(&closed, &another);
    ck_assert_pstr_eq(closed_studies_reason(&closed, &gap), closed_gaps[_i].reason);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lanes");
    TCase *tcase = tcase_create("lanes");

    tcase_add_loop_test(tcase, gaps_are_where_nothing_runs, 0,
                        (int)(sizeof lanes / sizeof lanes[0]));
    tcase_add_test(tcase, spans_are_sorted_by_worker_and_time_and_stand_once);
    tcase_add_test(tcase, outages_explain_the_gaps_of_their_node);
    tcase_add_loop_test(tcase, a_gap_is_of_no_study_only_where_that_is_certain, 0,
                        (int)(sizeof closed_gaps / sizeof closed_gaps[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
