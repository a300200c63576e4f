#include "server/tuning/past.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/strategy/forecast.h"

/* ---- curves ---- */

void learning_curve_finish(struct learning_curve *curve)
{
    free(curve->points);
    curve->points = NULL;
    curve->n = 0;
    curve->cap = 0;
}

/* Does no model look at the earlier step once the later one is there? */
static bool is_covered(const struct study_def *study, int64_t earlier, int64_t later)
{
    int64_t levels[64];
    size_t n = forecast_levels(study, 3.0, levels);

    for (size_t i = 0; i < n; i++) {
        if (earlier <= levels[i] && levels[i] < later) {
            return false;
        }
    }
    return true;
}

int learning_curve_add(struct learning_curve *curve, int64_t step, double value, struct err *err)
{
    for (size_t i = curve->n; i-- > 0 && curve->points[i].step >= step;) {
        if (curve->points[i].step == step) {
            curve->points[i].value = value;
        }
    }
    if (curve->n > 0 && curve->points[curve->n - 1].step >= step) {
        return 0;
    }
    if (curve->n > 0 && is_covered(curve->study, curve->points[curve->n - 1].step, step)) {
        curve->points[curve->n - 1] = (struct curve_point){step, value};
        return 0;
    }
    if (curve->n == curve->cap) {
        size_t cap = curve->cap == 0 ? 8 : curve->cap * 2;
        struct curve_point *grown = realloc(curve->points, cap * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        curve->points = grown;
        curve->cap = cap;
    }
    curve->points[curve->n++] = (struct curve_point){step, value};
    return 0;
}

/* ---- the past ---- */

struct past *past_create(struct shared_def *def)
{
    struct past *past = calloc(1, sizeof *past);

    if (past != NULL) {
        atomic_init(&past->holders, 1);
        past->def = shared_def_hold(def);
    }
    return past;
}

struct past *past_hold(struct past *past)
{
    atomic_fetch_add_explicit(&past->holders, 1, memory_order_relaxed);
    return past;
}

/* The arrays give up constness only here, where they are owned. */
static void release(const void *owned)
{
    union {
        const void *borrowed;
        void *plain;
    } same = {owned};

    free(same.plain);
}

void past_destroy(struct past *past)
{
    if (past == NULL || atomic_fetch_sub_explicit(&past->holders, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < past->n; i++) {
        release(past->items[i].x);
        release(past->items[i].curve);
    }
    for (size_t i = 0; i < past->n_fits; i++) {
        release(past->fits[i].data);
    }
    free(past->items);
    free(past->fits);
    sources_finish(&past->sources);
    shared_def_destroy(past->def);
    free(past);
}

/* Room for one more element of `size` bytes. */
static int reserve(void *array, size_t n, size_t *cap, size_t size, struct err *err)
{
    void **items = array;

    if (n < *cap) {
        return 0;
    }
    size_t grown_cap = *cap == 0 ? 16 : *cap * 2;
    void *grown = realloc(*items, grown_cap * size);
    if (grown == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *items = grown;
    *cap = grown_cap;
    return 0;
}

/* Does this end inform the strategy, and as what? */
static bool kind_of(const struct trial_row *row, enum observation_kind *kind)
{
    switch (row->state) {
    case TRIAL_COMPLETED:
        *kind = OBSERVED_COMPLETED;
        return true;
    case TRIAL_PRUNED:
        *kind = OBSERVED_PRUNED;
        return true;
    case TRIAL_INFEASIBLE:
        *kind = OBSERVED_INFEASIBLE;
        return true;
    case TRIAL_FAILED:
        *kind = OBSERVED_FAILED;
        return strcmp(row->reason, "lost") != 0;
    case TRIAL_QUEUED:
    case TRIAL_RUNNING:
    case TRIAL_PAUSED:
    case TRIAL_CANCELLED:
    case TRIAL_STATE_COUNT:
    default:
        return false;
    }
}

int past_append(struct past *past, const struct trial_row *row, const struct curve_point *curve,
                size_t n_curve, struct err *err)
{
    enum observation_kind kind;
    size_t bytes = row->n_params * sizeof(double);

    if (!kind_of(row, &kind)) {
        return 0;
    }
    TRY(reserve(&past->items, past->n, &past->cap, sizeof *past->items, err));
    double *x = malloc(bytes + 1);
    struct curve_point *points = malloc(n_curve * sizeof *points + 1);
    if (x == NULL || points == NULL) {
        free(x);
        free(points);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(x, row->config, bytes);
    if (n_curve > 0) {
        memcpy(points, curve, n_curve * sizeof *points);
    }
    past->items[past->n++] = (struct observation){
        .number = trial_id_number(row->id),
        .ordinal = row->ordinal,
        .kind = kind,
        .x = x,
        .value = row->has_value ? row->value : (double)NAN,
        .step = row->has_step ? row->step : 0,
        .n_curve = n_curve,
        .curve = points,
    };
    return 0;
}

int past_add_fit(struct past *past, uint64_t n_seen, const void *data, size_t bytes,
                 struct err *err)
{
    TRY(reserve(&past->fits, past->n_fits, &past->cap_fits, sizeof *past->fits, err));
    void *copy = malloc(bytes + 1);
    if (copy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(copy, data, bytes);
    past->fits[past->n_fits++] = (struct fit){.n_seen = n_seen, .bytes = bytes, .data = copy};
    return 0;
}

void past_set_sources(struct past *past, struct sources *sources)
{
    sources_finish(&past->sources);
    past->sources = *sources;
    *sources = (struct sources){0};
}

int snapshot_init(struct snapshot *snapshot, struct past *past, size_t n_pending, struct err *err)
{
    struct snapshot made = {.cap = past->n + n_pending, .n_done = past->n};
    size_t n_params = past->def->def->space->n_params;

    made.items = malloc(made.cap * sizeof *made.items + 1);
    made.fits = malloc(past->n_fits * sizeof *made.fits + 1);
    made.pending = malloc(n_pending * n_params * sizeof(double) + 1);
    if (made.items == NULL || made.fits == NULL || made.pending == NULL) {
        free(made.items);
        free(made.fits);
        free(made.pending);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (past->n > 0) {
        memcpy(made.items, past->items, past->n * sizeof *made.items);
    }
    if (past->n_fits > 0) {
        memcpy(made.fits, past->fits, past->n_fits * sizeof *made.fits);
    }
    made.past = past_hold(past);
    made.history = (struct history){
        .n = past->n,
        .items = made.items,
        .version = past->n,
        .n_fits = past->n_fits,
        .fits = made.fits,
        .n_sources = past->sources.n,
        .sources = past->sources.items,
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
    past_destroy(snapshot->past);
    *snapshot = (struct snapshot){0};
}

/* An observation that is not in the past; the caller's x is copied. */
static void add_open(struct snapshot *snapshot, struct observation seen)
{
    size_t n_params = snapshot->past->def->def->space->n_params;
    double *copy = snapshot->pending + (snapshot->history.n - snapshot->n_done) * n_params;

    if (snapshot->history.n == snapshot->cap) {
        return; /* the caller counted wrong; a pending one less is no harm */
    }
    memcpy(copy, seen.x, n_params * sizeof *copy);
    seen.x = copy;
    snapshot->items[snapshot->history.n++] = seen;
}

void snapshot_renew_fits(struct snapshot *snapshot)
{
    const struct past *past = snapshot->past;
    struct fit *fits;

    if (past->n_fits == snapshot->history.n_fits) {
        return;
    }
    fits = malloc(past->n_fits * sizeof *fits);
    if (fits == NULL) {
        return;
    }
    memcpy(fits, past->fits, past->n_fits * sizeof *fits);
    free(snapshot->fits);
    snapshot->fits = fits;
    snapshot->history.fits = fits;
    snapshot->history.n_fits = past->n_fits;
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
    struct curve_point *to = snapshot->points + snapshot->n_points;

    if (curve->n == 0 || curve->n > snapshot->cap_points - snapshot->n_points) {
        return;
    }
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
                           .x = x,
                           .value = (double)NAN,
                       });
}

void snapshot_add_running(struct snapshot *snapshot, const struct trial_row *row,
                          const struct learning_curve *curve)
{
    struct observation seen = {
        .number = trial_id_number(row->id),
        .ordinal = row->ordinal,
        .kind = OBSERVED_PENDING,
        .x = row->config,
        .value = (double)NAN,
    };

    add_curve(snapshot, curve, &seen);
    add_open(snapshot, seen);
}

void snapshot_add_paused(struct snapshot *snapshot, const struct trial_row *row,
                         const struct learning_curve *curve)
{
    struct observation seen = {
        .number = trial_id_number(row->id),
        .ordinal = row->ordinal,
        .kind = OBSERVED_PRUNED,
        .x = row->config,
        .value = row->value,
        .step = row->has_step ? row->step : 0,
    };

    add_curve(snapshot, curve, &seen);
    add_open(snapshot, seen);
}
