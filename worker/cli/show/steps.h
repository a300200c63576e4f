/* The best value so far as a chart of text: a line of steps over the numbers of the trials.
 *
 *   0.938 ┤            ╭───────────────
 *         │      ╭─────╯
 *   0.898 ┤──────╯
 *          1                        40
 */
#ifndef WORKER_CLI_SHOW_STEPS_H
#define WORKER_CLI_SHOW_STEPS_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct best_step {
    int64_t trial;
    double value;
};

/* The improvements in their order; `last` is the number of the last trial. `columns` and `rows` are
 * those of the line itself. Nothing for less than two improvements. Pure. */
void steps_draw(const struct best_step best[], size_t n, int64_t last, size_t columns, size_t rows,
                struct buf *out);

#endif
