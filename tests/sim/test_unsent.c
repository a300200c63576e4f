/* The answer that granted a lease did not reach its socket: the lease is taken back where nobody
 * can ever learn of it, and only there. And the end of leases that are to be aborted. */
#include <check.h>

#include "tests/sim/world_fixture.h"
#include "tests/support/run_suite.h"

static const struct {
    struct command *(*steps[4])(void);
    const char *beat; /* what a heartbeat is answered then */
} cases[] = {
    {{make_ask, make_unsent}, "lease-ended"},
    {{make_ask_by_name, make_unsent}, "continue"},       /* its client asks again */
    {{make_ask, make_measure, make_unsent}, "continue"}, /* its client has it */
    {{make_ask, make_cancel, make_unsent}, "abort"},
    {{make_ask, make_release, make_unsent}, "lease-ended"},
    {{make_ask, make_cancel, make_release}, "lease-ended"},
};

START_TEST(a_lease_is_taken_back_where_nobody_learns_of_it)
{
    fixture_open();
    create_study_of_x("s");
    for (size_t i = 0; i < 4 && cases[_i].steps[i] != NULL; i++) {
        perform(cases[_i].steps[i]());
    }
    f.may_be_refused = true;
    perform(make_heartbeat());
    ck_assert_str_eq(f.answer, cases[_i].beat);
    fixture_close();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("unsent");
    TCase *tcase = tcase_create("leases");

    json_start();
    tcase_add_loop_test(tcase, a_lease_is_taken_back_where_nobody_learns_of_it, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
