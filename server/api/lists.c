/* A study's trials: page by page, by number or by value; and one alone. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/resources.h"
#include "server/api/selection.h"
#include "server/api/trial_rows.h"

/* ---- by number ---- */

#define LOOKED_AT_MAX 20000 /* rows a page may pass over; then it ends early, with a cursor */

struct number_page {
    const struct selection *selection;
    struct listing *listing;
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
        trial_item(page->listing, selection->reading->study, row);
    }
    return 0;
}

static int list_by_number(const struct selection *selection, struct listing *listing,
                          struct err *err)
{
    struct number_page page = {.selection = selection, .listing = listing};
    const struct trial_query query = {.study = selection->reading->study->id,
                                      .after_number = selection->after_number,
                                      .reverse = selection->reverse,
                                      .limit = LOOKED_AT_MAX + 1,
                                      .states = selection->states};
    char cursor[CURSOR_BYTES];

    if (store_each_trial(selection->reading->store, &query, take_by_number, &page, err) != 0
        && !page.full) {
        return -1;
    }
    (void)snprintf(cursor, sizeof cursor, "n%" PRId64, page.last);
    listing_end(listing, page.full ? cursor : NULL);
    return 0;
}

/* ---- by value: the best `limit` places after the cursor, kept in a heap with the worst on top ---
 */

struct ranking {
    const struct selection *selection;
    int64_t until_seq;
    size_t n, max;
    struct place *places; /* max + 1: one more says that there is a next page */
};

static bool comes_before(const struct place *a, const struct place *b, bool reverse)
{
    if (a->rank != b->rank) {
        return a->rank < b->rank; /* what has no value stays last, reversed or not */
    }
    if (a->cost < b->cost || a->cost > b->cost) {
        return (a->cost < b->cost) != reverse;
    }
    return a->number < b->number;
}

static void sift_up(struct ranking *ranking, size_t at)
{
    while (at > 0) {
        size_t parent = (at - 1) / 2;
        if (!comes_before(&ranking->places[parent], &ranking->places[at],
                          ranking->selection->reverse)) {
            return;
        }
        struct place swapped = ranking->places[parent];
        ranking->places[parent] = ranking->places[at];
        ranking->places[at] = swapped;
        at = parent;
    }
}

static void sift_down(struct ranking *ranking, size_t at)
{
    for (;;) {
        size_t last = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < ranking->n; child++) {
            if (comes_before(&ranking->places[last], &ranking->places[child],
                             ranking->selection->reverse)) {
                last = child;
            }
        }
        if (last == at) {
            return;
        }
        struct place swapped = ranking->places[last];
        ranking->places[last] = ranking->places[at];
        ranking->places[at] = swapped;
        at = last;
    }
}

static void ranking_add(struct ranking *ranking, const struct place *place)
{
    if (ranking->n < ranking->max) {
        ranking->places[ranking->n] = *place;
        sift_up(ranking, ranking->n++);
    } else if (comes_before(place, &ranking->places[0], ranking->selection->reverse)) {
        ranking->places[0] = *place;
        sift_down(ranking, 0);
    }
}

static double sort_value(const struct selection *selection, const struct trial_row *row)
{
    if (selection->sort == SORT_BY_BEST) {
        return row->has_value ? row->value : (double)NAN;
    }
    return trial_row_metric(row, selection->metric);
}

static int rank_row(void *context, struct trial_row *row, struct err *err)
{
    struct ranking *ranking = context;
    const struct selection *selection = ranking->selection;

    (void)err;
    if (!trial_state_is_final(row->state) || row->ended_seq > ranking->until_seq
        || !selection_takes(selection, row)) {
        return 0;
    }
    double value = sort_value(selection, row);
    bool ranks = isfinite(value)
                 && (row->state == TRIAL_COMPLETED || row->state == TRIAL_PRUNED
                     || selection->sort == SORT_BY_METRIC);
    struct place place = {.rank = ranks ? 0 : 1, .number = trial_id_number(row->id)};
    place.cost = ranks ? (selection->maximize ? -value : value) : 0;
    if (!selection->has_place || comes_before(&selection->after, &place, selection->reverse)) {
        ranking_add(ranking, &place);
    }
    return 0;
}

/* The heap, taken apart from its top: worst first, so it fills the array from behind. */
static void sort_places(struct ranking *ranking)
{
    size_t n = ranking->n;

    while (ranking->n > 1) {
        struct place worst = ranking->places[0];
        ranking->places[0] = ranking->places[--ranking->n];
        sift_down(ranking, 0);
        ranking->places[ranking->n] = worst;
    }
    ranking->n = n;
}

static int write_places(const struct ranking *ranking, struct listing *listing, struct err *err)
{
    const struct reading *reading = ranking->selection->reading;
    size_t n = ranking->n < ranking->max ? ranking->n : ranking->max - 1;
    char cursor[CURSOR_BYTES];

    for (size_t i = 0; i < n; i++) {
        OWN(trial_row) struct trial_row row = {0};
        TRY(store_trial_load(reading->store,
                             trial_id(reading->study->id, ranking->places[i].number), &row, err));
        trial_item(listing, reading->study, &row);
    }
    if (ranking->n == ranking->max) {
        selection_write_place(cursor, ranking->until_seq, &ranking->places[n - 1]);
    }
    listing_end(listing, ranking->n == ranking->max ? cursor : NULL);
    return 0;
}

static int list_by_value(const struct selection *selection, struct listing *listing,
                         struct err *err)
{
    OWN(memory) struct place *places = NULL;
    struct ranking ranking = {.selection = selection, .max = (size_t)selection->limit + 1};
    const struct trial_query query = {
        .study = selection->reading->study->id, .limit = INT32_MAX, .states = selection->states};

    places = calloc(ranking.max, sizeof *places);
    if (places == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for a page of trials");
    }
    ranking.places = places;
    ranking.until_seq = selection->until_seq;
    if (ranking.until_seq == 0) {
        TRY(store_last_seq(selection->reading->store, &ranking.until_seq, err));
    }
    TRY(store_each_trial(selection->reading->store, &query, rank_row, &ranking, err));
    sort_places(&ranking);
    return write_places(&ranking, listing, err);
}

static int read_trials(struct reading *reading, struct err *err)
{
    OWN(listing) struct listing listing = {0};
    struct selection selection;

    TRY(selection_read(reading, &selection, err));
    listing_begin(&listing, reading);
    if (listing.is_sheet) {
        trial_columns(&listing.sheet, reading->study);
    }
    TRY(store_read_begin(reading->store, err));
    int result = selection.sort == SORT_BY_NUMBER ? list_by_number(&selection, &listing, err)
                                                  : list_by_value(&selection, &listing, err);
    store_read_end(reading->store);
    return result;
}

/* ---- one trial ---- */

static int read_trial(struct reading *reading, struct err *err)
{
    OWN(trial_row) struct trial_row row = {0};
    struct buf *out = &reading->response.body;
    struct json_writer w;

    TRY(store_trial_load(reading->store, trial_id(reading->study->id, reading->trial), &row, err));
    if (reading->format != FORMAT_JSON) {
        trial_lines(reading->study, &row, out);
        return 0;
    }
    json_writer_init(&w, out);
    trial_write(reading->study->def->def, &row, &w);
    buf_putc(out, '\n');
    return 0;
}

/* ---- handlers ---- */

static const char *const trials_query[] = {"limit",  "cursor", "sort", "state",
                                           "source", "worker", NULL};

READING_HANDLER(get_trials, FORMATS_LIST, trials_query, read_trials)
READING_HANDLER(get_trial, FORMATS_ONE, NULL, read_trial)
