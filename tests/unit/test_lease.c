#include "worker/agent/lease.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/canned_server.h"
#include "tests/support/clock_manual.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"
#include "worker/agent/attempt_log.h"

#define OK(body)                                                                                   \
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" body
#define CONTINUE OK("{\"action\":\"continue\",\"until\":9}")
#define PROBLEM(status, type)                                                                      \
    "HTTP/1.1 " status " X\r\nContent-Type: application/problem+json\r\nConnection: close\r\n\r\n" \
    "{\"type\":\"/problems/" type "\",\"status\":" status ",\"detail\":\"refused\"}"
#define PAGE(status)                                                                               \
    "HTTP/1.1 " status " X\r\nContent-Type: text/html\r\nRetry-After: 3000\r\nConnection: "        \
    "close\r\n\r\n<html>nginx</html>"

/* A lease on a server with canned answers, a clock that stands still, and the callbacks so far. */
static struct fixture {
    struct canned_server server;
    struct clock_manual clock;
    struct loop loop;
    struct lease_grant grant;
    struct notes notes;
    struct lease *lease;
    char events[400];
    double utilization; /* of the GPUs */
} f;

static void note(const char *event)
{
    size_t len = strlen(f.events);

    (void)snprintf(f.events + len, sizeof f.events - len, "%s;", event);
}

static void on_action(void *context, const struct action_reply *reply)
{
    (void)context;
    note(action_name(reply->action));
}

static void on_lost(void *context, const char *why)
{
    (void)context;
    (void)why;
    note("lost");
}

static void on_offline(void *context)
{
    (void)context;
    note("offline");
}

static void on_closed(void *context, const char *state, bool is_excluded)
{
    (void)is_excluded;
    (void)context;
    note(state);
}

static void on_refused(void *context, const struct err *err)
{
    (void)context;
    (void)err;
    note("refused");
}

static void on_fatal(void *context, const struct err *err)
{
    (void)context;
    (void)err;
    note("fatal");
}

static void on_reach(void *context, bool reached, const char *why)
{
    (void)context;
    (void)why;
    if (!reached) {
        note("away");
    }
}

static double utilization(void *context)
{
    (void)context;
    return f.utilization;
}

static void start_with(const char *const lines[], size_t n, const struct lease_settings *given)
{
    struct lease_settings lease = *given;
    struct err err = {0};

    lease.hooks = (struct lease_hooks){on_action, on_lost,  on_offline,  on_closed, on_refused,
                                       on_fatal,  on_reach, utilization, NULL};
    memset(&f, 0, sizeof f);
    f.utilization = (double)NAN;
    lease.grant = &f.grant;
    lease.notes = &f.notes;
    canned_server_start(&f.server, lines, n);
    clock_manual_init(&f.clock, 1000000, 0);
    struct http_client_settings settings = {.url = f.server.url};
    ck_assert_int_eq(loop_init(&f.loop, &settings, &f.clock.clock, &err), 0);
    f.loop.backoff_ms = 1000;
    f.grant = (struct lease_grant){.id = "l_1", .study = "s", .trial = 1, .heartbeat_seconds = 20};
    notes_init(&f.notes, 1);
    ck_assert_int_eq(lease_create(&f.loop, &lease, &f.lease, &err), 0);
}

static void start(const char *const lines[], size_t n)
{
    const struct lease_settings lease = {.offline_ms = 2400000};

    start_with(lines, n, &lease);
}

static void stop(void)
{
    lease_destroy(f.lease);
    notes_finish(&f.notes);
    loop_finish(&f.loop);
    canned_server_stop(&f.server);
}

/* Lets the network work until there is a new event. */
static void wait_for_event(void)
{
    size_t before = strlen(f.events);

    lease_tick(f.lease);
    while (strlen(f.events) == before) {
        http_async_wait(f.loop.http, -1, -1);
        lease_tick(f.lease);
    }
}

static void measure(int64_t step)
{
    struct metric_value value = {.metric = "loss", .value = (double)step};

    lease_measure(f.lease, step, &value, 1);
}

START_TEST(heartbeat_comes_when_nothing_else_was_sent)
{
    static const char *const lines[] = {CONTINUE, CONTINUE};

    start(lines, 2);
    ck_assert_int_eq(lease_deadline(f.lease), f.clock.now_ms + 20000);
    f.clock.now_ms += 15000;
    measure(1);
    wait_for_event();
    ck_assert_int_eq(lease_deadline(f.lease), f.clock.now_ms + 20000);
    f.clock.now_ms += 20000;
    wait_for_event();
    ck_assert_str_eq(f.events, "continue;continue;");
    stop();
}
END_TEST

/* Also where measurements are enough to keep the lease; and not where the server knows no such
 * member.
 */
START_TEST(utilization_is_sent_at_the_rate_of_heartbeats)
{
    static const char *const lines[] = {CONTINUE, CONTINUE, PROBLEM("422", "invalid"), CONTINUE};

    start(lines, 4);
    f.utilization = 0.83;
    f.clock.now_ms += 15000;
    measure(1);
    wait_for_event();
    ck_assert_int_eq(lease_deadline(f.lease), f.clock.now_ms + 5000);
    f.clock.now_ms += 5000;
    wait_for_event();
    ck_assert_int_eq(lease_deadline(f.lease), f.clock.now_ms + 20000);
    f.clock.now_ms += 20000;
    wait_for_event(); /* refused, and sent at once without it */
    f.clock.now_ms += 15000;
    ck_assert_int_eq(lease_deadline(f.lease), f.clock.now_ms + 5000);
    ck_assert_str_eq(f.events, "continue;continue;continue;");
    stop();
}
END_TEST

START_TEST(server_sets_the_heartbeat_within_reason)
{
    static const char *const lines[] = {
        OK("{\"action\":\"continue\",\"heartbeat_seconds\":80}"),
        OK("{\"action\":\"continue\",\"heartbeat_seconds\":1e300}"),
        OK("{\"action\":\"continue\",\"heartbeat_seconds\":0.0001}"),
    };

    start(lines, 3);
    measure(1);
    wait_for_event();
    ck_assert_int_eq(lease_deadline(f.lease), f.clock.now_ms + 80000);
    measure(2);
    wait_for_event();
    ck_assert_int_eq(lease_deadline(f.lease), f.clock.now_ms + 3600000);
    measure(3);
    wait_for_event();
    ck_assert_int_eq(lease_deadline(f.lease), f.clock.now_ms + 1000);
    stop();
}
END_TEST

START_TEST(a_job_goes_on_alone_for_forty_minutes)
{
    static const char *const lines[] = {CANNED_HANG_UP, CANNED_HANG_UP, CANNED_HANG_UP,
                                        CANNED_HANG_UP};

    start(lines, 4);
    measure(1);
    wait_for_event();
    f.clock.now_ms += 2399999;
    wait_for_event();
    ck_assert_ptr_null(strstr(f.events, "offline"));
    f.clock.now_ms += 60000;
    wait_for_event();
    ck_assert_str_eq(f.events, "away;away;away;offline;");
    ck_assert(!lease_is_flushed(f.lease)); /* what it measured is still sent */
    f.clock.now_ms += 3600000;
    wait_for_event();
    ck_assert_str_eq(f.events, "away;away;away;offline;away;");
    stop();
}
END_TEST

START_TEST(the_offline_limit_is_as_said)
{
    static const char *const lines[] = {CANNED_HANG_UP, CANNED_HANG_UP};
    const struct lease_settings at_once = {.offline_ms = 0};
    const struct lease_settings never = {.offline_ms = INT64_MAX};

    start_with(lines, 2, &at_once);
    measure(1);
    wait_for_event();
    ck_assert_str_eq(f.events, "away;offline;");
    stop();
    start_with(lines, 2, &never);
    measure(1);
    wait_for_event();
    f.clock.now_ms += INT64_C(86400000) * 365;
    wait_for_event();
    ck_assert_str_eq(f.events, "away;away;");
    stop();
}
END_TEST

/* A spool in a folder of its own. */
static struct {
    char folder[DIRECTORY_BYTES];
    struct spool spool;
} kept;

static void start_spool(void)
{
    char path[DIRECTORY_BYTES + 32];
    struct err err = {0};

    directory_create(kept.folder);
    (void)snprintf(path, sizeof path, "%s/slot-0.spool", kept.folder);
    spool_init(&kept.spool);
    ck_assert_int_eq(spool_begin(&kept.spool, path, &err), 0);
}

static void stop_spool(void)
{
    spool_finish(&kept.spool);
    directory_remove(kept.folder);
}

/* What another worker would find. */
static void read_spool(struct attempt_log *log)
{
    OWN(spool) struct spool again;
    struct err err = {0};

    spool_init(&again);
    ck_assert_int_eq(spool_continue(&again, kept.spool.path, &err), 0);
    ck_assert(attempt_log_read(&again, log));
}

START_TEST(a_result_is_on_the_disk_before_it_is_sent)
{
    static const char *const lines[] = {CANNED_HANG_UP};
    const struct lease_settings lease = {.offline_ms = 2400000, .spool = &kept.spool};
    struct result_report report = {.outcome = OUTCOME_COMPLETED, .has_step = true, .step = 3};
    OWN(attempt_log) struct attempt_log log = {0};
    struct err err;

    start_spool();
    start_with(lines, 1, &lease);
    ck_assert_int_eq(lease_result_steal(f.lease, &report, &err), 0);
    ck_assert_str_eq(f.events, "");
    ck_assert(kept.spool.waiting.len == 0 && kept.spool.unsynced_ms == INT64_MAX);
    read_spool(&log);
    ck_assert(log.has_result && log.result.outcome == OUTCOME_COMPLETED);
    stop();
    stop_spool();
}
END_TEST

START_TEST(a_lease_that_is_taken_up_asks_how_it_stands)
{
    static const char *const lines[] = {CONTINUE};
    const struct attempt_log left = {.answered = 0};
    const struct lease_settings lease = {
        .offline_ms = 2400000, .spool = &kept.spool, .resumed = &left};

    start_spool();
    start_with(lines, 1, &lease);
    ck_assert(!lease_is_answered(f.lease));
    ck_assert_int_le(lease_deadline(f.lease), f.clock.now_ms);
    wait_for_event();
    ck_assert_str_eq(f.events, "continue;");
    ck_assert(lease_is_answered(f.lease));
    stop();
    stop_spool();
}
END_TEST

START_TEST(a_finished_result_waits_as_long_as_it_takes)
{
    static const char *const lines[] = {CANNED_HANG_UP,
                                        OK("{\"trial\":{\"state\":\"completed\"},\"late\":true}")};
    struct result_report report = {.outcome = OUTCOME_COMPLETED};
    struct err err;

    start(lines, 2);
    ck_assert_int_eq(lease_result_steal(f.lease, &report, &err), 0);
    wait_for_event();
    f.clock.now_ms += 86400000;
    wait_for_event();
    ck_assert_str_eq(f.events, "away;completed;");
    stop();
}
END_TEST

START_TEST(retry_waits_as_the_server_asks)
{
    static const char *const lines[] = {
        "HTTP/1.1 503 X\r\nContent-Type: application/problem+json\r\nRetry-After: 40\r\n"
        "Connection: close\r\n\r\n{\"type\":\"/problems/overloaded\",\"status\":503}"};

    start(lines, 1);
    measure(1);
    wait_for_event();
    ck_assert_int_ge(lease_deadline(f.lease), f.clock.now_ms + 40000);
    ck_assert_int_le(lease_deadline(f.lease), f.clock.now_ms + 41000);
    stop();
}
END_TEST

static const struct {
    const char *line;
    const char *events;
} refusals[] = {
    {PROBLEM("409", "lease-superseded"), "lost;"},
    {PROBLEM("410", "lease-ended"), "lost;"},
    {PROBLEM("404", "not-found"), "lost;"},
    {PROBLEM("401", "unauthorized"), "fatal;"},
    {PROBLEM("426", "upgrade-required"), "fatal;"},
    {PROBLEM("503", "x"), "away;"},
    {PROBLEM("429", "rate-limited"), "away;"},
    {PAGE("404"), "away;"},
    {PAGE("401"), "away;"},
    {PAGE("200"), "away;"},
    {PAGE("302"), "away;"},
};

START_TEST(each_status_has_its_meaning)
{
    start(&refusals[_i].line, 1);
    measure(1);
    wait_for_event();
    ck_assert_str_eq(f.events, refusals[_i].events);
    stop();
}
END_TEST

START_TEST(refused_measurements_do_not_hold_up_the_result)
{
    static const char *const lines[] = {PROBLEM("422", "invalid"),
                                        OK("{\"trial\":{\"state\":\"completed\"}}")};
    struct result_report report = {.outcome = OUTCOME_COMPLETED};
    struct err err;

    start(lines, 2);
    measure(1);
    ck_assert(!lease_is_flushed(f.lease));
    ck_assert_int_eq(lease_result_steal(f.lease, &report, &err), 0);
    while (!lease_is_flushed(f.lease)) {
        http_async_wait(f.loop.http, -1, -1);
    }
    wait_for_event();
    ck_assert_str_eq(f.events, "completed;");
    stop();
}
END_TEST

START_TEST(refused_result_may_be_followed_by_another)
{
    static const char *const lines[] = {PROBLEM("422", "invalid"),
                                        OK("{\"trial\":{\"state\":\"failed\"}}")};
    struct result_report report = {.outcome = OUTCOME_COMPLETED};
    struct result_report other = {.outcome = OUTCOME_FAILED, .reason = "no_metric"};
    struct err err;

    start(lines, 2);
    ck_assert_int_eq(lease_result_steal(f.lease, &report, &err), 0);
    wait_for_event();
    ck_assert_int_eq(lease_result_steal(f.lease, &other, &err), 0);
    wait_for_event();
    ck_assert_str_eq(f.events, "refused;failed;");
    stop();
}
END_TEST

START_TEST(release_comes_after_what_was_measured)
{
    static const char *const lines[] = {
        CONTINUE, "HTTP/1.1 204 X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"};

    start(lines, 2);
    measure(1);
    lease_release(f.lease);
    wait_for_event();
    wait_for_event();
    ck_assert_str_eq(f.events, "continue;;");
    stop();
}
END_TEST

START_TEST(answers_of_a_stranger_do_no_harm)
{
    static const char *const lines[] = {OK("[]"), OK("{\"action\":\"dance\"}"), PAGE("410"),
                                        CONTINUE};

    start(lines, 4);
    measure(1);
    for (int i = 0; i < 3; i++) {
        wait_for_event();
        ck_assert(!lease_is_flushed(f.lease));
        /* an answer that is not from honed delays no heartbeat */
        ck_assert_int_le(lease_deadline(f.lease), f.clock.now_ms + 20000);
        f.clock.now_ms = lease_deadline(f.lease);
    }
    wait_for_event();
    ck_assert_str_eq(f.events, "away;away;away;continue;");
    ck_assert(lease_is_flushed(f.lease));
    stop();
}
END_TEST

START_TEST(a_result_is_kept_until_our_server_takes_it)
{
    static const char *const lines[] = {PAGE("200"), PAGE("404"), OK("{\"trial\":{}}"),
                                        OK("{\"trial\":{\"state\":\"completed\"}}")};
    struct result_report report = {.outcome = OUTCOME_COMPLETED};
    struct err err;

    start(lines, 4);
    ck_assert_int_eq(lease_result_steal(f.lease, &report, &err), 0);
    for (int i = 0; i < 4; i++) {
        wait_for_event();
        f.clock.now_ms += 100000;
    }
    ck_assert_str_eq(f.events, "away;away;away;completed;");
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lease");
    TCase *tcase = tcase_create("lease");

    tcase_add_test(tcase, heartbeat_comes_when_nothing_else_was_sent);
    tcase_add_test(tcase, utilization_is_sent_at_the_rate_of_heartbeats);
    tcase_add_test(tcase, server_sets_the_heartbeat_within_reason);
    tcase_add_test(tcase, a_job_goes_on_alone_for_forty_minutes);
    tcase_add_test(tcase, the_offline_limit_is_as_said);
    tcase_add_test(tcase, a_result_is_on_the_disk_before_it_is_sent);
    tcase_add_test(tcase, a_lease_that_is_taken_up_asks_how_it_stands);
    tcase_add_test(tcase, a_finished_result_waits_as_long_as_it_takes);
    tcase_add_test(tcase, retry_waits_as_the_server_asks);
    tcase_add_loop_test(tcase, each_status_has_its_meaning, 0,
                        (int)(sizeof refusals / sizeof refusals[0]));
    tcase_add_test(tcase, refused_measurements_do_not_hold_up_the_result);
    tcase_add_test(tcase, refused_result_may_be_followed_by_another);
    tcase_add_test(tcase, release_comes_after_what_was_measured);
    tcase_add_test(tcase, answers_of_a_stranger_do_no_harm);
    tcase_add_test(tcase, a_result_is_kept_until_our_server_takes_it);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
