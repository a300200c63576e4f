/* Advice as text for a terminal. */
#ifndef SERVER_ADVICE_ADVICE_TEXT_H
#define SERVER_ADVICE_ADVICE_TEXT_H

#include "common/buf.h"
#include "server/advice/advice.h"

/* Appends the table of all techniques. */
void advice_write_table(const struct advice *advice, struct buf *out);
/* Appends a page: the table, then the best techniques with their reasons, and a study to create. */
void advice_write_text(const struct problem *problem, const struct advice *advice, struct buf *out);

#endif
