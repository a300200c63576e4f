/* The condition behind a domain: `degree=int:2..5 if kernel=poly,rbf and mode=fast`. */
#ifndef WORKER_CLI_DEFINE_PARAMS_WHEN_H
#define WORKER_CLI_DEFINE_PARAMS_WHEN_H

#include "worker/cli/define/domain.h"

/* Returns what stands behind the first " if " outside quotes and ends the domain in front of it;
 * NULL: there is no condition. */
char *domain_cut_condition(char *domain);

/* Reads PARENT=VALUE,… [and …] as the member "when". */
MUST_USE int domain_read_condition(const struct domain_reader *reader, char *condition);

#endif
