#include "server/api/value_order.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "common/array.h"

/* Signed so that smaller ones come first, whatever the direction. */
struct ranked_trial {
    double cost;
    int64_t level;
    int64_t ended_seq;
    uint32_t number;
    unsigned char rank, state, source;
};

struct ranking {
    struct ranked_trial *items;
    size_t n, cap;
};

struct value_order {
    struct value_order_kind kind;
    bool is_made;
    int64_t revision; /* of the study, whose definition says what is best */
    int64_t seq;      /* the trials are as they were with this event */
    struct ranking places;
};

struct value_order *value_order_create(const struct value_order_kind *kind)
{
    struct value_order *order = calloc(1, sizeof *order);

    if (order != NULL) {
        order->kind = *kind;
    }
    return order;
}

void value_order_destroy(struct value_order *order)
{
    if (order != NULL) {
        free(order->places.items);
        free(order);
    }
}

bool value_order_is(const struct value_order *order, const struct value_order_kind *kind)
{
    const struct value_order_kind *own = &order->kind;

    return own->study == kind->study && own->sort == kind->sort && own->maximize == kind->maximize
           && own->reverse == kind->reverse && strcmp(own->metric, kind->metric) == 0;
}

size_t value_order_bytes(const struct value_order *order)
{
    return sizeof *order + order->places.cap * sizeof(struct ranked_trial);
}

/* ---- places ---- */

static int compare(const void *a, const void *b)
{
    const struct ranked_trial *left = a;
    const struct ranked_trial *right = b;

    if (left->rank != right->rank) {
        return left->rank < right->rank ? -1 : 1;
    }
    if (left->level != right->level) {
        return left->level < right->level ? -1 : 1;
    }
    if (left->cost < right->cost || left->cost > right->cost) {
        return left->cost < right->cost ? -1 : 1;
    }
    return (left->number > right->number) - (left->number < right->number);
}

static struct ranked_trial place_of_key(const struct value_order *order, const struct sort_key *key)
{
    return (struct ranked_trial){.rank = (unsigned char)key->rank,
                                 .level = order->kind.reverse ? key->level : -key->level,
                                 .cost = order->kind.reverse ? -key->cost : key->cost,
                                 .number = (uint32_t)key->number};
}

static struct sort_key key_of_place(const struct value_order *order,
                                    const struct ranked_trial *place)
{
    return (struct sort_key){.rank = place->rank,
                             .level = order->kind.reverse ? place->level : -place->level,
                             .cost = order->kind.reverse ? -place->cost : place->cost,
                             .number = place->number};
}

static struct ranked_trial place_of_row(const struct value_order *order,
                                        const struct trial_value_row *row)
{
    const bool has_value = isfinite(row->value);
    const struct sort_key key = {.rank = has_value ? 0 : 1,
                                 .level = has_value ? row->level : 0,
                                 .cost = !has_value             ? 0
                                         : order->kind.maximize ? -row->value
                                                                : row->value,
                                 .number = row->number};
    struct ranked_trial place = place_of_key(order, &key);

    place.ended_seq = row->ended_seq;
    place.state = (unsigned char)row->state;
    place.source = (unsigned char)row->source;
    return place;
}

/* What an update reads. */
struct order_update {
    struct store *reader;
    const struct live_study_view *study;
};

/* Adds places, in no order yet. */
struct row_target {
    const struct value_order *order;
    struct ranking *to;
};

static int add_row(void *context, const struct trial_value_row *row, struct err *err)
{
    const struct row_target *addition = context;
    struct ranking *to = addition->to;

    TRY(array_reserve(&to->items, to->n, &to->cap, sizeof *to->items, err));
    to->items[to->n++] = place_of_row(addition->order, row);
    return 0;
}

static int add_trials(const struct value_order *order, const struct order_update *source,
                      int64_t number, struct ranking *to, struct err *err)
{
    const struct value_order_kind *kind = &order->kind;
    const struct trial_value_query query = {
        .study = kind->study,
        .trial = number,
        .metric = kind->sort == SORT_BY_METRIC ? kind->metric : NULL,
        .best_of = kind->sort == SORT_BY_BEST ? source->study->def->def : NULL};
    struct row_target addition = {order, to};

    return store_each_trial_value(source->reader, &query, add_row, &addition, err);
}

static void sort(struct ranking *places)
{
    if (places->n > 0) {
        qsort(places->items, places->n, sizeof *places->items, compare);
    }
}

/* ---- the trials that have changed ---- */

struct changes {
    uint32_t *numbers; /* ascending, each once, after settle() */
    size_t n, cap;
    struct ranking places; /* of those that have one now */
};

static void changes_finish(struct changes *changes)
{
    free(changes->numbers);
    free(changes->places.items);
}
OWN_VALUE(changes)

static int note_event(void *context, const struct event_row *event, struct err *err)
{
    struct changes *changes = context;

    if (event->trial != 0) {
        TRY(array_reserve(&changes->numbers, changes->n, &changes->cap, sizeof *changes->numbers,
                          err));
        changes->numbers[changes->n++] = (uint32_t)event->trial;
    }
    return 0;
}

static int by_size(const void *a, const void *b)
{
    const uint32_t *left = a;
    const uint32_t *right = b;

    return (*left > *right) - (*left < *right);
}

static void settle(struct changes *changes)
{
    size_t n = 0;

    if (changes->n == 0) {
        return;
    }
    qsort(changes->numbers, changes->n, sizeof *changes->numbers, by_size);
    for (size_t i = 0; i < changes->n; i++) {
        if (n == 0 || changes->numbers[i] != changes->numbers[n - 1]) {
            changes->numbers[n++] = changes->numbers[i];
        }
    }
    changes->n = n;
}

static void remove_changed(struct ranking *places, const struct changes *changes)
{
    size_t n = 0;

    for (size_t i = 0; i < places->n; i++) {
        if (bsearch(&places->items[i].number, changes->numbers, changes->n,
                    sizeof *changes->numbers, by_size)
            == NULL) {
            places->items[n++] = places->items[i];
        }
    }
    places->n = n;
}

/* Both are in order; afterwards all of them are in `places`. */
static int merge(struct ranking *places, const struct ranking *from, struct err *err)
{
    size_t i = places->n;
    size_t j = from->n;

    for (size_t n = 0; n < from->n; n++, places->n++) {
        TRY(array_reserve(&places->items, places->n, &places->cap, sizeof *places->items, err));
    }
    for (size_t to = places->n; j > 0; to--) {
        bool is_old = i > 0 && compare(&places->items[i - 1], &from->items[j - 1]) > 0;
        places->items[to - 1] = is_old ? places->items[--i] : from->items[--j];
    }
    return 0;
}

static int follow_events(struct value_order *order, const struct order_update *source,
                         struct err *err)
{
    OWN(changes) struct changes changes = {0};
    int64_t looked_at;

    TRY(store_each_event(source->reader, order->kind.study, order->seq, INT_MAX, note_event,
                         &changes, &looked_at, err));
    settle(&changes);
    if (changes.n == 0) {
        return 0;
    }
    for (size_t i = 0; i < changes.n; i++) {
        TRY(add_trials(order, source, changes.numbers[i], &changes.places, err));
    }
    sort(&changes.places);
    remove_changed(&order->places, &changes);
    return merge(&order->places, &changes.places, err);
}

/* ---- the order ---- */

static int make(struct value_order *order, const struct order_update *source, struct err *err)
{
    order->places.n = 0;
    TRY(add_trials(order, source, 0, &order->places, err));
    sort(&order->places);
    order->revision = source->study->row.revision;
    return 0;
}

/* Is it less to look at the events since then, which are all there, than at all trials? */
static bool may_follow(const struct value_order *order, const struct live_study_view *study,
                       int64_t last, int64_t purged)
{
    return order->is_made && order->revision == study->row.revision && purged <= order->seq
           && order->seq <= last && last - order->seq <= (int64_t)order->places.n / 4 + 100;
}

int value_order_update(struct value_order *order, struct store *reader,
                       const struct live_study_view *study, int64_t *seq, struct err *err)
{
    const struct order_update source = {reader, study};
    int64_t purged;

    TRY(store_last_seq(reader, seq, err));
    TRY(store_events_purged(reader, &purged, err));
    bool follows = may_follow(order, study, *seq, purged);
    order->is_made = false; /* until all is done */
    TRY(follows ? follow_events(order, &source, err) : make(order, &source, err));
    order->is_made = true;
    order->seq = *seq;
    return 0;
}

static size_t first_behind(const struct value_order *order, const struct sort_key *key)
{
    const struct ranked_trial sought = place_of_key(order, key);
    size_t low = 0;
    size_t high = order->places.n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&order->places.items[middle], &sought) > 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

size_t value_order_find(const struct value_order *order, const struct value_filter *filter,
                        size_t limit, struct sort_key keys[])
{
    const struct ranking *places = &order->places;
    size_t n = 0;

    for (size_t i = filter->after == NULL ? 0 : first_behind(order, filter->after);
         i < places->n && n < limit; i++) {
        const struct ranked_trial *place = &places->items[i];
        if ((filter->states == 0 || (filter->states >> place->state & 1) != 0)
            && (filter->source < 0 || filter->source == place->source)
            && place->ended_seq <= filter->until_seq) {
            keys[n++] = key_of_place(order, place);
        }
    }
    return n;
}
