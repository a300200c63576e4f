/* Which piece of a log a worker sends next. */
#include <check.h>

#include "tests/support/run_suite.h"
#include "worker/agent/upload_plan.h"

#define MIB ((int64_t)1 << 20)
#define PIECE ((int64_t)UPLOAD_PIECE_BYTES)
#define NEVER INT64_MAX

static const struct {
    const char *what;
    struct upload_facts facts;
    struct upload_plan plan;
} cases[] = {
    {"an empty log of a job that runs",
     {.size = 0, .sent = 0, .limit = 16 * MIB, .last_ms = 5},
     {.due_ms = NEVER}},
    {"an empty log in the end", {.limit = 16 * MIB, .ended = true}, {.done = true, .ends = true}},
    {"some bytes wait for more",
     {.size = 100, .sent = 40, .limit = 16 * MIB, .last_ms = 5},
     {.due_ms = 2005, .offset = 40, .len = 60}},
    {"a whole piece goes at once",
     {.size = PIECE + 40, .sent = 40, .limit = 16 * MIB, .last_ms = 5},
     {.offset = 40, .len = UPLOAD_PIECE_BYTES}},
    {"everything was sent",
     {.size = 100, .sent = 100, .limit = 16 * MIB, .last_ms = 5},
     {.due_ms = NEVER, .offset = 100}},
    {"the last piece says so",
     {.size = 100, .sent = 40, .limit = 16 * MIB, .last_ms = 5, .ended = true},
     {.offset = 40, .len = 60, .ends = true}},
    {"the last but one does not",
     {.size = PIECE + 1, .sent = 0, .limit = 16 * MIB, .last_ms = 5, .ended = true},
     {.len = UPLOAD_PIECE_BYTES}},
    {"the end alone is told",
     {.size = 100, .sent = 100, .limit = 16 * MIB, .ended = true},
     {.offset = 100, .ends = true}},
    {"nothing is left to tell",
     {.size = 100, .sent = 100, .limit = 16 * MIB, .ended = true, .told_end = true},
     {.done = true, .offset = 100, .ends = true}},
    {"a log as long as may be is sent whole",
     {.size = 16 * MIB, .sent = 9 * MIB, .limit = 16 * MIB, .last_ms = 5},
     {.offset = 9 * MIB, .len = UPLOAD_PIECE_BYTES}},
    {"the beginning of a longer one, too",
     {.size = 900 * MIB, .sent = 7 * MIB, .limit = 16 * MIB, .last_ms = 5},
     {.offset = 7 * MIB, .len = UPLOAD_PIECE_BYTES}},
    {"then at a slower pace",
     {.size = 17 * MIB, .sent = 15 * MIB, .limit = 16 * MIB, .last_ms = 5},
     {.due_ms = 505, .offset = 15 * MIB, .len = UPLOAD_PIECE_BYTES}},
    {"and what is too much is left out",
     {.size = 900 * MIB, .sent = 8 * MIB, .limit = 16 * MIB, .last_ms = 5},
     {.due_ms = 505, .offset = 899 * MIB, .len = UPLOAD_PIECE_BYTES, .skips = true}},
    {"in the end only the end counts",
     {.size = 900 * MIB, .sent = 20 * MIB, .limit = 16 * MIB, .last_ms = 5, .ended = true},
     {.offset = 892 * MIB, .len = UPLOAD_PIECE_BYTES, .skips = true}},
    {"of which nothing is left out",
     {.size = 900 * MIB, .sent = 895 * MIB, .limit = 16 * MIB, .last_ms = 5, .ended = true},
     {.offset = 895 * MIB, .len = UPLOAD_PIECE_BYTES}},
    {"a server that keeps next to nothing",
     {.size = 100, .sent = 0, .limit = 1, .last_ms = 5},
     {.due_ms = NEVER, .offset = 100, .skips = true}},
};

START_TEST(a_piece_is_chosen)
{
    struct upload_plan plan;

    upload_plan_next(&cases[_i].facts, &plan);
    ck_assert_msg(plan.done == cases[_i].plan.done && plan.due_ms == cases[_i].plan.due_ms
                      && plan.offset == cases[_i].plan.offset && plan.len == cases[_i].plan.len
                      && plan.skips == cases[_i].plan.skips && plan.ends == cases[_i].plan.ends,
                  "%s: done %d, due %lld, offset %lld, %zu bytes, skips %d, ends %d",
                  cases[_i].what, plan.done, (long long)plan.due_ms, (long long)plan.offset,
                  plan.len, plan.skips, plan.ends);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("upload_plan");
    TCase *tcase = tcase_create("upload_plan");

    tcase_add_loop_test(tcase, a_piece_is_chosen, 0, (int)(sizeof cases / sizeof cases[0]));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
