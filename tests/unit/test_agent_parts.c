/* The small parts of the agent: words, GPUs, environment, folders, backoff. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/run_suite.h"
#include "worker/agent/argv_list.h"
#include "worker/agent/backoff.h"
#include "worker/agent/copy_tree.h"
#include "worker/agent/devices/tokens.h"
#include "worker/agent/environment.h"
#include "worker/agent/folder.h"
#include "worker/agent/quick_failures.h"
#include "worker/agent/tree_remove.h"

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
    int rc = tokens_read(gpu_lists[_i].list, &gpus, &err);

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
                                      .devices = {.vendor = VENDOR_NVIDIA, .gpus = "1"}};
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

static const struct {
    const char *variable;
    bool clean;
    const char *given; /* by the owner; NULL: nothing */
    bool passed;
} passings[] = {
    {"CONDA_PREFIX=/c", false, NULL, true},
    {"CONDA_PREFIX=/c", true, NULL, false},
    {"CONDA_PREFIX=/c", true, "CONDA_PREFIX", true},
    {"CONDA_PREFIX=/c", true, "CONDA_*", true},
    {"CONDA_PREFIX=/c", true, "CONDA_PREF", false},
    {"CONDA_PREFIX=/c", false, "CONDA_PREFIX=/d", false}, /* set to something else */
    {"CONDA_PREFIX=/c", false, "CONDA_PREFIX=*", false},
    {"LC_ALL=C", true, NULL, true},
    {"PATHS=/x", true, NULL, false},
    {"HONE_URL=http://x", true, NULL, true},
    {"HONE_URLS=x", false, NULL, false},
    {"HONE_TOKEN_FILE=/t", false, "H*", false},
    {"HONE_TOKEN_FILE=/t", false, NULL, false},
    {"CREDENTIALS_DIRECTORY=/c", false, NULL, false},
    {"CREDENTIALS_DIRECTORY=/c", false, "CREDENTIALS_DIRECTORY", true},
    {"NOTIFY_SOCKET=/n", false, NULL, false},
    {"LISTEN_FDS=1", true, NULL, false},
};

START_TEST(a_job_gets_what_its_owner_lets_it_have)
{
    struct inherited_choice choice = {.clean = passings[_i].clean,
                                      .given = &passings[_i].given,
                                      .n_given = passings[_i].given == NULL ? 0 : 1};

    ck_assert_msg(inherited_is_passed(&choice, passings[_i].variable) == passings[_i].passed, "%s",
                  passings[_i].variable);
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

/* What there is below a test's work directory, made at its start and removed at its end. */
static char workdir[40];

static void make_workdir(void)
{
    (void)snprintf(workdir, sizeof workdir, "/tmp/hone-folder-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(workdir));
}

static void remove_workdir(void)
{
    struct err err = {0};

    ck_assert_int_eq(tree_remove_below(workdir, &err), 0);
    ck_assert_int_eq(rmdir(workdir), 0);
}

static bool is_there(const char *path)
{
    struct stat info;

    return lstat(path, &info) == 0;
}

static struct lease_grant grant_of(int64_t attempt)
{
    return (struct lease_grant){.study = "s", .trial = 3, .attempt = attempt};
}

static void open_folder(struct folder *folder, const struct lease_grant *grant)
{
    struct err err = {0};

    ck_assert_msg(folder_open(folder, workdir, "http://h:1/", grant, &err) == 0, "%s", err.text);
}

static void name_checkpoint(struct lease_grant *grant, const char *uri)
{
    grant->from = 5;
    grant->checkpoint = (struct checkpoint){.present = true, .step = 5};
    (void)snprintf(grant->checkpoint.uri, sizeof grant->checkpoint.uri, "%s", uri);
}

START_TEST(checkpoints_stay_within_the_work_directory)
{
    char outside[] = "/tmp/hone-outside-XXXXXX";
    OWN(folder) struct folder folder = {0};
    struct lease_grant grant = grant_of(2);
    char uri[100];
    char spelled[200];
    struct err err = {0};

    ck_assert_ptr_nonnull(mkdtemp(outside));
    (void)snprintf(uri, sizeof uri, "%s/checkpoint", outside);
    ck_assert_int_eq(mkdir(uri, 0700), 0);
    touch(uri, "keep");
    (void)snprintf(spelled, sizeof spelled, "%s/../%s", workdir, uri + 5);
    name_checkpoint(&grant, spelled);
    open_folder(&folder, &grant);
    ck_assert_ptr_null(folder.granted);
    ck_assert_ptr_eq(strstr(folder.checkpoint, workdir), folder.checkpoint);
    ck_assert_ptr_nonnull(strstr(folder.checkpoint, "/h_1_/s/3/attempt-2/checkpoint.new"));
    folder_discard(workdir, spelled);
    ck_assert(!folder_is_empty(uri));
    ck_assert_int_eq(tree_remove_below(outside, &err), 0);
    ck_assert_int_eq(rmdir(outside), 0);
}
END_TEST

START_TEST(a_published_checkpoint_is_granted_and_discarded)
{
    OWN(folder) struct folder first = {0};
    OWN(folder) struct folder second = {0};
    struct lease_grant grant = grant_of(1);
    struct err err = {0};

    open_folder(&first, &grant);
    ck_assert_int_eq(folder_publish(&first, &err), 0); /* nothing is in it */
    ck_assert(!is_there(first.published));
    touch(first.checkpoint, "weights");
    ck_assert_int_eq(folder_publish(&first, &err), 0);
    ck_assert_int_eq(folder_publish(&first, &err), 0); /* a result that is sent again */
    ck_assert(!folder_is_empty(first.published));
    ck_assert(!folder_is_empty(first.checkpoint)); /* the name that its job knew */
    folder_tidy(&first);

    grant = grant_of(2);
    name_checkpoint(&grant, first.published);
    open_folder(&second, &grant);
    ck_assert_str_eq(second.granted, first.published);
    ck_assert(!is_there(second.checkpoint)); /* the copy takes its place */
    folder_discard(workdir, first.published);
    ck_assert(!is_there(first.base));
    folder_abandon(&second);
    ck_assert(folder_is_empty(workdir) == false && !is_there(second.base));
}
END_TEST

START_TEST(a_checkpoint_of_an_older_worker_is_discarded_too)
{
    char uri[120];
    char trial[100];
    struct err err = {0};

    (void)snprintf(trial, sizeof trial, "%s/h_1/s/3", workdir);
    (void)snprintf(uri, sizeof uri, "%s/checkpoint", trial);
    ck_assert_int_eq(folder_make(uri, &err), 0);
    touch(uri, "weights");
    folder_discard(workdir, uri);
    ck_assert(!is_there(trial));
}
END_TEST

/* What another worker does to a folder that it leaves empty, until this test is over. */
static pid_t start_removing(const char *path)
{
    pid_t pid = fork();

    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            (void)rmdir(path);
        }
    }
    ck_assert_int_gt(pid, 0);
    return pid;
}

START_TEST(a_folder_is_made_while_others_remove_it_empty)
{
    char path[100];
    struct err err = {0};

    (void)snprintf(path, sizeof path, "%s/workers", workdir);
    pid_t pid = start_removing(path);
    (void)snprintf(path, sizeof path, "%s/workers/w/x", workdir);
    int rc = 0;
    for (int i = 0; i < 100 && rc == 0; i++) {
        rc = folder_make(path, &err);
        (void)rmdir(path);
        (void)snprintf(path, sizeof path, "%s/workers/w", workdir);
        (void)rmdir(path);
        (void)snprintf(path, sizeof path, "%s/workers/w/x", workdir);
    }
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
    ck_assert_msg(rc == 0, "%s", err.text);
}
END_TEST

START_TEST(the_folder_of_an_attempt_is_claimed_once)
{
    OWN(folder) struct folder first = {0};
    OWN(folder) struct folder again = {0};
    struct lease_grant grant = grant_of(1);

    open_folder(&first, &grant);
    open_folder(&again, &grant);
    ck_assert_ptr_nonnull(strstr(first.log, "/s/3/attempt-1.log"));
    ck_assert_ptr_nonnull(strstr(again.log, "/s/3/attempt-1.2.log"));
    ck_assert_str_ne(first.checkpoint, again.checkpoint);
}
END_TEST

/* The owner of a folder as another one: its first line, if `text` has none, and the text. */
static void change_owner(const struct folder *folder, const char *text)
{
    char written[600] = "";
    struct err err = {0};

    ck_assert_int_eq(folder_own(folder, "host", getpid(), &err), 0);
    OWN(fd) int fd = open(folder->owner, O_RDONLY | O_CLOEXEC);
    ck_assert_int_gt(read(fd, written, sizeof written - 1), 0);
    if (text[0] == '\n') {
        (void)snprintf(strchr(written, '\n'), 20, "%s", text);
        text = written;
    }
    ck_assert_int_eq(folder_write(folder->owner, text, strlen(text), &err), 0);
}

#define ENDED "\n1 1\n" /* process 1 began at another time */

/* Whether what an earlier attempt left is removed by the next. */
static const struct {
    const char *owner; /* as change_owner() takes it; NULL: as folder_own() wrote it */
    bool is_removed;
} owners[] = {
    {NULL, false}, /* it runs */
    {ENDED, true},
    {"", false}, /* half a file */
    {"host", false},
    {"other machine boot numbers\n1 1\n", false}, /* another host, whose processes are not known */
};

START_TEST(what_killed_workers_left_is_removed)
{
    OWN(folder) struct folder first = {0};
    OWN(folder) struct folder second = {0};
    struct lease_grant grant = grant_of(1);
    struct err err = {0};

    open_folder(&first, &grant);
    touch(first.checkpoint, "weights");
    if (owners[_i].owner == NULL) {
        ck_assert_int_eq(folder_own(&first, "host", getpid(), &err), 0);
    } else {
        change_owner(&first, owners[_i].owner);
    }
    grant = grant_of(2);
    open_folder(&second, &grant);
    folder_remove_superseded(&second, &grant, "host");
    ck_assert_int_eq(!is_there(first.base), owners[_i].is_removed);
    ck_assert(is_there(second.checkpoint));
}
END_TEST

START_TEST(what_has_no_owner_stays)
{
    OWN(folder) struct folder first = {0};
    OWN(folder) struct folder second = {0};
    struct lease_grant grant = grant_of(1);

    open_folder(&first, &grant);
    touch(first.checkpoint, "weights");
    change_owner(&first, ENDED);
    folder_end(&first);
    grant = grant_of(2);
    open_folder(&second, &grant);
    folder_remove_superseded(&second, &grant, "host");
    ck_assert(!folder_is_empty(first.checkpoint));
}
END_TEST

START_TEST(the_granted_checkpoint_of_a_killed_worker_stays)
{
    OWN(folder) struct folder first = {0};
    OWN(folder) struct folder second = {0};
    struct lease_grant grant = grant_of(1);
    struct err err = {0};

    open_folder(&first, &grant);
    touch(first.checkpoint, "weights");
    ck_assert_int_eq(folder_publish(&first, &err), 0);
    change_owner(&first, ENDED);
    grant = grant_of(2);
    name_checkpoint(&grant, first.published);
    open_folder(&second, &grant);
    folder_remove_superseded(&second, &grant, "host");
    ck_assert(!folder_is_empty(first.published) && !is_there(first.owner));
}
END_TEST

static bool always(void)
{
    return true;
}

START_TEST(a_copy_is_whole_or_not_there)
{
    char from[60];
    char beside[60];
    char to[60];
    char path[80];
    struct copy_tree copy = {.from = from, .beside = beside, .to = to, .must_stop = always};

    (void)snprintf(from, sizeof from, "%s/from", workdir);
    (void)snprintf(beside, sizeof beside, "%s/beside", workdir);
    (void)snprintf(to, sizeof to, "%s/to", workdir);
    ck_assert_int_eq(mkdir(from, 0700), 0);
    touch(from, "weights");
    (void)snprintf(path, sizeof path, "%s/pipe", from);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(copy_tree(&copy), ECANCELED);
    ck_assert(!is_there(to));
    copy.must_stop = NULL;
    ck_assert_int_eq(copy_tree(&copy), EEXIST); /* what is left of the first */
    copy.beside = to;
    ck_assert_int_eq(copy_tree(&copy), 0);
    (void)snprintf(path, sizeof path, "%s/weights", to);
    ck_assert(is_there(path));
    (void)snprintf(path, sizeof path, "%s/pipe", to);
    ck_assert(!is_there(path));
    copy = (struct copy_tree){.from = path, .beside = "/proc/none", .to = to};
    ck_assert_int_eq(copy_tree(&copy), ENOENT);
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
    ck_assert_int_eq(tree_remove_below(base, &err), 0);
    ck_assert(folder_is_empty(base));
    ck_assert(!folder_is_empty(outside));
    ck_assert_int_eq(tree_remove_below(outside, &err), 0);
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
    ck_assert_int_eq(tree_remove_below(base, &err), 0);
    (void)rmdir(base);
}
END_TEST

START_TEST(backoff_doubles_to_a_bound_with_full_jitter)
{
    struct rng rng = rng_seeded(1);
    int64_t most_ms[12] = {0};

    for (int i = 0; i < 2000; i++) {
        struct backoff backoff = {.base_ms = 500};
        for (int k = 0; k < 12; k++) {
            int64_t wait_ms = backoff_next(&backoff, &rng, -1);
            ck_assert_int_ge(wait_ms, 0);
            most_ms[k] = wait_ms > most_ms[k] ? wait_ms : most_ms[k];
        }
    }
    for (int k = 0; k < 12; k++) {
        int64_t bound_ms = k < 7 ? (int64_t)500 << k : 60000;
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
    TCase *folders = tcase_create("folders");

    tcase_add_loop_test(tcase, line_is_cut_as_a_shell_would, 0,
                        (int)(sizeof lines / sizeof lines[0]));
    tcase_add_loop_test(tcase, gpu_list_is_read_or_refused, 0,
                        (int)(sizeof gpu_lists / sizeof gpu_lists[0]));
    tcase_add_test(tcase, environment_carries_no_secret);
    tcase_add_loop_test(tcase, a_job_gets_what_its_owner_lets_it_have, 0,
                        (int)(sizeof passings / sizeof passings[0]));
    tcase_add_checked_fixture(folders, make_workdir, remove_workdir);
    tcase_add_test(folders, checkpoints_stay_within_the_work_directory);
    tcase_add_test(folders, a_published_checkpoint_is_granted_and_discarded);
    tcase_add_test(folders, a_checkpoint_of_an_older_worker_is_discarded_too);
    tcase_add_test(folders, the_folder_of_an_attempt_is_claimed_once);
    tcase_add_loop_test(folders, what_killed_workers_left_is_removed, 0,
                        (int)(sizeof owners / sizeof owners[0]));
    tcase_add_test(folders, what_has_no_owner_stays);
    tcase_add_test(folders, the_granted_checkpoint_of_a_killed_worker_stays);
    tcase_add_test(folders, a_copy_is_whole_or_not_there);
    tcase_add_test(folders, a_folder_is_made_while_others_remove_it_empty);
    tcase_add_test(tcase, clearing_follows_no_link);
    tcase_add_test(tcase, file_is_replaced_as_a_whole);
    tcase_add_test(tcase, backoff_doubles_to_a_bound_with_full_jitter);
    tcase_add_test(tcase, backoff_honours_the_server);
    tcase_add_test(tcase, quick_failures_make_a_slot_wait_longer_each_time);
    tcase_add_test(tcase, other_jobs_end_the_wait);
    suite_add_tcase(suite, tcase);
    suite_add_tcase(suite, folders);
    return run_suite(suite);
}
