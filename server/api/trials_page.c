/* A study's trials, page by page, by number or by value. */
#include "server/api/trials_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/selection.h"
#include "server/api/trial_representation.h"

/* ---- by number ---- */

/* Rows that a page may pass over, some 10 ms; then it ends early, with a cursor. */
#define LOOKED_AT_MAX 4000

struct number_page {
    const struct selection *selection;
    struct item_list *listing;
    int64_t last; /* number of the last row looked at */
    int64_t looked_at;
    bool full;
};

static int take_by_number(void *context, struct trial_row *row, struct err *err)
{
    struct number_page *page = context;
    const struct selection *selection = page->selection;

    (void)err;
    if ((int64_t)page->listing->n == selection->limit || page->looked_at == LOOKED_AT_MAX) {
        page->full = true; /* one row more: there is a next page */
        return 1;
    }
    page->last = trial_id_number(row->id);
    page->looked_at++;
    if (selection_takes(selection, row)) {
        trial_item(page->listing, selection->read->study, row);
    }
    return 0;
}

static int list_by_number(const struct selection *selection, struct item_list *listing,
                          struct err *err)
{
    struct number_page page = {.selection = selection, .listing = listing};
    const struct trial_query query = {.study = selection->read->study->id,
                                      .after_number = selection->after_number,
                                      .reverse = selection->reverse,
                                      .limit = LOOKED_AT_MAX + 1,
                                      .states = selection->states};
    char cursor[CURSOR_BYTES];

    TRY(store_read_begin(selection->read->store, err));
    if (store_each_trial(selection->read->store, &query, take_by_number, &page, err) != 0
        && !page.full) {
        return -1;
    }
    (void)snprintf(cursor, sizeof cursor, "n%" PRId64, page.last);
    return item_list_end(listing, page.full ? cursor : NULL, err);
}

/* ---- by value ---- */

struct value_page {
    const struct selection *selection;
    struct item_list *listing;
    size_t wanted; /* places: those of the page and one more; of which none may be its worker's */
    struct sort_key *keys;
    size_t n;
    size_t looked_at;
};

static void value_page_finish(struct value_page *page)
{
    free(page->keys);
}
OWN_VALUE(value_page)

static int find_keys(struct value_page *page, struct value_filter *filter, struct err *err)
{
    const struct selection *selection = page->selection;
    struct read_request *read = selection->read;
    struct value_order_kind kind = {.study = read->study->id,
                                    .sort = selection->sort,
                                    .maximize = selection->maximize,
                                    .reverse = selection->reverse};

    memcpy(kind.metric, selection->metric, sizeof kind.metric);
    page->wanted =
        selection->worker == NULL ? (size_t)selection->limit + 1 : (size_t)LOOKED_AT_MAX + 1;
    page->keys = calloc(page->wanted, sizeof *page->keys);
    if (page->keys == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return value_orders_find(&read->api->orders, read->store, &kind, read->study, filter,
                             page->wanted, page->keys, &page->n, err);
}

static int add_by_value(struct value_page *page, struct err *err)
{
    const struct read_request *read = page->selection->read;
    int64_t id = trial_id(read->study->id, page->keys[page->looked_at].number);
    OWN(trial_row) struct trial_row row = {0};

    TRY(store_trial_load(read->store, id, &row, err));
    page->looked_at++;
    if (selection_takes(page->selection, &row)) {
        trial_item(page->listing, read->study, &row);
    }
    return 0;
}

/* The last place that was found is never shown: it says that there is a next page. */
static int list_by_value(const struct selection *selection, struct item_list *listing,
                         struct err *err)
{
    OWN(value_page) struct value_page page = {.selection = selection, .listing = listing};
    struct value_filter filter = {.after = selection->has_key ? &selection->after : NULL,
                                  .until_seq = selection->until_seq,
                                  .states = selection->states,
                                  .source = selection->source};
    char cursor[CURSOR_BYTES];

    TRY(find_keys(&page, &filter, err));
    size_t shown = page.n == page.wanted ? page.n - 1 : page.n;
    while (page.looked_at < shown && (int64_t)listing->n < selection->limit) {
        TRY(add_by_value(&page, err));
    }
    if (page.looked_at == page.n) {
        return item_list_end(listing, NULL, err);
    }
    selection_write_key(cursor, filter.until_seq, &page.keys[page.looked_at - 1]);
    return item_list_end(listing, cursor, err);
}

static int read_trials(struct read_request *read, struct err *err)
{
    OWN(item_list) struct item_list listing = {0};
    struct selection selection;

    TRY(selection_read(read, &selection, err));
    TRY(item_list_begin(&listing, read, err));
    int result = selection.sort == SORT_BY_NUMBER ? list_by_number(&selection, &listing, err)
                                                  : list_by_value(&selection, &listing, err);
    store_read_end(read->store);
    return result;
}

static const char *const trials_query[] = {"limit",  "cursor", "sort", "state",
                                           "source", "worker", NULL};

REPRESENTATION_HANDLER(get_trials, &trials_representation, trials_query, read_trials)
