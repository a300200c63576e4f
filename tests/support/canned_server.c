#include "tests/support/canned_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void must(int ok, const char *what)
{
    if (!ok) {
        perror(what);
        exit(99);
    }
}

/* The length of a whole request at the front of the text, or 0 while it is incomplete. */
static size_t request_len(const char *text, size_t len)
{
    const char *end = strstr(text, "\r\n\r\n");
    size_t body = 0;

    if (end == NULL) {
        return 0;
    }
    const char *length = strcasestr(text, "Content-Length:");
    if (length != NULL && length < end) {
        body = strtoul(length + 15, NULL, 10);
    }
    size_t whole = (size_t)(end - text) + 4 + body;
    return whole <= len ? whole : 0;
}

static void answer(int connection, const char *response, const char *request, size_t len)
{
    char head[128];

    if (strcmp(response, CANNED_ECHO) != 0) {
        must(write(connection, response, strlen(response)) >= 0, "write");
        return;
    }
    int n = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
    must(write(connection, head, (size_t)n) >= 0, "write");
    must(write(connection, request, len) >= 0, "write");
}

/* Serves one connection; returns how many responses it took. */
static size_t serve(int connection, const char *const responses[], size_t n)
{
    static char text[1 << 20];
    size_t len = 0;
    size_t used = 0;

    while (used < n) {
        ssize_t got = read(connection, text + len, sizeof text - 1 - len);
        if (got <= 0) {
            break;
        }
        len += (size_t)got;
        text[len] = '\0';
        size_t whole = request_len(text, len);
        if (whole == 0) {
            continue;
        }
        const char *response = responses[used++];
        if (strcmp(response, CANNED_HANG_UP) == 0) {
            break;
        }
        answer(connection, response, text, whole);
        len = 0;
        if (strstr(response, "Connection: close") != NULL) {
            break;
        }
    }
    return used;
}

static void run(int listener, const char *const responses[], size_t n)
{
    size_t used = 0;

    while (used < n) {
        int connection = accept(listener, NULL, NULL);
        must(connection >= 0, "accept");
        used += serve(connection, responses + used, n - used);
        (void)close(connection);
    }
    (void)close(listener);
}

void canned_server_start(struct canned_server *server, const char *const responses[], size_t n)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    must(listener >= 0, "socket");
    must(bind(listener, (struct sockaddr *)&address, len) == 0, "bind");
    must(listen(listener, 16) == 0, "listen");
    must(getsockname(listener, (struct sockaddr *)&address, &len) == 0, "getsockname");
    (void)snprintf(server->url, sizeof server->url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    (void)fflush(NULL);
    server->pid = fork();
    must(server->pid >= 0, "fork");
    if (server->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)signal(SIGPIPE, SIG_IGN);
        run(listener, responses, n);
        _exit(0);
    }
    (void)close(listener);
}

void canned_server_stop(struct canned_server *server)
{
    (void)kill(server->pid, SIGKILL);
    (void)waitpid(server->pid, NULL, 0);
}
