/* How many requests a server gets when it comes back: the slots of 200 workers on a clock that is
 * turned by hand. tests/bench/restart.py measures the same with real workers. */
#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

#include "tests/support/run_suite.h"
#include "worker/agent/backoff.h"

#define SLOTS 800
#define WINDOW_MS 100
#define TICK_MS 10

struct caller {
    struct backoff backoff;
    int64_t next_ms;
    bool answered;
};

struct rates {
    int64_t peak;          /* requests in a tenth of a second */
    int64_t refused;       /* while the server is away */
    int64_t all_served_ms; /* after its return, when the last has its answer */
};

/* All of them lose their connection at 0, and the server is away for so long. */
static struct rates restart(int64_t away_ms, double retry_after_seconds)
{
    static struct caller callers[SLOTS];
    struct rng rng = rng_seeded(7);
    struct rates rates = {0};
    int64_t in_window = 0;
    size_t open = SLOTS;

    for (size_t i = 0; i < SLOTS; i++) {
        callers[i] = (struct caller){.backoff = {.base_ms = 500}};
        callers[i].next_ms = backoff_next(&callers[i].backoff, &rng, retry_after_seconds);
    }
    for (int64_t now_ms = 0; open > 0; now_ms += TICK_MS) {
        in_window = now_ms % WINDOW_MS == 0 ? 0 : in_window;
        for (size_t i = 0; i < SLOTS; i++) {
            if (callers[i].answered || callers[i].next_ms > now_ms) {
                continue;
            }
            in_window++;
            callers[i].answered = now_ms >= away_ms;
            open -= callers[i].answered ? 1 : 0;
            rates.refused += !callers[i].answered;
            callers[i].next_ms = now_ms + 1 + backoff_next(&callers[i].backoff, &rng, -1);
        }
        rates.peak = in_window > rates.peak ? in_window : rates.peak;
        rates.all_served_ms = now_ms - away_ms;
    }
    return rates;
}

static const struct {
    int64_t away_ms, most_refused, served_within_ms;
} restarts[] = {
    {0, 0, 500},
    {200, SLOTS, 4000},
    {1000, 3 * SLOTS, 8000},
    {10000, 7 * SLOTS, 60000},
    {INT64_C(600000), 30 * SLOTS, 60000},
};

START_TEST(a_restart_brings_no_storm)
{
    struct rates rates = restart(restarts[_i].away_ms, -1);

    printf("away %" PRId64 " ms: at most %" PRId64 " requests in 0.1 s, %" PRId64
           " refused, all served after %" PRId64 " ms\n",
           restarts[_i].away_ms, rates.peak, rates.refused, rates.all_served_ms);
    ck_assert_int_le(rates.peak, SLOTS * 35 / 100); /* together they would be SLOTS */
    ck_assert_int_le(rates.refused, restarts[_i].most_refused);
    ck_assert_int_le(rates.all_served_ms, restarts[_i].served_within_ms);
}
END_TEST

START_TEST(those_that_were_told_when_to_come_do_not_come_together)
{
    struct rates rates = restart(0, 5);

    ck_assert_int_le(rates.peak, SLOTS * 35 / 100);
    ck_assert_int_ge(rates.all_served_ms, 5000);
    ck_assert_int_le(rates.all_served_ms, 5500);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retry rate");
    TCase *tcase = tcase_create("retry rate");

    tcase_add_loop_test(tcase, a_restart_brings_no_storm, 0,
                        (int)(sizeof restarts / sizeof restarts[0]));
    tcase_add_test(tcase, those_that_were_told_when_to_come_do_not_come_together);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
