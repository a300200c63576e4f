/* hone report: sends the agent what the job measured, and prints what the server wants of the job.
 * Called by the job itself, so it finds the agent through the job's environment. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/buf.h"
#include "common/json.h"
#include "common/own.h"
#include "worker/cli/options.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"
#include "worker/report/reader.h"

enum { EXIT_STOP = 3, EXIT_PAUSE = 4, ANSWER_BYTES = 4096, PATIENCE_SECONDS = 10 };

const struct usage usage_report = {
    .arguments = "[NAME=NUMBER...]",
    .doc = "Reports a measurement from within a job: hone report step=4 loss=0.31, or one JSON "
           "object.\v"
           "Then prints what the server wants, and leaves with 0 to continue, 3 to stop, 4 to "
           "pause (save a checkpoint first). A missing step is the last one plus 1. Without "
           "arguments it only prints and leaves.",
    .n_min = 0,
    .n_max = -1,
    .missing = "",
};

/* A name that has blanks or separators goes in quotes: the shell took away those it had. */
static void append_argument(struct buf *line, const char *argument)
{
    const char *equals = strchr(argument, '=');
    size_t name = equals == NULL ? 0 : (size_t)(equals - argument);

    if (name > 0 && strcspn(argument, " ,;") < name && strchr("{\"'", *argument) == NULL) {
        buf_putc(line, '"');
        for (size_t i = 0; i < name; i++) {
            buf_puts(line, argument[i] == '"' || argument[i] == '\\' ? "\\" : "");
            buf_putc(line, argument[i]);
        }
        buf_putc(line, '"');
        argument = equals;
    }
    buf_puts(line, argument);
}

static int read_arguments(const struct options *options, struct buf *line, struct err *err)
{
    struct metric_report report;

    for (int i = 0; i < options->n_arguments; i++) {
        buf_puts(line, i == 0 ? "" : " ");
        append_argument(line, options->arguments[i]);
    }
    TRY(buf_check(line, err));
    if (line->len > 0 && report_read(&report, line->data, line->len) && report.n_faults > 0) {
        return err_set(err, ERR_INVALID, "hone report: %s", report.faults[0].text);
    }
    for (size_t i = 0; i < line->len; i++) { /* one report is one line */
        line->data[i] = line->data[i] == '\n' ? ' ' : line->data[i];
    }
    if (line->len > 0) {
        buf_putc(line, '\n');
    }
    return buf_check(line, err);
}

/* ---- through the agent's socket ---- */

static int connect_to(const char *name, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    size_t len = strlen(name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (len + 1 >= sizeof address.sun_path) {
        len = sizeof address.sun_path - 1;
    }
    memcpy(address.sun_path + 1, name, len);
    if (fd >= 0
        && (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0
            || connect(fd, (const struct sockaddr *)&address,
                       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len))
                   != 0)) {
        int why = errno;
        (void)close(fd);
        errno = why;
        fd = -1;
    }
    if (fd < 0) {
        return err_set(err, ERR_UNREACHABLE, "hone report: the worker does not listen: %s",
                       strerror(errno));
    }
    return fd;
}

static int exchange(const char *name, const struct buf *line, struct buf *answer, struct err *err)
{
    OWN(fd) int fd = connect_to(name, err);
    char bytes[512];

    if (fd < 0) {
        return -1;
    }
    if (send(fd, line->data, line->len, MSG_NOSIGNAL) != (ssize_t)line->len) {
        return err_set(err, ERR_UNREACHABLE, "hone report: the worker hung up");
    }
    for (ssize_t got = recv(fd, bytes, sizeof bytes, 0); got > 0;
         got = recv(fd, bytes, sizeof bytes, 0)) {
        buf_append(answer, bytes, (size_t)got);
    }
    if (answer->len == 0) {
        return err_set(err, ERR_UNREACHABLE, "hone report: the worker did not answer");
    }
    if (strncmp(buf_text(answer), "error: ", 7) == 0) {
        return err_set(err, ERR_INVALID, "hone report: %.*s", (int)answer->len - 8,
                       answer->data + 7);
    }
    return buf_check(answer, err);
}

/* ---- without it ---- */

static int write_to_fd(const char *number, const struct buf *line, struct err *err)
{
    char *end = NULL;
    long fd = strtol(number, &end, 10);

    if (*end != '\0' || fd < 0 || fd > 1 << 20
        || write((int)fd, line->data, line->len) != (ssize_t)line->len) {
        return err_set(err, ERR_UNREACHABLE,
                       "hone report: neither the worker's socket nor the descriptor %s is open "
                       "here",
                       number);
    }
    return 0;
}

static int read_control(struct buf *answer, struct err *err)
{
    const char *path = getenv("HONE_CONTROL_FILE");
    char bytes[512];
    OWN(fd) int fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return err_set(err, ERR_INVALID,
                       "hone report: this is no job of a worker (no HONE_CONTROL_FILE); run the "
                       "program with 'hone worker' or 'hone run'");
    }
    for (ssize_t got = read(fd, bytes, sizeof bytes); got > 0;
         got = read(fd, bytes, sizeof bytes)) {
        buf_append(answer, bytes, (size_t)got);
    }
    return buf_check(answer, err);
}

static int tell_agent(const struct buf *line, struct buf *answer, struct err *err)
{
    const char *name = getenv("HONE_REPORT_SOCKET");
    const char *number = getenv("HONE_METRICS_FD");

    if (line->len == 0 || (name == NULL && number == NULL)) {
        return read_control(answer, err);
    }
    if (name != NULL && exchange(name, line, answer, err) == 0) {
        return 0;
    }
    if (name != NULL && err->code != ERR_UNREACHABLE) {
        return -1;
    }
    if (number == NULL) {
        return err->code == ERR_NONE
                   ? err_set(err, ERR_UNREACHABLE, "hone report: there is no worker here")
                   : -1;
    }
    TRY(write_to_fd(number, line, err)); /* another network namespace, say */
    return read_control(answer, err);
}

/* The exit status that the answer asks for. */
static int read_status(const struct buf *answer, int *status, struct err *err)
{
    json_auto_t *control = NULL;

    if (json_parse_own(buf_text(answer), &control, err) != 0 && err->code == ERR_NOMEM) {
        return -1;
    }
    const char *action = json_string_value(json_object_get(control, "action"));

    if (action != NULL && strcmp(action, "pause") == 0) {
        *status = EXIT_PAUSE;
        return 0;
    }
    bool goes_on = action == NULL || strcmp(action, "continue") == 0;
    *status = goes_on ? EXIT_STATUS_OK : EXIT_STOP;
    return 0;
}

static int report(const struct options *options, struct buf *answer, int *status, struct err *err)
{
    OWN(buf) struct buf line;

    buf_init(&line, METRIC_LINE_BYTES);
    TRY(read_arguments(options, &line, err));
    TRY(tell_agent(&line, answer, err));
    return read_status(answer, status, err);
}

/* The exit status says the same, so it is no failure that nobody reads the text: a closed standard
 * output must not look like a refusal to the job. */
static void print_answer(const struct buf *answer)
{
    (void)signal(SIGPIPE, SIG_IGN);
    ssize_t written = write(STDOUT_FILENO, buf_text(answer), answer->len);

    (void)written;
}

int verb_report(int argc, char **argv)
{
    struct options options;
    OWN(buf) struct buf answer;
    struct err err = {0};
    int status;

    options_read(&usage_report, argc, argv, NULL, &options);
    buf_init(&answer, ANSWER_BYTES);
    if (report(&options, &answer, &status, &err) != 0) {
        return exit_with(&err);
    }
    print_answer(&answer);
    return status;
}
