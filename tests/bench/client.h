/* One keep-alive HTTP/1.1 connection of a load generator: sends a request, collects the answer,
 * never blocks. Small on purpose: requests fit one send(), answers have a Content-Length and fit
 * CLIENT_BYTES. One thread. */
#ifndef TESTS_BENCH_CLIENT_H
#define TESTS_BENCH_CLIENT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

#define CLIENT_BYTES 8192

struct target {
    struct sockaddr_in address;
    char host[64];       /* for the Host header */
    char authorize[160]; /* a whole header line, or "" */
};

struct client {
    int fd; /* -1: closed */
    size_t len;
    char bytes[CLIENT_BYTES + 1];
};

enum client_event { CLIENT_WAITS, CLIENT_ANSWERED, CLIENT_BROKEN };

struct answer {
    int status;
    unsigned retry_after_seconds; /* 0: the answer does not say */
    const char *body;             /* NUL-terminated; in the client's memory until the next send */
};

/* "http://127.0.0.1:4663" and a file that holds the token, or NULL. */
MUST_USE int target_init(struct target *target, const char *url, const char *token_file,
                         struct err *err);
/* Connects (blocking: this is before the run) and makes the socket non-blocking. */
MUST_USE int client_open(struct client *client, const struct target *target, struct err *err);
void client_close(struct client *client);
/* False: the connection broke. `body` may be "". */
bool client_send(struct client *client, const struct target *target, const char *method,
                 const char *path, const char *body);
/* Reads what is there. */
enum client_event client_receive(struct client *client, struct answer *answer);

#endif
