/* One POST to the endpoint, from its messages to its answer.
 *
 * A call belongs to the loop thread. It lives until it is answered, or, once it was forwarded to a
 * route, until its request is over. */
#ifndef SERVER_MCP_CALL_H
#define SERVER_MCP_CALL_H

#include "server/mcp/message.h"
#include "server/mcp/revision.h"
#include "server/mcp/tool.h"

#define BATCH_MAX 16

struct call {
    struct http_request *request;
    json_t *body;  /* owned */
    bool is_batch; /* the body is a list of messages */
    size_t at;     /* the one that is being answered */
    int status;    /* of the answer */
    struct buf answers;
    size_t n_answers;
    bool is_forwarded; /* the request owns the call */

    enum revision revision; /* of the message that is being answered, as what follows */
    struct message message;
    const struct tool *tool;
    const json_t *arguments; /* object, or NULL */
    int step;                /* answers of routes that have come */
    struct buf target;       /* of the newest request to a route */
    char key[64];            /* its Idempotency-Key; "": none */
    struct buf head;         /* the server's words before and after the data that is shown */
    struct buf foot;
    const char *method; /* of the first request */
};

void call_destroy(struct call *call);
/* The next message, and so on until one waits for a route or the request is answered. */
void call_proceed(struct call *call);

/* ---- for tools ---- */

/* Sends the call to call->target. The body is moved; NULL: none. */
void call_forward(struct call *call, const char *method, struct buf *body);
/* The answer of the tool: call->head, the data, call->foot. Goes on with the next message. */
void call_show(struct call *call, const char *data, size_t len);
/* The same with an answer that is a refusal by the tool itself. */
void call_refuse(struct call *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The answer of a route as JSON, for the caller to own; NULL: the call was refused. */
json_t *call_json(struct call *call, const struct http_response *response);
/* The value of a header of a route's answer; NULL: there is none. */
const char *response_header(const struct http_response *response, const char *name);
/* An argument that is a string; NULL: it is none. */
const char *call_string(const struct call *call, const char *name);

#endif
