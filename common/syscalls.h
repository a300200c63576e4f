/* System calls that came late: a C library may have no function for them (musl), a kernel may not
 * know them (RHEL 8 has Linux 4.18). Usable between fork and exec. Safe from any thread. */
#ifndef COMMON_SYSCALLS_H
#define COMMON_SYSCALLS_H

#include <sys/types.h>

/* A descriptor of the process. -1 with errno; ENOSYS: the kernel is older than 5.3. */
int sys_pidfd_open(pid_t pid);
int sys_pidfd_send_signal(int pidfd, int signal_number);
/* Closes the descriptors first..last; on a kernel older than 5.9 one by one, up to the limit on
 * open files. errno afterwards is of no meaning. */
void sys_close_range(unsigned first, unsigned last);

#endif
