/* Within the -P language only: what its files share. */
#ifndef WORKER_CLI_DEFINE_PARAMS_PARTS_H
#define WORKER_CLI_DEFINE_PARAMS_PARTS_H

#include <jansson.h>

#include "common/err.h"

enum { DOMAIN_BYTES = 4096 };

/* One argument while it is read into `out`; `text` names it in messages. */
struct reading {
    const char *text;
    json_t *out;
    struct err *err;
};

/* ERR_INVALID: "-P lr=…: why"; always -1. */
int reading_refuse(const struct reading *reading, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Steals the value. */
MUST_USE int reading_put(const struct reading *reading, const char *key, json_t *value);
/* Cuts `text` at the first `mark` and returns what stood behind it, or NULL. */
char *domain_cut(char *text, const char *mark);

/* Each reads what stands behind "KIND:". params_range.c */
MUST_USE int domain_read_float(const struct reading *reading, const char *domain);
MUST_USE int domain_read_log(const struct reading *reading, const char *domain);
MUST_USE int domain_read_int(const struct reading *reading, const char *domain);
MUST_USE int domain_read_log_int(const struct reading *reading, const char *domain);
MUST_USE int domain_read_plain_range(const struct reading *reading, const char *domain);
MUST_USE int domain_read_normal(const struct reading *reading, const char *domain);
MUST_USE int domain_read_lognormal(const struct reading *reading, const char *domain);
/* params_list.c */
MUST_USE int domain_read_list(const struct reading *reading, const char *domain);
MUST_USE int domain_read_choice(const struct reading *reading, const char *domain);
MUST_USE int domain_read_ordinal(const struct reading *reading, const char *domain);
MUST_USE int domain_read_const(const struct reading *reading, const char *domain);
MUST_USE int domain_read_bool(const struct reading *reading, const char *domain);

#endif
