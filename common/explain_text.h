/* One trial explained in sentences: why it was tried, each decision about it, what its workers
 * noted. Pure. */
#ifndef COMMON_EXPLAIN_TEXT_H
#define COMMON_EXPLAIN_TEXT_H

#include <jansson.h>

#include "common/figures.h"

/* `answer` is that of GET …/explain; `moment` shows a moment of it as its reader shall see it.
 * Every line is clean. */
void explain_write(const json_t *answer,
                   const char *(*moment)(const char *moment, char text[TEXT_MOMENT_BYTES]),
                   struct buf *out);
/* What was noted of an attempt: "attempt 1 failed (exit_code) on node07:0:" and below it the text,
 * line by line. `note` has attempt, state, reason, worker and the text as its member `text_key`. */
void explain_write_note(const json_t *note, const char *text_key, struct buf *out);

#endif
