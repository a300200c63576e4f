#include "server/schedule/tables.h"

#include <check.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/step.h"
#include "tests/support/run_suite.h"

/* "81@1 27@3": the plan as the golden file writes it. */
static size_t write_plan(const struct bracket_plan *plan, char text[], size_t size)
{
    size_t len = 0;

    for (size_t i = 0; i < plan->n; i++) {
        len += (size_t)snprintf(text + len, size - len, "%s%" PRId64 "@%" PRId64, i == 0 ? "" : " ",
                                plan->rungs[i].size, plan->rungs[i].level);
    }
    return len;
}

static struct table_input whole(int64_t R, int64_t eta, int64_t r_min)
{
    return (struct table_input){.min = r_min, .max = R, .step = 1, .eta = {(uint64_t)eta, 1}};
}

/* rounding < 0: asha's levels. */
static void write_table(struct table_input input, int rounding, char text[], size_t size)
{
    struct bracket_plan plan;
    size_t len = (size_t)snprintf(text, size, "%" PRId64 ":", input.max);
    int s_max = tables_s_max(&input);

    for (int s = rounding < 0 ? 0 : s_max; s >= 0; s--) {
        if (rounding < 0) {
            tables_levels(&input, &plan);
        } else {
            tables_bracket(&input, (enum rounding)rounding, s, &plan);
        }
        len += write_plan(&plan, text + len, size - len);
        len += (size_t)snprintf(text + len, size - len, s > 0 ? " . " : "\n");
    }
}

static uint64_t fnv(const char *text, uint64_t hash)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

static int rounding_named(const char *name)
{
    static const char *const names[] = {"formula", "paper_table", "ceil_all"};

    for (int i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0) {
            return i;
        }
    }
    return -1;
}

/* I18: every table for R ≤ 2000, eta 2 to 5, r_min 1 and 3 equals the independent computation. */
START_TEST(tables_equal_the_golden_file)
{
    FILE *golden = fopen(GOLDEN, "r");
    char name[32];
    char hash_text[32];
    int64_t eta;
    int64_t start;
    int n = 0;

    ck_assert_ptr_nonnull(golden);
    while (fscanf(golden, "%" SCNd64 " %31s %" SCNd64 " %31s", &eta, name, &start, hash_text)
           == 4) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        for (int64_t R = start; R < start + 100; R++) {
            for (int64_t r_min = 1; r_min <= 3 && r_min <= R; r_min += 2) {
                char text[2048];
                write_table(whole(R, eta, r_min), rounding_named(name), text, sizeof text);
                hash = fnv(text, hash);
            }
        }
        ck_assert_msg(hash == strtoull(hash_text, NULL, 16),
                      "eta %" PRId64 ", %s, R from %" PRId64 " differs", eta, name, start);
        n++;
    }
    (void)fclose(golden);
    ck_assert_int_eq(n, 320);
}
END_TEST

static const struct {
    int64_t R, eta, r_min;
    const char *text;
} papers[] = {
    {81, 3, 1,
     "81:81@1 27@3 9@9 3@27 1@81 . 34@3 11@9 3@27 1@81 . 15@9 5@27 1@81 . 8@27 2@81 . 5@81\n"},
    {52, 3, 1, "52:27@2 9@6 3@17 1@52 . 12@6 4@17 1@52 . 6@17 2@52 . 4@52\n"},
    {100, 3, 5, "100:9@11 3@33 1@100 . 5@33 1@100 . 3@100\n"},
    {64, 4, 1, "64:64@1 16@4 4@16 1@64 . 22@4 5@16 1@64 . 8@16 2@64 . 4@64\n"},
    {7, 3, 7, "7:1@7\n"}, /* one bracket of one rung */
};

START_TEST(table_is_the_one_of_the_paper)
{
    char text[2048];

    write_table(whole(papers[_i].R, papers[_i].eta, papers[_i].r_min), ROUNDING_FORMULA, text,
                sizeof text);
    ck_assert_str_eq(text, papers[_i].text);
}
END_TEST

static int s_max_of(int64_t R, int64_t eta)
{
    struct table_input input = whole(R, eta, 1);

    return tables_s_max(&input);
}

/* What floating logarithms get wrong elsewhere. */
START_TEST(no_bracket_is_lost_to_logarithms)
{
    ck_assert_int_eq(s_max_of(243, 3), 5);
    ck_assert_int_eq(s_max_of(1000, 10), 3);
    ck_assert_int_eq(s_max_of(625, 5), 4);
    ck_assert_int_eq(s_max_of(242, 3), 4);
}
END_TEST

START_TEST(huge_resources_do_not_overflow)
{
    struct bracket_plan plan;
    int64_t R = INT64_C(1) << 53;

    for (int64_t eta = 2; eta <= 1000; eta = eta * 5 / 2) {
        struct table_input input = whole(R, eta, 1);
        tables_bracket(&input, ROUNDING_FORMULA, tables_s_max(&input), &plan);
        ck_assert_int_eq(plan.rungs[plan.n - 1].level, R);
        tables_levels(&input, &plan);
        ck_assert_int_eq(plan.rungs[plan.n - 1].level, R);
        for (size_t i = 1; i < plan.n; i++) {
            ck_assert_int_lt(plan.rungs[i - 1].level, plan.rungs[i].level);
        }
    }
}
END_TEST

__extension__ typedef __int128 wide;

/* Is m = R / √d, a half rounded up? (2m − 1)² d ≤ 4 R² < (2m + 1)² d. */
static bool is_root_level(int64_t m, int64_t R, wide d)
{
    wide low = 2 * (wide)m - 1;
    wide high = 2 * (wide)m + 1;
    wide four = 4 * (wide)R * R;

    return low * low * d <= four && four < high * high * d;
}

static void check_half_levels(int64_t R, int64_t eta, int64_t r_min)
{
    int64_t least = r_min > (R + 9) / 10 ? r_min : (R + 9) / 10;
    struct bracket_plan plan;
    wide d = 1;

    struct table_input input = whole(R, eta, r_min);
    tables_half_levels(&input, &plan);
    ck_assert_int_eq(plan.rungs[plan.n - 1].level, R);
    for (size_t i = plan.n - 1; i-- > 0;) {
        d *= eta;
        ck_assert(is_root_level(plan.rungs[i].level, R, d));
        ck_assert_int_lt(plan.rungs[i].level, plan.rungs[i + 1].level);
        ck_assert_int_ge(plan.rungs[i].level, least);
    }
    /* the next one down is too low, or the same again */
    int64_t next = plan.rungs[0].level == 1 ? 1 : plan.rungs[0].level - 1;
    ck_assert(!(next >= least && next < plan.rungs[0].level && is_root_level(next, R, d * eta)));
}

START_TEST(half_levels_are_exact)
{
    for (int64_t eta = 2; eta <= 5; eta++) {
        for (int64_t R = 1; R <= 2000; R++) {
            check_half_levels(R, eta, 1);
            check_half_levels(R, eta, R < 3 ? R : 3);
        }
        check_half_levels(INT64_C(9007199254740992), eta, 1);
    }
}
END_TEST

/* ---- fractions ------------------------------------------------------------------------------- */

/* The table as brackets_fractions.py writes it; "": two rungs are the same. Steps have 3 digits. */
static void write_fractions(const struct table_input *input, const char *rounding, char text[],
                            size_t size)
{
    bool is_half = strcmp(rounding, "half_levels") == 0;
    int by = rounding_named(rounding);
    size_t len = 0;

    text[0] = '\0';
    if (by >= 0 && !tables_are_apart(input)) {
        return;
    }
    for (int s = by < 0 ? 0 : tables_s_max(input); s >= 0; s--) {
        struct bracket_plan plan;
        if (by < 0) {
            (is_half ? tables_half_levels : tables_levels)(input, &plan);
        } else {
            tables_bracket(input, (enum rounding)by, s, &plan);
        }
        for (size_t i = 0; i < plan.n; i++) {
            char level[STEP_BYTES];
            len += (size_t)snprintf(text + len, size - len, "%s%" PRId64 "@%s", i == 0 ? "" : " ",
                                    plan.rungs[i].size, step_format(plan.rungs[i].level, 3, level));
        }
        len += (size_t)snprintf(text + len, size - len, "%s", s > 0 ? " . " : "");
    }
}

/* Every table of fractional resources, steps and etas equals the independent computation. */
START_TEST(fractions_equal_the_golden_file)
{
    static char text[1 << 16];
    FILE *golden = fopen(FRACTIONS, "r");
    double max;
    double min;
    double step;
    double eta;
    char name[32];
    char expected[32];
    int n = 0;

    ck_assert_ptr_nonnull(golden);
    while (fscanf(golden, "%lf %lf %lf %lf %31s %31s", &max, &min, &step, &eta, name, expected)
           == 6) {
        struct table_input input = {.eta = ratio_from_number(eta)};
        char found[32] = "-";
        ck_assert(step_from_number(max, 3, &input.max) && step_from_number(min, 3, &input.min)
                  && step_from_number(step, 3, &input.step));
        write_fractions(&input, name, text, sizeof text);
        if (text[0] != '\0') {
            (void)snprintf(found, sizeof found, "%016" PRIx64,
                           fnv(text, UINT64_C(0xcbf29ce484222325)));
        }
        ck_assert_msg(strcmp(found, expected) == 0, "%g %g %g eta %g %s: %.2000s", max, min, step,
                      eta, name, text);
        n++;
    }
    (void)fclose(golden);
    ck_assert_int_eq(n, N_FRACTIONS);
}
END_TEST

static const struct {
    double eta;
    uint64_t p, q;
} ratios[] = {{3, 3, 1},       {2.5, 5, 2}, {1.1, 11, 10},
              {1000, 1000, 1}, {4.0, 4, 1}, {2.718281828459045, 543656365691809, 200000000000000},
              {1.25, 5, 4}};

START_TEST(eta_is_taken_as_it_is_written)
{
    struct ratio ratio = ratio_from_number(ratios[_i].eta);

    ck_assert_uint_eq(ratio.p, ratios[_i].p);
    ck_assert_uint_eq(ratio.q, ratios[_i].q);
}
END_TEST

START_TEST(a_share_of_trials_is_rounded_down)
{
    ck_assert_uint_eq(ratio_divide(5, (struct ratio){5, 2}), 2);
    ck_assert_uint_eq(ratio_divide(4, (struct ratio){5, 2}), 1);
    ck_assert_uint_eq(ratio_divide(2, (struct ratio){5, 2}), 0);
    ck_assert_uint_eq(ratio_divide(10, (struct ratio){11, 10}), 9);
    ck_assert_uint_eq(ratio_divide(8, (struct ratio){3, 1}), 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tables");
    TCase *tcase = tcase_create("tables");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, tables_equal_the_golden_file);
    tcase_add_loop_test(tcase, table_is_the_one_of_the_paper, 0,
                        (int)(sizeof papers / sizeof papers[0]));
    tcase_add_test(tcase, no_bracket_is_lost_to_logarithms);
    tcase_add_test(tcase, huge_resources_do_not_overflow);
    tcase_add_test(tcase, half_levels_are_exact);
    tcase_add_test(tcase, fractions_equal_the_golden_file);
    tcase_add_loop_test(tcase, eta_is_taken_as_it_is_written, 0,
                        (int)(sizeof ratios / sizeof ratios[0]));
    tcase_add_test(tcase, a_share_of_trials_is_rounded_down);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
