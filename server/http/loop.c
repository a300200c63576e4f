/* The loop: our epoll over the listening socket, MHD's epoll descriptor and one eventfd.
 *
 * MHD runs in external mode because its internal epoll loop stalls when exactly 128·k sockets are
 * ready. Two things follow (0.9.75): a resumed connection is not announced by MHD_get_timeout(), so
 * MHD_run() comes right after every resume; and MHD_run() never blocks. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

#include "common/log.h"
#include "common/rng.h"
#include "server/http/accept.h"
#include "server/http/dispatch.h"
#include "server/http/hangup.h"
#include "server/http/internal.h"
#include "server/http/limits.h"
#include "server/http/listen.h"
#include "server/http/request.h"
#include "server/http/router.h"
#include "server/http/stream.h"
#include "server/http/timings.h"
#include "server/http/tls.h"
#include "server/http/waits.h"

#define CONNECTIONS_MAX 12000
#define DESCRIPTORS_KEPT 64 /* for the database, logs, ourselves */
#define IDLE_TURNS 64       /* in a row, of which none had an event */
#define STALLED_WAIT_MS 50
#define EVENTS_A_TURN 64

/* ---- waking ---- */

/* Sets the flag and has the loop look at it. Safe in a signal handler. */
static void raise_flag(const struct http_server *server, atomic_bool *flag)
{
    static const uint64_t one = 1;
    int saved = errno;

    atomic_store(flag, true);
    ssize_t written = write(server->wake_fd, &one, sizeof one);
    (void)written;
    errno = saved;
}

void http_server_stop(struct http_server *server)
{
    raise_flag(server, &server->stop);
}

void http_server_set_certificate(struct http_server *server, const char *cert_file,
                                 const char *key_file)
{
    server->settings.tls_cert_file = cert_file;
    server->settings.tls_key_file = key_file;
}

void http_server_reload(struct http_server *server)
{
    raise_flag(server, &server->reload);
}

/* Clears the wake-up. Must come before the flags and queues are read: whatever is set later wakes
 * the loop again. */
static void take_wake(struct http_server *server)
{
    uint64_t counter;

    (void)pthread_mutex_lock(&server->lock);
    ssize_t got = read(server->wake_fd, &counter, sizeof counter);
    (void)got;
    server->wake_pending = false;
    (void)pthread_mutex_unlock(&server->lock);
}

/* A connection that is resumed would first be read by MHD (0.9.75), which closes it without its
 * answer when its client has ended its side. Those with a timeout of their own, of which all are
 * looked at in each run, are handled before that. */
static void resume(struct http_request *request)
{
    request->was_resumed = true;
    (void)MHD_set_connection_option(request->mhd, MHD_CONNECTION_OPTION_TIMEOUT,
                                    INACTIVITY_SECONDS + 1);
    MHD_resume_connection(request->mhd);
}

/* Resumes what was answered. */
static void take_answers(struct http_server *server)
{
    (void)pthread_mutex_lock(&server->lock);
    struct http_request *request = server->done_first;
    server->done_first = NULL;
    server->done_last = NULL;
    (void)pthread_mutex_unlock(&server->lock);
    for (; request != NULL; request = request->next_done) {
        waiting_remove(request);
        if (request->receive_waits) {
            request->receive_waits = false;
            hangup_review_again(request->connection);
        }
        resume(request);
    }
}

/* ---- one turn ---- */

static int64_t earlier(int64_t a_ms, int64_t b_ms)
{
    return b_ms >= 0 && (a_ms < 0 || b_ms < a_ms) ? b_ms : a_ms;
}

/* MHD keeps a TLS handshake that stands still in its list of ready connections, and asks to be run
 * at once for as long as that lasts. After some turns without any event, that is no longer obeyed:
 * whatever arrives is an event, and only input that MHD has buffered meanwhile is delayed. */
static bool is_stalled(const struct http_server *server)
{
    return server->tls && server->n_silent > 0 && server->idle_turns >= IDLE_TURNS;
}

static int64_t library_wait_ms(const struct http_server *server)
{
    MHD_UNSIGNED_LONG_LONG mhd_ms;

    if (MHD_get_timeout(server->daemon, &mhd_ms) != MHD_YES) {
        return -1;
    }
    if (mhd_ms == 0 && is_stalled(server)) {
        return STALLED_WAIT_MS;
    }
    return mhd_ms < 3600000 ? (int64_t)mhd_ms : 3600000;
}

static int wait_ms(const struct http_server *server)
{
    int64_t wait = library_wait_ms(server);

    if (server->hangups != NULL) {
        return 0;
    }
    if (server->drain_until_ms >= 0) {
        int64_t left = server->drain_until_ms - server->clock->monotonic_ms(server->clock);
        wait = earlier(wait, left > 0 ? left : 0);
    }
    wait = earlier(wait, deadlines_next_ms(server));
    wait = earlier(wait, accept_next_ms(server));
    wait = earlier(wait, waits_next_ms(server));
    return (int)earlier(wait, streams_next_ms(server));
}

static struct listener *as_listener(struct http_server *server, const void *source)
{
    for (size_t i = 0; i < server->n_listeners; i++) {
        if (source == &server->listeners[i]) {
            return &server->listeners[i];
        }
    }
    return NULL;
}

/* Notes which clients have left and where clients want to connect. The events of our own
 * descriptors point to the server's members, those of connections to the connection. */
static void take_events(struct http_server *server, const struct epoll_event events[], int n)
{
    for (int i = 0; i < n; i++) {
        void *source = events[i].data.ptr;
        struct listener *listener = as_listener(server, source);
        if (listener != NULL) {
            listener->is_ready = true;
        } else if (source == &server->wake_fd) {
            take_wake(server);
        } else if (source != &server->mhd_fd) {
            hangup_note(source, events[i].events);
        }
    }
}

/* A fault of the new files changes nothing: those who connect are shown what was valid before. */
static void reload_if_told(struct http_server *server)
{
    struct err err = {0};

    if (!atomic_exchange(&server->reload, false)) {
        return;
    }
    if (server->settings.on_reload != NULL) {
        server->settings.on_reload(server->settings.reload_context);
    }
    if (!server->tls) {
        log_info("told to read the TLS certificate again: there is none");
    } else if (tls_load(server, &err) != 0) {
        log_error("%s; the certificate that was read before stays in use", err.text);
    }
}

static int turn(struct http_server *server, struct err *err)
{
    struct epoll_event events[EVENTS_A_TURN];

    int n = epoll_wait(server->epoll_fd, events, EVENTS_A_TURN, wait_ms(server));
    if (n < 0 && errno != EINTR) {
        return err_set(err, ERR_IO, "the loop cannot wait: %s", strerror(errno));
    }
    server->idle_turns = n > 0 ? 0 : server->idle_turns + 1;
    take_events(server, events, n);
    reload_if_told(server);
    take_answers(server);
    streams_wake(server);
    waits_review(server);
    deadlines_sweep(server);
    accept_clients(server);
    tls_turn(server);
    if (MHD_run(server->daemon) != MHD_YES) {
        return err_set(err, ERR_IO, "the HTTP library stopped");
    }
    hangups_review(server);
    accept_review(server);
    return 0;
}

/* ---- the end ---- */

int http_server_run(struct http_server *server, int64_t drain_ms, struct err *err)
{
    while (!atomic_load(&server->stop)) {
        TRY(turn(server, err));
    }
    server->stopping = true;
    accept_end(server);
    deadlines_hurry(server);
    server->drain_until_ms = server->clock->monotonic_ms(server->clock) + drain_ms;
    while (atomic_load(&server->active) > 0
           && server->clock->monotonic_ms(server->clock) < server->drain_until_ms) {
        TRY(turn(server, err));
    }
    return 0;
}

/* ---- creation ---- */

/* As many descriptors as the system lets us have; returns how many connections fit. */
static unsigned raise_limit(unsigned wanted)
{
    struct rlimit limit = {0};
    rlim_t needed = (rlim_t)wanted + DESCRIPTORS_KEPT;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return wanted;
    }
    if (limit.rlim_cur < needed) {
        limit.rlim_cur = limit.rlim_max < needed ? limit.rlim_max : needed;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur >= needed) {
        return wanted;
    }
    unsigned all = (unsigned)limit.rlim_cur;
    unsigned fit = all > 2 * DESCRIPTORS_KEPT ? all - DESCRIPTORS_KEPT : all / 2;
    log_warning("the limit on open files leaves room for %u connections, not %u (ulimit -n)", fit,
                wanted);
    return fit;
}

static size_t leave_escaped(void *context, struct MHD_Connection *mhd, char *text)
{
    (void)context;
    (void)mhd;
    return strlen(text); /* target.c decodes, segment by segment */
}

static void log_library(void *context, const char *fmt, va_list args)
{
    char text[512];

    (void)context;
    (void)vsnprintf(text, sizeof text, fmt, args);
    log_debug("http: %s", text);
}

static int start_daemon(struct http_server *server, struct err *err)
{
    static char priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)tls_retrieve},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, priorities},
        {MHD_OPTION_END, 0, NULL},
    };
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};

    server->daemon =
        MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME
                             | MHD_USE_ERROR_LOG | (server->tls ? MHD_USE_TLS : 0U),
                         0, NULL, NULL, dispatch_access, server,                        /* */
                         MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,                 /* */
                         MHD_OPTION_CONNECTION_LIMIT, server->connections_max,          /* */
                         MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, /* */
                         MHD_OPTION_CONNECTION_TIMEOUT, INACTIVITY_SECONDS,             /* */
                         MHD_OPTION_STRICT_FOR_CLIENT, 1,                               /* */
                         MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,                          /* */
                         MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL,             /* */
                         MHD_OPTION_URI_LOG_CALLBACK, dispatch_begin, server,           /* */
                         MHD_OPTION_NOTIFY_CONNECTION, dispatch_connection, server,     /* */
                         MHD_OPTION_NOTIFY_COMPLETED, dispatch_completed, server,       /* */
                         MHD_OPTION_ARRAY, server->tls ? tls : none, MHD_OPTION_END);
    if (server->daemon == NULL) {
        return err_set(err, err_code_of_errno(errno), "the HTTP library does not start: %s",
                       strerror(errno));
    }
    return 0;
}

static int watch(const struct http_server *server, int fd, void *source, struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};

    if (epoll_ctl(server->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        return err_set(err, err_code_of_errno(errno), "the loop cannot watch: %s", strerror(errno));
    }
    return 0;
}

static int open_loop(struct http_server *server, struct err *err)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);

    server->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (info == NULL || server->epoll_fd < 0 || server->wake_fd < 0) {
        return err_set(err, err_code_of_errno(errno), "no descriptors for the loop: %s",
                       strerror(errno));
    }
    server->mhd_fd = info->epoll_fd;
    TRY(watch(server, server->mhd_fd, &server->mhd_fd, err));
    for (size_t i = 0; i < server->n_listeners; i++) {
        TRY(watch(server, server->listeners[i].fd, &server->listeners[i], err));
        server->listeners[i].is_watched = true;
    }
    return watch(server, server->wake_fd, &server->wake_fd, err);
}

static int build_server(struct http_server *server, struct err *err)
{
    TRY(routes_compile(server, err));
    TRY(timings_init(server, err));
    TRY(listen_open(server, err));
    TRY(tls_load(server, err));
    unsigned wanted = server->settings.connections_max;
    server->connections_max = raise_limit(wanted > 0 ? wanted : CONNECTIONS_MAX);
    TRY(start_daemon(server, err));
    return open_loop(server, err);
}

int http_server_create(const struct http_settings *settings, struct http_server **server,
                       struct err *err)
{
    struct http_server *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for the HTTP server");
    }
    made->settings = *settings;
    made->clock = settings->clock;
    made->epoll_fd = made->wake_fd = -1;
    made->stream_due_ms = INT64_MAX;
    (void)pthread_mutex_init(&made->lock, NULL);
    (void)signal(SIGPIPE, SIG_IGN); /* a peer that left is an error code, not a signal */
    rng_entropy(&made->id_base, sizeof made->id_base);
    deadlines_init(made);
    made->drain_until_ms = -1;
    if (build_server(made, err) != 0) {
        http_server_destroy(made);
        return -1;
    }
    *server = made;
    return 0;
}

const char *http_server_url(const struct http_server *server, size_t i)
{
    return i < server->n_listeners ? server->listeners[i].url : NULL;
}

/* MHD does not stop with suspended connections: they are resumed first, and end unanswered. */
static void resume_rest(struct http_server *server)
{
    take_answers(server);
    server->stopping = true;
    streams_wake(server);
    for (struct http_request *at = server->waiting; at != NULL; at = at->next_waiting) {
        MHD_resume_connection(at->mhd);
    }
    (void)MHD_run(server->daemon);
}

void http_server_destroy(struct http_server *server)
{
    if (server == NULL) {
        return;
    }
    if (server->daemon != NULL) {
        resume_rest(server);
        MHD_stop_daemon(server->daemon);
    }
    for (size_t i = 0; i < server->n_listeners; i++) {
        listener_close(&server->listeners[i]);
    }
    const int fds[] = {server->epoll_fd, server->wake_fd};
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++) {
        if (fds[i] >= 0) {
            (void)close(fds[i]);
        }
    }
    (void)pthread_mutex_destroy(&server->lock);
    tls_finish(server);
    free(server->tokens);
    free(server->patterns);
    timings_finish(server);
    free(server);
}

void http_server_stats(const struct http_server *server, struct http_stats *stats)
{
    stats->requests = atomic_load(&server->requests);
    stats->responses_2xx = atomic_load(&server->responses_2xx);
    stats->responses_4xx = atomic_load(&server->responses_4xx);
    stats->responses_5xx = atomic_load(&server->responses_5xx);
    stats->connections = atomic_load(&server->connections);
    stats->active = atomic_load(&server->active);
    stats->deferred = atomic_load(&server->deferred);
    stats->certificate_expires_ms = atomic_load(&server->certificate_expires_ms);
}
