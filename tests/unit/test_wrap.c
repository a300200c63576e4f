/* common/wrap.h */
#include <check.h>

#include "common/wrap.h"
#include "tests/support/run_suite.h"

static const struct {
    const char *page;
    size_t width;
    const char *wrapped;
} cases[] = {
    {"", 10, ""},
    {"short\n\nlines", 10, "short\n\nlines\n"},
    {"one two three four", 10, "one two\n  three\n  four\n"},
    {"  waits for trial 15, trial 18\n", 16, "  waits for\n    trial 15,\n    trial 18\n"},
    {"ab   cd\n", 7, "ab   cd\n"},
    {"a verylongwordthatdoesnotfit b", 12, "a\n  verylongwo\n  rdthatdoes\n  notfit b\n"},
    {"学习率 学习率 学习率", 14, "学习率 学习率\n  学习率\n"},
};

START_TEST(lines_are_broken_between_words)
{
    OWN(buf) struct buf out;

    buf_init(&out, 1000);
    wrap_page(&out, cases[_i].page, cases[_i].width);
    ck_assert_str_eq(buf_text(&out), cases[_i].wrapped);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("wrap");
    TCase *tcase = tcase_create("wrap");

    tcase_add_loop_test(tcase, lines_are_broken_between_words, 0,
                        (int)(sizeof cases / sizeof cases[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
