/* How busy GPUs are, by a vendor's tool that answers, hangs or fails, on a clock turned by hand. */
#include "worker/agent/devices/sampler.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/clock_manual.h"
#include "tests/support/run_suite.h"

#define LIMIT_MS 300
#define A "GPU-11111111-aaaa"
#define B "GPU-22222222-bbbb"

static struct fixture {
    char folder[40], tool[64], runs[64];
    struct clock_manual clock;
    struct loop loop;
    struct sampler sampler;
} f;

/* The tool: notes that it was run, then does as the script says. */
static void start(enum vendor vendor, const char *script)
{
    struct http_client_settings server = {.url = "http://127.0.0.1:1"};
    struct err err = {0};

    (void)snprintf(f.folder, sizeof f.folder, "/tmp/hone-sampler-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(f.folder));
    (void)snprintf(f.tool, sizeof f.tool, "%s/tool", f.folder);
    (void)snprintf(f.runs, sizeof f.runs, "%s/runs", f.folder);
    FILE *file = fopen(f.tool, "w");
    ck_assert_ptr_nonnull(file);
    (void)fprintf(file, "#!/bin/sh\necho \"$*\" >>%s\n%s\n", f.runs, script);
    (void)fclose(file);
    ck_assert_int_eq(chmod(f.tool, 0700), 0);
    clock_manual_init(&f.clock, 1000000, 0);
    ck_assert_int_eq(loop_init(&f.loop, &server, &f.clock.clock, &err), 0);
    ck_assert_int_eq(sampler_init(&f.sampler, &f.loop, vendor, f.tool, LIMIT_MS, &err), 0);
}

static void stop(void)
{
    sampler_finish(&f.sampler);
    loop_finish(&f.loop);
    (void)unlink(f.tool);
    (void)unlink(f.runs);
    (void)rmdir(f.folder);
}

/* Begins a look, which takes so much time of the clock, and lets it end. */
static void look(int64_t takes_ms)
{
    sampler_tick(&f.sampler, true);
    ck_assert(f.sampler.is_running);
    f.clock.now_ms += takes_ms;
    while (f.sampler.is_running) {
        loop_turn(&f.loop, f.clock.now_ms + 20);
        f.clock.now_ms += f.sampler.probe.look_at_ms > f.clock.now_ms ? 1 : 0;
        sampler_tick(&f.sampler, true);
    }
}

static double busy(const char *token)
{
    return sampler_utilization(&f.sampler, token);
}

START_TEST(each_gpu_has_its_own)
{
    start(VENDOR_NVIDIA, "echo '0, " A ", 97'; echo '1, " B ", [N/A]'");
    ck_assert(isnan(busy("0"))); /* not before the first look */
    look(0);
    ck_assert_double_eq(busy("0"), 0.97);
    ck_assert_double_eq(busy(A), 0.97);
    ck_assert(isnan(busy("1")));        /* not said */
    ck_assert(isnan(busy("MIG-c6d4"))); /* a part of a GPU */
    stop();
}
END_TEST

START_TEST(a_card_of_amd_says_its_use)
{
    start(VENDOR_AMD, "echo '{\"card0\": {\"Unique ID\": \"0x9246a1\", \"GPU use (%)\": \"42\"}, "
                      "\"card1\": {}}'");
    look(0);
    ck_assert_double_eq(busy("0"), 0.42);
    ck_assert_double_eq(busy("GPU-9246a1"), 0.42);
    ck_assert(isnan(busy("1")));
    stop();
}
END_TEST

START_TEST(nothing_is_asked_unless_a_trial_has_a_gpu)
{
    start(VENDOR_NVIDIA, "exit 1");
    sampler_tick(&f.sampler, false);
    ck_assert(!f.sampler.is_running);
    ck_assert_int_eq(sampler_deadline(&f.sampler, false), INT64_MAX);
    ck_assert_int_le(sampler_deadline(&f.sampler, true), f.clock.now_ms);
    stop();
}
END_TEST

START_TEST(without_a_tool_nothing_is_known)
{
    struct err err = {0};

    start(VENDOR_NVIDIA, "");
    sampler_finish(&f.sampler);
    ck_assert_int_eq(sampler_init(&f.sampler, &f.loop, VENDOR_NONE, NULL, LIMIT_MS, &err), 0);
    sampler_tick(&f.sampler, true);
    ck_assert_int_eq(sampler_deadline(&f.sampler, true), INT64_MAX);
    ck_assert(isnan(busy("0")));
    stop();
}
END_TEST

/* A slow tool is run at most a fiftieth of the time, and a sample is good until the next. */
START_TEST(a_slow_tool_is_asked_less_often)
{
    start(VENDOR_NVIDIA, "echo '0, " A ", 97'");
    look(0);
    ck_assert_int_eq(f.sampler.due_ms, f.sampler.began_ms + SAMPLER_EVERY_MS);
    f.clock.now_ms = f.sampler.due_ms;
    look(LIMIT_MS - 50);
    ck_assert_int_ge(f.sampler.due_ms, f.sampler.began_ms + 50 * (LIMIT_MS - 50));
    f.clock.now_ms = f.sampler.due_ms;
    ck_assert_double_eq(busy("0"), 0.97);
    f.clock.now_ms += LIMIT_MS + 1;
    ck_assert(isnan(busy("0")));
    stop();
}
END_TEST

static const char *const bad[] = {
    "sleep 1000",
    "trap '' TERM INT HUP; while :; do sleep 1000; done",
    "exit 9",
    "echo 'NVIDIA-SMI has failed'",
    "echo '0, " A ", 101'",
    "echo '0, " A ", NVIDIA H200, 143771, 3'",
};

START_TEST(a_tool_that_hangs_or_fails_is_no_sample_and_asked_later)
{
    start(VENDOR_NVIDIA, bad[_i]);
    look(LIMIT_MS);
    ck_assert(isnan(busy("0")));
    int64_t first_ms = f.sampler.due_ms - f.sampler.began_ms;
    ck_assert_int_ge(first_ms, 2 * SAMPLER_EVERY_MS);
    while (f.sampler.probe.pid != 0) { /* until it is reaped */
        loop_turn(&f.loop, f.clock.now_ms + 20);
        f.clock.now_ms += 1000;
        sampler_tick(&f.sampler, false);
    }
    f.clock.now_ms = f.sampler.due_ms;
    look(LIMIT_MS);
    ck_assert_int_gt(f.sampler.due_ms - f.sampler.began_ms, first_ms);
    stop();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sampler");
    TCase *tcase = tcase_create("sampler");

    tcase_add_test(tcase, each_gpu_has_its_own);
    tcase_add_test(tcase, a_card_of_amd_says_its_use);
    tcase_add_test(tcase, nothing_is_asked_unless_a_trial_has_a_gpu);
    tcase_add_test(tcase, without_a_tool_nothing_is_known);
    tcase_add_test(tcase, a_slow_tool_is_asked_less_often);
    tcase_add_loop_test(tcase, a_tool_that_hangs_or_fails_is_no_sample_and_asked_later, 0,
                        (int)(sizeof bad / sizeof bad[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
