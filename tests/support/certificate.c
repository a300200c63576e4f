#include "tests/support/certificate.h"

#include <gnutls/x509.h>

static int fill(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, unsigned char serial,
                time_t begins, time_t expires)
{
    static const unsigned char loopback[] = {127, 0, 0, 1};
    const int results[] = {
        gnutls_x509_crt_set_version(crt, 3),
        gnutls_x509_crt_set_serial(crt, &serial, 1),
        gnutls_x509_crt_set_dn(crt, "CN=localhost", NULL),
        gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_DNSNAME, "localhost", 9,
                                             GNUTLS_FSAN_SET),
        gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS, loopback, sizeof loopback,
                                             GNUTLS_FSAN_APPEND),
        gnutls_x509_crt_set_activation_time(crt, begins),
        gnutls_x509_crt_set_expiration_time(crt, expires),
        gnutls_x509_crt_set_key(crt, key),
        gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0),
    };

    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        if (results[i] < 0) {
            return results[i];
        }
    }
    return 0;
}

int certificate_make(unsigned char serial, time_t begins, time_t expires, gnutls_datum_t *cert_pem,
                     gnutls_datum_t *key_pem)
{
    gnutls_x509_privkey_t key = NULL;
    gnutls_x509_crt_t crt = NULL;
    int result = gnutls_x509_privkey_init(&key);

    if (result >= 0) {
        result = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                              GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
    }
    if (result >= 0) {
        result = gnutls_x509_crt_init(&crt);
    }
    if (result >= 0) {
        result = fill(crt, key, serial, begins, expires);
    }
    if (result >= 0) {
        result = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, cert_pem);
    }
    if (result >= 0) {
        result = gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, key_pem);
    }
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_privkey_deinit(key);
    return result;
}
