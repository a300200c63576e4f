#include "common/digest.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

void digest_sha256(const void *bytes, size_t len, unsigned char out[SHA256_BYTES])
{
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, len, out) != 0) {
        abort(); /* the library cannot hash: nothing it guards is safe */
    }
}

void digest_key(const void *bytes, size_t len, unsigned char out[DIGEST_KEY_BYTES])
{
    unsigned char whole[SHA256_BYTES];

    digest_sha256(bytes, len, whole);
    memcpy(out, whole, DIGEST_KEY_BYTES);
}

uint64_t digest_text(const char *text)
{
    unsigned char whole[SHA256_BYTES];
    uint64_t key;

    digest_sha256(text, strlen(text), whole);
    memcpy(&key, whole, sizeof key);
    return key;
}
