/* The k-th allocation fails, for every k.
 *
 * The executable is linked with `allocation_link_args` (meson.build): malloc and its relatives of
 * our own code, of jansson and of SQLite are counted and may fail; those inside libc are not. One
 * thread only. */
#ifndef TESTS_SUPPORT_ALLOCATION_H
#define TESTS_SUPPORT_ALLOCATION_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

/* Before anything else: jansson and SQLite allocate here from now on. */
void allocation_start(void);

/* From now on the k-th allocation fails, counted from 1; `onwards`: and each one after it. */
void allocation_fail_at(size_t k, bool onwards);
/* No allocation fails any more. */
void allocation_stop(void);
/* Whether one has failed since allocation_fail_at(). */
bool allocation_has_failed(void);
/* Blocks that were allocated and not freed; `own`: without those of SQLite, whose caches grow while
 * a database is open. */
long allocation_live(void);
long allocation_live_own(void);

/* Runs an operation with each of its allocations failing in turn, alone and with all that follow,
 * and demands each time: -1 with ERR_NOMEM, or success with the undisturbed result; no block is
 * lost; and the operation, repeated undisturbed, gives the undisturbed result. `run` appends its
 * result to `out`, which never has to allocate, and releases everything. Returns how many
 * allocations the operation makes. */
size_t allocation_fail_each(const char *name, int (*run)(struct buf *out, struct err *err));

#endif
