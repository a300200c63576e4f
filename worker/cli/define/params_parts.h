/* Within the -P language only: what its files share. */
#ifndef WORKER_CLI_DEFINE_PARAMS_PARTS_H
#define WORKER_CLI_DEFINE_PARAMS_PARTS_H

#include <jansson.h>

#include "common/err.h"

enum { DOMAIN_BYTES = 4096 };

/* One argument while it is read into `out`; `text` names it in messages. */
struct domain_reader {
    const char *text;
    json_t *out;
    struct err *err;
};

/* ERR_INVALID: "-P lr=…: why"; always -1. */
int domain_refuse(const struct domain_reader *reader, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Steals the value. */
MUST_USE int domain_put(const struct domain_reader *reader, const char *key, json_t *value);
/* Cuts `text` at the first `mark` and returns what stood behind it, or NULL. */
char *domain_cut(char *text, const char *mark);

/* Each reads what stands behind "KIND:". params_range.c */
MUST_USE int domain_read_float(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_log(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_int(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_log_int(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_plain_range(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_normal(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_lognormal(const struct domain_reader *reader, const char *domain);
/* params_list.c */
MUST_USE int domain_read_list(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_choice(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_ordinal(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_const(const struct domain_reader *reader, const char *domain);
MUST_USE int domain_read_bool(const struct domain_reader *reader, const char *domain);

#endif
