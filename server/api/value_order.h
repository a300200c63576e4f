/* The trials of a study in order of value, as they were at one moment.
 *
 * The first look makes it from all trials of the study; a later one looks at those alone that the
 * events since then name, as no trial changes its place without an event. 32 bytes a trial. One
 * thread at a time (value_orders.h shares them). */
#ifndef SERVER_API_VALUE_ORDER_H
#define SERVER_API_VALUE_ORDER_H

#include "server/state/view.h"
#include "server/store/trial_values.h"

enum sort_kind {
    SORT_BY_NUMBER,
    SORT_BY_BEST,   /* those with more of the resource first, then by the objective */
    SORT_BY_METRIC, /* by one metric, of all final trials */
    SORT_BY_VALUE,  /* by the objective, of completed and pruned trials */
};

/* Where a trial stands: finite values first, then those without one; by level, then by cost, then
 * by number. */
struct sort_key {
    int rank;      /* 0 finite, 1 not finite or none */
    int64_t level; /* SORT_BY_BEST: study_best_level() of a finite one, else 0 */
    double cost;
    int64_t number;
};

struct value_order_kind {
    int64_t study;
    enum sort_kind sort;                /* not by number */
    char metric[METRIC_NAME_BYTES + 1]; /* SORT_BY_METRIC, else "" */
    bool maximize;                      /* a larger value costs less */
    bool reverse;                       /* levels and costs the other way round */
};

/* Which places of an order are wanted. */
struct value_filter {
    const struct sort_key *after; /* those behind it; NULL: from the beginning */
    int64_t until_seq;            /* trials that ended with this event or before, or are paused */
    unsigned states;              /* a bit each; 0: all */
    int source;                   /* -1: all */
};

struct value_order;

/* NULL: out of memory. */
struct value_order *value_order_create(const struct value_order_kind *kind);
/* Accepts NULL. */
void value_order_destroy(struct value_order *order);
OWN_POINTER(value_order)
bool value_order_is(const struct value_order *order, const struct value_order_kind *kind);
/* The memory that it takes. */
size_t value_order_bytes(const struct value_order *order);

/* Brings it to the moment of the reader's transaction, which is to begin with this. Another
 * revision of the study than before makes the order anew; it keeps nothing of `study`. *seq ← the
 * newest event of that moment. ERR_NOMEM, or what the store says; the next update then makes it
 * anew. */
MUST_USE int value_order_update(struct value_order *order, struct store *reader,
                                const struct live_study_view *study, int64_t *seq, struct err *err);
/* keys ← up to `limit` places that the filter lets through; returns how many. */
size_t value_order_find(const struct value_order *order, const struct value_filter *filter,
                        size_t limit, struct sort_key keys[]);

#endif
