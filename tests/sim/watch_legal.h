/* Which jobs are legal by the facts that a watch has seen. */
#ifndef TESTS_SIM_WATCH_LEGAL_H
#define TESTS_SIM_WATCH_LEGAL_H

#include "tests/sim/watch.h"

/* A trial that could go on right now; 0 if there is none. `is_free`: no worker holds it.
 */
int64_t watch_legal_promotion(const struct watch *watch, bool (*is_free)(const void *, int64_t),
                              const void *context);
/* Is there a first-rung slot in a bracket that is open? (Sync only.) */
bool watch_has_free_slot(const struct watch *watch);

#endif
