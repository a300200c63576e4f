/* What the keys of `hone top` order the server to do, and how it is asked for before. Pure.
 *
 * A key makes an order of what is chosen at that moment, and a question; `y` sends it, every other
 * key drops it. Rows that move meanwhile change nothing about it. */
#ifndef WORKER_CLI_TOP_ORDERS_H
#define WORKER_CLI_TOP_ORDERS_H

#include <stdbool.h>

#include "worker/cli/top/model.h"

/* Makes the order of this key, if it has one here. False: it has none. */
bool top_order_make(struct top *top, int key);
/* The order was carried out: notes what is so now, for the last line. */
void top_order_done(struct top *top);
/* It was not, as `why` says. */
void top_order_failed(struct top *top, const char *why);

#endif
