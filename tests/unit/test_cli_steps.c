#include <check.h>
#include <math.h>

#include "tests/support/run_suite.h"
#include "worker/cli/show/steps.h"

static void draws(const struct best_step best[], size_t n, int64_t last, const char *expected)
{
    OWN(buf) struct buf out = {0};

    buf_init(&out, 1 << 16);
    steps_draw(best, n, last, 12, 4, &out);
    ck_assert_str_eq(buf_text(&out), expected);
}

START_TEST(better_is_up_where_it_is_maximized)
{
    static const struct best_step best[] = {{1, 0.5}, {4, 0.8}, {6, 0.95}};

    draws(best, 3, 12,
          "0.95 ┤     ╭──────\n"
          "     │   ╭─╯      \n"
          "     │   │        \n"
          " 0.5 ┤───╯        \n"
          "      1         12\n");
}
END_TEST

START_TEST(better_is_down_where_it_is_minimized)
{
    static const struct best_step best[] = {{2, 30}, {7, 10}};

    draws(best, 2, 12,
          "30 ┤ ─────╮     \n"
          "   │      │     \n"
          "   │      │     \n"
          "10 ┤      ╰─────\n"
          "    1         12\n");
}
END_TEST

START_TEST(nothing_is_drawn_without_a_change)
{
    static const struct best_step best[] = {{1, 0.5}};

    draws(best, 0, 5, "");
    draws(best, 1, 5, "");
}
END_TEST

static Suite *steps_suite(void)
{
    Suite *suite = suite_create("cli_steps");
    TCase *tcase = tcase_create("chart");

    tcase_add_test(tcase, better_is_up_where_it_is_maximized);
    tcase_add_test(tcase, better_is_down_where_it_is_minimized);
    tcase_add_test(tcase, nothing_is_drawn_without_a_change);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return run_suite(steps_suite());
}
