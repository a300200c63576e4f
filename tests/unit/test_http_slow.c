/* Clients that dawdle, leave or come in crowds; answers that come in parts. */
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/support/http_call.h"
#include "tests/support/run_suite.h"
#include "tests/unit/http_fixture.h"

/* Blocks until the server hangs up; any byte before that is a failure. */
static void expect_hang_up(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);

    ck_assert_msg(n == 0 || (n < 0 && errno == ECONNRESET), "the server said something");
}

/* The request of a second connection, so that the loop has surely turned. */
static void turn(const struct fixture *f)
{
    OWN(http_answer) struct http_answer answer;

    ck_assert_int_eq(http_call(f->port, "GET", "/hello", NULL, NULL, &answer), 200);
}

START_TEST(half_a_head_is_cut_off_at_its_deadline)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);

    http_send(fd, "GET /hello HTTP/1.1\r\nHost:", 26);
    turn(f);
    fixture_advance(f, 9999);
    turn(f);
    http_send(fd, " local", 6); /* a byte now and then does not help */
    turn(f);
    fixture_advance(f, 1);
    expect_hang_up(fd);
    fixture_stop(f);
}
END_TEST

START_TEST(a_silent_connection_is_cut_off)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);

    turn(f);
    fixture_advance(f, 10000);
    expect_hang_up(fd);
    fixture_stop(f);
}
END_TEST

START_TEST(a_slow_body_is_cut_off_at_its_own_deadline)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);
    static const char head[] = "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n[";

    http_send(fd, head, strlen(head));
    turn(f);
    fixture_advance(f, 29999);
    turn(f);
    http_send(fd, "1", 1);
    turn(f);
    fixture_advance(f, 1);
    expect_hang_up(fd);
    fixture_stop(f);
}
END_TEST

START_TEST(a_kept_connection_may_pause_longer)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer first;
    OWN(http_answer) struct http_answer second;

    http_send_request(fd, "GET", "/hello", NULL, NULL);
    ck_assert_int_eq(http_receive(fd, false, &first), 200);
    turn(f);
    fixture_advance(f, 60000);
    http_send_request(fd, "GET", "/hello", NULL, NULL);
    ck_assert_int_eq(http_receive(fd, false, &second), 200);
    turn(f); /* the loop has put the request behind it */
    fixture_advance(f, 120000);
    expect_hang_up(fd);
    fixture_stop(f);
}
END_TEST

START_TEST(a_deferred_request_waits_as_long_as_it_takes)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;

    (void)pthread_mutex_lock(&f->lock);
    f->hold = 2;
    (void)pthread_mutex_unlock(&f->lock);
    http_send_request(fd, "POST", "/later", NULL, "[1]");
    fixture_wait(f, &f->n_queued, 1);
    fixture_advance(f, 600000);
    turn(f);
    OWN(fd) int other = http_connect(f->port);
    OWN(http_answer) struct http_answer other_answer;
    http_send_request(other, "POST", "/later", NULL, "[2]");
    ck_assert_int_eq(http_receive(fd, false, &answer), 201);
    ck_assert_int_eq(http_receive(other, false, &other_answer), 201);
    ck_assert_str_eq(buf_text(&other_answer.body), "[2]");
    fixture_stop(f);
}
END_TEST

START_TEST(a_client_that_hung_up_is_noticed)
{
    struct fixture *f = fixture_start(NULL);
    int fd = http_connect(f->port);

    (void)pthread_mutex_lock(&f->lock);
    f->hold = 2;
    (void)pthread_mutex_unlock(&f->lock);
    http_send_request(fd, "POST", "/later", NULL, "[1]");
    fixture_wait(f, &f->n_queued, 1);
    (void)pthread_mutex_lock(&f->lock);
    struct http_request *request = f->queue[0];
    (void)pthread_mutex_unlock(&f->lock);
    ck_assert(!http_peer_is_gone(request));
    (void)close(fd);
    while (!http_peer_is_gone(request)) { /* the FIN is on its way */
    }
    OWN(fd) int other = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;
    http_send_request(other, "POST", "/later", NULL, "[2]");
    ck_assert_int_eq(http_receive(other, false, &answer), 201);
    fixture_wait(f, &f->n_done, 1);
    fixture_stop(f);
}
END_TEST

START_TEST(the_end_of_a_deferred_answer_is_reported)
{
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer answer;

    ck_assert_int_eq(http_call(f->port, "POST", "/later", NULL, "{}", &answer), 201);
    fixture_wait(f, &f->n_sent, 1);
    fixture_stop(f);
}
END_TEST

START_TEST(unanswered_requests_do_not_keep_the_server_from_stopping)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);
    OWN(fd) int stream = http_connect(f->port);

    (void)pthread_mutex_lock(&f->lock);
    f->hold = 2;
    (void)pthread_mutex_unlock(&f->lock);
    http_send_request(fd, "POST", "/later", NULL, "[1]");
    http_send_request(stream, "GET", "/stream", NULL, NULL);
    fixture_wait(f, &f->n_queued, 1);
    fixture_wait(f, &f->n_streams, 1);
    fixture_stop(f);
    expect_hang_up(fd);
}
END_TEST

START_TEST(what_is_answered_while_stopping_is_still_sent)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;
    struct err err = {0};

    (void)pthread_mutex_lock(&f->lock);
    f->hold = 2;
    (void)pthread_mutex_unlock(&f->lock);
    http_send_request(fd, "POST", "/later", NULL, "[1]");
    fixture_wait(f, &f->n_queued, 1);
    http_server_stop(f->server);
    (void)pthread_join(f->loop, NULL);
    (void)pthread_mutex_lock(&f->lock);
    f->hold = 1;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
    ck_assert_int_eq(http_server_run(f->server, 10000, &err), 0);
    ck_assert_int_eq(http_receive(fd, false, &answer), 201);
    ck_assert(answer.closed);
    fixture_stop_ended(f);
}
END_TEST

/* ---- crowds: every client sends its next request when the last answer is there ---- */

#define ROUNDS 12

static const struct {
    int n_clients;
    const char *path;
    int status;
} crowds[] = {
    {128, "/echo", 200},  {256, "/echo", 200},  {384, "/echo", 200},  {128, "/later", 201},
    {256, "/later", 201}, {384, "/later", 201}, {129, "/later", 201},
};

START_TEST(a_crowd_of_exactly_that_size_does_not_stall)
{
    struct fixture *f = fixture_start(NULL);
    int n = crowds[_i].n_clients;
    static int fds[512];

    for (int i = 0; i < n; i++) {
        fds[i] = http_connect(f->port);
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < n; i++) {
            http_send_request(fds[i], "POST", crowds[_i].path, NULL, "{\"a\": 1}");
        }
        for (int i = 0; i < n; i++) {
            OWN(http_answer) struct http_answer answer;
            ck_assert_int_eq(http_receive(fds[i], false, &answer), crowds[_i].status);
            ck_assert_str_eq(buf_text(&answer.body), "{\"a\": 1}");
        }
    }
    for (int i = 0; i < n; i++) {
        (void)close(fds[i]);
    }
    fixture_stop(f);
}
END_TEST

START_TEST(a_batch_of_answers_reaches_every_client)
{
    struct fixture *f = fixture_start(NULL);
    static int fds[200];

    (void)pthread_mutex_lock(&f->lock);
    f->hold = 200;
    (void)pthread_mutex_unlock(&f->lock);
    for (int i = 0; i < 200; i++) {
        char body[16];
        (void)snprintf(body, sizeof body, "[%d]", i);
        fds[i] = http_connect(f->port);
        http_send_request(fds[i], "POST", "/later", NULL, body);
    }
    for (int i = 0; i < 200; i++) {
        OWN(http_answer) struct http_answer answer;
        char body[16];
        (void)snprintf(body, sizeof body, "[%d]", i);
        ck_assert_int_eq(http_receive(fds[i], false, &answer), 201);
        ck_assert_str_eq(buf_text(&answer.body), body);
        (void)close(fds[i]);
    }
    fixture_stop(f);
}
END_TEST

/* ---- streams ---- */

static void allow_lines(struct fixture *f, size_t n, bool ends)
{
    (void)pthread_mutex_lock(&f->lock);
    f->available = n;
    f->stream_ends = ends;
    struct http_request *stream = f->stream;
    if (stream != NULL) {
        http_stream_wake(f->server, stream);
    }
    (void)pthread_mutex_unlock(&f->lock);
}

START_TEST(a_stream_sleeps_until_it_is_woken)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);
    OWN(buf) struct buf seen;

    buf_init(&seen, 1 << 20);
    http_send_request(fd, "GET", "/stream", NULL, NULL);
    ck_assert(http_receive_until(fd, &seen, "\r\n\r\n"));
    fixture_wait(f, &f->n_streams, 1);
    for (size_t i = 1; i <= 20; i++) {
        char line[32];
        allow_lines(f, i, false);
        (void)snprintf(line, sizeof line, "line %zu\n", i - 1);
        ck_assert(http_receive_until(fd, &seen, line));
    }
    allow_lines(f, 21, true);
    ck_assert(http_receive_until(fd, &seen, "line 20\n"));
    ck_assert(http_receive_until(fd, &seen, "\r\n0\r\n\r\n"));
    fixture_wait(f, &f->n_finished, 1);
    fixture_stop(f);
}
END_TEST

START_TEST(a_long_stream_arrives_whole)
{
    struct fixture *f = fixture_start(NULL);
    OWN(fd) int fd = http_connect(f->port);
    OWN(http_answer) struct http_answer answer;
    OWN(buf) struct buf wanted;

    buf_init(&wanted, 1 << 20);
    for (size_t i = 0; i < 20000; i++) {
        buf_printf(&wanted, "line %zu\n", i);
    }
    allow_lines(f, 20000, true);
    http_send_request(fd, "GET", "/stream", NULL, NULL);
    ck_assert_int_eq(http_receive(fd, false, &answer), 200);
    ck_assert_str_eq(buf_text(&answer.body), buf_text(&wanted));
    fixture_stop(f);
}
END_TEST

START_TEST(the_head_of_a_stream_has_no_body)
{
    struct fixture *f = fixture_start(NULL);
    OWN(http_answer) struct http_answer answer;

    allow_lines(f, 5, true);
    ck_assert_int_eq(http_call(f->port, "HEAD", "/stream", NULL, NULL, &answer), 200);
    fixture_wait(f, &f->n_finished, 1);
    ck_assert_uint_eq(f->produced, 0);
    fixture_stop(f);
}
END_TEST

START_TEST(a_stream_whose_reader_left_ends_at_the_next_heartbeat)
{
    struct fixture *f = fixture_start(NULL);
    int fd = http_connect(f->port);
    OWN(buf) struct buf seen;

    buf_init(&seen, 1 << 20);
    http_send_request(fd, "GET", "/stream", NULL, NULL);
    ck_assert(http_receive_until(fd, &seen, "\r\n\r\n"));
    fixture_wait(f, &f->n_streams, 1);
    (void)pthread_mutex_lock(&f->lock);
    struct http_request *request = f->stream;
    (void)pthread_mutex_unlock(&f->lock);
    (void)close(fd);
    while (!http_peer_is_gone(request)) { /* the FIN is on its way */
    }
    turn(f);
    fixture_advance(f, 5000);
    fixture_wait(f, &f->n_finished, 1);
    fixture_stop(f);
}
END_TEST

START_TEST(streams_are_counted)
{
    struct fixture *f = fixture_start(NULL);
    static int fds[257];

    for (int i = 0; i < 257; i++) {
        OWN(buf) struct buf seen;
        buf_init(&seen, 1 << 16);
        fds[i] = http_connect(f->port);
        http_send_request(fds[i], "GET", "/stream", NULL, NULL);
        ck_assert(http_receive_until(fds[i], &seen, i < 256 ? " 200 " : " 503 "));
    }
    allow_lines(f, 1, true);
    http_stream_wake(f->server, NULL);
    fixture_wait(f, &f->n_finished, 256);
    OWN(http_answer) struct http_answer answer;
    ck_assert_int_eq(http_call(f->port, "GET", "/stream", NULL, NULL, &answer), 200);
    for (int i = 0; i < 257; i++) {
        (void)close(fds[i]);
    }
    fixture_stop(f);
}
END_TEST

/* Bytes that are on their way to clients, which may read them as slowly as they like. */
START_TEST(large_answers_have_a_bound)
{
    const struct http_settings settings = {.open = true, .answers_bytes_max = 300 << 10};
    struct fixture *f = fixture_start(&settings);
    OWN(buf) struct buf body;

    buf_init(&body, 1 << 20);
    buf_putc(&body, '1');
    while (body.len < 200 << 10) {
        buf_puts(&body, "0123456789");
    }
    for (int i = 0; i < 5; i++) { /* each is released */
        OWN(http_answer) struct http_answer answer;
        ck_assert_int_eq(http_call(f->port, "POST", "/echo", NULL, buf_text(&body), &answer), 200);
    }
    while (body.len < 400 << 10) {
        buf_puts(&body, "0123456789");
    }
    OWN(http_answer) struct http_answer refused;
    ck_assert_int_eq(http_call(f->port, "POST", "/echo", NULL, buf_text(&body), &refused), 503);
    ck_assert_str_eq(http_answer_header(&refused, "Retry-After"), "1");
    turn(f);
    fixture_stop(f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_slow");
    TCase *slow = tcase_create("slow");
    TCase *streams = tcase_create("streams");

    tcase_set_timeout(slow, 60);
    tcase_set_timeout(streams, 60);
    tcase_add_test(slow, half_a_head_is_cut_off_at_its_deadline);
    tcase_add_test(slow, a_silent_connection_is_cut_off);
    tcase_add_test(slow, a_slow_body_is_cut_off_at_its_own_deadline);
    tcase_add_test(slow, a_kept_connection_may_pause_longer);
    tcase_add_test(slow, a_deferred_request_waits_as_long_as_it_takes);
    tcase_add_test(slow, a_client_that_hung_up_is_noticed);
    tcase_add_test(slow, the_end_of_a_deferred_answer_is_reported);
    tcase_add_test(slow, unanswered_requests_do_not_keep_the_server_from_stopping);
    tcase_add_test(slow, what_is_answered_while_stopping_is_still_sent);
    tcase_add_loop_test(slow, a_crowd_of_exactly_that_size_does_not_stall, 0,
                        (int)(sizeof crowds / sizeof crowds[0]));
    tcase_add_test(slow, a_batch_of_answers_reaches_every_client);
    tcase_add_test(streams, a_stream_sleeps_until_it_is_woken);
    tcase_add_test(streams, a_long_stream_arrives_whole);
    tcase_add_test(streams, the_head_of_a_stream_has_no_body);
    tcase_add_test(streams, a_stream_whose_reader_left_ends_at_the_next_heartbeat);
    tcase_add_test(streams, streams_are_counted);
    tcase_add_test(slow, large_answers_have_a_bound);
    suite_add_tcase(suite, slow);
    suite_add_tcase(suite, streams);
    return run_suite(suite);
}
