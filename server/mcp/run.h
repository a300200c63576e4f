/* tools/call: a tool is run by the routes of the API, one after the other. Loop thread. */
#ifndef SERVER_MCP_RUN_H
#define SERVER_MCP_RUN_H

#include "server/mcp/call.h"

/* Runs the tool that the message names. False: an error is the answer, and the call has not gone
 * on; else it goes on by itself, now or later. */
bool run_tool(struct call *call);

/* ---- for the steps of tools ---- */
/* Sends the call to call->target. The body is moved; NULL: none. */
void run_forward(struct call *call, const char *method, struct buf *body);
/* The answer of a route as JSON, for the caller to own; NULL: the tool has declined. */
json_t *run_json(struct call *call, const struct http_response *response);
/* An argument that is a string; NULL: it is none. */
const char *run_argument(const struct call *call, const char *name);

#endif
