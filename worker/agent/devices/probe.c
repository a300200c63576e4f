#include "worker/agent/devices/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/utf8.h"

#define OUTPUT_MAX ((size_t)256 * 1024)
#define REAP_EVERY_MS 20
#define REAP_LATER_MS 1000
#define READS_A_TIME 16
#define SHOWN_BYTES 120

void probe_init(struct probe *probe, struct loop *loop)
{
    *probe = (struct probe){.loop = loop, .fd = -1, .watch = {.fd = -1}};
    buf_init(&probe->output, OUTPUT_MAX);
}

static void close_output(struct probe *probe)
{
    loop_unwatch(probe->loop, &probe->watch);
    if (probe->fd >= 0) {
        (void)close(probe->fd);
        probe->fd = -1;
    }
}

static void kill_it(const struct probe *probe)
{
    if (probe->pid > 0) {
        (void)kill(-probe->pid, SIGKILL);
        (void)kill(probe->pid, SIGKILL); /* it may not lead its group yet */
    }
}

/* True once there is no child any more. */
static bool reap(struct probe *probe)
{
    int status = 0;

    if (probe->pid > 0 && waitpid(probe->pid, &status, WNOHANG) == 0) {
        return false;
    }
    if (probe->pid > 0) {
        (void)kill(-probe->pid, SIGKILL); /* whatever it has started */
        probe->wait_status = status;
    }
    probe->pid = 0;
    return true;
}

void probe_finish(struct probe *probe)
{
    if (probe->loop == NULL) {
        return;
    }
    kill_it(probe);
    close_output(probe);
    for (int i = 0; i < 50 && !reap(probe); i++) { /* one that the driver keeps is left behind */
        (void)usleep(REAP_EVERY_MS * 100);
    }
    buf_finish(&probe->output);
    *probe = (struct probe){.fd = -1};
}

/* Reads what is there. At the end of the stream the program is about to end. */
static void on_output(void *context)
{
    struct probe *probe = context;
    char bytes[4096];

    for (int i = 0; i < READS_A_TIME; i++) {
        ssize_t n = read(probe->fd, bytes, sizeof bytes);
        if (n > 0) {
            buf_append(&probe->output, bytes, (size_t)n);
            if (probe->output.failed) {
                probe->until_ms = 0; /* it is enough */
                return;
            }
            continue;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            close_output(probe);
            probe->look_at_ms = 0;
        }
        return;
    }
}

/* ---- starting ---- */

_Noreturn static void become(char *const argv[], int output, pid_t agent)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigset_t none;

    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
    if (getppid() == agent && null >= 0 && dup2(null, 0) == 0 && dup2(output, 1) == 1
        && dup2(null, 2) == 2) {
        (void)execve(argv[0], argv, environ);
    }
    _exit(127);
}

int probe_start(struct probe *probe, char *const argv[], int64_t until_ms, struct err *err)
{
    int ends[2];
    pid_t agent = getpid();

    if (!reap(probe)) {
        return err_set(err, ERR_IO, "it has not come back from the driver since it was last run");
    }
    close_output(probe);
    buf_clear(&probe->output);
    buf_finish(&probe->output);
    buf_init(&probe->output, OUTPUT_MAX);
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_set(err, ERR_IO, "no pipe for it: %s", strerror(errno));
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pid_t pid = fork();
    if (pid == 0) {
        become(argv, ends[1], agent);
    }
    int why = errno;
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return err_set(err, ERR_IO, "no process for it: %s", strerror(why));
    }
    (void)setpgid(pid, pid);
    probe->pid = pid;
    probe->fd = ends[0];
    probe->is_over = probe->timed_out = false;
    probe->until_ms = until_ms;
    probe->look_at_ms = INT64_MAX;
    if (loop_watch(probe->loop, &probe->watch, probe->fd, on_output, probe, err) != 0) {
        kill_it(probe);
        probe->is_over = true;
        return -1;
    }
    return 0;
}

/* ---- its end ---- */

void probe_tick(struct probe *probe)
{
    int64_t now_ms = loop_now(probe->loop);

    if (probe->pid == 0 || (now_ms < probe->look_at_ms && now_ms < probe->until_ms)) {
        return;
    }
    if (probe->fd < 0 && reap(probe)) {
        probe->is_over = true;
    } else if (probe->is_over) {
        (void)reap(probe);
    } else if (now_ms >= probe->until_ms) {
        kill_it(probe);
        close_output(probe);
        probe->is_over = probe->timed_out = true;
        probe->until_ms = INT64_MAX;
    }
    probe->look_at_ms = now_ms + (probe->is_over ? REAP_LATER_MS : REAP_EVERY_MS);
}

int64_t probe_deadline(const struct probe *probe)
{
    if (probe->pid == 0) {
        return INT64_MAX;
    }
    return probe->look_at_ms < probe->until_ms ? probe->look_at_ms : probe->until_ms;
}

static int tell_failure(const struct probe *probe, struct err *err)
{
    char first[SHOWN_BYTES + 1];

    (void)snprintf(first, sizeof first, "%s", buf_text(&probe->output));
    first[strcspn(first, "\r\n")] = '\0';
    first[utf8_clean(first, strlen(first))] = '\0';
    if (WIFSIGNALED(probe->wait_status)) {
        return err_set(err, ERR_IO, "it was ended by signal %d", WTERMSIG(probe->wait_status));
    }
    return err_set(err, ERR_IO, "it ended with status %d%s%s", WEXITSTATUS(probe->wait_status),
                   first[0] == '\0' ? "" : ": ", first);
}

int probe_output(const struct probe *probe, bool may_fail, const char **text, struct err *err)
{
    if (probe->output.failed) {
        return err_set(err, ERR_IO, "it printed more than %zu bytes", OUTPUT_MAX);
    }
    if (probe->timed_out) {
        return err_set(err, ERR_IO, "it did not answer in time and was killed");
    }
    if (probe->wait_status != 0 && !(may_fail && WIFEXITED(probe->wait_status))) {
        return tell_failure(probe, err);
    }
    *text = buf_text(&probe->output);
    return 0;
}
