/* Trials and other lists as CSV: the server's lines as they are, so that a file from here and one
 * that curl got have the same columns and cells. */
#ifndef WORKER_CLI_SHOW_TRIALS_CSV_H
#define WORKER_CLI_SHOW_TRIALS_CSV_H

#include "worker/cli/session.h"

/* Prints what the server has at `path`, which has a query that asks for CSV: one list. On a
 * terminal without what would command it. */
MUST_USE int trials_print_csv(struct session *session, const char *path, struct err *err);
/* The same page by page, at most `limit` rows; negative: all. */
MUST_USE int trials_print_csv_pages(struct session *session, const char *path, int64_t limit,
                                    struct err *err);
/* One trial of the study. */
MUST_USE int trials_print_csv_one(struct session *session, const char *study, int64_t number,
                                  struct err *err);

#endif
