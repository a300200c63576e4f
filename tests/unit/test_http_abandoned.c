/* Requests that end before they were handled: the client leaves in the middle of the head, or the
 * library gives the head up. Nothing may be left of them, and who waits for an answer gets one.
 *
 * HONE_ABANDONED=100000 sets how many requests the test of the heap sends. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/support/heap.h"
#include "tests/support/http_call.h"
#include "tests/support/run_suite.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/tls_fixture.h"

struct shape {
    const char *name;
    int path_bytes;
    int n_query;
    int n_cookies;
    int cookie_bytes;
    int n_headers;
    bool has_body;
};

static const struct shape shapes[] = {
    {"plain", 0, 0, 0, 0, 0, false},
    {"a body", 0, 0, 0, 0, 0, true},
    {"short cookies", 0, 0, 77, 1, 0, false},
    {"long cookies", 0, 0, 32, 58, 0, false},
    {"many cookies", 0, 0, 150, 40, 0, false},
    {"more cookies", 0, 0, 400, 1, 0, false},
    {"a long path and cookies", 2400, 0, 150, 1, 0, false},
    {"a long path and more cookies", 2400, 0, 220, 1, 0, true},
    {"a path that is too long", 20000, 0, 0, 0, 0, false},
    {"query parameters", 0, 300, 0, 0, 0, false},
    {"query parameters and cookies", 0, 1500, 200, 1, 0, false},
    {"headers", 0, 0, 0, 0, 100, false},
    {"more headers", 0, 0, 0, 0, 400, true},
    {"all together", 1000, 100, 120, 4, 60, false},
};
#define N_SHAPES (sizeof shapes / sizeof shapes[0])

static void repeat(struct buf *out, int times, const char *text)
{
    for (int i = 0; i < times; i++) {
        buf_puts(out, text);
    }
}

static void write_request(const struct shape *shape, struct buf *out)
{
    buf_init(out, 1 << 20);
    buf_puts(out, shape->has_body ? "POST /echo" : "GET /hello");
    repeat(out, shape->path_bytes, "x");
    repeat(out, shape->n_query > 0 ? 1 : 0, "?");
    repeat(out, shape->n_query, "a=1&");
    buf_puts(out, " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n");
    for (int i = 0; i < shape->n_headers; i++) {
        buf_printf(out, "X-%d: some value\r\n", i);
    }
    repeat(out, shape->n_cookies > 0 ? 1 : 0, "Cookie: ");
    for (int i = 0; i < shape->n_cookies; i++) {
        buf_puts(out, "a=");
        repeat(out, shape->cookie_bytes, "b");
        buf_puts(out, "; ");
    }
    repeat(out, shape->n_cookies > 0 ? 1 : 0, "\r\n");
    buf_puts(out, shape->has_body ? "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
                                  : "\r\n");
}

/* The clock stands still: no connection may have to wait for its deadline. */
static void end_all(struct fixture *f)
{
    fixture_wait_connections(f, 0);
    fixture_wait_rest(f); /* the library has freed what it held */
}

START_TEST(a_request_that_is_cut_at_any_byte_leaves_nothing)
{
    struct fixture *f = fixture_start(NULL);
    OWN(buf) struct buf request;

    write_request(&shapes[_i], &request);
    size_t step = 1 + request.len / 500; /* every byte, of long requests some */
    size_t before = 0;
    for (size_t len = 0; len < request.len; len += step) {
        int fd = http_connect(f->port);
        http_send(fd, request.data, len);
        (void)close(fd);
        if (len / step == 20 || len + step >= request.len) {
            end_all(f);
            before = before == 0 ? heap_bytes() : before;
        }
    }
    size_t after = heap_bytes();
    ck_assert_msg(after <= before + heap_noise, "%s: %zu bytes, then %zu", shapes[_i].name, before,
                  after);
    fixture_stop(f);
}
END_TEST

static bool is_answer(int status)
{
    return status == 200 || status == 404 || status == 413 || status == 414 || status == 431;
}

static void call(const struct fixture *f, const struct shape *shape)
{
    OWN(buf) struct buf request;
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;

    write_request(shape, &request);
    http_send(fd, buf_text(&request), request.len);
    (void)http_receive(fd, false, &answer);
    ck_assert_msg(is_answer(answer.status),
                  "%s: %d (path %d, query %d, %d cookies of %d, %d headers)", shape->name,
                  answer.status, shape->path_bytes, shape->n_query, shape->n_cookies,
                  shape->cookie_bytes, shape->n_headers);
}

START_TEST(abandoned_requests_do_not_add_up)
{
    const char *wanted = getenv("HONE_ABANDONED");
    long n = wanted == NULL ? 1500 : atol(wanted);
    struct fixture *f = fixture_start(NULL);
    size_t heap = 0;
    size_t descriptors = 0;

    for (long i = 0; i < n; i++) {
        if (i == 100) {
            end_all(f);
            heap = heap_bytes();
            descriptors = descriptors_open();
        }
        call(f, &shapes[(size_t)i % N_SHAPES]);
    }
    end_all(f);
    (void)printf("%ld requests: heap %zu then %zu bytes, descriptors %zu then %zu\n", n, heap,
                 heap_bytes(), descriptors, descriptors_open());
    ck_assert_uint_le(heap_bytes(), heap + heap_noise);
    ck_assert_uint_eq(descriptors_open(), descriptors);
    fixture_stop(f);
}
END_TEST

/* Each member in turn grows through the sizes at which the pool becomes too small. */
START_TEST(a_head_of_any_size_is_answered)
{
    struct fixture *f = fixture_start(NULL);

    for (int n = _i % 2; n < 500; n += 2) {
        call(f, &(struct shape){.name = "cookies", .n_cookies = n, .cookie_bytes = _i * 15});
        call(f, &(struct shape){.name = "headers", .n_headers = n, .n_cookies = _i * 10});
        call(f, &(struct shape){.name = "query", .n_query = n * 10, .n_cookies = _i * 30});
        call(f, &(struct shape){.name = "path", .path_bytes = 14500 + n * 5, .n_cookies = _i});
    }
    fixture_stop(f);
}
END_TEST

START_TEST(what_a_browser_keeps_for_this_machine_is_taken)
{
    static const struct shape taken[] = {
        {.n_cookies = 100, .cookie_bytes = 35},
        {.n_cookies = 150, .cookie_bytes = 10},
        {.n_cookies = 30, .cookie_bytes = 180},
        {.n_query = 3000},
    };
    struct fixture *f = fixture_start(NULL);

    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++) {
        OWN(buf) struct buf request;
        OWN(fd) int fd = http_connect(f->port);
        OWN(http_answer) struct http_answer answer;
        write_request(&taken[i], &request);
        http_send(fd, buf_text(&request), request.len);
        ck_assert_msg(http_receive(fd, false, &answer) == 200, "%zu: %d", i, answer.status);
    }
    fixture_stop(f);
}
END_TEST

START_TEST(cookies_that_do_not_fit_are_refused_in_words)
{
    struct fixture *f = fixture_start(NULL);
    OWN(buf) struct buf request;
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;

    write_request(&(struct shape){.n_cookies = 400}, &request);
    http_send(fd, buf_text(&request), request.len);
    ck_assert_int_eq(http_receive(fd, false, &answer), 413);
    ck_assert_ptr_nonnull(strstr(buf_text(&answer.body), "cookies"));
    ck_assert_str_eq(http_answer_header(&answer, "Content-Type"), "application/problem+json");
    ck_assert(answer.closed);
    fixture_stop(f);
}
END_TEST

START_TEST(a_head_given_up_over_tls_leaves_nothing)
{
    struct http_settings settings = {.open = true};
    OWN(buf) struct buf request;
    char answer[4096];

    tls_make_certificate(&settings);
    struct fixture *f = fixture_start(&settings);
    write_request(&(struct shape){.n_cookies = 400}, &request);
    for (int i = 0; i < 20; i++) {
        ck_assert(tls_call(f->port, "+VERS-TLS1.3", buf_text(&request), answer, sizeof answer));
    }
    fixture_wait_connections(f, 0);
    fixture_stop(f);
    tls_remove_certificate();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_abandoned");
    TCase *tcase = tcase_create("abandoned");

    heap_watch();
    tcase_set_timeout(tcase, getenv("HONE_ABANDONED") == NULL ? 60 : 3600);
    tcase_add_loop_test(tcase, a_request_that_is_cut_at_any_byte_leaves_nothing, 0, (int)N_SHAPES);
    tcase_add_test(tcase, abandoned_requests_do_not_add_up);
    tcase_add_loop_test(tcase, a_head_of_any_size_is_answered, 0, 3);
    tcase_add_test(tcase, what_a_browser_keeps_for_this_machine_is_taken);
    tcase_add_test(tcase, cookies_that_do_not_fit_are_refused_in_words);
    tcase_add_test(tcase, a_head_given_up_over_tls_leaves_nothing);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
