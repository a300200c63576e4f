/* How a study stood after an event of the past: which trials had ended, in which order and with
 * which values, and which were open.
 *
 * It is read from the record alone. O(trials) a question. */
#ifndef SERVER_REPLAY_PAST_H
#define SERVER_REPLAY_PAST_H

#include "server/domain/history.h"
#include "server/replay/record.h"
#include "server/suggester/basis.h"
#include "server/suggester/curve.h"

/* The last change of a trial's state up to this event; NULL: the trial was not there yet. */
const struct record_event *past_event(const struct record_trial *trial, int64_t seq);

/* What a strategy was shown. */
struct past {
    struct history history;
    size_t n;
    struct observation *items; /* owned; their configurations are borrowed from the record */
    size_t n_rows;
    struct trial_row *rows; /* owned array: rows as they stood, which borrow from the record */
    size_t n_curves;
    struct learning_curve *curves; /* owned */
    const char *missing; /* why it cannot be told exactly; NULL: it is told; static text */
};
void past_finish(struct past *past);
OWN_VALUE(past)

/* *past ← what the suggestion with this basis had seen. ERR_NOMEM. */
MUST_USE int past_read(const struct study_record *record, const struct basis *basis,
                       struct past *past, struct err *err);

#endif
