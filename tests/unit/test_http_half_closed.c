/* Clients that send a whole request, end their side of the connection and wait for the answer, and
 * clients that close it: over TCP both look the same at first. */
#include <check.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/http_call.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/tls_fixture.h"

struct way {
    const char *name;
    const char *tls; /* versions; NULL: plain */
    const char *version;
    bool notifies; /* close_notify */
    bool ends;     /* its side of the TCP connection */
};

static const struct way ways[] = {
    {"plain", NULL, "1.1", false, true},
    {"plain, HTTP/1.0", NULL, "1.0", false, true},
    {"TLS, close_notify", "+VERS-TLS1.3", "1.1", true, false},
    {"TLS, close_notify and end", "+VERS-TLS1.3", "1.1", true, true},
    {"TLS, end alone", "+VERS-TLS1.3", "1.1", false, true},
    {"TLS 1.2, close_notify", "+VERS-TLS1.2", "1.1", true, false},
    {"TLS 1.2, close_notify and end", "+VERS-TLS1.2", "1.1", true, true},
};
#define N_WAYS (sizeof ways / sizeof ways[0])

struct peer {
    const struct way *way;
    struct tls_client tls; /* its descriptor for both */
};

static struct fixture *start(const struct way *way)
{
    struct http_settings settings = {.open = true};

    if (way->tls != NULL) {
        tls_make_certificate(&settings);
    }
    struct fixture *f = fixture_start(&settings);
    (void)pthread_mutex_lock(&f->lock);
    f->hold = SIZE_MAX;
    (void)pthread_mutex_unlock(&f->lock);
    return f;
}

static void stop(struct fixture *f, const struct way *way)
{
    fixture_stop(f);
    if (way->tls != NULL) {
        tls_remove_certificate();
    }
}

static void open_peer(struct peer *peer, const struct way *way, const struct fixture *f)
{
    peer->way = way;
    if (way->tls == NULL) {
        peer->tls.fd = http_connect(f->port);
    } else {
        ck_assert_msg(tls_open(&peer->tls, f->port, way->tls), "%s: no handshake", way->name);
    }
}

static void close_peer(struct peer *peer)
{
    if (peer->way->tls == NULL) {
        (void)close(peer->tls.fd);
    } else {
        tls_close(&peer->tls);
    }
}

static void send_text(struct peer *peer, const char *text)
{
    size_t len = strlen(text);

    if (peer->way->tls == NULL) {
        http_send(peer->tls.fd, text, len);
        return;
    }
    while (len > 0) { /* a record at a time */
        ssize_t n = gnutls_record_send(peer->tls.session, text, len);
        ck_assert_msg(n > 0, "%s: %s", peer->way->name, gnutls_strerror((int)n));
        text += n;
        len -= (size_t)n;
    }
}

static ssize_t receive(struct peer *peer, char *part, size_t size)
{
    return peer->way->tls == NULL ? recv(peer->tls.fd, part, size, 0)
                                  : gnutls_record_recv(peer->tls.session, part, size);
}

static void end_side(struct peer *peer)
{
    if (peer->way->notifies) {
        ck_assert_int_eq(gnutls_bye(peer->tls.session, GNUTLS_SHUT_WR), GNUTLS_E_SUCCESS);
    }
    if (peer->way->ends) {
        ck_assert_int_eq(shutdown(peer->tls.fd, SHUT_WR), 0);
    }
}

/* Reads until `text` has come; NULL: until the server closes. */
static void read_until(struct peer *peer, struct buf *seen, const char *text)
{
    char part[4096];
    ssize_t len;

    while ((text == NULL || strstr(buf_text(seen), text) == NULL)
           && (len = receive(peer, part, sizeof part)) > 0) {
        buf_append(seen, part, (size_t)len);
    }
    ck_assert_msg(text == NULL || strstr(buf_text(seen), text) != NULL, "%s: \"%s\" is missing: %s",
                  peer->way->name, text, buf_text(seen));
}

static void ask(struct peer *peer, const char *target)
{
    char text[300];

    (void)snprintf(text, sizeof text,
                   "POST %s HTTP/%s\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Content-Length: 3\r\n\r\n[1]",
                   target, peer->way->version);
    send_text(peer, text);
}

static struct http_request *newest(struct fixture *f)
{
    fixture_wait(f, &f->n_queued, 1);
    (void)pthread_mutex_lock(&f->lock);
    struct http_request *request = f->queue[f->n_queued - 1];
    (void)pthread_mutex_unlock(&f->lock);
    return request;
}

static void answer_all(struct fixture *f)
{
    (void)pthread_mutex_lock(&f->lock);
    f->hold = 0;
    (void)pthread_cond_broadcast(&f->changed);
    (void)pthread_mutex_unlock(&f->lock);
}

/* ---- the answer ---- */

/* Other connections that are open: the library looks at one alone with more care. */
START_TEST(a_deferred_answer_comes)
{
    const struct way *way = &ways[_i];
    struct fixture *f = start(way);
    OWN(buf) struct buf seen;
    struct peer before;
    struct peer peer;
    struct peer after;

    buf_init(&seen, 1 << 20);
    open_peer(&before, way, f);
    open_peer(&peer, way, f);
    ask(&peer, "/later");
    const struct http_request *request = newest(f);
    open_peer(&after, way, f);
    fixture_wait_connections(f, 3);
    end_side(&peer);
    while (way->ends && !http_peer_is_gone(request)) { /* the end is on its way */
        (void)sched_yield();
    }
    answer_all(f);
    read_until(&peer, &seen, NULL);
    ck_assert_msg(strncmp(buf_text(&seen), "HTTP/1.", 7) == 0
                      && strstr(buf_text(&seen), " 201 Created\r\n") != NULL
                      && strstr(buf_text(&seen), "\r\n\r\n[1]") != NULL,
                  "%s: %s", way->name, buf_text(&seen));
    fixture_wait(f, &f->n_sent, 1);
    close_peer(&peer);
    close_peer(&before);
    close_peer(&after);
    fixture_wait_connections(f, 0);
    stop(f, way);
}
END_TEST

/* ---- a body that is taken piece by piece ---- */

enum { UPLOAD_BYTES = 50000 };

/* Has the next piece come as soon as one was taken, until the request is over. */
static void take_all(struct fixture *f)
{
    size_t n_taken = 1;

    fixture_wait(f, &f->n_pieces, 1);
    while (n_taken > 0) {
        (void)pthread_mutex_lock(&f->lock);
        if (f->upload != NULL) {
            http_receive_more(f->upload);
        }
        while (f->upload != NULL && f->n_pieces == n_taken) {
            (void)pthread_cond_wait(&f->changed, &f->lock);
        }
        n_taken = f->upload == NULL ? 0 : f->n_pieces;
        (void)pthread_mutex_unlock(&f->lock);
    }
}

START_TEST(a_body_that_waits_is_taken_to_its_end)
{
    const struct way *way = &ways[_i];
    struct fixture *f = start(way);
    OWN(buf) struct buf text;
    struct peer before;
    struct peer peer;

    buf_init(&text, 1 << 20);
    open_peer(&before, way, f);
    open_peer(&peer, way, f);
    buf_printf(&text, "PUT /upload HTTP/%s\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n",
               way->version, UPLOAD_BYTES);
    size_t head = text.len;
    while (text.len < head + UPLOAD_BYTES) {
        buf_putc(&text, 'x');
    }
    send_text(&peer, buf_text(&text));
    fixture_wait(f, &f->n_pieces, 1);
    end_side(&peer);
    for (int i = 0; i < 3; i++) { /* the loop has seen it */
        http_stream_wake(f->server, NULL);
        fixture_wait_rest(f);
    }
    take_all(f);
    buf_clear(&text);
    read_until(&peer, &text, NULL);
    ck_assert_msg(strstr(buf_text(&text), "50000 bytes") != NULL, "%s: %s", way->name,
                  buf_text(&text));
    close_peer(&peer);
    close_peer(&before);
    fixture_wait_connections(f, 0);
    stop(f, way);
}
END_TEST

/* ---- is it there still? ---- */

START_TEST(one_that_reads_on_has_not_left)
{
    const struct way *way = &ways[_i];
    struct fixture *f = start(way);
    OWN(buf) struct buf seen;
    struct peer peer;
    bool is_asked = way->ends && strcmp(way->version, "1.1") == 0;

    buf_init(&seen, 1 << 20);
    open_peer(&peer, way, f);
    ask(&peer, "/later");
    struct http_request *request = newest(f);
    ck_assert(!http_client_has_left(request));
    end_side(&peer);
    while (way->ends && !http_peer_is_gone(request)) {
        (void)sched_yield();
    }
    ck_assert(!http_client_has_left(request));
    if (is_asked) {
        read_until(&peer, &seen, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    for (int i = 0; i < 20; i++) { /* it is asked once */
        ck_assert(!http_client_has_left(request));
    }
    buf_clear(&seen);
    answer_all(f);
    read_until(&peer, &seen, NULL);
    ck_assert_msg(strstr(buf_text(&seen), " 201 Created\r\n") != NULL
                      && strstr(buf_text(&seen), " 100 ") == NULL,
                  "%s: %s", way->name, buf_text(&seen));
    close_peer(&peer);
    stop(f, way);
}
END_TEST

START_TEST(one_that_closes_has_left)
{
    const struct way *way = &ways[_i];
    bool is_told = strcmp(way->version, "1.1") == 0;
    struct fixture *f = start(way);
    struct peer peer;

    open_peer(&peer, way, f);
    ask(&peer, "/later");
    struct http_request *request = newest(f);
    if (way->notifies) {
        (void)gnutls_bye(peer.tls.session, GNUTLS_SHUT_WR);
    }
    close_peer(&peer);
    while (is_told && !http_client_has_left(request)) {
        (void)sched_yield();
    }
    answer_all(f);
    fixture_wait(f, &f->n_done, 1);
    fixture_wait_connections(f, 0);
    stop(f, way);
}
END_TEST

/* Nobody asks whether it has left. */
START_TEST(one_that_is_watched_is_asked_at_once)
{
    const struct way *way = &ways[_i];
    struct fixture *f = start(way);
    OWN(buf) struct buf seen;
    struct peer peer;

    buf_init(&seen, 1 << 20);
    if (!way->ends || strcmp(way->version, "1.1") != 0) {
        stop(f, way); /* there is nothing to ask, or no way to */
        return;
    }
    open_peer(&peer, way, f);
    ask(&peer, "/later?watch=1");
    struct http_request *request = newest(f);
    end_side(&peer);
    read_until(&peer, &seen, "HTTP/1.1 100 Continue\r\n\r\n");
    ck_assert(!http_client_has_left(request));
    close_peer(&peer);
    answer_all(f);
    fixture_wait(f, &f->n_done, 1);
    stop(f, way);
}
END_TEST

/* ---- streams ---- */

static void allow(struct fixture *f, size_t n)
{
    (void)pthread_mutex_lock(&f->lock);
    f->available = n;
    (void)pthread_mutex_unlock(&f->lock);
}

START_TEST(a_stream_with_a_heartbeat_goes_on_until_its_reader_closes)
{
    static const struct way plain = {.name = "plain", .version = "1.1", .ends = true};
    struct fixture *f = start(&plain);
    OWN(buf) struct buf seen;
    struct peer peer;

    buf_init(&seen, 1 << 20);
    open_peer(&peer, &plain, f);
    send_text(&peer, "GET /stream?beats=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    read_until(&peer, &seen, "\r\n\r\n");
    fixture_wait(f, &f->n_streams, 1);
    (void)pthread_mutex_lock(&f->lock);
    const struct http_request *request = f->stream;
    (void)pthread_mutex_unlock(&f->lock);
    end_side(&peer);
    while (!http_peer_is_gone(request)) {
        (void)sched_yield();
    }
    for (size_t i = 1; i <= 3; i++) {
        char line[32];
        allow(f, i);
        fixture_advance(f, 5000);
        (void)snprintf(line, sizeof line, "line %zu\n", i - 1);
        read_until(&peer, &seen, line);
    }
    close_peer(&peer);
    allow(f, 4);
    fixture_advance(f, 5000); /* what is sent now is refused */
    fixture_wait(f, &f->n_finished, 1);
    stop(f, &plain);
}
END_TEST

static struct http_request *begin_stream(struct peer *peer, struct fixture *f)
{
    OWN(buf) struct buf seen;

    buf_init(&seen, 1 << 20);
    send_text(peer, "GET /stream?ends=1 HTTP/1.1\r\nHost: localhost\r\n\r\n");
    read_until(peer, &seen, "\r\n\r\n");
    fixture_wait(f, &f->n_streams, 1);
    fixture_wait_rest(f);
    (void)pthread_mutex_lock(&f->lock);
    struct http_request *request = f->stream;
    (void)pthread_mutex_unlock(&f->lock);
    return request;
}

static const struct way whole = {.name = "plain", .version = "1.1", .ends = true};

/* The library forgets such a connection while an older one is open. */
static void expect_freed(struct fixture *f)
{
    fixture_wait(f, &f->n_finished, 1);
    fixture_wait_connections(f, 1);
    fixture_wait_rest(f);
}

START_TEST(a_stream_that_breaks_frees_its_connection)
{
    struct fixture *f = start(&whole);
    OWN(buf) struct buf seen;
    struct peer older;
    struct peer peer;

    buf_init(&seen, 1 << 20);
    open_peer(&older, &whole, f);
    open_peer(&peer, &whole, f);
    struct http_request *request = begin_stream(&peer, f);
    (void)pthread_mutex_lock(&f->lock);
    f->stream_fails = true;
    http_stream_wake(f->server, request);
    (void)pthread_mutex_unlock(&f->lock);
    read_until(&peer, &seen, NULL);
    ck_assert_ptr_null(strstr(buf_text(&seen), "0\r\n\r\n")); /* no part is taken for the whole */
    if (_i == 1) {
        close_peer(&peer);
    }
    expect_freed(f);
    if (_i == 0) {
        close_peer(&peer);
    }
    close_peer(&older);
    stop(f, &whole);
}
END_TEST

START_TEST(a_stream_whose_client_resets_frees_its_connection)
{
    const struct linger at_once = {.l_onoff = 1};
    struct fixture *f = start(&whole);
    struct peer older;
    struct peer peer;

    open_peer(&older, &whole, f);
    open_peer(&peer, &whole, f);
    (void)begin_stream(&peer, f);
    ck_assert_int_eq(setsockopt(peer.tls.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
    close_peer(&peer);
    expect_freed(f);
    close_peer(&older);
    stop(f, &whole);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_half_closed");
    TCase *tcase = tcase_create("ends");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_deferred_answer_comes, 0, (int)N_WAYS);
    tcase_add_loop_test(tcase, a_body_that_waits_is_taken_to_its_end, 0, (int)N_WAYS);
    tcase_add_loop_test(tcase, one_that_reads_on_has_not_left, 0, (int)N_WAYS);
    tcase_add_loop_test(tcase, one_that_closes_has_left, 0, (int)N_WAYS);
    tcase_add_loop_test(tcase, one_that_is_watched_is_asked_at_once, 0, (int)N_WAYS);
    tcase_add_test(tcase, a_stream_with_a_heartbeat_goes_on_until_its_reader_closes);
    tcase_add_loop_test(tcase, a_stream_that_breaks_frees_its_connection, 0, 2);
    tcase_add_test(tcase, a_stream_whose_client_resets_frees_its_connection);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
