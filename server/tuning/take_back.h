/* Trials that failed because of their node are tried again elsewhere. */
#ifndef SERVER_TUNING_TAKE_BACK_H
#define SERVER_TUNING_TAKE_BACK_H

#include "server/tuning/internal.h"

/* Takes back what failed on nodes that this command has quarantined. Each trial at most once, and
 * only while its study runs or is paused and the decisions at its rung are open. */
MUST_USE int failures_take_back(struct tuning *tuning, struct err *err);

#endif
