/* Whether a trial fits the time that the asking worker has left. */
#ifndef SERVER_TUNING_FITS_H
#define SERVER_TUNING_FITS_H

#include "server/tuning/internal.h"

/* Is an attempt of this study, from step `from` to `to` where it has a resource, expected to end in
 * the time that the ask's worker has left? True where neither is known. Notes in the ask what does
 * not fit. */
bool ask_fits(const struct tuning *tuning, struct ask *ask, const struct live_study *study,
              int64_t from, int64_t to);
/* Is the time the one reason why the ask got nothing in this dispatch? */
bool ask_is_out_of_time(const struct ask *ask);
/* Says in the answer that no trial fits, where that is the reason. */
void ask_explain_time(const struct tuning *tuning, const struct ask *ask, struct no_lease *no);

#endif
