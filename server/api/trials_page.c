/* A study's trials, page by page, by number or by value. */
#include "server/api/trials_page.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "server/api/selection.h"
#include "server/api/trial_representation.h"

/* ---- by number ---- */

#define LOOKED_AT_MAX 20000 /* rows a page may pass over; then it ends early, with a cursor */

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
    struct sort_key last;
    bool more;
};

static int make_key(const struct selection *selection, const struct trial_row *row,
                    struct sort_key *key, struct err *err)
{
    bool by_best = selection->sort == SORT_BY_BEST;
    double value = trial_row_value(row);

    if (!by_best) {
        TRY(metrics_value(row->metrics, selection->metric, &value, err));
    }
    int64_t level = by_best ? study_best_level(selection->read->study->def->def, row->state,
                                               row->step, row->config, trial_row_bounded(row))
                            : 0;
    bool has_value = isfinite(value) && level >= 0;

    *key = (struct sort_key){.rank = has_value ? 0 : 1,
                             .level = has_value ? level : 0,
                             .cost = !has_value            ? 0
                                     : selection->maximize ? -value
                                                           : value,
                             .number = trial_id_number(row->id)};
    return 0;
}

static int take_by_value(void *context, struct trial_row *row, struct err *err)
{
    struct value_page *page = context;

    if ((int64_t)page->listing->n == page->selection->limit) {
        page->more = true; /* one row more was asked for than the page holds */
        return 0;
    }
    TRY(make_key(page->selection, row, &page->last, err));
    trial_item(page->listing, page->selection->read->study, row);
    return 0;
}

static int list_by_value(const struct selection *selection, struct item_list *listing,
                         struct err *err)
{
    struct value_page page = {.selection = selection, .listing = listing};
    const struct sort_key *after = &selection->after;
    bool by_best = selection->sort == SORT_BY_BEST;
    struct trial_value_query query = {
        .study = selection->read->study->id,
        .metric = selection->sort == SORT_BY_METRIC ? selection->metric : NULL,
        .best_of = by_best ? selection->read->study->def->def : NULL,
        .worst_first = selection->reverse,
        .largest_first = selection->maximize != selection->reverse,
        .states = selection->states,
        .source = selection->source,
        .worker = selection->worker,
        .until_seq = selection->until_seq,
        .limit = selection->limit + 1,
        .has_after = selection->has_key,
        .after = {.has_value = after->rank == 0,
                  .level = after->level,
                  .value = selection->maximize ? -after->cost : after->cost,
                  .number = after->number}};
    char cursor[CURSOR_BYTES];

    if (query.until_seq == 0) {
        TRY(store_last_seq(selection->read->store, &query.until_seq, err));
    }
    TRY(store_each_trial_by_value(selection->read->store, &query, take_by_value, &page, err));
    selection_write_key(cursor, query.until_seq, &page.last);
    return item_list_end(listing, page.more ? cursor : NULL, err);
}

static int read_trials(struct read_request *read, struct err *err)
{
    OWN(item_list) struct item_list listing = {0};
    struct selection selection;

    TRY(selection_read(read, &selection, err));
    TRY(item_list_begin(&listing, read, err));
    TRY(store_read_begin(read->store, err));
    int result = selection.sort == SORT_BY_NUMBER ? list_by_number(&selection, &listing, err)
                                                  : list_by_value(&selection, &listing, err);
    store_read_end(read->store);
    return result;
}

static const char *const trials_query[] = {"limit",  "cursor", "sort", "state",
                                           "source", "worker", NULL};

REPRESENTATION_HANDLER(get_trials, &trials_representation, trials_query, read_trials)
