/* A job as the agent runs it: real processes, and the small parts around them. */
#include "worker/agent/runner.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"
#include "worker/agent/boundary/cgroup.h"
#include "worker/agent/boundary/walk.h"
#include "worker/agent/oom_watch.h"
#include "worker/agent/orphans.h"
#include "worker/agent/spawn_failure.h"
#include "worker/agent/unkillable.h"

#define FREEZER "/sys/fs/cgroup/freezer"
#define SECONDS 30

static char folder[DIRECTORY_BYTES];
static struct boundary boundary; /* walk */
static struct runner runner;

static void setup(void)
{
    directory_create(folder);
    orphans_adopt();
}

static void teardown(void)
{
    runner_finish(&runner);
    directory_remove(folder);
}

static int64_t now_ms(void)
{
    return clock_system()->monotonic_ms(clock_system());
}

static void start(const char *program, const char *line, int64_t empty_ms)
{
    char text[2000];
    char name[] = "job";
    char option[] = "-c";
    char id[ATTEMPT_ID_BYTES];
    char variable[ATTEMPT_ID_BYTES + 32];
    char path[] = "PATH=/usr/bin:/bin";
    struct err err = {0};

    (void)snprintf(text, sizeof text, "%s", line);
    attempt_id_make("l_1", id);
    (void)snprintf(variable, sizeof variable, ATTEMPT_ID_VARIABLE "=%s", id);
    char *const argv[] = {name, option, text, NULL};
    char *const envp[] = {variable, path, NULL};
    struct runner_spec spec = {.path = program,
                               .argv = argv,
                               .envp = envp,
                               .boundary = &boundary,
                               .attempt_id = id,
                               .empty_ms = empty_ms};
    ck_assert_msg(runner_start(&runner, &spec, &err) == 0, "%s", err.text);
}

static void shell(const char *line)
{
    start("/bin/sh", line, 0);
}

/* The first word that the job prints. */
static const char *read_word(void)
{
    static char text[200];
    struct pollfd output = {.fd = runner.streams[STREAM_OUTPUT], .events = POLLIN};

    ck_assert_int_eq(poll(&output, 1, SECONDS * 1000), 1);
    ssize_t got = read(output.fd, text, sizeof text - 1);
    ck_assert_int_gt(got, 0);
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    return text;
}

static void wait_for_end(void)
{
    int64_t give_up_ms = now_ms() + SECONDS * 1000;

    while (!runner.ended && now_ms() < give_up_ms) {
        struct pollfd channel = {.fd = runner.status_fd, .events = POLLIN};
        (void)poll(&channel, 1, runner.cleaning ? 1 : 1000);
        runner_advance(&runner);
        runner_tick(&runner, now_ms());
    }
    ck_assert(runner.ended);
}

/* What the job prints may be here before the shim's word that it runs. */
static pid_t wait_for_job(void)
{
    int64_t give_up_ms = now_ms() + SECONDS * 1000;

    while (runner.job == 0 && now_ms() < give_up_ms) {
        struct pollfd channel = {.fd = runner.status_fd, .events = POLLIN};
        (void)poll(&channel, 1, 1000);
        runner_advance(&runner);
    }
    ck_assert_int_gt(runner.job, 0);
    return runner.job;
}

static void wait_for_state(pid_t pid, const char *states)
{
    int64_t give_up_ms = now_ms() + SECONDS * 1000;

    while (strchr(states, walk_state_of(pid)) == NULL && now_ms() < give_up_ms) {
        (void)poll(NULL, 0, 1);
    }
    ck_assert_ptr_nonnull(strchr(states, walk_state_of(pid)));
}

START_TEST(a_stopped_job_obeys_sigterm)
{
    shell("trap 'exit 7' TERM; echo $$; kill -STOP $$; while :; do sleep 0.01; done");
    wait_for_state((pid_t)strtol(read_word(), NULL, 10), "T");
    runner_act(&runner, ACT_TERMINATE);
    wait_for_end();
    ck_assert_int_eq(WEXITSTATUS(runner.wait_status), 7);
    ck_assert(!runner.killed);
}
END_TEST

START_TEST(sigterm_reaches_the_group_and_sigkill_all_sessions)
{
    shell("trap '' TERM; setsid sleep 1000 & echo $!; wait");
    pid_t child = (pid_t)strtol(read_word(), NULL, 10);
    ck_assert_int_ne(walk_state_of(child), 'X');
    runner_act(&runner, ACT_TERMINATE);
    runner_act(&runner, ACT_KILL);
    wait_for_end();
    ck_assert_int_eq(WTERMSIG(runner.wait_status), SIGKILL);
    ck_assert_int_eq(walk_state_of(child), 'X');
}
END_TEST

START_TEST(what_holds_the_output_gets_a_second)
{
    int64_t begin_ms = now_ms();

    shell("sleep 1000 & echo $!");
    pid_t child = (pid_t)strtol(read_word(), NULL, 10);
    wait_for_end();
    ck_assert_int_ge(now_ms() - begin_ms, 900);
    ck_assert_int_eq(runner.wait_status, 0);
    ck_assert_int_eq(walk_state_of(child), 'X');
}
END_TEST

START_TEST(what_holds_no_output_gets_no_time)
{
    int64_t begin_ms = now_ms();

    shell("sleep 1000 >/dev/null 2>&1 3>&- & echo $!");
    pid_t child = (pid_t)strtol(read_word(), NULL, 10);
    wait_for_end();
    ck_assert_int_lt(now_ms() - begin_ms, 900);
    ck_assert_int_eq(walk_state_of(child), 'X');
}
END_TEST

START_TEST(late_output_of_a_filter_is_read)
{
    shell("(sleep 0.1; echo late) &");
    ck_assert_str_eq(read_word(), "late");
    wait_for_end();
}
END_TEST

START_TEST(a_killed_shim_leaves_nothing)
{
    shell("setsid sleep 1000 & env -i setsid sleep 1000 & echo $!; wait");
    pid_t child = (pid_t)strtol(read_word(), NULL, 10);
    (void)kill(runner.shim, SIGKILL);
    wait_for_end();
    ck_assert_int_eq(runner.wait_status, SIGKILL);
    ck_assert_int_eq(runner.survivor, 0);
    ck_assert_int_eq(walk_state_of(child), 'X');
    ck_assert(!walk_has_children());
}
END_TEST

/* Without a living agent or shim, only the environment tells whose a process is. */
START_TEST(a_process_is_found_by_its_attempt)
{
    char id[ATTEMPT_ID_BYTES];
    char other[ATTEMPT_ID_BYTES];
    char variable[ATTEMPT_ID_BYTES + 32];

    attempt_id_make("l_1", id);
    attempt_id_make("l_1", other);
    ck_assert(attempt_id_is_valid(id));
    ck_assert_str_ne(id, other);
    (void)snprintf(variable, sizeof variable, ATTEMPT_ID_VARIABLE "=%s", id);
    pid_t child = fork();
    if (child == 0) {
        (void)execle("/bin/sleep", "sleep", "1000", (char *)NULL, (char *[]){variable, NULL});
        _exit(127);
    }
    wait_for_state(child, "S");
    const char *const others[] = {other};
    const char *const ids[] = {other, id};
    ck_assert_int_eq(orphans_end(&(struct orphans){.attempt_ids = others, .n = 1}, 0), 0);
    ck_assert_int_eq(walk_state_of(child), 'S');
    while (orphans_kill(&(struct orphans){.attempt_ids = ids, .n = 2}) != 0) {
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(WTERMSIG(status), SIGKILL);
}
END_TEST

START_TEST(ps_shows_the_shim_by_its_name)
{
    char path[64];
    char text[64] = "";

    shell("echo begun; sleep 1000");
    (void)read_word();
    static const char *const files[] = {"comm", "cmdline"};
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(path, sizeof path, "/proc/%ld/%s", (long)runner.shim, files[i]);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_gt(read(fd, text, sizeof text - 1), 0);
        (void)close(fd);
        text[strcspn(text, "\n")] = '\0';
        ck_assert_str_eq(text, SHIM_NAME);
    }
}
END_TEST

START_TEST(a_signal_to_all_processes_ends_no_shim)
{
    static const int numbers[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGQUIT, SIGPIPE, SIGTSTP};

    shell("echo begun; exec sleep 1000");
    (void)read_word();
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        (void)kill(runner.shim, numbers[i]);
    }
    (void)kill(wait_for_job(), SIGUSR1);
    wait_for_end();
    ck_assert(runner.told);
    ck_assert_int_eq(WTERMSIG(runner.wait_status), SIGUSR1);
}
END_TEST

/* ---- what cannot start ---- */

static const struct {
    const char *text; /* of the program */
    mode_t mode;
    int why;
    const char *told;
} programs[] = {
    {"#!/no/such/interpreter\n", 0755, ENOENT, "the interpreter /no/such/interpreter that"},
    {"#!/etc/passwd\n", 0755, EACCES, "may not be executed"},
    {"echo no first line\n", 0755, ENOEXEC, "no script, which would begin with #!"},
    {"\x7f"
     "ELF nonsense",
     0755, ENOEXEC, "is no program of this machine"},
    {"#!/bin/sh\n", 0644, EACCES, ""},
    {NULL, 0, ENOENT, "No such file or directory"},
};

START_TEST(what_cannot_start_says_why)
{
    char path[DIRECTORY_BYTES + 10];
    char text[1000];

    (void)snprintf(path, sizeof path, "%s/program", folder);
    if (programs[_i].text != NULL) {
        FILE *file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_ge(fputs(programs[_i].text, file), 0);
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(chmod(path, programs[_i].mode), 0);
    }
    start(path, "", 0);
    wait_for_end();
    ck_assert_int_eq(runner.spawn_errno, programs[_i].why);
    spawn_failure_describe(path, runner.spawn_errno, text, sizeof text);
    ck_assert_msg(strstr(text, programs[_i].told) != NULL, "%s", text);
}
END_TEST

/* ---- what cannot be killed ---- */

static bool put(const char *name, const char *text)
{
    char path[300];

    (void)snprintf(path, sizeof path, FREEZER "/hone-test-%ld/%s", (long)getpid(), name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool is_put = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0) {
        (void)close(fd);
    }
    return is_put;
}

/* A frozen process ends when it is thawed, not before. */
START_TEST(an_unkillable_process_is_named_and_waited_for)
{
    char group[300];
    char pid_text[32];
    char what[200];
    struct unkillable unkillable = {0};

    (void)snprintf(group, sizeof group, FREEZER "/hone-test-%ld", (long)getpid());
    if (mkdir(group, 0755) != 0) {
        (void)fprintf(stderr, "not run: an unkillable process: no freezer of cgroup version 1\n");
        return;
    }
    start("/bin/sh", "setsid sleep 1000 & echo $!; wait", 100);
    pid_t child = (pid_t)strtol(read_word(), NULL, 10);
    wait_for_state(child, "S");
    (void)snprintf(pid_text, sizeof pid_text, "%ld", (long)child);
    ck_assert(put("cgroup.procs", pid_text));
    ck_assert(put("freezer.state", "FROZEN"));
    runner_act(&runner, ACT_KILL);
    wait_for_end();
    ck_assert_int_eq(runner.survivor, child);
    ck_assert(unkillable_take(&unkillable, &runner));
    unkillable_describe(&unkillable, what, sizeof what);
    ck_assert_msg(strstr(what, "(sleep) in state D") != NULL, "%s", what);
    runner_finish(&runner); /* does not wait for it */
    ck_assert(unkillable_holds(&unkillable, 0));
    ck_assert_int_eq(unkillable_deadline(&unkillable), 1000);
    ck_assert(put("freezer.state", "THAWED"));
    int64_t give_up_ms = now_ms() + SECONDS * 1000;
    for (int64_t at_ms = 1000; unkillable_holds(&unkillable, at_ms) && now_ms() < give_up_ms;
         at_ms += 1000) {
        (void)poll(NULL, 0, 1);
    }
    ck_assert_int_eq(unkillable.process, 0);
    ck_assert_int_eq(walk_state_of(child), 'X');
    ck_assert_int_eq(rmdir(group), 0);
}
END_TEST

/* ---- reading ---- */

static const struct {
    const char *record;
    pid_t pid;
    const char *line;
} records[] = {
    {"3,812,1564735060,-;Memory cgroup out of memory: Killed process 21174 (tail) total-vm:35kB\n",
     21174, "Memory cgroup out of memory: Killed process 21174 (tail)"},
    {"3,9,1,-;Out of memory: Killed process 7 (python3 x) total-vm:1kB, anon-rss:1kB\n", 7,
     "Out of memory: Killed process 7 (python3 x)"},
    {"6,811,1,-;oom-kill:constraint=CONSTRAINT_MEMCG,task=tail,pid=21174,uid=0\n", 0, ""},
    {"4,1,1,-;someone: Killed process 3 (x)\n", 0, ""},
    {"4,1,1,-;Out of memory: Killed process", 0, ""},
    {"no record", 0, ""},
};

START_TEST(the_kernels_log_names_who_was_killed)
{
    char line[OOM_LINE_BYTES] = "";

    ck_assert_int_eq(oom_watch_read(records[_i].record, line), records[_i].pid);
    ck_assert_str_eq(line, records[_i].line);
}
END_TEST

static void write_file(const char *name, const char *text)
{
    char path[DIRECTORY_BYTES + 32];

    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(a_cgroup_counts_its_own_kills)
{
    ck_assert_int_eq(cgroup_oom_kills(folder), -1);
    write_file("memory.events", "low 0\nhigh 0\nmax 31\noom 2\noom_kill 3\noom_group_kill 0\n");
    ck_assert_int_eq(cgroup_oom_kills(folder), 3);
    ck_assert(cgroup_is_empty(folder));
    write_file("cgroup.events", "populated 1\nfrozen 0\n");
    ck_assert(!cgroup_is_empty(folder));
    write_file("cgroup.events", "populated 0\nfrozen 0\n");
    ck_assert(cgroup_is_empty(folder));
}
END_TEST

static const struct {
    struct boundary_settings settings;
    const char *told; /* NULL: taken */
} choices[] = {
    {{.isolate = "walk"}, NULL},
    {{.isolate = "auto"}, NULL},
    {{.isolate = "docker"}, "write auto, cgroup, namespace or walk"},
    {{.isolate = "walk", .processes = 3}, "need --isolate cgroup"},
    {{.isolate = "namespace", .memory_bytes = 1 << 20}, "need --isolate cgroup"},
};

START_TEST(a_boundary_is_chosen_or_refused)
{
    struct boundary chosen;
    struct err err = {0};
    int rc = boundary_choose(&choices[_i].settings, &chosen, &err);

    ck_assert_int_eq(rc, choices[_i].told == NULL ? 0 : -1);
    ck_assert_msg(choices[_i].told == NULL || strstr(err.text, choices[_i].told) != NULL, "%s",
                  err.text);
}
END_TEST

#define ADD_LOOP(tcase, test, rows)                                                                \
    tcase_add_loop_test(tcase, test, 0, (int)(sizeof(rows) / sizeof((rows)[0])))

int main(void)
{
    Suite *suite = suite_create("runner");
    TCase *jobs = tcase_create("jobs");

    tcase_add_checked_fixture(jobs, setup, teardown);
    tcase_add_test(jobs, a_stopped_job_obeys_sigterm);
    tcase_add_test(jobs, sigterm_reaches_the_group_and_sigkill_all_sessions);
    tcase_add_test(jobs, what_holds_the_output_gets_a_second);
    tcase_add_test(jobs, what_holds_no_output_gets_no_time);
    tcase_add_test(jobs, late_output_of_a_filter_is_read);
    tcase_add_test(jobs, a_killed_shim_leaves_nothing);
    tcase_add_test(jobs, a_process_is_found_by_its_attempt);
    tcase_add_test(jobs, ps_shows_the_shim_by_its_name);
    tcase_add_test(jobs, a_signal_to_all_processes_ends_no_shim);
    ADD_LOOP(jobs, what_cannot_start_says_why, programs);
    tcase_add_test(jobs, an_unkillable_process_is_named_and_waited_for);
    ADD_LOOP(jobs, the_kernels_log_names_who_was_killed, records);
    tcase_add_test(jobs, a_cgroup_counts_its_own_kills);
    ADD_LOOP(jobs, a_boundary_is_chosen_or_refused, choices);
    suite_add_tcase(suite, jobs);
    return run_suite(suite);
}
