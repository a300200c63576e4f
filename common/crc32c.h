/* CRC-32C (Castagnoli), as in RFC 3720: finds every error of up to 32 bits in a row, and every one
 * of a single bit. Against accidents, not against attacks. Any thread. */
#ifndef COMMON_CRC32C_H
#define COMMON_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of `len` bytes that follow what gave `before`; 0: they are the first ones. */
uint32_t crc32c(uint32_t before, const void *bytes, size_t len);

#endif
