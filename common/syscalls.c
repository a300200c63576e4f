#include "common/syscalls.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

int sys_pidfd_open(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int sys_pidfd_send_signal(int pidfd, int signal_number)
{
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal_number, NULL, 0);
}

static void close_each(unsigned first, unsigned last)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur <= last) {
        last = limit.rlim_cur == 0 ? 0 : (unsigned)limit.rlim_cur - 1;
    }
    for (unsigned fd = first; fd <= last && fd >= first; fd++) {
        (void)close((int)fd);
    }
}

void sys_close_range(unsigned first, unsigned last)
{
    if (syscall(SYS_close_range, first, last, 0) != 0) {
        close_each(first, last);
    }
}
