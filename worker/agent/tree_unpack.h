/* A tar file from a server into a folder of ours, a piece at a time.
 *
 * Nothing in it is trusted: it is read as plain tar, without compression; each name is followed
 * folder by folder below ours, through no link; files are new, never more than there may be, and
 * carry no right beyond the owner's; links are relative and lead nowhere outside. Anything else is
 * ERR_INVALID, and what was unpacked so far is left for the caller to remove. */
#ifndef WORKER_AGENT_TREE_UNPACK_H
#define WORKER_AGENT_TREE_UNPACK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"

struct tree_unpack;

/* `fd` is borrowed and read from where it stands; `to` is a folder, made when missing. ERR_IO,
 * ERR_NOMEM. */
MUST_USE int tree_unpack_begin(int fd, const char *to, int64_t bytes_max,
                               struct tree_unpack **unpack, struct err *err);
/* Unpacks some more; *done ← everything. ERR_INVALID: it is no sound tar file, or has what is
 * refused; ERR_TOO_LARGE; ERR_IO. */
MUST_USE int tree_unpack_step(struct tree_unpack *unpack, bool *done, struct err *err);
/* Accepts NULL. */
void tree_unpack_destroy(struct tree_unpack *unpack);
OWN_POINTER(tree_unpack)

#endif
