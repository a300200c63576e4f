/* Sizes in bytes, as people write them: 1048576, 1024K, 1MiB; 1MB is a million. */
#ifndef COMMON_SIZE_H
#define COMMON_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* False, with nothing changed: it is no size, or one of more than 2^62 bytes. */
bool size_from_text(const char *text, int64_t *bytes);

#endif
