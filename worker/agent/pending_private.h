/* What the files of pending share. For these only. */
#ifndef WORKER_AGENT_PENDING_PRIVATE_H
#define WORKER_AGENT_PENDING_PRIVATE_H

#include "worker/agent/attempt_log.h"
#include "worker/agent/pending.h"

#define PENDING_NO_NAME SIZE_MAX
#define PENDING_GIVEN_UP_MAX METRICS_MAX /* then only what the server has taken before is sent */
#define PENDING_REFUSALS_MAX ((size_t)PENDING_NAMES_MAX)

struct pending_refusals {
    size_t n;
    struct attempt_refusal items[PENDING_REFUSALS_MAX];
};
/* Those of a spool, in order. */
void pending_read_refusals(struct spool *spool, struct pending_refusals *refused);
bool pending_was_refused(const struct pending_refusals *refused, int64_t step,
                         const struct metric_value *metric);

/* The index of the name, new or known; PENDING_NO_NAME when there are too many. */
size_t pending_name_index(struct pending *pending, const char *metric);
/* Counts what it says of objectives as reported. */
void pending_note_reported(struct pending *pending, const struct attempt_report *report);
/* The report that stands at `at` in the spool comes next: among the items, or it waits there.
 * False: it waits. */
bool pending_load_or_wait(struct pending *pending, const struct attempt_report *report, int64_t at);

#endif
