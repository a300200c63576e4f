#include "common/http/client.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/http/parts.h"
#include "common/json.h"

#define FAULTS_BYTES                                                                               \
    440 /* of several faults in one error, so that the number of the others fits                   \
         */

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

/* ---- what an answer means ---- */

/* All faults, each with its place, as far as they fit into an error, and how many more there are.
 */
static void append_faults(struct buf *text, const json_t *faults)
{
    size_t n = json_array_size(faults);

    for (size_t i = 0; i < n; i++) {
        const json_t *fault = json_array_get(faults, i);
        const char *pointer = json_string_value(json_object_get(fault, "pointer"));
        const char *detail = json_string_value(json_object_get(fault, "detail"));
        size_t before = text->len;
        buf_printf(text, "%s%s%s%s", i == 0 ? "" : "; ", pointer == NULL ? "" : pointer,
                   pointer == NULL || pointer[0] == '\0' ? "" : ": ", detail == NULL ? "" : detail);
        if (i > 0 && text->len > FAULTS_BYTES) {
            text->len = before;
            buf_printf(text, "; and %zu more", n - i);
            return;
        }
    }
}

/* The published code of a problem's `type`; ERR_NONE when it is none of ours. */
static enum err_code problem_code(const json_t *problem)
{
    static const char prefix[] = "/problems/";
    const char *type = json_string_value(json_object_get(problem, "type"));

    if (type == NULL || strncmp(type, prefix, sizeof prefix - 1) != 0) {
        return ERR_NONE;
    }
    enum err_code code = err_code_from_name(type + sizeof prefix - 1);
    return code <= ERR_STORAGE_FULL ? code : ERR_NONE;
}

static int problem_to_err(const json_t *problem, enum err_code code, struct err *err)
{
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    const char *title = json_string_value(json_object_get(problem, "title"));
    OWN(buf) struct buf text;

    buf_init(&text, HTTP_ANSWER_BYTES);
    append_faults(&text, json_object_get(problem, "errors")); /* the detail is the first of them */
    if (text.len == 0) {
        buf_puts(&text, detail != NULL ? detail : title != NULL ? title : "the server refused");
    }
    return err_set(err, code, "%s", buf_text(&text));
}

int http_answer_foreign(const struct http_answer *answer, struct err *err)
{
    return err_set(err, ERR_UNREACHABLE,
                   "the answer (status %d, %s) is not from a Hone server; a proxy, a login page or "
                   "another program answers at its address",
                   answer->status,
                   answer->content_type[0] == '\0' ? "of no type" : answer->content_type);
}

int http_answer_check(const struct http_answer *answer, struct err *err)
{
    static const char type[] = "application/problem+json";
    json_auto_t *problem = NULL;

    if (answer->status >= 200 && answer->status < 300) {
        return 0;
    }
    if (strncasecmp(answer->content_type, type, sizeof type - 1) != 0
        || json_parse(buf_text(&answer->body), answer->body.len, &json_limits_default, &problem,
                      NULL)
               != 0) {
        return http_answer_foreign(answer, err);
    }
    enum err_code code = problem_code(problem);
    const json_t *status = json_object_get(problem, "status");
    if (code == ERR_NONE || !json_is_integer(status)
        || json_integer_value(status) != answer->status) {
        return http_answer_foreign(answer, err);
    }
    return problem_to_err(problem, code, err);
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
