/* What is kept for a time goes in small steps: the rest of many follows soon, not a minute later;
 * and a clock that was set makes nothing old. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "server/state/studies.h"
#include "server/store/audit.h"
#include "server/store/replies.h"
#include "server/tuning/internal.h"
#include "tests/sim/world_fixture.h"
#include "tests/support/run_suite.h"

#define MANY 2500 /* more than go at once */
#define A_DAY_MS (INT64_C(24) * 60 * 60 * 1000)

static void key_of(int i, unsigned char key[16])
{
    memset(key, 0, 16);
    memcpy(key, &i, sizeof i);
}

static void keep_replies(void)
{
    struct err err = {0};

    store_group_begin(f.world.store);
    for (int i = 0; i < MANY; i++) {
        static char text[] = "1";
        struct reply_row row = {.status = 201, .text = text, .at_ms = 1000 + i};
        key_of(i, row.key);
        must(store_reply_insert(f.world.store, &row, &err), &err);
    }
    must(store_group_commit(f.world.store, &err), &err);
}

static int count_replies(void)
{
    int n = 0;

    for (int i = 0; i < MANY; i++) {
        struct reply_row row = {0};
        struct err err = {0};
        unsigned char key[16];
        bool found;
        key_of(i, key);
        must(store_reply_find(f.world.store, key, &row, &found, &err), &err);
        free(row.text);
        n += found;
    }
    return n;
}

/* A group that writes, so long after the last one. */
static void write_after(int64_t ms)
{
    static char name[] = "a";

    f.world.clock.now_ms += ms;
    create_study_of_x(name);
    name[0]++;
}

START_TEST(replies_of_yesterday_go_in_steps)
{
    fixture_open();
    keep_replies();
    write_after(2 * A_DAY_MS);
    ck_assert_int_eq(count_replies(), MANY - 2000);
    write_after(999); /* not yet */
    ck_assert_int_eq(count_replies(), MANY - 2000);
    write_after(1);
    ck_assert_int_eq(count_replies(), 0);
    fixture_close();
}
END_TEST

START_TEST(a_clock_that_is_set_ahead_makes_nothing_old_for_a_day)
{
    fixture_open();
    write_after(0); /* the clock is read */
    keep_replies();
    f.world.clock.wall_offset_ms += 2 * A_DAY_MS;
    write_after(60000);
    ck_assert_int_eq(count_replies(), MANY);
    f.world.clock.wall_offset_ms += 2 * A_DAY_MS; /* as of a machine that sleeps every night */
    write_after(A_DAY_MS - 60001);
    ck_assert_int_eq(count_replies(), MANY);
    write_after(60001);
    ck_assert_int_eq(count_replies(), MANY - 2000);
    fixture_close();
}
END_TEST

static void restart_after(int64_t wall_ms)
{
    struct err err = {0};

    f.world.clock.wall_offset_ms += wall_ms;
    must(world_restart(&f.world, &err), &err);
}

START_TEST(a_restart_ends_no_such_day)
{
    fixture_open();
    write_after(0);
    keep_replies();
    f.world.clock.wall_offset_ms += 2 * A_DAY_MS;
    write_after(60000);
    restart_after(0);
    write_after(A_DAY_MS - 1);
    ck_assert_int_eq(count_replies(), MANY);
    restart_after(0);
    write_after(1);
    ck_assert_int_eq(count_replies(), MANY - 2000);
    fixture_close();
}
END_TEST

START_TEST(a_restart_ends_no_such_day_after_a_second_step)
{
    fixture_open();
    write_after(0);
    keep_replies();
    f.world.clock.wall_offset_ms += A_DAY_MS / 24;
    write_after(60000);
    f.world.clock.wall_offset_ms += 3 * A_DAY_MS; /* behind the end of the day that was written */
    write_after(60000);
    restart_after(0);
    write_after(60000);
    ck_assert_int_eq(count_replies(), MANY);
    write_after(A_DAY_MS - 120001);
    ck_assert_int_eq(count_replies(), MANY);
    write_after(60001);
    ck_assert_int_eq(count_replies(), MANY - 2000);
    fixture_close();
}
END_TEST

/* As that of a machine that starts before it knows the time, or that was off over the weekend. */
START_TEST(a_clock_that_was_set_ahead_while_the_server_was_down_is_such_a_clock)
{
    fixture_open();
    write_after(0);
    keep_replies();
    restart_after(2 * A_DAY_MS);
    write_after(60000);
    ck_assert_int_eq(count_replies(), MANY);
    restart_after(2 * A_DAY_MS); /* again before the day is over: something goes all the same */
    write_after(60000);
    ck_assert_int_eq(count_replies(), MANY - 2000);
    fixture_close();
}
END_TEST

START_TEST(a_clock_that_is_set_right_again_keeps_nothing_for_longer)
{
    fixture_open();
    write_after(0);
    keep_replies();
    f.world.clock.wall_offset_ms += 20 * A_DAY_MS;
    write_after(60000);
    restart_after(-18 * A_DAY_MS);
    write_after(A_DAY_MS - 1);
    ck_assert_int_eq(count_replies(), MANY);
    restart_after(0); /* nor by restarts, each of which would begin the day anew */
    write_after(60000);
    ck_assert_int_eq(count_replies(), MANY - 2000);
    fixture_close();
}
END_TEST

/* Of an ask whose answer was lost: whatever is done to the clock, it is granted once. */
START_TEST(an_ask_is_known_again_when_the_clock_was_set_and_the_server_restarted)
{
    fixture_open();
    create_study_of_x("s");
    perform(make_ask_by_name());
    ck_assert_str_ne(f.lease, "");
    perform(make_complete());
    f.may_be_refused = true;
    for (int i = 0; i < 4; i++) {
        f.world.clock.wall_offset_ms += i % 2 == 0 ? 2 * A_DAY_MS : -A_DAY_MS;
        write_after(60000); /* an event behind the step */
        restart_after(0);
        f.lease[0] = '\0';
        perform(make_ask_by_name());
        ck_assert_str_eq(f.lease, "");
        ck_assert_str_eq(f.answer, "lease-ended");
    }
    f.world.clock.now_ms += 11 * 60000;
    write_after(0);
    write_after(10 * 60000);
    restart_after(0);
    perform(make_ask_by_name());
    ck_assert_str_ne(f.lease, "");
    fixture_close();
}
END_TEST

static int64_t revision_of(const char *study)
{
    return study_named(&f.world.tuning->state, study)->row.revision;
}

/* A change in the same group as the deletion counts, too: it was answered. */
START_TEST(a_study_made_again_goes_on_behind_the_revisions_of_the_deleted_one)
{
    struct err err = {0};

    fixture_open();
    create_study_of_x("s");
    ck_assert_int_eq(revision_of("s"), 1);
    struct command *both[] = {world_patch_study("s", "{\"description\": \"new\"}"),
                              world_delete_study("s", true)};
    must(world_group(&f.world, both, 2, &err), &err);
    create_study_of_x("s");
    ck_assert_int_eq(revision_of("s"), 3);
    perform(world_delete_study("s", true));
    write_after(8 * A_DAY_MS);
    for (int i = 0; i < 8; i++) { /* a study goes in some steps, one after the other */
        write_after(1000);
    }
    create_study_of_x("s");
    ck_assert_int_eq(revision_of("s"), 1);
    fixture_close();
}
END_TEST

static void keep_audit(void)
{
    struct err err = {0};

    store_group_begin(f.world.store);
    for (int i = 0; i < MANY; i++) {
        const struct audit_row row = {.at_ms = 1000 + i,
                                      .token = "",
                                      .address = "",
                                      .action = AUDIT_TOKEN_CREATED,
                                      .study = "",
                                      .target = "t",
                                      .detail = ""};
        must(store_audit_append(f.world.store, &row, &err), &err);
    }
    must(store_group_commit(f.world.store, &err), &err);
}

static int count_old(void *context, const struct audit_row *row, struct err *err)
{
    int *n = context;

    (void)err;
    *n += row->at_ms <= 1000 + MANY;
    return 0;
}

static int count_audit(void)
{
    struct err err = {0};
    int n = 0;

    must(store_each_audit(f.world.store, INT64_MAX, 2 * (int64_t)MANY, count_old, &n, &err), &err);
    return n;
}

START_TEST(the_audit_of_years_ago_goes_in_steps)
{
    fixture_open();
    keep_audit();
    ck_assert_int_eq(count_audit(), MANY);
    write_after(2 * A_DAY_MS);
    ck_assert_int_eq(count_audit(), MANY - 2000);
    write_after(1000);
    ck_assert_int_eq(count_audit(), 0);
    fixture_close();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("purge");
    TCase *tcase = tcase_create("steps");

    json_start();
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, replies_of_yesterday_go_in_steps);
    tcase_add_test(tcase, a_clock_that_is_set_ahead_makes_nothing_old_for_a_day);
    tcase_add_test(tcase, a_restart_ends_no_such_day);
    tcase_add_test(tcase, a_restart_ends_no_such_day_after_a_second_step);
    tcase_add_test(tcase, a_clock_that_was_set_ahead_while_the_server_was_down_is_such_a_clock);
    tcase_add_test(tcase, a_clock_that_is_set_right_again_keeps_nothing_for_longer);
    tcase_add_test(tcase, an_ask_is_known_again_when_the_clock_was_set_and_the_server_restarted);
    tcase_add_test(tcase, a_study_made_again_goes_on_behind_the_revisions_of_the_deleted_one);
    tcase_add_test(tcase, the_audit_of_years_ago_goes_in_steps);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
