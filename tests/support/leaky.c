/* A job that leaves processes behind: leaky SHAPE stay|FILE READY
 *
 * Makes the processes of the shape, appends a line to READY when all are there, then waits to be
 * killed, or exits with 0 as soon as there is a FILE. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POOL 4
#define SESSIONS 50
#define POLL_NS 2000000L
#define RELAY_NS 2000000L

static int ready[2]; /* each process that is there writes a byte */

static void say_ready(void)
{
    ssize_t written = write(ready[1], ".", 1);
    (void)written;
    (void)close(ready[1]);
}

static _Noreturn void stay(void)
{
    say_ready();
    for (;;) {
        (void)pause();
    }
}

static void ignore_all(void)
{
    for (int number = 1; number < NSIG; number++) {
        if (number != SIGCHLD) {
            (void)signal(number, SIG_IGN);
        }
    }
}

static void ignore_usual(void)
{
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
}

static void close_output(void)
{
    for (int fd = 0; fd < 16; fd++) {
        if (fd != ready[1]) {
            (void)close(fd);
        }
    }
}

/* Each shape returns how many processes will say that they are ready. */

static int alone(void)
{
    return 0;
}

static int with_child(void)
{
    if (fork() == 0) {
        stay();
    }
    return 1;
}

static int with_session(void)
{
    if (fork() == 0) {
        (void)setsid();
        stay();
    }
    return 1;
}

static int with_nohup(void)
{
    if (fork() == 0) {
        (void)signal(SIGHUP, SIG_IGN);
        stay();
    }
    return 1;
}

static int deaf(void)
{
    ignore_usual();
    return with_child();
}

static void become_daemon(bool is_deaf)
{
    pid_t first = fork();

    if (first == 0) {
        (void)setsid();
        if (fork() != 0) {
            _exit(0);
        }
        if (is_deaf) {
            ignore_all();
        }
        close_output();
        stay();
    }
    (void)waitpid(first, NULL, 0);
}

static int with_daemon(void)
{
    become_daemon(false);
    return 1;
}

static int with_deaf_daemon(void)
{
    become_daemon(true);
    return 1;
}

static int with_pool(void)
{
    for (int i = 0; i < POOL; i++) {
        (void)with_child();
    }
    return POOL;
}

static int with_stopped(void)
{
    for (int i = 0; i < 2; i++) {
        if (fork() == 0) {
            say_ready();
            (void)raise(SIGSTOP);
            stay();
        }
    }
    return 2;
}

static int with_subreaper(void)
{
    if (fork() == 0) {
        (void)setsid();
        (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
        ignore_all();
        become_daemon(true);
        stay();
    }
    return 2;
}

/* Each process makes the next one and exits. */
static int with_relay(void)
{
    const struct timespec pause = {.tv_nsec = RELAY_NS};

    if (fork() == 0) {
        (void)setsid();
        ignore_usual();
        say_ready();
        for (;;) {
            if (fork() != 0) {
                _exit(0);
            }
            (void)nanosleep(&pause, NULL);
        }
    }
    return 1;
}

static int with_sessions(void)
{
    for (int i = 0; i < SESSIONS; i++) {
        (void)with_session();
    }
    return SESSIONS;
}

static int with_cleared_pdeathsig(void)
{
    (void)prctl(PR_SET_PDEATHSIG, 0);
    return with_session();
}

/* Nothing tells whose it is but that it is a descendant. */
static int with_bare_environment(void)
{
    if (fork() == 0) {
        char program[] = "sleep";
        char seconds[] = "1000";
        char *const arguments[] = {program, seconds, NULL};
        char *const nothing[] = {NULL};
        (void)setsid();
        say_ready();
        (void)execve("/bin/sleep", arguments, nothing);
        _exit(127);
    }
    return 1;
}

static const struct {
    const char *name;
    int (*make)(void);
} shapes[] = {
    {"exec", alone},
    {"child", with_child},
    {"setsid", with_session},
    {"nohup", with_nohup},
    {"deaf", deaf},
    {"daemon", with_daemon},
    {"deaf-daemon", with_deaf_daemon},
    {"pool", with_pool},
    {"stopped", with_stopped},
    {"subreaper", with_subreaper},
    {"relay", with_relay},
    {"sessions", with_sessions},
    {"pdeathsig", with_cleared_pdeathsig},
    {"bare", with_bare_environment},
};

static void await(int n)
{
    char one;

    while (n > 0) {
        ssize_t got = read(ready[0], &one, 1);
        n -= got == 1 ? 1 : 0;
        if (got <= 0 && errno != EINTR) {
            exit(1);
        }
    }
}

static void await_file(const char *path)
{
    const struct timespec pause = {.tv_nsec = POLL_NS};

    while (access(path, F_OK) != 0) {
        (void)nanosleep(&pause, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "list") == 0) {
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            puts(shapes[i].name);
        }
        return 0;
    }
    if (argc != 4 || pipe(ready) != 0) {
        return 2;
    }
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (strcmp(argv[1], shapes[i].name) == 0) {
            int n = shapes[i].make();
            await(n);
        }
    }
    int fd = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%s\n", argv[1]) < 0) {
        return 2;
    }
    printf("hone: accuracy=1\n");
    (void)fflush(stdout);
    while (strcmp(argv[2], "stay") == 0) {
        (void)pause();
    }
    await_file(argv[2]);
    return 0;
}
