#include <check.h>

#include "server/domain/guests.h"
#include "tests/support/run_suite.h"

static const struct {
    double share; /* negative: not set */
    bool by_program;
    int64_t limit; /* -1: none */
    int64_t trials, enqueued, more;
    const char *refusal; /* NULL: they may */
} cases[] = {
    {-1, false, 10, 0, 0, 1000, NULL},
    {-1, true, 100, 0, 0, 30, NULL},
    {-1, true, 100, 0, 0, 31,
     "the share for programs that propose trials is 0.3: of limits.trials, 100, 30 may be "
     "enqueued, "
     "of which 0 are used, and 31 more were sent; enqueue at most 30 now, or let the strategy "
     "propose the next ones, or raise limits.guest_share"},
    {-1, true, 100, 90, 30, 1,
     "the share for programs that propose trials is 0.3: of limits.trials, 100, 30 may be "
     "enqueued, "
     "of which 30 are used, and 1 more were sent; let the strategy propose the next ones, or raise "
     "limits.guest_share"},
    {0.29, false, 100, 0, 0, 29, NULL}, /* the product is 28.999999999999996 */
    {0.29, false, 100, 0, 0, 30,
     "limits.guest_share is 0.29: of limits.trials, 100, 29 may be enqueued, of which 0 are used, "
     "and 30 more were sent; enqueue at most 29 now, or let the strategy propose the next ones, or "
     "raise limits.guest_share"},
    {1, true, 10, 20, 20, 5, NULL},
    {0, true, 10, 0, 0, 1,
     "limits.guest_share is 0: of limits.trials, 10, 0 may be enqueued, of which 0 are used, and 1 "
     "more were sent; let the strategy propose the next ones, or raise limits.guest_share"},
    /* without limits.trials: of the trials so far, and of 10 at least */
    {-1, true, -1, 0, 0, 3, NULL},
    {-1, true, -1, 0, 0, 4,
     "the share for programs that propose trials is 0.3: of 10, the least that is counted in a "
     "study without limits.trials, 3 may be enqueued, of which 0 are used, and 4 more were sent; "
     "enqueue at most 3 now, or let the strategy propose the next ones, or raise "
     "limits.guest_share"},
    {-1, true, -1, 99, 20, 10, NULL}, /* 30 of 109 */
    {-1, true, -1, 99, 20, 20,
     "the share for programs that propose trials is 0.3: of 119 trials, these included, 35 may be "
     "enqueued, of which 20 are used, and 20 more were sent; enqueue at most 13 now, or let the "
     "strategy propose the next ones, or raise limits.guest_share"},
    {0, false, 10, 5, 5, 0, NULL}, /* nothing is sent */
};

START_TEST(a_share_of_the_trials_may_be_proposed)
{
    struct limits limits = {.guest_share = cases[_i].share, .trials = cases[_i].limit};
    struct guests guests = {.limits = &limits,
                            .by_program = cases[_i].by_program,
                            .trials = cases[_i].trials,
                            .enqueued = cases[_i].enqueued,
                            .more = cases[_i].more};
    struct err err = {0};

    int rc = guests_check(&guests, &err);
    if (cases[_i].refusal == NULL) {
        ck_assert_int_eq(rc, 0);
        return;
    }
    ck_assert_int_eq(rc, -1);
    ck_assert_int_eq(err.code, ERR_WRONG_STATE);
    ck_assert_str_eq(err.text, cases[_i].refusal);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("guests");
    TCase *tcase = tcase_create("share");

    tcase_add_loop_test(tcase, a_share_of_the_trials_may_be_proposed, 0,
                        sizeof cases / sizeof cases[0]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
