#include "server/api/audit.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/integer.h"
#include "server/api/json.h"
#include "server/api/list.h"
#include "server/store/audit.h"

struct audit_page {
    struct item_list *list;
    int64_t limit, n;
    int64_t last; /* id */
};

static void put_text_or_null(struct json_writer *w, const char *key, const char *text)
{
    json_put_string(w, key, text == NULL || text[0] == '\0' ? NULL : text);
}

static int put_row(void *context, const struct audit_row *row, struct err *err)
{
    struct audit_page *page = context;

    (void)err;
    if (page->n++ == page->limit) { /* one more was asked for: there is a next page */
        return 0;
    }
    struct json_writer *w = item_list_item(page->list);
    page->last = row->id;
    json_object_begin(w);
    json_put_int(w, "id", row->id);
    json_put_moment(w, "at", row->at_ms);
    put_text_or_null(w, "token", row->token);
    put_text_or_null(w, "token_name", row->token_name);
    put_text_or_null(w, "address", row->address);
    json_put_string(w, "action", audit_action_name(row->action));
    put_text_or_null(w, "study", row->study);
    if (row->trial != 0) {
        json_put_int(w, "trial", row->trial);
    } else {
        json_put_string(w, "trial", NULL);
    }
    put_text_or_null(w, "target", row->target);
    put_text_or_null(w, "detail", row->detail);
    json_object_end(w);
    item_list_item_end(page->list);
    return 0;
}

static int read_audit(struct read_request *read, struct err *err)
{
    const char *cursor = http_query(read->request, "cursor");
    OWN(item_list) struct item_list list = {0};
    struct audit_page page = {.list = &list};
    int64_t before = INT64_MAX;
    char next[CURSOR_BYTES];

    TRY(list_limit(read->request, &page.limit, err));
    if (cursor != NULL
        && (cursor[0] != 'a' || !integer_from_text(cursor + 1, 1, INT64_MAX, &before))) {
        return cursor_refused(err);
    }
    TRY(item_list_begin(&list, read, err));
    TRY(store_each_audit(read->store, before, page.limit + 1, put_row, &page, err));
    (void)snprintf(next, sizeof next, "a%" PRId64, page.last);
    return item_list_end(&list, page.n > page.limit ? next : NULL, err);
}

static const char *const audit_query[] = {"limit", "cursor", NULL};

static const struct representation_column columns[] = {
    {.key = "at"},
    {.key = "token_name"},
    {.key = "address"},
    {.key = "action"},
    {.key = "study"},
    {.key = "trial", .is_right = true},
    {.key = "target"},
    {.key = "detail"},
    {.key = "id", .is_right = true, .is_extra = true},
    {.key = "token", .is_extra = true},
    {0}};
static const struct representation representation = {.formats = FORMATS_LIST, .columns = columns};

REPRESENTATION_HANDLER(get_audit, &representation, audit_query, read_audit)
