/* Requests that wait until something changes. The connection is suspended, so that it costs
 * nothing; MHD does not notice then that its client leaves, but the loop does (hangup.c). */
#include "server/http/waits.h"

#include "server/http/auth.h"
#include "server/http/hangup.h"
#include "server/http/response.h"

void http_wait(struct http_request *request, const struct http_wait *wait)
{
    struct http_server *server = request->server;

    http_watch_client(request);
    http_defer(request);
    request->wait = *wait;
    request->previous_wait = NULL;
    request->next_wait = server->waits;
    if (server->waits != NULL) {
        server->waits->previous_wait = request;
    }
    server->waits = request;
    server->waits_changed = true;
}

static void forget(struct http_request *request)
{
    if (request->previous_wait != NULL) {
        request->previous_wait->next_wait = request->next_wait;
    } else {
        request->server->waits = request->next_wait;
    }
    if (request->next_wait != NULL) {
        request->next_wait->previous_wait = request->previous_wait;
    }
}

void waits_wake(struct http_server *server)
{
    server->waits_changed = true;
}

/* Is there a reason to end it that its owner need not be asked for? */
static bool must_end(const struct http_request *request, int64_t now_ms)
{
    return request->server->stopping || hangup_ends_wait(request) || request->wait.due_ms <= now_ms;
}

static void end(struct http_request *request)
{
    const struct http_wait wait = request->wait;
    struct err err = {0};

    forget(request);
    bool is_valid = auth_is_valid(request);
    if (!is_valid) { /* revoked or expired meanwhile */
        (void)auth_refuse_ended(&err);
        answer_problem(request, &err);
        answer_announce(request);
    }
    wait.end(wait.context, is_valid ? request : NULL);
}

void waits_review(struct http_server *server)
{
    int64_t now_ms = server->clock->monotonic_ms(server->clock);
    bool changed = server->waits_changed;
    struct http_request *next;

    server->waits_changed = false;
    for (struct http_request *at = server->waits; at != NULL; at = next) {
        next = at->next_wait;
        if (must_end(at, now_ms)
            || (changed && (!auth_is_valid(at) || at->wait.is_over(at->wait.context)))) {
            end(at);
        }
    }
}

int64_t waits_next_ms(const struct http_server *server)
{
    int64_t now_ms = server->clock->monotonic_ms(server->clock);
    int64_t next_ms = -1;

    if (server->waits_changed && server->waits != NULL) {
        return 0;
    }
    for (const struct http_request *at = server->waits; at != NULL; at = at->next_wait) {
        int64_t left_ms = at->wait.due_ms > now_ms ? at->wait.due_ms - now_ms : 0;
        next_ms = next_ms < 0 || left_ms < next_ms ? left_ms : next_ms;
    }
    return next_ms;
}
