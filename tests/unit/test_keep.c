/* Jobs that survive their agents: agents are processes here, and are killed at every place. */
#include <check.h>
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
#include "common/rng.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"
#include "worker/agent/boundary/walk.h"
#include "worker/agent/kept_output.h"
#include "worker/agent/orphans.h"
#include "worker/agent/owner.h"
#include "worker/agent/runner.h"
#include "worker/agent/shim_keep.h"

#define LINES 3000
#define AGENTS 20
#define SECONDS 30
#define SPAN_MS 20000

static char folder[DIRECTORY_BYTES];
static char recorded[DIRECTORY_BYTES + 16]; /* what the agents have recorded of the output */
static struct kept_files files;
static const struct boundary boundary; /* walk */

static void setup(void)
{
    char base[DIRECTORY_BYTES + 16];
    struct err err = {0};

    directory_create(folder);
    (void)snprintf(base, sizeof base, "%s/slot-0", folder);
    (void)snprintf(recorded, sizeof recorded, "%s/recorded", folder);
    ck_assert_int_eq(kept_files_name(&files, base, &err), 0);
    orphans_adopt(); /* the shims of killed agents too, so that their end can be waited for */
}

static void teardown(void)
{
    struct job_record record;

    if (job_record_read(files.job, &record)) { /* of a case that failed */
        const char *const ids[] = {record.attempt_id};
        (void)orphans_end(&(struct orphans){.attempt_ids = ids, .n = 1}, SECONDS * 1000);
    }
    kept_files_finish(&files);
    directory_remove(folder);
}

static int64_t now_ms(void)
{
    return clock_system()->monotonic_ms(clock_system());
}

/* ---- an agent ---- */

static struct runner start(const char *line, int64_t span_ms)
{
    struct runner runner;
    char text[500];
    char name[] = "job";
    char option[] = "-c";
    char path[] = "PATH=/usr/bin:/bin";
    char variable[ATTEMPT_ID_BYTES + 32];
    struct job_record record = {.keeps = true};
    struct runner_keep keep = {.files = &files, .span_ms = span_ms};
    struct err err = {0};

    (void)snprintf(text, sizeof text, "%s", line);
    attempt_id_make("l_1", record.attempt_id);
    job_record_boot(record.boot);
    (void)snprintf(variable, sizeof variable, ATTEMPT_ID_VARIABLE "=%s", record.attempt_id);
    char *const argv[] = {name, option, text, NULL};
    char *const envp[] = {variable, path, NULL};
    struct runner_spec spec = {.path = "/bin/sh",
                               .argv = argv,
                               .envp = envp,
                               .boundary = &boundary,
                               .attempt_id = record.attempt_id,
                               .keep = &keep};
    ck_assert_msg(runner_start(&runner, &spec, &err) == 0, "%s", err.text);
    record.shim = runner.shim;
    record.shim_started = owner_started(runner.shim);
    ck_assert_int_eq(job_record_write(files.job, &record, &err), 0);
    while (runner.job == 0) { /* an agent that dies earlier has no job */
        struct pollfd channel = {.fd = runner.status_fd, .events = POLLIN};
        (void)poll(&channel, 1, SECONDS * 1000);
        runner_advance(&runner);
    }
    return runner;
}

/* Dies of SIGKILL at the n-th place that is passed. */
static void die_at(int *n)
{
    if (--*n == 0) {
        (void)raise(SIGKILL);
    }
}

/* Records what it reads, a chunk at a time, as the spool does with reports: `skip` bytes of the
 * next chunks are there already. Returns whether the stream had something. */
static bool record_chunk(struct kept_output *kept, const struct runner *runner, int64_t *skip,
                         int *n)
{
    char bytes[200];
    struct kept_position position;
    int fd = open(recorded, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    die_at(n);
    ssize_t got =
        kept_output_read(kept, STREAM_OUTPUT, runner->streams[STREAM_OUTPUT], bytes, sizeof bytes);
    die_at(n);
    kept_output_position(kept, &position);
    for (ssize_t i = 0; i < got; i += 50) { /* not as a whole */
        ssize_t part = got - i < 50 ? got - i : 50;
        if (*skip >= part) {
            *skip -= part;
        } else {
            ssize_t new = part - (ssize_t)*skip;
            ck_assert_int_eq(write(fd, bytes + i + *skip, (size_t) new), new);
            *skip = 0;
        }
        die_at(n);
        position.reports += (uint64_t)part;
    }
    position.read_at[STREAM_OUTPUT] = kept->read_at[STREAM_OUTPUT];
    kept_output_commit(kept, &position);
    die_at(n);
    (void)close(fd);
    return got > 0;
}

/* Goes on where earlier agents were, until the job has ended and all is recorded. */
static void follow(struct runner *runner, bool resumes, int n)
{
    struct kept_output kept;
    struct kept_position position;
    struct stat info;
    struct err err = {0};

    ck_assert_msg(kept_output_open(&kept, &files, resumes, &err) == 0, "%s", err.text);
    kept_output_position(&kept, &position);
    int64_t skip = stat(recorded, &info) == 0 ? info.st_size - (int64_t)position.reports : 0;
    for (bool has_ended = runner->ended;; has_ended = runner->ended) {
        bool had = record_chunk(&kept, runner, &skip, &n);
        if (!had && has_ended) {
            break;
        }
        if (!had) {
            struct pollfd watched[2] = {{.fd = runner->streams[STREAM_OUTPUT], .events = POLLIN},
                                        {.fd = runner->status_fd, .events = POLLIN}};
            (void)poll(watched, 2, 1);
        }
        runner_advance(runner);
    }
    kept_output_close(&kept);
}

/* What is left of a job whose shim has gone. True when a shim was found instead. */
static bool take_up(struct runner *runner)
{
    struct job_record record;
    struct shim_exit ended;
    struct err err = {0};

    ck_assert(job_record_read(files.job, &record));
    int rc = RUNNER_SILENT;
    while (rc == RUNNER_SILENT) {
        rc = runner_adopt(runner, files.socket, &record, &err);
    }
    ck_assert_msg(rc >= 0, "%s", err.text);
    if (rc == 0) {
        return true;
    }
    int64_t give_up_ms = now_ms() + SECONDS * 1000;
    while (!shim_keep_read_exit(files.exit, record.attempt_id, &ended) && now_ms() < give_up_ms) {
        (void)poll(NULL, 0, 1);
    }
    ck_assert(shim_keep_read_exit(files.exit, record.attempt_id, &ended));
    runner->ended = true;
    runner->wait_status = ended.status;
    return false;
}

/* Runs one agent in a process of its own; true when it came to the end. */
static bool run_agent(bool is_first, const char *line, int64_t span_ms, int n)
{
    pid_t agent = fork();

    if (agent == 0) {
        struct runner runner;
        if (is_first) {
            runner = start(line, span_ms);
        } else {
            runner_init(&runner);
            (void)take_up(&runner);
        }
        follow(&runner, !is_first, n);
        if (runner.wait_status != 7 << 8) {
            _exit(3);
        }
        runner_done(&runner);
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(agent, &status, 0), agent);
    ck_assert_msg(status == 0 || WTERMSIG(status) == SIGKILL, "%d", status);
    return status == 0;
}

static void expect_lines(int n)
{
    char line[64];
    FILE *file = fopen(recorded, "re");
    int found = 0;

    ck_assert_ptr_nonnull(file);
    while (fgets(line, sizeof line, file) != NULL) {
        found++;
        ck_assert_int_eq((int)strtol(line, NULL, 10), found);
    }
    (void)fclose(file);
    ck_assert_int_eq(found, n);
}

static void wait_for_shim(void)
{
    struct job_record record;
    int64_t give_up_ms = now_ms() + SECONDS * 1000;

    ck_assert(job_record_read(files.job, &record));
    while (job_record_lives(&record) && now_ms() < give_up_ms) {
        (void)poll(NULL, 0, 1);
    }
    ck_assert(!job_record_lives(&record));
}

/* ---- the cases ---- */

START_TEST(every_line_is_recorded_once_by_agents_that_are_killed)
{
    struct rng rng = rng_seeded((uint64_t)_i + 1);
    char line[200];
    bool is_over = false;
    int agents = 0;

    (void)snprintf(line, sizeof line,
                   "i=0; while [ $i -lt %d ]; do i=$((i+1)); echo $i; done; exit 7", LINES);
    for (; agents < AGENTS && !is_over; agents++) {
        is_over = run_agent(agents == 0, line, SPAN_MS, 1 + (int)rng_below(&rng, 40));
    }
    if (!is_over) {
        ck_assert(run_agent(false, line, SPAN_MS, 0));
    }
    wait_for_shim();
    expect_lines(LINES);
    ck_assert_int_eq(agents, AGENTS);
}
END_TEST

START_TEST(an_end_that_nobody_saw_is_written_down)
{
    (void)run_agent(true, "i=0; while [ $i -lt 100 ]; do i=$((i+1)); echo $i; done; exit 7",
                    SPAN_MS, 1);
    wait_for_shim();
    struct runner runner = {0};
    ck_assert(!take_up(&runner));
    ck_assert_int_eq(WEXITSTATUS(runner.wait_status), 7);
    ck_assert(run_agent(false, "", SPAN_MS, 0));
    expect_lines(100);
}
END_TEST

START_TEST(without_an_agent_a_job_ends_after_its_span)
{
    int64_t begin_ms = now_ms();

    (void)run_agent(true, "echo 1; setsid sleep 1000 & exec sleep 1000", 100, 1);
    wait_for_shim();
    struct runner runner = {0};
    ck_assert(!take_up(&runner));
    ck_assert_int_ge(now_ms() - begin_ms, 100);
    ck_assert_int_eq(WTERMSIG(runner.wait_status), SIGKILL);
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
    ck_assert(!walk_has_children());
}
END_TEST

START_TEST(a_full_pipe_makes_the_job_wait)
{
    struct runner runner;
    struct job_record record;

    (void)run_agent(true, "head -c 3000000 /dev/zero; exit 7", SPAN_MS, 1);
    runner_init(&runner);
    ck_assert(take_up(&runner));
    ck_assert(job_record_read(files.job, &record));
    struct kept_output kept;
    struct err err = {0};
    ck_assert_int_eq(kept_output_open(&kept, &files, true, &err), 0);
    static char bytes[65536];
    int64_t total = 0;
    while (!runner.ended) {
        ssize_t got;
        while ((got = kept_output_read(&kept, STREAM_OUTPUT, runner.streams[STREAM_OUTPUT], bytes,
                                       sizeof bytes))
               > 0) {
            total += got;
        }
        struct pollfd channel = {.fd = runner.status_fd, .events = POLLIN};
        (void)poll(&channel, 1, 1);
        runner_advance(&runner);
    }
    ssize_t got;
    while ((got = kept_output_read(&kept, STREAM_OUTPUT, runner.streams[STREAM_OUTPUT], bytes,
                                   sizeof bytes))
           > 0) {
        total += got;
    }
    ck_assert_int_eq(total, 3000000);
    kept_output_close(&kept);
    runner_finish(&runner);
}
END_TEST

START_TEST(a_shim_that_is_stopped_is_called_again)
{
    struct runner runner;
    struct job_record record;
    struct err err = {0};

    runner_init(&runner);
    (void)run_agent(true, "exec sleep 1000", SPAN_MS, 1);
    ck_assert(job_record_read(files.job, &record));
    ck_assert_int_eq(kill(record.shim, SIGSTOP), 0);
    for (int i = 0; i < 20; i++) { /* more calls than may wait there */
        ck_assert_int_eq(runner_adopt(&runner, files.socket, &record, &err), RUNNER_SILENT);
    }
    ck_assert_int_eq(kill(record.shim, SIGCONT), 0);
    ck_assert(take_up(&runner));
    runner_finish(&runner);
    wait_for_shim();
}
END_TEST

START_TEST(only_the_recorded_shim_is_believed)
{
    struct runner runner;
    struct job_record record;
    struct err err = {0};

    runner_init(&runner);
    (void)run_agent(true, "exec sleep 1000", SPAN_MS, 1);
    ck_assert(job_record_read(files.job, &record));
    struct job_record other = record;
    other.attempt_id[20] = other.attempt_id[20] == '0' ? '1' : '0';
    ck_assert_int_eq(runner_adopt(&runner, files.socket, &other, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "not the socket of the recorded job"));
    other = record;
    other.shim_started++;
    ck_assert_int_eq(runner_adopt(&runner, files.socket, &other, &err), -1);
    other = record;
    (void)snprintf(other.boot, sizeof other.boot, "another");
    ck_assert_int_eq(runner_adopt(&runner, files.socket, &other, &err), -1);
    ck_assert_int_eq(runner_adopt(&runner, files.socket, &record, &err), 0);
    runner_finish(&runner);
    wait_for_shim();
}
END_TEST

START_TEST(a_record_is_read_as_a_whole_or_not)
{
    struct job_record record = {.shim = 12,
                                .shim_started = 345,
                                .keeps = true,
                                .reports = "hone-1",
                                .leaf = "/sys/fs/cgroup/a b/hone-1"};
    struct job_record found;
    struct err err = {0};

    attempt_id_make("l_1", record.attempt_id);
    job_record_boot(record.boot);
    ck_assert_int_eq(job_record_write(files.job, &record, &err), 0);
    ck_assert(job_record_read(files.job, &found));
    ck_assert_str_eq(found.attempt_id, record.attempt_id);
    ck_assert_str_eq(found.leaf, record.leaf);
    ck_assert_str_eq(found.reports, "hone-1");
    ck_assert(found.keeps && found.shim == 12 && found.shim_started == 345);
    ck_assert_int_eq(truncate(files.job, 60), 0);
    ck_assert(!job_record_read(files.job, &found));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("keep");
    TCase *tcase = tcase_create("keep");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, every_line_is_recorded_once_by_agents_that_are_killed, 0, 4);
    tcase_add_test(tcase, an_end_that_nobody_saw_is_written_down);
    tcase_add_test(tcase, without_an_agent_a_job_ends_after_its_span);
    tcase_add_test(tcase, a_full_pipe_makes_the_job_wait);
    tcase_add_test(tcase, a_shim_that_is_stopped_is_called_again);
    tcase_add_test(tcase, only_the_recorded_shim_is_believed);
    tcase_add_test(tcase, a_record_is_read_as_a_whole_or_not);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
