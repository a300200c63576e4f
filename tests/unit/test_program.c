#include "common/program.h"

#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_suite.h"

static const struct {
    const char *script, *printed, *error; /* error NULL: none */
} programs[] = {
    {"echo 1:00", "1:00\n", NULL},
    {"echo x >&2; cat", "", NULL},
    {"yes | head -c 200000", "y\ny\ny\ny\ny\n", NULL}, /* more than a pipe holds */
    {"exit 3", "", "sh failed with status 3"},
    {"kill -9 $$", "", "sh failed with signal 9"},
    {"trap '' TERM; sleep 60 & sleep 60", "", "sh did not end within 0 s"},
    {"exec >/dev/null; sleep 60", "", "sh did not end within 0 s"}, /* its output is closed */
};

START_TEST(a_program_is_asked_for_a_limited_time)
{
    const char *const argv[] = {"sh", "-c", programs[_i].script, NULL};
    bool hangs = programs[_i].error != NULL && strstr(programs[_i].error, "within") != NULL;
    struct program_call call = {.argv = argv, .limit_ms = hangs ? 100 : 60000};
    OWN(buf) struct buf out;
    struct err err = {0};

    buf_init(&out, 10);
    int rc = program_run(&call, clock_system(), &out, &err);
    ck_assert_int_eq(rc, programs[_i].error == NULL ? 0 : -1);
    ck_assert_str_eq(err.text, programs[_i].error == NULL ? "" : programs[_i].error);
    ck_assert_int_eq(strncmp(buf_text(&out), programs[_i].printed, 10), 0);
}
END_TEST

START_TEST(a_program_that_is_not_there_is_said_so)
{
    const char *const argv[] = {"no-such-program-here", NULL};
    struct program_call call = {.argv = argv, .limit_ms = 60000};
    OWN(buf) struct buf out;
    struct err err = {0};

    buf_init(&out, 10);
    ck_assert_int_eq(program_run(&call, clock_system(), &out, &err), -1);
    ck_assert_int_eq(err.code, ERR_NOT_FOUND);
    ck_assert_str_eq(err.text, "no-such-program-here cannot be started: No such file or directory");
}
END_TEST

/* More than pipes hold, in both directions and at once. */
START_TEST(a_program_reads_its_input_and_complains)
{
    const char *const argv[] = {"sh", "-c", "tee /dev/stderr; exit 1", NULL};
    enum { BYTES = 300000 };
    OWN(memory) char *input = malloc(BYTES + 1);
    OWN(buf) struct buf out;
    OWN(buf) struct buf errors;
    struct program_call call = {.argv = argv, .input = input, .limit_ms = 60000, .errors = &errors};
    struct err err = {0};

    ck_assert_ptr_nonnull(input);
    memset(input, 'x', BYTES);
    input[BYTES] = '\0';
    buf_init(&out, BYTES + 1);
    buf_init(&errors, BYTES + 1);
    ck_assert_int_eq(program_run(&call, clock_system(), &out, &err), -1);
    ck_assert_str_eq(err.text, "sh failed with status 1");
    ck_assert_int_eq(strcmp(buf_text(&out), input), 0);
    ck_assert_int_eq(strcmp(buf_text(&errors), input), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("program");
    TCase *tcase = tcase_create("program");

    tcase_add_loop_test(tcase, a_program_is_asked_for_a_limited_time, 0,
                        (int)(sizeof programs / sizeof programs[0]));
    tcase_add_test(tcase, a_program_that_is_not_there_is_said_so);
    tcase_add_test(tcase, a_program_reads_its_input_and_complains);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
