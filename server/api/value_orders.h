/* The orders of trials that were asked for last, kept for the requests to come. Any thread. */
#ifndef SERVER_API_VALUE_ORDERS_H
#define SERVER_API_VALUE_ORDERS_H

#include <pthread.h>

#include "server/api/value_order.h"

/* Those used longest ago go when there are more, or take more. */
#define VALUE_ORDERS_MAX 256
#define VALUE_ORDERS_BYTES ((size_t)64 << 20)

/* All zero: none is kept yet. */
struct value_orders {
    pthread_mutex_t lock;
    struct kept_order *first;
    size_t n, bytes;
    uint64_t uses;
};

/* Frees all orders. No other thread may use the set. */
void value_orders_finish(struct value_orders *orders);

/* Begins a read transaction of the reader, which the caller ends in any case, and finds the places
 * that the filter wants, in it: keys ← up to `limit`, *n ← how many. kind->study is that of
 * `study`; filter->until_seq 0 ← the newest event. The first request for an order takes .4 µs a
 * trial of the study, later ones 5 µs a trial that has changed since. ERR_NOMEM, or what the store
 * says. */
MUST_USE int value_orders_find(struct value_orders *orders, struct store *reader,
                               const struct value_order_kind *kind,
                               const struct live_study_view *study, struct value_filter *filter,
                               size_t limit, struct sort_key keys[], size_t *n, struct err *err);

#endif
