/* What is asked of every list and read: paths, query strings, and what a client takes. An input has
 * a line for each request, "/PATH?QUERY", perhaps behind a tab the value of Accept.
 *
 * Whatever is asked, of a server with studies of several kinds: the answer is well formed, and
 * whatever list says that there is more has a page that can be asked for, until there is none. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/talk.h"

#define REQUESTS_MAX 8
#define PAGES_MAX 40 /* of what the server has here, one entry each */

static struct api_fixture server;

/* ---- what there is to read ---- */

static const char *const studies[] = {
    "{\"name\": \"s\", \"metric\": \"loss\", \"direction\": \"minimize\", \"strategy\": "
    "\"random\", "
    "\"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}, {\"name\": "
    "\"batch size\", \"type\": \"categorical\", \"choices\": [\"a,\\\"b\", [1], null]}], "
    "\"description\": \"| <b> \\u202e\"}",
    "{\"name\": \"m\", \"objectives\": [{\"metric\": \"loss\", \"direction\": \"minimize\"}, "
    "{\"metric\": \"extra\", \"direction\": \"maximize\"}], \"strategy\": \"nsga2\", "
    "\"parameters\": [{\"name\": \"x\", \"type\": \"int\", \"low\": 1, \"high\": 9}]}",
    "{\"name\": \"h\", \"metric\": \"loss\", \"direction\": \"minimize\", \"strategy\": {\"name\": "
    "\"hyperband\", \"eta\": 3}, \"resource\": {\"name\": \"epochs\", "
    "\"min\": 1, \"max\": 9}, \"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": "
    "1e-5, \"high\": 1, \"scale\": \"log\"}]}",
    "{\"name\": \"empty\", \"metric\": \"loss\", \"direction\": \"minimize\", \"parameters\": "
    "[{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}]}",
};

/* A trial that has ended badly, and one that is at work. */
static void leave_others(const char *study)
{
    char path[100];
    char lease[64];

    (void)snprintf(path, sizeof path, "/v1/studies/%s/leases", study);
    api_expect(&server, 201, "POST", path, "{\"worker\": \"w:2\", \"host\": \"n\"}");
    json_auto_t *grant = api_json(&server);
    (void)snprintf(lease, sizeof lease, "%s", json_string_value(json_at(grant, "lease.id")));
    (void)snprintf(path, sizeof path, "/v1/leases/%s/result", lease);
    api_expect(
        &server, 200, "PUT", path,
        "{\"outcome\": \"failed\", \"reason\": \"exit_code\", \"detail\": \"no\\u0007 <i>\"}");
    (void)snprintf(path, sizeof path, "/v1/studies/%s/leases", study);
    api_expect(&server, 201, "POST", path, "{\"worker\": \"w1\"}");
}

static void end(void)
{
    talk_end();
    api_fixture_stop(&server);
}

void fuzz_start(void)
{
    api_fixture_start(&server);
    for (size_t i = 0; i < sizeof studies / sizeof studies[0]; i++) {
        api_expect(&server, 201, "POST", "/v1/studies", studies[i]);
    }
    for (int i = 0; i < 3; i++) {
        (void)api_finish_trial(&server, "s", 0.5 - 0.1 * i, i == 1 ? (double)NAN : i);
        (void)api_finish_trial(&server, "m", 0.5 + 0.1 * i, i);
    }
    (void)api_finish_trial(&server, "h", 0.5, 2);
    leave_others("s");
    leave_others("h");
    talk_start(&server);
    MUST(atexit(end) == 0);
}

/* ---- one request ---- */

/* The target of the next page; false: this is the last one. */
static bool next_page(const struct http_answer *answer, char target[TALK_TARGET_BYTES])
{
    const char *link = http_answer_header(answer, "Link");
    const char *end_of_it = link == NULL ? NULL : strstr(link, ">; rel=\"next\"");

    if (end_of_it == NULL) {
        return false;
    }
    MUST(link[0] == '<' && end_of_it - link < TALK_TARGET_BYTES);
    (void)snprintf(target, TALK_TARGET_BYTES, "%.*s", (int)(end_of_it - link - 1), link + 1);
    return true;
}

static int ask(const char *target, const char *accept, char next[TALK_TARGET_BYTES])
{
    OWN(http_answer) struct http_answer answer = {0};
    char headers[300] = "";

    if (accept[0] != '\0') {
        (void)snprintf(headers, sizeof headers, "Accept: %s\r\n", accept);
    }
    int status = talk("GET", target, headers, NULL, &answer);
    next[0] = '\0';
    if (status == 200) {
        (void)next_page(&answer, next);
    }
    return status;
}

static void ask_all(const char *target, const char *accept)
{
    char pages[2][TALK_TARGET_BYTES];
    int n = 1;

    (void)ask(target, accept, pages[0]);
    for (; pages[(n + 1) % 2][0] != '\0' && n < PAGES_MAX; n++) {
        int status = ask(pages[(n + 1) % 2], accept, pages[n % 2]);
        MUST(status == 200 || status == 0); /* 0: given up */
    }
    MUST(n < PAGES_MAX);
}

/* What may stand in a header. */
static void plain(const char *text, size_t len, char out[256])
{
    size_t n = 0;

    for (size_t i = 0; i < len && n < 255; i++) {
        if (text[i] >= ' ' && text[i] < 0x7f) {
            out[n++] = text[i];
        }
    }
    out[n] = '\0';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data;
    char target[TALK_TARGET_BYTES];
    char accept[256];

    for (int i = 0; i < REQUESTS_MAX && size > 0; i++) {
        const char *end_of_line = memchr(at, '\n', size);
        size_t len = end_of_line == NULL ? size : (size_t)(end_of_line - at);
        const char *tab = memchr(at, '\t', len);
        size_t n = tab == NULL ? len : (size_t)(tab - at);
        talk_target(at, n, target);
        plain(at + n, len - n, accept);
        ask_all(target, accept);
        size_t used = len + (end_of_line == NULL ? 0 : 1);
        at += used;
        size -= used;
    }
    return 0;
}
