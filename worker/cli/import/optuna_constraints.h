/* The constraints of Optuna's trials: numbers, of which one above 0 is a violation. Here they
 * become metrics, constraint_NAME, that the study bounds. */
#ifndef WORKER_CLI_IMPORT_OPTUNA_CONSTRAINTS_H
#define WORKER_CLI_IMPORT_OPTUNA_CONSTRAINTS_H

#include <jansson.h>

/* Those of a trial by the names of the metrics. A new reference. */
json_t *optuna_constraints(const json_t *trial);
/* Those that all complete trials have, with the values of one; NULL: there are none, more than a
 * study may have, or they differ between trials. A new reference. */
json_t *optuna_common_constraints(const json_t *trials);

#endif
