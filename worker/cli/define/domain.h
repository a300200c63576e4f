/* One argument of the -P language while it is read; for params*.c alone. One thread at a time. */
#ifndef WORKER_CLI_DEFINE_DOMAIN_H
#define WORKER_CLI_DEFINE_DOMAIN_H

#include <jansson.h>

#include "common/err.h"

enum { DOMAIN_BYTES = 4096 };

struct domain_reader {
    const char *text; /* the argument, for messages */
    json_t *out;      /* the object that is filled */
    struct err *err;
    size_t failures; /* of JSON's allocations, before anything was read */
};

/* ERR_INVALID: "-P lr=…: why", or ERR_NOMEM where memory was wanting meanwhile; always -1. */
int domain_refuse(const struct domain_reader *reader, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Sets a member; takes the value also after an error. ERR_NOMEM, also where the value is NULL. */
MUST_USE int domain_put(const struct domain_reader *reader, const char *key, json_t *value);
/* Cuts `text` at the first `mark` and returns what stood behind it, or NULL. */
char *domain_cut(char *text, const char *mark);

#endif
