/* Where this machine keeps the certificates of the authorities that it trusts. Every distribution
 * has a place of its own, and a static program has none built in: it looks, when it calls a server
 * by https.
 *
 * In this order: SSL_CERT_FILE (a PEM file) and SSL_CERT_DIR (a folder of PEM files) of the
 * environment; where neither is set, the first of the known files that is there. */
#ifndef COMMON_HTTP_TRUST_H
#define COMMON_HTTP_TRUST_H

#include "common/err.h"
#include "common/own.h"

struct trust {
    char *file; /* NULL: none */
    char *dir;  /* NULL: none */
};

/* Looks below `root` ("" for the machine's own). Both stay NULL where nothing is found: that is no
 * error, and trust_places() says where it looked. ERR_INVALID: a variable names what cannot be
 * read, which is not passed over in silence; ERR_NOMEM. */
MUST_USE int trust_find(const char *root, struct trust *trust, struct err *err);
/* "/etc/ssl/certs/ca-certificates.crt, …": the known files, for a message. */
void trust_places(char *text, size_t size);
void trust_finish(struct trust *trust);
OWN_VALUE(trust)

#endif
