/* The answers to messages: results and errors of JSON-RPC, and what tools say.
 *
 * A message has one answer, which is appended to call->answers. Where a tool answers, the call goes
 * on with its next message: nothing may be done with it afterwards. Loop thread. */
#ifndef SERVER_MCP_ANSWER_H
#define SERVER_MCP_ANSWER_H

#include "server/mcp/call.h"

/* An error of the protocol; sets the status of the answer. */
void answer_fault(struct call *call, const struct rpc_fault *fault);
/* Opens a result, with what every one has; its members follow. */
void answer_begin(struct call *call, struct json_writer *w);
void answer_end(struct json_writer *w);
/* {"name", "title", "version"} */
void answer_write_server(struct json_writer *w);
/* How long a client may keep a list, and for whom: "public" or "private". */
void answer_write_cache(struct json_writer *w, const char *scope);

/* ---- of a tool ---- */
/* call->head, the data, of any bytes, and call->foot: as much as an answer may have. */
void answer_show(struct call *call, const char *data, size_t len);
/* The tool itself refuses, in one sentence. */
void answer_decline(struct call *call, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A route has refused: the server's sentence, or every fault of the arguments. */
void answer_show_problem(struct call *call, const struct http_response *response);
/* The value of a header of a route's answer; NULL: there is none. */
const char *answer_header(const struct http_response *response, const char *name);
/* The arguments have faults. */
void answer_show_faults(struct call *call, const struct faults *faults);

#endif
