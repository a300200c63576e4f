#include "worker/agent/exit_class.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "tests/support/run_suite.h"

#define EXITED(status) ((status) << 8)

/* "result completed", "result failed oom", "restart", "release", "silent" */
static const char *text_of(const struct exit_class *exit_class)
{
    static const char *const kinds[] = {[EXIT_CLASS_RESULT] = "result",
                                        [EXIT_CLASS_RESTART] = "restart",
                                        [EXIT_CLASS_RELEASE] = "release",
                                        [EXIT_CLASS_SILENT] = "silent"};
    static char text[100];

    (void)snprintf(text, sizeof text, "%s", kinds[exit_class->kind]);
    if (exit_class->kind == EXIT_CLASS_RESULT) {
        (void)snprintf(text, sizeof text, "result %s%s%s", outcome_name(exit_class->outcome),
                       exit_class->reason[0] == '\0' ? "" : " ", exit_class->reason);
    }
    return text;
}

static const struct {
    struct exit_facts facts;
    const char *text;
} cases[] = {
    /* by itself */
    {{.why = JOB_EXITED, .measured = true}, "result completed"},
    {{.why = JOB_EXITED}, "result failed no_metric"},
    {{.why = JOB_EXITED, .wait_status = EXITED(1), .measured = true}, "result failed exit_code"},
    {{.why = JOB_EXITED, .wait_status = EXITED(75)}, "result preempted"},
    {{.why = JOB_EXITED, .wait_status = EXITED(78)}, "result infeasible"},
    {{.why = JOB_EXITED, .wait_status = SIGSEGV, .measured = true}, "result failed signal"},
    {{.why = JOB_EXITED, .wait_status = SIGKILL}, "result failed signal"},
    {{.why = JOB_EXITED, .wait_status = SIGKILL, .oom_seen = true}, "result failed oom"},
    {{.why = JOB_EXITED, .wait_status = EXITED(137), .oom_seen = true}, "result failed oom"},
    {{.why = JOB_EXITED, .wait_status = EXITED(1), .oom_seen = true}, "result failed exit_code"},
    {{.why = JOB_EXITED, .wait_status = EXITED(1), .oom_sure = true}, "result failed oom"},
    {{.why = JOB_EXITED, .measured = true, .oom_sure = true}, "result completed"},
    {{.why = JOB_TIMED_OUT, .wait_status = SIGKILL, .oom_sure = true, .killed_by_us = true},
     "result failed timeout"},
    {{.why = JOB_EXITED, .wait_status = SIGKILL, .oom_seen = true, .killed_by_us = true},
     "result failed signal"},
    {{.why = JOB_EXITED, .wait_status = SIGTERM}, "result failed signal"},
    {{.why = JOB_EXITED, .wait_status = SIGTERM, .draining = true}, "release"},
    {{.why = JOB_EXITED, .wait_status = EXITED(143), .draining = true, .has_checkpoint = true},
     "result preempted"},
    /* signalled together with its worker, whatever it made of that */
    {{.why = JOB_EXITED, .measured = true, .draining = true, .with_worker = true}, "release"},
    {{.why = JOB_EXITED,
      .measured = true,
      .draining = true,
      .with_worker = true,
      .has_checkpoint = true},
     "result preempted"},
    {{.why = JOB_EXITED, .wait_status = EXITED(1), .draining = true, .with_worker = true},
     "release"},
    {{.why = JOB_EXITED, .wait_status = EXITED(78), .draining = true, .with_worker = true},
     "result infeasible"},
    {{.why = JOB_EXITED,
      .measured = true,
      .draining = true,
      .with_worker = true,
      .has_resource = true,
      .last_step = 3,
      .to = 3,
      .until = 3},
     "result completed"},
    /* long before its worker */
    {{.why = JOB_EXITED, .measured = true, .draining = true}, "result completed"},
    {{.why = JOB_EXITED, .wait_status = EXITED(1), .draining = true}, "result failed exit_code"},
    {{.why = JOB_EXITED,
      .measured = true,
      .draining = true,
      .has_resource = true,
      .last_step = 3,
      .to = 3,
      .until = 9},
     "release"},
    /* the value that decides did not reach the server */
    {{.why = JOB_EXITED, .measured = true, .lost = "x"}, "result failed no_metric"},
    {{.why = JOB_NOTIFIED, .measured = true, .lost = "x"}, "result failed no_metric"},
    {{.why = JOB_EXITED, .wait_status = EXITED(1), .measured = true, .lost = "x"},
     "result failed exit_code"},
    {{.why = JOB_EXITED, .wait_status = EXITED(75), .lost = "x"}, "result preempted"},
    {{.why = JOB_ABORTED, .measured = true, .lost = "x"}, "silent"},
    /* promoted while it did not wait for answers */
    {{.why = JOB_EXITED,
      .measured = true,
      .has_resource = true,
      .last_step = 3,
      .to = 3,
      .until = 9},
     "restart"},
    {{.why = JOB_EXITED,
      .measured = true,
      .has_resource = true,
      .last_step = 2,
      .to = 3,
      .until = 9},
     "result completed"},
    {{.why = JOB_EXITED,
      .measured = true,
      .has_resource = true,
      .last_step = 3,
      .to = 3,
      .until = 3},
     "result completed"},
    {{.why = JOB_EXITED,
      .wait_status = EXITED(1),
      .measured = true,
      .has_resource = true,
      .last_step = 3,
      .to = 3,
      .until = 9},
     "result failed exit_code"},
    /* notified, and however it then exited */
    {{.why = JOB_NOTIFIED, .measured = true}, "result completed"},
    {{.why = JOB_NOTIFIED, .wait_status = SIGKILL, .measured = true, .killed_by_us = true},
     "result completed"},
    {{.why = JOB_NOTIFIED}, "release"},
    /* cut short */
    {{.why = JOB_TIMED_OUT, .wait_status = SIGTERM, .measured = true}, "result failed timeout"},
    {{.why = JOB_STALLED, .measured = true}, "result failed stalled"},
    {{.why = JOB_ABORTED, .measured = true}, "silent"},
    {{.why = JOB_LOST, .measured = true}, "silent"},
    {{.why = JOB_DRAINED, .measured = true}, "release"},
    {{.why = JOB_DRAINED, .measured = true, .has_checkpoint = true}, "result preempted"},
    {{.why = JOB_DRAINED,
      .measured = true,
      .has_resource = true,
      .last_step = 3,
      .to = 3,
      .until = 3},
     "result completed"},
    {{.why = JOB_DRAINED,
      .measured = true,
      .has_resource = true,
      .last_step = 3,
      .to = 3,
      .until = 9},
     "release"},
};

START_TEST(facts_become_an_outcome)
{
    struct exit_class exit_class;

    exit_class_decide(&cases[_i].facts, &exit_class);
    ck_assert_str_eq(text_of(&exit_class), cases[_i].text);
}
END_TEST

START_TEST(words_name_the_status)
{
    struct exit_facts facts = {.why = JOB_EXITED, .wait_status = EXITED(3)};
    struct exit_class exit_class;

    exit_class_decide(&facts, &exit_class);
    ck_assert_str_eq(exit_class.text, "exit status 3");
    facts.wait_status = SIGSEGV;
    exit_class_decide(&facts, &exit_class);
    ck_assert_ptr_nonnull(strstr(exit_class.text, "signal 11"));
}
END_TEST

START_TEST(the_end_of_a_long_job_waits_for_news_of_the_worker)
{
    ck_assert_int_eq(exit_class_settle_ms(0, 0), 0);
    ck_assert_int_eq(exit_class_settle_ms(EXITED(1), 400), 20);
    ck_assert_int_eq(exit_class_settle_ms(EXITED(127), 400), 20);
    ck_assert_int_eq(exit_class_settle_ms(SIGSEGV, 400), 20);
    ck_assert_int_eq(exit_class_settle_ms(0, 7200000), 1000);
}
END_TEST

START_TEST(the_end_of_a_signalled_job_waits_however_short_it_was)
{
    static const int numbers[] = {SIGHUP, SIGINT, SIGQUIT, SIGKILL, SIGUSR1, SIGUSR2, SIGTERM};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ck_assert_int_eq(exit_class_settle_ms(numbers[i], 400), 2000);
        ck_assert_int_eq(exit_class_settle_ms(EXITED(128 + numbers[i]), 0), 2000);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("exit_class");
    TCase *tcase = tcase_create("exit_class");

    tcase_add_loop_test(tcase, facts_become_an_outcome, 0, (int)(sizeof cases / sizeof cases[0]));
    tcase_add_test(tcase, words_name_the_status);
    tcase_add_test(tcase, the_end_of_a_long_job_waits_for_news_of_the_worker);
    tcase_add_test(tcase, the_end_of_a_signalled_job_waits_however_short_it_was);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
