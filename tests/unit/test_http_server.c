/* The HTTP server through real sockets on loopback: routes, bodies, tokens, deferred answers. */
#include <check.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/http_call.h"
#include "tests/support/run_suite.h"
#include "tests/unit/http_fixture.h"

START_TEST(answers_a_plain_request)
{
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer answer;

    ck_assert_int_eq(http_call(f->port, "GET", "/hello", NULL, NULL, &answer), 200);
    ck_assert_str_eq(buf_text(&answer.body), "hello");
    ck_assert_str_eq(http_answer_header(&answer, "Content-Type"), "text/plain");
    ck_assert_str_eq(http_answer_header(&answer, "Cache-Control"), "no-store");
    fixture_stop(f);
}
END_TEST

START_TEST(head_has_the_headers_of_get_and_no_body)
{
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer answer;

    ck_assert_int_eq(http_call(f->port, "HEAD", "/hello", NULL, NULL, &answer), 200);
    ck_assert_str_eq(http_answer_header(&answer, "Content-Length"), "5");
    ck_assert_uint_eq(answer.body.len, 0);
    fixture_stop(f);
}
END_TEST

START_TEST(parameters_and_query_arrive_decoded)
{
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer answer;

    ck_assert_int_eq(
        http_call(f->port, "GET", "/things/a%20b.c/parts/7?q=x%2Fy+z&empty", NULL, NULL, &answer),
        200);
    ck_assert_str_eq(buf_text(&answer.body), "thing=a b.c part=7 q=x/y z");
    fixture_stop(f);
}
END_TEST

START_TEST(a_body_is_collected_whole)
{
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer answer;
    OWN(buf) struct buf body;

    buf_init(&body, 1 << 20);
    while (body.len < 200000) {
        buf_printf(&body, "\"%zu\",", body.len);
    }
    ck_assert_int_eq(http_call(f->port, "POST", "/echo", NULL, buf_text(&body), &answer), 200);
    ck_assert_str_eq(buf_text(&answer.body), buf_text(&body));
    fixture_stop(f);
}
END_TEST

START_TEST(a_chunked_body_is_collected)
{
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer answer;
    OWN(fd) int fd = http_connect(f->port);
    static const char request[] =
        "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\n\r\n3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n";

    http_send(fd, request, strlen(request));
    ck_assert_int_eq(http_receive(fd, false, &answer), 200);
    ck_assert_str_eq(buf_text(&answer.body), "[1,2]");
    fixture_stop(f);
}
END_TEST

START_TEST(unknown_paths_and_methods_are_distinguished)
{
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer no_path;
    OWN(http_answer) struct http_answer no_method;

    ck_assert_int_eq(http_call(f->port, "GET", "/nothing", NULL, NULL, &no_path), 404);
    ck_assert_int_eq(http_call(f->port, "PATCH", "/hello", NULL, "{}", &no_method), 405);
    ck_assert_str_eq(http_answer_header(&no_method, "Allow"), "GET, HEAD, DELETE");
    fixture_stop(f);
}
END_TEST

START_TEST(a_deferred_answer_comes_from_another_thread)
{
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer answer;

    ck_assert_int_eq(http_call(f->port, "POST", "/later", NULL, "{\"x\":1}", &answer), 201);
    ck_assert_str_eq(buf_text(&answer.body), "{\"x\":1}");
    fixture_stop(f);
}
END_TEST

START_TEST(a_kept_connection_serves_many_requests)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);

    for (int i = 0; i < 50; i++) {
        OWN(http_answer) struct http_answer answer;
        http_send_request(fd, i % 2 == 0 ? "GET" : "POST", i % 2 == 0 ? "/hello" : "/later", NULL,
                          i % 2 == 0 ? NULL : "{}");
        ck_assert_int_eq(http_receive(fd, false, &answer), i % 2 == 0 ? 200 : 201);
        ck_assert(!answer.closed);
    }
    fixture_stop(f);
}
END_TEST

/* ---- tokens ---- */

static void hash_token(const char *text, struct http_token *token)
{
    ck_assert_int_eq(gnutls_hash_fast(GNUTLS_DIG_SHA256, text, strlen(text), token->sha256), 0);
}

#define READER "hp_reader00_secretsecretsecret"
#define WORKER "hp_worker00_secretsecretsecret"
#define OLD "hp_old00000_secretsecretsecret"
#define ADMIN "hp_admin000_secretsecretsecret"

static struct fixture *start_with_tokens(void)
{
    struct http_settings settings = {.open = false};
    struct fixture *f = fixture_start(&settings);
    struct http_token tokens[] = {
        {.id = "worker00", .scopes = HTTP_SCOPE_WORKER},
        {.id = "reader00", .scopes = HTTP_SCOPE_READ},
        {.id = "old00000", .scopes = HTTP_SCOPE_ADMIN, .expires_at_ms = 1},
        {.id = "admin000", .scopes = HTTP_SCOPE_ADMIN | HTTP_SCOPE_WORKER},
    };

    hash_token(WORKER, &tokens[0]);
    hash_token(READER, &tokens[1]);
    hash_token(OLD, &tokens[2]);
    hash_token(ADMIN, &tokens[3]);
    http_set_tokens(f->server, tokens, 4);
    return f;
}

/* Revokes all others. */
static void keep_worker(struct fixture *f)
{
    struct http_token token = {.id = "worker00", .scopes = HTTP_SCOPE_WORKER};

    hash_token(WORKER, &token);
    http_set_tokens(f->server, &token, 1);
}

static const struct {
    const char *path;
    const char *authorization;
    int status;
} token_cases[] = {
    {"/hello", NULL, 200},
    {"/hello", "Bearer nonsense", 200},
    {"/secret", NULL, 401},
    {"/secret", "Bearer " READER, 200},
    {"/secret", "bearer " READER, 200},
    {"/secret", "Bearer " WORKER, 403},
    {"/secret", "Bearer " OLD, 401},
    {"/secret", "Bearer hp_reader00_wrong", 401},
    {"/secret", "Bearer hp_reader00", 401},
    {"/secret", "Bearer ", 401},
    {"/secret", "Basic " READER, 401},
    {"/nothing", NULL, 401},
    {"/nothing", "Bearer " READER, 404},
};

START_TEST(a_route_is_open_to_its_scope_only)
{
    struct fixture *f = start_with_tokens();
    OWN(http_answer) struct http_answer answer;
    char headers[200] = "";

    if (token_cases[_i].authorization != NULL) {
        (void)snprintf(headers, sizeof headers, "Authorization: %s\r\n",
                       token_cases[_i].authorization);
    }
    ck_assert_int_eq(http_call(f->port, "GET", token_cases[_i].path, headers, NULL, &answer),
                     token_cases[_i].status);
    if (answer.status == 401) {
        ck_assert_ptr_nonnull(http_answer_header(&answer, "WWW-Authenticate"));
    }
    fixture_stop(f);
}
END_TEST

/* ---- requests that are answered by way of other routes ---- */

static const struct {
    const char *lines, *answer;
} forwards[] = {
    {"GET /hello\n", "200 text/plain hello\n"},
    {"GET /things/a%20b/parts/7?q=x%2Fy+z\n", "200 text/plain thing=a b part=7 q=x/y z\n"},
    {"POST /echo {\"a\"}\n", "200 application/json {\"a\"}\n"},
    {"POST /later [1]\n", "201 application/json [1]\n"},
    {"GET /headers\n", "200 text/plain key=k tag=- host=1\n"},
    {"GET /hello\nPOST /later [2]\nGET /things/a/parts/b\nPOST /later [3]\nGET /secret\n",
     "200 text/plain hello\n201 application/json [2]\n200 text/plain thing=a part=b q=-\n"
     "201 application/json [3]\n200 text/plain hello\n"},
    {"GET /none\nDELETE /echo\nGET /%zz\nGET none\nGET /stream\nGET /hello\n",
     "404 application/problem+json …\n405 application/problem+json …\n"
     "400 application/problem+json …\n400 application/problem+json …\n"
     "413 application/problem+json …\n200 text/plain hello\n"},
};

START_TEST(other_routes_answer_for_a_request)
{
    static const char headers[] = "Content-Type: text/plain\r\nIf-None-Match: \"x\"\r\n"
                                  "Idempotency-Key: of the request\r\n";
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);

    for (int turn = 0; turn < 3; turn++) { /* on one connection */
        OWN(http_answer) struct http_answer answer;
        http_send_request(fd, "POST", "/forward", headers, forwards[_i].lines);
        ck_assert_int_eq(http_receive(fd, false, &answer), 200);
        ck_assert_str_eq(buf_text(&answer.body), forwards[_i].answer);
        ck_assert_ptr_null(http_answer_header(&answer, "Allow"));
        ck_assert_ptr_null(http_answer_header(&answer, "Content-Encoding"));
    }
    fixture_wait(f, &f->n_done, 3);
    fixture_stop(f);
}
END_TEST

START_TEST(a_token_may_forward_to_what_it_may_do)
{
    static const char headers[] =
        "Content-Type: text/plain\r\nAuthorization: Bearer " READER "\r\n";
    struct fixture *f = start_with_tokens();
    OWN(http_answer) struct http_answer answer;

    ck_assert_int_eq(http_call(f->port, "POST", "/forward", headers,
                               "GET /secret\nPOST /echo {}\nPOST /later {}\nGET /hello\n", &answer),
                     200);
    ck_assert_str_eq(buf_text(&answer.body),
                     "200 text/plain hello\n403 application/problem+json …\n"
                     "403 application/problem+json …\n200 text/plain hello\n");
    fixture_stop(f);
}
END_TEST

START_TEST(a_token_that_is_revoked_forwards_no_more)
{
    static const char headers[] = "Content-Type: text/plain\r\nAuthorization: Bearer " ADMIN "\r\n";
    struct fixture *f = start_with_tokens();
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;
    OWN(http_answer) struct http_answer other;

    (void)pthread_mutex_lock(&f->lock);
    f->hold = 2; /* the first one is answered when another request is there */
    (void)pthread_mutex_unlock(&f->lock);
    http_send_request(fd, "POST", "/forward", headers, "POST /later [1]\nGET /secret\n");
    fixture_wait(f, &f->n_queued, 1);
    keep_worker(f);
    ck_assert_int_eq(
        http_call(f->port, "POST", "/later", "Authorization: Bearer " WORKER "\r\n", "{}", &other),
        201);
    ck_assert_int_eq(http_receive(fd, false, &answer), 200);
    ck_assert_str_eq(buf_text(&answer.body),
                     "201 application/json [1]\n401 application/problem+json …\n");
    fixture_stop(f);
}
END_TEST

START_TEST(a_client_may_leave_while_others_answer)
{
    struct fixture *f = fixture_start(NULL);
    int fd = http_connect(f->port);

    (void)pthread_mutex_lock(&f->lock);
    f->hold = 2;
    (void)pthread_mutex_unlock(&f->lock);
    http_send_request(fd, "POST", "/forward", "Content-Type: text/plain\r\n",
                      "POST /later [1]\nGET /hello\n");
    fixture_wait(f, &f->n_queued, 1);
    (void)close(fd);
    OWN(http_answer) struct http_answer answer;
    ck_assert_int_eq(http_call(f->port, "POST", "/later", NULL, "{}", &answer), 201);
    fixture_wait(f, &f->n_done, 3); /* both of /later, and what was forwarded */
    fixture_stop(f);
}
END_TEST

START_TEST(a_server_may_stop_while_others_answer)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);

    (void)pthread_mutex_lock(&f->lock);
    f->hold = 2;
    (void)pthread_mutex_unlock(&f->lock);
    http_send_request(fd, "POST", "/forward", "Content-Type: text/plain\r\n", "POST /later [1]\n");
    fixture_wait(f, &f->n_queued, 1);
    fixture_stop(f); /* what is kept for the request is released: the sanitizer looks */
}
END_TEST

START_TEST(guessing_is_slowed_down_and_the_right_token_still_works)
{
    struct fixture *f = start_with_tokens();

    for (int i = 0; i < 12; i++) {
        OWN(http_answer) struct http_answer answer;
        int status =
            http_call(f->port, "GET", "/secret", "Authorization: Bearer hp_x_y\r\n", NULL, &answer);
        ck_assert_int_eq(status, i < 10 ? 401 : 429);
        if (i >= 10) {
            ck_assert_str_eq(http_answer_header(&answer, "Retry-After"), "1");
        }
    }
    OWN(http_answer) struct http_answer answer;
    ck_assert_int_eq(
        http_call(f->port, "GET", "/secret", "Authorization: Bearer " READER "\r\n", NULL, &answer),
        200);
    fixture_stop(f);
}
END_TEST

START_TEST(a_revoked_token_is_refused_at_once)
{
    struct fixture *f = start_with_tokens();
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer before;
    OWN(http_answer) struct http_answer after;

    http_send_request(fd, "GET", "/secret", "Authorization: Bearer " READER "\r\n", NULL);
    ck_assert_int_eq(http_receive(fd, false, &before), 200);
    http_set_tokens(f->server, NULL, 0);
    http_send_request(fd, "GET", "/secret", "Authorization: Bearer " READER "\r\n", NULL);
    ck_assert_int_eq(http_receive(fd, false, &after), 401);
    fixture_stop(f);
}
END_TEST

/* ---- a socket that is open elsewhere ---- */

/* The server's end of a connection, by the address of the client's. */
static int other_end(int client)
{
    struct sockaddr_in own = {0};
    socklen_t len = sizeof own;

    ck_assert_int_eq(getsockname(client, (struct sockaddr *)&own, &len), 0);
    for (int fd = 0; fd < 1024; fd++) {
        struct sockaddr_in peer = {0};
        len = sizeof peer;
        if (fd != client && getpeername(fd, (struct sockaddr *)&peer, &len) == 0
            && peer.sin_port == own.sin_port) {
            return fd;
        }
    }
    ck_abort_msg("the server has no such connection");
}

/* As while another thread asks the system about it: closing it does not end its events then. */
START_TEST(a_connection_that_is_gone_has_no_events)
{
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer answer;
    OWN(http_answer) struct http_answer next;
    int client = http_connect(f->port);

    fixture_wait_connections(f, 1);
    /* by number, as the thread sanitizer takes dup() here for a race with the accept() of the loop
     */
    int kept = (int)syscall(SYS_dup, other_end(client));
    ck_assert_int_ge(kept, 0);
    http_send_request(client, "GET", "/hello", "Connection: close\r\n", NULL);
    ck_assert_int_eq(http_receive(client, false, &answer), 200);
    fixture_wait_connections(f, 0);
    ck_assert_int_eq(close(client), 0); /* the event */
    ck_assert_int_eq(http_call(f->port, "GET", "/hello", NULL, NULL, &next), 200);
    ck_assert_int_eq(close(kept), 0);
    fixture_stop(f);
}
END_TEST

/* ---- told to read the settings again ---- */

static struct fixture *told;
static size_t n_told; /* under the lock of the fixture */

/* The first time it is told once more at once, together with another reason to wake. */
static void tell_again(void *context)
{
    (void)context;
    (void)pthread_mutex_lock(&told->lock);
    bool is_first = n_told++ == 0;
    (void)pthread_cond_broadcast(&told->changed);
    (void)pthread_mutex_unlock(&told->lock);
    if (is_first) {
        http_server_reload(told->server);
        http_stream_wake(told->server, NULL);
    }
}

START_TEST(what_is_told_while_the_loop_is_awake_is_not_lost)
{
    const struct http_settings settings = {.on_reload = tell_again};

    n_told = 0;
    told = fixture_start(&settings);
    http_server_reload(told->server);
    fixture_wait(told, &n_told, 2);
    fixture_stop(told);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_server");
    TCase *plain = tcase_create("requests");
    TCase *tokens = tcase_create("tokens");

    tcase_add_loop_test(plain, other_routes_answer_for_a_request, 0,
                        sizeof forwards / sizeof forwards[0]);
    tcase_add_test(plain, a_connection_that_is_gone_has_no_events);
    tcase_add_test(plain, what_is_told_while_the_loop_is_awake_is_not_lost);
    tcase_add_test(plain, a_client_may_leave_while_others_answer);
    tcase_add_test(plain, a_server_may_stop_while_others_answer);
    tcase_add_test(tokens, a_token_may_forward_to_what_it_may_do);
    tcase_add_test(tokens, a_token_that_is_revoked_forwards_no_more);
    tcase_add_test(plain, answers_a_plain_request);
    tcase_add_test(plain, head_has_the_headers_of_get_and_no_body);
    tcase_add_test(plain, parameters_and_query_arrive_decoded);
    tcase_add_test(plain, a_body_is_collected_whole);
    tcase_add_test(plain, a_chunked_body_is_collected);
    tcase_add_test(plain, unknown_paths_and_methods_are_distinguished);
    tcase_add_test(plain, a_deferred_answer_comes_from_another_thread);
    tcase_add_test(plain, a_kept_connection_serves_many_requests);
    tcase_add_loop_test(tokens, a_route_is_open_to_its_scope_only, 0,
                        (int)(sizeof token_cases / sizeof token_cases[0]));
    tcase_add_test(tokens, guessing_is_slowed_down_and_the_right_token_still_works);
    tcase_add_test(tokens, a_revoked_token_is_refused_at_once);
    suite_add_tcase(suite, plain);
    suite_add_tcase(suite, tokens);
    return run_suite(suite);
}
