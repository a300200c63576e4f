#include "worker/agent/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "worker/agent/boundary/cgroup.h"
#include "worker/agent/orphans.h"
#include "worker/agent/process_title.h"
#include "worker/agent/shim.h"

#define LINGER_MS 1000 /* what outlives a job's leader may hold its output open for so long */
#define EMPTY_MS 10000 /* after SIGKILL, before something counts as unkillable */
#define CLEAN_EVERY_MS 5

/* ---- finding ---- */

static bool is_program(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

static bool find_in(const char *folders, const char *program, struct buf *path)
{
    while (folders != NULL) {
        const char *colon = strchr(folders, ':');
        size_t len = colon == NULL ? strlen(folders) : (size_t)(colon - folders);
        buf_clear(path);
        if (len > 0) {
            buf_append(path, folders, len);
            buf_putc(path, '/');
        }
        buf_puts(path, program);
        if (!path->failed && is_program(buf_text(path))) {
            return true;
        }
        folders = colon == NULL ? NULL : colon + 1;
    }
    return false;
}

int runner_find(const char *program, char **path, struct err *err)
{
    const char *folders = getenv("PATH");
    OWN(buf) struct buf found;
    bool is_there;

    buf_init(&found, 4095);
    if (strchr(program, '/') != NULL) {
        buf_puts(&found, program);
        is_there = is_program(program);
    } else {
        is_there =
            find_in(folders == NULL ? "/usr/local/bin:/usr/bin:/bin" : folders, program, &found);
    }
    if (!is_there) {
        bool exists = strchr(program, '/') != NULL && access(program, F_OK) == 0;
        return err_set(err, ERR_INVALID, "the program \"%.200s\" %s", program,
                       exists ? "is not executable; chmod +x it or name its interpreter first"
                              : "was not found; give its path, or check PATH");
    }
    *path = buf_steal(&found);
    return *path == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

/* ---- starting ---- */

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

struct pipes {
    int streams[STREAM_COUNT][2], channel[2];
};

static void close_ends(struct pipes *pipes, int end)
{
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        close_fd(&pipes->streams[i][end]);
    }
    close_fd(&pipes->channel[end]);
}

static int open_pipes(struct pipes *pipes, struct err *err)
{
    bool opened = true;

    *pipes = (struct pipes){{{-1, -1}, {-1, -1}, {-1, -1}}, {-1, -1}};
    for (size_t i = 0; i < STREAM_COUNT && opened; i++) {
        opened = pipe2(pipes->streams[i], O_CLOEXEC) == 0
                 && fcntl(pipes->streams[i][0], F_SETFL, O_NONBLOCK) == 0;
    }
    opened = opened && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pipes->channel) == 0;
    if (!opened) {
        int why = errno;
        close_ends(pipes, 0);
        close_ends(pipes, 1);
        return err_set(err, ERR_IO, "no pipe for a job: %s", strerror(why));
    }
    return 0;
}

void runner_init(struct runner *runner)
{
    *runner = (struct runner){.streams = {-1, -1, -1}, .status_fd = -1, .oom_kills = -1};
}

static int make_leaf(struct runner *runner, const struct runner_spec *given, struct err *err)
{
    const struct boundary *boundary = given->boundary;

    if (boundary->kind != BOUNDARY_CGROUP) {
        return 0;
    }
    return cgroup_make_leaf(boundary->base, given->attempt_id, boundary->memory_bytes,
                            boundary->processes, &runner->leaf, err);
}

static void drop_leaf(struct runner *runner)
{
    if (runner->leaf != NULL) {
        (void)cgroup_remove(runner->leaf);
        free(runner->leaf);
        runner->leaf = NULL;
    }
}

static _Noreturn void run_shim(const struct runner_spec *given, const struct runner *runner,
                               const struct pipes *pipes, const struct process_title *title,
                               pid_t agent)
{
    struct shim_spec spec = {.argv = given->argv,
                             .envp = given->envp,
                             .path = given->path,
                             .copy = given->copy,
                             .boundary = given->boundary,
                             .leaf = runner->leaf,
                             .channel = pipes->channel[1],
                             .agent = agent,
                             .linger_ms = LINGER_MS,
                             .empty_ms = given->empty_ms > 0 ? given->empty_ms : EMPTY_MS};

    for (size_t i = 0; i < STREAM_COUNT; i++) {
        spec.writers[i] = pipes->streams[i][1];
        spec.readers[i] = pipes->streams[i][0];
    }
    process_title_set(title, SHIM_NAME);
    shim_run(&spec);
}

/* No handler of the agent's may run in the shim, so all signals are blocked; it chooses its own. */
static pid_t fork_shim(const struct runner_spec *given, const struct runner *runner,
                       const struct pipes *pipes)
{
    struct process_title title;
    pid_t agent = getpid();
    sigset_t all;
    sigset_t before;

    process_title_find(&title);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t shim = fork();
    if (shim == 0) {
        run_shim(given, runner, pipes, &title, agent);
    }
    int why = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = why;
    return shim;
}

int runner_start(struct runner *runner, const struct runner_spec *given, struct err *err)
{
    struct pipes pipes;

    runner_init(runner);
    TRY(open_pipes(&pipes, err));
    (void)snprintf(runner->attempt_id, sizeof runner->attempt_id, "%s", given->attempt_id);
    int rc = make_leaf(runner, given, err);
    pid_t shim = rc == 0 ? fork_shim(given, runner, &pipes) : 0;
    int why = errno;
    close_ends(&pipes, 1);
    if (rc != 0 || shim < 0) {
        close_ends(&pipes, 0);
        drop_leaf(runner);
        return rc != 0 ? rc : err_set(err, ERR_IO, "no process for a job: %s", strerror(why));
    }
    orphans_own(shim);
    runner->shim = shim;
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        runner->streams[i] = pipes.streams[i][0];
    }
    runner->status_fd = pipes.channel[0];
    return 0;
}

/* ---- running ---- */

static void take_message(struct runner *runner, const struct shim_message *message)
{
    if (message->kind == SHIM_STARTED) {
        runner->job = message->value;
    } else if (message->kind == SHIM_UNKILLABLE) {
        runner->survivor = message->value;
    } else if (message->kind == SHIM_FAILED || message->kind == SHIM_NO_CHECKPOINT) {
        runner->spawn_errno = message->value;
        runner->lacks_checkpoint = message->kind == SHIM_NO_CHECKPOINT;
        runner->told = true;
    } else {
        runner->wait_status = message->value;
        runner->peak_kib = message->peak_kib;
        runner->told = true;
        runner->ended = runner->survivor != 0; /* else when the shim ends */
    }
}

static void end_cleanly(struct runner *runner)
{
    if (runner->leaf != NULL) {
        runner->oom_kills = cgroup_oom_kills(runner->leaf);
        drop_leaf(runner);
    }
    runner->ended = true;
}

/* The shim is gone. If it did not say how the job ended, it was killed, and its leader with it; the
 * rest has become the agent's. */
static void bury_shim(struct runner *runner)
{
    while (waitpid(runner->shim, NULL, 0) < 0 && errno == EINTR) {
    }
    orphans_disown(runner->shim);
    runner->shim = 0;
    close_fd(&runner->status_fd);
    if (runner->told) {
        end_cleanly(runner);
        return;
    }
    runner->wait_status = SIGKILL;
    runner->cleaning = true;
    runner->clean_at_ms = 0;
    runner->give_up_at_ms = INT64_MAX;
}

void runner_tick(struct runner *runner, int64_t now_ms)
{
    if (!runner->cleaning || runner->ended) {
        return;
    }
    if (runner->give_up_at_ms == INT64_MAX) {
        runner->give_up_at_ms = now_ms + EMPTY_MS;
    }
    runner->survivor = orphans_kill(runner->attempt_id, runner->leaf);
    runner->clean_at_ms = now_ms + CLEAN_EVERY_MS;
    if (runner->survivor == 0 || now_ms >= runner->give_up_at_ms) {
        end_cleanly(runner);
    }
}

int64_t runner_deadline(const struct runner *runner)
{
    return runner->cleaning && !runner->ended ? runner->clean_at_ms : INT64_MAX;
}

void runner_advance(struct runner *runner)
{
    struct shim_message message;

    while (runner->status_fd >= 0) {
        ssize_t got = recv(runner->status_fd, &message, sizeof message, MSG_DONTWAIT);
        if (got == (ssize_t)sizeof message) {
            take_message(runner, &message);
        } else if (got == 0 || (got < 0 && errno == ECONNRESET)) {
            bury_shim(runner);
        } else if (got > 0 || errno != EINTR) {
            return;
        }
    }
}

static void tell_shim(const struct runner *runner, enum shim_command command)
{
    int32_t sent = (int32_t)command;

    if (runner->shim > 0 && runner->status_fd >= 0) {
        (void)send(runner->status_fd, &sent, sizeof sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
}

void runner_act(struct runner *runner, enum job_act act)
{
    if (act == ACT_TERMINATE) {
        tell_shim(runner, SHIM_TERMINATE);
    } else if (act == ACT_KILL) {
        runner->killed = true;
        tell_shim(runner, SHIM_KILL);
    }
}

/* Until the shim has ended, or says that it cannot end. */
static void wait_for_shim(struct runner *runner)
{
    while (runner->shim > 0 && runner->survivor == 0) {
        struct pollfd channel = {.fd = runner->status_fd, .events = POLLIN};
        (void)poll(&channel, 1, -1);
        runner_advance(runner);
    }
}

void runner_finish(struct runner *runner)
{
    if (runner->shim > 0) {
        runner_act(runner, ACT_KILL);
        wait_for_shim(runner);
    }
    if (runner->cleaning && !runner->ended) {
        (void)orphans_end(runner->attempt_id, runner->leaf, EMPTY_MS);
    }
    if (runner->attempt_id[0] != '\0') { /* it was started */
        for (size_t i = 0; i < STREAM_COUNT; i++) {
            close_fd(&runner->streams[i]);
        }
        close_fd(&runner->status_fd);
    }
    drop_leaf(runner);
    runner_init(runner);
}
