/* Asking for a trial: when it is asked again. The clock stands still unless it is set, and the
 * server is a function. */
#include "worker/agent/lease_request.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http/responder.h"
#include "tests/support/clock_manual.h"
#include "tests/support/run_suite.h"

#define ENDED "{\"type\":\"/problems/lease-ended\",\"status\":410,\"detail\":\"it has ended\"}"

static struct {
    struct clock_manual clock;
    struct loop loop;
    struct lease_request request;
    int n_asks;
    char ids[2][40]; /* of the last two */
    char *why;
} f;

static int answer_ended(void *context, const struct http_call *call, struct http_answer *answer,
                        struct err *err)
{
    json_auto_t *body = json_loadb(call->body, call->body_len, 0, NULL);

    (void)context;
    (void)err;
    f.n_asks++;
    memcpy(f.ids[0], f.ids[1], sizeof f.ids[0]);
    (void)snprintf(f.ids[1], sizeof f.ids[1], "%s",
                   json_string_value(json_object_get(body, "request_id")));
    answer->status = 410;
    (void)snprintf(answer->content_type, sizeof answer->content_type, "application/problem+json");
    buf_puts(&answer->body, ENDED);
    return 0;
}

static void on_grant(void *context, struct lease_grant *grant)
{
    (void)context;
    (void)grant;
    ck_abort_msg("nothing was granted");
}

static void on_nothing(void *context, const struct no_lease *no)
{
    (void)context;
    (void)no;
    ck_abort_msg("that there is nothing was not said");
}

static void on_fatal(void *context, const struct err *err)
{
    (void)context;
    ck_abort_msg("%s", err->text);
}

static void on_reach(void *context, bool reached, const char *why)
{
    (void)context;
    free(f.why);
    f.why = reached ? NULL : strdup(why);
}

static void start(void)
{
    static const struct lease_ask offer = {.wait_seconds = 30};
    static const struct http_responder responder = {.respond = answer_ended};
    const struct http_client_settings settings = {.url = "http://s:1", .responder = &responder};
    const struct lease_request_hooks hooks = {on_grant, on_nothing, on_fatal, on_reach, NULL};
    struct err err = {0};

    memset(&f, 0, sizeof f);
    clock_manual_init(&f.clock, 1000000, 0);
    ck_assert_int_eq(loop_init(&f.loop, &settings, &f.clock.clock, &err), 0);
    f.loop.backoff_ms = 1000;
    f.loop.rng = rng_for(1, 1);
    lease_request_init(&f.request, &f.loop, &offer, "w:0", &hooks);
    lease_request_begin(&f.request, 0);
}

static void stop(void)
{
    lease_request_stop(&f.request);
    loop_finish(&f.loop);
    free(f.why);
}

static void turn(void)
{
    lease_request_tick(&f.request);
    loop_turn(&f.loop, f.clock.now_ms);
}

/* The first one may be an ask of an earlier worker, answered too late. A server, or a proxy, that
 * says so of every id is not asked without a pause. */
START_TEST(a_lease_that_has_ended_is_asked_for_anew_once_at_once)
{
    for (int i = 0; i < 10; i++) {
        turn();
    }
    ck_assert_int_eq(f.n_asks, 2);
    ck_assert_str_ne(f.ids[0], f.ids[1]);
    ck_assert_str_eq(f.why, "it has ended");
    int64_t first_at_ms = f.clock.now_ms;
    for (int i = 0; i < 20; i++) {
        f.clock.now_ms = lease_request_deadline(&f.request);
        turn();
    }
    ck_assert_int_eq(f.n_asks, 22);
    ck_assert_int_gt(f.clock.now_ms - first_at_ms, 60000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("lease_request");
    TCase *tcase = tcase_create("asks");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_test(tcase, a_lease_that_has_ended_is_asked_for_anew_once_at_once);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
