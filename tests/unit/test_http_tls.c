/* TLS by the server itself: a certificate made on the spot, a real handshake, old versions and
 * plain text refused. */
#include <check.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "tests/support/http_call.h"
#include "tests/unit/http_fixture.h"

static char cert_file[] = "/tmp/hone-test-cert-XXXXXX";
static char key_file[] = "/tmp/hone-test-key-XXXXXX";

static void must(int result)
{
    ck_assert_msg(result >= 0, "%s", gnutls_strerror(result));
}

static void write_pem(char *path, const gnutls_datum_t *pem)
{
    OWN(fd) int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, pem->data, pem->size), (int)pem->size);
}

static void make_certificate(void)
{
    gnutls_x509_privkey_t key;
    gnutls_x509_crt_t crt;
    gnutls_datum_t cert_pem;
    gnutls_datum_t key_pem;

    must(gnutls_x509_privkey_init(&key));
    must(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                      GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
    must(gnutls_x509_crt_init(&crt));
    must(gnutls_x509_crt_set_version(crt, 3));
    must(gnutls_x509_crt_set_serial(crt, "\x01", 1));
    must(gnutls_x509_crt_set_dn(crt, "CN=localhost", NULL));
    must(gnutls_x509_crt_set_activation_time(crt, 0));
    must(gnutls_x509_crt_set_expiration_time(crt, 4000000000));
    must(gnutls_x509_crt_set_key(crt, key));
    must(gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0));
    must(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &cert_pem));
    must(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &key_pem));
    write_pem(cert_file, &cert_pem);
    write_pem(key_file, &key_pem);
    gnutls_free(cert_pem.data);
    gnutls_free(key_pem.data);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
}

static struct fixture *start_with_tls(void)
{
    struct http_settings settings = {.open = true};

    make_certificate();
    settings.tls_cert_file = cert_file;
    settings.tls_key_file = key_file;
    struct fixture *f = fixture_start(&settings);
    ck_assert_int_eq(strncmp(http_server_url(f->server), "https://", 8), 0);
    return f;
}

static void stop(struct fixture *f)
{
    fixture_stop(f);
    (void)unlink(cert_file);
    (void)unlink(key_file);
}

/* One request over TLS of these versions into `answer`; false when the handshake fails. */
static bool call_with_tls(int port, const char *versions, const char *request, char *answer,
                          size_t size)
{
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
    char priorities[100];
    OWN(fd) int fd = http_connect(port);
    size_t len = 0;
    int result;

    (void)snprintf(priorities, sizeof priorities, "NORMAL:-VERS-ALL:%s", versions);
    must(gnutls_certificate_allocate_credentials(&credentials));
    must(gnutls_init(&session, GNUTLS_CLIENT));
    must(gnutls_priority_set_direct(session, priorities, NULL));
    must(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials));
    gnutls_transport_set_int(session, fd);
    do {
        result = gnutls_handshake(session);
    } while (result < 0 && gnutls_error_is_fatal(result) == 0);
    if (result >= 0) {
        (void)gnutls_record_send(session, request, strlen(request));
        ssize_t n;
        while (len < size - 1
               && (n = gnutls_record_recv(session, answer + len, size - 1 - len)) > 0) {
            len += (size_t)n;
        }
    }
    answer[len] = '\0';
    gnutls_deinit(session);
    gnutls_certificate_free_credentials(credentials);
    return result >= 0;
}

START_TEST(requests_are_answered_over_tls)
{
    struct fixture *f = start_with_tls();
    char answer[4096];
    static const char *const versions[] = {"+VERS-TLS1.2", "+VERS-TLS1.3"};

    for (size_t i = 0; i < 2; i++) {
        ck_assert(call_with_tls(f->port, versions[i],
                                "GET /hello HTTP/1.1\r\nHost: localhost\r\n"
                                "Connection: close\r\n\r\n",
                                answer, sizeof answer));
        ck_assert_ptr_nonnull(strstr(answer, "200 OK"));
        ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\nhello"));
    }
    stop(f);
}
END_TEST

START_TEST(deferred_answers_come_over_tls)
{
    struct fixture *f = start_with_tls();
    char answer[4096];

    ck_assert(call_with_tls(f->port, "+VERS-TLS1.3",
                            "POST /later HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                            "Content-Type: application/json\r\nContent-Length: 3\r\n\r\n[7]",
                            answer, sizeof answer));
    ck_assert_ptr_nonnull(strstr(answer, "201 Created"));
    ck_assert_ptr_nonnull(strstr(answer, "\r\n\r\n[7]"));
    stop(f);
}
END_TEST

START_TEST(old_versions_are_refused)
{
    struct fixture *f = start_with_tls();
    char answer[4096];

    ck_assert(!call_with_tls(f->port, "+VERS-TLS1.1:+VERS-TLS1.0", "", answer, sizeof answer));
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

START_TEST(a_key_of_another_certificate_is_told)
{
    struct http_settings settings = {.open = true};
    struct err err = {0};

    make_certificate();
    settings.tls_cert_file = cert_file;
    settings.tls_key_file = cert_file;
    ck_assert_int_eq(fixture_try(&settings, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "belong together"));
    (void)unlink(cert_file);
    (void)unlink(key_file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http_tls");
    TCase *tcase = tcase_create("tls");
    SRunner *runner = srunner_create(suite);

    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, requests_are_answered_over_tls);
    tcase_add_test(tcase, deferred_answers_come_over_tls);
    tcase_add_test(tcase, old_versions_are_refused);
    tcase_add_test(tcase, plain_text_on_a_tls_port_is_hung_up_on);
    tcase_add_test(tcase, a_stalled_handshake_is_cut_off);
    tcase_add_test(tcase, a_key_of_another_certificate_is_told);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
