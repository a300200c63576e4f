/* Attempts as spans of time, for readers. Part of the store (store.h). */
#ifndef SERVER_STORE_SPANS_H
#define SERVER_STORE_SPANS_H

#include "server/store/store.h"

struct span_row {
    int64_t attempt_id;
    int64_t trial; /* id */
    int64_t number;
    enum attempt_end end;
    int64_t from, step; /* trained from and to */
    bool has_checkpoint;
    int64_t started_at_ms, ended_at_ms; /* 0: it has not ended */
    enum trial_state trial_state;
    char worker[WORKER_NAME_BYTES];
};
/* All of a study, in order of trial and number. */
MUST_USE int store_each_span(struct store *store, int64_t study,
                             int (*each)(void *context, const struct span_row *row,
                                         struct err *err),
                             void *context, struct err *err);
struct span_query {
    int64_t study; /* 0: all */
    int64_t since_ms, until_ms;
    int64_t looked_at; /* of so many of the newest attempts */
    int64_t limit;
};
/* Those that overlap a window of time, the last one to begin first. */
MUST_USE int store_each_span_within(struct store *store, const struct span_query *query,
                                    int (*each)(void *context, const struct span_row *row,
                                                struct err *err),
                                    void *context, struct err *err);
/* ERR_NOT_FOUND. */
MUST_USE int store_span_load(struct store *store, int64_t trial, int64_t attempt,
                             struct span_row *row, struct err *err);

#endif
