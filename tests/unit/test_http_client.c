#include "common/http/client.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/http/async.h"
#include "tests/support/canned_server.h"
#include "tests/support/run_suite.h"

static const char *const bad_urls[] = {
    "",
    "localhost",
    "ftp://localhost/",
    "file:///etc/passwd",
    "http://user:secret@localhost/",
    "http://localhost/?a=1",
    "http://localhost/#a",
    "http://local host/",
    "http://localhost/\r\nX: y",
};

START_TEST(url_that_cannot_be_a_server_is_refused)
{
    struct http_client_settings settings = {.url = bad_urls[_i]};
    struct http_client *client = NULL;
    struct err err = {0};

    ck_assert_int_eq(http_client_create(&settings, &client, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
    ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

START_TEST(token_with_a_line_break_is_refused)
{
    struct http_client_settings settings = {.url = "http://localhost", .token = "a\r\nX: y"};
    struct http_client *client = NULL;
    struct err err = {0};

    ck_assert_int_eq(http_client_create(&settings, &client, &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
}
END_TEST

/* A client of a server that will say these lines. */
static struct http_client *client_of(struct canned_server *server, const char *const lines[],
                                     size_t n)
{
    struct http_client *client = NULL;
    struct err err = {0};

    canned_server_start(server, lines, n);
    struct http_client_settings settings = {.url = server->url, .token = "hp_x"};
    ck_assert_msg(http_client_create(&settings, &client, &err) == 0, "%s", err.text);
    return client;
}

START_TEST(request_carries_token_type_and_body)
{
    static const char *const lines[] = {CANNED_ECHO, CANNED_ECHO};
    struct canned_server server;
    OWN(http_client) struct http_client *client = client_of(&server, lines, 2);
    struct http_call call = {.method = "PUT", .path = "/v1/x", .body = "{}", .body_len = 2};
    OWN(http_answer) struct http_answer answer = {0};
    OWN(http_answer) struct http_answer second = {0};
    struct err err = {0};

    ck_assert_msg(http_client_call(client, &call, &answer, &err) == 0, "%s", err.text);
    const char *text = buf_text(&answer.body);
    ck_assert_ptr_nonnull(strstr(text, "PUT /v1/x HTTP/1.1\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Authorization: Bearer hp_x\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "Content-Type: application/json\r\n"));
    ck_assert_ptr_nonnull(strstr(text, "\r\n\r\n{}"));
    ck_assert_ptr_null(strstr(text, "Expect"));
    call = (struct http_call){.method = "DELETE", .path = "/v1/y"};
    ck_assert_msg(http_client_call(client, &call, &second, &err) == 0, "%s", err.text);
    text = buf_text(&second.body);
    ck_assert_ptr_nonnull(strstr(text, "DELETE /v1/y HTTP/1.1\r\n"));
    ck_assert_ptr_null(strstr(text, "Content-Length"));
    ck_assert_ptr_null(strstr(text, "Content-Type"));
    canned_server_stop(&server);
}
END_TEST

#define PROBLEM                                                                                    \
    "{\"type\":\"/problems/invalid\",\"status\":422,\"detail\":\"the study is impossible\","       \
    "\"errors\":[{\"pointer\":\"/parameters/2/high\",\"detail\":\"must be above low\"}]}"

/* Calls, and checks the answer. */
static int refused(struct http_client *client, const char *method, const char *path,
                   const char *body, struct err *err)
{
    OWN(http_answer) struct http_answer answer = {0};
    struct http_call call = {
        .method = method, .path = path, .body = body, .body_len = body == NULL ? 0 : strlen(body)};

    TRY(http_client_call(client, &call, &answer, err));
    return http_answer_check(&answer, err);
}

START_TEST(problem_document_becomes_an_error)
{
    static const char *const lines[] = {
        "HTTP/1.1 422 X\r\nContent-Type: application/problem+json\r\nConnection: "
        "close\r\n\r\n" PROBLEM};
    struct canned_server server;
    OWN(http_client) struct http_client *client = client_of(&server, lines, 1);
    struct err err = {0};

    ck_assert_int_eq(refused(client, "POST", "/v1/studies", "{}", &err), -1);
    ck_assert_int_eq(err.code, ERR_INVALID);
    ck_assert_str_eq(err.text, "/parameters/2/high: must be above low");
    canned_server_stop(&server);
}
END_TEST

START_TEST(headers_of_the_answer_are_read)
{
    static const char *const lines[] = {
        "HTTP/1.1 503 X\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"};
    struct canned_server server;
    OWN(http_client) struct http_client *client = client_of(&server, lines, 1);
    struct http_call call = {.method = "GET", .path = "/"};
    OWN(http_answer) struct http_answer answer = {0};
    struct err err = {0};

    ck_assert_msg(http_client_call(client, &call, &answer, &err) == 0, "%s", err.text);
    ck_assert_int_eq(answer.status, 503);
    ck_assert_double_eq(answer.retry_after_seconds, 7);
    ck_assert_int_eq(http_answer_check(&answer, &err), -1);
    ck_assert_int_eq(err.code, ERR_UNREACHABLE); /* a 503 without a problem document is not ours */
    canned_server_stop(&server);
}
END_TEST

START_TEST(redirect_is_not_followed)
{
    static const char *const lines[] = {
        "HTTP/1.1 302 X\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"};
    struct canned_server server;
    OWN(http_client) struct http_client *client = client_of(&server, lines, 1);
    struct err err = {0};

    ck_assert_int_eq(refused(client, "GET", "/", NULL, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "302"));
    canned_server_stop(&server);
}
END_TEST

START_TEST(hang_up_is_unreachable)
{
    static const char *const lines[] = {CANNED_HANG_UP, CANNED_HANG_UP};
    struct canned_server server;
    OWN(http_client) struct http_client *client = client_of(&server, lines, 2);
    struct err err = {0};

    ck_assert_int_eq(refused(client, "GET", "/", NULL, &err), -1);
    ck_assert_int_eq(err.code, ERR_UNREACHABLE);
    canned_server_stop(&server);
}
END_TEST

START_TEST(segments_are_escaped)
{
    OWN(buf) struct buf out;

    buf_init(&out, 100);
    http_escape(&out, "a/b c%\xc3\xa9~");
    ck_assert_str_eq(buf_text(&out), "a%2Fb%20c%25%C3%A9~");
}
END_TEST

static const struct {
    const char *content;
    const char *token; /* NULL: refused */
} token_files[] = {
    {"hp_abc\n", "hp_abc"},
    {"  hp_abc\r\n\n", "hp_abc"},
    {"", NULL},
    {"two words", NULL},
};

START_TEST(token_file_holds_one_word)
{
    char path[] = "/tmp/hone-token-XXXXXX";
    char token[HTTP_TOKEN_BYTES];
    struct err err = {0};
    int fd = mkstemp(path);
    ssize_t len = (ssize_t)strlen(token_files[_i].content);

    ck_assert_int_eq(write(fd, token_files[_i].content, (size_t)len), len);
    (void)close(fd);
    int rc = http_token_load(path, token, &err);
    (void)unlink(path);
    ck_assert_int_eq(rc, token_files[_i].token == NULL ? -1 : 0);
    if (rc == 0) {
        ck_assert_str_eq(token, token_files[_i].token);
    }
}
END_TEST

struct tally {
    int done;
    int failed;
    struct http_transfer *victim;
};

static void count(void *context, int rc, const struct http_answer *answer, const struct err *err)
{
    struct tally *tally = context;

    (void)err;
    tally->done++;
    tally->failed += rc != 0 || answer->status != 200;
    http_async_cancel(tally->victim);
    tally->victim = NULL;
}

START_TEST(asynchronous_calls_end_once_and_may_cancel_one_another)
{
    static const char *const lines[] = {CANNED_ECHO, CANNED_ECHO, CANNED_ECHO};
    struct canned_server server;
    OWN(http_async) struct http_async *async = NULL;
    struct http_transfer *transfer = NULL;
    struct tally tally = {0};
    struct err err = {0};
    struct http_call call = {.method = "POST", .path = "/a", .body = "{}", .body_len = 2};

    canned_server_start(&server, lines, 3);
    struct http_client_settings settings = {.url = server.url};
    ck_assert_int_eq(http_async_create(&settings, &async, &err), 0);
    ck_assert_int_eq(http_async_start(async, &call, count, &tally, &transfer, &err), 0);
    while (tally.done == 0) {
        http_async_wait(async, -1, -1);
    }
    ck_assert_int_eq(http_async_start(async, &call, count, &tally, &transfer, &err), 0);
    ck_assert_int_eq(http_async_start(async, &call, count, &tally, &tally.victim, &err), 0);
    while (tally.done == 1) {
        http_async_wait(async, -1, -1);
    }
    ck_assert_int_eq(tally.failed, 0);
    ck_assert_ptr_null(tally.victim);
    canned_server_stop(&server);
}
END_TEST

#define COUNT(list) (int)(sizeof(list) / sizeof((list)[0]))

int main(void)
{
    Suite *suite = suite_create("http_client");
    TCase *tcase = tcase_create("http_client");

    tcase_add_loop_test(tcase, url_that_cannot_be_a_server_is_refused, 0, COUNT(bad_urls));
    tcase_add_test(tcase, token_with_a_line_break_is_refused);
    tcase_add_test(tcase, request_carries_token_type_and_body);
    tcase_add_test(tcase, problem_document_becomes_an_error);
    tcase_add_test(tcase, headers_of_the_answer_are_read);
    tcase_add_test(tcase, redirect_is_not_followed);
    tcase_add_test(tcase, hang_up_is_unreachable);
    tcase_add_test(tcase, segments_are_escaped);
    tcase_add_loop_test(tcase, token_file_holds_one_word, 0, COUNT(token_files));
    tcase_add_test(tcase, asynchronous_calls_end_once_and_may_cancel_one_another);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
