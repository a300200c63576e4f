/* A small HTTP/1.1 client for tests, over plain sockets to 127.0.0.1, that hides nothing: it sends
 * the bytes it is told to and shows the answer as it came. Blocking; any thread. */
#ifndef TESTS_SUPPORT_HTTP_CALL_H
#define TESTS_SUPPORT_HTTP_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

struct http_answer {
    int status;      /* 0: the connection was closed without an answer */
    struct buf head; /* status line and headers */
    struct buf body; /* chunks joined */
    bool closed;     /* the server closed the connection after it */
};
void http_answer_finish(struct http_answer *answer);
OWN_VALUE(http_answer)
/* The value of a header (without regard to case) or NULL; valid until the next call. */
const char *http_answer_header(const struct http_answer *answer, const char *name);

/* One request on a connection of its own. `headers`: whole lines, each ended by "\r\n", or NULL;
 * Host, Content-Length and Connection: close are added, and Content-Type: application/json with a
 * body unless `headers` names one. `body` may be NULL. The answer is initialised here. Returns the
 * status. */
int http_call(int port, const char *method, const char *path, const char *headers, const char *body,
              struct http_answer *answer);

/* The same in steps: connect, send raw bytes, read one answer, close. */
int http_connect(int port); /* descriptor; aborts when no server listens */
void http_send(int fd, const char *bytes, size_t len);
/* Reads exactly one answer; `is_head`: it has no body. Later bytes of the connection are
 * lost, so do not pipeline. */
int http_receive(int fd, bool is_head, struct http_answer *answer);
/* Appends what comes to `seen` until it holds `text`. False: the server closed the connection
 * before. Aborts on an error. */
bool http_receive_until(int fd, struct buf *seen, const char *text);
/* Sends the head and body of a keep-alive request. */
void http_send_request(int fd, const char *method, const char *path, const char *headers,
                       const char *body);
/* The port in "http://127.0.0.1:4711". */
int http_port_of(const char *url);

#endif
