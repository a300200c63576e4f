#include "tests/unit/tls_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/certificate.h"
#include "tests/support/http_call.h"

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

void tls_make_certificate(struct http_settings *settings)
{
    gnutls_datum_t cert_pem;
    gnutls_datum_t key_pem;

    must(certificate_make(1, 0, 4000000000, &cert_pem, &key_pem));
    write_pem(cert_file, &cert_pem);
    write_pem(key_file, &key_pem);
    settings->tls_cert_file = cert_file;
    settings->tls_key_file = key_file;
    gnutls_free(cert_pem.data);
    gnutls_free(key_pem.data);
}

void tls_remove_certificate(void)
{
    (void)unlink(cert_file);
    (void)unlink(key_file);
}

bool tls_open(struct tls_client *client, int port, const char *versions)
{
    char priorities[100];
    int result;

    client->fd = http_connect(port);
    (void)snprintf(priorities, sizeof priorities, "NORMAL:-VERS-ALL:%s", versions);
    must(gnutls_certificate_allocate_credentials(&client->credentials));
    must(gnutls_init(&client->session, GNUTLS_CLIENT));
    must(gnutls_priority_set_direct(client->session, priorities, NULL));
    must(gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->credentials));
    gnutls_transport_set_int(client->session, client->fd);
    do {
        result = gnutls_handshake(client->session);
    } while (result < 0 && gnutls_error_is_fatal(result) == 0);
    return result >= 0;
}

void tls_close(struct tls_client *client)
{
    gnutls_deinit(client->session);
    gnutls_certificate_free_credentials(client->credentials);
    (void)close(client->fd);
}

bool tls_call(int port, const char *versions, const char *request, char *answer, size_t size)
{
    struct tls_client client;
    size_t len = 0;
    bool is_open = tls_open(&client, port, versions);

    if (is_open) {
        (void)gnutls_record_send(client.session, request, strlen(request));
        ssize_t n;
        while (len < size - 1
               && (n = gnutls_record_recv(client.session, answer + len, size - 1 - len)) > 0) {
            len += (size_t)n;
        }
    }
    answer[len] = '\0';
    tls_close(&client);
    return is_open;
}
