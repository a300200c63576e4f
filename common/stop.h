/* A flag that asks a long computation to end early. The computation reads it between its steps and
 * fails with ERR_OVERLOADED once it is set. NULL: it is never set. Any thread may set it. */
#ifndef COMMON_STOP_H
#define COMMON_STOP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "common/err.h"

static inline bool stop_is_asked(const atomic_bool *stop)
{
    return stop != NULL && atomic_load_explicit(stop, memory_order_relaxed);
}

static inline int stop_check(const atomic_bool *stop, struct err *err)
{
    return stop_is_asked(stop) ? err_set(err, ERR_OVERLOADED, "the server is stopping") : 0;
}

#endif
