#include "server/files/logs_private.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/rng.h"

pthread_mutex_t *logs_lock_of(struct logs *logs, const struct log_name *name)
{
    uint64_t hash = splitmix64(splitmix64((uint64_t)name->study) + (uint64_t)name->trial);

    return &logs->locks[hash % LOCKS];
}

void logs_path_of(const struct log_name *name, char path[LOG_PATH_BYTES])
{
    (void)snprintf(path, LOG_PATH_BYTES, "%" PRId64 "/%" PRId64 "-%" PRId64 ".log", name->study,
                   name->trial, name->attempt);
}
