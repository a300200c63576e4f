/* Every allocation of the store fails once while it reads, and while it writes a group on disk;
 * no_memory_opening has its opening. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/store/store.h"
#include "tests/support/allocation.h"
#include "tests/support/directory.h"
#include "tests/support/failing_disk.h"
#include "tests/support/run_suite.h"
#include "tests/support/store_content.h"
#include "tests/support/store_script.h"

#define TEXT_MAX (1 << 20)

static struct {
    char template[DIRECTORY_BYTES];  /* a closed store that holds one study */
    char directory[DIRECTORY_BYTES]; /* where a copy of it is at work */
    struct err err;
} f;

#define MUST(step) ck_assert_msg((step) == 0, "%s", f.err.text)

static int write_commands(struct store *store, struct err *err)
{
    store_savepoint(store);
    TRY(script_write(store, 1, err));
    TRY(store_release(store, err));
    store_savepoint(store);
    TRY(script_write(store, 2, err));
    return store_undo(store, err);
}

static int write_group(struct store *store, struct err *err)
{
    store_group_begin(store);
    TRY(write_commands(store, err));
    return store_group_commit(store, err);
}

static void begin(void)
{
    directory_create(f.template);
    directory_create(f.directory);
    struct store *store = open_now(f.template);
    MUST(script_write(store, 0, &f.err));
    store_close(store);
}

static void end(void)
{
    directory_remove(f.template);
    directory_remove(f.directory);
}

/* From where two contents differ; Check bounds the length of its messages. */
static void expect_content(const char *content, const char *expected, size_t k, bool onwards)
{
    size_t same = 0;

    while (content[same] != '\0' && content[same] == expected[same]) {
        same++;
    }
    ck_assert_msg(content[same] == expected[same],
                  "allocation %zu%s: %.200s\n-- instead of\n%.200s", k, onwards ? " and on" : "",
                  content + same, expected + same);
}

/* ---- reading ---- */

static bool read_with_failure(struct store *store, size_t k, bool onwards, const char *expected)
{
    struct err err = {0};
    struct buf text;

    buf_init(&text, TEXT_MAX);
    allocation_fail_at(k, onwards);
    int result = script_read(store, &text, &err);
    bool has_failed = allocation_has_failed();
    allocation_stop();
    if (result == 0) {
        expect_content(buf_text(&text), expected, k, onwards);
    } else {
        ck_assert_msg(err.code == ERR_NOMEM, "allocation %zu%s: %s", k, onwards ? " and on" : "",
                      err.text);
    }
    buf_finish(&text);
    return has_failed;
}

START_TEST(failed_allocation_while_reading)
{
    size_t k = 1;
    long live = allocation_live();

    begin();
    struct store *store = open_now(f.template);
    OWN(memory) char *expected = content_of(store);
    while (read_with_failure(store, k, false, expected)) {
        (void)read_with_failure(store, k, true, expected);
        (void)read_with_failure(store, 0, false, expected); /* undisturbed */
        k++;
    }
    ck_assert_uint_gt(k, 20);
    store_close(store);
    ck_assert_int_eq(allocation_live(), live + 1);
    end();
}
END_TEST

/* ---- writing ---- */

static struct store *open_copy(void)
{
    directory_clear(f.directory);
    directory_copy(f.template, f.directory, "hone.db");
    return open_now(f.directory);
}

/* Repeated undisturbed, the group has the undisturbed result; what it wrote is undone. */
static void expect_repeatable(struct store *store, const char *after, size_t k, bool onwards)
{
    store_group_begin(store);
    MUST(write_commands(store, &f.err));
    OWN(memory) char *content = content_of(store);
    expect_content(content, after, k, onwards);
    store_group_rollback(store);
}

/* *store is opened again where the group was committed in spite of the failure. */
static bool write_with_failure(struct store **store, size_t k, bool onwards, const char *before,
                               const char *after)
{
    struct err err = {0};

    allocation_fail_at(k, onwards);
    int result = write_group(*store, &err);
    if (result != 0) {
        store_group_rollback(*store);
    }
    bool has_failed = allocation_has_failed();
    allocation_stop();
    OWN(memory) char *content = content_of(*store);
    expect_content(content, result == 0 ? after : before, k, onwards);
    if (result == 0) {
        store_close(*store);
        *store = open_copy();
    } else {
        ck_assert_msg(err.code == ERR_NOMEM, "allocation %zu%s: %s: %s", k,
                      onwards ? " and on" : "", err_code_name(err.code), err.text);
        expect_repeatable(*store, after, k, onwards);
    }
    return has_failed;
}

START_TEST(failed_allocation_while_writing)
{
    size_t k = 1;
    long live = allocation_live();

    begin();
    struct store *store = open_copy();
    OWN(memory) char *before = content_of(store);
    MUST(write_group(store, &f.err));
    OWN(memory) char *after = content_of(store);
    store_close(store);
    store = open_copy();
    while (write_with_failure(&store, k, false, before, after)) {
        (void)write_with_failure(&store, k, true, before, after);
        k++;
    }
    ck_assert_uint_gt(k, 20);
    store_close(store);
    ck_assert_int_eq(allocation_live(), live + 2); /* the two contents */
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("no_memory_store");
    TCase *tcase = tcase_create("every allocation");

    allocation_start();
    failing_disk_start(); /* for its speed */
    tcase_add_test(tcase, failed_allocation_while_reading);
    tcase_add_test(tcase, failed_allocation_while_writing);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
