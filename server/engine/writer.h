/* The writer: the one thread with the read-write connection. */
#ifndef SERVER_ENGINE_WRITER_H
#define SERVER_ENGINE_WRITER_H

#include <stdint.h>

#define VIEW_EVERY_MS 100 /* a view is replaced so soon, and at once for a reader that waits */
#define VIEW_EVERY_MOST_MS 1000
#define VIEW_SHARE                                                                                 \
    20 /* … or later, so that views take no more of the writer's time than 1 in so many */

struct engine;

/* The thread: one group after the other until the engine stops. `engine`: the struct engine;
 * returns NULL. */
void *writer_main(void *engine);
/* Hands the valid tokens to the loop; logs an error of the store. Before the writer starts, then
 * the writer alone. */
void tokens_publish(struct engine *engine);
/* How long a view is good that took so long to make: VIEW_EVERY_MS to VIEW_EVERY_MOST_MS. */
int64_t view_interval_ms(int64_t took_us);
/* Replaces the live view; without memory the former one stays. As above. */
void view_publish(struct engine *engine);
/* Returns the milliseconds of the machine's own monotonic clock. Any thread. */
int64_t real_ms(void);

#endif
