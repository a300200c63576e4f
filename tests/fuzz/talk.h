/* One client of a whole server in this process (tests/unit/api_fixture.h), whose connection is kept
 * from one request to the next, and what must hold of every answer. One thread. */
#ifndef TESTS_FUZZ_TALK_H
#define TESTS_FUZZ_TALK_H

#include <stddef.h>

#include "tests/unit/api_fixture.h"

#define TALK_TARGET_BYTES 4096

/* A connection is made with the first request. */
void talk_start(struct api_fixture *server);
void talk_end(void);
/* Makes a request target of any bytes: blanks, control characters and what is not ASCII are
 * percent-encoded, and a '/' stands at its front. */
void talk_target(const char *bytes, size_t len, char target[TALK_TARGET_BYTES]);
/* Sends, reads the answer and checks it: an answer by HTTP, no fault of the server, JSON that is
 * whole, a problem document where it is refused. `headers` are whole lines, `body` may be NULL. A
 * request that waits is given up after a while, its connection closed: 0. Returns the status; the
 * caller finishes the answer in any case. */
int talk(const char *method, const char *target, const char *headers, const char *body,
         struct http_answer *answer);
/* Whether the last answer is whole; a stream that has no end is cut. */
bool talk_is_whole(void);

#endif
