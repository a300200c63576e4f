#include "worker/agent/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/agent/boundary/cgroup.h"
#include "worker/agent/boundary/walk.h"
#include "worker/agent/shim_fds.h"
#include "worker/agent/shim_keep.h"
#include "worker/agent/shim_start.h"

#define QUICK_ROUNDS 20 /* of killing, without a pause between them */
#define PAUSE_NS 1000000L
#define STUCK_PAUSE_MS 1000

struct shim {
    const struct shim_spec *spec;
    struct shim_job job;
    int signals;    /* what is sent to the shim, as a descriptor */
    bool must_kill; /* told to, or left by the agent */
    bool is_alone;  /* the agent has ended … */
    bool is_done;   /* … or has recorded everything */
    int64_t alone_until_ms;
    bool leader_ended;
    int status;           /* … its wait status */
    int64_t linger_at_ms; /* nothing waits beyond this moment */
};

static int64_t now_ms(void)
{
    return clock_system()->monotonic_ms(clock_system());
}

static void say(enum shim_message_kind kind, int value, int64_t peak_kib)
{
    struct shim_message message = {
        .kind = (int32_t)kind, .value = (int32_t)value, .peak_kib = peak_kib};

    (void)send(FD_CHANNEL, &message, sizeof message,
               MSG_NOSIGNAL); /* an agent that died needs none */
}

static void say_ended(int status)
{
    struct rusage usage = {0};

    (void)getrusage(RUSAGE_CHILDREN, &usage);
    say(SHIM_ENDED, status, usage.ru_maxrss);
}

/* ---- ending the job ---- */

static void terminate(const struct shim *shim)
{
    if (!shim->leader_ended && shim->job.leader > 0) {
        (void)kill(-shim->job.leader, SIGCONT); /* a stopped one could not obey */
        (void)kill(-shim->job.leader, SIGTERM);
    }
}

static void note_leader(struct shim *shim, int status)
{
    if (!shim->leader_ended) {
        shim->status = status;
        shim->leader_ended = true;
        shim->linger_at_ms = now_ms() + shim->spec->linger_ms;
    }
}

/* The leader's end as its namespace says it. */
static void read_leader(struct shim *shim)
{
    int status;

    if (shim->job.leader_fd >= 0
        && read(shim->job.leader_fd, &status, sizeof status) == (ssize_t)sizeof status) {
        note_leader(shim, status);
    }
}

/* Takes what has ended. */
static void reap(struct shim *shim)
{
    int status = 0;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == shim->job.child) {
            read_leader(shim); /* if there is a namespace, it has said more about the leader */
            note_leader(shim, status);
        }
    }
}

static bool is_empty(const struct shim *shim)
{
    return !walk_has_children() && (shim->spec->leaf == NULL || cgroup_is_empty(shim->spec->leaf));
}

/* One pass over everything there is; the death of each parent brings more within reach. */
static void kill_round(struct shim *shim)
{
    if (!shim->leader_ended && shim->job.leader > 0) {
        (void)kill(-shim->job.leader, SIGKILL);
    }
    if (shim->spec->leaf != NULL) {
        cgroup_kill(shim->spec->leaf);
    }
    walk_kill();
    reap(shim);
}

/* False when something is left although it was killed for so long. */
static bool kill_all(struct shim *shim)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    int64_t give_up_ms = now_ms() + shim->spec->empty_ms;

    for (int round = 0; !is_empty(shim); round++) {
        kill_round(shim);
        if (round < QUICK_ROUNDS) {
            (void)sched_yield();
        } else if (now_ms() >= give_up_ms) {
            return is_empty(shim);
        } else {
            (void)nanosleep(&pause, NULL);
        }
    }
    return true;
}

/* Something survives SIGKILL: the kernel holds it. Waits on, since it belongs to this trial. */
static void stay_with_survivor(struct shim *shim)
{
    say(SHIM_UNKILLABLE, walk_find_living(), 0);
    say_ended(shim->leader_ended ? shim->status : SIGKILL);
    while (!is_empty(shim)) {
        (void)poll(NULL, 0, STUCK_PAUSE_MS);
        kill_round(shim);
    }
}

/* ---- following it ---- */

static void read_signals(struct shim *shim)
{
    struct signalfd_siginfo taken;

    while (read(shim->signals, &taken, sizeof taken) == (ssize_t)sizeof taken) {
        if (taken.ssi_signo != SIGCHLD) { /* a batch system signals every process of a job */
            terminate(shim);
        }
    }
}

/* The agent has ended without a word. */
static void lose_agent(struct shim *shim)
{
    shim->is_alone = true;
    if (shim->spec->keep == NULL) {
        shim->must_kill = true;
    } else {
        shim->alone_until_ms = now_ms() + shim->spec->keep->span_ms;
    }
}

static void read_channel(struct shim *shim)
{
    int32_t command;
    ssize_t got = recv(FD_CHANNEL, &command, sizeof command, MSG_DONTWAIT);

    if (got == (ssize_t)sizeof command) {
        shim->is_done = shim->is_done || command == SHIM_DONE;
        shim->must_kill = shim->must_kill || command == SHIM_KILL;
        if (command == SHIM_TERMINATE) {
            terminate(shim);
        }
    } else if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        lose_agent(shim);
    }
}

/* Another agent may call. */
static void answer_call(struct shim *shim)
{
    struct pollfd calls = {.fd = FD_SOCKET, .events = POLLIN};

    if (poll(&calls, 1, 0) != 1) {
        return;
    }
    int channel = shim_keep_answer(shim->spec->keep, shim->job.leader);
    if (channel >= 0) {
        (void)dup3(channel, FD_CHANNEL, O_CLOEXEC);
        (void)close(channel);
        shim->is_alone = false;
    }
}

static void hear(struct shim *shim)
{
    if (!shim->is_alone) {
        read_channel(shim);
    } else if (shim->spec->keep != NULL) {
        answer_call(shim);
        shim->must_kill = shim->must_kill || (shim->is_alone && now_ms() >= shim->alone_until_ms);
    }
}

/* Without its leader, the job lasts as long as something holds one of its pipes, for a moment: so
 * what a filter behind it still writes is not lost. */
static bool has_output_ended(void)
{
    struct pollfd readers[STREAM_COUNT];
    bool ended = true;

    for (int i = 0; i < STREAM_COUNT; i++) {
        readers[i] = (struct pollfd){.fd = FD_READERS + i};
    }
    (void)poll(readers, STREAM_COUNT, 0);
    for (int i = 0; i < STREAM_COUNT; i++) {
        ended = ended && (readers[i].revents & POLLHUP) != 0;
    }
    return ended;
}

static bool is_over(const struct shim *shim)
{
    return shim->must_kill
           || (shim->leader_ended
               && (!walk_has_children() || has_output_ended() || now_ms() >= shim->linger_at_ms));
}

/* Until something happens that may matter. */
static void wait_for_news(struct shim *shim)
{
    struct pollfd watched[3 + STREAM_COUNT] = {
        {.fd = shim->signals, .events = POLLIN},
        {.fd = shim->is_alone ? FD_SOCKET : FD_CHANNEL, .events = POLLIN},
        {.fd = shim->leader_ended ? -1 : shim->job.leader_fd, .events = POLLIN},
    };
    int64_t wait_ms = -1;

    for (int i = 0; i < STREAM_COUNT; i++) { /* each hang-up is waited for once */
        struct pollfd reader = {.fd = FD_READERS + i};
        bool has_ended = poll(&reader, 1, 0) == 1;
        watched[3 + i] = (struct pollfd){.fd = shim->leader_ended && !has_ended ? reader.fd : -1};
    }
    int64_t due_ms = shim->leader_ended ? shim->linger_at_ms : INT64_MAX;
    if (shim->is_alone && shim->alone_until_ms < due_ms) {
        due_ms = shim->alone_until_ms;
    }
    if (due_ms != INT64_MAX) {
        wait_ms = due_ms - now_ms();
        wait_ms = wait_ms < 0 ? 0 : wait_ms < INT_MAX ? wait_ms : INT_MAX;
    }
    (void)poll(watched, sizeof watched / sizeof watched[0], (int)wait_ms);
}

static void follow(struct shim *shim)
{
    while (!is_over(shim)) {
        wait_for_news(shim);
        read_signals(shim);
        reap(shim);
        if (!shim->leader_ended) {
            read_leader(shim);
        }
        hear(shim);
    }
}

/* ---- its end ---- */

static void end_job(struct shim *shim)
{
    if (kill_all(shim)) {
        say_ended(shim->leader_ended ? shim->status : SIGKILL);
    } else {
        stay_with_survivor(shim);
    }
}

/* Nothing of the job is known to be lost until an agent has recorded it, or the shim. */
static void hand_over(struct shim *shim)
{
    struct rusage usage = {0};
    int64_t oom_kills = shim->spec->leaf == NULL ? -1 : cgroup_oom_kills(shim->spec->leaf);

    while (shim->spec->keep != NULL && !shim->is_done && !shim->is_alone) {
        struct pollfd channel = {.fd = FD_CHANNEL, .events = POLLIN};
        (void)poll(&channel, 1, -1);
        read_channel(shim);
    }
    if (shim->spec->keep != NULL && !shim->is_done) {
        (void)getrusage(RUSAGE_CHILDREN, &usage);
        struct shim_exit ended = {.status = shim->leader_ended ? shim->status : SIGKILL,
                                  .was_killed = shim->must_kill,
                                  .peak_kib = usage.ru_maxrss,
                                  .oom_kills = oom_kills};
        shim_keep_end(shim->spec->keep, &ended);
    }
    if (shim->is_alone
        && shim->spec->leaf != NULL) { /* else the agent reads what is counted there */
        (void)cgroup_remove(shim->spec->leaf);
    }
}

/* ---- before it ---- */

/* Nothing that is sent to a whole job, like SIGUSR1, may end the shim. */
static int open_signals(void)
{
    sigset_t all;
    sigset_t read_here;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)sigemptyset(&read_here);
    (void)sigaddset(&read_here, SIGCHLD);
    (void)sigaddset(&read_here, SIGTERM);
    (void)sigaddset(&read_here, SIGINT);
    (void)sigaddset(&read_here, SIGHUP);
    return signalfd(-1, &read_here, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool is_told_to_end(void)
{
    struct pollfd channel = {.fd = FD_CHANNEL, .events = POLLIN};
    sigset_t pending;

    (void)sigpending(&pending);
    return sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1
           || sigismember(&pending, SIGHUP) == 1 || poll(&channel, 1, 0) == 1;
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

static bool start(struct shim *shim)
{
    int why = shim_start(shim->spec, &shim->job);

    if (why != 0) {
        say(SHIM_FAILED, why, 0);
        return false;
    }
    say(SHIM_STARTED, shim->job.leader, 0);
    shim_fds_leave_to_job();
    return true;
}

void shim_run(const struct shim_spec *spec)
{
    struct shim shim = {.spec = spec};

    (void)prctl(PR_SET_NAME, SHIM_NAME);
    (void)setsid();
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    shim_fds_arrange(spec);
    shim.signals = open_signals();
    bool is_ready = spec->keep == NULL || shim_keep_listen();
    if (!is_ready || shim.signals < 0 || getppid() != spec->agent) {
        _exit(1);
    }
    if (copy_checkpoint(spec) && start(&shim)) {
        follow(&shim);
        end_job(&shim);
        hand_over(&shim);
    }
    _exit(0);
}
