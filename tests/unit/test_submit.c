/* How many tasks a job array gets, what squeue says, and the script that is submitted. */
#include <check.h>
#include <string.h>

#include "tests/support/run_suite.h"
#include "worker/cli/submit/plan.h"
#include "worker/cli/submit/script.h"
#include "worker/cli/submit/task_queue.h"

static const struct {
    const char *what;
    struct submit_view view; /* wanted, elsewhere, slots a task, at most, pending, running */
    struct submit_step step;
} plans[] = {
    {"an empty queue", {20, 0, 1, 16, 0, 0}, {16, 0}},
    {"fewer trials than tasks", {5, 0, 1, 16, 0, 0}, {5, 0}},
    {"no limit", {-1, 0, 1, 16, 0, 0}, {16, 0}},
    {"those that wait and run come first", {20, 0, 1, 16, 6, 7}, {3, 0}},
    {"the cap is reached", {50, 0, 1, 16, 10, 6}, {0, 0}},
    {"workers elsewhere", {10, 4, 1, 16, 0, 2}, {4, 0}},
    {"all of them are elsewhere", {4, 9, 1, 16, 2, 1}, {0, 2}},
    {"several slots a task", {9, 0, 4, 16, 0, 0}, {3, 0}},
    {"too many wait", {5, 0, 1, 16, 6, 3}, {0, 4}},
    {"what runs is left alone", {1, 0, 1, 16, 2, 5}, {0, 2}},
    {"nothing to do", {0, 0, 1, 16, 3, 0}, {0, 3}},
};

START_TEST(tasks_follow_the_queue)
{
    struct submit_step step = submit_plan(&plans[_i].view);

    ck_assert_msg(step.submit == plans[_i].step.submit && step.cancel == plans[_i].step.cancel,
                  "%s: submit %lld, cancel %lld", plans[_i].what, (long long)step.submit,
                  (long long)step.cancel);
}
END_TEST

START_TEST(failed_submissions_come_at_growing_distances)
{
    static const int64_t delays[] = {0, 10, 20, 40, 80, 160, 320, 600, 600};

    for (int i = 0; i < 9; i++) {
        ck_assert_int_eq(submit_delay_seconds(i), delays[i]);
    }
    ck_assert_int_eq(submit_delay_seconds(1000000), 600);
}
END_TEST

static const struct {
    const char *text;
    int64_t seconds;
} times[] = {
    {"90", 5400},     {"90:30", 5430},     {"1:30:00", 5400},
    {"2-12", 216000}, {"2-12:30", 217800}, {"2-12:30:01", 217801},
    {"0", -1},        {"UNLIMITED", -1},   {"", -1},
    {"4h", -1},       {"1:2:3:4", -1},     {"2-", -1},
    {"-5", -1},       {"9999999", -1},     {"1-2-3", -1},
    {":30", -1},
};

START_TEST(time_limits_are_read_as_sbatch_does)
{
    ck_assert_msg(submit_time_seconds(times[_i].text) == times[_i].seconds, "%s: %lld",
                  times[_i].text, (long long)submit_time_seconds(times[_i].text));
}
END_TEST

START_TEST(squeue_lines_are_read)
{
    OWN(task_queue) struct task_queue queue = {0};
    struct err err = {0};

    ck_assert_int_eq(
        task_queue_read("12_0|RUNNING|None\n12_1|PENDING|Resources\n12_2|COMPLETING|None\n"
                        "13_0|REQUEUED|BeginTime\n14|CONFIGURING|None\n",
                        &queue, &err),
        0);
    ck_assert_uint_eq(queue.n, 4);
    ck_assert_uint_eq(queue.n_pending, 2);
    ck_assert_str_eq(queue.reason, "Resources");
    ck_assert(task_queue_has_job(&queue, "12") && task_queue_has_job(&queue, "14"));
    ck_assert(!task_queue_has_job(&queue, "1"));
    ck_assert(task_queue_has_worker(&queue, "12_7@n1:0"));
    ck_assert(!task_queue_has_worker(&queue, "1_7@n1:0"));
    ck_assert(!task_queue_has_worker(&queue, "gpu07:0"));
    ck_assert_int_eq(task_queue_read("slurm_load_jobs error\n", &queue, &err), -1);
}
END_TEST

START_TEST(a_held_task_is_one_that_waits)
{
    OWN(task_queue) struct task_queue queue = {0};
    struct err err = {0};

    ck_assert_int_eq(task_queue_read("12_0|RUNNING|JobHeldUser\n12_1|PENDING|JobHeldUser\n"
                                     "12_2|PENDING|Resources\n12_13|PENDING|JobHeldAdmin\n"
                                     "13|REQUEUE_HOLD|job_requeued_in_held_state\n",
                                     &queue, &err),
                     0);
    ck_assert(task_queue_holds(&queue, "12_1") && task_queue_holds(&queue, "12_13"));
    ck_assert(task_queue_holds(&queue, "13"));
    ck_assert(!task_queue_holds(&queue, "12_0") && !task_queue_holds(&queue, "12_2"));
    ck_assert(!task_queue_holds(&queue, "12_3"));
    queue.tasks[1].is_cancelled = queue.tasks[4].is_cancelled = true;
    ck_assert_uint_eq(task_queue_cancelled(&queue, "12"), 1);
    ck_assert_uint_eq(task_queue_cancelled(&queue, "1"), 0);
}
END_TEST

START_TEST(no_lines_are_an_empty_queue)
{
    OWN(task_queue) struct task_queue queue = {0};
    struct err err = {0};

    ck_assert_int_eq(task_queue_read("", &queue, &err), 0);
    ck_assert_uint_eq(queue.n, 0);
}
END_TEST

static char *const command[] = {(char[]){"./train"}, (char[]){"--lr={lr}"},
                                (char[]){"it's $HOME; `rm`"}};
static const char *const sbatch_options[] = {"--account=a b"};
static const struct script whole = {.study = "s",
                                    .url = "http://h:4663",
                                    .token_file = "/shared/token",
                                    .program = "/usr/bin/hone",
                                    .gpus = 2,
                                    .time = "1:00:00",
                                    .sbatch = sbatch_options,
                                    .n_sbatch = 1,
                                    .command = command,
                                    .n_command = 3};

START_TEST(the_script_has_every_setting_and_the_published_body)
{
    OWN(buf) struct buf text = {0};
    struct err err = {0};

    buf_init(&text, 1 << 16);
    ck_assert_int_eq(script_write(&whole, 9, 3, &text, &err), 0);
    static const char *const lines[] = {
        "#!/bin/sh\n",
        "\n#SBATCH --job-name=hone-s\n",
        "\n#SBATCH --array=0-8%3\n",
        "\n#SBATCH --gres=gpu:2\n",
        "\n#SBATCH --time=1:00:00\n",
        "\n#SBATCH --account=a b\n",
        "\nexport HONE_URL='http://h:4663'\n",
        "\nexport HONE_TOKEN_FILE='/shared/token'\n",
        "\nset -- '--study' 's' -- './train' '--lr={lr}' 'it'\\''s $HOME; `rm`'\nset -u\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ck_assert_msg(strstr(buf_text(&text), lines[i]) != NULL, "%s is not in\n%s", lines[i],
                      buf_text(&text));
    }
    const char *body = strstr(array_script[0], "\nset -u\n");
    ck_assert_str_eq(strstr(buf_text(&text), "\nset -u\n"), body);
}
END_TEST

START_TEST(a_followed_task_leaves_when_idle)
{
    static const char *const longer[] = {"--exit-when-idle=1h"};
    struct script script = whole;
    OWN(buf) struct buf text = {0};
    struct err err = {0};

    buf_init(&text, 1 << 16);
    script.leaves_when_idle = true;
    script.worker = longer;
    script.n_worker = 1;
    ck_assert_int_eq(script_write(&script, 1, 0, &text, &err), 0);
    ck_assert_ptr_nonnull(strstr(buf_text(&text), "'--study' 's' '--exit-when-idle=10m' "
                                                  "'--exit-when-idle=1h' -- "));
}
END_TEST

START_TEST(an_option_that_would_leave_its_line_is_refused)
{
    static const char *const two_lines[] = {"--account=x\nrm -rf ."};
    struct script script = whole;
    OWN(buf) struct buf text = {0};
    struct err err = {0};

    buf_init(&text, 1 << 16);
    script.sbatch = two_lines;
    ck_assert_int_eq(script_write(&script, 1, 0, &text, &err), -1);
    script = whole;
    script.partition = "gpu\nid";
    ck_assert_int_eq(script_write(&script, 1, 0, &text, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("submit");
    TCase *tcase = tcase_create("submit");

    tcase_add_loop_test(tcase, tasks_follow_the_queue, 0, sizeof plans / sizeof plans[0]);
    tcase_add_test(tcase, failed_submissions_come_at_growing_distances);
    tcase_add_loop_test(tcase, time_limits_are_read_as_sbatch_does, 0,
                        sizeof times / sizeof times[0]);
    tcase_add_test(tcase, squeue_lines_are_read);
    tcase_add_test(tcase, a_held_task_is_one_that_waits);
    tcase_add_test(tcase, no_lines_are_an_empty_queue);
    tcase_add_test(tcase, the_script_has_every_setting_and_the_published_body);
    tcase_add_test(tcase, a_followed_task_leaves_when_idle);
    tcase_add_test(tcase, an_option_that_would_leave_its_line_is_refused);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
