/* Bodies for POST /v1/studies that follow the advice. */
#ifndef SERVER_ADVICE_STUDY_BODY_H
#define SERVER_ADVICE_STUDY_BODY_H

#include "server/advice/advice.h"

/* Makes the body of each usable item: what was sent, with the strategy and the limits on which the
 * expected figures are based. ERR_NOMEM. */
MUST_USE int advice_make_studies(const struct problem *problem, struct advice *advice,
                                 struct err *err);

#endif
