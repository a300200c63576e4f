/* A server that knows its lines: answers each request with the next of a list of raw responses, in
 * a child process on a free port of 127.0.0.1. */
#ifndef TESTS_SUPPORT_CANNED_SERVER_H
#define TESTS_SUPPORT_CANNED_SERVER_H

#include <stddef.h>
#include <sys/types.h>

/* As a response: a 200 whose body is the request as it arrived. */
#define CANNED_ECHO "echo"
/* Hangs up without a word. */
#define CANNED_HANG_UP "hang up"

struct canned_server {
    pid_t pid;
    char url[64];
};

void canned_server_start(struct canned_server *server, const char *const responses[], size_t n);
void canned_server_stop(struct canned_server *server);

#endif
