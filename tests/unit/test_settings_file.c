#include "common/settings_file.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buf.h"
#include "tests/support/run_suite.h"

static int note(void *context, const char *name, const char *value, struct err *err)
{
    struct buf *seen = context;

    if (strcmp(name, "bad") == 0) {
        return err_set(err, ERR_INVALID, "this is bad");
    }
    buf_printf(seen, "%.20s=%.20s(%zu);", name, value == NULL ? "-" : value,
               value == NULL ? 0 : strlen(value));
    return 0;
}

/* Reads a file of this content. */
static int read_text(const char *text, size_t len, struct buf *seen, struct err *err)
{
    char path[] = "/tmp/test_settings_XXXXXX";
    int fd = mkstemp(path);

    buf_init(seen, 1 << 20);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, len), (ssize_t)len);
    (void)close(fd);
    int rc = settings_file_read(path, note, seen, err);
    (void)unlink(path);
    return rc;
}

static const struct {
    const char *text, *seen;
} good[] = {
    {"", ""},
    {"# a = b\n\n  #\n", ""},
    {" a = b c \r\na=\nd", "a=b c(3);a=(0);d=-(0);"},
    {"a = b = c\n= d\n", "a=b = c(5);=d(1);"},
    {"a=#b\n", "a=#b(2);"},
    {"\xef\xbb\xbf"
     "a = b\n",
     "a=b(1);"}, /* as editors on Windows begin a file */
    {"\xef\xbb\xbf", ""},
};

START_TEST(a_line_is_a_name_and_a_value)
{
    struct err err = {0};
    OWN(buf) struct buf seen;

    ck_assert_int_eq(read_text(good[_i].text, strlen(good[_i].text), &seen, &err), 0);
    ck_assert_str_eq(buf_text(&seen), good[_i].seen);
}
END_TEST

START_TEST(a_line_may_be_of_any_length)
{
    struct err err = {0};
    OWN(buf) struct buf seen;
    OWN(buf) struct buf text;

    buf_init(&text, 1 << 20);
    buf_puts(&text, "#");
    for (int i = 0; i < 5000; i++) {
        buf_puts(&text, " open = yes");
    }
    buf_puts(&text, "\na = ");
    for (int i = 0; i < 70000; i++) {
        buf_putc(&text, 'x');
    }
    ck_assert_int_eq(read_text(text.data, text.len, &seen, &err), 0);
    ck_assert_str_eq(buf_text(&seen), "a=xxxxxxxxxxxxxxxxxxxx(70000);");
}
END_TEST

START_TEST(what_is_wrong_is_said_with_its_line)
{
    struct err err = {0};
    OWN(buf) struct buf seen;

    ck_assert_int_eq(read_text("a\nbad = 1\nc\n", 12, &seen, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
    ck_assert_ptr_nonnull(strstr(err.text, ":2: this is bad"));
    ck_assert_str_eq(buf_text(&seen), "a=-(0);");
    buf_finish(&seen);
    ck_assert_int_eq(read_text("a = b\0c\n", 8, &seen, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, ":1: there is a zero byte in this line"));
    ck_assert_int_eq(settings_file_read("/tmp", note, &seen, &err), -1);
    ck_assert_int_eq(err.code, ERR_IO);
    ck_assert_str_eq(err.text, "/tmp cannot be read: Is a directory");
    ck_assert_int_eq(settings_file_read("/nowhere/x", note, &seen, &err), -1);
    ck_assert_int_eq(err.code, ERR_IO);
}
END_TEST

static const struct {
    const char *value;
    int holds; /* -1: neither */
} flags[] = {{"true", 1}, {"yes", 1}, {"1", 1},     {"false", 0}, {"no", 0},   {"0", 0},
             {"", 0},     {"on", -1}, {"ture", -1}, {"2", -1},    {"True", -1}};

START_TEST(a_flag_is_true_or_false_and_nothing_else)
{
    struct err err = {0};
    bool holds = flags[_i].holds == 0;

    int rc = setting_truth("open", flags[_i].value, &holds, &err);
    ck_assert_int_eq(rc, flags[_i].holds < 0 ? -1 : 0);
    ck_assert(rc != 0 || holds == (flags[_i].holds == 1));
    ck_assert(rc == 0 || strncmp(err.text, "'open' is true or false", 23) == 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings_file");
    TCase *tcase = tcase_create("lines");

    tcase_add_loop_test(tcase, a_line_is_a_name_and_a_value, 0, sizeof good / sizeof good[0]);
    tcase_add_test(tcase, a_line_may_be_of_any_length);
    tcase_add_test(tcase, what_is_wrong_is_said_with_its_line);
    tcase_add_loop_test(tcase, a_flag_is_true_or_false_and_nothing_else, 0,
                        sizeof flags / sizeof flags[0]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
