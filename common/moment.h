/* A moment as people and programs write it. Any thread. */
#ifndef COMMON_MOMENT_H
#define COMMON_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

/* Reads RFC 3339, such as 2026-11-24T21:32:37Z or 2026-11-24T22:32:37.5+01:00, to milliseconds
 * since 1970. False: it is none, or no such day or time exists. */
bool moment_read(const char *text, int64_t *wall_ms);

#endif
