/* POST /mcp: the Model Context Protocol over HTTP, by which programs that think in text use the
 * server: coding agents foremost.
 *
 * Each POST is one message of JSON-RPC and has one answer as JSON; nothing is kept between them.
 * The revision of 2026-07-28 is spoken, and those before it back to 2025-03-26 as far as they need
 * no session. A tool is a name for what the routes of the API do: http_forward() has them do it,
 * with the rights of the token, and their answer is shown as text. */
#ifndef SERVER_MCP_MCP_H
#define SERVER_MCP_MCP_H

#include "server/http/http.h"

/* A handler of the route table; loop thread. */
void post_mcp(void *context, struct http_request *request);

#endif
