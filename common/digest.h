/* SHA-256, from GnuTLS. Any thread. */
#ifndef COMMON_DIGEST_H
#define COMMON_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_BYTES 32

/* out ← the digest of `len` bytes. */
void digest_sha256(const void *bytes, size_t len, unsigned char out[SHA256_BYTES]);

/* The first 128 bits: for natural keys that are remembered, not trusted. */
#define DIGEST_KEY_BYTES 16
void digest_key(const void *bytes, size_t len, unsigned char out[DIGEST_KEY_BYTES]);

/* 64 bits for hash tables whose keys come from outside. */
uint64_t digest_text(const char *text);

#endif
