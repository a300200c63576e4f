/* The writer: the one thread with the read-write connection. */
#ifndef SERVER_ENGINE_WRITER_H
#define SERVER_ENGINE_WRITER_H

#include <stdint.h>

#define VIEW_EVERY_MS 100 /* a view is replaced so soon, and at once for a reader that waits */

struct engine;

/* The thread: one group after the other until the engine stops. `engine`: the struct engine;
 * returns NULL. */
void *writer_main(void *engine);
/* Hands the valid tokens to the loop; logs an error of the store. Before the writer starts, then
 * the writer alone. */
void tokens_publish(struct engine *engine);
/* Replaces the live view; without memory the former one stays. As above. */
void view_publish(struct engine *engine);
/* Returns the milliseconds of the machine's own monotonic clock. Any thread. */
int64_t real_ms(void);

#endif
