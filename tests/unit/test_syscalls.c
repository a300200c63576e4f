/* The late system calls, on this kernel and as on one that does not know them. */
#include "common/syscalls.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/run_suite.h"

/* From here on close_range() fails as on Linux 5.8. */
static void forget_close_range(void)
{
    struct sock_filter steps[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close_range, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof steps / sizeof steps[0], .filter = steps};

    ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
    ck_assert_int_eq(syscall(SYS_close_range, 1000, 1001, 0), -1);
    ck_assert_int_eq(errno, ENOSYS);
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* Each case in a process of its own: the test framework forks. */
START_TEST(a_range_of_descriptors_is_closed)
{
    struct rlimit limit = {256, 256};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    for (int fd = 200; fd < 210; fd++) {
        ck_assert_int_eq(dup2(STDERR_FILENO, fd), fd);
    }
    if (_i == 1) {
        forget_close_range();
    }
    sys_close_range(201, 207);
    for (int fd = 200; fd < 210; fd++) {
        ck_assert_msg(is_open(fd) == (fd == 200 || fd > 207), "%d", fd);
    }
    sys_close_range(202, ~0U);
    ck_assert(is_open(200));
    ck_assert(!is_open(208) && !is_open(209));
}
END_TEST

START_TEST(a_process_is_ended_by_its_descriptor)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        (void)pause();
        _exit(0);
    }
    int fd = sys_pidfd_open(pid);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(sys_pidfd_send_signal(fd, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    ck_assert_int_eq(sys_pidfd_open(-1), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("syscalls");
    TCase *tcase = tcase_create("late");

    suite_add_tcase(suite, tcase);
    tcase_add_loop_test(tcase, a_range_of_descriptors_is_closed, 0, 2);
    tcase_add_test(tcase, a_process_is_ended_by_its_descriptor);
    return run_suite(suite);
}
