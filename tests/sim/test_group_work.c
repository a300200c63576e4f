/* What a group of commands costs where there is much that it has nothing to do with: calls are
 * counted (the linker puts the counters before the functions, see meson.build). */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "server/state/view.h"
#include "server/tuning/internal.h"
#include "tests/sim/world_fixture.h"
#include "tests/support/run_suite.h"

#define MANY 200

static size_t n_served, n_prepared, n_sorted;

int __real_ask_serve(struct tuning *tuning, struct ask *ask, bool *served, struct err *err);
int __wrap_ask_serve(struct tuning *tuning, struct ask *ask, bool *served, struct err *err);
int __real_study_prepare(struct tuning *tuning, struct live_study *study, struct err *err);
int __wrap_study_prepare(struct tuning *tuning, struct live_study *study, struct err *err);

int __wrap_ask_serve(struct tuning *tuning, struct ask *ask, bool *served, struct err *err)
{
    n_served++;
    return __real_ask_serve(tuning, ask, served, err);
}

int __wrap_study_prepare(struct tuning *tuning, struct live_study *study, struct err *err)
{
    n_prepared++;
    return __real_study_prepare(tuning, study, err);
}

void __real_qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *));
void __wrap_qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *));

void __wrap_qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    n_sorted += n;
    __real_qsort(base, n, size, compare);
}

static size_t n_replaced;

static void note(const struct command *answer)
{
    if (answer->kind == COMMAND_ASK && !as_const_ask(answer)->out.granted) {
        n_replaced += strstr(as_const_ask(answer)->out.no_lease.detail, "a newer ask") != NULL;
    }
}

static void setup(void)
{
    n_replaced = 0;
    fixture_open();
    f.note = note;
    create_study_of_x("busy");
}

static void teardown(void)
{
    f.world.answered = NULL;
    fixture_close();
}

static void wait_for(const char *study, int number)
{
    char body[120];

    (void)snprintf(body, sizeof body,
                   "{\"worker\": \"w%d\", \"request_id\": \"r%d\", \"wait_seconds\": 60}", number,
                   number);
    perform(world_ask(study, body));
}

static void run_trial(void)
{
    perform(world_ask("busy", NULL));
    perform(make_complete());
}

START_TEST(asks_that_wait_for_another_study_are_left_alone)
{
    create_study_of_x("idle");
    perform(world_patch_study("idle", "{\"state\": \"paused\"}"));
    for (int i = 0; i < MANY; i++) {
        wait_for("idle", i);
    }
    n_served = 0;
    run_trial();
    ck_assert_uint_gt(n_served, 0);
    ck_assert_uint_lt(n_served, 10);
    wait_for("idle", 7); /* the same request again: it waits in the place of the first */
    ck_assert_uint_eq(n_replaced, 1);
    ck_assert_uint_eq(f.world.tuning->n_asks, MANY);
    f.lease[0] = '\0';
    perform(world_patch_study("idle", "{\"state\": \"running\"}"));
    ck_assert_uint_eq(f.world.tuning->n_asks, 0); /* all of them are served */
    ck_assert_str_ne(f.lease, "");
}
END_TEST

START_TEST(studies_in_which_nothing_happens_are_not_looked_at)
{
    char name[16];

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        create_study_of_x(name);
    }
    n_prepared = 0;
    run_trial();
    ck_assert_uint_gt(n_prepared, 0);
    ck_assert_uint_lt(n_prepared, 10);
}
END_TEST

START_TEST(views_find_the_studies_in_order)
{
    struct live_view *views[2];
    char name[16];

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof name, "s%d", i);
        create_study_of_x(name);
    }
    ck_assert_int_eq(tuning_view(f.world.tuning, &views[0], NULL), 0);
    run_trial();
    n_sorted = 0;
    ck_assert_int_eq(tuning_view(f.world.tuning, &views[1], NULL), 0);
    ck_assert_uint_eq(n_sorted, 0);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_uint_eq(views[i]->n_studies, MANY + 1);
        ck_assert_ptr_nonnull(live_view_study(views[i], "busy"));
        ck_assert_ptr_nonnull(live_view_study(views[i], "s77"));
        live_view_release(views[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("group work");
    TCase *tcase = tcase_create("counted");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, asks_that_wait_for_another_study_are_left_alone);
    tcase_add_test(tcase, views_find_the_studies_in_order);
    tcase_add_test(tcase, studies_in_which_nothing_happens_are_not_looked_at);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
