/* GET / for a client that is no browser: what to type. */
#ifndef SERVER_API_CHEAT_SHEET_H
#define SERVER_API_CHEAT_SHEET_H

#include "server/http/http.h"

/* The commands can be pasted in their order as they stand: with the address under which the client
 * reached this server, and with tokens where it wants them. A test does so. */
void get_cheat_sheet(void *context, struct http_request *request);

#endif
