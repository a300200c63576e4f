/* A vendor's tool that lists, hangs, fails, or prints too much, run as the agent runs it. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/agent/devices/query.h"

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

int main(void)
{
    Suite *suite = suite_create("query");
    TCase *tcase = tcase_create("query");
    SRunner *runner = srunner_create(suite);

    tcase_add_checked_fixture(tcase, start, stop);
    tcase_add_loop_test(tcase, a_tool_answers_or_is_given_up, 0,
                        (int)(sizeof tools / sizeof tools[0]));
    tcase_add_test(tcase, a_tool_that_hung_is_gone_and_asked_again);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
