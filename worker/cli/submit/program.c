#include "worker/cli/submit/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/own.h"

enum { WAIT_MS = 60000, NOT_FOUND = 127, READ_BYTES = 4096 };

/* Files in memory, so that neither side ever waits for the other. */
struct streams {
    int in, out, errors;
};

static int open_streams(const char *input, struct streams *streams, struct err *err)
{
    streams->in = memfd_create("in", MFD_CLOEXEC);
    streams->out = memfd_create("out", MFD_CLOEXEC);
    streams->errors = memfd_create("errors", MFD_CLOEXEC);
    size_t length = input == NULL ? 0 : strlen(input);
    if (streams->in < 0 || streams->out < 0 || streams->errors < 0
        || (length > 0 && write(streams->in, input, length) != (ssize_t)length)
        || lseek(streams->in, 0, SEEK_SET) != 0) {
        return err_set(err, ERR_IO, "cannot make a file in memory: %s", strerror(errno));
    }
    return 0;
}

static void read_all(int fd, struct buf *out)
{
    char bytes[READ_BYTES];
    ssize_t n;

    (void)lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, bytes, sizeof bytes)) > 0) {
        buf_append(out, bytes, (size_t)n);
    }
}

static void become(const char *const argv[], const struct streams *streams)
{
    if (dup2(streams->in, STDIN_FILENO) >= 0 && dup2(streams->out, STDOUT_FILENO) >= 0
        && dup2(streams->errors, STDERR_FILENO) >= 0) {
        (void)execvp(argv[0], (char *const *)(uintptr_t)argv);
    }
    _exit(errno == ENOENT ? NOT_FOUND : EXIT_FAILURE);
}

/* *status ← as waitpid() has it. */
static int await(pid_t child, const char *name, int *status, struct err *err)
{
    OWN(fd) int fd = (int)syscall(SYS_pidfd_open, child, 0);
    struct pollfd end = {.fd = fd, .events = POLLIN};
    int ready = fd < 0 ? 1 : poll(&end, 1, WAIT_MS); /* too old a kernel waits without a bound */

    if (ready == 0) {
        (void)kill(child, SIGKILL);
    }
    while (waitpid(child, status, 0) < 0 && errno == EINTR) {
    }
    return ready == 0 ? err_set(err, ERR_IO, "%s did not end within a minute", name) : 0;
}

/* The first line that the program wrote to standard error, or to standard output. */
static int said(const char *name, const struct streams *streams, int status, struct err *err)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, 1 << 16);
    read_all(streams->errors, &text);
    if (*buf_text(&text) == '\0') {
        read_all(streams->out, &text);
    }
    const char *line = buf_text(&text);
    if (*line == '\0') {
        return err_set(err, ERR_IO, "%s failed with status %d", name, WEXITSTATUS(status));
    }
    return err_set(err, ERR_IO, "%s said: %.*s", name, (int)strcspn(line, "\n"), line);
}

static int run(const char *const argv[], const struct streams *streams, struct buf *out,
               struct err *err)
{
    int status = 0;
    pid_t child = fork();

    if (child < 0) {
        return err_set(err, ERR_IO, "cannot start %s: %s", argv[0], strerror(errno));
    }
    if (child == 0) {
        become(argv, streams);
    }
    TRY(await(child, argv[0], &status, err));
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no %s here; run this on a login node of the cluster, or take the "
                       "script there (--dry-run shows it)",
                       argv[0]);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        return said(argv[0], streams, status, err);
    }
    read_all(streams->out, out);
    return 0;
}

int program_run(const char *const argv[], const char *input, struct buf *out, struct err *err)
{
    struct streams streams = {-1, -1, -1};
    int rc = open_streams(input, &streams, err);

    if (rc == 0) {
        rc = run(argv, &streams, out, err);
    }
    fd_drop(&streams.in);
    fd_drop(&streams.out);
    fd_drop(&streams.errors);
    return rc;
}
