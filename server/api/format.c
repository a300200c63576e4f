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
    [FORMAT_HYDRA] = {"hydra", NULL, "text/plain; charset=utf-8"},
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

    if (allowed == 0) {
        return err_set(err, ERR_MALFORMED, "this answer has one format; leave out format");
    }
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

/* The format that Accept names first, of those that are allowed; false: it names none. */
static bool by_media(const char *accept, unsigned allowed, enum format *format)
{
    const char *first = NULL;

    for (size_t i = 0; accept != NULL && i < N_FORMATS; i++) {
        const char *at = formats[i].media == NULL || (allowed & (1u << i)) == 0
                             ? NULL
                             : strstr(accept, formats[i].media);
        if (at != NULL && (first == NULL || at < first)) {
            first = at;
            *format = (enum format)i;
        }
    }
    return first != NULL;
}

bool request_wants_lines(const struct http_request *request, enum format *format)
{
    static const unsigned lines = FORMAT_BIT(FORMAT_CSV) | FORMAT_BIT(FORMAT_TEXT)
                                  | FORMAT_BIT(FORMAT_TABLE) | FORMAT_BIT(FORMAT_SH)
                                  | FORMAT_BIT(FORMAT_HYDRA);
    const char *name = http_query(request, "format");
    const char *accept = http_header(request, "Accept");
    struct err err;

    if (accept != NULL && strstr(accept, "json") != NULL) {
        return false;
    }
    if (name == NULL) {
        return by_media(accept, ~0u, format) && (FORMAT_BIT(*format) & lines) != 0;
    }
    return by_name(name, ~0u, format, &err) == 0 && (FORMAT_BIT(*format) & lines) != 0;
}

int request_format(const struct http_request *request, unsigned allowed, enum format *format,
                   struct err *err)
{
    const char *name = http_query(request, "format");
    const char *accept = http_header(request, "Accept");

    if (name != NULL) {
        return by_name(name, allowed, format, err);
    }
    if (!by_media(accept, allowed, format)) {
        *format = FORMAT_JSON;
    }
    return 0;
}
