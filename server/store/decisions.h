/* What promotions and suggestions were made from: to load a study, and to make its decisions again.
 * Part of the store (store.h). */
#ifndef SERVER_STORE_DECISIONS_H
#define SERVER_STORE_DECISIONS_H

#include "server/store/store.h"

/* ---- facts of schedules: in order of happening (server/schedule/schedule.h) ---- */
struct fact_row {
    int64_t study;
    int64_t fact;
    int64_t trial;
    int64_t bracket;
    int64_t step;
    double value;
    int64_t at_ms;
    int64_t seq;  /* the newest event then */
    int64_t call; /* of the first of a call (server/schedule/record.h), with seq and the steps;
                   * 0: none is kept */
    int64_t call_step, reached;
};
/* Adds a fact after all others of its study. */
MUST_USE int store_fact_append(struct store *store, const struct fact_row *row, struct err *err);
/* In order of happening. */
MUST_USE int store_each_fact(struct store *store, int64_t study,
                             int (*each)(void *context, const struct fact_row *row,
                                         struct err *err),
                             void *context, struct err *err);

/* ---- what decisions were made from ---- */
/* What the suggestions of a study had seen, in order of trial; those without are left out. The
 * bytes are borrowed. */
MUST_USE int store_each_basis(struct store *store, int64_t study,
                              int (*each)(void *context, int64_t trial, const void *basis,
                                          size_t bytes, struct err *err),
                              void *context, struct err *err);

/* How a trial stood after an event, where its row has changed since. */
struct standing_row {
    int64_t trial; /* its id */
    int64_t seq;   /* the event */
    enum trial_state state;
    bool has_step;
    int64_t step;
    size_t n_values; /* as of struct trial_row */
    double values[OBJECTIVES_MAX];
    size_t n_bounded;
    double bounded[BOUNDS_MAX];
};
MUST_USE int store_standing_insert(struct store *store, const struct standing_row *row,
                                   struct err *err);
/* Those of a study, in order of trial and event. */
MUST_USE int store_each_standing(struct store *store, int64_t study,
                                 int (*each)(void *context, const struct standing_row *row,
                                             struct err *err),
                                 void *context, struct err *err);

/* Keeps the definition that a study had up to this event. */
MUST_USE int store_former_insert(struct store *store, int64_t study, int64_t seq,
                                 const char *definition, struct err *err);
/* Oldest first; the text is borrowed. */
MUST_USE int store_each_former(struct store *store, int64_t study,
                               int (*each)(void *context, int64_t seq, const char *definition,
                                           struct err *err),
                               void *context, struct err *err);

/* ---- model fits: inputs of later suggestions ---- */
/* Adds a fit after all others of its study, made from its first `n_seen` trials. */
MUST_USE int store_fit_insert(struct store *store, int64_t study, uint64_t n_seen, const void *data,
                              size_t bytes, struct err *err);
/* Those there are were made in another space. */
MUST_USE int store_fits_forget(struct store *store, int64_t study, struct err *err);
/* Oldest first. */
MUST_USE int store_each_fit(struct store *store, int64_t study,
                            int (*each)(void *context, uint64_t n_seen, const void *data,
                                        size_t bytes, struct err *err),
                            void *context, struct err *err);

/* ---- what a study took over from older ones ---- */
struct transfer_row {
    int64_t study;
    int64_t place;          /* of the older study in "after", from 0 */
    int64_t number;         /* of its trial */
    enum trial_state state; /* completed or pruned */
    size_t n_params;
    const double *config; /* borrowed */
    double value;
    int64_t step;
};
/* Adds one row; the place and number are the key. */
MUST_USE int store_transfer_insert(struct store *store, const struct transfer_row *row,
                                   struct err *err);
/* In order of place and number. */
MUST_USE int store_each_transfer(struct store *store, int64_t study,
                                 int (*each)(void *context, const struct transfer_row *row,
                                             struct err *err),
                                 void *context, struct err *err);

#endif
