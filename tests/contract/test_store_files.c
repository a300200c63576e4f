/* store.h, demanded of every store behind it: opening, closing, files. */
#include "tests/contract/store_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/store/backup.h"

START_TEST(content_outlives_the_connection_on_disk_only)
{
    begin_case(_i);
    OWN(memory) char *empty = content_of(f.store);
    write_group(0);
    store_group_begin(f.store);
    write_mark(1); /* not committed */
    store_group_rollback(f.store);
    OWN(memory) char *one = content_of(f.store);
    reopen();
    expect_content(f.store, stores[f.kind].is_on_disk ? one : empty);
    end_case();
}
END_TEST

START_TEST(close_in_a_group_is_a_rollback)
{
    begin_case(_i);
    OWN(memory) char *empty = content_of(f.store);
    store_group_begin(f.store);
    write_mark(0);
    reopen();
    expect_content(f.store, empty);
    end_case();
}
END_TEST

START_TEST(checkpoint_changes_no_content)
{
    begin_case(_i);
    write_group(0);
    OWN(memory) char *one = content_of(f.store);
    store_checkpoint(f.store, false);
    store_checkpoint(f.store, true);
    expect_content(f.store, one);
    reopen();
    if (stores[f.kind].is_on_disk) {
        expect_content(f.store, one);
    }
    end_case();
}
END_TEST

START_TEST(clean_mark_holds_until_a_run_begins)
{
    begin_case(_i);
    ck_assert(!store_was_clean(f.store));
    MUST(store_mark_clean(f.store, &f.err));
    ck_assert(!store_was_clean(f.store)); /* it is about the last run */
    reopen();
    ck_assert_int_eq(store_was_clean(f.store), stores[f.kind].is_on_disk);
    reopen(); /* a start that came to nothing changed nothing */
    ck_assert_int_eq(store_was_clean(f.store), stores[f.kind].is_on_disk);
    MUST(store_begin_run(f.store, &f.err));
    reopen();
    ck_assert(!store_was_clean(f.store));
    end_case();
}
END_TEST

START_TEST(two_stores_do_not_meet)
{
    struct store *other = NULL;
    char directory[DIRECTORY_BYTES];

    begin_case(_i);
    OWN(memory) char *empty = content_of(f.store);
    directory_create(directory);
    const struct store_settings settings = {.directory =
                                                stores[f.kind].is_on_disk ? directory : NULL};
    MUST(store_open(&settings, &other, &f.err));
    write_group(0);
    expect_content(other, empty);
    store_close(other);
    directory_remove(directory);
    end_case();
}
END_TEST

START_TEST(sound_database_passes_the_check)
{
    begin_case(_i);
    write_group(0);
    struct store *reader = open_reader();
    MUST(store_quick_check(reader, &f.err));
    store_close(reader);
    end_case();
}
END_TEST

/* The database file of the fixture, opened for damage; the store is closed. */
static int open_file(void)
{
    char path[DIRECTORY_BYTES + 16];

    store_checkpoint(f.store, true);
    store_close(f.store);
    f.store = NULL;
    (void)snprintf(path, sizeof path, "%s/hone.db", f.directory);
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    return fd;
}

static void overwrite(int fd, off_t at, const void *bytes, size_t len)
{
    ck_assert_int_eq(pwrite(fd, bytes, len, at), (ssize_t)len);
}

static void expect_refused(const char *words)
{
    const struct store_settings settings = {.directory = f.directory};

    MUST_FAIL(store_open(&settings, &f.store, &f.err), ERR_IO);
    ck_assert_msg(strstr(f.err.text, words) != NULL, "%s", f.err.text);
    ck_assert_ptr_null(f.store);
}

START_TEST(damage_is_found_by_the_check)
{
    static const unsigned char noise[4096] = {0x5a, 0x5a};

    begin_case(DISK);
    for (int mark = 0; mark < 20; mark++) {
        write_group(mark);
    }
    OWN(fd) int fd = open_file();
    struct stat st;
    ck_assert_int_eq(fstat(fd, &st), 0);
    overwrite(fd, st.st_size - 4096, noise, sizeof noise); /* the last page: rows */
    open_store();
    struct store *reader = open_reader();
    MUST_FAIL(store_quick_check(reader, &f.err), ERR_IO);
    ck_assert_ptr_nonnull(strstr(f.err.text, "damaged"));
    store_close(reader);
    end_case();
}
END_TEST

START_TEST(newer_database_is_refused)
{
    static const unsigned char version[4] = {0, 0, 0x27, 0x0f};

    begin_case(DISK);
    OWN(fd) int fd = open_file();
    overwrite(fd, 60, version, sizeof version); /* user_version, SQLite's file format 1.3 */
    expect_refused("version 9999, newer than");
    end_case();
}
END_TEST

START_TEST(foreign_database_is_refused)
{
    static const unsigned char application[4] = {1, 2, 3, 4};

    begin_case(DISK);
    OWN(fd) int fd = open_file();
    overwrite(fd, 68, application, sizeof application); /* application_id */
    expect_refused("is not a database of honed");
    end_case();
}
END_TEST

START_TEST(file_that_is_no_database_is_refused)
{
    begin_case(DISK);
    OWN(fd) int fd = open_file();
    overwrite(fd, 0, "no database at all", 18);
    expect_refused("damaged");
    end_case();
}
END_TEST

START_TEST(missing_directory_is_refused)
{
    begin_case(DISK);
    store_close(f.store);
    f.store = NULL;
    directory_remove(f.directory);
    expect_refused("unable to open");
    directory_create(f.directory);
    end_case();
}
END_TEST

START_TEST(data_directory_has_one_server)
{
    char path[DIRECTORY_BYTES + 16];
    struct stat st;
    int fd = -1;
    int other = -2;

    begin_case(DISK);
    (void)snprintf(path, sizeof path, "%s/data", f.directory);
    MUST(store_lock_directory(path, &fd, &f.err));
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0700);
    char holder[40];
    (void)snprintf(holder, sizeof holder, "(pid %ld)", (long)getpid());
    MUST_FAIL(store_lock_directory(path, &other, &f.err), ERR_OVERLOADED);
    ck_assert_ptr_nonnull(strstr(f.err.text, holder));
    ck_assert_int_eq(other, -2);
    ck_assert_int_eq(close(fd), 0);
    MUST(store_lock_directory(path, &fd, &f.err));
    ck_assert_int_eq(close(fd), 0);
    end_case();
}
END_TEST

START_TEST(a_group_is_refused_where_another_server_has_written)
{
    struct store_settings settings = {.directory = f.directory};
    OWN(store) struct store *other = NULL;
    struct hwm before, after;

    begin_case(DISK);
    settings.directory = f.directory;
    MUST(store_open(&settings, &other, &f.err));
    write_group(0);
    store_mark(f.store, &before);
    MUST_FAIL(store_begin_run(other, &f.err), ERR_WRONG_STATE);
    MUST_FAIL(store_begin_run(other, &f.err), ERR_WRONG_STATE);
    ck_assert_ptr_nonnull(strstr(f.err.text, "another server"));
    write_group(1); /* the first one goes on */
    store_mark(f.store, &after);
    ck_assert_int_eq(after.commit, before.commit + 1);
    store_close(other);
    other = NULL;
    MUST(store_open(&settings, &other, &f.err));
    MUST(store_begin_run(other, &f.err));
    store_group_begin(f.store);
    write_mark(2);
    MUST_FAIL(store_group_commit(f.store, &f.err), ERR_WRONG_STATE);
    store_group_rollback(f.store);
    store_close(other);
    other = NULL;
    end_case();
}
END_TEST

START_TEST(each_group_that_writes_is_counted)
{
    struct hwm before;
    struct hwm after;

    begin_case(_i);
    store_mark(f.store, &before);
    ck_assert_int_eq(before.epoch, 1);
    ck_assert_uint_eq(strlen(before.identity), STORE_IDENTITY_BYTES - 1);
    write_group(0);
    write_group(1);
    store_group_begin(f.store);
    MUST(store_group_commit(f.store, &f.err)); /* nothing written */
    store_group_begin(f.store);
    write_mark(2);
    store_group_rollback(f.store);
    store_mark(f.store, &after);
    ck_assert_int_eq(after.commit, before.commit + 2);
    reopen();
    store_mark(f.store, &before);
    if (stores[f.kind].is_on_disk) {
        ck_assert_int_eq(before.commit, after.commit);
        MUST(store_begin_run(f.store, &f.err));
        store_mark(f.store, &before);
        ck_assert_int_eq(before.commit, after.commit + 1);
        ck_assert_str_eq(before.identity, after.identity);
    } else {
        ck_assert_str_ne(before.identity, after.identity);
    }
    end_case();
}
END_TEST

/* The mark of the fixture's directory: `more` commits beyond its store. */
static void leave_mark(int64_t more)
{
    struct hwm_file file = {.fd = -1};
    struct hwm mark;

    store_mark(f.store, &mark);
    mark.commit += more;
    MUST(hwm_open(f.directory, &mark, &file, &f.err));
    hwm_close(&file);
}

START_TEST(database_behind_its_mark_is_refused_until_that_is_accepted)
{
    const struct store_settings accepting = {.directory = f.directory, .accept_loss = true};
    struct hwm before;
    struct hwm after;

    begin_case(DISK);
    write_group(0);
    leave_mark(0);
    reopen();
    leave_mark(2); /* the next opening writes one group itself, and only after it has looked */
    store_mark(f.store, &before);
    store_close(f.store);
    f.store = NULL;
    expect_refused("lost acknowledged writes");
    MUST(store_open(&accepting, &f.store, &f.err));
    ck_assert_ptr_nonnull(store_accepted_loss(f.store));
    store_mark(f.store, &after);
    ck_assert_int_eq(after.epoch, 2);
    ck_assert_int_eq(after.commit, before.commit + 3); /* beyond all that was acknowledged */
    leave_mark(0);
    reopen();
    ck_assert_ptr_null(store_accepted_loss(f.store));
    end_case();
}
END_TEST

START_TEST(mark_is_the_newer_of_two_lines)
{
    struct hwm_file file = {.fd = -1};
    struct hwm mark;
    struct hwm read;
    bool found = true;

    begin_case(DISK);
    MUST(hwm_read(f.directory, &read, &found, &f.err));
    ck_assert(!found);
    store_mark(f.store, &mark);
    MUST(hwm_open(f.directory, &mark, &file, &f.err));
    for (int i = 0; i < 5; i++) {
        mark.commit += 10;
        MUST(hwm_write(&file, &mark, &f.err));
        MUST(hwm_read(f.directory, &read, &found, &f.err));
        ck_assert(found);
        ck_assert_int_eq(read.commit, mark.commit);
        ck_assert_str_eq(read.identity, mark.identity);
    }
    hwm_close(&file);
    end_case();
}
END_TEST

static void make_file(const char *name)
{
    char path[DIRECTORY_BYTES + 32];

    (void)snprintf(path, sizeof path, "%s/%s", f.directory, name);
    FILE *file = fopen(path, "we");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(directory_with_files_of_others_is_refused_and_left_alone)
{
    char lock[DIRECTORY_BYTES + 32];
    int fd = -1;

    begin_case(IN_MEMORY);
    make_file("README.md");
    MUST_FAIL(store_lock_directory(f.directory, &fd, &f.err), ERR_IO);
    ck_assert_ptr_nonnull(strstr(f.err.text, "README.md"));
    (void)snprintf(lock, sizeof lock, "%s/lock", f.directory);
    ck_assert_int_ne(access(lock, F_OK), 0);
    make_file("hone.db"); /* copied there by a person, say: its studies are meant */
    MUST(store_lock_directory(f.directory, &fd, &f.err));
    ck_assert_int_eq(close(fd), 0);
    end_case();
}
END_TEST

START_TEST(first_start_that_was_cut_short_is_not_foreign)
{
    int fd = -1;

    begin_case(IN_MEMORY);
    make_file("lock");
    make_file("worker.token");
    make_file("hone.db-wal");
    MUST(store_lock_directory(f.directory, &fd, &f.err));
    ck_assert_int_eq(close(fd), 0);
    end_case();
}
END_TEST

START_TEST(directory_that_others_can_write_is_refused)
{
    int fd = -1;

    begin_case(DISK);
    ck_assert_int_eq(chmod(f.directory, 0770), 0);
    MUST_FAIL(store_lock_directory(f.directory, &fd, &f.err), ERR_IO);
    ck_assert_int_eq(fd, -1);
    end_case();
}
END_TEST

/* How often it may still be asked. */
static bool is_asked_enough(void *context)
{
    int *left = context;

    return --*left < 0;
}

START_TEST(backup_that_is_given_up_leaves_nothing)
{
    char file[300], left[320];
    int asked = 0;
    int result = -1;

    begin_case(DISK);
    write_group(0);
    (void)snprintf(file, sizeof file, "%s/before-x.db", f.directory);
    for (int n = 0; result != 0; n++) {
        struct backup made;
        asked = n;
        const struct backup_order order = {
            .directory = f.directory, .file = file, .is_over = is_asked_enough, .context = &asked};
        result = store_backup_make(&order, &made, &f.err);
        ck_assert_int_eq(access(file, F_OK), result);
        (void)snprintf(left, sizeof left, "%s.new", file);
        ck_assert_int_ne(access(left, F_OK), 0);
        (void)snprintf(left, sizeof left, "%s.json", file);
        ck_assert_int_eq(access(left, F_OK), result);
        ck_assert(result == 0 || f.err.code == ERR_OVERLOADED);
        ck_assert(result != 0 || n >= 3); /* asked among pages, after the check, among bytes */
    }
    end_case();
}
END_TEST

void add_store_files(Suite *suite)
{
    TCase *files = tcase_create("files");

    ADD_CASES(suite, "connections", content_outlives_the_connection_on_disk_only,
              close_in_a_group_is_a_rollback, checkpoint_changes_no_content,
              clean_mark_holds_until_a_run_begins, two_stores_do_not_meet,
              sound_database_passes_the_check, each_group_that_writes_is_counted);
    tcase_add_test(files, damage_is_found_by_the_check);
    tcase_add_test(files, newer_database_is_refused);
    tcase_add_test(files, foreign_database_is_refused);
    tcase_add_test(files, file_that_is_no_database_is_refused);
    tcase_add_test(files, missing_directory_is_refused);
    tcase_add_test(files, database_behind_its_mark_is_refused_until_that_is_accepted);
    tcase_add_test(files, mark_is_the_newer_of_two_lines);
    tcase_add_test(files, data_directory_has_one_server);
    tcase_add_test(files, a_group_is_refused_where_another_server_has_written);
    tcase_add_test(files, directory_with_files_of_others_is_refused_and_left_alone);
    tcase_add_test(files, first_start_that_was_cut_short_is_not_foreign);
    tcase_add_test(files, directory_that_others_can_write_is_refused);
    tcase_add_test(files, backup_that_is_given_up_leaves_nothing);
    suite_add_tcase(suite, files);
}
