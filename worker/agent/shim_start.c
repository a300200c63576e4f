#include "worker/agent/shim_start.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/syscalls.h"
#include "worker/agent/boundary/namespace.h"
#include "worker/agent/boundary/walk.h"
#include "worker/agent/shim_fds.h"

#define FIRST_PID 1

/* ---- in the child that becomes the job ---- */

/* The kernel's out-of-memory killer should look at a job before it looks at the agent. */
static void offer_to_oom_killer(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        ssize_t written = write(fd, "500", 3);
        (void)written;
        (void)close(fd);
    }
}

/* A program expects that nothing is blocked or ignored; it keeps the user's umask, and may gain
 * rights by exec, since containers are started by programs that do. */
static void reset_signals(void)
{
    sigset_t none;

    for (int number = 1; number < NSIG; number++) {
        if (number != SIGKILL && number != SIGSTOP) {
            (void)signal(number, SIG_DFL);
        }
    }
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become_job(const struct shim_spec *spec, pid_t parent, int failed_fd)
{
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(1);
    }
    offer_to_oom_killer();
    (void)fcntl(SHIM_METRICS_FD, F_SETFD, 0);
    reset_signals();
    (void)execve(spec->path, spec->argv, spec->envp);
    int why = errno;
    ssize_t written = write(failed_fd, &why, sizeof why);
    (void)written;
    _exit(127);
}

static _Noreturn void become_namespace(const struct shim_spec *spec, const int to_shim[2],
                                       int failed_fd)
{
    int leader_fd = to_shim[1];

    (void)close(to_shim[0]);
    sys_close_range(FD_CHANNEL, FD_END - 1);
    namespace_enter(&spec->boundary->users, leader_fd);
    pid_t leader = fork();
    if (leader == 0) {
        become_job(spec, FIRST_PID, failed_fd);
    }
    if (leader < 0) {
        int why = errno;
        ssize_t written = write(failed_fd, &why, sizeof why);
        (void)written;
    }
    (void)close(failed_fd);
    shim_fds_leave_to_job();
    namespace_wait(leader, leader_fd);
}

/* ---- in the shim ---- */

/* Born in the cgroup: to be moved there takes the kernel many milliseconds. */
static pid_t fork_into(const char *leaf)
{
    int fd = open(leaf, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0) {
        return -1;
    }
    struct clone_args args = {
        .flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (unsigned)fd};
    pid_t child = (pid_t)syscall(SYS_clone3, &args, sizeof args);
    int why = errno;
    if (child != 0) {
        (void)close(fd);
    }
    errno = why;
    return child;
}

static pid_t fork_bounded(const struct shim_spec *spec)
{
    switch (spec->boundary->kind) {
    case BOUNDARY_CGROUP:
        return fork_into(spec->leaf);
    case BOUNDARY_NAMESPACE:
        return namespace_fork(&spec->boundary->users);
    case BOUNDARY_WALK:
    default:
        return fork();
    }
}

static int start_with(const struct shim_spec *spec, struct shim_job *job, const int failed[2],
                      const int leader[2])
{
    pid_t shim = getpid();
    bool is_namespace = spec->boundary->kind == BOUNDARY_NAMESPACE;

    job->child = fork_bounded(spec);
    if (job->child < 0) {
        return errno;
    }
    if (job->child == 0 && is_namespace) {
        become_namespace(spec, leader, failed[1]);
    } else if (job->child == 0) {
        become_job(spec, shim, failed[1]);
    }
    return 0;
}

static void close_both(const int fds[2])
{
    (void)close(fds[0]);
    (void)close(fds[1]);
}

static void note_first(void *context, pid_t child)
{
    pid_t *found = context;

    *found = *found == 0 ? child : *found;
}

/* Its number out here. It is the only child that the first process of the namespace has. */
static pid_t find_leader(pid_t first)
{
    pid_t found = 0;

    walk_children_of(first, note_first, &found);
    return found;
}

/* Waits for the exec or for what it says instead. */
static int await_exec(struct shim_job *job, int failed_fd)
{
    int why = 0;
    ssize_t got;

    do {
        got = read(failed_fd, &why, sizeof why);
    } while (got < 0 && errno == EINTR);
    if (got == (ssize_t)sizeof why) {
        (void)kill(job->child, SIGKILL);
        (void)waitpid(job->child, NULL, 0);
        return why;
    }
    return 0;
}

int shim_start(const struct shim_spec *spec, struct shim_job *job)
{
    int failed[2];
    int leader[2];

    *job = (struct shim_job){.leader_fd = -1};
    if (pipe2(failed, O_CLOEXEC) != 0) {
        return errno;
    }
    if (pipe2(leader, O_CLOEXEC | O_NONBLOCK) != 0) {
        close_both(failed);
        return errno;
    }
    int why = start_with(spec, job, failed, leader);
    (void)close(failed[1]);
    (void)close(leader[1]);
    why = why == 0 ? await_exec(job, failed[0]) : why;
    (void)close(failed[0]);
    if (why == 0 && spec->boundary->kind == BOUNDARY_NAMESPACE) {
        job->leader = find_leader(job->child);
        job->leader_fd = leader[0];
    } else {
        job->leader = job->child;
        (void)close(leader[0]);
    }
    return why;
}
