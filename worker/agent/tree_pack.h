/* A folder as a tar file, made a piece at a time, so that the agent's one thread goes on with
 * everything else meanwhile.
 *
 * The same content gives the same bytes: entries in order of name, no owners, no times. Files,
 * folders and relative links that stay inside are packed; anything else in the folder is an error,
 * since what is left out would be missed elsewhere. */
#ifndef WORKER_AGENT_TREE_PACK_H
#define WORKER_AGENT_TREE_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/digest.h"
#include "common/err.h"
#include "common/own.h"

#define TREE_ENTRIES_MAX 100000
#define TREE_DEPTH_MAX 64 /* folders within each other */

struct tree_pack;

/* `to` is made, or emptied. ERR_TOO_LARGE: its files have more than bytes_max bytes or are too
 * many; ERR_INVALID: something in it cannot be packed; ERR_IO, ERR_NOMEM. */
MUST_USE int tree_pack_begin(const char *from, const char *to, int64_t bytes_max,
                             struct tree_pack **pack, struct err *err);
/* Packs some more; *done ← everything is in the file. The same errors. */
MUST_USE int tree_pack_step(struct tree_pack *pack, bool *done, struct err *err);
/* Once it is done: its size, and its digest. */
int64_t tree_pack_bytes(const struct tree_pack *pack);
const unsigned char *tree_pack_digest(const struct tree_pack *pack);
/* The file, to be read; as long as the pack. */
int tree_pack_fd(const struct tree_pack *pack);
/* Closes the file, which stays. Accepts NULL. */
void tree_pack_destroy(struct tree_pack *pack);
OWN_POINTER(tree_pack)

/* How many folders stand before the last name of a path within the folder. */
int tree_depth(const char *path);
/* Does a relative link at `path` ("a/b"), whose folders are no links, stay inside with this target,
 * whatever other such links there are or will be? Only with every ".." before the first name: what
 * a name leads to is not known here, nor then what is above it. */
bool tree_link_stays_inside(const char *path, const char *target);

#endif
