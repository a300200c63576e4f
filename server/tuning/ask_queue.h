/* The asks that wait, a queue for each study that they name: a group looks at those alone whose
 * study may have something for them, however many others wait. Writer thread. */
#ifndef SERVER_TUNING_ASK_QUEUE_H
#define SERVER_TUNING_ASK_QUEUE_H

#include "server/tuning/internal.h"

/* Behind the others of its study. ERR_NOMEM. */
MUST_USE int ask_queue_enter(struct tuning *tuning, struct ask *ask, struct err *err);
/* Harmless where it is in none. */
void ask_queue_leave(struct ask *ask);
/* Finds the studies that the asks name anew, after the live tables were read again. ERR_NOMEM. */
MUST_USE int asks_find_studies(struct tuning *tuning, struct err *err);
/* No ask waits any more. */
void ask_queues_finish(struct tuning *tuning);

/* Those whose study may hand something out in this dispatch. */
struct hopeful_asks {
    struct ask_queue *queues;
    const struct live_study *from; /* the first study that may, for asks that name none */
};
/* Begins with the first ones. Cost: the number of studies that asks wait for. */
void asks_hope(struct tuning *tuning, struct hopeful_asks *hopeful);
/* The next one in order of arrival, of those that came before `before`; NULL: there is none. */
struct ask *asks_next(const struct tuning *tuning, struct hopeful_asks *hopeful, uint64_t before);

#endif
