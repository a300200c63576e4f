#include "worker/cli/verbs/run_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/http/client.h"
#include "worker/cli/show/tail.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"

enum { LINE_BYTES = 1 << 16, TAIL_LINES = 5 };

/* ---- in the child --------------------------------------------------------------------------- */

static struct agent *running_agent; /* for the signal handler */

static void stop_agent(int signal_number)
{
    (void)signal_number;
    agent_stop(running_agent);
}

static void hurry_agent(int signal_number)
{
    (void)signal_number;
    agent_hurry(running_agent);
}

/* Prints only trials that did not go well; the display shows the rest. */
static void print_event(void *context, const struct agent_event *event)
{
    (void)context;
    if (event->kind != AGENT_ENDED || event->grant == NULL || agent_event_is_success(event)) {
        return;
    }
    OWN(buf) struct buf text = {0};
    buf_init(&text, LINE_BYTES);
    buf_printf(&text, "trial %" PRId64 " %s", event->grant->trial,
               strcmp(event->outcome, "completed") == 0 ? event->state : event->outcome);
    if (event->detail != NULL && *event->detail != '\0') {
        buf_printf(&text, ": %s", event->detail);
    }
    if (event->log_path[0] != '\0') {
        buf_printf(&text, "; its output is in %s\n", event->log_path);
        tail_append(&text, event->log_path, TAIL_LINES, "  | ");
    } else {
        buf_puts(&text, "; it printed nothing\n");
    }
    text_print_page(stderr, buf_text(&text));
}

static int serve(const struct agent_settings *settings, const char *token_file, struct err *err)
{
    char token[HTTP_TOKEN_BYTES] = "";
    OWN(agent) struct agent *agent = NULL;
    struct sigaction action = {.sa_handler = stop_agent};
    struct sigaction hurry = {.sa_handler = hurry_agent};
    struct agent_settings whole = *settings;

    if (*token_file != '\0') {
        TRY(http_token_load(token_file, token, err));
    }
    whole.token = token;
    whole.on_event = print_event;
    TRY(agent_create(&whole, &agent, err));
    running_agent = agent;
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGUSR1, &hurry, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* the reader of the pipe may have ended */
    (void)signal(SIGXFSZ, SIG_IGN); /* a limit on files is a full disk, and no end of the worker */
    if (agent_run(agent, err) == 0) {
        return 0;
    }
    if (err->code == ERR_FORBIDDEN) {
        size_t used = strlen(err->text);
        (void)snprintf(err->text + used, sizeof err->text - used,
                       "; 'hone run' creates a study and works on it: make a token with 'hone "
                       "token create NAME --scope submit --scope worker'");
    }
    return -1;
}

static _Noreturn void become_worker(const struct agent_settings *settings, const char *token_file,
                                    int output, pid_t parent)
{
    struct err err = {0};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    (void)setpgid(0, 0);
    (void)signal(SIGINT, SIG_DFL);
    (void)signal(SIGTERM, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent || null < 0
        || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) {
        _exit(EXIT_STATUS_FAILED);
    }
    int status = exit_after(serve(settings, token_file, &err), &err);
    (void)fflush(stderr);
    _exit(status);
}

/* ---- in the parent -------------------------------------------------------------------------- */

static struct {
    volatile pid_t pid; /* 0: none, or gone */
    int output;         /* its stdout and stderr; -1: it has ended */
    struct buf pending; /* half a line */
} worker = {.output = -1};
static volatile sig_atomic_t interrupted;

static void forward(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
    if (worker.pid > 0) {
        (void)kill(worker.pid, SIGTERM);
    }
}

int run_worker_start(const struct agent_settings *settings, const char *token_file, struct err *err)
{
    int ends[2];
    struct sigaction action = {.sa_handler = forward};
    pid_t parent = getpid();

    if (pipe2(ends, O_CLOEXEC) != 0) {
        return err_set(err, ERR_IO, "cannot make a pipe: %s", strerror(errno));
    }
    (void)fflush(NULL);
    (void)signal(SIGUSR1, SIG_IGN); /* until the worker has its handler */
    pid_t pid = fork();
    if (pid == 0) {
        become_worker(settings, token_file, ends[1], parent);
    }
    (void)close(ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return err_set(err, ERR_IO, "cannot start a process: %s", strerror(errno));
    }
    worker.pid = pid;
    worker.output = ends[0];
    buf_init(&worker.pending, LINE_BYTES);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    return 0;
}

bool run_worker_has_output(void)
{
    return worker.output >= 0;
}

bool run_worker_was_interrupted(void)
{
    return interrupted != 0;
}

static void fall_silent(void)
{
    if (worker.output >= 0) {
        (void)close(worker.output);
        worker.output = -1;
    }
}

static void pass_lines(void (*on_line)(void *context, const char *line, size_t len), void *context)
{
    const char *end;

    while (worker.pending.len > 0
           && (end = memchr(worker.pending.data, '\n', worker.pending.len)) != NULL) {
        size_t len = (size_t)(end - worker.pending.data);
        on_line(context, worker.pending.data, len);
        buf_consume(&worker.pending, len + 1);
    }
    if (worker.pending.failed) { /* a line without end is not ours to keep */
        buf_finish(&worker.pending);
        buf_init(&worker.pending, LINE_BYTES);
    }
}

void run_worker_read(int timeout_ms, void (*on_line)(void *context, const char *line, size_t len),
                     void *context)
{
    struct pollfd ready = {.fd = worker.output, .events = POLLIN};
    char chunk[4096];

    if (poll(&ready, 1, timeout_ms) <= 0) {
        return;
    }
    ssize_t len = read(worker.output, chunk, sizeof chunk);
    if (len > 0) {
        buf_append(&worker.pending, chunk, (size_t)len);
        pass_lines(on_line, context);
    } else if (len == 0 || errno != EINTR) {
        fall_silent();
    }
}

int run_worker_await(void)
{
    int status = 0;

    if (worker.pid <= 0) {
        return 0;
    }
    while (waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
    }
    worker.pid = 0;
    fall_silent();
    buf_finish(&worker.pending);
    return WIFEXITED(status) ? WEXITSTATUS(status) : (int)EXIT_STATUS_FAILED;
}

void run_worker_hurry(void)
{
    if (worker.pid > 0) {
        (void)kill(worker.pid, SIGUSR1);
    }
}

void run_worker_stop(void)
{
    if (worker.pid > 0) {
        (void)kill(worker.pid, SIGTERM);
        (void)run_worker_await();
    }
}
