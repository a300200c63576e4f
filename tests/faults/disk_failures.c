/* Every call to the disk fails once, broken or full, alone and with all that follow: while a group
 * is written, while the store is closed, at the first start, and while the first schema is brought
 * up to date. What was committed is there afterwards, and nothing else. */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/store/sqlite/migrations.h"
#include "server/store/store.h"
#include "tests/support/directory.h"
#include "tests/support/failing_disk.h"
#include "tests/support/old_store.h"
#include "tests/support/run_suite.h"
#include "tests/support/store_content.h"
#include "tests/support/store_script.h"

#define MUST(step) ck_assert_msg((step) == 0, "%s, %s", f.place, f.err.text)

static struct {
    char template[DIRECTORY_BYTES];  /* holds the database that each attempt begins with */
    char directory[DIRECTORY_BYTES]; /* where the attempt works */
    char place[80];                  /* which call fails, for messages */
    bool has_template;
    struct err err;
} f;

/* One way in which the disk fails. */
struct attempt {
    size_t k;
    bool onwards;
    enum disk_failure how;
};

static bool has_content(struct store *store, const char *expected)
{
    OWN(memory) char *content = content_of(store);

    return strcmp(content, expected) == 0;
}

/* Opens what the failure left, as the next start of the server does. */
static struct store *reopen_sound(void)
{
    struct store *store = open_now(f.directory);
    struct store *reader = NULL;

    MUST(store_open_reader(store, &reader, &f.err));
    MUST(store_quick_check(reader, &f.err));
    store_close(reader);
    return store;
}

static void renew_directory(void)
{
    directory_clear(f.directory);
    if (f.has_template) {
        directory_copy(f.template, f.directory, "hone.db");
    }
}

static void expect_documented(const struct attempt *attempt, const struct err *err)
{
    enum err_code expected = attempt->how == DISK_FULL ? ERR_STORAGE_FULL : ERR_IO;

    ck_assert_msg(err->code == expected, "%s: %s: %s", f.place, err_code_name(err->code),
                  err->text);
}

/* Calls `run` with each call failing in each way; it returns whether the k-th call exists. */
static void fail_each(bool (*run)(const struct attempt *attempt), size_t least)
{
    for (int how = 0; how < DISK_FAILURE_COUNT; how++) {
        for (int onwards = 0; onwards <= 1; onwards++) {
            struct attempt attempt = {1, onwards, (enum disk_failure)how};
            do {
                (void)snprintf(f.place, sizeof f.place, "%s disk, call %zu%s",
                               how == DISK_FULL ? "full" : "broken", attempt.k,
                               onwards ? " and on" : "");
                renew_directory();
            } while (run(&attempt) && ++attempt.k > 0);
            ck_assert_uint_gt(attempt.k, least);
        }
    }
}

static void begin(void)
{
    directory_create(f.template);
    directory_create(f.directory);
}

static void end(void)
{
    directory_remove(f.template);
    directory_remove(f.directory);
}

/* ---- a group ---- */

static char *before; /* the content of the template … */
static char *after;  /* … and with the group */

static int write_group(struct store *store, bool *commits, struct err *err)
{
    store_group_begin(store);
    store_savepoint(store);
    TRY(script_write(store, 1, err));
    TRY(store_release(store, err));
    *commits = true;
    return store_group_commit(store, err);
}

static void prepare_group(void)
{
    bool commits;

    begin();
    f.has_template = true;
    struct store *store = open_now(f.template);
    MUST(script_write(store, 0, &f.err));
    store_close(store);
    renew_directory();
    store = open_now(f.directory);
    before = content_of(store);
    MUST(write_group(store, &commits, &f.err));
    after = content_of(store);
    store_close(store);
}

static void end_group(void)
{
    free(before);
    free(after);
    end();
}

static bool fail_group(const struct attempt *attempt)
{
    struct err err = {0};
    bool commits = false;
    struct store *store = open_now(f.directory);

    failing_disk_fail_at(attempt->k, attempt->onwards, attempt->how);
    int result = write_group(store, &commits, &err);
    bool is_unknown = result != 0 && commits && err.code == ERR_IO;
    if (result != 0 && !is_unknown) {
        store_group_rollback(store);
    }
    bool has_failed = failing_disk_has_failed();
    if (is_unknown) {
        store_close(store); /* the process dies, with its disk as it is */
        store = NULL;
    }
    failing_disk_stop();
    if (result != 0) {
        expect_documented(attempt, &err);
    }
    if (result != 0 && !is_unknown) { /* the server goes on */
        ck_assert_msg(has_content(store, before), "%s: something is left of the group", f.place);
        MUST(write_group(store, &commits, &f.err));
    }
    store_close(store);
    store = reopen_sound();
    ck_assert_msg(has_content(store, after) || (is_unknown && has_content(store, before)),
                  "%s: another content", f.place);
    store_close(store);
    return has_failed;
}

START_TEST(group_is_kept_as_a_whole_or_not_at_all)
{
    prepare_group();
    fail_each(fail_group, 5);
    end_group();
}
END_TEST

/* ---- the orderly stop ---- */

static bool fail_stop(const struct attempt *attempt)
{
    struct err ignored;
    bool commits;
    struct store *store = open_now(f.directory);

    MUST(write_group(store, &commits, &f.err));
    failing_disk_fail_at(attempt->k, attempt->onwards, attempt->how);
    bool is_marked = store_mark_clean(store, &ignored) == 0;
    store_checkpoint(store, true);
    store_close(store);
    bool has_failed = failing_disk_has_failed();
    failing_disk_stop();
    store = reopen_sound();
    ck_assert_msg(has_content(store, after), "%s: a committed group is lost", f.place);
    ck_assert_msg(store_was_clean(store) == is_marked || !is_marked, "%s: the mark is lost",
                  f.place);
    store_close(store);
    return has_failed;
}

START_TEST(stop_loses_no_committed_group)
{
    prepare_group();
    fail_each(fail_stop, 5);
    end_group();
}
END_TEST

/* ---- opening and migrating ---- */

static bool fail_opening(const struct attempt *attempt)
{
    struct err err = {0};
    struct store *store = NULL;

    failing_disk_fail_at(attempt->k, attempt->onwards, attempt->how);
    int result = open_at(f.directory, &store, &err);
    store_close(store);
    bool has_failed = failing_disk_has_failed();
    failing_disk_stop();
    if (result != 0) {
        expect_documented(attempt, &err);
    }
    if (f.has_template) {
        old_store_expect_copy(f.directory, f.place);
    }
    store = open_now(f.directory);
    ck_assert_msg(has_content(store, after), "%s: another content", f.place);
    store_close(store);
    return has_failed;
}

static void fail_each_opening(void)
{
    renew_directory();
    struct store *store = open_now(f.directory);
    after = content_of(store);
    store_close(store);
    fail_each(fail_opening, 20);
    free(after);
    end();
}

START_TEST(first_start_may_be_repeated)
{
    begin();
    fail_each_opening();
}
END_TEST

START_TEST(migration_may_be_repeated)
{
    begin();
    old_store_create(f.template);
    f.has_template = true;
    fail_each_opening();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("disk_failures");
    TCase *tcase = tcase_create("every call");

    failing_disk_start();
    tcase_add_test(tcase, group_is_kept_as_a_whole_or_not_at_all);
    tcase_add_test(tcase, stop_loses_no_committed_group);
    tcase_add_test(tcase, first_start_may_be_repeated);
    tcase_add_test(tcase, migration_may_be_repeated);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
