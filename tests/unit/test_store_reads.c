/* What is found by key and in order of value: over a store in memory and one on disk. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/store/store.h"

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

/* ---- trials in order of value ---- */

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

static int add_number(void *context, struct trial_row *row, struct err *err)
{
    struct names *names = context;
    char text[32];

    (void)err;
    (void)snprintf(text, sizeof text, "%s%d", names->text[0] == '\0' ? "" : " ",
                   (int)trial_id_number(row->id));
    (void)strcat(names->text, text);
    return 0;
}

static void expect_order(const struct trial_value_query *query, const char *expected)
{
    struct names names = {""};

    ck_assert_int_eq(store_each_trial_by_value(store, query, add_number, &names, NULL), 0);
    ck_assert_str_eq(names.text, expected);
}

static struct trial_value_query add_trials(void)
{
    int64_t study = add_study("s", STUDY_RUNNING);
    int64_t other = add_study("t", STUDY_RUNNING);
    const double none = (double)NAN;

    add_trial(study, 1, TRIAL_COMPLETED, 3, "{\"loss\":3,\"a/b\":1.5}");
    add_trial(study, 2, TRIAL_COMPLETED, -1, "{\"loss\":-1,\"a/b\":\"Infinity\"}");
    add_trial(study, 3, TRIAL_FAILED, -9, "{\"loss\":-9,\"a/b\":0.1}");
    add_trial(study, 4, TRIAL_COMPLETED, none, "{\"loss\":\"NaN\"}");
    add_trial(study, 5, TRIAL_RUNNING, -8, "{\"loss\":-8}");
    add_trial(study, 6, TRIAL_PRUNED, 3, NULL);
    add_trial(study, 7, TRIAL_COMPLETED, 0, "{\"a/b\":-2}");
    add_trial(other, 1, TRIAL_COMPLETED, -5, "{\"a/b\":-5}");
    return (struct trial_value_query){
        .study = study, .source = -1, .until_seq = 1000, .limit = 100};
}

START_TEST(finite_values_come_first_in_either_direction)
{
    open_store(_i == 1);
    struct trial_value_query query = add_trials();
    expect_order(&query, "2 7 1 6 3 4");
    query.largest_first = true;
    expect_order(&query, "1 6 7 2 3 4");
    query.metric = "a/b"; /* of every final trial, whatever its state */
    expect_order(&query, "1 3 7 2 4 6");
    query.largest_first = false;
    expect_order(&query, "7 3 1 2 4 6");
    query.metric = "none";
    expect_order(&query, "1 2 3 4 6 7");
    close_store();
}
END_TEST

START_TEST(filters_and_the_moment_choose_the_trials)
{
    open_store(_i == 1);
    struct trial_value_query query = add_trials();
    query.until_seq = 104;
    expect_order(&query, "2 1 3 4");
    query.until_seq = 1000;
    query.states = 1U << TRIAL_COMPLETED | 1U << TRIAL_RUNNING;
    expect_order(&query, "2 7 1 4");
    query.source = SOURCE_IMPORTED;
    expect_order(&query, "2 4");
    query.worker = "w";
    expect_order(&query, "");
    query.worker = "";
    expect_order(&query, "2 4");
    close_store();
}
END_TEST

static void expect_after(struct trial_value_query *query, bool has_value, double value,
                         int64_t number, const char *expected)
{
    query->has_after = true;
    query->after.has_value = has_value;
    query->after.value = value;
    query->after.number = number;
    expect_order(query, expected);
}

START_TEST(a_page_begins_behind_its_place)
{
    open_store(_i == 1);
    struct trial_value_query query = add_trials();
    query.limit = 2;
    expect_order(&query, "2 7");
    expect_after(&query, true, 0, 7, "1 6");
    expect_after(&query, true, 3, 1, "6 3");
    expect_after(&query, true, 3, 6, "3 4");
    expect_after(&query, false, 0, 3, "4");
    expect_after(&query, false, 0, 4, "");
    query.largest_first = true;
    expect_after(&query, true, 3, 1, "6 7");
    expect_after(&query, true, 0, 7, "2 3");
    close_store();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_reads");
    TCase *tcase = tcase_create("memory and disk");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tcase, studies_are_found_by_id_and_in_pages, 0, 2);
    tcase_add_loop_test(tcase, finite_values_come_first_in_either_direction, 0, 2);
    tcase_add_loop_test(tcase, filters_and_the_moment_choose_the_trials, 0, 2);
    tcase_add_loop_test(tcase, a_page_begins_behind_its_place, 0, 2);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
