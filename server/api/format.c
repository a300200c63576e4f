#include "server/api/format.h"

#include <string.h>

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
    [FORMAT_HTML] = {"html", "text/html", "text/html; charset=utf-8"},
    [FORMAT_LATEX] = {"latex", "application/x-latex", "application/x-latex; charset=utf-8"},
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
