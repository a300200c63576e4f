#include "worker/agent/attempt_id.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/digest.h"
#include "common/rng.h"

#define LEASE_DIGITS 8
#define RANDOM_DIGITS 32

void attempt_id_make(const char *lease, char id[ATTEMPT_ID_BYTES])
{
    uint64_t bits[2];

    rng_entropy(bits, sizeof bits);
    (void)snprintf(id, ATTEMPT_ID_BYTES, "%08" PRIx32 "-%016" PRIx64 "%016" PRIx64,
                   (uint32_t)digest_text(lease), bits[0], bits[1]);
}

bool attempt_id_is_valid(const char *id)
{
    static const char digits[] = "0123456789abcdef";

    return strspn(id, digits) == LEASE_DIGITS && id[LEASE_DIGITS] == '-'
           && strspn(id + LEASE_DIGITS + 1, digits) == RANDOM_DIGITS
           && id[LEASE_DIGITS + 1 + RANDOM_DIGITS] == '\0';
}
