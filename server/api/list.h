/* Lists: {"items": […], "next_cursor": …}, one JSON object a line, or a sheet, by the format of the
 * read; and what all of them read from the request. */
#ifndef SERVER_API_LIST_H
#define SERVER_API_LIST_H

#include "server/api/read.h"
#include "server/api/sheet.h"

struct item_list {
    struct read_request *read;
    bool is_sheet;
    struct sheet sheet;
    struct json_writer w;
    size_t n;
};
/* Begins the answer of a read in its format. */
void item_list_begin(struct item_list *listing, struct read_request *read);
/* The same; in JSON the member `name` stands before the items. */
void item_list_begin_about(struct item_list *listing, struct read_request *read, const char *name,
                           const char *value);
void item_list_finish(struct item_list *listing);
OWN_VALUE(item_list)
/* Where the next item is written as JSON; if is_sheet the caller fills a row of the sheet instead.
 */
struct json_writer *item_list_item(struct item_list *listing);
/* Ends the item that item_list_item() began. */
void item_list_item_end(struct item_list *listing);
/* `next_cursor`: NULL at the end of the list. */
void item_list_end(struct item_list *listing, const char *next_cursor);

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
