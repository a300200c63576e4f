/* A store of either kind for one case, and rows to put into it. */
#ifndef TESTS_CONTRACT_STORE_FIXTURE_H
#define TESTS_CONTRACT_STORE_FIXTURE_H

#include <check.h>

#include "server/store/store.h"
#include "tests/support/directory.h"
#include "tests/support/store_content.h"
#include "tests/support/store_script.h"

struct store_kind {
    const char *name;
    bool is_on_disk; /* survives a close; readers read beside an open group */
};
#define STORE_KINDS 2
#define DISK 0
#define IN_MEMORY 1
extern const struct store_kind stores[STORE_KINDS];

struct store_fixture {
    int kind; /* index into stores */
    char directory[DIRECTORY_BYTES];
    struct store *store;
    struct err err;
    struct buf seen; /* what the callbacks below were given */
};
extern struct store_fixture f;

#define MUST(step) ck_assert_msg((step) == 0, "%s: %s", stores[f.kind].name, f.err.text)
#define MUST_FAIL(step, expected)                                                                  \
    do {                                                                                           \
        ck_assert_int_eq((step), -1);                                                              \
        ck_assert_int_eq(f.err.code, (expected));                                                  \
    } while (0)

void open_store(void);
void reopen(void);
void begin_case(int kind);
void end_case(void);
struct store *open_reader(void);
void commit(void);
/* One write of any kind. */
void write_mark(int mark);
void write_group(int mark);
void expect_content(struct store *store, const char *expected);
void expect_seen(const char *expected);
int64_t add_study(const char *name);
void add_trial(int64_t study, int64_t number, enum trial_state state);
int64_t add_worker(const char *name);
int64_t add_attempt(int64_t trial, int64_t number, int64_t worker);
int see_attempt(void *context, struct attempt_row *row, struct err *err);
int see_measurement(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                    struct err *err);

/* Adds cases to a suite, each for both kinds. */
void add_cases(Suite *suite, const char *name, const TTest *const tests[], size_t n);
#define ADD_CASES(suite, name, ...)                                                                \
    do {                                                                                           \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        add_cases(suite, name, tests, sizeof tests / sizeof tests[0]);                             \
    } while (0)

/* One file each. */
void add_store_studies(Suite *suite);
void add_store_trials(Suite *suite);
void add_store_journal(Suite *suite);
void add_store_groups(Suite *suite);
void add_store_files(Suite *suite);

#endif
