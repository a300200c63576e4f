#include "worker/agent/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OUTPUT_FD 4
#define ERRORS_FD 5
#define STATUS_FD 6
#define REAP_ROUNDS 10000 /* of a millisecond */
#define AGENT_DIED SIGUSR2

static void say(enum shim_message_kind kind, int value, int64_t peak_kib)
{
    struct shim_message message = {
        .kind = (int32_t)kind, .value = (int32_t)value, .peak_kib = peak_kib};
    ssize_t written = write(STATUS_FD, &message, sizeof message);

    (void)written; /* an agent that died needs no news */
}

/* Brings the four descriptors to their places and closes all others: a connection of the agent's
 * that lived on in here would never look closed to the server. */
static void arrange_fds(const struct shim_spec *spec)
{
    int metrics = fcntl(spec->metrics_fd, F_DUPFD_CLOEXEC, 10);
    int output = fcntl(spec->output_fd, F_DUPFD_CLOEXEC, 10);
    int errors = fcntl(spec->errors_fd, F_DUPFD_CLOEXEC, 10);
    int status = fcntl(spec->status_fd, F_DUPFD_CLOEXEC, 10);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    if (metrics < 0 || output < 0 || errors < 0 || status < 0 || null < 0) {
        _exit(1);
    }
    (void)dup2(null, STDIN_FILENO);
    (void)dup3(metrics, SHIM_METRICS_FD, O_CLOEXEC);
    (void)dup3(output, OUTPUT_FD, O_CLOEXEC);
    (void)dup3(errors, ERRORS_FD, O_CLOEXEC);
    (void)dup3(status, STATUS_FD, O_CLOEXEC);
    (void)dup2(OUTPUT_FD, STDOUT_FILENO);
    (void)dup2(ERRORS_FD, STDERR_FILENO);
    (void)close_range(STATUS_FD + 1, ~0U, 0);
}

static void catch_nothing(sigset_t *mine)
{
    (void)sigemptyset(mine);
    (void)sigaddset(mine, SIGCHLD);
    (void)sigaddset(mine, SIGTERM);
    (void)sigaddset(mine, SIGINT);
    (void)sigaddset(mine, SIGHUP);
    (void)sigaddset(mine, SHIM_KILL);
    (void)sigaddset(mine, AGENT_DIED);
    (void)sigprocmask(SIG_SETMASK, mine, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

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

static _Noreturn void become_job(const struct shim_spec *spec, pid_t shim, int failed_fd)
{
    sigset_t none;

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != shim) {
        _exit(1);
    }
    offer_to_oom_killer();
    (void)signal(SIGPIPE, SIG_DFL);
    (void)fcntl(SHIM_METRICS_FD, F_SETFD, 0);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(spec->path, spec->argv, spec->envp);
    int why = errno;
    ssize_t written = write(failed_fd, &why, sizeof why);
    (void)written;
    _exit(127);
}

/* The job's pid, or -1 after having said why there is none. */
static pid_t start_job(const struct shim_spec *spec)
{
    int failed[2];
    int why = 0;
    pid_t shim = getpid();

    if (pipe2(failed, O_CLOEXEC) != 0) {
        say(SHIM_FAILED, errno, 0);
        return -1;
    }
    pid_t job = fork();
    if (job == 0) {
        become_job(spec, shim, failed[1]);
    }
    (void)close(failed[1]);
    if (job < 0) {
        say(SHIM_FAILED, errno, 0);
        return -1;
    }
    (void)setpgid(job, job);
    ssize_t got = read(failed[0], &why, sizeof why); /* ends with the exec */
    (void)close(failed[0]);
    if (got == (ssize_t)sizeof why) {
        (void)waitpid(job, NULL, 0);
        say(SHIM_FAILED, why, 0);
        return -1;
    }
    say(SHIM_STARTED, job, 0);
    return job;
}

/* SIGKILL to each child: those the job left behind have become ours. */
static void kill_children(int fd)
{
    char text[4096];
    ssize_t got = pread(fd, text, sizeof text, 0);
    pid_t pid = 0;

    for (ssize_t i = 0; i < got; i++) {
        if (text[i] >= '0' && text[i] <= '9') {
            pid = pid * 10 + (text[i] - '0');
        } else if (pid > 0) {
            (void)kill(pid, SIGKILL);
            pid = 0;
        }
    }
}

/* Takes what has ended; true when the job is among it or was before. */
static bool reap(pid_t job, int *status, bool ended)
{
    int one = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &one, WNOHANG)) > 0) {
        if (pid == job) {
            *status = one;
            ended = true;
        }
    }
    return ended;
}

/* Kills the group and all descendants until none is left, which the death of each parent brings a
 * little nearer. */
static bool kill_all(pid_t job, int *status, bool ended)
{
    const struct timespec pause = {.tv_nsec = 1000000};
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);

    for (int round = 0; round < REAP_ROUNDS; round++) {
        (void)kill(-job, SIGKILL);
        if (fd >= 0) {
            kill_children(fd);
        }
        ended = reap(job, status, ended);
        siginfo_t left;
        if (waitid(P_ALL, 0, &left, WEXITED | WNOHANG | WNOWAIT) < 0 && errno == ECHILD) {
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    (void)close(fd);
    return ended;
}

static void say_ended(int status)
{
    struct rusage usage = {0};

    (void)getrusage(RUSAGE_CHILDREN, &usage);
    say(SHIM_ENDED, status, usage.ru_maxrss);
}

static bool is_told_to_end(void)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SHIM_KILL, AGENT_DIED};
    sigset_t pending;

    (void)sigpending(&pending);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (sigismember(&pending, numbers[i]) == 1) {
            return true;
        }
    }
    return false;
}

/* Here and not in the agent, which has other jobs' leases to renew while a large one is copied. */
static bool copy_checkpoint(const struct shim_spec *spec)
{
    if (spec->copy == NULL) {
        return true;
    }
    struct copy_tree copy = *spec->copy;
    copy.must_stop = is_told_to_end;
    int why = copy_tree(&copy);
    if (why == ECANCELED) {
        say_ended(SIGTERM); /* as if there had been a job */
    } else if (why != 0) {
        say(SHIM_NO_CHECKPOINT, why, 0);
    }
    return why == 0;
}

void shim_run(const struct shim_spec *spec)
{
    sigset_t mine;
    int status = 0;
    bool ended = false;

    catch_nothing(&mine);
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    (void)prctl(PR_SET_PDEATHSIG, AGENT_DIED);
    arrange_fds(spec);
    if (getppid() != spec->agent) {
        _exit(1);
    }
    pid_t job = copy_checkpoint(spec) ? start_job(spec) : -1;
    if (job < 0) {
        _exit(0);
    }
    /* only the job may hold these from here on, so that their end is its end */
    (void)close(SHIM_METRICS_FD);
    (void)close(OUTPUT_FD);
    (void)close(ERRORS_FD);
    (void)dup2(STDIN_FILENO, STDOUT_FILENO);
    (void)dup2(STDIN_FILENO, STDERR_FILENO);
    while (!ended) {
        int signal_number = sigwaitinfo(&mine, NULL);
        if (signal_number == SIGCHLD) {
            ended = reap(job, &status, ended);
        } else if (signal_number == SHIM_KILL || signal_number == AGENT_DIED) {
            ended = kill_all(job, &status, ended);
        } else if (signal_number > 0) {
            (void)kill(-job, SIGTERM);
            (void)kill(-job, SIGCONT);
        }
    }
    (void)kill_all(job, &status, ended);
    say_ended(status);
    _exit(0);
}
