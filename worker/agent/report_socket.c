#include "worker/agent/report_socket.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PATIENCE_MS 2000

static void drop_caller(struct caller *caller)
{
    struct report_socket *reports = caller->reports;
    int fd = caller->watch.fd;

    for (size_t i = 0; i < reports->n; i++) {
        if (reports->callers[i] == caller) {
            reports->callers[i] = reports->callers[--reports->n];
            break;
        }
    }
    loop_unwatch(reports->loop, &caller->watch);
    (void)close(fd);
    buf_finish(&caller->line);
    free(caller);
}

static void answer_one(struct caller *caller, const char *text)
{
    ssize_t sent = send(caller->watch.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);

    (void)sent; /* a caller that left does not care */
    drop_caller(caller);
}

/* The line is whole: reports it. What cannot be read is answered at once with an error text. */
static void take_line(struct caller *caller)
{
    struct report_socket *reports = caller->reports;
    struct metric_report report;
    char text[sizeof report.faults[0].text + 16];

    caller->waiting = true;
    caller->until_ms = loop_now(reports->loop) + PATIENCE_MS;
    if (!reports->take(reports->context, &report, buf_text(&caller->line), caller->line.len)) {
        answer_one(caller, "error: nothing to report\n");
    } else if (report.n_faults > 0) {
        (void)snprintf(text, sizeof text, "error: %s\n", report.faults[0].text);
        answer_one(caller, text);
    }
}

static void on_bytes(void *context)
{
    struct caller *caller = context;
    char bytes[4096];
    ssize_t got = recv(caller->watch.fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0 || caller->waiting) {
        drop_caller(caller);
        return;
    }
    buf_append(&caller->line, bytes, (size_t)got);
    if (caller->line.failed) {
        answer_one(caller, "error: a report must fit into 128 KiB\n");
    } else if (memchr(bytes, '\n', (size_t)got) != NULL) {
        take_line(caller);
    }
}

static bool is_same_user(int fd)
{
    struct ucred peer;
    socklen_t len = sizeof peer;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0
           && (peer.uid == geteuid() || peer.uid == 0);
}

static void on_caller(void *context)
{
    struct report_socket *reports = context;
    int fd = accept4(reports->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct caller *caller = NULL;

    if (fd < 0) {
        return;
    }
    if (reports->n < REPORT_SOCKET_CALLERS_MAX && is_same_user(fd)) {
        caller = calloc(1, sizeof *caller);
    }
    if (caller == NULL) {
        (void)close(fd);
        return;
    }
    caller->reports = reports;
    buf_init(&caller->line, METRIC_LINE_BYTES);
    if (loop_watch(reports->loop, &caller->watch, fd, on_bytes, caller, NULL) != 0) {
        (void)close(fd);
        free(caller);
        return;
    }
    reports->callers[reports->n++] = caller;
}

static int listen_at(struct report_socket *reports, struct err *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(reports->name);

    memcpy(address.sun_path + 1, reports->name, len);
    reports->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (reports->fd < 0
        || bind(reports->fd, (const struct sockaddr *)&address,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len))
               != 0
        || listen(reports->fd, REPORT_SOCKET_CALLERS_MAX) != 0) {
        int why = errno;
        report_socket_close(reports);
        return err_set(err, ERR_IO, "no socket for reports: %s", strerror(why));
    }
    return loop_watch(reports->loop, &reports->watch, reports->fd, on_caller, reports, err);
}

int report_socket_open(struct report_socket *reports, struct loop *loop, report_hook *take,
                       void *context, struct err *err)
{
    *reports = (struct report_socket){
        .loop = loop, .fd = -1, .watch.fd = -1, .take = take, .context = context};
    (void)snprintf(reports->name, sizeof reports->name, "hone-%016" PRIx64 "%016" PRIx64,
                   rng_next(&loop->rng), rng_next(&loop->rng));
    return listen_at(reports, err);
}

int report_socket_reopen(struct report_socket *reports, const char *name, struct err *err)
{
    report_socket_close(reports);
    (void)snprintf(reports->name, sizeof reports->name, "%s", name);
    return listen_at(reports, err);
}

void report_socket_close(struct report_socket *reports)
{
    if (reports->loop == NULL) {
        return;
    }
    while (reports->n > 0) {
        drop_caller(reports->callers[0]);
    }
    loop_unwatch(reports->loop, &reports->watch);
    if (reports->fd >= 0) {
        (void)close(reports->fd);
    }
    reports->fd = -1;
}

static void answer_until(struct report_socket *reports, const char *control, int64_t now_ms)
{
    for (size_t i = reports->n; i > 0; i--) {
        struct caller *caller = reports->callers[i - 1];
        if (caller->waiting && caller->until_ms <= now_ms) {
            answer_one(caller, control);
        }
    }
}

void report_socket_answer(struct report_socket *reports, const char *control)
{
    answer_until(reports, control, INT64_MAX);
}

void report_socket_tick(struct report_socket *reports, const char *control)
{
    answer_until(reports, control, loop_now(reports->loop));
}

int64_t report_socket_deadline(const struct report_socket *reports)
{
    int64_t first_ms = INT64_MAX;

    for (size_t i = 0; i < reports->n; i++) {
        const struct caller *caller = reports->callers[i];
        if (caller->waiting && caller->until_ms < first_ms) {
            first_ms = caller->until_ms;
        }
    }
    return first_ms;
}
