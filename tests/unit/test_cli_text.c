#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cell.h"
#include "common/suggest.h"
#include "tests/support/run_suite.h"
#include "worker/cli/show/tail.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

static const struct {
    const char *dirty;
    const char *clean;
} texts[] = {
    {"plain", "plain"},
    {"a\x1b[31mred\x1b[0m", "a[31mred[0m"},
    {"title\x1b]0;pwned\x07", "title]0;pwned"},
    {"c1 \xc2\x9b"
     "31m",
     "c1 31m"},
    {"turned \xe2\x80\xae"
     "gnp",
     "turned gnp"},
    {"two\nlines\tand\rmore", "two lines and more"},
    {"\xff\xc3 (", "?? ("},
    {"\xc0\x80 overlong", "?? overlong"},
    {"größe 学习", "größe 学习"},
};

START_TEST(terminal_commands_are_taken_out_of_text)
{
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1024);
    cell_append_clean(&out, texts[_i].dirty);
    ck_assert_str_eq(buf_text(&out), texts[_i].clean);
}
END_TEST

static const struct {
    const char *text;
    size_t width;
    bool right;
    const char *fitted;
} fits[] = {
    {"abc", 5, false, "abc  "},    {"abc", 5, true, "  abc"},    {"abcdef", 4, false, "abc…"},
    {"学习率", 5, false, "学习…"}, {"学习率", 4, false, "学… "}, {"größe", 6, false, "größe "},
    {"abc", 0, false, ""},
};

START_TEST(text_is_cut_and_filled_by_columns)
{
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1024);
    cell_append_fitted(&out, fits[_i].text, fits[_i].width, fits[_i].right);
    ck_assert_str_eq(buf_text(&out), fits[_i].fitted);
}
END_TEST

static const struct {
    double x;
    const char *text;
} numbers[] = {
    {0.000312345, "0.0003123"}, {3.1e-7, "3.1e-07"}, {0.91, "0.91"},
    {1234567, "1234567"},       {-0.0, "0"},         {1.0 / 3, "0.3333"},
    {1e300, "1e+300"},
};

START_TEST(numbers_keep_four_digits)
{
    char text[TEXT_NUMBER_BYTES];

    ck_assert_str_eq(text_number(numbers[_i].x, 4, text), numbers[_i].text);
}
END_TEST

START_TEST(spans_read_like_a_clock)
{
    char text[TEXT_SPAN_BYTES];

    ck_assert_str_eq(text_span(42400, text), "0:42");
    ck_assert_str_eq(text_span(725000, text), "12:05");
    ck_assert_str_eq(text_span(11220000, text), "3:07:00");
    ck_assert_str_eq(text_span(184020000, text), "2d 03:07");
    ck_assert_str_eq(text_span(-5, text), "0:00");
}
END_TEST

START_TEST(moments_are_shown_in_local_time_with_the_offset)
{
    char text[TEXT_MOMENT_BYTES];

    ck_assert_int_eq(setenv("TZ", "CET-1", 1), 0);
    tzset();
    ck_assert_str_eq(text_local("2026-11-24T21:32:37.123Z", text), "2026-11-24 22:32:37 +01:00");
    ck_assert_str_eq(text_local("yesterday", text), "yesterday");
    ck_assert_int_eq(text_moment_ms("1970-01-01T00:00:01.250Z"), 1250);
    ck_assert_int_eq(text_moment_ms("1970-01-01T00:00:01+01:00"), -1);
}
END_TEST

static const struct {
    const char *log;
    const char *tail;
} logs[] = {
    {"one\ntwo\nthree\nfour\n", "| three\n| four\n"},
    {"one\ntwo\nhalf", "| two\n| half\n"},
    {"one\n", "| one\n"},
    {"\n\n", ""},
    {"", ""},
    {"a\nb\x1b[2J\n\n", "| a\n| b[2J\n"},
};

START_TEST(the_last_lines_of_a_log_are_found)
{
    OWN(buf) struct buf out = {0};
    char path[] = "/tmp/hone-tail-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    size_t len = strlen(logs[_i].log);
    ck_assert_int_eq(write(fd, logs[_i].log, len), (ssize_t)len);
    buf_init(&out, 1024);
    tail_append(&out, path, 2, "| ");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(close(fd), 0);
    ck_assert_str_eq(buf_text(&out), logs[_i].tail);
}
END_TEST

START_TEST(distance_counts_slips)
{
    ck_assert_uint_eq(suggest_distance("show", "show"), 0);
    ck_assert_uint_eq(suggest_distance("craete", "create"), 1);
    ck_assert_uint_eq(suggest_distance("", "abc"), 3);
    ck_assert_uint_eq(suggest_distance("--trails", "--trials"), 1);
}
END_TEST

START_TEST(a_mistyped_verb_gets_a_suggestion)
{
    char hepl[] = "hepl";
    char *words[] = {hepl, NULL};
    const struct verb *verb = NULL;
    int n_words = 0;
    struct err err = {0};

    ck_assert_int_eq(verb_find(1, words, &verb, &n_words, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "did you mean 'help'?"));
}
END_TEST

START_TEST(every_verb_is_found_by_its_words)
{
    for (size_t i = 0; i < n_verbs; i++) {
        char words[VERB_WORDS_BYTES];
        (void)verb_words(&verbs[i], words);
        char *space = strchr(words, ' ');
        char *argv[] = {words, space == NULL ? NULL : space + 1, NULL};
        const struct verb *verb = NULL;
        int n_words = 0;
        struct err err = {0};

        if (space != NULL) {
            *space = '\0';
        }
        ck_assert_int_eq(verb_find(space == NULL ? 1 : 2, argv, &verb, &n_words, &err), 0);
        ck_assert_ptr_eq(verb, &verbs[i]);
        ck_assert_int_eq(n_words, space == NULL ? 1 : 2);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cli_text");
    TCase *text = tcase_create("text");
    TCase *words = tcase_create("words");

    tcase_add_loop_test(text, terminal_commands_are_taken_out_of_text, 0,
                        (int)(sizeof texts / sizeof texts[0]));
    tcase_add_loop_test(text, text_is_cut_and_filled_by_columns, 0,
                        (int)(sizeof fits / sizeof fits[0]));
    tcase_add_loop_test(text, numbers_keep_four_digits, 0,
                        (int)(sizeof numbers / sizeof numbers[0]));
    tcase_add_test(text, spans_read_like_a_clock);
    tcase_add_test(text, moments_are_shown_in_local_time_with_the_offset);
    tcase_add_loop_test(text, the_last_lines_of_a_log_are_found, 0,
                        (int)(sizeof logs / sizeof logs[0]));
    tcase_add_test(words, distance_counts_slips);
    tcase_add_test(words, a_mistyped_verb_gets_a_suggestion);
    tcase_add_test(words, every_verb_is_found_by_its_words);
    suite_add_tcase(suite, text);
    suite_add_tcase(suite, words);
    return run_suite(suite);
}
