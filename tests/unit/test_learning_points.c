/* The learning curve of a trial whose attempts began again. */
#include <check.h>
#include <string.h>

#include "common/buf.h"
#include "server/analysis/learning_points.h"
#include "tests/support/run_suite.h"

static const struct {
    const char *what;
    size_t n;
    struct learning_point points[8];
    const char *kept; /* "attempt:step" */
} curves[] = {
    {"nothing", 0, {{0, 0, 0}}, ""},
    {"one attempt, in any order", 3, {{1, 3, 0}, {1, 1, 0}, {1, 2, 0}}, "1:1 1:2 1:3"},
    {"it goes on at its checkpoint",
     5,
     {{1, 1, 0}, {1, 2, 0}, {1, 3, 0}, {2, 3, 0}, {2, 4, 0}},
     "1:1 1:2 2:3 2:4"},
    {"it begins again and has come less far",
     4,
     {{1, 1, 0}, {1, 2, 0}, {1, 3, 0}, {2, 1, 0}},
     "2:1"},
    {"three attempts",
     6,
     {{1, 1, 0}, {1, 2, 0}, {2, 2, 0}, {2, 3, 0}, {3, 3, 0}, {3, 5, 0}},
     "1:1 2:2 3:3 3:5"},
    {"the same step twice counts once", 2, {{2, 1, 0}, {1, 1, 0}}, "2:1"},
    {"an attempt that measured nothing changes nothing", 2, {{1, 1, 0}, {3, 2, 0}}, "1:1 3:2"},
};

static void settle(struct learning_points *points, size_t most, struct buf *text)
{
    learning_points_settle(points, most);
    buf_init(text, 1000);
    for (size_t i = 0; i < points->n; i++) {
        buf_printf(text, "%s%d:%d", i == 0 ? "" : " ", (int)points->items[i].attempt,
                   (int)points->items[i].step);
    }
}

START_TEST(what_was_begun_again_counts_no_more)
{
    OWN(learning_points) struct learning_points points = {0};
    OWN(buf) struct buf text = {0};

    for (size_t i = 0; i < curves[_i].n; i++) {
        const struct learning_point *point = &curves[_i].points[i];
        ck_assert_int_eq(
            learning_points_add(&points, 0, point->attempt, point->step, point->value, NULL), 0);
    }
    settle(&points, 100, &text);
    ck_assert_msg(strcmp(buf_text(&text), curves[_i].kept) == 0, "%s: %s", curves[_i].what,
                  buf_text(&text));
}
END_TEST

START_TEST(a_long_curve_is_thinned_with_both_of_its_ends)
{
    OWN(learning_points) struct learning_points points = {0};
    OWN(buf) struct buf text = {0};
    OWN(buf) struct buf again = {0};

    for (int step = 1; step <= 101; step++) {
        ck_assert_int_eq(learning_points_add(&points, 0, 1, step, 0, NULL), 0);
    }
    settle(&points, 5, &text);
    ck_assert_str_eq(buf_text(&text), "1:1 1:26 1:51 1:76 1:101");
    settle(&points, 2, &again);
    ck_assert_str_eq(buf_text(&again), "1:1 1:101");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("learning_points");
    TCase *tcase = tcase_create("curves");

    tcase_add_loop_test(tcase, what_was_begun_again_counts_no_more, 0,
                        (int)(sizeof curves / sizeof curves[0]));
    tcase_add_test(tcase, a_long_curve_is_thinned_with_both_of_its_ends);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
