/* The methods of the protocol that need no route of the API. Loop thread. */
#ifndef SERVER_MCP_METHODS_H
#define SERVER_MCP_METHODS_H

#include "server/mcp/call.h"

/* Answers the message of the call; that there is no such method, if its revision has none. */
void method_answer(struct call *call);

#endif
