/* What a program printed, made fit for a terminal; sizes as people write them. */
#include <check.h>
#include <string.h>

#include "common/screen_text.h"
#include "common/size.h"
#include "tests/support/run_suite.h"

static const struct {
    const char *printed;
    const char *shown;
} texts[] = {
    {"plain\n\tßo 学习 🙂\n", "plain\n\tßo 学习 🙂\n"},
    {"10%\r20%\r\n30%\r", "10%\n20%\n30%\n"},
    {"\r\r\n\n", "\n\n\n"},
    {"\x1b[2J\x1b]0;title\a", "\\x1b[2J\\x1b]0;title\\x07"},
    {"del\x7f nul", "del\\x7f nul"},
    {"c1 \xc2\x9b", "c1 \\u009b"},
    {"\xe2\x80\xaeturned", "\\u202eturned"},
    {"\xff\xfe\x80z", "\\xff\\xfe\\x80z"},
    {"\xf0\x9f\x99", "\\xf0\\x9f\\x99"},
    {"\xe5\xad"
     "a",
     "\\xe5\\xad"
     "a"},
    {"\xc3\xc3\xa4", "\\xc3ä"},
};

/* In pieces of every size, so that every character is cut in every place. */
START_TEST(nothing_commands_the_terminal)
{
    const char *printed = texts[_i].printed;
    size_t len = strlen(printed);

    for (size_t piece = 1; piece <= len; piece++) {
        struct screen_text text = {0};
        OWN(buf) struct buf out;
        buf_init(&out, 4096);
        for (size_t at = 0; at < len; at += piece) {
            screen_text_append(&text, printed + at, len - at < piece ? len - at : piece, &out);
        }
        screen_text_end(&text, &out);
        ck_assert_str_eq(buf_text(&out), texts[_i].shown);
    }
}
END_TEST

static const struct {
    const char *text;
    int64_t bytes; /* -1: it is no size */
} sizes[] = {
    {"0", 0},
    {"1048576", 1048576},
    {"64MiB", 64 << 20},
    {"64 MiB", 64 << 20},
    {"2K", 2048},
    {"2KB", 2000},
    {"1G", 1 << 30},
    {"3B", 3},
    {"1TiB", INT64_C(1) << 40},
    {"", -1},
    {"MiB", -1},
    {"-1", -1},
    {"1.5M", -1},
    {"1mib", -1},
    {"1MiBs", -1},
    {"9223372036854775807K", -1},
    {"5000000T", -1},
    {"1  M", -1},
};

START_TEST(a_size_is_read)
{
    int64_t bytes = -1;

    ck_assert_int_eq(size_from_text(sizes[_i].text, &bytes), sizes[_i].bytes >= 0);
    ck_assert_int_eq(bytes, sizes[_i].bytes);
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

int main(void)
{
    Suite *suite = suite_create("screen_text");
    TCase *tcase = tcase_create("screen_text");

    tcase_add_loop_test(tcase, nothing_commands_the_terminal, 0, COUNT(texts));
    tcase_add_loop_test(tcase, a_size_is_read, 0, COUNT(sizes));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
