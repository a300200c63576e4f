#include "server/domain/lease.h"

#include <string.h>

static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

#define SECRET_DIGITS                                                                              \
    20 /* 96 bits, five a digit; the last digit has four bits more than it needs */
_Static_assert(SECRET_DIGITS * 5 / 8 == LEASE_SECRET_BYTES, "the digits make up exactly the bytes");

static void encode_secret(const unsigned char secret[LEASE_SECRET_BYTES], char *text)
{
    unsigned bits = 0;
    unsigned n_bits = 0;
    size_t at = 0;

    for (size_t i = 0; i < LEASE_SECRET_BYTES; i++) {
        bits = (bits << 8) | secret[i];
        n_bits += 8;
        while (n_bits >= 5) {
            n_bits -= 5;
            text[at++] = digits[(bits >> n_bits) & 31];
        }
    }
    text[at++] = digits[(bits << (5 - n_bits)) & 31]; /* the last bit */
    text[at] = '\0';
}

void lease_name_format(const struct lease_name *name, char text[LEASE_ID_BYTES])
{
    char row[16];
    size_t n = 0;

    for (uint64_t rest = (uint64_t)name->attempt_id; rest > 0; rest >>= 5) {
        row[n++] = digits[rest & 31];
    }
    *text++ = 'l';
    *text++ = '_';
    while (n > 0) {
        *text++ = row[--n];
    }
    encode_secret(name->secret, text);
}

static int digit_of(char c)
{
    if (c >= 'a' && c <= 'z') {
        return c - 'a';
    }
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

int no_such_lease(struct err *err)
{
    return err_set(err, ERR_NOT_FOUND,
                   "there is no such lease; use the id that POST /v1/leases answered");
}

int lease_name_parse(const char *text, struct lease_name *name, struct err *err)
{
    size_t len = strlen(text);
    struct lease_name parsed = {0};

    if (len < 2 + 1 + SECRET_DIGITS || len > 2 + 12 + SECRET_DIGITS
        || strncmp(text, "l_", 2) != 0) {
        return no_such_lease(err);
    }
    const char *secret = text + len - SECRET_DIGITS;
    for (const char *at = text + 2; at < secret; at++) {
        int digit = digit_of(*at);
        if (digit < 0 || (at == text + 2 && digit == 0)) {
            return no_such_lease(err);
        }
        parsed.attempt_id = parsed.attempt_id * 32 + digit;
    }
    unsigned bits = 0;
    unsigned n_bits = 0;
    size_t n = 0;
    for (const char *at = secret; *at != '\0'; at++) {
        int digit = digit_of(*at);
        if (digit < 0) {
            return no_such_lease(err);
        }
        bits = (bits << 5) | (unsigned)digit;
        n_bits += 5;
        if (n_bits >= 8) {
            n_bits -= 8;
            parsed.secret[n++] = (unsigned char)(bits >> n_bits);
        }
    }
    if ((bits & ((1u << n_bits) - 1)) != 0) {
        return no_such_lease(err); /* one lease has one name: what is left over is zero */
    }
    *name = parsed;
    return 0;
}

bool lease_secret_equal(const unsigned char a[LEASE_SECRET_BYTES],
                        const unsigned char b[LEASE_SECRET_BYTES])
{
    unsigned difference = 0;

    for (size_t i = 0; i < LEASE_SECRET_BYTES; i++) {
        difference |= (unsigned)(a[i] ^ b[i]);
    }
    return difference == 0;
}

double lease_heartbeat_seconds(int64_t ttl_ms, int64_t live_leases)
{
    double own = (double)ttl_ms / 3000.0;
    double fair = (double)live_leases / 500.0;

    return own > fair ? own : fair;
}

int64_t lease_ttl_ms(int64_t ttl_ms, int64_t live_leases)
{
    int64_t stretched = (int64_t)(3000.0 * lease_heartbeat_seconds(ttl_ms, live_leases) + 0.5);

    return stretched > ttl_ms ? stretched : ttl_ms;
}
