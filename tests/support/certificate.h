/* Certificates made on the spot, for tests of TLS. */
#ifndef TESTS_SUPPORT_CERTIFICATE_H
#define TESTS_SUPPORT_CERTIFICATE_H

#include <gnutls/gnutls.h>
#include <time.h>

/* A certificate for localhost and 127.0.0.1 that signs itself, and its key, as PEM: to be freed
 * with gnutls_free(). Returns 0, or the error of GnuTLS. */
int certificate_make(unsigned char serial, time_t begins, time_t expires, gnutls_datum_t *cert_pem,
                     gnutls_datum_t *key_pem);

#endif
