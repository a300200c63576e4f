/* A copy of a checkpoint: folders, files and symbolic links, with their modes and times. The
 * contents are shared where the file system can share them until one is written to; they are never
 * the same files, because a job may write into the files that it finds. */
#ifndef WORKER_AGENT_COPY_TREE_H
#define WORKER_AGENT_COPY_TREE_H

#include <stdbool.h>

#include "common/err.h"

struct copy_tree {
    const char *from;
    const char *made_at; /* where it was when it was made: absolute links may lead there; or NULL */
    const char *beside;  /* the copy, while it is incomplete */
    const char *to;      /* … and then; absolute links into `from` lead here */
    bool (*must_stop)(void); /* asked now and then; or NULL */
};

/* Returns 0 or an errno; ECANCELED: must_stop() said so. What is incomplete stays at `beside`. */
MUST_USE int copy_tree(const struct copy_tree *copy);

#endif
