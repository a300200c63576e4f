/* Tokens, for their routes and for the first start. */
#ifndef SERVER_API_TOKENS_H
#define SERVER_API_TOKENS_H

#include "server/engine/engine.h"
#include "server/http/http.h"
#include "server/store/tokens.h"

#define TOKEN_TEXT_BYTES 64

/* A fresh token: its row, and the text that is shown once. */
void token_make(const char *name, unsigned scopes, int64_t expires_at_ms, struct token_row *row,
                char secret[TOKEN_TEXT_BYTES]);
/* Bits of a scope's name with the ones it contains; 0: no such scope. */
unsigned token_scopes(const char *name);

/* Handlers of the route table; loop thread. */
void post_token(void *api, struct http_request *request);
void get_tokens(void *api, struct http_request *request);
void delete_token(void *api, struct http_request *request);

/* The answer of a command. */
void encode_token(const struct command *command, struct http_response *response);

/* GET /v1/token: the caller's own */
void get_own_token(void *api, struct http_request *request);

#endif
