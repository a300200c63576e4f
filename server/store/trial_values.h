/* What the trials of a study are worth, for an order of theirs. Part of the store (store.h). */
#ifndef SERVER_STORE_TRIAL_VALUES_H
#define SERVER_STORE_TRIAL_VALUES_H

#include "server/store/store.h"

struct trial_value_query {
    int64_t study;
    int64_t trial; /* the number of one; 0: all of the study */
    const char
        *metric; /* its values; NULL: the objective's, which completed and pruned trials have */
    const struct study_def *best_of; /* without a metric: the objective's where it counts among the
                                        best (study_best_level()); paused trials may have it, too */
};

struct trial_value_row {
    int64_t number;
    enum trial_state state;
    enum trial_source source;
    int64_t ended_seq; /* 0: it is paused */
    int64_t level;     /* with best_of, where there is a value: study_best_level(); else 0 */
    double value;      /* NaN: none that is finite, or it does not count */
};

/* The final trials, and with best_of the paused ones, in any order. Looks at every trial asked for,
 * about .3 µs each. */
MUST_USE int store_each_trial_value(struct store *store, const struct trial_value_query *query,
                                    int (*each)(void *context, const struct trial_value_row *row,
                                                struct err *err),
                                    void *context, struct err *err);

#endif
