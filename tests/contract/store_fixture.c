#include "tests/contract/store_fixture.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (1 << 20)

const struct store_kind stores[STORE_KINDS] = {{"on disk", true}, {"in memory", false}};

struct store_fixture f;

void open_store(void)
{
    const struct store_settings settings = {.directory =
                                                stores[f.kind].is_on_disk ? f.directory : NULL};

    MUST(store_open(&settings, &f.store, &f.err));
}

void reopen(void)
{
    store_close(f.store);
    f.store = NULL;
    open_store();
}

void begin_case(int kind)
{
    f.kind = kind;
    f.err = (struct err){0};
    directory_create(f.directory);
    buf_init(&f.seen, TEXT_MAX);
    open_store();
}

void end_case(void)
{
    store_close(f.store);
    directory_remove(f.directory);
    buf_finish(&f.seen);
}

struct store *open_reader(void)
{
    struct store *reader = NULL;

    MUST(store_open_reader(f.store, &reader, &f.err));
    return reader;
}

void commit(void)
{
    MUST(store_group_commit(f.store, &f.err));
}

void write_mark(int mark)
{
    MUST(script_write(f.store, mark, &f.err));
}

void write_group(int mark)
{
    store_group_begin(f.store);
    write_mark(mark);
    commit();
}

void expect_content(struct store *store, const char *expected)
{
    OWN(memory) char *content = content_of(store);

    ck_assert_str_eq(content, expected);
}

void expect_seen(const char *expected)
{
    ck_assert_str_eq(buf_text(&f.seen), expected);
    buf_clear(&f.seen);
}

int64_t add_study(const char *name)
{
    struct study_row row = script_study(name);

    row.id = 0;
    MUST(store_study_insert(f.store, &row, &f.err));
    ck_assert_int_gt(row.id, 0);
    return row.id;
}

void add_trial(int64_t study, int64_t number, enum trial_state state)
{
    struct trial_row row = script_trial(study, number, state);

    MUST(store_trial_insert(f.store, &row, &f.err));
}

int64_t add_worker(const char *name)
{
    int64_t id = 0;

    MUST(store_worker_save(f.store, name, &id, &f.err));
    ck_assert_int_gt(id, 0);
    return id;
}

int64_t add_attempt(int64_t trial, int64_t number, int64_t worker)
{
    struct attempt_row row = script_attempt(trial, number, worker);

    MUST(store_attempt_insert(f.store, &row, &f.err));
    ck_assert_int_gt(row.id, 0);
    return row.id;
}

/* ---- callbacks that note what they were given ---- */

int see_attempt(void *context, struct attempt_row *row, struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRId64 "#%" PRId64 "@%s ", trial_id_number(row->trial), row->number,
               row->worker_name);
    return 0;
}

int see_measurement(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                    struct err *err)
{
    (void)context;
    (void)err;
    buf_printf(&f.seen, "%" PRId64 ":%" PRId64 ":%" PRId64 "=%g ", metric, step, attempt, value);
    return 0;
}

void add_cases(Suite *suite, const char *name, const TTest *const tests[], size_t n)
{
    TCase *tcase = tcase_create(name);

    for (size_t i = 0; i < n; i++) {
        tcase_add_loop_test(tcase, tests[i], 0, STORE_KINDS);
    }
    suite_add_tcase(suite, tcase);
}
