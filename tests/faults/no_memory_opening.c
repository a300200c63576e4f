/* Every allocation fails once while a store is opened: an existing one, a reader, a new one, and
 * one of the first version. The attempt ends with ERR_NOMEM or a whole store, loses no block, and
 * spoils nothing for the next start.
 *
 * All four end with preparing the statements, half of their allocations, by the same loop over the
 * same texts. Opening an existing store fails at each of these, the others at each 97th. While a
 * migration runs, or the copy before it is made, the allocations are SQLite's own, in one call
 * whose result is checked: these fail at each 7th. HONE_EVERY_ALLOCATION=1 leaves none out (some
 * two minutes). */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/store/store.h"
#include "tests/support/allocation.h"
#include "tests/support/directory.h"
#include "tests/support/failing_disk.h"
#include "tests/support/old_store.h"
#include "tests/support/run_suite.h"
#include "tests/support/store_content.h"
#include "tests/support/store_script.h"

#define STRIDE 97
#define MIGRATION_STRIDE 7

static struct {
    char template[DIRECTORY_BYTES];  /* a closed store, or nothing for a new one */
    char directory[DIRECTORY_BYTES]; /* where a store is opened */
    struct store *writer;            /* open for a reader */
    char *content;                   /* what the store must have in the end */
} f;

struct opening {
    void (*prepare)(void); /* undisturbed, before each try */
    int (*run)(struct err *err);
    void (*check)(void); /* undisturbed, after each try; may be NULL */
    bool is_dense;       /* every allocation fails */
};

/* The content of the store that lies in the directory now. */
static char *content_now(void)
{
    struct store *store = open_now(f.directory);
    char *content = content_of(store);

    store_close(store);
    return content;
}

/* ---- the ways to open ---- */

static void keep_store(void)
{
}

static int open_store(struct err *err)
{
    struct store *store = NULL;
    int result = open_at(f.directory, &store, err);

    store_close(store);
    return result;
}

static int open_reader(struct err *err)
{
    struct store *reader = NULL;
    int result = store_open_reader(f.writer, &reader, err);

    store_close(reader);
    return result;
}

static void begin_again(void)
{
    directory_clear(f.directory);
}

static void copy_old(void)
{
    directory_clear(f.directory);
    directory_copy(f.template, f.directory, "hone.db");
}

static void expect_copy(void)
{
    old_store_expect_copy(f.directory, "opening without memory");
}

/* ---- one try ---- */

/* How far on the next allocation is that must fail, after one that ended with this error. */
static size_t stride_after(const struct opening *opening, const struct err *err)
{
    if (opening->is_dense || getenv("HONE_EVERY_ALLOCATION") != NULL) {
        return 1;
    }
    if (strstr(err->text, "while preparing") != NULL) {
        return STRIDE;
    }
    bool is_migration = strstr(err->text, "migration") != NULL;
    return is_migration || strstr(err->text, "VACUUM") != NULL ? MIGRATION_STRIDE : 1;
}

/* Whether the k-th allocation exists. */
static bool try_opening(const struct opening *opening, size_t k, bool onwards, struct err *err)
{
    opening->prepare();
    long live = allocation_live();
    *err = (struct err){0};
    allocation_fail_at(k, onwards);
    int result = opening->run(err);
    bool has_failed = allocation_has_failed();
    allocation_stop();
    ck_assert_msg(result == 0 || (result == -1 && has_failed && err->code == ERR_NOMEM),
                  "allocation %zu%s: returned %d, %s: %s", k, onwards ? " and on" : "", result,
                  err_code_name(err->code), err->text);
    if (f.writer == NULL) { /* its cache grows */
        ck_assert_msg(allocation_live() == live, "allocation %zu%s: %ld blocks were lost", k,
                      onwards ? " and on" : "", allocation_live() - live);
    }
    if (opening->check != NULL) {
        opening->check();
    }
    return has_failed;
}

static void expect_content(size_t k)
{
    char *content = content_now();

    ck_assert_msg(strcmp(content, f.content) == 0, "allocation %zu: another content", k);
    free(content);
}

static void fail_each(const struct opening *opening, size_t at_least)
{
    struct err err;
    size_t n = 0;
    size_t k = 1;

    for (; try_opening(opening, k, false, &err); k += stride_after(opening, &err)) {
        n++;
        if (n % 5 == 0) {
            struct err same;
            (void)try_opening(opening, k, true, &same);
        }
        if (f.writer == NULL && n % STRIDE == 0) {
            expect_content(k);
        }
    }
    ck_assert_uint_gt(k, at_least);
}

/* ---- the suite ---- */

static void begin(void)
{
    directory_create(f.template);
    directory_create(f.directory);
}

static void end(void)
{
    free(f.content);
    directory_remove(f.template);
    directory_remove(f.directory);
}

START_TEST(existing_store)
{
    const struct opening opening = {keep_store, open_store, NULL, true};
    struct err err = {0};

    begin();
    struct store *store = open_now(f.directory);
    ck_assert_msg(script_write(store, 0, &err) == 0, "%s", err.text);
    store_close(store);
    f.content = content_now();
    fail_each(&opening, 5000);
    end();
}
END_TEST

START_TEST(reader)
{
    const struct opening opening = {keep_store, open_reader, NULL, false};

    begin();
    f.writer = open_now(f.directory);
    fail_each(&opening, 5000);
    store_close(f.writer);
    end();
}
END_TEST

START_TEST(new_store)
{
    const struct opening opening = {begin_again, open_store, NULL, false};

    begin();
    f.content = content_now();
    fail_each(&opening, 10000);
    end();
}
END_TEST

START_TEST(old_store)
{
    const struct opening opening = {copy_old, open_store, expect_copy, false};

    begin();
    old_store_create(f.template);
    copy_old();
    f.content = content_now();
    fail_each(&opening, 7000);
    end();
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *test)
{
    TCase *tcase = tcase_create(name);

    tcase_add_test(tcase, test);
    suite_add_tcase(suite, tcase);
}

int main(void)
{
    Suite *suite = suite_create("no_memory_opening");

    allocation_start();
    failing_disk_start(); /* for its speed */
    add(suite, "existing", existing_store);
    add(suite, "reader", reader);
    add(suite, "new", new_store);
    add(suite, "old", old_store);
    return run_suite(suite);
}
