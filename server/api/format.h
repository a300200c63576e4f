/* The representation of an answer: one URL has several. */
#ifndef SERVER_API_FORMAT_H
#define SERVER_API_FORMAT_H

#include "common/err.h"
#include "server/http/http.h"

enum format {
    FORMAT_JSON,
    FORMAT_NDJSON,
    FORMAT_CSV,
    FORMAT_TEXT,
    FORMAT_TABLE,
    FORMAT_SH,
    FORMAT_HYDRA,
    FORMAT_SSE,
    FORMAT_HTML,
    FORMAT_LATEX
};
#define FORMAT_BIT(format) (1u << (format))
#define FORMATS_LIST                                                                               \
    (FORMAT_BIT(FORMAT_JSON) | FORMAT_BIT(FORMAT_NDJSON) | FORMAT_BIT(FORMAT_CSV)                  \
     | FORMAT_BIT(FORMAT_TEXT) | FORMAT_BIT(FORMAT_TABLE))
#define FORMATS_ONE (FORMATS_LIST | FORMAT_BIT(FORMAT_SH)) /* of one thing */

/* From ?format=, else from Accept, else JSON. ERR_MALFORMED: ?format= names none of `allowed`
 * (FORMAT_BIT of each). */
MUST_USE int request_format(const struct http_request *request, unsigned allowed,
                            enum format *format, struct err *err);
/* Does the client ask for a format of lines, in which an error is a line, too? */
bool request_wants_lines(const struct http_request *request, enum format *format);
/* Returns the Content-Type of a format; static text. */
const char *format_content_type(enum format format);

#endif
