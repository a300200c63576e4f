/* What is computed on one thread does not depend on what others compute at the same time. */
#include "server/model/linalg.h"

#include <check.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/run_suite.h"

enum { N = 40, THREADS = 4, ROUNDS = 4000 };

static double spd[N * N];

struct answer {
    double L[N * N], inverse[N * N], product[N * N];
};

static bool compute(struct answer *to)
{
    static const size_t n = N;
    double scratch[N * N];

    memcpy(to->L, spd, sizeof spd);
    if (linalg_append(0, n, to->L, n, 1.0, scratch, NULL) != 0) {
        return false;
    }
    memcpy(to->product, spd, sizeof spd);
    linalg_solve_lower(n, to->L, n, n, to->product, n);
    linalg_solve_upper(n, to->L, n, n, to->product, n);
    linalg_multiply(false, true, n, n, n, 1.0, spd, n, to->product, n, 0.0, scratch, n);
    memcpy(to->product, scratch, sizeof scratch);
    memcpy(to->inverse, to->L, sizeof spd);
    return linalg_inverse(n, to->inverse, n, NULL) == 0;
}

static struct answer alone;

/* How often the answer was another one. */
static void *compute_again(void *context)
{
    size_t *n_different = context;
    struct answer *now = calloc(1, sizeof *now);

    for (size_t i = 0; i < ROUNDS && now != NULL; i++) {
        *n_different += !compute(now) || memcmp(now, &alone, sizeof alone) != 0;
    }
    free(now);
    return NULL;
}

START_TEST(threads_at_the_same_time_change_no_digit)
{
    pthread_t threads[THREADS];
    size_t n_different[THREADS] = {0};

    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            double d = (double)i - (double)j;
            spd[i * N + j] = exp(-d * d / 50.0) + (i == j ? 0.1 : 0.0);
        }
    }
    ck_assert(compute(&alone));
    for (size_t k = 0; k < THREADS; k++) {
        ck_assert_int_eq(pthread_create(&threads[k], NULL, compute_again, &n_different[k]), 0);
    }
    for (size_t k = 0; k < THREADS; k++) {
        ck_assert_int_eq(pthread_join(threads[k], NULL), 0);
    }
    for (size_t k = 0; k < THREADS; k++) {
        ck_assert_uint_eq(n_different[k], 0);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("linalg");
    TCase *tcase = tcase_create("linalg");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, threads_at_the_same_time_change_no_digit);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
