/* The target of a request, split and decoded. Plain memory; any thread. */
#ifndef SERVER_HTTP_TARGET_H
#define SERVER_HTTP_TARGET_H

#include <stddef.h>

#include "common/err.h"

#define SEGMENTS_MAX 12

struct target_pair {
    const char *name;
    const char *value;
};

struct target {
    char *block;      /* the one allocation: all texts below point into it */
    const char *path; /* raw */
    size_t n_segments;
    const char *segments[SEGMENTS_MAX]; /* decoded */
    size_t n_query;
    struct target_pair *query; /* decoded */
};

/* Splits and decodes "/a/b%20c?x=1"; every way to smuggle a path is ERR_MALFORMED; ERR_NOMEM. The
 * caller finishes it also after a failure. */
MUST_USE int target_parse(const char *raw, struct target *target, struct err *err);
void target_finish(struct target *target);

#endif
