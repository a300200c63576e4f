#include "common/program.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/own.h"
#include "common/syscalls.h"

extern char **environ;

/* The child's: files in memory, for which neither side waits, or nothing; and a pipe. */
struct streams {
    int input, errors; /* -1: /dev/null */
    int output;
};

static void lend(posix_spawn_file_actions_t *actions, int fd, int as, int mode)
{
    if (fd < 0) {
        (void)posix_spawn_file_actions_addopen(actions, as, "/dev/null", mode, 0);
    } else {
        (void)posix_spawn_file_actions_adddup2(actions, fd, as);
    }
}

/* In a process group of its own, with default signals: ours may be blocked or ignored. */
static int spawn(const char *const argv[], const struct streams *streams, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawn_file_actions_init(&actions);
    lend(&actions, streams->input, STDIN_FILENO, O_RDONLY);
    lend(&actions, streams->output, STDOUT_FILENO, O_WRONLY);
    lend(&actions, streams->errors, STDERR_FILENO, O_WRONLY);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK
                                                    | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    int why =
        posix_spawnp(pid, argv[0], &actions, &attributes, (char *const *)(uintptr_t)argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return why;
}

/* True: there is something to read, or the end; false: not before that moment. */
static bool is_ready(int fd, int64_t until_ms, const struct clock *clock)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    int n = -1;

    while (n < 0) {
        int64_t left_ms = until_ms - clock->monotonic_ms(clock);
        n = left_ms > 0 ? poll(&ready, 1, (int)(left_ms < INT32_MAX ? left_ms : INT32_MAX)) : 0;
        if (n < 0 && errno != EINTR) {
            return true;
        }
    }
    return n > 0;
}

/* Until it prints no more; false: not within the time. */
static bool read_all(int fd, int64_t until_ms, const struct clock *clock, struct buf *out)
{
    char chunk[4096];

    while (is_ready(fd, until_ms, clock)) {
        ssize_t got = read(fd, chunk, sizeof chunk);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return true;
        }
        if (got > 0) { /* what it has no room for is read too, so that the program can end */
            size_t room = out->max - out->len;
            buf_append(out, chunk, (size_t)got < room ? (size_t)got : room);
        }
    }
    return false;
}

/* One that has closed its output may go on. */
static bool ends_by(pid_t pid, int64_t until_ms, const struct clock *clock)
{
    OWN(fd) int fd = sys_pidfd_open(pid);

    return fd < 0 || is_ready(fd, until_ms, clock); /* too old a kernel waits without a limit */
}

static int await(pid_t pid, bool in_time)
{
    int status = -1;

    if (!in_time) {
        (void)kill(-pid, SIGKILL);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static int judge(const char *program, int status, bool in_time, int64_t limit_ms, struct err *err)
{
    if (!in_time) {
        return err_set(err, ERR_IO, "%.80s did not end within %" PRId64 " s", program,
                       limit_ms / 1000);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return err_set(err, ERR_IO, "%.80s failed with %s %d", program,
                       WIFEXITED(status) ? "status" : "signal",
                       WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
    }
    return 0;
}

static int open_files(const struct program_call *call, struct streams *streams, struct err *err)
{
    size_t len = call->input == NULL ? 0 : strlen(call->input);

    if (call->input != NULL) {
        streams->input = memfd_create("input", MFD_CLOEXEC);
    }
    if (call->errors != NULL) {
        streams->errors = memfd_create("errors", MFD_CLOEXEC);
    }
    if ((call->input != NULL && streams->input < 0) || (call->errors != NULL && streams->errors < 0)
        || (len > 0 && write(streams->input, call->input, len) != (ssize_t)len)
        || (len > 0 && lseek(streams->input, 0, SEEK_SET) != 0)) {
        return err_set(err, ERR_IO, "no file in memory for %.80s: %s", call->argv[0],
                       strerror(errno));
    }
    return 0;
}

static void read_errors(int fd, struct buf *errors)
{
    char chunk[4096];
    ssize_t got;

    (void)lseek(fd, 0, SEEK_SET);
    while ((got = read(fd, chunk, sizeof chunk)) > 0) {
        buf_append(errors, chunk, (size_t)got);
    }
}

static int run(const struct program_call *call, struct streams *streams, const struct clock *clock,
               struct buf *out, struct err *err)
{
    int ends[2];
    pid_t pid = -1;

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_set(err, ERR_IO, "no pipe for %.80s: %s", call->argv[0], strerror(errno));
    }
    streams->output = ends[1];
    int why = spawn(call->argv, streams, &pid);
    (void)close(ends[1]);
    if (why != 0) {
        (void)close(ends[0]);
        return err_set(err, why == ENOENT ? ERR_NOT_FOUND : ERR_IO, "%.80s cannot be started: %s",
                       call->argv[0], strerror(why));
    }
    int64_t until_ms = clock->monotonic_ms(clock) + call->limit_ms;
    bool in_time = read_all(ends[0], until_ms, clock, out) && ends_by(pid, until_ms, clock);
    (void)close(ends[0]);
    int status = await(pid, in_time);
    if (call->errors != NULL) {
        read_errors(streams->errors, call->errors);
    }
    return judge(call->argv[0], status, in_time, call->limit_ms, err);
}

int program_run(const struct program_call *call, const struct clock *clock, struct buf *out,
                struct err *err)
{
    struct streams streams = {-1, -1, -1};
    int rc = open_files(call, &streams, err);

    if (rc == 0) {
        rc = run(call, &streams, clock, out, err);
    }
    fd_drop(&streams.input);
    fd_drop(&streams.errors);
    return rc;
}
