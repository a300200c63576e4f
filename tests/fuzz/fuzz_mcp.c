/* Messages to POST /mcp, whatever they are: each is answered, as JSON-RPC or not at all, with texts
 * that are short, whole and clean; and the server lives on. A message is posted as it is, and once
 * more with the headers that the newest revision wants, so that its arguments reach the tools. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "server/mcp/text.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/api_fixture.h"

static struct api_fixture server;

static void end(void)
{
    api_expect(&server, 200, "GET", "/v1/studies/s", NULL);
    api_fixture_stop(&server);
}

/* A study with a trial that has failed, one that is done, and one that waits. */
void fuzz_start(void)
{
    api_fixture_start(&server);
    MUST(atexit(end) == 0);
    api_expect(&server, 201, "POST", "/v1/studies",
               "{\"name\": \"s\", \"metric\": \"loss\", \"direction\": \"minimize\", \"strategy\": "
               "\"random\", \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, "
               "\"high\": 1, \"default\": 0.5}], \"description\": \"\\u202e | \\n\\u001b[2J\"}");
    (void)api_finish_trial(&server, "s", 0.5, 1);
    (void)api_finish_trial(&server, "s", 0.25, 1);
}

/* ---- the rules ---- */

static void check_text(const char *text)
{
    size_t len = strlen(text);
    uint32_t point;

    MUST(len <= TEXT_BYTES_MAX && len > 0 && text[len - 1] == '\n');
    for (size_t i = 0; i < len;) {
        size_t n = utf8_decode(text + i, len - i, &point);
        MUST(n > 0 && (point == '\n' || !utf8_is_unseen(point)));
        i += n;
    }
}

static void check_response(const json_t *response)
{
    const json_t *result = json_object_get(response, "result");
    const json_t *error = json_object_get(response, "error");
    const json_t *content = json_object_get(result, "content");

    MUST(json_is_object(response) && json_object_get(response, "id") != NULL);
    MUST(strcmp(json_string_value(json_object_get(response, "jsonrpc")), "2.0") == 0);
    MUST((result != NULL) != (error != NULL));
    MUST(error == NULL || json_is_integer(json_object_get(error, "code")));
    if (content != NULL) {
        check_text(json_string_value(json_at(content, "0.text")));
    }
}

static void check_answer(const struct http_answer *answer)
{
    const char *type = http_answer_header(answer, "Content-Type");
    const json_t *response;
    size_t i;

    MUST(answer->status != 0 && answer->status < 500);
    if (answer->status == 202) {
        MUST(answer->body.len == 0);
        return;
    }
    json_auto_t *body = fuzz_json(&answer->body);
    MUST(body != NULL && type != NULL);
    if (strcmp(type, "application/json") != 0) {
        MUST(answer->status >= 400);
        return;
    }
    if (!json_is_array(body)) {
        check_response(body);
        return;
    }
    json_array_foreach (body, i, response) {
        check_response(response);
    }
}

static void post(const char *headers, const char *body)
{
    OWN(http_answer) struct http_answer answer = {0};

    (void)http_call(server.port, "POST", "/mcp", headers, body, &answer);
    check_answer(&answer);
}

/* The text of a member, if it may stand in a header; else what does no harm there. */
static const char *plain(const json_t *value)
{
    const char *text = json_string_value(value);

    for (const char *at = text; text != NULL && *at != '\0'; at++) {
        if (*at <= ' ' || *at >= 0x7f) {
            return "x";
        }
    }
    return text == NULL || strlen(text) > 100 ? "x" : text;
}

/* No message may wait for long here. */
static void hurry(json_t *message)
{
    json_t *arguments = json_object_get(json_object_get(message, "params"), "arguments");
    json_t *seconds = json_object_get(arguments, "seconds");

    if (json_is_number(seconds) && json_number_value(seconds) <= 50) {
        (void)json_object_set_new(arguments, "seconds", json_integer(0));
    } else if (seconds == NULL && json_is_object(arguments)) {
        (void)json_object_set_new(arguments, "seconds", json_integer(-1));
    }
}

/* The message with all that the newest revision wants. */
static void post_newest(json_t *message)
{
    json_t *params = json_object_get(message, "params");
    char headers[400];

    (void)snprintf(headers, sizeof headers,
                   "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: %s\r\nMcp-Name: %s\r\n",
                   plain(json_object_get(message, "method")),
                   plain(json_object_get(params, "name")));
    if (json_is_object(params)) {
        (void)json_object_set_new(params, "_meta",
                                  json_pack("{s:s, s:{}}",
                                            "io.modelcontextprotocol/protocolVersion", "2026-07-28",
                                            "io.modelcontextprotocol/clientCapabilities"));
    }
    OWN(memory) char *text = json_dumps(message, 0);
    post(headers, text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_auto_t *message = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
    OWN(buf) struct buf raw;

    buf_init(&raw, 1 << 20);
    if (message == NULL) {
        buf_append(&raw, data, size);
        post(NULL, buf_text(&raw));
        return 0;
    }
    const json_t *name = json_object_get(json_object_get(message, "params"), "name");
    if (json_is_string(name) && strcmp(json_string_value(name), "wait") == 0) {
        hurry(message);
    }
    OWN(memory) char *text = json_dumps(message, 0);
    post(NULL, text);
    post_newest(message);
    return 0;
}
