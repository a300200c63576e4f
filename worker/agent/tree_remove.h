/* Removes what is in a folder, whatever a job has left there: folders of any depth, folders that
 * their owner may not write to or read, links, which are not followed. The walk stays on the
 * folder's file system. Any thread; at most some 70 files are open. */
#ifndef WORKER_AGENT_TREE_REMOVE_H
#define WORKER_AGENT_TREE_REMOVE_H

#include "common/err.h"

/* The folder itself stays. Nothing to do, and no error, where there is no folder of this name.
 * ERR_IO: something cannot be removed, and what is in the way first; all else is. */
MUST_USE int tree_remove_below(const char *path, struct err *err);

#endif
