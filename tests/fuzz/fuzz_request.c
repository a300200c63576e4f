/* Requests that change something, with bodies for every route, one after the other, so that what
 * one has made the next one finds. An input is a list of them: "METHOD /PATH", a line, then the
 * body, up to a line "---". In a path {lease} is the last lease that was granted, {token} the last
 * token that was made.
 *
 * Whatever is sent is taken or refused by a problem document, and what it leaves can be read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/talk.h"

#define REQUESTS_MAX 16
#define INPUTS_OF_A_SERVER 500 /* then a new one is started: workers and audit events stay */
#define STUDIES_MAX 32

static struct api_fixture server;
static int n_inputs;
static char lease[64], token[64];

/* ---- what is left ---- */

static json_t *get(const char *target)
{
    OWN(http_answer) struct http_answer answer = {0};

    MUST(talk("GET", target, NULL, NULL, &answer) == 200 && talk_is_whole());
    json_t *value = fuzz_json(&answer.body);
    MUST(value != NULL);
    return value;
}

static void must_be_readable(const char *study)
{
    static const char *const reads[] = {"",        "/trials", "/best",  "/history",
                                        "/export", "/ledger", "/report"};
    char target[TALK_TARGET_BYTES];

    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++) {
        OWN(http_answer) struct http_answer answer = {0};
        (void)snprintf(target, sizeof target, "/v1/studies/%s%s", study, reads[i]);
        int status = talk("GET", target, NULL, NULL, &answer);
        MUST(status == 200 || status == 404 || status == 422 || status == 409);
        MUST(status == 200 || i > 1);
    }
}

static void delete_one(const char *what, const char *name)
{
    OWN(http_answer) struct http_answer answer = {0};
    char target[TALK_TARGET_BYTES];

    (void)snprintf(target, sizeof target, "%s/%s?force=true", what, name);
    MUST(talk("DELETE", target, NULL, NULL, &answer) == 204);
}

/* Reads what the studies have become, and deletes them. */
static void clear(void)
{
    json_auto_t *list = get("/v1/studies?limit=100");
    json_auto_t *tokens = get("/v1/tokens");
    const json_t *item;
    size_t i;

    json_array_foreach (json_object_get(list, "items"), i, item) {
        const char *name = json_string_value(json_object_get(item, "name"));
        MUST(name != NULL);
        must_be_readable(name);
        delete_one("/v1/studies", name);
    }
    json_array_foreach (json_object_get(tokens, "items"), i, item) {
        delete_one("/v1/tokens", json_string_value(json_object_get(item, "id")));
    }
}

/* ---- one request ---- */

static void remember(const json_t *body)
{
    const char *id = json_string_value(json_at(body, "lease.id"));
    const char *made = json_string_value(json_at(body, "id"));

    if (id != NULL) {
        (void)snprintf(lease, sizeof lease, "%s", id);
    }
    if (made != NULL) {
        (void)snprintf(token, sizeof token, "%s", made);
    }
}

/* The path with what {lease} and {token} stand for. */
static void fill_in(const char *path, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len;) {
        if (len - i >= 7 && memcmp(path + i, "{lease}", 7) == 0) {
            buf_puts(out, lease);
            i += 7;
        } else if (len - i >= 7 && memcmp(path + i, "{token}", 7) == 0) {
            buf_puts(out, token);
            i += 7;
        } else {
            buf_putc(out, path[i++]);
        }
    }
}

/* No request is to wait. */
static char *hurried(const char *body, size_t len)
{
    json_auto_t *value = json_loadb(body, len, JSON_ALLOW_NUL, NULL);

    if (json_is_object(value) && json_number_value(json_object_get(value, "wait_seconds")) > 0) {
        (void)json_object_set_new(value, "wait_seconds", json_integer(0));
        return json_dumps(value, 0);
    }
    return fuzz_text(body, len);
}

static void send_one(const char *head, size_t head_len, const char *body, size_t len)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH", "DELETE", "GET"};
    OWN(http_answer) struct http_answer answer = {0};
    OWN(buf) struct buf path;
    char target[TALK_TARGET_BYTES];
    const char *method = "POST";
    const char *blank = memchr(head, ' ', head_len);
    size_t skip = blank == NULL ? 0 : (size_t)(blank + 1 - head);

    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        size_t n = strlen(methods[i]);
        method = skip == n + 1 && memcmp(head, methods[i], n) == 0 ? methods[i] : method;
    }
    buf_init(&path, TALK_TARGET_BYTES);
    fill_in(head + skip, head_len - skip, &path);
    talk_target(buf_text(&path), path.len, target);
    bool has_body = strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0;
    OWN(memory) char *text = hurried(body, len);
    if (talk(method, target, NULL, has_body ? text : NULL, &answer) < 300) {
        json_auto_t *value = fuzz_json(&answer.body);
        remember(value);
    }
}

static size_t line_of(const char *at, size_t size)
{
    const char *end = memchr(at, '\n', size);

    return end == NULL ? size : (size_t)(end - at);
}

static size_t send_next(const char *at, size_t size)
{
    size_t head = line_of(at, size);
    size_t body = head + (head < size ? 1 : 0);
    size_t end = body;

    while (end < size) {
        size_t len = line_of(at + end, size - end);
        if (len == 3 && memcmp(at + end, "---", 3) == 0) {
            send_one(at, head, at + body, end - body);
            return end + len + (end + len < size ? 1 : 0);
        }
        end += len + (end + len < size ? 1 : 0);
    }
    send_one(at, head, at + body, end - body);
    return size;
}

static void end(void)
{
    talk_end();
    api_fixture_stop(&server);
}

void fuzz_start(void)
{
    api_fixture_start(&server);
    talk_start(&server);
    MUST(atexit(end) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;

    if (n_inputs++ == INPUTS_OF_A_SERVER) {
        talk_end();
        api_fixture_stop(&server);
        api_fixture_start(&server);
        n_inputs = 0;
    }
    (void)snprintf(lease, sizeof lease, "none");
    (void)snprintf(token, sizeof token, "none");
    for (int i = 0; i < REQUESTS_MAX && size > 0; i++) {
        size_t used = send_next(at, size);
        at += used;
        size -= used;
    }
    clear();
    return 0;
}
