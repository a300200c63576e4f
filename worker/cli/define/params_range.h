/* Ranges and bells: LOW..HIGH[:STEP][/POINTS], MEAN,SD[:LOW..HIGH]. */
#ifndef WORKER_CLI_DEFINE_PARAMS_RANGE_H
#define WORKER_CLI_DEFINE_PARAMS_RANGE_H

#include "worker/cli/define/domain.h"

/* Each reads what stands behind "KIND:" into reader->out. ERR_INVALID says what to write instead;
 * ERR_NOMEM. */
MUST_USE int domain_read_float(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_log(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_int(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_log_int(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_plain_range(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_normal(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_lognormal(const struct domain_reader *reader, const char *domain);

#endif
