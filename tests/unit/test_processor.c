/* Our question to the processor against the compiler's. */
#include "common/processor.h"

#include <check.h>

#include "tests/support/run_suite.h"

START_TEST(it_says_what_the_compiler_s_library_says)
{
#if defined(__x86_64__)
    bool avx2 = __builtin_cpu_supports("avx2") != 0;
    bool avx512 = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0
                  && __builtin_cpu_supports("avx512vl") != 0;
#else
    bool avx2 = false;
    bool avx512 = false;
#endif

    for (int i = 0; i < 2; i++) { /* asked, and remembered */
        ck_assert_int_eq(processor_has_avx2(), avx2);
        ck_assert_int_eq(processor_has_avx512(), avx512);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("processor");
    TCase *tcase = tcase_create("vectors");

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, it_says_what_the_compiler_s_library_says);
    return run_suite(suite);
}
