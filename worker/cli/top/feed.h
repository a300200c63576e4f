/* Asks the server for what the page of `hone top` is made of, all at once and without ever making
 * the keys wait. A server that is away is asked again; a token that is refused is read again from
 * its file. One thread. */
#ifndef WORKER_CLI_TOP_FEED_H
#define WORKER_CLI_TOP_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/http/async.h"
#include "worker/cli/session.h"
#include "worker/cli/top/model.h"

struct feed;
struct feed_call {
    struct feed *feed;
    enum top_answer which;
    struct http_transfer *transfer; /* NULL: none is under way */
};
struct feed {
    struct session *session; /* borrowed, as is the model */
    struct top *top;
    struct http_async *async;
    struct feed_call calls[TOP_ANSWER_COUNT];
    struct http_transfer *order; /* of the model, under way; NULL: none */
    bool was_answered;           /* an order was: the page is to be asked for anew */
};

/* The feed stays where it is until it is finished. */
MUST_USE int feed_open(struct feed *feed, struct session *session, struct top *top,
                       struct err *err);
void feed_finish(struct feed *feed);
OWN_VALUE(feed)

/* Asks for each answer of the page that is not asked for already. */
void feed_ask(struct feed *feed);
/* Sends the order of the model, once; what becomes of it stands there. */
void feed_send(struct feed *feed);
/* Drops what was asked for another page. */
void feed_forget(struct feed *feed);
bool feed_is_asking(const struct feed *feed);
/* Waits for answers and for `fd`, at most so long. */
void feed_wait(struct feed *feed, int fd, int64_t timeout_ms);

/* Appends where an answer of the page is asked for. Pure. */
void feed_path(const struct top *top, enum top_answer which, struct buf *path);

#endif
