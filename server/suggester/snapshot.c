#include "server/suggester/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "server/suggester/observation.h"

int snapshot_init(struct snapshot *snapshot, struct trial_history *history, size_t n_pending,
                  struct err *err)
{
    struct snapshot made = {.cap = history->n + n_pending, .n_done = history->n};
    const struct study_def *def = history->def->def;

    made.items = malloc(made.cap * sizeof *made.items + 1);
    made.fits = malloc(history->n_fits * sizeof *made.fits + 1);
    made.pending = malloc(n_pending * (def->space->n_params + def->n_objectives + def->n_bounds)
                              * sizeof(double)
                          + 1);
    if (made.items == NULL || made.fits == NULL || made.pending == NULL) {
        free(made.items);
        free(made.fits);
        free(made.pending);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (history->n > 0) {
        memcpy(made.items, history->items, history->n * sizeof *made.items);
    }
    if (history->n_fits > 0) {
        memcpy(made.fits, history->fits, history->n_fits * sizeof *made.fits);
    }
    made.source = trial_history_hold(history);
    made.history = (struct history){
        .n = history->n,
        .items = made.items,
        .n_fits = history->n_fits,
        .fits = made.fits,
        .n_sources = history->sources.n,
        .sources = history->sources.items,
    };
    *snapshot = made;
    return 0;
}

void snapshot_finish(struct snapshot *snapshot)
{
    free(snapshot->items);
    free(snapshot->fits);
    free(snapshot->pending);
    free(snapshot->points);
    trial_history_destroy(snapshot->source);
    *snapshot = (struct snapshot){0};
}

/* An observation that is not in the history; the caller's numbers are copied. */
static void add_open(struct snapshot *snapshot, struct observation seen)
{
    size_t n_params = snapshot->source->def->def->space->n_params;

    if (snapshot->history.n == snapshot->cap) {
        return; /* the caller counted wrong; a pending one less is no harm */
    }
    observation_move_to(&seen, n_params, snapshot->pending + snapshot->n_numbers);
    snapshot->n_numbers += n_params + seen.n_values + seen.n_bounded;
    snapshot->items[snapshot->history.n++] = seen;
}

void snapshot_renew_fits(struct snapshot *snapshot)
{
    const struct trial_history *history = snapshot->source;
    struct fit *fits;

    if (history->n_fits == snapshot->history.n_fits) {
        return;
    }
    fits = malloc(history->n_fits * sizeof *fits);
    if (fits == NULL) {
        return;
    }
    memcpy(fits, history->fits, history->n_fits * sizeof *fits);
    free(snapshot->fits);
    snapshot->fits = fits;
    snapshot->history.fits = fits;
    snapshot->history.n_fits = history->n_fits;
}

int snapshot_reserve_points(struct snapshot *snapshot, size_t n, struct err *err)
{
    snapshot->points = malloc(n * sizeof *snapshot->points + 1);
    snapshot->cap_points = n;
    return snapshot->points == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

/* The caller's curve is copied; none where there is no room. */
static void add_curve(struct snapshot *snapshot, const struct learning_curve *curve,
                      struct observation *seen)
{
    if (curve->n == 0 || curve->n > snapshot->cap_points - snapshot->n_points) {
        return;
    }
    struct curve_point *to = snapshot->points + snapshot->n_points;
    memcpy(to, curve->points, curve->n * sizeof *to);
    snapshot->n_points += curve->n;
    seen->curve = to;
    seen->n_curve = curve->n;
}

void snapshot_add_pending(struct snapshot *snapshot, uint64_t ordinal, const double x[])
{
    add_open(snapshot, (struct observation){
                           .ordinal = ordinal,
                           .kind = OBSERVED_PENDING,
                           .config = x,
                       });
}

void snapshot_add_open(struct snapshot *snapshot, const struct trial_row *row,
                       const struct learning_curve *curve)
{
    struct observation seen;

    observation_of_open(row, &seen);
    add_curve(snapshot, curve, &seen);
    add_open(snapshot, seen);
}
