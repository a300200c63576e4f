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

struct digest {
    gnutls_hash_hd_t hash;
};

int digest_create(struct digest **digest, struct err *err)
{
    struct digest *made = calloc(1, sizeof *made);

    if (made == NULL || gnutls_hash_init(&made->hash, GNUTLS_DIG_SHA256) != 0) {
        free(made);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *digest = made;
    return 0;
}

void digest_add(struct digest *digest, const void *bytes, size_t len)
{
    if (gnutls_hash(digest->hash, bytes, len) != 0) {
        abort(); /* as above */
    }
}

void digest_end(struct digest *digest, unsigned char out[SHA256_BYTES])
{
    gnutls_hash_output(digest->hash, out);
}

void digest_destroy(struct digest *digest)
{
    if (digest != NULL) {
        gnutls_hash_deinit(digest->hash, NULL);
        free(digest);
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
