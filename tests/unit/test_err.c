/* What a failed system call means for whoever tries again. */
#include <check.h>
#include <errno.h>

#include "common/err.h"
#include "tests/support/run_suite.h"

static const struct {
    int number;
    enum err_code code;
} numbers[] = {
    {ENOSPC, ERR_STORAGE_FULL},
    {EDQUOT, ERR_STORAGE_FULL},
    {EFBIG, ERR_STORAGE_FULL},
    {ENOMEM, ERR_NOMEM},
    {EMFILE, ERR_OVERLOADED},
    {ENFILE, ERR_OVERLOADED},
    {EAGAIN, ERR_OVERLOADED},
    {ENOBUFS, ERR_OVERLOADED},
    {EADDRINUSE, ERR_OVERLOADED},
    {EADDRNOTAVAIL, ERR_OVERLOADED},
    {EACCES, ERR_IO},
    {ENOENT, ERR_IO},
    {EIO, ERR_IO},
    {EROFS, ERR_IO},
    {0, ERR_IO},
};

START_TEST(what_may_pass_is_told_from_what_a_person_must_mend)
{
    ck_assert_int_eq(err_code_of_errno(numbers[_i].number), numbers[_i].code);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("err");
    TCase *tcase = tcase_create("errno");

    tcase_add_loop_test(tcase, what_may_pass_is_told_from_what_a_person_must_mend, 0,
                        sizeof numbers / sizeof numbers[0]);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
