/* What a request says in its path, its query and its body. Any thread that may read the request. */
#ifndef SERVER_API_REQUEST_H
#define SERVER_API_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/wire/wire.h"
#include "server/http/http.h"

/* Refuses query parameters that are not in the NULL-terminated list, which may be NULL; "format" is
 * always allowed. ERR_MALFORMED. */
MUST_USE int query_check(const struct http_request *request, const char *const known[],
                         struct err *err);
/* The same with a second list. */
MUST_USE int query_check_with(const struct http_request *request, const char *const known[],
                              const char *const also[], struct err *err);
/* An integer query parameter from low to high; `fallback` when missing. ERR_MALFORMED. */
MUST_USE int query_int(const struct http_request *request, const char *name, int64_t fallback,
                       int64_t low, int64_t high, int64_t *value, struct err *err);
/* A query parameter that is "true" or "false"; `fallback` when missing. ERR_MALFORMED. */
MUST_USE int query_flag(const struct http_request *request, const char *name, bool fallback,
                        bool *value, struct err *err);

/* A moment as RFC 3339 writes it, or as milliseconds since 1970; `fallback` when missing.
 * ERR_MALFORMED. */
MUST_USE int query_moment(const struct http_request *request, const char *name, int64_t fallback,
                          int64_t *wall_ms, struct err *err);

/* ?numbers=3,5: the numbers of at most NUMBERS_MAX trials, sorted, each once; free() them. NULL:
 * the parameter is missing. ERR_MALFORMED, ERR_NOMEM. */
#define NUMBERS_MAX 1000
MUST_USE int query_numbers(const struct http_request *request, int64_t **numbers, size_t *n,
                           struct err *err);

/* The {study} of the path; "" where the route has none. ERR_NOT_FOUND: no study can have it. */
MUST_USE int request_study(const struct http_request *request, char study[NAME_BYTES],
                           struct err *err);
/* The {lease} of the path. ERR_NOT_FOUND: no lease can have it. */
MUST_USE int request_lease(const struct http_request *request, char lease[LEASE_ID_BYTES],
                           struct err *err);
/* The {trial} of the path, 1 to TRIAL_NUMBER_MAX; *number stays where the route has none.
 * ERR_NOT_FOUND for anything else. */
MUST_USE int request_trial(const struct http_request *request, int64_t *number, struct err *err);

/* Parses the body as JSON (NULL when empty); the caller owns it. ERR_MALFORMED, ERR_TOO_LARGE. */
MUST_USE int request_json(const struct http_request *request, json_t **body, struct err *err);

#endif
