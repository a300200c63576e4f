/* The request takes the method, the target and the body of what it is forwarded to, and loses its
 * headers; everything that reads it (the route, its handler, the thread that answers) works as with
 * a request that came so. Its answer comes back to the loop as any other, where it is handed over
 * instead of sent. */
#include "server/http/forward.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/http/auth.h"
#include "server/http/router.h"

bool forward_take(struct http_request *request, struct http_response *response)
{
    struct forwarding *forwarding = request->forwarding;

    if (forwarding == NULL || !forwarding->is_open) {
        return false;
    }
    forwarding->response = *response;
    forwarding->has_response = true;
    forwarding->is_open = false;
    return true;
}

bool forward_is_answered(const struct http_request *request)
{
    return request->forwarding != NULL && request->forwarding->has_response;
}

bool forward_header(const struct http_request *request, const char *name, const char **value)
{
    const struct forwarding *forwarding = request->forwarding;

    if (forwarding == NULL || !forwarding->is_open || strcasecmp(name, "Host") == 0) {
        return false;
    }
    *value = strcasecmp(name, "Idempotency-Key") == 0 ? forwarding->to.idempotency_key : NULL;
    return true;
}

void forward_continue(struct http_request *request)
{
    struct forwarding *forwarding = request->forwarding;
    struct http_response response = forwarding->response;

    forwarding->has_response = false;
    request->phase = REQUEST_HANDLING;
    request->route = forwarding->route;
    request->n_params = 0;
    request->note = 0;
    forwarding->to.answered(forwarding->to.context, request, &response);
    http_response_finish(&response);
}

void forward_end(struct http_request *request)
{
    struct forwarding *forwarding = request->forwarding;

    if (forwarding == NULL) {
        return;
    }
    if (forwarding->has_response) {
        http_response_finish(&forwarding->response);
    }
    if (forwarding->to.finish != NULL) {
        forwarding->to.finish(forwarding->to.context);
    }
    free(forwarding);
    request->forwarding = NULL;
}

/* Makes the request one that came so. */
static int become(struct http_request *request, struct http_forward *to, struct err *err)
{
    target_finish(&request->target);
    buf_finish(&request->body);
    request->body = to->body;
    request->n_params = 0;
    TRY(target_parse(to->target, &request->target, err));
    TRY(route_match(request, to->method, err));
    if (!auth_is_valid(request)) { /* revoked while an earlier one was answered */
        return auth_refuse_ended(err);
    }
    return request->route->scopes == HTTP_SCOPE_NONE ? 0 : auth_allow(request, err);
}

static void refuse(struct http_request *request, const struct err *err)
{
    const struct http_settings *settings = &request->server->settings;
    struct http_response response;

    settings->problem(settings->context, request, err, &response);
    request->allow[0] = '\0';
    if (!forward_take(request, &response)) {
        http_response_finish(&response);
    }
}

void http_forward(struct http_request *request, struct http_forward *to)
{
    struct forwarding *forwarding = request->forwarding;
    struct err err = {0};

    if (forwarding == NULL) {
        forwarding = calloc(1, sizeof *forwarding);
        if (forwarding == NULL) { /* without an answer the connection is closed */
            buf_finish(&to->body);
            to->finish(to->context);
            return;
        }
        forwarding->route = request->route;
        request->forwarding = forwarding;
    }
    forwarding->to = *to;
    forwarding->is_open = true;
    if (become(request, to, &err) != 0) {
        refuse(request, &err);
    } else {
        request->route->handle(request->server->settings.context, request);
    }
    if (request->phase != REQUEST_DEFERRED && forward_is_answered(request)) {
        forward_continue(request);
    }
}
