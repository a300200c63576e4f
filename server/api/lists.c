/* Lists within a study: its trials, a trial's measurements and attempts. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/resources.h"
#include "server/api/trial_rows.h"

#define PAGE_DEFAULT 100
#define PAGE_MAX 1000
#define CURSOR_BYTES 96

/* ---- trials: which ones, in which order ---- */

enum sort_kind { SORT_BY_NUMBER, SORT_BY_BEST, SORT_BY_METRIC };

/* Where a trial stands when sorted by value: finite ones first, then by cost, then by number. */
struct place {
    int rank; /* 0 finite, 1 not finite or none */
    double cost;
    int64_t number;
};

struct selection {
    struct reading *reading;
    enum sort_kind sort;
    bool reverse;
    char metric[NAME_BYTES + 1];
    bool maximize; /* larger metrics first */
    int64_t limit;
    unsigned states; /* 0: all */
    int source;      /* -1: all */
    const char *worker;
    /* from the cursor */
    int64_t after_number;
    int64_t until_seq; /* of a walk by value: trials that were final then; 0: begins now */
    bool has_place;
    struct place after;
};

static int read_states(const char *text, unsigned *states, struct err *err)
{
    while (text != NULL && *text != '\0') {
        char name[24] = "";
        size_t len = strcspn(text, ",");
        if (len < sizeof name) {
            memcpy(name, text, len);
        }
        int state = trial_state_from_name(name);
        if (state < 0) {
            return err_set(err, ERR_MALFORMED, "state=%.24s: there is no such state of a trial",
                           text);
        }
        *states |= 1u << state;
        text += len + (text[len] == ',' ? 1 : 0);
    }
    return 0;
}

static int read_source(const char *text, int *source, struct err *err)
{
    *source = -1;
    if (text == NULL) {
        return 0;
    }
    for (int i = SOURCE_SUGGESTED; i <= SOURCE_IMPORTED; i++) {
        if (strcmp(text, trial_source_name((enum trial_source)i)) == 0) {
            *source = i;
            return 0;
        }
    }
    return err_set(err, ERR_MALFORMED, "source must be suggested, enqueued or imported");
}

/* A metric is better when it is larger if it is an objective to maximise, else when smaller. */
static void read_direction(struct selection *selection)
{
    const struct study_def *def = selection->reading->study->def->def;

    for (size_t i = 0; i < def->n_objectives; i++) {
        if (strcmp(def->objectives[i].metric, selection->metric) == 0) {
            selection->maximize = def->objectives[i].direction == DIRECTION_MAXIMIZE;
        }
    }
}

static int read_sort(const char *text, struct selection *selection, struct err *err)
{
    const struct study_def *def = selection->reading->study->def->def;

    if (text == NULL) {
        return 0;
    }
    selection->reverse = text[0] == '-';
    const char *key = text + (selection->reverse ? 1 : 0);
    if (strcmp(key, "number") == 0) {
        return 0;
    }
    if (strcmp(key, "best") == 0 && def->n_objectives == 1) {
        selection->sort = SORT_BY_BEST;
        selection->maximize = def->objectives[0].direction == DIRECTION_MAXIMIZE;
        return 0;
    }
    if (strncmp(key, "metric:", 7) == 0 && name_is_metric(key + 7)) {
        selection->sort = SORT_BY_METRIC;
        (void)snprintf(selection->metric, sizeof selection->metric, "%s", key + 7);
        read_direction(selection);
        return 0;
    }
    return err_set(err, ERR_MALFORMED,
                   "sort must be number, metric:NAME%s, or one of them with - before it",
                   def->n_objectives == 1 ? " or best" : "");
}

/* ---- cursors: opaque to clients, checked when they come back ---- */

static int bad_cursor(struct err *err)
{
    return err_set(err, ERR_MALFORMED,
                   "this cursor does not belong to this list; take next_cursor from its last page");
}

static int read_cursor(const char *text, struct selection *selection, struct err *err)
{
    uint64_t bits = 0;
    int used = 0;

    if (text == NULL) {
        return 0;
    }
    if (selection->sort == SORT_BY_NUMBER) {
        bool whole = sscanf(text, "n%" SCNd64 "%n", &selection->after_number, &used) == 1
                     && text[used] == '\0' && selection->after_number > 0
                     && selection->after_number <= TRIAL_NUMBER_MAX;
        return whole ? 0 : bad_cursor(err);
    }
    bool whole = sscanf(text, "v%" SCNd64 "_%d_%" SCNx64 "_%" SCNd64 "%n", &selection->until_seq,
                        &selection->after.rank, &bits, &selection->after.number, &used)
                     == 4
                 && text[used] == '\0';
    memcpy(&selection->after.cost, &bits, sizeof bits);
    selection->has_place = true;
    return whole && selection->until_seq > 0 && !isnan(selection->after.cost) ? 0 : bad_cursor(err);
}

static void write_place(char cursor[CURSOR_BYTES], int64_t until_seq, const struct place *place)
{
    uint64_t bits;

    memcpy(&bits, &place->cost, sizeof bits);
    (void)snprintf(cursor, CURSOR_BYTES, "v%" PRId64 "_%d_%016" PRIx64 "_%" PRId64, until_seq,
                   place->rank, bits, place->number);
}

static int read_selection(struct reading *reading, struct selection *selection, struct err *err)
{
    const struct http_request *request = reading->request;

    *selection = (struct selection){.reading = reading};
    TRY(query_int(request, "limit", PAGE_DEFAULT, 1, PAGE_MAX, &selection->limit, err));
    TRY(read_states(http_query(request, "state"), &selection->states, err));
    TRY(read_source(http_query(request, "source"), &selection->source, err));
    selection->worker = http_query(request, "worker");
    TRY(read_sort(http_query(request, "sort"), selection, err));
    return read_cursor(http_query(request, "cursor"), selection, err);
}

static bool is_selected(const struct selection *selection, const struct trial_row *row)
{
    return (selection->source < 0 || (int)row->source == selection->source)
           && (selection->worker == NULL || strcmp(row->worker, selection->worker) == 0);
}

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
    if (is_selected(selection, row)) {
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
    json_auto_t *metrics = row->metrics == NULL ? NULL : json_loads(row->metrics, 0, NULL);
    const json_t *value = json_object_get(metrics, selection->metric);
    return value == NULL || !json_is_number_like(value) ? (double)NAN : json_number_like(value);
}

static int rank_row(void *context, struct trial_row *row, struct err *err)
{
    struct ranking *ranking = context;
    const struct selection *selection = ranking->selection;

    (void)err;
    if (!trial_state_is_final(row->state) || row->ended_seq > ranking->until_seq
        || !is_selected(selection, row)) {
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
        write_place(cursor, ranking->until_seq, &ranking->places[n - 1]);
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

    TRY(read_selection(reading, &selection, err));
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

/* ---- measurements: one item per step and attempt ---- */

struct measured {
    int64_t step, attempt, metric;
    double value;
};

struct measured_list {
    size_t n, cap;
    struct measured *items;
    size_t n_names; /* metrics by id, as the store has them now: the view may lag */
    char (*names)[NAME_BYTES + 1];
    int64_t after_step, after_attempt; /* from the cursor; -1 */
};

static int compare_measured(const void *a, const void *b)
{
    const struct measured *x = a;
    const struct measured *y = b;

    if (x->step != y->step) {
        return x->step < y->step ? -1 : 1;
    }
    if (x->attempt != y->attempt) {
        return x->attempt < y->attempt ? -1 : 1;
    }
    return x->metric < y->metric ? -1 : x->metric > y->metric ? 1 : 0;
}

static int collect(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                   struct err *err)
{
    struct measured_list *list = context;

    if (step < list->after_step || (step == list->after_step && attempt <= list->after_attempt)) {
        return 0;
    }
    if (list->n == list->cap) {
        size_t cap = list->cap == 0 ? 256 : list->cap * 2;
        struct measured *items = realloc(list->items, cap * sizeof *items);
        if (items == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory for measurements");
        }
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] =
        (struct measured){.step = step, .attempt = attempt, .metric = metric, .value = value};
    return 0;
}

static int collect_name(void *context, int64_t id, const char *name, struct err *err)
{
    struct measured_list *list = context;

    if (id < 0 || id >= METRICS_MAX) {
        return 0;
    }
    if (list->names == NULL) {
        list->names = calloc(METRICS_MAX, sizeof *list->names);
        if (list->names == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory for metrics");
        }
    }
    (void)snprintf(list->names[id], sizeof list->names[id], "%s", name);
    list->n_names = list->n_names > (size_t)id + 1 ? list->n_names : (size_t)id + 1;
    return 0;
}

static const char *name_of(const struct measured_list *list, int64_t metric)
{
    return metric >= 0 && metric < (int64_t)list->n_names ? list->names[metric] : "";
}

static void write_group(struct listing *listing, const struct measured_list *list,
                        const struct measured *items, size_t n)
{
    struct json_writer *w = listing_item(listing);

    json_object_begin(w);
    json_put_int(w, "attempt", items[0].attempt);
    json_put_int(w, "step", items[0].step);
    json_write_key(w, "metrics");
    json_object_begin(w);
    for (size_t i = 0; i < n; i++) {
        json_put_number(w, name_of(list, items[i].metric), items[i].value);
    }
    json_object_end(w);
    json_object_end(w);
    listing_item_end(listing);
}

/* A sheet has a column for each metric. */
static void write_group_cells(struct listing *listing, const struct measured_list *list,
                              const struct measured *items, size_t n)
{
    size_t at = 0;

    sheet_int(&listing->sheet, items[0].attempt);
    sheet_int(&listing->sheet, items[0].step);
    for (size_t metric = 0; metric < list->n_names; metric++) {
        if (at < n && items[at].metric == (int64_t)metric) {
            sheet_number(&listing->sheet, items[at++].value);
        } else {
            sheet_text(&listing->sheet, "");
        }
    }
    listing->n++;
}

static void write_groups(struct listing *listing, const struct measured_list *list, int64_t limit)
{
    char cursor[CURSOR_BYTES] = "";
    size_t at = 0;

    while (at < list->n && (int64_t)listing->n < limit) {
        size_t n = 1;
        while (at + n < list->n && list->items[at + n].step == list->items[at].step
               && list->items[at + n].attempt == list->items[at].attempt) {
            n++;
        }
        (listing->is_sheet ? write_group_cells : write_group)(listing, list, &list->items[at], n);
        (void)snprintf(cursor, sizeof cursor, "m%" PRId64 "_%" PRId64, list->items[at].step,
                       list->items[at].attempt);
        at += n;
    }
    listing_end(listing, at < list->n ? cursor : NULL);
}

static int find_metric(const struct measured_list *list, const char *name, int64_t *metric,
                       struct err *err)
{
    *metric = -1;
    if (name == NULL) {
        return 0;
    }
    for (size_t i = 0; i < list->n_names; i++) {
        if (strcmp(list->names[i], name) == 0) {
            *metric = (int64_t)i;
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "nobody has measured \"%.64s\" in this study", name);
}

static int read_measured_cursor(const struct reading *reading, struct measured_list *list,
                                struct err *err)
{
    const char *text = http_query(reading->request, "cursor");
    int used = 0;

    list->after_step = -1;
    list->after_attempt = -1;
    if (text != NULL
        && (sscanf(text, "m%" SCNd64 "_%" SCNd64 "%n", &list->after_step, &list->after_attempt,
                   &used)
                != 2
            || text[used] != '\0')) {
        return bad_cursor(err);
    }
    return 0;
}

static int load_measured(const struct reading *reading, struct measured_list *list, struct err *err)
{
    int64_t id = trial_id(reading->study->id, reading->trial);
    int64_t metric;

    TRY(store_each_metric(reading->store, reading->study->id, collect_name, list, err));
    TRY(find_metric(list, http_query(reading->request, "metric"), &metric, err));
    TRY(store_each_measurement(reading->store, id, metric, collect, list, err));
    if (list->n > 0) {
        qsort(list->items, list->n, sizeof list->items[0], compare_measured);
    }
    return 0;
}

static void write_measured(struct reading *reading, const struct measured_list *list, int64_t limit)
{
    OWN(listing) struct listing listing = {0};

    listing_begin(&listing, reading);
    sheet_column(&listing.sheet, "attempt");
    sheet_column(&listing.sheet, "step");
    for (size_t i = 0; i < list->n_names; i++) {
        sheet_column(&listing.sheet, list->names[i]);
    }
    write_groups(&listing, list, limit);
}

static int read_measurements(struct reading *reading, struct err *err)
{
    OWN(trial_row) struct trial_row row = {0};
    struct measured_list list = {0};
    int64_t limit;

    TRY(query_int(reading->request, "limit", PAGE_DEFAULT, 1, PAGE_MAX, &limit, err));
    TRY(read_measured_cursor(reading, &list, err));
    TRY(store_trial_load(reading->store, trial_id(reading->study->id, reading->trial), &row, err));
    int result = load_measured(reading, &list, err);
    if (result == 0) {
        write_measured(reading, &list, limit);
    }
    free(list.items);
    free(list.names);
    return result;
}

/* ---- attempts ---- */

static void put_raw_or_null(struct json_writer *w, const char *key, const char *json)
{
    if (json == NULL) {
        json_put_null(w, key);
    } else {
        json_put_raw(w, key, json, strlen(json));
    }
}

static void put_int_or_null(struct json_writer *w, const char *key, bool present, int64_t value)
{
    if (present) {
        json_put_int(w, key, value);
    } else {
        json_put_null(w, key);
    }
}

static void write_attempt(struct json_writer *w, const struct attempt_row *row)
{
    json_object_begin(w);
    json_put_int(w, "attempt", row->number);
    json_put_string(w, "worker", row->worker_name);
    json_put_string(w, "state", attempt_end_name(row->end));
    json_put_string(w, "reason", row->reason[0] == '\0' ? NULL : row->reason);
    json_put_string(w, "detail", row->detail);
    json_put_int(w, "from", row->from);
    put_int_or_null(w, "to", row->to > 0, row->to);
    put_int_or_null(w, "step", row->has_step, row->step);
    json_put_bool(w, "late", row->late);
    put_raw_or_null(w, "checkpoint", row->checkpoint);
    put_raw_or_null(w, "usage", row->usage);
    json_put_moment(w, "started_at", row->leased_at_ms);
    json_put_moment(w, "ended_at", row->ended_at_ms == 0 ? -1 : row->ended_at_ms);
    json_object_end(w);
}

static int attempt_item(void *context, struct attempt_row *row, struct err *err)
{
    struct listing *listing = context;
    struct sheet *sheet = &listing->sheet;

    (void)err;
    if (!listing->is_sheet) {
        write_attempt(listing_item(listing), row);
        listing_item_end(listing);
        return 0;
    }
    sheet_int(sheet, row->number);
    sheet_text(sheet, row->worker_name);
    sheet_text(sheet, attempt_end_name(row->end));
    sheet_text(sheet, row->reason);
    sheet_int(sheet, row->from);
    sheet_int(sheet, row->to);
    sheet_int(sheet, row->has_step ? row->step : row->from);
    sheet_moment(sheet, row->leased_at_ms);
    sheet_moment(sheet, row->ended_at_ms);
    return 0;
}

static int read_attempts(struct reading *reading, struct err *err)
{
    static const char *const columns[] = {"attempt", "worker", "state",      "reason",  "from",
                                          "to",      "step",   "started_at", "ended_at"};
    OWN(listing) struct listing listing = {0};
    OWN(trial_row) struct trial_row row = {0};
    int64_t id = trial_id(reading->study->id, reading->trial);

    TRY(store_trial_load(reading->store, id, &row, err));
    listing_begin(&listing, reading);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        sheet_column(&listing.sheet, columns[i]);
    }
    TRY(store_each_attempt(reading->store, id, attempt_item, &listing, err));
    listing_end(&listing, NULL);
    return 0;
}

/* ---- handlers ---- */

static const char *const trials_query[] = {"limit",  "cursor", "sort", "state",
                                           "source", "worker", NULL};
static const char *const measurements_query[] = {"limit", "cursor", "metric", NULL};

READING_HANDLER(get_trials, FORMATS_LIST, trials_query, read_trials)
READING_HANDLER(get_trial, FORMATS_ONE, NULL, read_trial)
READING_HANDLER(get_measurements, FORMATS_LIST, measurements_query, read_measurements)
READING_HANDLER(get_attempts, FORMATS_LIST, NULL, read_attempts)
