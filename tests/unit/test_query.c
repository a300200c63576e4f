/* A vendor's tool that lists, hangs, fails, or prints too much, run as the agent runs it; and what
 * slots are told of the GPUs then. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/support/run_suite.h"
#include "worker/agent/devices/devices.h"

#define LIMIT_MS 300
#define A "GPU-11111111-aaaa"

static char folder[40];
static struct loop loop;

static void start(void)
{
    struct http_client_settings server = {.url = "http://127.0.0.1:1"};
    struct err err = {0};

    (void)snprintf(folder, sizeof folder, "/tmp/hone-query-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    ck_assert_int_eq(loop_init(&loop, &server, clock_system(), &err), 0);
}

static void stop(void)
{
    static const char *const names[] = {"nvidia-smi", "rocm-smi", "child"};
    char path[80];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
    loop_finish(&loop);
}

/* A program of this name, alone on PATH with what a script needs. */
static void install(const char *name, const char *script)
{
    char path[80];

    if (script == NULL) {
        return;
    }
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fprintf(file, "#!/bin/sh\n%s\n", script);
    (void)fclose(file);
    ck_assert_int_eq(chmod(path, 0700), 0);
}

static void look(struct query *query)
{
    query_begin(query);
    while (query->step != QUERY_OVER) {
        query_tick(query);
        loop_turn(&loop, query->step == QUERY_OVER ? 0 : query_deadline(query));
    }
}

#define LISTS                                                                                      \
    "case $1 in --query-gpu*) echo '0, " A ", H200, 100, 7';; "                                    \
    "-L) echo 'GPU 0: H200 (UUID: " A ")';; *) echo '42, " A ", 5';; esac"
#define ROCM "echo '{\"card0\": {\"Unique ID\": \"0x9246a1\"}}'"

static const struct {
    const char *nvidia, *amd;
    int n, n_processes;
    const char *trouble; /* "": none */
} tools[] = {
    {NULL, NULL, 0, 0, ""},
    {LISTS, NULL, 1, 1, ""},
    {"sleep 1000", NULL, 0, 0, "nvidia-smi: it did not answer in time and was killed"},
    {"trap '' TERM INT HUP; while :; do sleep 1000; done", NULL, 0, 0,
     "nvidia-smi: it did not answer in time and was killed"},
    {"case $1 in --query-comp*) sleep 1000;; esac; " LISTS, NULL, 0, 0,
     "nvidia-smi: it did not answer in time and was killed"},
    {"case $1 in --query-comp*) echo '[Insufficient Permissions]'; exit 4;; esac; " LISTS, NULL, 1,
     0, ""},
    {"echo NVIDIA-SMI has failed; exit 9", NULL, 0, 0,
     "nvidia-smi: it printed something else than a list of GPUs: NVIDIA-SMI has failed"},
    {"exit 9", NULL, 0, 0, "nvidia-smi: it ended with status 9"},
    {"kill -SEGV $$", NULL, 0, 0, "nvidia-smi: it was ended by signal 11"},
    {"yes '0, " A ", H200, 100, 7'", NULL, 0, 0, "nvidia-smi: it printed more than 262144 bytes"},
    {"echo 'Unable to determine the device handle for GPU0000:3B:00.0: Unknown Error'; case $1 in "
     "--query-gpu*) echo '1, " A ", H200, 100, 7';; esac; exit 15",
     NULL, 1, 0, ""},
    {"echo No devices were found; exit 6", ROCM, 1, 0, ""},
    {"exit 9", ROCM, 1, 0, ""},
    {NULL, ROCM, 1, 0, ""},
    {NULL, "echo ERROR", 0, 0, "rocm-smi: it printed something else than a list of GPUs"},
};

START_TEST(a_tool_answers_or_is_given_up)
{
    struct query query;
    struct err err = {0};

    install("nvidia-smi", tools[_i].nvidia);
    install("rocm-smi", tools[_i].amd);
    char path[200];
    (void)snprintf(path, sizeof path, "%s:/usr/bin:/bin", folder);
    (void)setenv("PATH", path, 1);
    ck_assert_int_eq(query_init(&query, &loop, LIMIT_MS, &err), 0);
    ck_assert(query_has_tool(&query) == (tools[_i].nvidia != NULL || tools[_i].amd != NULL));
    int64_t begun_ms = loop_now(&loop);
    if (query_has_tool(&query)) {
        look(&query);
    }
    ck_assert_int_lt(loop_now(&loop) - begun_ms, 20000);
    ck_assert_str_eq(query.trouble.text, tools[_i].trouble);
    ck_assert_uint_eq(query.list->n, (size_t)tools[_i].n);
    ck_assert_uint_eq(query.list->n_processes, (size_t)tools[_i].n_processes);
    query_finish(&query);
}
END_TEST

/* What it started is killed with it, and it can be asked again. */
START_TEST(a_tool_that_hung_is_gone_and_asked_again)
{
    struct query query;
    struct err err = {0};
    char path[200];
    int child = 0;

    install("nvidia-smi",
            "d=${0%/*}; if [ -e $d/child ]; then " LISTS "; else sleep 1000 & echo $! "
            ">$d/child; wait; fi");
    (void)snprintf(path, sizeof path, "%s:/usr/bin:/bin", folder);
    (void)setenv("PATH", path, 1);
    ck_assert_int_eq(query_init(&query, &loop, LIMIT_MS, &err), 0);
    look(&query);
    ck_assert_int_eq(query.trouble.code, ERR_IO);
    (void)snprintf(path, sizeof path, "%s/child", folder);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%d", &child), 1);
    (void)fclose(file);
    while (query.probe.pid != 0) { /* until it is reaped */
        loop_turn(&loop, query_deadline(&query));
        query_tick(&query);
    }
    for (int i = 0; i < 1000; i++) {
        char state[64];
        (void)snprintf(path, sizeof path, "/proc/%d/stat", child);
        file = fopen(path, "r");
        bool is_there = file != NULL && fgets(state, sizeof state, file) != NULL
                        && strstr(state, ") Z") == NULL;
        if (file != NULL) {
            (void)fclose(file);
        }
        if (!is_there) {
            child = 0;
            break;
        }
        loop_turn(&loop, loop_now(&loop) + 10);
    }
    ck_assert_int_eq(child, 0);
    look(&query);
    ck_assert_int_eq(query.trouble.code, ERR_NONE);
    ck_assert_uint_eq(query.list->n, 1);
    query_finish(&query);
}
END_TEST

/* ---- the same as slots see it ---- */

static void open_devices(struct devices *devices, const char *gpus)
{
    struct devices_settings settings = {.gpus = gpus,
                                        .max_other_mib = -1,
                                        .min_disk_bytes = 0,
                                        .base_ms = 20,
                                        .limit_ms = LIMIT_MS};
    struct err err = {0};
    char path[200];

    (void)snprintf(path, sizeof path, "%s:/usr/bin:/bin", folder);
    (void)setenv("PATH", path, 1);
    (void)unsetenv("CUDA_VISIBLE_DEVICES");
    ck_assert_msg(devices_open(devices, &loop, &settings, &err) == 0, "%s", err.text);
}

/* A tool that lists one GPU and this process on it. */
static void install_with_process(pid_t pid, int mib)
{
    char text[400];

    (void)snprintf(text, sizeof text,
                   "case $1 in --query-gpu*) echo '0, " A ", H200, 80000, %d';; -L) echo 'GPU 0: "
                   "H200 (UUID: " A ")';; *) echo '%d, " A ", %d';; esac",
                   mib, (int)pid, mib);
    install("nvidia-smi", text);
}

static void turn(struct devices *devices)
{
    loop_turn(&loop, devices_deadline(devices));
    devices_tick(devices);
}

START_TEST(processes_of_our_own_are_not_those_of_others)
{
    static struct devices devices;
    struct lease_request request = {.loop = &loop};
    pid_t child = fork();

    if (child == 0) {
        (void)pause();
        _exit(0);
    }
    install_with_process(child, 70000);
    open_devices(&devices, NULL);
    ck_assert(devices_may_ask(&devices, 0, &request));
    ck_assert_str_eq(request.unfit, "");
    ck_assert_uint_eq(json_array_size(request.gpus), 1);
    devices_close(&devices);
    install_with_process(getppid(), 500);
    open_devices(&devices, NULL);
    ck_assert(devices_may_ask(&devices, 0, &request));
    ck_assert_ptr_nonnull(strstr(request.unfit, "GPU 0 is in use by process"));
    devices_close(&devices);
    json_decref(request.gpus);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
}
END_TEST

/* A slot waits for the look no longer than its limit, and then asks for what was fit before. */
START_TEST(a_tool_that_hangs_delays_one_ask)
{
    static struct devices devices;
    struct lease_request request = {.loop = &loop};

    install("nvidia-smi", "sleep 1000");
    int64_t begun_ms = loop_now(&loop);
    open_devices(&devices, "0,1");
    ck_assert_int_ge(loop_now(&loop) - begun_ms, LIMIT_MS);
    ck_assert(devices.tool.is_on);
    ck_assert(devices_may_ask(&devices, 0, &request)); /* it is known to hang: no look now */
    ck_assert_uint_eq(json_array_size(request.gpus), 2);
    devices_end_ask(&devices, 0);
    while (!devices.is_asked) { /* its next look is due */
        if (!devices_may_ask(&devices, 0, &request)) {
            devices_tick(&devices);
        }
        devices_end_ask(&devices, 0);
        loop_turn(&loop, loop_now(&loop) + 5);
    }
    install("nvidia-smi", LISTS); /* not the one that runs */
    while (devices.is_asked) {
        turn(&devices);
    }
    ck_assert(devices_may_ask(&devices, 0, &request));
    json_decref(request.gpus);
    devices_close(&devices);
}
END_TEST

/* Only the slot that asks may, until it is granted; what comes free renews its ask. */
START_TEST(one_slot_asks_with_all_that_is_free)
{
    static struct devices devices;
    struct lease_request request = {.loop = &loop};
    struct lease_grant grant = {.requires_gpus = 2};
    struct device_set taken;
    struct quick_failures quick = {0};
    struct err err = {0};
    char *tokens = NULL;

    open_devices(&devices, "0,1,2");
    ck_assert(devices_may_ask(&devices, 0, &request));
    ck_assert_uint_eq(json_array_size(request.gpus), 3);
    ck_assert(!devices_may_ask(&devices, 1, &request));
    devices_end_ask(&devices, 0);
    ck_assert_int_eq(devices_take(&devices, 0, &grant, &taken, &tokens, &err), 0);
    ck_assert_str_eq(tokens, "0,1");
    free(tokens);
    ck_assert(devices_may_ask(&devices, 1, &request));
    ck_assert_uint_eq(json_array_size(request.gpus), 1);
    ck_assert(!devices_grew(&devices, 1));
    devices_give_back(&devices, &taken, &quick, 0, "");
    ck_assert_int_eq(devices_deadline(&devices), 0);
    ck_assert(!devices_grew(&devices, 0));
    ck_assert(devices_grew(&devices, 1));
    ck_assert(!devices_grew(&devices, 1));
    ck_assert(devices_may_ask(&devices, 1, &request));
    ck_assert_uint_eq(json_array_size(request.gpus), 3);
    ck_assert_int_eq(devices_take(&devices, 1, &grant, &taken, &tokens, &err), 0);
    free(tokens);
    ck_assert_int_eq(devices_take(&devices, 2, &grant, &taken, &tokens, &err), -1);
    ck_assert_int_eq(devices_take_named(&devices, 2, "2", &taken, &err), 0);
    ck_assert_int_eq(devices_take_named(&devices, 2, "2", &taken, &err), -1);
    ck_assert_int_eq(devices_take_named(&devices, 2, "7", &taken, &err), -1);
    ck_assert(!devices_may_ask(&devices, 2, &request)); /* nothing is free */
    json_decref(request.gpus);
    devices_close(&devices);
}
END_TEST

START_TEST(a_gpu_on_which_jobs_fail_comes_back_after_its_wait)
{
    static struct devices devices;
    struct lease_request request = {.loop = &loop};
    struct lease_grant grant = {0};
    struct device_set taken;
    struct quick_failures quick = {0};
    struct err err = {0};
    char *tokens = NULL;

    open_devices(&devices, "0,1");
    ck_assert_int_eq(devices_take(&devices, 0, &grant, &taken, &tokens, &err), 0);
    free(tokens);
    quick.in_row = 3;
    devices_give_back(&devices, &taken, &quick, 50, "3 jobs in a row failed at once");
    ck_assert(devices_may_ask(&devices, 0, &request));
    ck_assert_uint_eq(json_array_size(request.gpus), 1);
    ck_assert_str_eq(request.health, "GPU 0: 3 jobs in a row failed at once");
    while (!devices_grew(&devices, 0)) {
        turn(&devices);
    }
    ck_assert(devices_may_ask(&devices, 0, &request));
    ck_assert_uint_eq(json_array_size(request.gpus), 2);
    ck_assert_str_eq(request.health, "");
    ck_assert_int_eq(devices_take(&devices, 0, &grant, &taken, &tokens, &err), 0);
    ck_assert_str_eq(tokens, "0");
    ck_assert_uint_eq(devices_failures(&devices, &taken), 3); /* the next failure counts on */
    free(tokens);
    json_decref(request.gpus);
    devices_close(&devices);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("query");
    TCase *tcase = tcase_create("query");

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, a_tool_answers_or_is_given_up, 0,
                        (int)(sizeof tools / sizeof tools[0]));
    tcase_add_test(tcase, a_tool_that_hung_is_gone_and_asked_again);
    tcase_add_test(tcase, processes_of_our_own_are_not_those_of_others);
    tcase_add_test(tcase, a_tool_that_hangs_delays_one_ask);
    tcase_add_test(tcase, one_slot_asks_with_all_that_is_free);
    tcase_add_test(tcase, a_gpu_on_which_jobs_fail_comes_back_after_its_wait);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
