/* A certificate made on the spot and a client that speaks TLS, for tests of the server's own TLS.
 */
#ifndef TESTS_UNIT_TLS_FIXTURE_H
#define TESTS_UNIT_TLS_FIXTURE_H

#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <stddef.h>

#include "server/http/http.h"

/* Writes a certificate for localhost and its key into two new files and names them in the
 * settings. Once per process. */
void tls_make_certificate(struct http_settings *settings);
void tls_remove_certificate(void);

struct tls_client {
    int fd;
    gnutls_certificate_credentials_t credentials;
    gnutls_session_t session;
};
/* Connects; false when the handshake fails. To be closed in either case. */
bool tls_open(struct tls_client *client, int port, const char *versions);
void tls_close(struct tls_client *client);

/* One request over TLS of these versions ("+VERS-TLS1.3") into `answer`, which is read until the
 * server closes; false when the handshake fails. */
bool tls_call(int port, const char *versions, const char *request, char *answer, size_t size);

#endif
