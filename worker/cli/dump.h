/* The table of verbs as JSON, for what is made from it: the option lists of the manual pages
 * (deploy/man/fill.py) and the tests of both. */
#ifndef WORKER_CLI_DUMP_H
#define WORKER_CLI_DUMP_H

#include "common/buf.h"

/* {"verbs": [{"group", "name", "summary", "arguments", "lists": [{"name", "options": [{"name",
 * "short", "argument", "optional", "doc"}]}]}]}; null where there is none. */
void dump_append(struct buf *out);

#endif
