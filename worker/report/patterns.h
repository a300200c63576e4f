/* The user's regular expressions (PCRE2), with limits on matching, so that no expression and no
 * line can delay the agent. Immutable once made; one thread, since matching uses memory of the
 * object. */
#ifndef WORKER_REPORT_PATTERNS_H
#define WORKER_REPORT_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "common/own.h"
#include "worker/report/metric.h"

struct patterns;

/* Named groups are metrics; one may be called `step`. ERR_INVALID says what is wrong with which. */
MUST_USE int patterns_create(const char *const expressions[], size_t n, struct patterns **patterns,
                             struct err *err);
void patterns_destroy(struct patterns *patterns);
OWN_POINTER(patterns)
/* True when something matched; values of all that match are put together. */
bool patterns_read(const struct patterns *patterns, const char *line, size_t len,
                   struct metric_report *report);

#endif
