/* Values one by one: a,b,c and const:x. */
#ifndef WORKER_CLI_DEFINE_PARAMS_LIST_H
#define WORKER_CLI_DEFINE_PARAMS_LIST_H

#include "worker/cli/define/domain.h"

/* Each reads what stands behind "KIND:" into reader->out. ERR_INVALID says what to write instead;
 * ERR_NOMEM. */
MUST_USE int domain_read_list(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_choice(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_ordinal(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_const(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_bool(const struct domain_reader *reader, const char *domain);

/* A,B,C: one value or more, all of them different, as an array that the caller owns. */
MUST_USE int domain_read_items(const struct domain_reader *reader, const char *domain,
                               json_t **items);

#endif
