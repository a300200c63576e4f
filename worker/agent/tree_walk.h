/* Everything below a folder: a folder before what is in it, by name. Symbolic links are seen and
 * not followed, and the walk stays on the folder's file system. */
#ifndef WORKER_AGENT_TREE_WALK_H
#define WORKER_AGENT_TREE_WALK_H

#include <sys/stat.h>

#include "common/err.h"

struct tree_found {
    const char *path;   /* as a program opens it */
    const char *inside; /* within the folder */
    const struct stat *status;
};
/* Not 0: the walk ends, with its error. */
typedef int tree_visit(void *context, const struct tree_found *found, struct err *err);

/* ERR_IO: something cannot be read; ERR_INVALID: a path is too long; ERR_NOMEM; or the visitor's.
 */
MUST_USE int tree_walk(const char *folder, tree_visit *visit, void *context, struct err *err);

#endif
