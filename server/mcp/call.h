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
    bool is_front;           /* the next one is a Pareto front */
    struct buf target;       /* of the newest request to a route */
    char key[64];            /* its Idempotency-Key; "": none */
    struct buf head;         /* the server's words before and after the data that is shown */
    struct buf foot;
    const char *method; /* of the first request */
};

void call_destroy(struct call *call);
/* The next message, and so on until one waits for a route or the request is answered. */
void call_proceed(struct call *call);

#endif
