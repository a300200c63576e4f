/* A GET that runs on a reader thread: what all of them share, and the lists they answer with.
 *
 * The handler calls reading_start() on the loop thread; the read itself runs on a reader with a
 * read-only connection, fills the response, and the request is answered when it returns. */
#ifndef SERVER_API_READING_H
#define SERVER_API_READING_H

#include "server/api/api.h"
#include "server/api/sheet.h"

#define FORMAT_BIT(format) (1u << (format))
#define FORMATS_ONE (FORMAT_BIT(FORMAT_JSON) | FORMAT_BIT(FORMAT_TEXT) | FORMAT_BIT(FORMAT_TABLE))
#define FORMATS_LIST (FORMATS_ONE | FORMAT_BIT(FORMAT_NDJSON) | FORMAT_BIT(FORMAT_CSV))

struct reading {
    struct api *api;
    struct http_request *request;
    struct store *store;
    struct live_view *view;              /* held while the read runs */
    const struct live_study_view *study; /* of {study} in the path, else NULL */
    int64_t trial;                       /* of {trial} in the path, else 0 */
    enum format format;
    struct http_response response; /* 200 of the format's type, for the read to fill */
};

/* What a route needs: its formats, the query parameters it knows (NULL-terminated), the read. */
struct reading_kind {
    unsigned formats;
    const char *const *query;
    int (*read)(struct reading *reading, struct err *err);
};

/* From a job of read_later(): answers the request with what kind->read filled, or with its error.
 */
void reading_run(struct http_request *request, struct store *store,
                 const struct reading_kind *kind);

/* The row of reading->study. ERR_NOT_FOUND when it was deleted a moment ago. */
MUST_USE int reading_study_row(const struct reading *reading, struct study_row *row,
                               struct err *err);

/* ---- lists -------------------------------------------------------------------------------------
 * {"items": […], "next_cursor": …}, one object a line, or a sheet; by the reading's format. */
struct listing {
    struct reading *reading;
    bool is_sheet;
    struct sheet sheet;
    struct json_writer w;
    size_t n;
};
void listing_begin(struct listing *listing, struct reading *reading);
void listing_finish(struct listing *listing);
OWN_VALUE(listing)
/* Where the next item is written as JSON; the caller fills a sheet row instead if is_sheet. */
struct json_writer *listing_item(struct listing *listing);
void listing_item_end(struct listing *listing);
/* `next_cursor`: NULL at the end of the list. */
void listing_end(struct listing *listing, const char *next_cursor);

#endif
