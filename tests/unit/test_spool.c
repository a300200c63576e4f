#include "worker/agent/spool.h"

#include <check.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crc32c.h"
#include "common/log.h"
#include "tests/support/directory.h"
#include "tests/support/run_suite.h"
#include "worker/agent/attempt_log.h"

#define N_RECORDS 4

static char folder[DIRECTORY_BYTES];
static char path[512];
static struct spool spool;

static void open_folder(void)
{
    struct err err = {0};

    directory_create(folder);
    (void)snprintf(path, sizeof path, "%s/slot-0.spool", folder);
    spool_init(&spool);
    ck_assert_int_eq(spool_begin(&spool, path, &err), 0);
}

static void close_folder(void)
{
    spool_finish(&spool);
    directory_remove(folder);
}

static void measure(uint64_t number)
{
    struct metric_value metrics[] = {{"loss", 1.0 / (double)number}, {"val/acc", (double)number}};

    ck_assert(attempt_log_measured(&spool, number, (int64_t)number * 10, metrics, 2));
}

/* The numbers of the reports that can be read; each must be what was written. */
static uint64_t count_reports(struct spool *from)
{
    OWN(spool_record) struct spool_record record;
    OWN(attempt_report) struct attempt_report report = {0};
    int64_t at = SPOOL_HEAD_BYTES;
    uint64_t n = 0;

    spool_record_init(&record);
    while (spool_next(from, &at, &record)) {
        ck_assert(attempt_report_read(&record, &report));
        ck_assert_uint_eq(report.number, ++n);
        ck_assert_int_eq(report.step, (int64_t)n * 10);
        ck_assert_uint_eq(report.n, 2);
        ck_assert_str_eq(report.metrics[0].metric, "loss");
        ck_assert_str_eq(report.metrics[1].metric, "val/acc");
        ck_assert(report.metrics[0].value == 1.0 / (double)n);
        ck_assert(report.metrics[1].value == (double)n);
    }
    return n;
}

static size_t load(unsigned char bytes[4096])
{
    FILE *file = fopen(path, "rb");

    ck_assert_ptr_nonnull(file);
    size_t len = fread(bytes, 1, 4096, file);
    (void)fclose(file);
    return len;
}

/* Not emptied first: some file systems then write it to the disk when it is closed. */
static void store(const unsigned char *bytes, size_t len)
{
    OWN(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, len, 0), (ssize_t)len);
    ck_assert_int_eq(ftruncate(fd, (off_t)len), 0);
}

static uint64_t reports_in_file(void)
{
    OWN(spool) struct spool again;
    struct err err = {0};

    spool_init(&again);
    ck_assert_int_eq(spool_continue(&again, path, &err), 0);
    return count_reports(&again);
}

/* ---- the checksum ---- */

START_TEST(checksums_are_those_of_the_standard)
{
    unsigned char bytes[32] = {0};

    ck_assert_uint_eq(crc32c(0, "123456789", 9), 0xe3069283U);
    ck_assert_uint_eq(crc32c(0, bytes, sizeof bytes), 0x8a9136aaU); /* RFC 3720, B.4 */
    memset(bytes, 0xff, sizeof bytes);
    ck_assert_uint_eq(crc32c(0, bytes, sizeof bytes), 0x62a8ab43U);
    ck_assert_uint_eq(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283U);
}
END_TEST

/* ---- reading what was written ---- */

START_TEST(records_are_read_before_they_are_written_and_after)
{
    for (uint64_t i = 1; i <= 3; i++) {
        measure(i);
    }
    ck_assert_uint_eq(count_reports(&spool), 3);
    spool_flush(&spool, 0);
    for (uint64_t i = 4; i <= N_RECORDS; i++) {
        measure(i);
    }
    ck_assert_uint_eq(count_reports(&spool), N_RECORDS);
    ck_assert_uint_eq(reports_in_file(), 3);
    spool_sync(&spool, 0);
    ck_assert_uint_eq(reports_in_file(), N_RECORDS);
}
END_TEST

START_TEST(a_file_cut_anywhere_gives_what_stands_before)
{
    unsigned char bytes[4096];

    for (uint64_t i = 1; i <= N_RECORDS; i++) {
        measure(i);
    }
    spool_sync(&spool, 0);
    size_t len = load(bytes);
    size_t each = (len - SPOOL_HEAD_BYTES) / N_RECORDS;
    for (size_t cut = 0; cut < len; cut++) {
        store(bytes, cut);
        uint64_t whole = cut < SPOOL_HEAD_BYTES ? 0 : (cut - SPOOL_HEAD_BYTES) / each;
        ck_assert_uint_eq(reports_in_file(), whole);
        ck_assert_uint_eq(reports_in_file(), whole); /* and it was cut there */
    }
}
END_TEST

START_TEST(no_flipped_bit_is_believed)
{
    unsigned char bytes[4096];

    for (uint64_t i = 1; i <= N_RECORDS; i++) {
        measure(i);
    }
    spool_sync(&spool, 0);
    size_t len = load(bytes);
    size_t each = (len - SPOOL_HEAD_BYTES) / N_RECORDS;
    for (size_t bit = 0; bit < len * 8; bit++) {
        size_t at = bit / 8;
        bytes[at] ^= (unsigned char)(1U << (bit % 8));
        store(bytes, len);
        ck_assert_uint_eq(reports_in_file(),
                          at < SPOOL_HEAD_BYTES ? 0 : (at - SPOOL_HEAD_BYTES) / each);
        bytes[at] ^= (unsigned char)(1U << (bit % 8));
    }
}
END_TEST

START_TEST(a_record_of_an_earlier_file_is_not_believed)
{
    unsigned char old[4096];
    unsigned char bytes[4096];
    struct err err = {0};

    for (uint64_t i = 1; i <= N_RECORDS; i++) {
        measure(i);
    }
    spool_sync(&spool, 0);
    size_t len = load(old);
    ck_assert_int_eq(spool_begin(&spool, path, &err), 0);
    measure(1);
    spool_sync(&spool, 0);
    size_t now = load(bytes);
    memcpy(old, bytes, now); /* the blocks behind it are those of before */
    store(old, len);
    ck_assert_uint_eq(reports_in_file(), 1);
}
END_TEST

START_TEST(appending_goes_on_behind_a_torn_record)
{
    unsigned char bytes[4096];
    struct err err = {0};

    measure(1);
    measure(2);
    spool_sync(&spool, 0);
    size_t len = load(bytes);
    store(bytes, len - 5);
    ck_assert_int_eq(spool_continue(&spool, path, &err), 0);
    measure(2);
    measure(3);
    spool_sync(&spool, 0);
    ck_assert_uint_eq(reports_in_file(), 3);
}
END_TEST

/* ---- a disk that takes nothing ---- */

START_TEST(what_a_full_disk_does_not_take_waits_in_memory)
{
    int full = open("/dev/full", O_RDWR | O_CLOEXEC);

    ck_assert_int_ge(full, 0);
    measure(1);
    spool_sync(&spool, 0);
    int file = dup(spool.fd);
    ck_assert_int_eq(dup2(full, spool.fd), spool.fd);
    measure(2);
    spool_flush(&spool, 100);
    ck_assert(spool.failing);
    ck_assert_str_eq(spool.why, "No space left on device");
    ck_assert_int_eq(dup2(file, spool.fd), spool.fd);
    measure(3);
    ck_assert_uint_eq(count_reports(&spool), 3);
    spool_flush(&spool, 100); /* too early to try again */
    ck_assert_uint_eq(reports_in_file(), 1);
    spool_flush(&spool, 1100);
    ck_assert(!spool.failing);
    ck_assert_uint_eq(reports_in_file(), 3);
    (void)close(file);
    (void)close(full);
}
END_TEST

START_TEST(what_waits_in_memory_is_bounded)
{
    OWN(spool) struct spool memory;
    static char content[1 << 20];
    size_t n = 0;

    spool_init(&memory);
    while (spool_append(&memory, SPOOL_MEASURED, content, sizeof content)) {
        n++;
    }
    ck_assert_uint_eq(n, SPOOL_WAITING_MAX / (sizeof content + SPOOL_RECORD_HEAD_BYTES));
    ck_assert(spool_append(&memory, SPOOL_EXIT, "{}", 2)); /* there is room for less */
}
END_TEST

/* ---- what it says of an attempt ---- */

static void write_attempt(void)
{
    char name[] = "/w/1/attempt-1";
    char boot[] = "b";
    char gpu[] = "0";
    char lines[] = "line one\nline \"two\"\n";
    char notes[] = "a note\n";
    char nothing[] = "";
    struct lease_grant grant = {.id = "l_7",
                                .study = "digits",
                                .trial = 7,
                                .attempt = 2,
                                .heartbeat_seconds = 20,
                                .has_resource = true,
                                .resource_name = "epochs",
                                .from = 3,
                                .to = 9};
    struct attempt_run run = {
        .from = 3, .to = 9, .folder = name, .boot = boot, .gpu = gpu, .at_ms = 5, .run_at_ms = 6};
    struct attempt_exit ended = {.why = JOB_TIMED_OUT,
                                 .wait_status = 9,
                                 .killed_by_us = true,
                                 .peak_kib = 1234,
                                 .ran_ms = 77,
                                 .is_started = true,
                                 .oom_line = nothing,
                                 .last_lines = lines,
                                 .notes = notes};

    ck_assert(attempt_log_grant(&spool, "http://s:1", "host", &grant));
    ck_assert(attempt_log_run(&spool, &run));
    measure(1);
    measure(2);
    ck_assert(attempt_log_answered(&spool, 1));
    ck_assert(spool_append(&spool, (enum spool_kind)99, "of a later version", 18));
    ck_assert(attempt_log_exit(&spool, &ended));
}

START_TEST(an_attempt_is_read_as_it_was_written)
{
    OWN(attempt_log) struct attempt_log log = {0};

    write_attempt();
    ck_assert(attempt_log_read(&spool, &log));
    ck_assert(log.has_grant && log.has_run && log.has_exit);
    ck_assert(!log.has_result && !log.releases && !log.closed);
    ck_assert_str_eq(log.grant.server, "http://s:1");
    ck_assert_str_eq(log.grant.host, "host");
    ck_assert_str_eq(log.grant.lease.id, "l_7");
    ck_assert_int_eq(log.grant.lease.to, 9);
    ck_assert_str_eq(log.run.folder, "/w/1/attempt-1");
    ck_assert_str_eq(log.run.gpu, "0");
    ck_assert_int_eq(log.run.from, 3);
    ck_assert_int_eq(log.run.at_ms, 5);
    ck_assert_uint_eq(log.measured, 2);
    ck_assert_uint_eq(log.answered, 1);
    ck_assert(log.has_step);
    ck_assert_int_eq(log.furthest_step, 20);
    ck_assert_int_eq(log.exit.why, JOB_TIMED_OUT);
    ck_assert_int_eq(log.exit.wait_status, 9);
    ck_assert(log.exit.killed_by_us && !log.exit.oom_seen);
    ck_assert_int_eq(log.exit.peak_kib, 1234);
    ck_assert_int_eq(log.exit.ran_ms, 77);
    ck_assert_str_eq(log.exit.last_lines, "line one\nline \"two\"\n");
    ck_assert_str_eq(log.exit.notes, "a note\n");
}
END_TEST

START_TEST(a_result_is_read_as_it_was_sent)
{
    OWN(attempt_log) struct attempt_log log = {0};
    OWN(buf) struct buf sent;
    OWN(buf) struct buf again;
    struct json_writer w;
    char detail[] = "it ended\n\xc3\xa9";
    struct result_report report = {.outcome = OUTCOME_FAILED,
                                   .has_step = true,
                                   .step = 12,
                                   .reason = "exit_code",
                                   .detail = detail,
                                   .has_usage = true,
                                   .wall_seconds = 0.1 + 0.2,
                                   .gpu_seconds = (double)NAN,
                                   .peak_memory_mib = 1.0 / 3,
                                   .energy_joules = (double)NAN,
                                   .checkpoint = {.present = true,
                                                  .uri = "/w/checkpoint",
                                                  .step = 12,
                                                  .reach = REACH_HOST,
                                                  .host = "here"}};

    write_attempt();
    ck_assert(attempt_log_result(&spool, &report));
    ck_assert(attempt_log_read(&spool, &log));
    ck_assert(log.has_result);
    buf_init(&sent, 4096);
    buf_init(&again, 4096);
    json_writer_init(&w, &sent);
    result_report_write(&report, &w);
    json_writer_init(&w, &again);
    result_report_write(&log.result, &w);
    ck_assert_str_eq(buf_text(&again), buf_text(&sent));
}
END_TEST

START_TEST(a_job_started_again_has_no_end_and_no_step_yet)
{
    OWN(attempt_log) struct attempt_log log = {0};
    char text[] = "";
    struct attempt_run run = {.from = 9, .to = 27, .folder = text, .boot = text, .gpu = text};

    write_attempt();
    ck_assert(attempt_log_run(&spool, &run));
    ck_assert(attempt_log_read(&spool, &log));
    ck_assert(log.has_run && !log.has_exit && !log.has_step);
    ck_assert_int_eq(log.furthest_step, 9);
    ck_assert_int_eq(log.run.to, 27);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spool");
    TCase *tcase = tcase_create("spool");

    log_start("test", LOG_LEVEL_ERROR); /* thousands of damaged files */
    tcase_add_checked_fixture(tcase, open_folder, close_folder);
    tcase_add_test(tcase, checksums_are_those_of_the_standard);
    tcase_add_test(tcase, records_are_read_before_they_are_written_and_after);
    tcase_add_test(tcase, a_file_cut_anywhere_gives_what_stands_before);
    tcase_add_test(tcase, no_flipped_bit_is_believed);
    tcase_add_test(tcase, a_record_of_an_earlier_file_is_not_believed);
    tcase_add_test(tcase, appending_goes_on_behind_a_torn_record);
    tcase_add_test(tcase, what_a_full_disk_does_not_take_waits_in_memory);
    tcase_add_test(tcase, what_waits_in_memory_is_bounded);
    tcase_add_test(tcase, an_attempt_is_read_as_it_was_written);
    tcase_add_test(tcase, a_result_is_read_as_it_was_sent);
    tcase_add_test(tcase, a_job_started_again_has_no_end_and_no_step_yet);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
