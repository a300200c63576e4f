/* What uploads.c and uploads_prune.c share; not for other folders. */
#ifndef SERVER_FILES_UPLOADS_PRIVATE_H
#define SERVER_FILES_UPLOADS_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "server/files/uploads.h"

#define UPLOAD_DIGITS 64
#define UPLOAD_PATH_BYTES 160

#define UPLOAD_FOLDERS 256 /* of content: 00 to ff */

struct content_count {
    int64_t files, bytes;
};

struct uploads {
    struct uploads_settings settings; /* its limit is that of the start */
    _Atomic int64_t limit;            /* that of now */
    int folder;                       /* DATA/files */
    pthread_mutex_t lock;             /* while links are made or removed; guards `counts` */
    struct content_count counts[UPLOAD_FOLDERS];
    atomic_ulong n_begun;                   /* names in incoming/ */
    atomic_bool counted;                    /* a walk has looked at all that was there */
    _Atomic int64_t files, bytes, received; /* the first two: sums of `counts` */
};

/* What is counted of the content in a folder such as "ab" or of "ab/cdef…"; under the lock. */
struct content_count *uploads_counted(struct uploads *uploads, const char *path);
/* There is so much more, or less; under the lock. */
void uploads_count(struct uploads *uploads, const char *path, int64_t files, int64_t bytes);

#endif
