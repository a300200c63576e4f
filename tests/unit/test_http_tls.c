/* TLS by the server itself: a certificate made on the spot, a real handshake, old versions and
 * plain text refused. */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/support/http_call.h"
#include "tests/support/run_suite.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/tls_fixture.h"

static struct fixture *start_with_tls(void)
{
    struct http_settings settings = {.open = true};

    tls_make_certificate(&settings);
    struct fixture *f = fixture_start(&settings);
    ck_assert_int_eq(strncmp(http_server_url(f->server, 0), "https://", 8), 0);
    return f;
}

static void stop(struct fixture *f)
{
    fixture_stop(f);
    tls_remove_certificate();
}

START_TEST(requests_are_answered_over_tls)
{
    struct fixture *f = start_with_tls();
    char answer[4096];
    static const char *const versions[] = {"+VERS-TLS1.2", "+VERS-TLS1.3"};

    for (size_t i = 0; i < 2; i++) {
        ck_assert(tls_call(f->port, versions[i],
                           "GET /hello HTTP/1.1\r\nHost: localhost\r\n"
                           "Connection: close\r\n\r\n",
                           answer, sizeof answer));
        ck_assert_ptr_nonnull(strstr(answer, "200 OK"));
        ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\nhello"));
    }
    stop(f);
}
END_TEST

/* On a page it is what the reader copies. */
START_TEST(own_address_says_https)
{
    struct fixture *f = start_with_tls();
    char answer[4096];

    ck_assert(tls_call(f->port, "+VERS-TLS1.3",
                       "GET /own-url HTTP/1.1\r\nHost: localhost:99\r\nConnection: close\r\n\r\n",
                       answer, sizeof answer));
    ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\nhttps://localhost:99"));
    stop(f);
}
END_TEST

START_TEST(deferred_answers_come_over_tls)
{
    struct fixture *f = start_with_tls();
    char answer[4096];

    ck_assert(tls_call(f->port, "+VERS-TLS1.3",
                       "POST /later HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                       "Content-Type: application/json\r\nContent-Length: 3\r\n\r\n[7]",
                       answer, sizeof answer));
    ck_assert_ptr_nonnull(strstr(answer, "201 Created"));
    ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\n[7]"));
    stop(f);
}
END_TEST

START_TEST(heads_are_read_as_strictly_over_tls)
{
    static const char *const heads[] = {
        "GET /hello HTTP/1.1\nHost: localhost\n\n",
        "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n",
    };
    struct fixture *f = start_with_tls();
    char answer[4096];

    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        ck_assert(tls_call(f->port, "+VERS-TLS1.3", heads[i], answer, sizeof answer));
        ck_assert_msg(strncmp(answer, "HTTP/1.1 400 ", 13) == 0, "%zu: %s", i, answer);
    }
    stop(f);
}
END_TEST

START_TEST(old_versions_are_refused)
{
    struct fixture *f = start_with_tls();
    char answer[4096];

    ck_assert(!tls_call(f->port, "+VERS-TLS1.1:+VERS-TLS1.0", "", answer, sizeof answer));
    stop(f);
}
END_TEST

START_TEST(plain_text_on_a_tls_port_is_hung_up_on)
{
    struct fixture *f = start_with_tls();
    OWN(fd) int fd = http_connect(f->port);
    char bytes[256];
    ssize_t n;

    http_send_request(fd, "GET", "/hello", NULL, NULL);
    while ((n = recv(fd, bytes, sizeof bytes - 1, 0)) > 0) {
        bytes[n] = '\0';
        ck_assert_ptr_null(strstr(bytes, "HTTP/")); /* an alert at most */
    }
    stop(f);
}
END_TEST

START_TEST(a_stalled_handshake_is_cut_off)
{
    struct fixture *f = start_with_tls();
    OWN(fd) int fd = http_connect(f->port);
    struct http_stats stats = {0};
    char byte;

    while (stats.connections == 0) {
        http_server_stats(f->server, &stats);
    }
    atomic_fetch_add(&f->clock.now_ms, 10000);
    OWN(fd) int other = http_connect(f->port); /* turns the loop */
    ck_assert_int_le((int)recv(fd, &byte, 1, 0), 0);
    stop(f);
}
END_TEST

START_TEST(a_key_of_another_certificate_is_reported)
{
    struct http_settings settings = {.open = true};
    struct err err = {0};

    tls_make_certificate(&settings);
    settings.tls_key_file = settings.tls_cert_file;
    ck_assert_int_eq(fixture_try(&settings, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "belong together"));
    tls_remove_certificate();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_tls");
    TCase *tcase = tcase_create("tls");

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, requests_are_answered_over_tls);
    tcase_add_test(tcase, own_address_says_https);
    tcase_add_test(tcase, deferred_answers_come_over_tls);
    tcase_add_test(tcase, heads_are_read_as_strictly_over_tls);
    tcase_add_test(tcase, old_versions_are_refused);
    tcase_add_test(tcase, plain_text_on_a_tls_port_is_hung_up_on);
    tcase_add_test(tcase, a_stalled_handshake_is_cut_off);
    tcase_add_test(tcase, a_key_of_another_certificate_is_reported);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
