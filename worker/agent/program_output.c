#include "worker/agent/program_output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "worker/agent/argv_list.h"

extern char **environ;

/* In a process group of its own, with default signals: ours may be blocked or ignored. */
static int spawn(char *const argv[], int output, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t all;

    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    (void)posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK
                                                    | POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &all);
    int why = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return why;
}

/* Until it prints no more; false: not within the time. */
static bool read_all(int fd, int64_t until_ms, const struct clock *clock, struct buf *out)
{
    for (;;) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        char chunk[4096];
        int64_t left_ms = until_ms - clock->monotonic_ms(clock);
        int n = left_ms > 0 ? poll(&ready, 1, (int)(left_ms < INT32_MAX ? left_ms : INT32_MAX)) : 0;
        if (n == 0) {
            return false;
        }
        ssize_t got = n > 0 ? read(fd, chunk, sizeof chunk) : -1;
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return true;
        }
        if (got > 0) { /* what it has no room for is read too, so that the program can end */
            size_t room = out->max - out->len;
            buf_append(out, chunk, (size_t)got < room ? (size_t)got : room);
        }
    }
}

/* One that has closed its output and goes on is given no more time. */
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

int program_output(const char *const argv[], int64_t limit_ms, const struct clock *clock,
                   struct buf *out, struct err *err)
{
    OWN(argv_list) struct argv_list words = {0};
    int ends[2];
    pid_t pid = -1;

    for (size_t i = 0; argv[i] != NULL; i++) {
        argv_list_add(&words, argv[i]);
    }
    TRY(argv_list_check(&words, err));

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_set(err, ERR_IO, "no pipe for %.80s: %s", argv[0], strerror(errno));
    }
    int why = spawn(words.items, ends[1], &pid);
    (void)close(ends[1]);
    if (why != 0) {
        (void)close(ends[0]);
        return err_set(err, ERR_IO, "%.80s cannot be started: %s", argv[0], strerror(why));
    }
    bool in_time = read_all(ends[0], clock->monotonic_ms(clock) + limit_ms, clock, out);
    (void)close(ends[0]);
    return judge(argv[0], await(pid, in_time), in_time, limit_ms, err);
}
