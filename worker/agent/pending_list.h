/* The items of `struct pending`, in order, and the names of metrics in them. For the files of
 * pending only. */
#ifndef WORKER_AGENT_PENDING_LIST_H
#define WORKER_AGENT_PENDING_LIST_H

#include "worker/agent/attempt_log.h"
#include "worker/agent/pending.h"

#define PENDING_NO_NAME SIZE_MAX
#define PENDING_GIVEN_UP_MAX METRICS_MAX /* then only what the server has taken before is sent */

/* There is place for the name. Returns its index. */
size_t pending_list_add_name(struct pending *pending, const char *metric);
/* The index of the name, new or known; PENDING_NO_NAME when there are too many. */
size_t pending_list_name(struct pending *pending, const char *metric);

bool pending_list_is_of_objective(const struct pending *pending, const struct pending_item *item);
/* Takes out of [from, n) what `is_wanted` does not want, at most `quota`; returns how many. */
size_t pending_list_drop_some(struct pending *pending, size_t from, size_t quota,
                              bool (*is_wanted)(const struct pending *,
                                                const struct pending_item *));
/* Takes the first n out. */
void pending_list_drop(struct pending *pending, size_t n);

/* Counts what the report says of objectives as reported. */
void pending_list_note_reported(struct pending *pending, const struct attempt_report *report);
/* May another report be kept in memory? */
bool pending_list_has_room(const struct pending *pending);
/* Puts a report behind the items. */
void pending_list_load(struct pending *pending, const struct attempt_report *report);
/* The report that stands at `at` in the spool comes next: among the items, or it waits there.
 * False: it waits. */
bool pending_list_load_or_wait(struct pending *pending, const struct attempt_report *report,
                               int64_t at);

#endif
