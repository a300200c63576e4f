/* The certificate of the server's own TLS: read at the start and again while it serves. Loop
 * thread. For this folder alone.
 *
 * Each handshake asks for the newest certificate. One that was replaced is kept until the last
 * connection has ended that could have been shown it. */
#ifndef SERVER_HTTP_TLS_H
#define SERVER_HTTP_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "server/http/internal.h"

/* Reads certificate and key where both are named, and says when the certificate expires. They
 * replace what was read before; where that fails, everything stays as it was. ERR_IO, ERR_INVALID,
 * ERR_NOMEM. */
MUST_USE int tls_load(struct http_server *server, struct err *err);
/* Releases all certificates. No connection may be left. */
void tls_finish(struct http_server *server);

/* Which of them a new connection may be shown; NULL without TLS. To be handed to
 * tls_connection_ended() once. */
struct tls_certificate *tls_connection_began(struct http_server *server);
void tls_connection_ended(struct http_server *server, struct tls_certificate *certificate);

/* Handshakes on this thread are those of this server from now on. */
void tls_turn(const struct http_server *server);
/* What GnuTLS calls in a handshake, as gnutls_certificate_retrieve_function2 says. */
int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *names, int n_names,
                 const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **chain,
                 unsigned *n_chain, gnutls_privkey_t *key);

#endif
