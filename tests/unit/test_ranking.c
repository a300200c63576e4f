#include "server/schedule/ranking.h"

#include <check.h>

#include "common/rng.h"
#include "tests/support/run_suite.h"

#define N 3000

static size_t plain_rank(const struct ranked items[], size_t n, double cost, int64_t trial)
{
    size_t before = 0;

    for (size_t i = 0; i < n; i++) {
        before += items[i].cost < cost || (items[i].cost <= cost && items[i].trial < trial);
    }
    return before;
}

START_TEST(ranks_agree_with_counting)
{
    struct rung_ranking ranking = {0};
    struct ranked items[N];
    struct err err = {0};
    size_t n = 0;
    struct rng rng = rng_seeded(7);

    for (int64_t trial = 1; trial <= N; trial++) {
        double cost = (double)rng_below(&rng, 50); /* many ties */
        ck_assert_int_eq(ranking_insert(&ranking, cost, trial, &err), 0);
        items[n++] = (struct ranked){cost, trial};
        if (n > 1 && rng_below(&rng, 3) == 0) {
            size_t at = rng_below(&rng, n);
            ck_assert(ranking_remove(&ranking, items[at].cost, items[at].trial));
            ck_assert(!ranking_remove(&ranking, items[at].cost, items[at].trial));
            items[at] = items[--n];
        }
        ck_assert_uint_eq(ranking.n, n);
        size_t some = rng_below(&rng, n);
        size_t rank = plain_rank(items, n, items[some].cost, items[some].trial);
        ck_assert_uint_eq(ranking_rank(&ranking, items[some].cost, items[some].trial), rank);
        ck_assert_int_eq(ranking_at(&ranking, rank).trial, items[some].trial);
        ck_assert_uint_eq(ranking_rank(&ranking, items[some].cost, INT64_MAX),
                          plain_rank(items, n, items[some].cost, INT64_MAX));
    }
    ranking_finish(&ranking);
}
END_TEST

START_TEST(emptied_ranking_fills_again)
{
    struct rung_ranking ranking = {0};
    struct err err = {0};

    for (int round = 0; round < 3; round++) {
        ck_assert_int_eq(ranking_insert(&ranking, 1, 1, &err), 0);
        ck_assert_uint_eq(ranking_rank(&ranking, 1, 2), 1);
        ck_assert(ranking_remove(&ranking, 1, 1));
        ck_assert(!ranking_remove(&ranking, 1, 1));
        ck_assert_uint_eq(ranking.n, 0);
    }
    ranking_finish(&ranking);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ranking");
    TCase *tcase = tcase_create("ranking");

    tcase_add_test(tcase, ranks_agree_with_counting);
    tcase_add_test(tcase, emptied_ranking_fills_again);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
