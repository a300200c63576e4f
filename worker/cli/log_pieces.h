/* A log as it comes in pieces (?pieces=true): what they hold, where to go on after a broken answer,
 * and whether the log has ended. Pure. */
#ifndef WORKER_CLI_LOG_PIECES_H
#define WORKER_CLI_LOG_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/own.h"

struct log_pieces {
    int64_t attempt; /* whose log it is; 0: no piece has come */
    int64_t next;    /* the offset behind the last whole piece */
    bool ended;      /* nothing will come */
    bool damaged;    /* it is no such answer */
    struct buf held; /* a piece of which a part has come */
};

void log_pieces_init(struct log_pieces *pieces);
void log_pieces_finish(struct log_pieces *pieces);
OWN_VALUE(log_pieces)

/* Another answer begins: forgets the part of a piece. */
void log_pieces_begin(struct log_pieces *pieces);
/* Takes bytes of the answer and hands out whole pieces. False: `print` returned false, or the
 * answer is damaged. */
bool log_pieces_take(struct log_pieces *pieces, const char *bytes, size_t len,
                     bool (*print)(void *context, const char *bytes, size_t len), void *context);

#endif
