/* A disk whose k-th call fails: an SQLite file system before the machine's own. It never waits for
 * the machine's disk. */
#ifndef TESTS_SUPPORT_FAILING_DISK_H
#define TESTS_SUPPORT_FAILING_DISK_H

#include <stdbool.h>
#include <stddef.h>

enum disk_failure {
    DISK_BROKEN, /* the call fails with an I/O error */
    DISK_FULL,   /* writes find no space; other calls are not counted and do not fail */
    DISK_FAILURE_COUNT
};

/* Any thread. Before the first database is opened: every database of the process lies there. */
void failing_disk_start(void);

/* From now on the k-th open, write, sync, truncate or removal fails, counted from 1; `onwards`: and
 * each one after it. */
void failing_disk_fail_at(size_t k, bool onwards, enum disk_failure how);
/* No call fails any more. */
void failing_disk_stop(void);
/* Whether one has failed since failing_disk_fail_at(). */
bool failing_disk_has_failed(void);

#endif
