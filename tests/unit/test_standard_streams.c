/* A process that was started without stdin, stdout or stderr opens no file in their place. */
#include "common/standard_streams.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/run_suite.h"

static bool is_null(int fd)
{
    struct stat of_fd;
    struct stat of_null;

    return fstat(fd, &of_fd) == 0 && stat("/dev/null", &of_null) == 0 && S_ISCHR(of_fd.st_mode)
           && of_fd.st_rdev == of_null.st_rdev;
}

/* In a child, since a failed check could not be printed: which check failed; 0: none. `closed`: a
 * bit for each of the three. */
static int check_without(int closed)
{
    char byte = 'x';

    for (int fd = 0; fd < 3; fd++) {
        (void)dup2(open("/", O_RDONLY), fd);
    }
    for (int fd = 0; fd < 3; fd++) {
        (void)((closed >> fd & 1) != 0 ? close(fd) : 0);
    }
    if (standard_streams_hold() != 0) {
        return 1;
    }
    for (int fd = 0; fd < 3; fd++) {
        if (is_null(fd) != ((closed >> fd & 1) != 0)) {
            return 2; /* one that was open stays what it was */
        }
    }
    int next = open("/", O_RDONLY);
    if (next < 3) {
        return 3;
    }
    for (int fd = 0; fd < 3; fd++) {
        if ((closed >> fd & 1) == 0) {
            continue;
        }
        ssize_t n = fd == 0 ? read(fd, &byte, 1) : write(fd, &byte, 1);
        if (n != -1 || errno != EBADF) {
            return 4; /* it must not look like success */
        }
    }
    return 0;
}

START_TEST(closed_ones_are_held)
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        _exit(check_without(_i));
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("standard_streams");
    TCase *tcase = tcase_create("start");

    tcase_add_loop_test(tcase, closed_ones_are_held, 0, 8);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
