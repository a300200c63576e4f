#include "tests/bench/client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int read_token(struct target *target, const char *token_file, struct err *err)
{
    char token[128];
    FILE *file = fopen(token_file, "re");

    if (file == NULL || fgets(token, sizeof token, file) == NULL) {
        if (file != NULL) {
            (void)fclose(file);
        }
        return err_set(err, ERR_IO, "cannot read a token from %s", token_file);
    }
    (void)fclose(file);
    token[strcspn(token, "\r\n")] = '\0';
    (void)snprintf(target->authorize, sizeof target->authorize, "Authorization: Bearer %s\r\n",
                   token);
    return 0;
}

int target_init(struct target *target, const char *url, const char *token_file, struct err *err)
{
    char address[32];
    unsigned port;

    *target = (struct target){0};
    if (sscanf(url, "http://%31[0-9.]:%u", address, &port) != 2 || port > 65535
        || inet_pton(AF_INET, address, &target->address.sin_addr) != 1) {
        return err_set(err, ERR_INVALID, "\"%s\" is not like http://127.0.0.1:4663", url);
    }
    target->address.sin_family = AF_INET;
    target->address.sin_port = htons((uint16_t)port);
    (void)snprintf(target->host, sizeof target->host, "%s:%u", address, port);
    return token_file == NULL ? 0 : read_token(target, token_file, err);
}

int client_open(struct client *client, const struct target *target, struct err *err)
{
    const struct sockaddr_in address = target->address;
    const int on = 1;

    client->len = 0;
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (client->fd < 0
        || connect(client->fd, (const struct sockaddr *)&address, sizeof address) != 0
        || setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0
        || fcntl(client->fd, F_SETFL, O_NONBLOCK) != 0) {
        int cause = errno;

        client_close(client);
        return err_set(err, ERR_UNREACHABLE, "cannot connect to %s: %s", target->host,
                       strerror(cause));
    }
    return 0;
}

void client_close(struct client *client)
{
    if (client->fd >= 0) {
        (void)close(client->fd);
    }
    client->fd = -1;
}

bool client_send(struct client *client, const struct target *target, const char *method,
                 const char *path, const char *body)
{
    char request[2048];
    size_t body_bytes = strlen(body);
    int n = snprintf(request, sizeof request,
                     "%s %s HTTP/1.1\r\nHost: %s\r\n%sContent-Type: application/json\r\n"
                     "Content-Length: %zu\r\n\r\n%s",
                     method, path, target->host, target->authorize, body_bytes, body);

    client->len = 0;
    if (n < 0 || (size_t)n >= sizeof request) {
        return false;
    }
    return send(client->fd, request, (size_t)n, MSG_NOSIGNAL) == (ssize_t)n;
}

/* Is a whole answer there? -1: it is none that we can read. */
static int parse_answer(struct client *client, struct answer *answer)
{
    const char *head_end;
    const char *length;
    const char *retry_after;
    size_t body_bytes;
    size_t head_bytes;

    client->bytes[client->len] = '\0';
    head_end = strstr(client->bytes, "\r\n\r\n");
    if (head_end == NULL) {
        return client->len < CLIENT_BYTES ? 0 : -1;
    }
    head_bytes = (size_t)(head_end - client->bytes) + 4;
    length = strcasestr(client->bytes, "\r\ncontent-length:");
    retry_after = strcasestr(client->bytes, "\r\nretry-after:");
    answer->retry_after_seconds = retry_after == NULL || retry_after > head_end
                                      ? 0
                                      : (unsigned)strtoul(retry_after + 14, NULL, 10);
    body_bytes = length == NULL || length > head_end ? 0 : strtoul(length + 17, NULL, 10);
    if (sscanf(client->bytes, "HTTP/1.1 %d", &answer->status) != 1
        || head_bytes + body_bytes > CLIENT_BYTES) {
        return -1;
    }
    answer->body = client->bytes + head_bytes;
    return client->len >= head_bytes + body_bytes ? 1 : 0;
}

enum client_event client_receive(struct client *client, struct answer *answer)
{
    ssize_t n = recv(client->fd, client->bytes + client->len, CLIENT_BYTES - client->len, 0);
    int whole;

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return CLIENT_WAITS;
    }
    if (n <= 0) {
        return CLIENT_BROKEN;
    }
    client->len += (size_t)n;
    whole = parse_answer(client, answer);
    if (whole < 0) {
        return CLIENT_BROKEN;
    }
    return whole > 0 ? CLIENT_ANSWERED : CLIENT_WAITS;
}
