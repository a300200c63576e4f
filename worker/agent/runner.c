#include "worker/agent/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "worker/agent/shim.h"

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
    int streams[STREAM_COUNT][2], status[2];
};

static void close_ends(struct pipes *pipes, int end)
{
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        close_fd(&pipes->streams[i][end]);
    }
    close_fd(&pipes->status[end]);
}

static int open_pipes(struct pipes *pipes, struct err *err)
{
    *pipes = (struct pipes){{{-1, -1}, {-1, -1}, {-1, -1}}, {-1, -1}};
    for (size_t i = 0; i <= STREAM_COUNT; i++) {
        int *each = i < STREAM_COUNT ? pipes->streams[i] : pipes->status;
        if (pipe2(each, O_CLOEXEC) != 0 || fcntl(each[0], F_SETFL, O_NONBLOCK) != 0) {
            int why = errno;
            close_ends(pipes, 0);
            close_ends(pipes, 1);
            return err_set(err, ERR_IO, "no pipe for a job: %s", strerror(why));
        }
    }
    return 0;
}

void runner_init(struct runner *runner)
{
    *runner = (struct runner){.streams = {-1, -1, -1}, .status_fd = -1};
}

int runner_start(struct runner *runner, const struct runner_spec *given, struct err *err)
{
    struct pipes pipes;
    pid_t agent = getpid();
    sigset_t all;
    sigset_t before;

    runner_init(runner);
    TRY(open_pipes(&pipes, err));
    /* no handler of the agent's may run in the shim; it chooses its own signals */
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t shim = fork();
    if (shim == 0) {
        struct shim_spec spec = {.argv = given->argv,
                                 .envp = given->envp,
                                 .path = given->path,
                                 .copy = given->copy,
                                 .output_fd = pipes.streams[STREAM_OUTPUT][1],
                                 .errors_fd = pipes.streams[STREAM_ERRORS][1],
                                 .metrics_fd = pipes.streams[STREAM_METRICS][1],
                                 .status_fd = pipes.status[1],
                                 .agent = agent};
        shim_run(&spec);
    }
    int why = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    close_ends(&pipes, 1);
    if (shim < 0) {
        close_ends(&pipes, 0);
        return err_set(err, ERR_IO, "no process for a job: %s", strerror(why));
    }
    runner->shim = shim;
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        runner->streams[i] = pipes.streams[i][0];
    }
    runner->status_fd = pipes.status[0];
    return 0;
}

/* ---- running ---- */

static void take_message(struct runner *runner, const struct shim_message *message)
{
    if (message->kind == SHIM_STARTED) {
        runner->job = message->value;
    } else if (message->kind == SHIM_FAILED || message->kind == SHIM_NO_CHECKPOINT) {
        runner->spawn_errno = message->value;
        runner->lacks_checkpoint = message->kind == SHIM_NO_CHECKPOINT;
    } else {
        runner->wait_status = message->value;
        runner->peak_kib = message->peak_kib;
        runner->job = 0;
    }
}

/* The shim is gone. If it left no message, it was killed: the job's leader dies with it,
 * the rest of the group here. */
static void bury_shim(struct runner *runner)
{
    if (runner->job > 0) {
        (void)kill(-runner->job, SIGKILL);
        runner->wait_status = SIGKILL;
        runner->job = 0;
    }
    while (waitpid(runner->shim, NULL, 0) < 0 && errno == EINTR) {
    }
    runner->shim = 0;
    runner->ended = true;
    close_fd(&runner->status_fd);
}

void runner_advance(struct runner *runner)
{
    struct shim_message message;

    while (runner->status_fd >= 0) {
        ssize_t got = read(runner->status_fd, &message, sizeof message);
        if (got == (ssize_t)sizeof message) {
            take_message(runner, &message);
        } else if (got == 0) {
            bury_shim(runner);
        } else if (got > 0 || errno != EINTR) {
            return;
        }
    }
}

void runner_act(struct runner *runner, enum job_act act)
{
    if (runner->shim > 0 && act == ACT_TERMINATE) {
        (void)kill(runner->shim, SHIM_TERMINATE);
    } else if (runner->shim > 0 && act == ACT_KILL) {
        runner->killed = true;
        (void)kill(runner->shim, SHIM_KILL);
    }
}

void runner_finish(struct runner *runner)
{
    if (runner->shim > 0) {
        runner_act(runner, ACT_KILL);
        while (waitpid(runner->shim, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    if (runner->shim > 0 || runner->ended) {
        for (size_t i = 0; i < STREAM_COUNT; i++) {
            close_fd(&runner->streams[i]);
        }
        close_fd(&runner->status_fd);
    }
    runner_init(runner);
}
