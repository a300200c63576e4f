/* The file that says how much is on disk: which of its lines counts, and calls that fail. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/store/hwm.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"

#define LINE_BYTES 512

static char directory[DIRECTORY_BYTES];

static const char *path_of(const char *file)
{
    static char path[DIRECTORY_BYTES + 16];

    (void)snprintf(path, sizeof path, "%s/%s", directory, file);
    return path;
}

static struct hwm mark_of(int64_t epoch, int64_t commit)
{
    struct hwm mark = {.epoch = epoch, .commit = commit};

    memset(mark.identity, 'a', 32);
    return mark;
}

static void keep(const struct hwm *first, const struct hwm *second)
{
    struct hwm_file file = {.fd = -1};
    struct err err = {0};

    ck_assert_msg(hwm_open(directory, first, &file, &err) == 0, "%s", err.text);
    file.next = 1;
    ck_assert_msg(hwm_write(&file, second, &err) == 0, "%s", err.text);
    hwm_close(&file);
}

static void damage(int line)
{
    int fd = open(path_of("hwm"), O_WRONLY);

    ck_assert_int_eq((int)pwrite(fd, "X", 1, line * LINE_BYTES + 40), 1);
    (void)close(fd);
}

static void expect(int64_t epoch, int64_t commit)
{
    struct hwm mark;
    struct err err = {0};
    bool found;

    ck_assert_msg(hwm_read(directory, &mark, &found, &err) == 0, "%s", err.text);
    ck_assert(found);
    ck_assert_int_eq(mark.epoch, epoch);
    ck_assert_int_eq(mark.commit, commit);
}

static const struct {
    int64_t epochs[2], commits[2];
    int damaged; /* -1: none */
    int counts;
} pairs[] = {
    {{1, 1}, {10, 11}, -1, 1}, {{1, 1}, {11, 10}, -1, 0}, {{1, 1}, {10, 10}, -1, 0},
    {{1, 2}, {10, 3}, -1, 1}, /* after a restore */
    {{2, 1}, {3, 10}, -1, 0},  {{1, 1}, {10, 11}, 1, 0},  {{1, 1}, {11, 10}, 0, 1},
};

START_TEST(the_newer_whole_line_counts)
{
    const struct hwm first = mark_of(pairs[_i].epochs[0], pairs[_i].commits[0]);
    const struct hwm second = mark_of(pairs[_i].epochs[1], pairs[_i].commits[1]);

    keep(&first, &second);
    if (pairs[_i].damaged >= 0) {
        damage(pairs[_i].damaged);
    }
    expect(pairs[_i].epochs[pairs[_i].counts], pairs[_i].commits[pairs[_i].counts]);
}
END_TEST

static void expect_failure(int result, const struct err *err, enum err_code code)
{
    ck_assert_int_eq(result, -1);
    ck_assert_msg(err->code == code, "%s", err->text);
    ck_assert_ptr_nonnull(strstr(err->text, "hwm"));
}

START_TEST(a_file_that_cannot_be_read_is_said)
{
    struct hwm mark;
    struct err err = {0};
    bool found;

    ck_assert_int_eq(mkdir(path_of("hwm"), 0700), 0);
    expect_failure(hwm_read(directory, &mark, &found, &err), &err, ERR_IO);
}
END_TEST

static void place_is_taken(void)
{
    ck_assert_int_eq(mkdir(path_of("hwm.new"), 0700), 0);
}

static void no_second_descriptor(void)
{
    int lowest = dup(0);
    struct rlimit limit = {(rlim_t)lowest + 1, (rlim_t)lowest + 1};

    (void)close(lowest);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static void no_byte_more(void)
{
    struct rlimit limit = {0, 0};

    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void only_half(void)
{
    struct rlimit limit = {600, 600};

    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void name_is_taken(void)
{
    ck_assert_int_eq(unlink(path_of("hwm")), 0);
    ck_assert_int_eq(mkdir(path_of("hwm"), 0700), 0);
}

/* Which sync from now on fails; the linker puts this before the real one. */
static int failing_sync;

int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_fsync(int fd)
{
    if (failing_sync > 0 && --failing_sync == 0) {
        errno = EIO;
        return -1;
    }
    return __real_fsync(fd);
}

static void file_is_not_synced(void)
{
    failing_sync = 1;
}

static void name_is_not_synced(void)
{
    failing_sync = 2;
}

static const struct {
    void (*hinder)(void);
    enum err_code code;
    bool stays; /* what was there before */
} hindrances[] = {
    {place_is_taken, ERR_IO, true},         {no_second_descriptor, ERR_OVERLOADED, true},
    {no_byte_more, ERR_STORAGE_FULL, true}, {only_half, ERR_STORAGE_FULL, true},
    {file_is_not_synced, ERR_IO, true},     {name_is_not_synced, ERR_IO, false},
    {name_is_taken, ERR_IO, false},
};

/* Each case in a process of its own: the test framework forks. */
START_TEST(a_new_file_that_fails_leaves_the_old_one)
{
    const struct hwm old = mark_of(1, 10);
    const struct hwm newer = mark_of(1, 20);
    struct hwm_file file = {.fd = -1};
    struct err err = {0};

    keep(&old, &old);
    hindrances[_i].hinder();
    expect_failure(hwm_open(directory, &newer, &file, &err), &err, hindrances[_i].code);
    ck_assert_int_eq(file.fd, -1);
    if (hindrances[_i].stays) {
        expect(1, 10);
    }
}
END_TEST

static const struct {
    const char *device; /* NULL: no file is open */
    enum err_code code;
} devices[] = {{"/dev/full", ERR_STORAGE_FULL}, {"/dev/null", ERR_IO}, {NULL, ERR_IO}};

/* /dev/full takes nothing, /dev/null takes all and syncs nothing. */
START_TEST(a_line_that_is_not_on_disk_is_said_and_written_again)
{
    const struct hwm mark = mark_of(1, 10);
    struct err err = {0};
    struct hwm_file file = {
        .fd = devices[_i].device == NULL ? -1 : open(devices[_i].device, O_WRONLY), .next = 1};

    expect_failure(hwm_write(&file, &mark, &err), &err, devices[_i].code);
    ck_assert_int_eq(file.next, 1); /* the other line, which is whole, is not touched */
    hwm_close(&file);
}
END_TEST

START_TEST(a_file_that_was_removed_is_said)
{
    const struct hwm mark = mark_of(1, 10);
    struct hwm_file file = {.fd = -1};
    struct err err = {0};

    ck_assert_int_eq(hwm_open(directory, &mark, &file, &err), 0);
    ck_assert_int_eq(unlink(path_of("hwm")), 0);
    expect_failure(hwm_write(&file, &mark, &err), &err, ERR_IO);
    ck_assert_ptr_nonnull(strstr(err.text, "removed"));
    hwm_close(&file);
}
END_TEST

static void set_up(void)
{
    directory_create(directory);
}

static void tear_down(void)
{
    directory_remove(directory);
}

#define COUNT(table) (int)(sizeof(table) / sizeof(table)[0])

int main(void)
{
    Suite *suite = suite_create("hwm");
    TCase *tcase = tcase_create("file");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_loop_test(tcase, the_newer_whole_line_counts, 0, COUNT(pairs));
    tcase_add_test(tcase, a_file_that_cannot_be_read_is_said);
    tcase_add_loop_test(tcase, a_new_file_that_fails_leaves_the_old_one, 0, COUNT(hindrances));
    tcase_add_loop_test(tcase, a_line_that_is_not_on_disk_is_said_and_written_again, 0,
                        COUNT(devices));
    tcase_add_test(tcase, a_file_that_was_removed_is_said);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
