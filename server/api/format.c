/* One URL, several faces: ?format= first, then Accept, else JSON. */
#include <inttypes.h>
#include <string.h>

#include "common/integer.h"
#include "server/api/api.h"

static const struct {
    const char *name;
    const char *media; /* as in Accept; NULL: by name only */
    const char *content_type;
} formats[] = {
    [FORMAT_JSON] = {"json", "application/json", "application/json"},
    [FORMAT_NDJSON] = {"ndjson", "application/x-ndjson", "application/x-ndjson"},
    [FORMAT_CSV] = {"csv", "text/csv", "text/csv; charset=utf-8; header=present"},
    [FORMAT_TEXT] = {"text", "text/plain", "text/plain; charset=utf-8"},
    [FORMAT_TABLE] = {"table", NULL, "text/plain; charset=utf-8"},
    [FORMAT_SH] = {"sh", "application/x-sh", "text/plain; charset=utf-8"},
    [FORMAT_SSE] = {"sse", "text/event-stream", "text/event-stream"},
};
#define N_FORMATS (sizeof formats / sizeof formats[0])

const char *format_content_type(enum format format)
{
    return formats[format].content_type;
}

static int by_name(const char *name, unsigned allowed, enum format *format, struct err *err)
{
    char list[80] = "";

    for (size_t i = 0; i < N_FORMATS; i++) {
        if ((allowed & (1u << i)) == 0) {
            continue;
        }
        if (strcmp(formats[i].name, name) == 0) {
            *format = (enum format)i;
            return 0;
        }
        (void)strcat(list, list[0] == '\0' ? "" : ", ");
        (void)strcat(list, formats[i].name);
    }
    return err_set(err, ERR_MALFORMED, "format \"%.20s\" is not served here; use one of %s", name,
                   list);
}

int request_format(const struct http_request *request, unsigned allowed, enum format *format,
                   struct err *err)
{
    const char *name = http_query(request, "format");
    const char *accept = http_header(request, "Accept");
    const char *first = NULL;

    if (name != NULL) {
        return by_name(name, allowed, format, err);
    }
    *format = FORMAT_JSON;
    for (size_t i = 0; accept != NULL && i < N_FORMATS; i++) {
        const char *at = formats[i].media == NULL || (allowed & (1u << i)) == 0
                             ? NULL
                             : strstr(accept, formats[i].media);
        if (at != NULL && (first == NULL || at < first)) {
            first = at;
            *format = (enum format)i;
        }
    }
    return 0;
}

int query_check(const struct http_request *request, const char *const known[], struct err *err)
{
    const char *name;
    const char *value;
    size_t cursor = 0;

    while (http_query_next(request, &cursor, &name, &value)) {
        bool found = strcmp(name, "format") == 0;
        for (size_t i = 0; known != NULL && known[i] != NULL && !found; i++) {
            found = strcmp(known[i], name) == 0;
        }
        if (!found) {
            return err_set(err, ERR_MALFORMED, "unknown query parameter \"%.60s\"", name);
        }
    }
    return 0;
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
