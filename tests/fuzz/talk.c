#include "tests/fuzz/talk.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

#define PATIENCE_MS 300         /* for a request that may wait, or a stream */
#define LONG_PATIENCE_MS 100000 /* for all others, on a machine that has other things to do */

static struct {
    struct api_fixture *server;
    int fd; /* -1: not connected */
    bool is_whole;
} talking = {.fd = -1};

void talk_start(struct api_fixture *server)
{
    talking.server = server;
}

static void hang_up(void)
{
    if (talking.fd >= 0) {
        (void)close(talking.fd);
    }
    talking.fd = -1;
}

void talk_end(void)
{
    hang_up();
}

bool talk_is_whole(void)
{
    return talking.is_whole;
}

void talk_target(const char *bytes, size_t len, char target[TALK_TARGET_BYTES])
{
    size_t at = 0;

    if (len == 0 || bytes[0] != '/') {
        target[at++] = '/';
    }
    for (size_t i = 0; i < len && at < TALK_TARGET_BYTES - 4; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c <= ' ' || c >= 0x7f || c == '#') {
            at += (size_t)snprintf(target + at, 4, "%%%02X", c);
        } else {
            target[at++] = (char)c;
        }
    }
    target[at] = '\0';
}

/* May the server wait with its answer? An encoded target may say anything. */
static bool may_wait(const char *method, const char *target)
{
    static const char *const words[] = {"wait", "events", "follow", "%"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(target, words[i]) != NULL) {
            return true;
        }
    }
    return strcmp(method, "POST") == 0 && strstr(target, "/leases") != NULL;
}

static void connect_again(bool is_patient)
{
    int ms = is_patient ? LONG_PATIENCE_MS : PATIENCE_MS;
    struct timeval patience = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};

    if (talking.fd < 0) {
        talking.fd = http_connect(talking.server->port);
    }
    MUST(setsockopt(talking.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
}

/* Does the server say, or must it be, that the connection ends with this answer? */
static bool says_close(const struct http_answer *answer)
{
    const char *connection = http_answer_header(answer, "Connection");

    return connection != NULL && strcasecmp(connection, "close") == 0;
}

static void check_problem(const struct http_answer *answer, const char *type)
{
    json_auto_t *problem = fuzz_json(&answer->body);

    MUST(answer->body.len > 0);
    if (strcmp(type, "application/problem+json") != 0) { /* a sentence, for a terminal */
        MUST(strcmp(type, "application/json") != 0);
        return;
    }
    const char *kind = json_string_value(json_object_get(problem, "type"));
    const char *detail = json_string_value(json_object_get(problem, "detail"));
    MUST(kind != NULL && strncmp(kind, "/problems/", 10) == 0);
    MUST(json_integer_value(json_object_get(problem, "status")) == answer->status);
    MUST(detail == NULL || detail[0] != '\0');
}

static void check_lines(const struct buf *body)
{
    for (const char *at = buf_text(body); *at != '\0';) {
        size_t len = strcspn(at, "\n");
        OWN(buf) struct buf text;
        buf_init(&text, len + 1);
        buf_append(&text, at, len);
        json_auto_t *line = fuzz_json(&text);
        MUST(len == 0 || line != NULL);
        at += len + (at[len] == '\n' ? 1 : 0);
    }
}

static void check(const struct http_answer *answer, bool is_head)
{
    char type[100] = "";
    const char *said = http_answer_header(answer, "Content-Type");

    (void)snprintf(type, sizeof type, "%s", said == NULL ? "" : said);
    MUST(answer->status >= 200 && answer->status < 600);
    MUST(answer->status < 500 || answer->status == 503);
    if (!talking.is_whole || is_head || answer->status == 304) {
        return;
    }
    if (answer->status >= 400) {
        check_problem(answer, type);
    } else if (strcmp(type, "application/json") == 0) {
        json_auto_t *value = fuzz_json(&answer->body);
        MUST(value != NULL);
    } else if (strcmp(type, "application/x-ndjson") == 0) {
        check_lines(&answer->body);
    }
}

int talk(const char *method, const char *target, const char *headers, const char *body,
         struct http_answer *answer)
{
    bool is_head = strcmp(method, "HEAD") == 0;

    connect_again(!may_wait(method, target));
    http_send_request(talking.fd, method, target, headers, body);
    int status = http_receive(talking.fd, is_head, answer);
    talking.is_whole = status != 0 && (!answer->closed || says_close(answer));
    if (getenv("FUZZ_SHOWS") != NULL) {
        (void)fprintf(stderr, "%s %s: %d %.200s\n", method, target, status,
                      buf_text(&answer->body));
    }
    if (status != 0) {
        check(answer, is_head);
    }
    if (status == 0 || answer->closed) {
        hang_up();
    }
    return status;
}
