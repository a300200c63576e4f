#include "server/replay/past.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "server/store/decisions.h"
#include "server/suggester/observation.h"

void past_finish(struct past *past)
{
    for (size_t i = 0; i < past->n_curves; i++) {
        learning_curve_finish(&past->curves[i]);
    }
    free(past->items);
    free(past->rows);
    free(past->curves);
    *past = (struct past){0};
}

const struct record_event *past_event(const struct record_trial *trial, int64_t seq)
{
    size_t low = 0;
    size_t high = trial->n_events;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (trial->events[middle].seq <= seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low == 0 ? NULL : &trial->events[low - 1];
}

/* ---- rows as they stood ---- */

static int compare_standing(const void *key, const void *item)
{
    const struct record_event *event = key;
    const struct standing_row *row = item;
    int64_t number = trial_id_number(row->trial);

    return event->trial != number ? (event->trial > number) - (event->trial < number)
                                  : (event->seq > row->seq) - (event->seq < row->seq);
}

/* *row ← how the trial stood after its event; false: it had ended and told nothing. */
static bool read_row(const struct study_record *record, const struct record_trial *trial,
                     const struct record_event *event, struct trial_row *row)
{
    const struct standing_row *standing = NULL;

    *row = trial->row;
    if (record->n_standings > 0) {
        standing = bsearch(event, record->standings, record->n_standings, sizeof *record->standings,
                           compare_standing);
    }
    if (event->kind == EVENT_TRIAL_ENDED && event->seq == trial->row.ended_seq) {
        return true;
    }
    row->reason[0] = '\0';
    row->n_values = 0;
    row->n_bounded = 0;
    row->state = TRIAL_RUNNING;
    if (standing != NULL) {
        row->state = standing->state;
        row->has_step = standing->has_step;
        row->step = standing->step;
        row->n_values = standing->n_values;
        memcpy(row->values, standing->values, sizeof row->values);
        row->n_bounded = standing->n_bounded;
        memcpy(row->bounded, standing->bounded, sizeof row->bounded);
    }
    return event->kind != EVENT_TRIAL_ENDED || standing != NULL;
}

/* ---- curves ---- */

/* The curve of a trial as far as its attempts before `attempt` tell, and this one up to `reported`.
 */
static int read_curve(const struct record_trial *trial, int64_t attempt, int64_t reported,
                      struct learning_curve *curve, struct err *err)
{
    for (size_t i = 0; i < trial->n_points; i++) {
        const struct record_point *point = &trial->points[i];
        if (point->attempt < attempt || (point->attempt == attempt && point->step <= reported)) {
            TRY(learning_curve_add(curve, point->step, point->value, err));
        }
    }
    return 0;
}

static void show_curve(const struct learning_curve *curve, struct observation *seen)
{
    seen->n_curve = curve->n;
    seen->curve = curve->n > 0 ? curve->points : NULL;
}

/* ---- what was seen ---- */

/* One question. */
struct past_reading {
    const struct study_record *record;
    const struct basis *basis;
    const struct study_def *def;
    struct past *past;
    int64_t *ended; /* of the finished items, in order of trial: the event */
};

static void add_item(struct past *past, const struct observation *seen)
{
    past->items[past->n++] = *seen;
}

static struct learning_curve *next_curve(struct past_reading *reading)
{
    struct past *past = reading->past;
    struct learning_curve *curve = &past->curves[past->n_curves++];

    *curve = (struct learning_curve){.study = reading->def};
    return curve;
}

static int add_ended(struct past_reading *reading, const struct record_trial *trial,
                     const struct record_event *event, const struct trial_row *row, struct err *err)
{
    bool is_last = event->seq == trial->row.ended_seq;
    struct observation seen;

    if (!observation_of_end(row, &seen)) {
        return 0;
    }
    if (reading->def->has_resource) {
        struct learning_curve *curve = next_curve(reading);
        TRY(read_curve(trial, is_last ? INT64_MAX : event->attempt, INT64_MAX, curve, err));
        show_curve(curve, &seen);
    }
    reading->ended[reading->past->n] = event->seq;
    add_item(reading->past, &seen);
    return 0;
}

static int compare_curve(const void *key, const void *item)
{
    const int64_t *number = key;
    const struct basis_curve *curve = item;

    return (*number > curve->trial) - (*number < curve->trial);
}

static int add_open(struct past_reading *reading, const struct record_trial *trial,
                    const struct record_event *event, const struct trial_row *row, struct err *err)
{
    const struct basis *basis = reading->basis;
    const struct basis_curve *kept = NULL;
    struct observation seen;

    observation_of_open(row, &seen);
    if (basis->n_curves > 0) {
        kept = bsearch(&seen.number, basis->curves, basis->n_curves, sizeof *basis->curves,
                       compare_curve);
    }
    if (kept != NULL) {
        struct learning_curve *curve = next_curve(reading);
        TRY(read_curve(trial, event->attempt, kept->reported, curve, err));
        show_curve(curve, &seen);
        if (curve->n != kept->n_points) {
            reading->past->missing = "its reports came in another order than is kept";
        }
        if (trial->replaced_seq > basis->seq) {
            reading->past->missing = "a measurement that it had seen was replaced later";
        }
    }
    add_item(reading->past, &seen);
    return 0;
}

/* The items by their ends, which stand in order of trial. */
struct ended_item {
    int64_t seq;
    struct observation seen;
};

static int by_end(const void *a, const void *b)
{
    int64_t left = ((const struct ended_item *)a)->seq;
    int64_t right = ((const struct ended_item *)b)->seq;

    return (left > right) - (left < right);
}

static int sort_ended(struct past_reading *reading, struct err *err)
{
    struct past *past = reading->past;
    struct ended_item *items = malloc(past->n * sizeof *items + 1);

    if (items == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < past->n; i++) {
        items[i] = (struct ended_item){reading->ended[i], past->items[i]};
    }
    qsort(items, past->n, sizeof *items, by_end);
    for (size_t i = 0; i < past->n; i++) {
        past->items[i] = items[i].seen;
    }
    free(items);
    return 0;
}

/* The finished trials, or the open ones. */
static int add_trials(struct past_reading *reading, bool finished, struct err *err)
{
    const struct study_record *record = reading->record;
    struct past *past = reading->past;

    for (size_t i = 0; i < record->n_trials; i++) {
        const struct record_trial *trial = &record->trials[i];
        const struct record_event *event = past_event(trial, reading->basis->seq);
        if (event == NULL || (event->kind == EVENT_TRIAL_ENDED) != finished) {
            continue;
        }
        struct trial_row *row = &past->rows[past->n_rows];
        if (read_row(record, trial, event, row)) {
            past->n_rows++;
            TRY(finished ? add_ended(reading, trial, event, row, err)
                         : add_open(reading, trial, event, row, err));
        }
    }
    return 0;
}

/* Configurations that had been suggested and were no trials yet. */
static void add_suggested(struct past_reading *reading)
{
    const struct study_record *record = reading->record;
    const struct basis *basis = reading->basis;
    size_t at = 0;

    for (size_t i = 0; i < basis->n_suggested; i++) {
        uint64_t ordinal = basis->suggested[i];
        size_t n = 0;
        while (n < record->n_trials && record->trials[at].row.ordinal != ordinal) {
            at = at + 1 < record->n_trials ? at + 1 : 0; /* the next one is near, most often */
            n++;
        }
        if (n == record->n_trials) {
            reading->past->missing = "a suggestion that it had seen never became a trial";
            return;
        }
        add_item(reading->past, &(const struct observation){
                                    .ordinal = ordinal,
                                    .kind = OBSERVED_PENDING,
                                    .config = record->trials[at].row.config,
                                });
    }
}

static int read_all(struct past_reading *reading, struct err *err)
{
    const struct study_record *record = reading->record;
    const struct basis *basis = reading->basis;
    struct past *past = reading->past;

    TRY(add_trials(reading, true, err));
    TRY(sort_ended(reading, err));
    TRY(add_trials(reading, false, err));
    add_suggested(reading);
    if (basis->n_fits > record->n_fits) {
        past->missing = "a fit of the model that it had used is missing";
    }
    for (size_t i = 0; i < record->n_definitions; i++) {
        const struct record_definition *definition = &record->definitions[i];
        if (basis->n_fits > 0 && definition->until_seq >= basis->seq && !definition->same_space) {
            past->missing = "the space was changed later, and the fits of the model with it";
        }
    }
    past->history = (struct history){
        .n = past->n,
        .items = past->items,
        .n_fits = basis->n_fits < record->n_fits ? basis->n_fits : record->n_fits,
        .fits = record->fits,
        .n_sources = record->sources.n,
        .sources = record->sources.items,
    };
    return 0;
}

int past_read(const struct study_record *record, const struct basis *basis, struct past *past,
              struct err *err)
{
    size_t n = record->n_trials;
    OWN(memory) int64_t *ended = malloc(n * sizeof *ended + 1);
    OWN(past)
    struct past made = {
        .items = malloc((n + basis->n_suggested) * sizeof *made.items + 1),
        .rows = malloc((n + 1) * sizeof *made.rows),
        .curves = malloc(n * sizeof *made.curves + 1),
    };
    struct past_reading reading = {.record = record,
                                   .basis = basis,
                                   .def = study_record_def_at(record, basis->seq)->def->def,
                                   .past = &made,
                                   .ended = ended};

    if (ended == NULL || made.items == NULL || made.rows == NULL || made.curves == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(read_all(&reading, err));
    *past = made;
    made = (struct past){0};
    return 0;
}
