/* What a server answered, and whether it is an answer of a Hone server. Plain memory; any thread.
 */
#ifndef COMMON_HTTP_ANSWER_H
#define COMMON_HTTP_ANSWER_H

#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/own.h"

#define HTTP_ANSWER_BYTES ((size_t)8 << 20)
#define HTTP_CURSOR_BYTES 128

struct http_answer {
    int status;
    struct buf body;
    double retry_after_seconds; /* negative: not said */
    int64_t date_ms;            /* when it was sent, by the server's clock; 0: not said */
    char content_type[80];
    char
        next_cursor[HTTP_CURSOR_BYTES]; /* of a list in pages, from its Link header; "": the last */
};
void http_answer_finish(struct http_answer *answer);
OWN_VALUE(http_answer)

/* 0 for a 2xx. Otherwise the problem document as an error: its code by `type`, its text the detail
 * followed by every fault of a 422; ERR_NOMEM when it cannot be read. ERR_UNREACHABLE when it is no
 * problem document of ours: then a proxy, a login page or another program has answered in the
 * server's place. */
MUST_USE int http_answer_check(const struct http_answer *answer, struct err *err);
/* The error of an answer that no Hone server would give; always -1. */
int http_answer_foreign(const struct http_answer *answer, struct err *err);

#endif
