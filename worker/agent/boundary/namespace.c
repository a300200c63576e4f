#include "worker/agent/boundary/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t namespace_fork(const struct namespace_users *users)
{
    struct clone_args args = {.flags = CLONE_NEWPID | CLONE_NEWNS, .exit_signal = SIGCHLD};

    args.flags |= users->needed ? (uint64_t)CLONE_NEWUSER : 0;
    return (pid_t)syscall(SYS_clone3, &args, sizeof args);
}

int namespace_choose(struct namespace_users *users, struct err *err)
{
    *users = (struct namespace_users){.needed = geteuid() != 0};
    (void)snprintf(users->uid_map, sizeof users->uid_map, "%u %u 1\n", geteuid(), geteuid());
    (void)snprintf(users->gid_map, sizeof users->gid_map, "%u %u 1\n", getegid(), getegid());
    pid_t child = namespace_fork(users);
    if (child == 0) {
        _exit(0);
    }
    if (child < 0) {
        return err_set(err, ERR_INVALID,
                       "--isolate namespace: this user may have no PID namespace here: %s; choose "
                       "another --isolate",
                       strerror(errno));
    }
    (void)waitpid(child, NULL, 0);
    return 0;
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        ssize_t written = write(fd, text, strlen(text));
        (void)written;
        (void)close(fd);
    }
}

void namespace_enter(const struct namespace_users *users, int parent_fd)
{
    struct pollfd parent = {.fd = parent_fd};

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (poll(&parent, 1, 0) == 1 && (parent.revents & POLLERR) != 0) {
        _exit(1); /* it ended before the line above */
    }
    if (users->needed) {
        put("/proc/self/setgroups", "deny");
        put("/proc/self/uid_map", users->uid_map);
        put("/proc/self/gid_map", users->gid_map);
    }
    /* where these fail, as below a /proc with hidden parts, the job sees the numbers of outside */
    if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) == 0) {
        (void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    }
}

_Noreturn void namespace_wait(pid_t leader, int parent_fd)
{
    int status;
    pid_t ended;

    while ((ended = waitpid(-1, &status, 0)) > 0 || errno == EINTR) {
        if (ended == leader) {
            ssize_t written = write(parent_fd, &status, sizeof status);
            (void)written;
        }
    }
    _exit(0);
}
