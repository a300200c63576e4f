/* Certificates: read, checked, handed to handshakes, and replaced while connections go on. */
#include "server/http/tls.h"

#include <gnutls/x509.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/regular_file.h"

#define TLS_FILE_MAX ((size_t)1 << 20)
#define EXPIRES_SOON_S (14 * 86400) /* later than the day on which usual tools renew */

/* One pair of files as it was read. Those of a server form a list, the oldest first; only the
 * newest is shown to new handshakes. */
struct tls_certificate {
    struct tls_certificate *newer;
    size_t n_connections; /* that began while it was the newest */
    gnutls_pcert_st *chain;
    unsigned n_chain;
    gnutls_privkey_t key;
    int64_t begins_at_ms, expires_at_ms; /* wall clock; the narrowest of the chain */
};

static void certificate_destroy(struct tls_certificate *certificate)
{
    for (unsigned i = 0; i < certificate->n_chain; i++) {
        gnutls_pcert_deinit(&certificate->chain[i]);
    }
    free(certificate->chain);
    gnutls_privkey_deinit(certificate->key);
    free(certificate);
}

/* ---- reading ---- */

static int read_file(const char *path, struct buf *content, struct err *err)
{
    FILE *file;
    char piece[4096];
    size_t n;

    TRY(regular_file_stream(path, &file, err));
    while (!content->failed && (n = fread(piece, 1, sizeof piece, file)) > 0) {
        buf_append(content, piece, n);
    }
    (void)fclose(file);
    if (content->failed || content->len == 0) {
        return err_set(err, ERR_INVALID, "%s holds no PEM text", path);
    }
    return 0;
}

/* Both texts as credentials, which GnuTLS makes of a certificate and its own key only. */
static int read_pair(const struct http_settings *settings,
                     gnutls_certificate_credentials_t credentials, struct err *err)
{
    OWN(buf) struct buf cert;
    OWN(buf) struct buf key;

    buf_init(&cert, TLS_FILE_MAX);
    buf_init(&key, TLS_FILE_MAX);
    TRY(read_file(settings->tls_cert_file, &cert, err));
    TRY(read_file(settings->tls_key_file, &key, err));
    const gnutls_datum_t cert_pem = {(unsigned char *)cert.data, (unsigned)cert.len};
    const gnutls_datum_t key_pem = {(unsigned char *)key.data, (unsigned)key.len};
    int result = gnutls_certificate_set_x509_key_mem2(credentials, &cert_pem, &key_pem,
                                                      GNUTLS_X509_FMT_PEM, NULL, 0);
    if (result < 0) {
        return err_set(err, ERR_INVALID,
                       "TLS cannot use %s and %s: %s; do certificate and key belong together, as "
                       "PEM, the key without a password?",
                       settings->tls_cert_file, settings->tls_key_file, gnutls_strerror(result));
    }
    return 0;
}

/* When all of the chain are valid. */
static void read_validity(struct tls_certificate *certificate, const gnutls_x509_crt_t list[],
                          unsigned n)
{
    certificate->begins_at_ms = 0;
    certificate->expires_at_ms = INT64_MAX;
    for (unsigned i = 0; i < n; i++) {
        int64_t begins_ms = (int64_t)gnutls_x509_crt_get_activation_time(list[i]) * 1000;
        int64_t expires_ms = (int64_t)gnutls_x509_crt_get_expiration_time(list[i]) * 1000;
        if (begins_ms > certificate->begins_at_ms) {
            certificate->begins_at_ms = begins_ms;
        }
        if (expires_ms < certificate->expires_at_ms) {
            certificate->expires_at_ms = expires_ms;
        }
    }
}

/* The chain as handshakes take it. Each takes part of `list`, which stays the caller's. */
static int fill_chain(struct tls_certificate *certificate, gnutls_x509_crt_t list[], unsigned n)
{
    certificate->chain = calloc(n, sizeof *certificate->chain);
    if (certificate->chain == NULL) {
        return GNUTLS_E_MEMORY_ERROR;
    }
    for (unsigned i = 0; i < n; i++) {
        int result = gnutls_pcert_import_x509(&certificate->chain[i], list[i], 0);
        if (result < 0) {
            return result;
        }
        certificate->n_chain++;
    }
    return 0;
}

static int take_chain(struct tls_certificate *certificate,
                      gnutls_certificate_credentials_t credentials)
{
    gnutls_x509_crt_t *list = NULL;
    unsigned n = 0;
    int result = gnutls_certificate_get_x509_crt(credentials, 0, &list, &n);

    if (result < 0) {
        return result;
    }
    read_validity(certificate, list, n);
    result = fill_chain(certificate, list, n);
    for (unsigned i = 0; i < n; i++) {
        gnutls_x509_crt_deinit(list[i]);
    }
    gnutls_free(list);
    return result;
}

static int take_key(struct tls_certificate *certificate,
                    gnutls_certificate_credentials_t credentials)
{
    gnutls_x509_privkey_t key = NULL;
    int result = gnutls_certificate_get_x509_key(credentials, 0, &key);

    if (result >= 0) {
        result =
            gnutls_privkey_import_x509(certificate->key, key, GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
        if (result < 0) {
            gnutls_x509_privkey_deinit(key);
        }
    }
    return result;
}

static int take(struct tls_certificate *certificate, gnutls_certificate_credentials_t credentials,
                struct err *err)
{
    int result = take_chain(certificate, credentials);

    if (result >= 0) {
        result = take_key(certificate, credentials);
    }
    if (result < 0) {
        return err_set(err, result == GNUTLS_E_MEMORY_ERROR ? ERR_NOMEM : ERR_INVALID,
                       "TLS cannot use the certificate: %s", gnutls_strerror(result));
    }
    return 0;
}

static int certificate_read(const struct http_settings *settings,
                            struct tls_certificate **certificate, struct err *err)
{
    struct tls_certificate *made = calloc(1, sizeof *made);
    gnutls_certificate_credentials_t credentials = NULL;

    if (made == NULL || gnutls_privkey_init(&made->key) < 0
        || gnutls_certificate_allocate_credentials(&credentials) < 0) {
        if (made != NULL && made->key != NULL) {
            gnutls_privkey_deinit(made->key);
        }
        free(made);
        return err_set(err, ERR_NOMEM, "out of memory for the certificate");
    }
    int result = read_pair(settings, credentials, err);
    if (result == 0) {
        result = take(made, credentials, err);
    }
    gnutls_certificate_free_credentials(credentials);
    if (result != 0) {
        certificate_destroy(made);
        return -1;
    }
    *certificate = made;
    return 0;
}

/* ---- replacing ---- */

/* A connection that began with one certificate may have been shown any newer one. */
static void forget_replaced(struct http_server *server)
{
    while (server->certificates != server->certificate
           && server->certificates->n_connections == 0) {
        struct tls_certificate *oldest = server->certificates;
        server->certificates = oldest->newer;
        certificate_destroy(oldest);
    }
}

/* Does every client take it, now and for a while? The sentence says so, or what to do. */
static bool judge_validity(const char *file, const struct tls_certificate *certificate,
                           int64_t now_ms, char text[HTTP_CERTIFICATE_TEXT_BYTES])
{
    char begins[CLOCK_TEXT_BYTES];
    char expires[CLOCK_TEXT_BYTES];
    size_t size = HTTP_CERTIFICATE_TEXT_BYTES;

    clock_format(certificate->begins_at_ms, begins);
    clock_format(certificate->expires_at_ms, expires);
    if (certificate->expires_at_ms <= now_ms) {
        (void)snprintf(text, size,
                       "the TLS certificate in %s expired at %s: clients refuse it; renew it, then "
                       "send SIGHUP",
                       file, expires);
    } else if (certificate->begins_at_ms > now_ms) {
        (void)snprintf(text, size,
                       "the TLS certificate in %s is valid only from %s on: clients refuse it "
                       "until then; is the clock of this machine right?",
                       file, begins);
    } else if (certificate->expires_at_ms - now_ms < EXPIRES_SOON_S * INT64_C(1000)) {
        (void)snprintf(text, size,
                       "the TLS certificate in %s expires soon, at %s; renew it, then send SIGHUP",
                       file, expires);
    } else {
        (void)snprintf(text, size, "the TLS certificate in %s is valid until %s", file, expires);
        return true;
    }
    return false;
}

static void tell_validity(const struct http_server *server,
                          const struct tls_certificate *certificate)
{
    char text[HTTP_CERTIFICATE_TEXT_BYTES];

    if (judge_validity(server->settings.tls_cert_file, certificate,
                       server->clock->wall_ms(server->clock), text)) {
        log_info("%s", text);
    } else {
        log_warning("%s", text);
    }
}

int http_check_certificate(const char *cert_file, const char *key_file, const struct clock *clock,
                           bool *is_well, char text[HTTP_CERTIFICATE_TEXT_BYTES], struct err *err)
{
    const struct http_settings settings = {.tls_cert_file = cert_file, .tls_key_file = key_file};
    struct tls_certificate *read = NULL;

    TRY(certificate_read(&settings, &read, err));
    *is_well = judge_validity(cert_file, read, clock->wall_ms(clock), text);
    certificate_destroy(read);
    return 0;
}

void http_library_versions(char *text, size_t size)
{
    (void)snprintf(text, size, "libmicrohttpd %s, GnuTLS %s", MHD_get_version(),
                   gnutls_check_version(NULL));
}

int tls_load(struct http_server *server, struct err *err)
{
    struct tls_certificate *fresh = NULL;

    if (!server->tls) {
        return 0;
    }
    TRY(certificate_read(&server->settings, &fresh, err));
    if (server->certificate == NULL) {
        server->certificates = fresh;
    } else {
        server->certificate->newer = fresh;
    }
    server->certificate = fresh;
    atomic_store(&server->certificate_expires_ms, fresh->expires_at_ms);
    forget_replaced(server);
    tell_validity(server, fresh);
    return 0;
}

void tls_finish(struct http_server *server)
{
    while (server->certificates != NULL) {
        struct tls_certificate *oldest = server->certificates;
        server->certificates = oldest->newer;
        certificate_destroy(oldest);
    }
    server->certificate = NULL;
}

/* ---- connections and handshakes ---- */

struct tls_certificate *tls_connection_began(struct http_server *server)
{
    if (server->certificate != NULL) {
        server->certificate->n_connections++;
    }
    return server->certificate;
}

void tls_connection_ended(struct http_server *server, struct tls_certificate *certificate)
{
    if (certificate != NULL) {
        certificate->n_connections--;
        forget_replaced(server);
    }
}

/* GnuTLS hands the callback a session, and MHD does not say whose it is: a handshake belongs to the
 * server whose loop turns on this thread. */
static _Thread_local const struct http_server *turning;

void tls_turn(const struct http_server *server)
{
    turning = server;
}

int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *names, int n_names,
                 const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **chain,
                 unsigned *n_chain, gnutls_privkey_t *key)
{
    (void)session;
    (void)names;
    (void)n_names;
    (void)algorithms;
    (void)n_algorithms;
    if (turning == NULL || turning->certificate == NULL) {
        return -1;
    }
    *chain = turning->certificate->chain;
    *n_chain = turning->certificate->n_chain;
    *key = turning->certificate->key;
    return 0;
}
