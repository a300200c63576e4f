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

enum pattern_kind {
    /* Named groups are metrics, `step` the step. With `name` and `value` among them the name is
     * captured too, as often as the expression matches. */
    PATTERN_GROUPS,
    PATTERN_METRIC, /* the first group is the value of `metric` */
    PATTERN_STEP    /* the first group is the step of what follows */
};

struct pattern_spec {
    enum pattern_kind kind;
    const char *metric;
    const char *expression;
};

struct patterns;

/* ERR_INVALID says what is wrong with which. The texts are borrowed. */
MUST_USE int patterns_create(const struct pattern_spec specs[], size_t n,
                             struct patterns **patterns, struct err *err);
void patterns_destroy(struct patterns *patterns);
OWN_POINTER(patterns)

/* True when an expression for metrics matched; what all of them captured is put together into
 * *report, begun before. */
bool patterns_read(const struct patterns *patterns, const char *line, size_t len,
                   struct metric_report *report);
/* True when there is an expression for the step. */
bool patterns_find_step(const struct patterns *patterns);
/* True when it matched: *report, begun before, has the step, or a fault. */
bool patterns_read_step(const struct patterns *patterns, const char *line, size_t len,
                        struct metric_report *report);

#endif
