/* Canonical keys: what makes two configurations the same. */
#include "common/space/space.h"

#include <math.h>
#include <string.h>

#include "common/hash_secret.h"

struct space_key space_config_key(const struct space *space, const double x[])
{
    struct space_key key = {UINT64_C(0x243f6a8885a308d3) ^ hash_secret(),
                            UINT64_C(0x13198a2e03707344) + hash_secret()};

    for (size_t i = 0; i < space->n_params; i++) {
        if (isnan(x[i])) {
            continue;
        }
        double value = x[i] + 0.0; /* -0 is 0 */
        uint64_t bits;
        memcpy(&bits, &value, sizeof bits);
        uint64_t place = splitmix64(i + 1); /* the same value elsewhere is another one */
        key.a = splitmix64(key.a ^ splitmix64(bits ^ place));
        key.b = splitmix64(key.b + splitmix64(bits + (place << 1 | 1)));
    }
    return key;
}
