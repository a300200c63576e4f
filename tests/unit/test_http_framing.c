/* Requests that a proxy and a server could read differently, names and origins that are not ours,
 * bodies that are too large or of a foreign type: each gets its status, and after a fault of
 * framing the connection is closed, so that nothing hides behind it. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/support/http_call.h"
#include "tests/support/run_suite.h"
#include "tests/unit/http_fixture.h"

#define HOST "Host: 127.0.0.1\r\n"
#define JSON "Content-Type: application/json\r\n"
#define SMUGGLED "GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

static const struct {
    const char *name;
    const char *bytes;
    int status;
    bool closed;
} requests[] = {
    /* the end of the message */
    {"length and chunked",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
     "0\r\n\r\n" SMUGGLED,
     400, true},
    {"two lengths",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\nContent-Length: 45\r\n\r\n"
     "[]" SMUGGLED,
     400, true},
    {"two equal lengths",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\nContent-Length: 2\r\n\r\n[]", 400,
     true},
    {"a length with a sign", "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: +2\r\n\r\n[]",
     400, true},
    {"a length in hex", "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 0x2\r\n\r\n[]", 400,
     true},
    {"a length of many zeros",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 0000000000000000000002\r\n\r\n[]", 400,
     true},
    {"an empty length", "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length:\r\n\r\n[]", 400, true},
    {"a length with a tail", "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 2, 2\r\n\r\n[]",
     400, true},
    {"a space before the colon", "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length : 2\r\n\r\n[]",
     400, true},
    {"an unknown coding",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" SMUGGLED,
     400, true},
    {"two codings",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400,
     true},
    {"chunked twice",
     "POST /echo HTTP/1.1\r\n" HOST JSON
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400, true},
    {"a body on GET", "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 45\r\n\r\n" SMUGGLED, 400,
     true},
    {"chunks on DELETE",
     "DELETE /hello HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, true},
    {"empty lines before a request", "\r\n\r\nGET /hello HTTP/1.1\r\n" HOST "\r\n", 200, false},
    {"values with spaces around them",
     "GET /hello HTTP/1.1\r\n" HOST "X: \t y \r\nY:z\r\nZ:\r\n\r\n", 200, false},
    {"an empty body on GET", "GET /hello HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 200,
     false},
    /* whom it is for */
    {"no host", "GET /hello HTTP/1.1\r\n\r\n", 400, true},
    {"two hosts", "GET /hello HTTP/1.1\r\n" HOST HOST "\r\n", 400, true},
    {"a foreign host", "GET /hello HTTP/1.1\r\nHost: evil.example\r\n\r\n", 403, false},
    {"a host that begins like ours", "GET /hello HTTP/1.1\r\nHost: 127.0.0.1.evil.example\r\n\r\n",
     403, false},
    {"a host that begins with localhost",
     "GET /hello HTTP/1.1\r\nHost: localhost.evil.example:80\r\n\r\n", 403, false},
    {"localhost with a port", "GET /hello HTTP/1.1\r\nHost: localhost:4663\r\n\r\n", 200, false},
    {"the IPv6 loopback", "GET /hello HTTP/1.1\r\nHost: [::1]:4663\r\n\r\n", 200, false},
    {"the IPv6 loopback without its end", "GET /hello HTTP/1.1\r\nHost: [::1\r\n\r\n", 403, false},
    {"the IPv6 loopback with a tail", "GET /hello HTTP/1.1\r\nHost: [::1]x\r\n\r\n", 403, false},
    {"localhost with an empty port", "GET /hello HTTP/1.1\r\nHost: localhost:\r\n\r\n", 403, false},
    {"127.0.0.1 with a port that is none", "GET /hello HTTP/1.1\r\nHost: 127.0.0.1:x\r\n\r\n", 403,
     false},
    {"absolute form", "GET http://127.0.0.1/hello HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"asterisk form", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 400, true},
    /* headers */
    {"two tokens",
     "GET /hello HTTP/1.1\r\n" HOST "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
     400, true},
    {"two preconditions",
     "GET /hello HTTP/1.1\r\n" HOST "If-Match: \"1\"\r\nIf-Match: \"2\"\r\n\r\n", 400, true},
    {"two keys",
     "POST /echo HTTP/1.1\r\n" HOST JSON
     "Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 2\r\n\r\n[]",
     400, true},
    {"a control character in a value", "GET /hello HTTP/1.1\r\n" HOST "X: a\x01z\r\n\r\n", 400,
     true},
    {"a name with brackets", "GET /hello HTTP/1.1\r\n" HOST "X[1]: a\r\n\r\n", 400, true},
    /* methods */
    {"an unknown method", "BREW /hello HTTP/1.1\r\n" HOST "\r\n", 405, false},
    {"a method that is no word", "GE(T /hello HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"TRACE", "TRACE /hello HTTP/1.1\r\n" HOST "\r\n", 405, false},
    /* paths */
    {"an encoded slash", "GET /things/a%2fb/parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"an encoded NUL", "GET /things/a%00/parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"a NUL in the query", "GET /hello?q=%00 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"half an escape", "GET /things/a%2/parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"no escape in its second digit", "GET /things/a%4z/parts/1 HTTP/1.1\r\n" HOST "\r\n", 400,
     true},
    {"an escape of signs", "GET /things/a%!0/parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"an escape beyond F", "GET /things/a%G0/parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"no escape in the query's name", "GET /hello?%zz=1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"nothing between two pairs", "GET /hello?a=1&&b=2& HTTP/1.1\r\n" HOST "\r\n", 200, false},
    {"plus in a path", "GET /things/a+b/parts/1 HTTP/1.1\r\n" HOST "\r\n", 200, false},
    {"a control character", "GET /things/a\x01/parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"DEL", "GET /things/a\x7f/parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"no escape", "GET /things/a%zz/parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"a dot", "GET /things/./parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"two dots", "GET /things/../parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"encoded dots", "GET /things/%2e%2E/parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"three dots are a name", "GET /things/.../parts/1 HTTP/1.1\r\n" HOST "\r\n", 200, false},
    {"a name with dots", "GET /things/a..b/parts/.x HTTP/1.1\r\n" HOST "\r\n", 200, false},
    {"two slashes", "GET //hello HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"two slashes within", "GET /things//parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"a slash at the end", "GET /hello/ HTTP/1.1\r\n" HOST "\r\n", 404, false},
    {"an empty name", "GET /things/x/parts/ HTTP/1.1\r\n" HOST "\r\n", 404, false},
    {"a backslash", "GET /things/a\\b/parts/1 HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"a fragment", "GET /hello#x HTTP/1.1\r\n" HOST "\r\n", 400, true},
    {"thirteen segments", "GET /1/2/3/4/5/6/7/8/9/10/11/12/13 HTTP/1.1\r\n" HOST "\r\n", 404, true},
    {"percent as a text", "GET /things/100%25/parts/1 HTTP/1.1\r\n" HOST "\r\n", 200, false},
    /* bodies */
    {"a form",
     "POST /echo HTTP/1.1\r\n" HOST
     "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 2\r\n\r\n[]",
     415, false},
    {"no type", "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n[]", 415, false},
    {"a type that begins like ours",
     "POST /echo HTTP/1.1\r\n" HOST
     "Content-Type: application/jsonp\r\nContent-Length: 2\r\n\r\n[]",
     415, false},
    {"a type with a space behind it",
     "POST /echo HTTP/1.1\r\n" HOST
     "Content-Type: application/json ;charset=utf-8\r\nContent-Length: 2\r\n\r\n[]",
     200, false},
    {"a body that says that it is not compressed",
     "POST /echo HTTP/1.1\r\n" HOST JSON
     "Content-Encoding: identity\r\nContent-Length: 2\r\n\r\n[]",
     200, false},
    {"a body where none is taken",
     "PUT /headers HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n\r\n[]", 400, false},
    {"a charset",
     "POST /echo HTTP/1.1\r\n" HOST
     "Content-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n[]",
     200, false},
    {"a merge patch on PATCH",
     "PATCH /echo HTTP/1.1\r\n" HOST
     "Content-Type: application/merge-patch+json\r\nContent-Length: 2\r\n\r\n[]",
     200, false},
    {"no type on PATCH", "PATCH /echo HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\n[]", 415, false},
    {"a text on PATCH",
     "PATCH /echo HTTP/1.1\r\n" HOST "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n[]", 415,
     false},
    {"a merge patch on POST",
     "POST /echo HTTP/1.1\r\n" HOST
     "Content-Type: application/merge-patch+json\r\nContent-Length: 2\r\n\r\n[]",
     415, false},
    {"compressed",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]",
     415, false},
    {"a length beyond the limit",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 1048577\r\n\r\n", 413, true},
    {"a huge length", "POST /bulk HTTP/1.1\r\n" HOST JSON "Content-Length: 999999999999\r\n\r\n",
     413, true},
    {"an optional body that is missing", "POST /later HTTP/1.1\r\n" HOST "\r\n", 201, false},
    /* browsers */
    {"from another site",
     "POST /echo HTTP/1.1\r\n" HOST JSON
     "Sec-Fetch-Site: cross-site\r\nContent-Length: 2\r\n\r\n[]",
     403, false},
    {"from a sibling site", "DELETE /hello HTTP/1.1\r\n" HOST "Sec-Fetch-Site: same-site\r\n\r\n",
     403, false},
    {"from our own page",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Sec-Fetch-Site: same-origin\r\nOrigin: "
     "http://127.0.0.1\r\nContent-Length: 2\r\n\r\n[]",
     200, false},
    {"from our own page, behind a proxy with TLS",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Origin: https://127.0.0.1\r\nContent-Length: 2\r\n\r\n[]",
     200, false},
    {"from another port of ours",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Origin: http://127.0.0.1:8000\r\nContent-Length: "
     "2\r\n\r\n[]",
     403, false},
    {"from a page without origin",
     "POST /echo HTTP/1.1\r\n" HOST JSON "Origin: null\r\nContent-Length: 2\r\n\r\n[]", 403, false},
    {"reading from another site",
     "GET /hello HTTP/1.1\r\n" HOST "Sec-Fetch-Site: cross-site\r\n\r\n", 200, false},
};

/* ---- heads and chunks that two parsers could read differently ---- */

#define CHUNKED "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n"
#define BYTES(text) text, sizeof(text) - 1 /* also with NUL in it */

static const struct {
    const char *name;
    const char *bytes;
    size_t len;
} ambiguous[] = {
    /* continued lines */
    {"a length on the next line",
     BYTES("POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length:\r\n 45\r\n\r\n" SMUGGLED)},
    {"a length on the line after an empty one",
     BYTES("POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length:\r\n \r\n 45\r\n\r\n" SMUGGLED)},
    {"a length that goes on",
     BYTES("POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 4\r\n\t5\r\n\r\n" SMUGGLED)},
    {"a coding on the next line",
     BYTES("POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding:\r\n chunked\r\n\r\n"
           "0\r\n\r\n" SMUGGLED)},
    {"a value that goes on",
     BYTES("GET /hello HTTP/1.1\r\n" HOST "X: a\r\n b\r\nY: c\r\n\r\n" SMUGGLED)},
    {"a value that goes on with nothing",
     BYTES("GET /hello HTTP/1.1\r\n" HOST "X: a\r\n \r\nY: c\r\n\r\n" SMUGGLED)},
    {"a last value that goes on",
     BYTES("GET /hello HTTP/1.1\r\n" HOST "X: a\r\n\tb\r\n\r\n" SMUGGLED)},
    {"a last value that goes on with nothing",
     BYTES("GET /hello HTTP/1.1\r\n" HOST "X: a\r\n \r\n\r\n")},
    {"a name without a value that goes on",
     BYTES("GET /hello HTTP/1.1\r\n" HOST "X:\r\n y\r\n\r\n")},
    {"a first line that goes on", BYTES("GET /hello HTTP/1.1\r\n " HOST HOST "\r\n" SMUGGLED)},
    /* line feeds alone */
    {"line feeds only", BYTES("GET /hello HTTP/1.1\nHost: 127.0.0.1\n\n" SMUGGLED)},
    {"a line feed after the request line",
     BYTES("GET /hello HTTP/1.1\nHost: 127.0.0.1\r\n\r\n" SMUGGLED)},
    {"a line feed after a header",
     BYTES("GET /hello HTTP/1.1\r\nHost: 127.0.0.1\nX: y\r\n\r\n" SMUGGLED)},
    {"a line feed after the last header",
     BYTES("GET /hello HTTP/1.1\r\n" HOST "X: y\n\r\n" SMUGGLED)},
    {"a line feed as the empty line", BYTES("GET /hello HTTP/1.1\r\n" HOST "\n" SMUGGLED)},
    {"a line feed as the last byte", BYTES("GET /hello HTTP/1.1\r\n" HOST "\n")},
    {"a line feed before a body",
     BYTES("POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n\n[]" SMUGGLED)},
    {"line feeds and a continued line",
     BYTES("GET /hello HTTP/1.1\r\n" HOST "X: y\n \n\n" SMUGGLED)},
    {"a carriage return within a value",
     BYTES("GET /hello HTTP/1.1\r\n" HOST "X: y\rZ: a\r\n\r\n" SMUGGLED)},
    {"two carriage returns", BYTES("GET /hello HTTP/1.1\r\n" HOST "X: y\r\r\n\r\n" SMUGGLED)},
    /* NUL */
    {"NUL in the path", BYTES("GET /hello\0/x HTTP/1.1\r\n" HOST "\r\n" SMUGGLED)},
    {"NUL in the query", BYTES("GET /hello?a\0b HTTP/1.1\r\n" HOST "\r\n" SMUGGLED)},
    {"NUL and a version in the path",
     BYTES("GET /hello\0HTTP/1.1 HTTP/1.1\r\n" HOST "\r\n" SMUGGLED)},
    {"NUL before the target", BYTES("GET\0 /hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED)},
    {"NUL in a value", BYTES("GET /hello HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n" SMUGGLED)},
    {"NUL after a value", BYTES("GET /hello HTTP/1.1\r\n" HOST "X: a\0\r\n\r\n" SMUGGLED)},
    {"NUL in the host",
     BYTES("GET /hello HTTP/1.1\r\nHost: 127.0.0.1\0.evil.example\r\n\r\n" SMUGGLED)},
    {"NUL in a name", BYTES("GET /hello HTTP/1.1\r\n" HOST "X\0Y: a\r\n\r\n" SMUGGLED)},
    {"NUL in a length", BYTES("POST /echo HTTP/1.1\r\n" HOST JSON "Content-Length: 2\0"
                              "5\r\n\r\n[]" SMUGGLED)},
    {"a line that begins with NUL",
     BYTES("GET /hello HTTP/1.1\r\n" HOST "\0X: a\r\n\r\n" SMUGGLED)},
    /* names */
    {"no name", BYTES("GET /hello HTTP/1.1\r\n" HOST ": x\r\nX: y\r\n\r\n" SMUGGLED)},
    {"no name in the last line", BYTES("GET /hello HTTP/1.1\r\n" HOST ": x\r\n\r\n" SMUGGLED)},
    {"neither name nor value", BYTES("GET /hello HTTP/1.1\r\n" HOST ":\r\n\r\n" SMUGGLED)},
    {"no name in the first line", BYTES("GET /hello HTTP/1.1\r\n: x\r\n" HOST "\r\n" SMUGGLED)},
    {"no colon", BYTES("GET /hello HTTP/1.1\r\n" HOST "X\r\n\r\n" SMUGGLED)},
    /* the request line */
    {"two spaces before the target", BYTES("GET  /hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED)},
    {"a tab before the target", BYTES("GET \t/hello HTTP/1.1\r\n" HOST "\r\n" SMUGGLED)},
    /* chunks */
    {"a line feed after a chunk's size", BYTES(CHUNKED "2\n{}\r\n0\r\n\r\n" SMUGGLED)},
    {"a line feed after an extension", BYTES(CHUNKED "2;a\n{}\r\n0\r\n\r\n" SMUGGLED)},
    {"line feeds after all chunks", BYTES(CHUNKED "2\n{}\n0\n\n" SMUGGLED)},
    {"a line feed after the second size", BYTES(CHUNKED "1\r\n[\r\n1\n]\r\n0\r\n\r\n" SMUGGLED)},
    {"chunks in HTTP/1.0",
     BYTES("POST /echo HTTP/1.0\r\n" HOST JSON "Connection: keep-alive\r\n"
           "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" SMUGGLED)},
};
#define N_AMBIGUOUS (sizeof ambiguous / sizeof ambiguous[0])

/* Where the library does not show the bytes, the connection is closed after the answer, or by the
 * library without one. */
static const struct {
    const char *name;
    const char *bytes;
    size_t len;
} harmless[] = {
    {"two spaces after the target", BYTES("GET /hello  HTTP/1.1\r\n" HOST "\r\n" SMUGGLED)},
    {"whole chunks", BYTES(CHUNKED "2\r\n{}\r\n0\r\n\r\n" SMUGGLED)},
    {"a line feed after a chunk", BYTES(CHUNKED "2\r\n{}\n0\r\n\r\n" SMUGGLED)},
    {"a line feed after the last size", BYTES(CHUNKED "2\r\n{}\r\n0\n\r\n" SMUGGLED)},
    {"a line feed as the last line", BYTES(CHUNKED "2\r\n{}\r\n0\r\n\n" SMUGGLED)},
    {"trailers", BYTES(CHUNKED "2\r\n{}\r\n0\r\nX: y\r\n\r\n" SMUGGLED)},
    {"trailers with line feeds", BYTES(CHUNKED "2\r\n{}\r\n0\r\nX: y\nZ: a\n b\n\n" SMUGGLED)},
    {"trailers without a name", BYTES(CHUNKED "2\r\n{}\r\n0\r\n: y\r\n\r\n" SMUGGLED)},
};
#define N_HARMLESS (sizeof harmless / sizeof harmless[0])

static void read_rest(int fd, struct buf *all)
{
    char piece[4096];
    ssize_t n;

    buf_init(all, 1 << 20);
    while ((n = recv(fd, piece, sizeof piece, 0)) > 0) {
        buf_append(all, piece, (size_t)n);
    }
}

static void expect_one_answer(const char *name, const char *all, const char *begin)
{
    ck_assert_msg(strncmp(all, begin, strlen(begin)) == 0, "%s: %s", name, all);
    ck_assert_msg(all[0] == '\0' || strstr(all + 1, "HTTP/1.1 ") == NULL, "%s: two answers: %s",
                  name, all);
}

/* The server closes: what comes until then is all. */
static void expect_refusal(const struct http_settings *settings, int i, size_t piece,
                           const char *begin)
{
    struct fixture *f = fixture_start(settings);
    OWN(fd) int fd = http_connect(f->port);
    OWN(buf) struct buf all;

    for (size_t at = 0; at < ambiguous[i].len; at += piece) {
        size_t rest = ambiguous[i].len - at;
        http_send(fd, ambiguous[i].bytes + at, rest < piece ? rest : piece);
    }
    read_rest(fd, &all);
    expect_one_answer(ambiguous[i].name, buf_text(&all), begin);
    fixture_stop(f);
}

START_TEST(what_two_parsers_could_read_differently_is_refused)
{
    expect_refusal(NULL, _i, ambiguous[_i].len, "HTTP/1.1 400 ");
}
END_TEST

START_TEST(it_is_refused_behind_a_proxy_too)
{
    struct http_settings settings = {.open = true, .behind_proxy = true};

    expect_refusal(&settings, _i, ambiguous[_i].len, "HTTP/1.1 400 ");
}
END_TEST

/* The line before a chunk may be gone when the chunk comes; the connection is closed all the same.
 */
START_TEST(it_is_refused_in_single_bytes_too)
{
    bool has_chunks = strncmp(ambiguous[_i].bytes, CHUNKED, strlen(CHUNKED)) == 0;

    expect_refusal(NULL, _i, 1, has_chunks ? "HTTP/1.1 " : "HTTP/1.1 400 ");
}
END_TEST

START_TEST(no_second_request_is_read_after_it)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);
    OWN(buf) struct buf all;

    http_send(fd, harmless[_i].bytes, harmless[_i].len);
    read_rest(fd, &all);
    expect_one_answer(harmless[_i].name, buf_text(&all), "");
    fixture_stop(f);
}
END_TEST

/* Is there a second answer on this connection? */
static bool answers_again(int fd)
{
    OWN(http_answer) struct http_answer answer;

    http_send(fd, SMUGGLED, strlen(SMUGGLED));
    return http_receive(fd, false, &answer) == 200;
}

START_TEST(a_request_gets_its_status)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;

    http_send(fd, requests[_i].bytes, strlen(requests[_i].bytes));
    (void)http_receive(fd, false, &answer);
    ck_assert_msg(answer.status == requests[_i].status, "%s: %d instead of %d\n%s",
                  requests[_i].name, answer.status, requests[_i].status, buf_text(&answer.body));
    ck_assert_msg(answers_again(fd) != requests[_i].closed, "%s: closed is not %d",
                  requests[_i].name, requests[_i].closed);
    fixture_stop(f);
}
END_TEST

START_TEST(a_body_that_grows_beyond_the_limit_is_refused)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;
    static char chunk[65536 + 16];
    static const char head[] =
        "POST /echo HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: chunked\r\n\r\n";

    http_send(fd, head, strlen(head));
    int len = snprintf(chunk, sizeof chunk, "10000\r\n");
    memset(chunk + len, '1', 65536);
    memcpy(chunk + len + 65536, "\r\n", 2);
    for (int i = 0; i < 17; i++) {
        http_send(fd, chunk, (size_t)len + 65538);
    }
    http_send(fd, "0\r\n\r\n", 5);
    ck_assert_int_eq(http_receive(fd, false, &answer), 413);
    fixture_stop(f);
}
END_TEST

START_TEST(a_configured_name_is_answered_to)
{
    static const struct {
        const char *host;
        int status;
    } cases[] = {{"hone.example", 200},       {"HONE.example:99", 200}, {"hone.example.org", 403},
                 {"127.0.0.1:4663", 200},     {"other", 403},           {"hone.example:x", 403},
                 {"hone.example:80:80", 403}, {"hane.example", 403},    {"hone.example:", 403}};
    struct http_settings settings = {.open = true, .host = "hone.example"};
    struct fixture *f = fixture_start(&settings);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        OWN(fd) int fd = http_connect(f->port);
        OWN(http_answer) struct http_answer answer;
        char bytes[200];
        int len =
            snprintf(bytes, sizeof bytes, "GET /hello HTTP/1.1\r\nHost: %s\r\n\r\n", cases[i].host);
        http_send(fd, bytes, (size_t)len);
        ck_assert_msg(http_receive(fd, false, &answer) == cases[i].status, "%s", cases[i].host);
    }
    fixture_stop(f);
}
END_TEST

/* Where others may connect, any name may be the server's, unless it has been told its own. */
START_TEST(off_loopback_a_name_counts_that_is_configured)
{
    static const char *const configured[] = {NULL, "hone.example"};
    static const char request[] = "GET /hello HTTP/1.1\r\nHost: other.example\r\n\r\n";
    struct http_settings settings = {
        .listen = {"0.0.0.0:0"}, .plain_http = true, .host = configured[_i]};
    struct fixture *f = fixture_start(&settings);
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;

    http_send(fd, request, strlen(request));
    ck_assert_int_eq(http_receive(fd, false, &answer), _i == 0 ? 200 : 403);
    fixture_stop(f);
}
END_TEST

#define NAME_100                                                                                   \
    "a123456789a123456789a123456789a123456789a123456789"                                           \
    "a123456789a123456789a123456789a123456789a123456789"

/* What is shown to paste into a shell: the address that the client used, unless a shell would act
 * on it. */
START_TEST(a_handler_knows_where_the_client_reached_it)
{
    static const struct {
        const char *configured;
        bool behind_proxy;
        const char *host;
        const char *url; /* NULL: as bound */
    } cases[] = {
        {NULL, false, "127.0.0.1:4711", "http://127.0.0.1:4711"},
        {NULL, false, "localhost", "http://localhost"},
        {NULL, false, "[::1]:4711", "http://[::1]:4711"},
        {"gpu_1.example-2.org", true, "gpu_1.example-2.org", "https://gpu_1.example-2.org"},
        {"[fe80::1]", false, "[fe80::1]:1", "http://[fe80::1]:1"},
        {"a$(id)", false, "a$(id)", NULL},
        {"a;b", false, "a;b:80", NULL},
        {"a:b", false, "a:b", NULL},
        {"[a;b]", false, "[a;b]", NULL},
        {"[]", false, "[]", NULL},
        {":80", false, ":80", NULL},
        {"a:8x", false, "a:8x", NULL},
        {NAME_100 "." NAME_100 "." NAME_100, false, NAME_100 "." NAME_100 "." NAME_100, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct http_settings settings = {
            .open = true, .host = cases[i].configured, .behind_proxy = cases[i].behind_proxy};
        struct fixture *f = fixture_start(&settings);
        OWN(fd) int fd = http_connect(f->port);
        OWN(http_answer) struct http_answer answer;
        char bytes[500];
        int len = snprintf(bytes, sizeof bytes, "GET /own-url HTTP/1.1\r\nHost: %s\r\n\r\n",
                           cases[i].host);
        http_send(fd, bytes, (size_t)len);
        ck_assert_int_eq(http_receive(fd, false, &answer), 200);
        ck_assert_str_eq(buf_text(&answer.body),
                         cases[i].url == NULL ? http_server_url(f->server, 0) : cases[i].url);
        fixture_stop(f);
    }
}
END_TEST

START_TEST(behind_a_proxy_no_connection_is_kept)
{
    struct http_settings settings = {.open = true, .behind_proxy = true};
    struct fixture *f = fixture_start(&settings);
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;

    http_send_request(fd, "GET", "/hello", NULL, NULL);
    ck_assert_int_eq(http_receive(fd, false, &answer), 200);
    ck_assert(answer.closed);
    ck_assert(!answers_again(fd));
    fixture_stop(f);
}
END_TEST

/* Refused, with words that say what to do. */
static const struct {
    struct http_settings settings;
    const char *says;
} refused[] = {
    {{.listen = {"0.0.0.0:0"}}, "--plain-http"},
    {{.listen = {"[::]:0"}}, "--tls-cert"},
    {{.listen = {"0.0.0.0:0"}, .open = true, .plain_http = true}, "--open"},
    {{.listen = {"127.0.0.1"}}, "ADDRESS:PORT"},
    {{.listen = {"127.0.0.1:99999"}}, "ADDRESS:PORT"},
    {{.listen = {"nowhere:80"}}, "numeric"},
    {{.listen = {"127.0.0.1:0"}, .tls_cert_file = "x"}, "--tls-key"},
    {{.listen = {"127.0.0.1:0"}, .tls_cert_file = "/nowhere/x", .tls_key_file = "/nowhere/y"},
     "/nowhere/x"},
};

START_TEST(settings_that_are_unsafe_are_refused_in_words)
{
    struct err err = {0};

    ck_assert_int_eq(fixture_try(&refused[_i].settings, &err), -1);
    ck_assert_msg(strstr(err.text, refused[_i].says) != NULL, "%s", err.text);
}
END_TEST

START_TEST(settings_that_are_safe_are_taken)
{
    static const struct http_settings taken[] = {
        {.listen = {"0.0.0.0:0"}, .plain_http = true},
        {.listen = {"0.0.0.0:0"}, .behind_proxy = true},
        {.listen = {"127.0.0.2:0"}, .open = true},
        {.listen = {"localhost:0"}, .open = true},
    };

    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        struct err err = {0};
        ck_assert_msg(fixture_try(&taken[i], &err) == 0, "%s", err.text);
    }
}
END_TEST

START_TEST(a_port_in_use_is_reported)
{
    struct fixture *f = fixture_start(NULL);
    char listen[64];
    struct err err = {0};

    (void)snprintf(listen, sizeof listen, "127.0.0.1:%d", f->port);
    struct http_settings settings = {.open = true, .listen = {listen}};
    ck_assert_int_eq(fixture_try(&settings, &err), -1);
    ck_assert_int_eq(err.code, ERR_OVERLOADED);
    ck_assert_ptr_nonnull(strstr(err.text, "in use"));
    fixture_stop(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_framing");
    TCase *tcase = tcase_create("framing");

    tcase_add_loop_test(tcase, a_request_gets_its_status, 0,
                        (int)(sizeof requests / sizeof requests[0]));
    tcase_add_loop_test(tcase, what_two_parsers_could_read_differently_is_refused, 0,
                        (int)N_AMBIGUOUS);
    tcase_add_loop_test(tcase, it_is_refused_behind_a_proxy_too, 0, (int)N_AMBIGUOUS);
    tcase_add_loop_test(tcase, it_is_refused_in_single_bytes_too, 0, (int)N_AMBIGUOUS);
    tcase_add_loop_test(tcase, no_second_request_is_read_after_it, 0, (int)N_HARMLESS);
    tcase_add_test(tcase, a_body_that_grows_beyond_the_limit_is_refused);
    tcase_add_test(tcase, a_configured_name_is_answered_to);
    tcase_add_loop_test(tcase, off_loopback_a_name_counts_that_is_configured, 0, 2);
    tcase_add_test(tcase, a_handler_knows_where_the_client_reached_it);
    tcase_add_test(tcase, behind_a_proxy_no_connection_is_kept);
    tcase_add_loop_test(tcase, settings_that_are_unsafe_are_refused_in_words, 0,
                        (int)(sizeof refused / sizeof refused[0]));
    tcase_add_test(tcase, settings_that_are_safe_are_taken);
    tcase_add_test(tcase, a_port_in_use_is_reported);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
