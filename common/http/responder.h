/* Answers the calls of a client in this process, in the place of a server: for what must go on
 * where there is no network. */
#ifndef COMMON_HTTP_RESPONDER_H
#define COMMON_HTTP_RESPONDER_H

#include "common/http/answer.h"
#include "common/http/call.h"

struct http_responder {
    /* Fills the status and what else the zeroed answer needs; its body is initialised. -1: as if
     * no server had been reached. */
    int (*respond)(void *context, const struct http_call *call, struct http_answer *answer,
                   struct err *err);
    /* A worker goes on with a lease that one before it has left: it is to be had by no other. */
    void (*hold)(void *context, const char *lease);
    void *context;
};

/* The answer is a problem document of this code, as a server would send it. */
void http_answer_problem(struct http_answer *answer, int status, enum err_code code,
                         const char *detail);

#endif
