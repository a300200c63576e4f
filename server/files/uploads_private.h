/* What uploads.c and uploads_prune.c share; not for other folders. */
#ifndef SERVER_FILES_UPLOADS_PRIVATE_H
#define SERVER_FILES_UPLOADS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/files/uploads.h"

#define UPLOAD_DIGITS 64
#define UPLOAD_PATH_BYTES 160

struct uploads {
    struct uploads_settings settings;
    int folder;           /* DATA/files */
    pthread_mutex_t lock; /* while links are made or removed */
    atomic_ulong n_begun; /* names in incoming/ */
    atomic_bool used;
    _Atomic int64_t files, bytes, received;
};

#endif
