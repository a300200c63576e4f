/* GET …/brackets: the brackets and rungs of a study. */
#ifndef SERVER_API_BRACKETS_H
#define SERVER_API_BRACKETS_H

#include "server/api/read.h"

/* *brackets ← the answer, for the caller to own. For reads of other files. ERR_NOMEM, ERR_IO. */
MUST_USE int brackets_load(const struct read_request *read, json_t **brackets, struct err *err);
/* A handler of the route table; loop thread. */
void get_brackets(void *api, struct http_request *request);

#endif
