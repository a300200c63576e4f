/* What is found by key, and the values of trials: over a store in memory and one on disk. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/store/trial_values.h"
#include "tests/support/run_suite.h"

static struct store *store;
static char directory[64];

static void open_store(bool on_disk)
{
    struct store_settings settings = {.directory = NULL};
    struct err err = {0};

    directory[0] = '\0';
    if (on_disk) {
        const char *base = getenv("TMPDIR");
        (void)snprintf(directory, sizeof directory, "%.40s/store-XXXXXX",
                       base == NULL ? "/tmp" : base);
        ck_assert_ptr_nonnull(mkdtemp(directory));
        settings.directory = directory;
    }
    ck_assert_msg(store_open(&settings, &store, &err) == 0, "%s", err.text);
}

static void close_store(void)
{
    static const char *const files[] = {"hone.db", "hone.db-wal", "hone.db-shm"};
    char path[128];

    store_close(store);
    if (directory[0] == '\0') {
        return;
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", directory, files[i]);
        (void)unlink(path);
    }
    ck_assert_int_eq(rmdir(directory), 0);
}

static int64_t add_study(const char *name, enum study_state state)
{
    static char body[] = "{}";
    struct study_row row = {
        .accepted = body, .definition = body, .state = state, .revision = 1, .created_at_ms = 1};

    (void)snprintf(row.name, sizeof row.name, "%s", name);
    ck_assert_int_eq(store_study_insert(store, &row, NULL), 0);
    return row.id;
}

/* ---- studies ---- */

struct names {
    char text[200];
};

static int add_name(void *context, struct study_row *row, struct err *err)
{
    struct names *names = context;

    (void)err;
    (void)strcat(names->text, row->name);
    return 0;
}

static void expect_page(int64_t after_id, int state, int64_t limit, const char *expected)
{
    const struct study_query query = {.after_id = after_id, .state = state, .limit = limit};
    struct names names = {""};

    ck_assert_int_eq(store_each_study_of(store, &query, add_name, &names, NULL), 0);
    ck_assert_str_eq(names.text, expected);
}

START_TEST(studies_are_found_by_id_and_in_pages)
{
    struct err err = {0};

    open_store(_i == 1);
    int64_t a = add_study("a", STUDY_RUNNING);
    int64_t b = add_study("b", STUDY_PAUSED);
    int64_t c = add_study("c", STUDY_RUNNING);
    int64_t d = add_study("d", STUDY_RUNNING);
    ck_assert_int_eq(store_study_delete(store, c, 5, NULL), 0);
    OWN(study_row) struct study_row row = {0};
    ck_assert_int_eq(store_study_load(store, b, &row, NULL), 0);
    ck_assert_str_eq(row.name, "b");
    ck_assert_str_eq(row.definition, "{}");
    OWN(study_row) struct study_row none = {0};
    ck_assert_int_eq(store_study_load(store, c, &none, &err), -1);
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    ck_assert_int_eq(store_study_load(store, d + 1, &none, &err), -1);
    expect_page(0, -1, 10, "abd");
    expect_page(0, -1, 2, "ab");
    expect_page(a, -1, 10, "bd");
    expect_page(0, STUDY_RUNNING, 10, "ad");
    expect_page(d, -1, 10, "");
    close_store();
}
END_TEST

/* ---- values of trials ---- */

static void add_trial(int64_t study, int64_t number, enum trial_state state, double value,
                      const char *metrics)
{
    OWN(memory) char *text = metrics == NULL ? NULL : strdup(metrics);
    const bool is_final = state >= TRIAL_COMPLETED;
    const struct trial_row row = {.id = trial_id(study, number),
                                  .state = state,
                                  .source = number % 2 == 0 ? SOURCE_IMPORTED : SOURCE_SUGGESTED,
                                  .n_values = isnan(value) ? 0u : 1u,
                                  .values = {value},
                                  .metrics = text,
                                  .created_at_ms = 1,
                                  .ended_at_ms = is_final ? 1 : 0,
                                  .ended_seq = is_final ? 100 + number : 0};

    ck_assert_int_eq(store_trial_insert(store, &row, NULL), 0);
}

static int add_value(void *context, const struct trial_value_row *row, struct err *err)
{
    struct names *names = context;
    size_t len = strlen(names->text);

    (void)err;
    (void)snprintf(names->text + len, sizeof names->text - len, "%s%d:%g", len == 0 ? "" : " ",
                   (int)row->number, row->value);
    ck_assert_int_eq(row->ended_seq, row->state == TRIAL_PAUSED ? 0 : 100 + row->number);
    ck_assert_int_eq(row->source, row->number % 2 == 0 ? SOURCE_IMPORTED : SOURCE_SUGGESTED);
    return 0;
}

static void expect_values(const struct trial_value_query *query, const char *expected)
{
    struct names names = {""};

    ck_assert_int_eq(store_each_trial_value(store, query, add_value, &names, NULL), 0);
    ck_assert_str_eq(names.text, expected);
}

START_TEST(a_trial_has_the_value_that_was_asked_for_if_it_is_finite)
{
    const double none = (double)NAN;

    open_store(_i == 1);
    int64_t study = add_study("s", STUDY_RUNNING);
    int64_t other = add_study("t", STUDY_RUNNING);
    add_trial(study, 1, TRIAL_COMPLETED, 3, "{\"loss\":3,\"a/b\":1.5}");
    add_trial(study, 2, TRIAL_COMPLETED, -1, "{\"loss\":-1,\"a/b\":\"Infinity\"}");
    add_trial(study, 3, TRIAL_FAILED, -9, "{\"loss\":-9,\"a/b\":0.1}");
    add_trial(study, 4, TRIAL_COMPLETED, none, "{\"loss\":\"NaN\"}");
    add_trial(study, 5, TRIAL_RUNNING, -8, "{\"loss\":-8}");
    add_trial(study, 6, TRIAL_PRUNED, 3, NULL);
    add_trial(study, 7, TRIAL_PAUSED, 0, "{\"a/b\":-2}");
    add_trial(other, 1, TRIAL_COMPLETED, -5, "{\"a/b\":-5}");
    struct trial_value_query query = {.study = study};
    expect_values(&query, "1:3 2:-1 3:nan 4:nan 6:3");
    query.metric = "a/b"; /* of every final trial, whatever its state */
    expect_values(&query, "1:1.5 2:nan 3:0.1 4:nan 6:nan");
    query.trial = 3;
    expect_values(&query, "3:0.1");
    query.trial = 5;
    expect_values(&query, "");
    close_store();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_reads");
    TCase *tcase = tcase_create("memory and disk");

    tcase_add_loop_test(tcase, studies_are_found_by_id_and_in_pages, 0, 2);
    tcase_add_loop_test(tcase, a_trial_has_the_value_that_was_asked_for_if_it_is_finite, 0, 2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
