/* The life of a request: it is judged by its head alone, then its body is collected, then
 * its handler called. A request that is refused keeps its connection whenever the body that
 * follows can be skipped safely; framing faults never do. */
#include "server/http/dispatch.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/http/auth.h"
#include "server/http/forward.h"
#include "server/http/framing.h"
#include "server/http/hangup.h"
#include "server/http/limits.h"
#include "server/http/origin.h"
#include "server/http/receive.h"
#include "server/http/response.h"
#include "server/http/router.h"
#include "server/http/stream.h"
#include "server/http/target.h"
#include "server/http/tls.h"

/* ---- the end of a request, however it came ---- */

static void forget_wake(struct http_request *request)
{
    struct http_server *server = request->server;

    (void)pthread_mutex_lock(&server->lock);
    if (request->wake_queued) {
        struct http_request **at = &server->wake_first;
        while (*at != NULL && *at != request) {
            at = &(*at)->next_wake;
        }
        if (*at != NULL) {
            *at = request->next_wake;
        }
    }
    (void)pthread_mutex_unlock(&server->lock);
}

static void reset(struct http_request *request)
{
    struct http_connection *connection = request->connection;
    struct MHD_Connection *mhd = request->mhd;
    struct http_server *server = request->server;

    forward_end(request);
    target_finish(&request->target);
    buf_finish(&request->body);
    free(request->refusal);
    answer_drop(&request->answer);
    *request = (struct http_request){.server = server, .connection = connection, .mhd = mhd};
}

/* Releases what the request holds; once for every dispatch_begin(). */
static void request_end(struct http_request *request, bool sent)
{
    struct http_server *server = request->server;

    if (request->stream != NULL) {
        stream_end(request); /* no new wake comes after this … */
        forget_wake(request);
    }
    if (request->done != NULL) {
        request->done(request->done_context, sent);
    }
    receive_end(request);
    server->bodies_in_flight -= request->body_counted;
    server->n_streams -= request->may_stream ? 1 : 0;
    atomic_fetch_sub(&server->answers_in_flight, request->answer_counted);
    atomic_fetch_sub_explicit(&server->active, 1, memory_order_relaxed);
    reset(request);
}

static int refuse_head(struct err *err)
{
    return err_set(err, ERR_TOO_LARGE,
                   "the head of the request needs more than the %d KiB that are kept for it; send "
                   "fewer or shorter headers and cookies",
                   CONNECTION_MEMORY / 1024);
}

/* For a whole head that MHD gives up, without calling dispatch_access() and without an answer,
 * because its cookies leave no room in the pool. */
static void answer_abandoned(struct http_request *request)
{
    struct err err = {0};

    if (request->phase == REQUEST_HEADER) {
        atomic_fetch_add_explicit(&request->server->requests, 1, memory_order_relaxed);
        (void)refuse_head(&err);
        answer_unframed(request, &err);
    }
}

static bool has_whole_head(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    return info != NULL && info->header_size > 0;
}

void dispatch_completed(void *server, struct MHD_Connection *mhd, void **context,
                        enum MHD_RequestTerminationCode why)
{
    struct http_request *request = *context;

    (void)server;
    *context = NULL;
    if (request == NULL || request->phase == REQUEST_IDLE) {
        return;
    }
    if (why == MHD_REQUEST_TERMINATED_WITH_ERROR && has_whole_head(mhd)) {
        answer_abandoned(request);
    }
    request_end(request, why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    hangup_review_again(request->connection);
    deadline_set(request->connection, DEADLINE_IDLE);
}

/* ---- connections ---- */

static void name_peer(struct MHD_Connection *mhd, char peer[INET6_ADDRSTRLEN])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const void *address = info == NULL ? NULL : info->client_addr;

    strcpy(peer, "?");
    if (address == NULL) {
        return;
    }
    if (info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *in = address;
        (void)inet_ntop(AF_INET, &in->sin_addr, peer, INET6_ADDRSTRLEN);
    } else if (info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = address;
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, peer, INET6_ADDRSTRLEN);
    } else if (info->client_addr->sa_family == AF_UNIX) {
        strcpy(peer, "unix");
    }
}

static struct http_connection *connection_create(struct http_server *server,
                                                 struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct http_connection *connection = calloc(1, sizeof *connection);

    if (connection == NULL || info == NULL) {
        free(connection);
        return NULL;
    }
    connection->server = server;
    connection->listener = server->accepting;
    connection->fd = info->connect_fd;
    connection->is_silent = true;
    server->n_silent++;
    connection->request.server = server;
    connection->request.connection = connection;
    connection->request.mhd = mhd;
    buf_init(&connection->request.body, 0);
    name_peer(mhd, connection->peer);
    connection->certificate = tls_connection_began(server);
    deadline_set(connection, DEADLINE_HEADER);
    hangup_watch(connection);
    return connection;
}

static void end_silence(struct http_connection *connection)
{
    connection->server->n_silent -= connection->is_silent ? 1 : 0;
    connection->is_silent = false;
}

void dispatch_connection(void *server, struct MHD_Connection *mhd, void **context,
                         enum MHD_ConnectionNotificationCode what)
{
    struct http_server *self = server;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = connection_create(self, mhd);
        atomic_fetch_add_explicit(&self->connections, 1, memory_order_relaxed);
        return;
    }
    struct http_connection *connection = *context;
    *context = NULL;
    if (connection != NULL) {
        if (connection->request.phase != REQUEST_IDLE) { /* MHD may skip dispatch_completed() */
            answer_abandoned(&connection->request);
            request_end(&connection->request, false);
        }
        deadline_clear(connection);
        hangup_unwatch(connection);
        end_silence(connection);
        tls_connection_ended(self, connection->certificate);
        free(connection);
    }
    atomic_fetch_sub_explicit(&self->connections, 1, memory_order_relaxed);
    self->accept_due_ms = 0; /* its descriptor is free again */
}

/* ---- the beginning: the request line has been read ---- */

static void name_request(struct http_request *request)
{
    static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
    struct http_server *server = request->server;
    uint64_t rest = splitmix64(server->id_base + server->id_count++);

    request->id[0] = 'r';
    request->id[1] = '_';
    for (size_t i = 2; i < REQUEST_ID_LEN; i++) {
        request->id[i] = digits[rest & 31];
        rest >>= 5;
    }
    request->id[REQUEST_ID_LEN] = '\0';
}

static void refuse_later(struct http_request *request, const struct err *err)
{
    if (request->refusal == NULL) {
        request->refusal = malloc(sizeof *request->refusal);
        if (request->refusal != NULL) {
            *request->refusal = *err;
        }
    }
}

/* MHD would parse the query into its pool, 64 bytes a parameter, and the request would never get an
 * answer once that is full. The query has been parsed into the target, so MHD is shown an empty
 * one. The text lies in MHD's buffer, which is not const. */
static void hide_query(const char *uri)
{
    char *query = strchr((char *)(uintptr_t)uri, '?');

    if (query != NULL) {
        query[1] = '\0';
    }
}

void *dispatch_begin(void *server, const char *uri, struct MHD_Connection *mhd)
{
    struct http_server *self = server;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct http_connection *connection = info == NULL ? NULL : info->socket_context;
    struct err err = {0};

    if (connection == NULL || uri == NULL) {
        return NULL;
    }
    struct http_request *request = &connection->request;
    request->phase = REQUEST_HEADER;
    atomic_fetch_add_explicit(&self->active, 1, memory_order_relaxed);
    end_silence(connection);
    name_request(request);
    deadline_set(connection, DEADLINE_HEADER);
    request->raw_target = uri;
    request->raw_target_len = strlen(uri);
    if (target_parse(uri, &request->target, &err) != 0) {
        request->close_after = err.code == ERR_MALFORMED;
        refuse_later(request, &err);
    }
    hide_query(uri);
    return request;
}

/* ---- the head is complete ---- */

static enum MHD_Result answer_refusal(struct http_request *request, const struct err *err)
{
    deadline_clear(request->connection);
    answer_problem(request, err);
    return answer_queue(request);
}

#define REPLY_ROOM 1536 /* for the head of the answer */
#define RECORD_BYTES 64 /* that MHD keeps for a header or a cookie */

/* MHD keeps the head of the answer in the same pool, and closes without an answer if it is full. */
static bool leaves_room(const struct http_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    const char *cookies = http_header(request, "Cookie"); /* MHD copies them */
    int n_records = MHD_get_connection_values(
        request->mhd, (enum MHD_ValueKind)(MHD_HEADER_KIND | MHD_COOKIE_KIND), NULL, NULL);
    size_t used = info->header_size + (size_t)n_records * RECORD_BYTES
                  + (cookies == NULL ? 0 : strlen(cookies) + 1);

    return used + REPLY_ROOM <= CONNECTION_MEMORY;
}

/* Over TLS the answer goes through MHD, if that has as much room. */
static enum MHD_Result answer_large_head(struct http_request *request)
{
    struct err err = {0};

    (void)refuse_head(&err);
    request->close_after = true;
    if (request->server->tls) {
        return answer_refusal(request, &err);
    }
    answer_unframed(request, &err);
    return MHD_NO;
}

static int judge_framing(struct http_request *request, const char *method, const char *version,
                         struct err *err)
{
    request->close_after = true; /* what follows a fault of framing cannot be trusted */
    TRY(framing_check(request, method, version, err));
    request->close_after = false;
    return 0;
}

static int judge_request(struct http_request *request, const char *method, struct err *err)
{
    struct err no_route = {0};

    TRY(host_check(request, err));
    TRY(origin_check(request, method, err));
    int matched = route_match(request, method, &no_route);
    bool is_open = matched == 0 ? request->route->scopes == HTTP_SCOPE_NONE : request->path_is_open;
    if (!is_open) {
        TRY(auth_identify(request, err));
        TRY(auth_allow(request, err));
    }
    if (matched != 0) {
        *err = no_route;
        return -1;
    }
    return content_type_check(request, err);
}

/* 0, or a size that is refused before a byte of it is read. */
static int judge_length(struct http_request *request, struct err *err)
{
    if (request->route->body == HTTP_BODY_STREAM) {
        return 0; /* its handler says how much */
    }
    return receive_judge_length(request, body_limit(request->route->body), err);
}

static int judge(struct http_request *request, const char *method, const char *version,
                 struct err *err)
{
    TRY(judge_framing(request, method, version, err));
    if (request->refusal != NULL) { /* a path that cannot be read */
        *err = *request->refusal;
        request->close_after = true;
        return -1;
    }
    TRY(judge_request(request, method, err));
    return judge_length(request, err);
}

/* Its handler is called before the body. */
static enum MHD_Result begin_stream(struct http_request *request)
{
    struct err err = {0};

    request->route->handle(request->server->settings.context, request);
    if (request->answer.given) {
        request->close_after = true;
        deadline_clear(request->connection);
        return answer_queue(request);
    }
    if (receive_judge_length(request, request->receiver.bytes_max, &err) != 0) {
        return answer_refusal(request, &err);
    }
    return MHD_YES;
}

#define SKIPPED_MAX ((size_t)1 << 20) /* of a body whose request was refused */

/* Whether the body of a refused request is read and dropped, so that the connection stays open. Not
 * with Expect: 100-continue, where the client sends no body after a refusal. */
static bool can_skip_body(const struct http_request *request)
{
    const char *length = http_header(request, "Content-Length");

    return http_header(request, "Expect") == NULL
           && (length == NULL || strtoull(length, NULL, 10) <= SKIPPED_MAX);
}

static enum MHD_Result head_complete(struct http_request *request, const char *method,
                                     const char *version)
{
    struct err err = {0};

    request->phase = REQUEST_BODY;
    request->began_us = clock_monotonic_us();
    request->is_head = strcmp(method, "HEAD") == 0;
    request->knows_interim = strcmp(version, "HTTP/1.1") == 0;
    atomic_fetch_add_explicit(&request->server->requests, 1, memory_order_relaxed);
    if (!leaves_room(request)) {
        return answer_large_head(request);
    }
    if (judge(request, method, version, &err) != 0) {
        request->route = NULL;
        if (request->close_after || !can_skip_body(request)) {
            request->close_after = true;
            return answer_refusal(request, &err);
        }
        refuse_later(request, &err);
    }
    request->body.max = request->route == NULL ? 0 : body_limit(request->route->body);
    deadline_set(request->connection, DEADLINE_BODY);
    if (request->route != NULL && request->route->body == HTTP_BODY_STREAM) {
        return begin_stream(request);
    }
    return MHD_YES;
}

/* ---- the body ---- */

static int append_body(struct http_request *request, const char *upload, size_t len,
                       struct err *err)
{
    struct http_server *server = request->server;

    TRY(framing_check_chunk(request, upload, err));
    if (server->bodies_in_flight + len > BODIES_IN_FLIGHT_MAX) {
        request->retry_after_seconds = 1;
        return err_set(err, ERR_OVERLOADED, "too many bodies are being received; try again");
    }
    buf_append(&request->body, upload, len);
    server->bodies_in_flight += len;
    request->body_counted += len;
    if (request->body.no_memory) {
        return buf_check(&request->body, err);
    }
    if (request->body.failed) {
        return err_set(err, ERR_TOO_LARGE, "the body has more than the %zu bytes taken here",
                       request->body.max);
    }
    return 0;
}

/* MHD takes no answer in the middle of a body; over TLS there is none. */
static enum MHD_Result refuse_endless(struct http_request *request)
{
    answer_unframed(request, request->refusal);
    return MHD_NO;
}

static enum MHD_Result take_body(struct http_request *request, const char *upload, size_t len)
{
    struct err err = {0};

    request->body_received += len;
    if (request->receiver.take != NULL) {
        if (framing_check_chunk(request, upload, &err) != 0) {
            request->close_after = true;
            refuse_later(request, &err);
        }
        return receive_piece(request, upload, len);
    }
    if (request->refusal != NULL) {
        return request->body_received > SKIPPED_MAX ? refuse_endless(request) : MHD_YES;
    }
    if (append_body(request, upload, len, &err) == 0) {
        return MHD_YES;
    }
    buf_finish(&request->body);
    request->body_received = 0; /* what is skipped counts from here */
    request->close_after = true;
    refuse_later(request, &err);
    return MHD_YES;
}

/* ---- the whole request is here, or its answer is ---- */

static enum MHD_Result handle(struct http_request *request)
{
    struct err err = {0};

    if (request->refusal != NULL) {
        return answer_refusal(request, request->refusal);
    }
    if (!auth_is_valid(request)) { /* revoked while the body was on its way */
        (void)auth_refuse_ended(&err);
        return answer_refusal(request, &err);
    }
    deadline_clear(request->connection);
    request->phase = REQUEST_HANDLING;
    if (request->receiver.complete != NULL) {
        request->receiver.complete(request->receiver.context, request);
    } else {
        request->route->handle(request->server->settings.context, request);
    }
    if (request->phase == REQUEST_DEFERRED) {
        return MHD_YES;
    }
    return answer_queue(request); /* a handler that forgot to answer closes the connection */
}

/* Its answer is here, or that of what it was forwarded to. */
static enum MHD_Result answer_deferred(struct http_request *request)
{
    if (forward_is_answered(request)) {
        forward_continue(request);
        if (request->phase == REQUEST_DEFERRED) {
            return MHD_YES;
        }
    }
    return answer_queue(request);
}

enum MHD_Result dispatch_access(void *server, struct MHD_Connection *mhd, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_len, void **context)
{
    struct http_request *request = *context;

    (void)server;
    (void)url;
    if (request == NULL) {
        return MHD_NO; /* there was no memory for the connection */
    }
    if (request->was_resumed) {
        request->was_resumed = false;
        (void)MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT, INACTIVITY_SECONDS);
    }
    if (request->phase == REQUEST_HEADER) {
        return head_complete(request, method, version);
    }
    if (*upload_len > 0) {
        size_t len = *upload_len;
        *upload_len = 0;
        return take_body(request, upload, len);
    }
    if (request->phase == REQUEST_DEFERRED) {
        return answer_deferred(request);
    }
    return request->phase == REQUEST_BODY ? handle(request) : MHD_YES;
}
