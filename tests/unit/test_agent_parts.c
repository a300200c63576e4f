/* The small parts of the agent: words, GPUs, environment, folders, backoff. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "worker/agent/argv_list.h"
#include "worker/agent/backoff.h"
#include "worker/agent/environment.h"
#include "worker/agent/folder.h"
#include "worker/agent/gpu.h"
#include "worker/agent/quick_failures.h"

static const char *join(const struct argv_list *words)
{
    static char text[1000];
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < words->n; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "%s[%s]", "", words->items[i]);
    }
    return text;
}

static const struct {
    const char *line, *words; /* NULL: refused */
} lines[] = {
    {"./train --lr {lr}", "[./train][--lr][{lr}]"},
    {"  a\t'b c'  \"d 'e'\" ", "[a][b c][d 'e']"},
    {"a\\ b \"c\\\"d\" 'e\\f' ''", "[a b][c\"d][e\\f][]"},
    {"x$(y) `z` ~ *", "[x$(y)][`z`][~][*]"},
    {"", ""},
    {"a 'b", NULL},
    {"a \"b\\\"", NULL},
};

START_TEST(line_is_cut_as_a_shell_would)
{
    OWN(argv_list) struct argv_list words = {0};
    struct err err;
    int rc = argv_list_split(&words, lines[_i].line, &err);

    ck_assert_int_eq(rc, lines[_i].words == NULL ? -1 : 0);
    if (rc == 0) {
        ck_assert_str_eq(join(&words), lines[_i].words);
    }
}
END_TEST

static const struct {
    const char *list, *gpus;
} gpu_lists[] = {
    {"0,1,2", "[0][1][2]"},
    {"GPU-8f5e,MIG-1/2", "[GPU-8f5e][MIG-1/2]"},
    {"", NULL},
    {"0,", NULL},
    {"0,0", NULL},
    {"0 1", NULL},
    {"0;rm", NULL},
};

START_TEST(gpu_list_is_read_or_refused)
{
    OWN(argv_list) struct argv_list gpus = {0};
    struct err err;
    int rc = gpu_list_read(gpu_lists[_i].list, &gpus, &err);

    ck_assert_int_eq(rc, gpu_lists[_i].gpus == NULL ? -1 : 0);
    if (rc == 0) {
        ck_assert_str_eq(join(&gpus), gpu_lists[_i].gpus);
    }
}
END_TEST

static bool has(const struct argv_list *words, const char *text)
{
    for (size_t i = 0; i < words->n; i++) {
        if (strcmp(words->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

START_TEST(environment_carries_no_secret)
{
    char *inherited[] = {(char[]){"PATH=/bin"},
                         (char[]){"HONE_TOKEN_FILE=/secret"},
                         (char[]){"HONE_PARAM_OLD=1"},
                         (char[]){"HONE_URL=http://x"},
                         (char[]){"CUDA_VISIBLE_DEVICES=0,1"},
                         NULL};
    json_auto_t *parameters = json_loads("{\"a-b.c\": 0.5}", 0, NULL);
    struct lease_grant grant = {.study = "s", .trial = 3, .attempt = 2, .seed = 7};
    struct folder folder = {
        .params = (char[]){"/p"}, .control = (char[]){"/c"}, .checkpoint = (char[]){"/k"}};
    struct environment environment = {.inherited = inherited,
                                      .grant = &grant,
                                      .parameters = parameters,
                                      .folder = &folder,
                                      .metrics_fd = 3,
                                      .gpu = "1"};
    OWN(argv_list) struct argv_list words = {0};
    struct err err;

    ck_assert_int_eq(environment_build(&environment, &words, &err), 0);
    ck_assert(has(&words, "PATH=/bin"));
    ck_assert(has(&words, "HONE_URL=http://x"));
    ck_assert(has(&words, "CUDA_VISIBLE_DEVICES=1"));
    ck_assert(has(&words, "HONE_PARAM_A_B_C=0.5"));
    ck_assert(has(&words, "HONE_TRIAL=3"));
    ck_assert(has(&words, "PYTHONUNBUFFERED=1"));
    ck_assert(!has(&words, "HONE_TOKEN_FILE=/secret"));
    ck_assert(!has(&words, "HONE_PARAM_OLD=1"));
    ck_assert(!has(&words, "CUDA_VISIBLE_DEVICES=0,1"));
    ck_assert(!has(&words, "HONE_RESUME=1"));
}
END_TEST

static void touch(const char *base, const char *name)
{
    char path[300];
    (void)snprintf(path, sizeof path, "%s/%s", base, name);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    (void)close(fd);
}

START_TEST(checkpoints_stay_within_the_work_directory)
{
    char workdir[] = "/tmp/hone-folder-XXXXXX";
    char outside[] = "/tmp/hone-outside-XXXXXX";
    OWN(folder) struct folder folder = {0};
    OWN(folder) struct folder other = {0};
    struct lease_grant grant = {.study = "s", .trial = 3, .attempt = 2, .from = 5};
    char uri[200];
    struct err err = {0};

    ck_assert_ptr_nonnull(mkdtemp(workdir));
    ck_assert_ptr_nonnull(mkdtemp(outside));
    (void)snprintf(uri, sizeof uri, "%s/checkpoint", outside);
    ck_assert_int_eq(mkdir(uri, 0700), 0);
    touch(uri, "keep");

    grant.checkpoint = (struct checkpoint){.present = true, .step = 5};
    (void)snprintf(grant.checkpoint.uri, sizeof grant.checkpoint.uri, "%s/../%s", workdir, uri + 5);
    ck_assert_msg(folder_open(&folder, workdir, "http://h:1/", &grant, &err) == 0, "%s", err.text);
    ck_assert_int_eq(strncmp(folder.checkpoint, workdir, strlen(workdir)), 0);
    ck_assert_ptr_nonnull(strstr(folder.checkpoint, "/h_1_/s/3/checkpoint"));
    folder_discard(workdir, grant.checkpoint.uri);
    ck_assert(!folder_is_empty(uri));

    /* one of ours, seen from another server's lease */
    touch(folder.checkpoint, "weights");
    (void)snprintf(grant.checkpoint.uri, sizeof grant.checkpoint.uri, "%s", folder.checkpoint);
    ck_assert_int_eq(folder_open(&other, workdir, "http://h:2", &grant, &err), 0);
    ck_assert_str_eq(other.checkpoint, folder.checkpoint);
    folder_discard(workdir, folder.checkpoint);
    ck_assert_int_ne(access(folder.checkpoint, F_OK), 0);

    ck_assert_int_eq(folder_clear(workdir, &err), 0);
    ck_assert_int_eq(folder_clear(outside, &err), 0);
    ck_assert_int_eq(rmdir(workdir), 0);
    ck_assert_int_eq(rmdir(outside), 0);
}
END_TEST

START_TEST(clearing_follows_no_link)
{
    char base[] = "/tmp/hone-folder-XXXXXX";
    char outside[] = "/tmp/hone-outside-XXXXXX";
    char link[100];
    struct err err = {0};

    ck_assert_ptr_nonnull(mkdtemp(base));
    ck_assert_ptr_nonnull(mkdtemp(outside));
    touch(outside, "keep");
    (void)snprintf(link, sizeof link, "%s/link", base);
    ck_assert_int_eq(symlink(outside, link), 0);
    ck_assert_int_eq(folder_clear(base, &err), 0);
    ck_assert(folder_is_empty(base));
    ck_assert(!folder_is_empty(outside));
    ck_assert_int_eq(folder_clear(outside, &err), 0);
    (void)rmdir(outside);
    (void)rmdir(base);
}
END_TEST

START_TEST(file_is_replaced_as_a_whole)
{
    char base[] = "/tmp/hone-folder-XXXXXX";
    char path[100];
    char text[10] = "";
    struct err err = {0};

    ck_assert_ptr_nonnull(mkdtemp(base));
    (void)snprintf(path, sizeof path, "%s/control.json", base);
    ck_assert_int_eq(folder_write(path, "long one", 8, &err), 0);
    OWN(fd) int old = open(path, O_RDONLY);
    ck_assert_int_eq(folder_write(path, "new", 3, &err), 0);
    ck_assert_int_eq(read(old, text, sizeof text), 8); /* an open file keeps its content */
    OWN(fd) int now = open(path, O_RDONLY);
    ck_assert_int_eq(read(now, text, sizeof text), 3);
    ck_assert_int_eq(folder_clear(base, &err), 0);
    (void)rmdir(base);
}
END_TEST

START_TEST(backoff_doubles_to_a_bound_with_full_jitter)
{
    struct rng rng = rng_seeded(1);
    int64_t most_ms[12] = {0};

    for (int i = 0; i < 2000; i++) {
        struct backoff backoff = {.base_ms = 1000};
        for (int k = 0; k < 12; k++) {
            int64_t wait_ms = backoff_next(&backoff, &rng, -1);
            ck_assert_int_ge(wait_ms, 0);
            most_ms[k] = wait_ms > most_ms[k] ? wait_ms : most_ms[k];
        }
    }
    for (int k = 0; k < 12; k++) {
        int64_t bound_ms = k < 6 ? (int64_t)1000 << k : 60000;
        ck_assert_int_le(most_ms[k], bound_ms);
        ck_assert_int_gt(most_ms[k], bound_ms * 9 / 10);
    }
}
END_TEST

START_TEST(quick_failures_make_a_slot_wait_longer_each_time)
{
    struct rng rng = rng_for(1, 1);
    struct quick_failures failures = {.base_ms = 1000};
    int64_t due_ms = 1000;

    for (int i = 1; i <= 20; i++) {
        int64_t wait_ms = quick_failures_note(&failures, true, 9999, &rng);
        if (i < QUICK_FAILURES_TO_WAIT) {
            ck_assert_int_eq(wait_ms, 0);
            continue;
        }
        ck_assert_int_ge(wait_ms, due_ms / 2);
        ck_assert_int_le(wait_ms, due_ms);
        due_ms = due_ms * 2 < 300000 ? due_ms * 2 : 300000;
    }
}
END_TEST

START_TEST(other_jobs_end_the_wait)
{
    struct rng rng = rng_for(1, 1);
    struct quick_failures failures = {.base_ms = 1000, .in_row = 7};

    ck_assert_int_ge(quick_failures_note(&failures, true, 0, &rng), 16000);
    ck_assert_int_eq(quick_failures_note(&failures, true, QUICK_FAILURE_MS, &rng), 0);
    ck_assert_int_eq(quick_failures_note(&failures, true, 0, &rng), 0);
    failures.in_row = 7;
    ck_assert_int_eq(quick_failures_note(&failures, false, 0, &rng), 0);
    ck_assert_int_eq(quick_failures_note(&failures, true, 0, &rng), 0);
}
END_TEST

START_TEST(backoff_honours_the_server)
{
    struct rng rng = rng_seeded(1);
    struct backoff backoff = {.base_ms = 1000};

    for (int i = 0; i < 100; i++) {
        backoff_reset(&backoff);
        int64_t wait_ms = backoff_next(&backoff, &rng, 7);
        ck_assert_int_ge(wait_ms, 7000);
        ck_assert_int_le(wait_ms, 8000);
    }
    ck_assert_int_le(backoff_next(&backoff, &rng, 1e300), 3602000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("agent_parts");
    TCase *tcase = tcase_create("agent_parts");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, line_is_cut_as_a_shell_would, 0,
                        (int)(sizeof lines / sizeof lines[0]));
    tcase_add_loop_test(tcase, gpu_list_is_read_or_refused, 0,
                        (int)(sizeof gpu_lists / sizeof gpu_lists[0]));
    tcase_add_test(tcase, environment_carries_no_secret);
    tcase_add_test(tcase, checkpoints_stay_within_the_work_directory);
    tcase_add_test(tcase, clearing_follows_no_link);
    tcase_add_test(tcase, file_is_replaced_as_a_whole);
    tcase_add_test(tcase, backoff_doubles_to_a_bound_with_full_jitter);
    tcase_add_test(tcase, backoff_honours_the_server);
    tcase_add_test(tcase, quick_failures_make_a_slot_wait_longer_each_time);
    tcase_add_test(tcase, other_jobs_end_the_wait);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
