/* store.h, demanded of every store behind it: groups: what is kept together or not at all. */
#include "tests/contract/store_fixture.h"

#include <string.h>
#include <unistd.h>

START_TEST(group_without_writes_is_not_dirty)
{
    begin_case(_i);
    OWN(memory) char *before = content_of(f.store);
    store_group_begin(f.store);
    ck_assert(!store_group_is_dirty(f.store));
    store_savepoint(f.store);
    MUST(store_undo(f.store, &f.err));
    store_savepoint(f.store);
    MUST(store_release(f.store, &f.err));
    ck_assert(!store_group_is_dirty(f.store));
    (void)add_worker("a:0");
    ck_assert(store_group_is_dirty(f.store));
    store_group_rollback(f.store);
    store_group_begin(f.store);
    ck_assert(!store_group_is_dirty(f.store));
    commit();
    expect_content(f.store, before);
    end_case();
}
END_TEST

START_TEST(undone_command_leaves_nothing)
{
    begin_case(_i);
    write_group(0);
    OWN(memory) char *one = content_of(f.store);
    store_group_begin(f.store);
    store_savepoint(f.store);
    write_mark(1);
    MUST(store_undo(f.store, &f.err));
    expect_content(f.store, one);
    commit();
    expect_content(f.store, one);
    end_case();
}
END_TEST

START_TEST(undone_command_costs_the_others_nothing)
{
    begin_case(_i);
    write_group(0);
    write_group(1);
    OWN(memory) char *expected = content_of(f.store);
    end_case();
    begin_case(_i);
    store_group_begin(f.store);
    store_savepoint(f.store);
    write_mark(0);
    MUST(store_release(f.store, &f.err));
    store_savepoint(f.store);
    write_mark(2);
    MUST(store_undo(f.store, &f.err));
    store_savepoint(f.store); /* writes nothing */
    MUST(store_release(f.store, &f.err));
    store_savepoint(f.store);
    write_mark(1);
    MUST(store_release(f.store, &f.err));
    commit();
    expect_content(f.store, expected);
    end_case();
}
END_TEST

START_TEST(rolled_back_group_leaves_nothing)
{
    begin_case(_i);
    write_group(0);
    OWN(memory) char *one = content_of(f.store);
    store_group_begin(f.store);
    store_savepoint(f.store);
    write_mark(1);
    MUST(store_release(f.store, &f.err));
    write_mark(2);
    store_group_rollback(f.store);
    expect_content(f.store, one);
    write_group(1); /* and the next group is none the worse for it */
    end_case();
}
END_TEST

START_TEST(group_is_rolled_back_in_the_middle_of_a_command)
{
    begin_case(_i);
    OWN(memory) char *empty = content_of(f.store);
    store_group_begin(f.store);
    store_savepoint(f.store);
    write_mark(1);
    store_group_rollback(f.store);
    expect_content(f.store, empty);
    store_group_begin(f.store);
    store_savepoint(f.store);
    write_mark(1);
    MUST(store_release(f.store, &f.err));
    commit();
    OWN(memory) char *full = content_of(f.store);
    ck_assert_str_ne(full, empty);
    end_case();
}
END_TEST

START_TEST(reader_sees_only_what_was_committed)
{
    begin_case(_i);
    OWN(memory) char *empty = content_of(f.store);
    struct store *reader = open_reader();
    expect_content(reader, empty);
    store_group_begin(f.store);
    write_mark(0);
    if (stores[f.kind].is_on_disk) {
        expect_content(reader, empty); /* the one in memory makes a reader wait */
    }
    commit();
    OWN(memory) char *one = content_of(f.store);
    expect_content(reader, one);
    store_group_begin(f.store);
    write_mark(1);
    store_group_rollback(f.store);
    expect_content(reader, one);
    store_close(reader);
    end_case();
}
END_TEST

START_TEST(read_transaction_sees_one_moment)
{
    begin_case(_i);
    write_group(0);
    OWN(memory) char *one = content_of(f.store);
    struct store *reader = open_reader();
    MUST(store_read_begin(reader, &f.err));
    expect_content(reader, one);
    if (stores[f.kind].is_on_disk) {
        write_group(1); /* the one in memory makes a commit wait */
        store_checkpoint(f.store, false);
    }
    expect_content(reader, one);
    store_read_end(reader);
    if (!stores[f.kind].is_on_disk) {
        write_group(1);
    }
    OWN(memory) char *two = content_of(f.store);
    ck_assert_str_ne(one, two);
    expect_content(reader, two);
    store_close(reader);
    end_case();
}
END_TEST

START_TEST(reader_cannot_write)
{
    int64_t id;

    begin_case(_i);
    struct store *reader = open_reader();
    MUST_FAIL(store_worker_save(reader, "a:0", &id, &f.err), ERR_IO);
    store_close(reader);
    end_case();
}
END_TEST

static bool never(void *context)
{
    (void)context;
    return false;
}

/* However far SQLite has counted when it asks: BEGIN, too, may be what it gives up. */
START_TEST(a_read_that_is_given_up_leaves_no_transaction_open)
{
    begin_case(_i);
    struct store *reader = open_reader();
    struct err ignored;
    int n_given_up = 0;

    for (int i = 0; i < 20000 && n_given_up < 3; i++) {
        store_read_while(reader, never, NULL);
        if (store_read_begin(reader, &ignored) != 0) {
            ck_assert_int_eq(ignored.code, ERR_OVERLOADED);
            n_given_up++;
        } else {
            store_read_end(reader);
        }
        store_read_while(reader, NULL, NULL);
        MUST(store_read_begin(reader, &f.err));
        store_read_end(reader);
    }
    ck_assert_int_eq(n_given_up, 3);
    store_close(reader);
    end_case();
}
END_TEST

void add_store_groups(Suite *suite)
{
    ADD_CASES(suite, "groups", group_without_writes_is_not_dirty, undone_command_leaves_nothing,
              undone_command_costs_the_others_nothing, rolled_back_group_leaves_nothing,
              group_is_rolled_back_in_the_middle_of_a_command, reader_sees_only_what_was_committed,
              read_transaction_sees_one_moment, reader_cannot_write,
              a_read_that_is_given_up_leaves_no_transaction_open);
}
