/* Lists: {"items": […], "next_cursor": …}, one JSON object a line, or what the representation of
 * the route makes of each item; and what all of them read from the request. */
#ifndef SERVER_API_LIST_H
#define SERVER_API_LIST_H

#include "server/api/read.h"

struct item_list {
    struct read_request *read;
    bool is_shown;                   /* by the representation, item for item */
    struct representation_rows rows; /* then */
    struct buf item;                 /* then: the JSON of the present one */
    struct json_writer w;
    size_t n;
    struct err err; /* of an item; code 0: none */
};
/* Begins the answer of a read in its format. ERR_MALFORMED: it names columns that are not there. */
MUST_USE int item_list_begin(struct item_list *listing, struct read_request *read, struct err *err);
/* The same; in JSON `members` writes what stands before the items. */
MUST_USE int item_list_begin_with(struct item_list *listing, struct read_request *read,
                                  void (*members)(void *context, struct json_writer *w),
                                  void *context, struct err *err);
void item_list_finish(struct item_list *listing);
OWN_VALUE(item_list)
/* Where the next item is written as JSON. */
struct json_writer *item_list_item(struct item_list *listing);
/* Ends the item that item_list_item() began. */
void item_list_item_end(struct item_list *listing);
/* `next_cursor`: NULL at the end of the list. */
MUST_USE int item_list_end(struct item_list *listing, const char *next_cursor, struct err *err);

/* ---- the request ---- */
#define PAGE_DEFAULT 100
#define PAGE_MAX 1000
#define CURSOR_BYTES 96

/* ?limit=: 1 to PAGE_MAX. ERR_MALFORMED. */
MUST_USE int list_limit(const struct http_request *request, int64_t *limit, struct err *err);
/* Reads over `c` in a cursor; false: something else stands there. */
bool cursor_skip(const char **at, char c);
/* Sets ERR_MALFORMED for a cursor that belongs to another list; always -1. */
int cursor_refused(struct err *err);

#endif
