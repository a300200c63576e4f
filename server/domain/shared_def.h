/* A study's definition, shared between the writer and the readers: immutable and counted. */
#ifndef SERVER_DOMAIN_SHARED_DEF_H
#define SERVER_DOMAIN_SHARED_DEF_H

#include <stdatomic.h>
#include <stdlib.h>

#include "server/domain/study.h"

struct shared_def {
    atomic_int holders;
    struct study_def *def; /* owned */
};

/* Takes the definition; NULL when memory is out (the definition is then released). */
static inline struct shared_def *shared_def_create(struct study_def *def)
{
    struct shared_def *shared = malloc(sizeof *shared);

    if (shared == NULL) {
        study_def_destroy(def);
        return NULL;
    }
    atomic_init(&shared->holders, 1);
    shared->def = def;
    return shared;
}

static inline struct shared_def *shared_def_hold(struct shared_def *shared)
{
    atomic_fetch_add_explicit(&shared->holders, 1, memory_order_relaxed);
    return shared;
}

static inline void shared_def_destroy(struct shared_def *shared)
{
    if (shared != NULL
        && atomic_fetch_sub_explicit(&shared->holders, 1, memory_order_acq_rel) == 1) {
        study_def_destroy(shared->def);
        free(shared);
    }
}
OWN_POINTER(shared_def)

#endif
