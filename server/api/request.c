#include "server/api/request.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/integer.h"
#include "common/json.h"
#include "common/moment.h"
#include "server/domain/lease.h"
#include "server/domain/study.h"
#include "server/domain/trial.h"

static bool is_among(const char *name, const char *const known[])
{
    for (size_t i = 0; known != NULL && known[i] != NULL; i++) {
        if (strcmp(known[i], name) == 0) {
            return true;
        }
    }
    return false;
}

int query_check_with(const struct http_request *request, const char *const known[],
                     const char *const also[], struct err *err)
{
    const char *name;
    const char *value;
    size_t cursor = 0;

    while (http_query_next(request, &cursor, &name, &value)) {
        if (strcmp(name, "format") != 0 && !is_among(name, known) && !is_among(name, also)) {
            return err_set(err, ERR_MALFORMED, "unknown query parameter \"%.60s\"", name);
        }
    }
    return 0;
}

int query_check(const struct http_request *request, const char *const known[], struct err *err)
{
    return query_check_with(request, known, NULL, err);
}

int query_int(const struct http_request *request, const char *name, int64_t fallback, int64_t low,
              int64_t high, int64_t *value, struct err *err)
{
    const char *text = http_query(request, name);

    *value = fallback;
    if (text != NULL && !integer_from_text(text, low, high, value)) {
        return err_set(err, ERR_MALFORMED,
                       "query parameter %s must be an integer from %" PRId64 " to %" PRId64, name,
                       low, high);
    }
    return 0;
}

int query_flag(const struct http_request *request, const char *name, bool fallback, bool *value,
               struct err *err)
{
    const char *text = http_query(request, name);

    *value = fallback;
    if (text == NULL) {
        return 0;
    }
    *value = strcmp(text, "true") == 0;
    if (!*value && strcmp(text, "false") != 0) {
        return err_set(err, ERR_MALFORMED, "query parameter %s must be true or false", name);
    }
    return 0;
}

#define MOMENT_MAX_MS INT64_C(253402300799999) /* the end of the year 9999 */
#define MOMENT_TEXT_BYTES 64

static bool moment_from_text(const char *text, int64_t *wall_ms)
{
    static const size_t offset_len = sizeof "+02:00" - 1;
    char copy[MOMENT_TEXT_BYTES];
    size_t len = strlen(text);

    if (integer_from_text(text, 0, MOMENT_MAX_MS, wall_ms)) {
        return true;
    }
    if (len < offset_len || len >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, len + 1);
    if (copy[len - offset_len] == ' ') { /* a + that was not encoded in the query */
        copy[len - offset_len] = '+';
    }
    return moment_read(copy, wall_ms) && *wall_ms >= 0 && *wall_ms <= MOMENT_MAX_MS;
}

int query_moment(const struct http_request *request, const char *name, int64_t fallback,
                 int64_t *wall_ms, struct err *err)
{
    const char *text = http_query(request, name);

    *wall_ms = fallback;
    if (text != NULL && !moment_from_text(text, wall_ms)) {
        return err_set(err, ERR_MALFORMED,
                       "query parameter %s must be a moment such as 2026-11-24T21:32:37Z", name);
    }
    return 0;
}

static int by_size(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;

    return (*left > *right) - (*left < *right);
}

/* Sorted, each once. */
static size_t sort_numbers(int64_t numbers[], size_t n)
{
    size_t kept = 0;

    qsort(numbers, n, sizeof *numbers, by_size);
    for (size_t i = 0; i < n; i++) {
        if (kept == 0 || numbers[i] != numbers[kept - 1]) {
            numbers[kept++] = numbers[i];
        }
    }
    return kept;
}

int query_numbers(const struct http_request *request, int64_t **numbers, size_t *n, struct err *err)
{
    const char *at = http_query(request, "numbers");
    size_t n_read = 0;

    *numbers = NULL;
    *n = 0;
    if (at == NULL) {
        return 0;
    }
    OWN(memory) int64_t *read = calloc(NUMBERS_MAX, sizeof *read);
    if (read == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    do {
        if (n_read == NUMBERS_MAX || !integer_read(&at, 1, TRIAL_NUMBER_MAX, &read[n_read])) {
            return err_set(err, ERR_MALFORMED,
                           "numbers is a list of at most %d numbers of trials: numbers=3,5",
                           NUMBERS_MAX);
        }
        n_read++;
    } while (*at == ',' && *at++ != '\0');
    if (*at != '\0') {
        return err_set(err, ERR_MALFORMED, "numbers has \"%.20s\" behind a number", at);
    }
    *n = sort_numbers(read, n_read);
    *numbers = read;
    read = NULL;
    return 0;
}

/* -1: the value does not fit, so that nothing has this name. */
static int copy_param(const struct http_request *request, const char *name, char *text, size_t size)
{
    const char *value = http_param(request, name);

    if (value == NULL) {
        return 0;
    }
    if (strlen(value) >= size) {
        return -1;
    }
    (void)strcpy(text, value);
    return 0;
}

int request_study(const struct http_request *request, char study[NAME_BYTES], struct err *err)
{
    return copy_param(request, "study", study, NAME_BYTES) == 0
               ? 0
               : no_such_study(http_param(request, "study"), err);
}

int request_lease(const struct http_request *request, char lease[LEASE_ID_BYTES], struct err *err)
{
    return copy_param(request, "lease", lease, LEASE_ID_BYTES) == 0 ? 0 : no_such_lease(err);
}

int request_trial(const struct http_request *request, int64_t *number, struct err *err)
{
    const char *value = http_param(request, "trial");

    if (value != NULL
        && (value[0] == '0' || !integer_from_text(value, 1, TRIAL_NUMBER_MAX, number))) {
        return err_set(err, ERR_NOT_FOUND,
                       "there is no trial \"%.40s\"; trials are numbered from 1", value);
    }
    return 0;
}

int request_json(const struct http_request *request, json_t **body, struct err *err)
{
    const struct buf *text = http_body(request);
    struct json_limits limits = json_limits_default;

    *body = NULL;
    if (text->len == 0) {
        return 0;
    }
    if (http_matched(request)->body == HTTP_BODY_JSON_BULK) {
        limits.bytes = 8u << 20;
        limits.values = 1000000;
    }
    return json_parse(buf_text(text), text->len, &limits, body, err);
}
