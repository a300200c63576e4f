/* What logs.c and logs_sweep.c share; not for other folders. */
#ifndef SERVER_FILES_LOGS_PRIVATE_H
#define SERVER_FILES_LOGS_PRIVATE_H

#include <pthread.h>

#include "server/files/logs.h"

#define LOCKS 64

struct logs {
    struct logs_settings settings;          /* its limits are those of the start */
    _Atomic int64_t log_limit, total_limit; /* those of now */
    int folder;                             /* DATA/logs */
    pthread_mutex_t locks[LOCKS];           /* of the logs, by trial */
    pthread_mutex_t watch_lock;
    struct log_watch *watches; /* under it */
    atomic_bool sweeping;
    _Atomic int64_t sweep_at; /* bytes: more than the limit while live logs alone exceed it */
    _Atomic int64_t bytes, received_bytes, removed, refused;
};

/* The lock of a log. */
pthread_mutex_t *logs_lock_of(struct logs *logs, const struct log_name *name);

#define LOG_PATH_BYTES 80
/* path ← where a log is, within the folder. */
void logs_path_of(const struct log_name *name, char path[LOG_PATH_BYTES]);

#endif
