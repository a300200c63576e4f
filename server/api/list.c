#include "server/api/list.h"

#include <string.h>

#include "server/api/json.h"
#include "server/api/request.h"

int item_list_begin(struct item_list *listing, struct read_request *read, struct err *err)
{
    return item_list_begin_with(listing, read, NULL, NULL, err);
}

int item_list_begin_with(struct item_list *listing, struct read_request *read,
                         void (*members)(void *context, struct json_writer *w), void *context,
                         struct err *err)
{
    enum format format = read->format;

    *listing = (struct item_list){.read = read};
    listing->is_shown = format != FORMAT_JSON && format != FORMAT_NDJSON;
    read->is_shown = true;
    buf_init(&listing->item, RESPONSE_MAX);
    if (listing->is_shown) {
        return representation_rows_begin(&listing->rows, read->representation, format, &read->query,
                                         read->study, err);
    }
    json_writer_init(&listing->w, &read->response.body);
    if (format == FORMAT_JSON) {
        json_object_begin(&listing->w);
        if (members != NULL) {
            members(context, &listing->w);
        }
        json_write_key(&listing->w, "items");
        json_array_begin(&listing->w);
    }
    return 0;
}

void item_list_finish(struct item_list *listing)
{
    representation_rows_finish(&listing->rows);
    buf_finish(&listing->item);
}

struct json_writer *item_list_item(struct item_list *listing)
{
    if (listing->is_shown) {
        buf_clear(&listing->item);
        json_writer_init(&listing->w, &listing->item);
    } else if (listing->read->format == FORMAT_NDJSON) {
        json_writer_init(&listing->w, &listing->read->response.body);
    }
    return &listing->w;
}

static void show_item(struct item_list *listing)
{
    json_auto_t *item = NULL;

    if (listing->err.code != ERR_NONE || buf_check(&listing->item, &listing->err) != 0
        || json_parse_own(buf_text(&listing->item), &item, &listing->err) != 0) {
        return;
    }
    representation_rows_add(&listing->rows, item);
}

void item_list_item_end(struct item_list *listing)
{
    listing->n++;
    if (listing->is_shown) {
        show_item(listing);
    } else if (listing->read->format == FORMAT_NDJSON) {
        buf_putc(&listing->read->response.body, '\n');
    }
}

/* The same URL with another cursor. */
static void add_link(struct read_request *read, const char *cursor)
{
    OWN(buf) struct buf url;
    const char *name;
    const char *value;
    size_t at = 0;

    buf_init(&url, 390);
    buf_printf(&url, "<%s?cursor=%s", http_path(read->request), cursor);
    while (http_query_next(read->request, &at, &name, &value)) {
        if (strcmp(name, "cursor") == 0) {
            continue;
        }
        buf_printf(&url, "&%s=", name);
        for (; *value != '\0'; value++) {
            unsigned char c = (unsigned char)*value;
            bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
                         || strchr("-._~:,", c) != NULL;
            buf_printf(&url, plain ? "%c" : "%%%02X", c);
        }
    }
    buf_puts(&url, ">; rel=\"next\"");
    buf_check_part(&read->response.body, &url);
    if (!url.failed) {
        http_response_header(&read->response, "Link", "%s", buf_text(&url));
    }
}

int item_list_end(struct item_list *listing, const char *next_cursor, struct err *err)
{
    struct read_request *read = listing->read;

    if (next_cursor != NULL) {
        add_link(read, next_cursor);
    }
    if (listing->err.code != ERR_NONE) {
        *err = listing->err;
        return -1;
    }
    if (listing->is_shown) {
        TRY(representation_rows_write(&listing->rows, &read->response.body, err));
    } else if (read->format == FORMAT_JSON) {
        json_array_end(&listing->w);
        json_put_string(&listing->w, "next_cursor", next_cursor);
        json_object_end(&listing->w);
    }
    return 0;
}

/* ---- the request ---- */

int list_limit(const struct http_request *request, int64_t *limit, struct err *err)
{
    return query_int(request, "limit", PAGE_DEFAULT, 1, PAGE_MAX, limit, err);
}

int cursor_refused(struct err *err)
{
    return err_set(err, ERR_MALFORMED,
                   "this cursor does not belong to this list; take next_cursor from its last page");
}

bool cursor_skip(const char **at, char c)
{
    bool found = **at == c;

    *at += found ? 1 : 0;
    return found;
}
