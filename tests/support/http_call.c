#include "tests/support/http_call.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#define ANSWER_MAX ((size_t)64 << 20)

static char header_value[1024];

void http_answer_finish(struct http_answer *answer)
{
    buf_finish(&answer->head);
    buf_finish(&answer->body);
}

static const char *find_header(const char *head, const char *name, size_t *len)
{
    size_t name_len = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, name_len) == 0 && line[name_len] == ':') {
            const char *value = line + name_len + 1 + strspn(line + name_len + 1, " ");
            *len = strcspn(value, "\r\n");
            return value;
        }
    }
    return NULL;
}

const char *http_answer_header(const struct http_answer *answer, const char *name)
{
    size_t len = 0;
    const char *value = find_header(buf_text(&answer->head), name, &len);

    if (value == NULL) {
        return NULL;
    }
    (void)snprintf(header_value, sizeof header_value, "%.*s", (int)len, value);
    return header_value;
}

/* As connect(2), also where a signal comes in between: it goes on then. */
static int connect_to(int fd, const struct sockaddr_in *address)
{
    struct pollfd writable = {.fd = fd, .events = POLLOUT};
    int fault = 0;
    socklen_t len = sizeof fault;

    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0) {
        return 0;
    }
    if (errno != EINTR || TEMP_FAILURE_RETRY(poll(&writable, 1, -1)) != 1
        || getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &len) != 0) {
        return -1;
    }
    errno = fault;
    return fault == 0 ? 0 : -1;
}

int http_connect(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd < 0 || connect_to(fd, &address) != 0) {
        perror("connect");
        abort();
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

void http_send(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = TEMP_FAILURE_RETRY(send(fd, bytes, len, MSG_NOSIGNAL));
        if (n <= 0) {
            return; /* the server closed it: the answer shows why */
        }
        bytes += n;
        len -= (size_t)n;
    }
}

/* ---- reading ---- */

struct reader {
    int fd;
    struct buf *in;
    bool end;
};

static bool read_more(struct reader *reader)
{
    char piece[16384];
    ssize_t n = reader->end ? 0 : TEMP_FAILURE_RETRY(recv(reader->fd, piece, sizeof piece, 0));

    if (n <= 0) {
        reader->end = true;
        return false;
    }
    buf_append(reader->in, piece, (size_t)n);
    return true;
}

static bool read_head(struct reader *reader, struct http_answer *answer)
{
    const char *end;

    while ((end = strstr(buf_text(reader->in), "\r\n\r\n")) == NULL) {
        if (!read_more(reader)) {
            return false;
        }
    }
    size_t len = (size_t)(end + 4 - buf_text(reader->in));
    buf_append(&answer->head, buf_text(reader->in), len - 2);
    buf_consume(reader->in, len);
    return sscanf(buf_text(&answer->head), "HTTP/1.%*d %d", &answer->status) == 1;
}

static bool read_chunk(struct reader *reader, struct http_answer *answer)
{
    const char *end;

    while ((end = strstr(buf_text(reader->in), "\r\n")) == NULL) {
        if (!read_more(reader)) {
            return false;
        }
    }
    size_t size = strtoul(buf_text(reader->in), NULL, 16);
    size_t head = (size_t)(end + 2 - buf_text(reader->in));
    while (reader->in->len < head + size + 2) {
        if (!read_more(reader)) {
            return false;
        }
    }
    buf_append(&answer->body, reader->in->data + head, size);
    buf_consume(reader->in, head + size + 2);
    return size > 0;
}

static void read_body(struct reader *reader, struct http_answer *answer)
{
    const char *length = http_answer_header(answer, "Content-Length");
    const char *encoding = http_answer_header(answer, "Transfer-Encoding");

    if (length != NULL) {
        length = http_answer_header(answer, "Content-Length");
        size_t wanted = strtoul(length, NULL, 10);
        while (reader->in->len < wanted && read_more(reader)) {
        }
        buf_append(&answer->body, buf_text(reader->in), reader->in->len);
    } else if (encoding != NULL) {
        while (read_chunk(reader, answer)) {
        }
    } else {
        while (read_more(reader)) {
        }
        buf_append(&answer->body, buf_text(reader->in), reader->in->len);
    }
}

int http_receive(int fd, bool is_head, struct http_answer *answer)
{
    OWN(buf) struct buf in;
    struct reader reader = {.fd = fd, .in = &in};

    *answer = (struct http_answer){0};
    buf_init(&answer->head, ANSWER_MAX);
    buf_init(&answer->body, ANSWER_MAX);
    buf_init(&in, ANSWER_MAX);
    do {
        buf_clear(&answer->head);
        answer->status = 0;
        if (!read_head(&reader, answer)) {
            answer->closed = true;
            return 0;
        }
    } while (answer->status == 100);
    if (!is_head && answer->status != 204 && answer->status != 304) {
        read_body(&reader, answer);
    }
    const char *connection = http_answer_header(answer, "Connection");
    answer->closed = reader.end || (connection != NULL && strcasecmp(connection, "close") == 0);
    return answer->status;
}

bool http_receive_until(int fd, struct buf *seen, const char *text)
{
    char piece[4096];

    while (strstr(buf_text(seen), text) == NULL) {
        ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n < 0) {
            perror("recv");
            abort();
        }
        if (n == 0) {
            return false;
        }
        buf_append(seen, piece, (size_t)n);
    }
    return true;
}

void http_send_request(int fd, const char *method, const char *path, const char *headers,
                       const char *body)
{
    OWN(buf) struct buf out;

    buf_init(&out, ANSWER_MAX);
    buf_printf(&out, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s", method, path,
               headers == NULL ? "" : headers);
    if (body != NULL) {
        if (headers == NULL || strcasestr(headers, "content-type:") == NULL) {
            buf_puts(&out, "Content-Type: application/json\r\n");
        }
        buf_printf(&out, "Content-Length: %zu\r\n", strlen(body));
    }
    buf_puts(&out, "\r\n");
    buf_puts(&out, body == NULL ? "" : body);
    http_send(fd, buf_text(&out), out.len);
}

int http_call(int port, const char *method, const char *path, const char *headers, const char *body,
              struct http_answer *answer)
{
    OWN(buf) struct buf all;
    OWN(fd) int fd = http_connect(port);

    buf_init(&all, ANSWER_MAX);
    buf_printf(&all, "Connection: close\r\n%s", headers == NULL ? "" : headers);
    http_send_request(fd, method, path, buf_text(&all), body);
    return http_receive(fd, strcmp(method, "HEAD") == 0, answer);
}

int http_port_of(const char *url)
{
    const char *colon = strrchr(url, ':');

    return colon == NULL ? 0 : atoi(colon + 1);
}
