/* Logs on the server's disk: what is kept, what is repeated, what a kill may leave, what goes when
 * there is too much. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/files/log_file.h"
#include "server/files/logs.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"

#define LIMIT 1000 /* of the small files below: 500 and 500 */

static char directory[DIRECTORY_BYTES];

static void setup(void)
{
    directory_create(directory);
}

static void teardown(void)
{
    directory_remove(directory);
}

#define MUST(step)                                                                                 \
    do {                                                                                           \
        struct err err = {0};                                                                      \
        int rc = (step);                                                                           \
        ck_assert_msg(rc == 0, "%s: %s", #step, err.text);                                         \
    } while (0)

/* ---- one file ---- */

static int open_file(void)
{
    char path[DIRECTORY_BYTES + 8];

    (void)snprintf(path, sizeof path, "%s/log", directory);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_ge(fd, 0);
    return fd;
}

/* What byte stands at an offset of every log here. */
static char byte_at(int64_t offset)
{
    return "abcdefghijklmnopqrstuvwxyz\n"[offset % 50 == 49 ? 26 : offset / 50 % 26];
}

static void append(struct log_file *file, size_t len)
{
    char bytes[4096];

    for (size_t i = 0; i < len; i++) {
        bytes[i] = byte_at(file->size + (int64_t)i);
    }
    MUST(log_file_append(file, bytes, len, &err));
}

static void expect_range(const char *text, int64_t from, int64_t to)
{
    int64_t i = from;

    while (i < to && text[i - from] == byte_at(i)) {
        i++;
    }
    ck_assert_int_eq(i, to > from ? to : from);
}

static void read_all(const struct log_file *file, struct buf *out)
{
    int64_t offset = 0;

    buf_init(out, 1 << 20);
    while (offset < file->size) {
        MUST(log_file_read(file, &offset, 37, out, &err));
    }
}

/* The head, a marker, the tail, or everything. */
static void expect_kept(const struct log_file *file, int64_t head, int64_t tail)
{
    OWN(buf) struct buf out;
    char marker[64] = "";

    read_all(file, &out);
    if (tail > head) {
        (void)snprintf(marker, sizeof marker, "\n… %lld bytes left out …\n",
                       (long long)(tail - head));
    }
    ck_assert_uint_eq(out.len, (size_t)(head + file->size - tail) + strlen(marker));
    expect_range(out.data, 0, head);
    ck_assert_int_eq(memcmp(out.data + head, marker, strlen(marker)), 0);
    expect_range(out.data + head + strlen(marker), tail, file->size);
}

static const size_t pieces[] = {1, 7, 64, 499, 500, 501, 1000, 1001, 3000};
#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

START_TEST(a_long_log_keeps_its_beginning_and_its_end)
{
    struct log_file file;
    OWN(fd) int fd = open_file();

    for (int64_t size = 0; size < 4000; size += (int64_t)pieces[_i]) {
        MUST(log_file_begin(&file, fd, LIMIT, &err)); /* as after every restart */
        ck_assert_int_eq(file.size, size);
        append(&file, pieces[_i]);
        MUST(log_file_open(&file, fd, &err));
        bool is_whole = file.size <= LIMIT;
        expect_kept(&file, is_whole ? file.size : 500, is_whole ? file.size : file.size - 500);
    }
    struct stat status;
    ck_assert_int_eq(fstat(fd, &status), 0);
    ck_assert_int_eq(status.st_size, LOG_HEADER_BYTES + LIMIT);
}
END_TEST

static const struct {
    size_t before;
    int64_t skipped_to;
    size_t after;
    int64_t head, tail;
} skips[] = {
    {0, 100, 10, 0, 100},         {10, 20, 30, 10, 20},     {300, 700, 10, 300, 700},
    {300, 5000, 600, 300, 5100},  {900, 901, 10, 500, 901}, {3000, 4000, 10, 500, 4000},
    {3000, 4000, 800, 500, 4300}, {600, 700, 0, 500, 700},  {10, 5, 5, 15, 15},
};

START_TEST(what_was_never_sent_is_marked)
{
    struct log_file file;
    OWN(fd) int fd = open_file();

    MUST(log_file_begin(&file, fd, LIMIT, &err));
    append(&file, skips[_i].before);
    MUST(log_file_skip(&file, skips[_i].skipped_to, &err));
    append(&file, skips[_i].after);
    MUST(log_file_open(&file, fd, &err));
    expect_kept(&file, skips[_i].head, skips[_i].tail);
}
END_TEST

/* The process dies between any two writes of a piece: what is read then is a part of the log, and
 * never holds a byte in the wrong place. */
START_TEST(a_kill_within_a_piece_leaves_no_foreign_byte)
{
    struct log_file file;
    OWN(fd) int fd = open_file();
    char newer[100];

    MUST(log_file_begin(&file, fd, LIMIT, &err));
    append(&file, 1700);
    struct log_file cut = file;
    cut.written = 1800; /* what the header says before the bytes are there … */
    MUST(log_file_end(&cut, &err));
    memset(newer, '?', sizeof newer); /* … and they are, over the oldest ones */
    ck_assert_int_eq(pwrite(fd, newer, 100, LOG_HEADER_BYTES + 500 + 200), 100);
    MUST(log_file_open(&file, fd, &err));
    ck_assert_int_eq(file.size, 1700);
    expect_kept(&file, 500, 1300);
    append(&file, 100); /* the worker sends them again */
    expect_kept(&file, 500, 1300);
}
END_TEST

START_TEST(a_torn_or_damaged_header_begins_the_log_again)
{
    static const char *const headers[] = {"", "hone-log 1 head_max 000", "garbage\n",
                                          "hone-log 1 head_max 0 ring_max 0 head 0 from 0 size 0 "
                                          "written 0 ring 1 ended 0 "};
    struct log_file file;
    OWN(fd) int fd = open_file();
    struct err no = {0};

    ck_assert_int_ge(write(fd, headers[_i], strlen(headers[_i])), 0);
    ck_assert_int_eq(log_file_open(&file, fd, &no), -1);
    ck_assert_int_eq(no.code, ERR_NOT_FOUND);
    MUST(log_file_begin(&file, fd, LIMIT, &err));
    ck_assert_int_eq(file.size, 0);
    append(&file, 60);
    expect_kept(&file, 60, 60);
}
END_TEST

START_TEST(the_last_lines_are_found_across_the_ring)
{
    struct log_file file;
    OWN(fd) int fd = open_file();
    int64_t offset;

    MUST(log_file_begin(&file, fd, LIMIT, &err));
    for (int i = 0; i < 70; i++) {
        append(&file, 33);
        int64_t whole = file.size - file.size % 50;
        int64_t oldest = file.size <= LIMIT ? 0 : file.size - 500;
        for (int64_t lines = 0; lines < 30; lines++) {
            int64_t wanted = lines == 0           ? file.size
                             : whole == file.size ? whole - 50 * lines
                                                  : whole - 50 * (lines - 1);
            MUST(log_file_last_lines(&file, lines, &offset, &err));
            ck_assert_int_eq(offset, wanted > oldest ? wanted : oldest);
        }
    }
}
END_TEST

/* ---- all of them ---- */

static struct logs *open_logs(int64_t total_limit, int64_t spare_bytes)
{
    const struct logs_settings settings = {.directory = directory,
                                           .log_limit = LIMIT,
                                           .total_limit = total_limit,
                                           .spare_bytes = spare_bytes};
    struct logs *logs = NULL;

    MUST(logs_create(&settings, &logs, &err));
    return logs;
}

static int64_t put(struct logs *logs, const struct log_name *name, int64_t offset, const char *text)
{
    const struct log_piece piece = {.offset = offset, .bytes = text, .len = strlen(text)};
    int64_t next = -1;

    MUST(logs_append(logs, name, &piece, &next, &err));
    return next;
}

static bool has(struct logs *logs, const struct log_name *name, const char *text)
{
    struct log_read read = {.most = 4096};
    OWN(buf) struct buf out;

    buf_init(&out, 1 << 16);
    MUST(logs_read(logs, name, &read, &out, &err));
    return text == NULL ? !read.exists : read.exists && strcmp(buf_text(&out), text) == 0;
}

START_TEST(a_repeated_piece_is_harmless_and_a_gap_is_not_taken)
{
    const struct log_name name = {1, 2, 3};
    OWN(logs) struct logs *logs = open_logs(1 << 20, 0);

    ck_assert(has(logs, &name, NULL));
    ck_assert_int_eq(put(logs, &name, 0, "one "), 4);
    ck_assert_int_eq(put(logs, &name, 0, "one "), 4);
    ck_assert_int_eq(put(logs, &name, 2, "e two"), 7);
    ck_assert_int_eq(put(logs, &name, 9, "four"), 7);
    ck_assert_int_eq(put(logs, &name, 0, ""), 7);
    ck_assert(has(logs, &name, "one two"));
    ck_assert(has(logs, &(struct log_name){1, 2, 4}, NULL));
    ck_assert(has(logs, &(struct log_name){1, 3, 3}, NULL));
    struct logs_stats stats;
    logs_stats(logs, &stats);
    ck_assert_int_eq(stats.received_bytes, 7);
    ck_assert_int_eq(stats.bytes, LOG_HEADER_BYTES + 7);
}
END_TEST

START_TEST(with_little_room_left_on_the_disk_nothing_is_taken)
{
    const struct log_name name = {1, 1, 1};
    const struct log_piece piece = {.bytes = "x", .len = 1};
    OWN(logs) struct logs *logs = open_logs(1 << 20, INT64_MAX);
    struct logs_stats stats;
    struct err no = {0};
    int64_t next;

    ck_assert_int_eq(logs_append(logs, &name, &piece, &next, &no), -1);
    ck_assert_int_eq(no.code, ERR_STORAGE_FULL);
    logs_stats(logs, &stats);
    ck_assert_int_eq(stats.refused, 1);
    ck_assert_int_eq(stats.received_bytes, 0);
}
END_TEST

static bool study_lives(void *context, int64_t study)
{
    (void)context;
    return study != 9;
}

static bool attempt_lives(void *context, const struct log_name *name)
{
    (void)context;
    return name->trial == 2;
}

static bool attempt_is_known(void *context, const struct log_name *name)
{
    (void)context;
    return name->trial != 7;
}

static const struct logs_world world = {NULL, study_lives, attempt_lives, attempt_is_known};

static void set_age(const struct log_name *name, int64_t seconds)
{
    char path[DIRECTORY_BYTES + 64];
    struct timespec times[2] = {{.tv_sec = 1000000000 - seconds}, {.tv_sec = 1000000000 - seconds}};

    (void)snprintf(path, sizeof path, "%s/logs/%lld/%lld-%lld.log", directory,
                   (long long)name->study, (long long)name->trial, (long long)name->attempt);
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

START_TEST(the_oldest_logs_of_ended_attempts_make_room)
{
    OWN(logs) struct logs *logs = open_logs((int64_t)(LOG_HEADER_BYTES + 4) * 10, 0);
    struct logs_stats stats;

    ck_assert(!logs_want_sweep(logs));
    for (int64_t i = 1; i <= 20; i++) {
        struct log_name name = {1, i, 1};
        (void)put(logs, &name, 0, "text");
        set_age(&name, 100 - i); /* 1 is the oldest; 2 still runs */
    }
    ck_assert(logs_want_sweep(logs));
    ck_assert(!logs_want_sweep(logs)); /* one sweep is under way */
    MUST(logs_sweep(logs, &world, &err));
    for (int64_t i = 1; i <= 20; i++) {
        bool is_kept = i == 2 || i > 12;
        ck_assert_msg(has(logs, &(struct log_name){1, i, 1}, is_kept ? "text" : NULL), "log %d",
                      (int)i);
    }
    logs_stats(logs, &stats);
    ck_assert_int_eq(stats.bytes, (LOG_HEADER_BYTES + 4) * 9);
    ck_assert_int_eq(stats.removed, 11);
    ck_assert(!logs_want_sweep(logs));
}
END_TEST

START_TEST(a_new_start_counts_what_is_there_and_removes_what_no_study_needs)
{
    const struct log_name kept = {1, 1, 1};
    const struct log_name gone = {9, 1, 1};
    struct logs_stats stats;

    {
        OWN(logs) struct logs *logs = open_logs(1 << 20, 0);
        (void)put(logs, &kept, 0, "kept");
        (void)put(logs, &gone, 0, "gone");
    }
    OWN(logs) struct logs *logs = open_logs(1 << 20, 0);
    (void)put(logs, &kept, 4, " on");
    MUST(logs_sweep(logs, &world, &err));
    logs_stats(logs, &stats);
    ck_assert_int_eq(stats.bytes, LOG_HEADER_BYTES + 7);
    ck_assert(has(logs, &kept, "kept on"));
    ck_assert(has(logs, &gone, NULL));
}
END_TEST

START_TEST(an_epoch_removes_once_the_logs_of_unknown_attempts)
{
    const struct log_name kept = {1, 1, 1};
    const struct log_name unknown = {1, 7, 1};
    OWN(logs) struct logs *logs = open_logs(1 << 20, 0);

    (void)put(logs, &kept, 0, "kept");
    (void)put(logs, &unknown, 0, "of before");
    MUST(logs_begin_epoch(logs, 1, &world, &err)); /* the first one: nothing was given up */
    ck_assert(has(logs, &unknown, "of before"));
    MUST(logs_begin_epoch(logs, 2, &world, &err));
    ck_assert(has(logs, &kept, "kept"));
    ck_assert(has(logs, &unknown, NULL));
    (void)put(logs, &unknown, 0, "new");
    MUST(logs_begin_epoch(logs, 2, &world, &err));
    ck_assert(has(logs, &unknown, "new"));
    MUST(logs_begin_epoch(logs, 3, &world, &err));
    ck_assert(has(logs, &unknown, NULL));
}
END_TEST

static void count_wake(void *context)
{
    ++*(int *)context;
}

START_TEST(who_waits_for_a_log_is_woken_by_its_pieces_alone)
{
    int n_wakes = 0;
    OWN(logs) struct logs *logs = open_logs(1 << 20, 0);
    struct log_watch watch = {.name = {1, 1, 1}, .wake = count_wake, .context = &n_wakes};

    logs_watch(logs, &watch);
    (void)put(logs, &(struct log_name){1, 1, 2}, 0, "x");
    ck_assert(!atomic_load(&watch.changed));
    (void)put(logs, &watch.name, 0, "x");
    ck_assert(atomic_load(&watch.changed));
    ck_assert_int_eq(n_wakes, 1);
    logs_unwatch(logs, &watch);
    logs_unwatch(logs, &watch);
    (void)put(logs, &watch.name, 1, "y");
    ck_assert_int_eq(n_wakes, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("logs");
    TCase *tcase = tcase_create("logs");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, a_long_log_keeps_its_beginning_and_its_end, 0, COUNT(pieces));
    tcase_add_loop_test(tcase, what_was_never_sent_is_marked, 0, COUNT(skips));
    tcase_add_test(tcase, a_kill_within_a_piece_leaves_no_foreign_byte);
    tcase_add_loop_test(tcase, a_torn_or_damaged_header_begins_the_log_again, 0, 4);
    tcase_add_test(tcase, the_last_lines_are_found_across_the_ring);
    tcase_add_test(tcase, a_repeated_piece_is_harmless_and_a_gap_is_not_taken);
    tcase_add_test(tcase, with_little_room_left_on_the_disk_nothing_is_taken);
    tcase_add_test(tcase, the_oldest_logs_of_ended_attempts_make_room);
    tcase_add_test(tcase, a_new_start_counts_what_is_there_and_removes_what_no_study_needs);
    tcase_add_test(tcase, an_epoch_removes_once_the_logs_of_unknown_attempts);
    tcase_add_test(tcase, who_waits_for_a_log_is_woken_by_its_pieces_alone);
    suite_add_tcase(suite, tcase);
    return run_suite_in_process(suite);
}
