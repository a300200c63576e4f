/* Brackets and rungs as text, one bar a rung; pure, and held by golden pictures.
 *
 *   digits  hyperband, eta 3: 3 brackets, 1 open; trained 412 of 1701 epochs, 76 % saved
 *
 *   bracket 2  open: rung 1 waits for 3 running trials
 *        1 epochs  ███████████████████████████  27 of 27, 9 promoted, best 0.91 (trial 12)
 *        3 epochs  ██████▒▒▒                    9 of 9, 3 running, best 0.93 (trial 12)
 *                  waits for trial 15 (0:12), trial 18 (0:40)
 *        9 epochs  ···                          0 of 3
 *
 * █ has reported, ▒ is running, · is a free slot. */
#ifndef WORKER_CLI_SHOW_BRACKETS_H
#define WORKER_CLI_SHOW_BRACKETS_H

#include <jansson.h>

#include "common/buf.h"

/* `answer` is that of GET …/brackets; done brackets are drawn in full only if `all`. */
void brackets_draw(const json_t *answer, bool all, struct buf *out);

#endif
