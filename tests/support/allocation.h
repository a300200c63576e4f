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
/* Blocks that were allocated and not freed. */
long allocation_live(void);

/* Runs an operation with each of its allocations failing in turn, alone and with all that follow,
 * and demands each time: -1 with ERR_NOMEM (or `also`, a code that is documented for it), or
 * success with the undisturbed result; no block is lost; and the operation, repeated undisturbed,
 * gives the undisturbed result. `run` appends its result to `out`, which never has to allocate, and
 * releases everything. `stride` 1: each allocation; 29: only each 29th, where thousands are made in
 * the same way. Returns how many allocations the operation makes, to within the stride. */
size_t allocation_fail_each(const char *name, int (*run)(struct buf *out, struct err *err),
                            enum err_code also, size_t stride);

#endif
