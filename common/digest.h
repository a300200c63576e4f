/* SHA-256, from GnuTLS. Any thread. */
#ifndef COMMON_DIGEST_H
#define COMMON_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"

#define SHA256_BYTES 32

/* out ← the digest of `len` bytes. */
void digest_sha256(const void *bytes, size_t len, unsigned char out[SHA256_BYTES]);

/* The same for bytes that come in pieces. One thread at a time. */
struct digest;
/* ERR_NOMEM. */
MUST_USE int digest_create(struct digest **digest, struct err *err);
void digest_add(struct digest *digest, const void *bytes, size_t len);
/* out ← the digest of all that was added; the next piece begins another one. */
void digest_end(struct digest *digest, unsigned char out[SHA256_BYTES]);
/* Accepts NULL. */
void digest_destroy(struct digest *digest);
OWN_POINTER(digest)

/* The first 128 bits: for natural keys that are remembered, not trusted. */
#define DIGEST_KEY_BYTES 16
void digest_key(const void *bytes, size_t len, unsigned char out[DIGEST_KEY_BYTES]);

/* 64 bits for hash tables whose keys come from outside. */
uint64_t digest_text(const char *text);

#endif
