/* What a user should know about the reports of a trial: told once each, in the worker's log and
 * with the trial's result. */
#ifndef WORKER_AGENT_NOTES_H
#define WORKER_AGENT_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

#define NOTES_MAX 64
#define NOTES_BYTES 2048 /* what goes with the result */

struct notes {
    int64_t trial;
    size_t n;
    uint64_t told[NOTES_MAX]; /* the keys, digested */
    struct buf text;          /* a line each */
};

void notes_init(struct notes *notes, int64_t trial);
void notes_finish(struct notes *notes);

/* Tells it unless something was told about the same subject and metric ("": none) before. After
 * NOTES_MAX of them no more are logged. */
void notes_tell(struct notes *notes, const char *subject, const char *metric, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Takes up what an earlier worker has told: notes_text() has it, and nothing is logged. */
void notes_restore(struct notes *notes, const char *text);
/* What was told, a line each; "" when nothing was. */
const char *notes_text(const struct notes *notes);

#endif
