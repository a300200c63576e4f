#include "common/http/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/http/exchange.h"

struct http_client {
    struct http_target target;
    CURL *easy;
};

int http_client_create(const struct http_client_settings *settings, struct http_client **client,
                       struct err *err)
{
    OWN(http_client) struct http_client *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(http_target_init(&made->target, settings, err));
    made->easy = curl_easy_init();
    if (made->easy == NULL) {
        return err_set(err, ERR_NOMEM, "libcurl cannot start");
    }
    *client = made;
    made = NULL;
    return 0;
}

void http_client_destroy(struct http_client *client)
{
    if (client != NULL) {
        curl_easy_cleanup(client->easy);
        http_target_finish(&client->target);
        free(client);
    }
}

const char *http_client_url(const struct http_client *client)
{
    return client->target.url;
}

int http_client_call(struct http_client *client, const struct http_call *call,
                     struct http_answer *answer, struct err *err)
{
    struct http_exchange exchange;

    int rc = http_exchange_init(&exchange, client->easy, &client->target, call, err);
    if (rc == 0) {
        rc = http_exchange_end(&exchange, &client->target, curl_easy_perform(client->easy), err);
    }
    if (rc == 0) {
        *answer = exchange.answer;
        exchange.answer = (struct http_answer){0};
    }
    http_exchange_finish(&exchange);
    return rc;
}

/* ---- small help ---- */

void http_escape(struct buf *out, const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at != '\0'; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')
                     || (*at >= '0' && *at <= '9') || strchr("-._~:@", *at) != NULL;
        if (plain) {
            buf_putc(out, (char)*at);
        } else {
            buf_printf(out, "%%%02X", *at);
        }
    }
}

int http_token_load(const char *path, char token[HTTP_TOKEN_BYTES], struct err *err)
{
    char text[2 * HTTP_TOKEN_BYTES];
    OWN(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    if (fd < 0) {
        return err_set(err, ERR_IO, "the token file %s cannot be read: %s", path, strerror(errno));
    }
    ssize_t got = read(fd, text, sizeof text - 1);
    if (got < 0) {
        return err_set(err, ERR_IO, "the token file %s cannot be read: %s", path, strerror(errno));
    }
    text[got] = '\0';
    char *start = text + strspn(text, " \t\r\n");
    size_t len = strcspn(start, " \t\r\n");
    bool only_word = start[len + strspn(start + len, " \t\r\n")] == '\0';
    if (len == 0 || len >= HTTP_TOKEN_BYTES || !only_word) {
        explicit_bzero(text, sizeof text);
        return err_set(err, ERR_INVALID,
                       "the token file %s must hold one token of at most %d characters and "
                       "nothing else",
                       path, HTTP_TOKEN_BYTES - 1);
    }
    memcpy(token, start, len);
    token[len] = '\0';
    explicit_bzero(text, sizeof text);
    return 0;
}
