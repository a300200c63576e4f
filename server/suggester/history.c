#include "server/suggester/history.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "server/suggester/observation.h"

struct trial_history *trial_history_create(struct shared_def *def)
{
    struct trial_history *history = calloc(1, sizeof *history);

    if (history != NULL) {
        atomic_init(&history->holders, 1);
        history->def = shared_def_hold(def);
    }
    return history;
}

struct trial_history *trial_history_hold(struct trial_history *history)
{
    atomic_fetch_add_explicit(&history->holders, 1, memory_order_relaxed);
    return history;
}

void trial_history_destroy(struct trial_history *history)
{
    if (history == NULL
        || atomic_fetch_sub_explicit(&history->holders, 1, memory_order_acq_rel) != 1) {
        return;
    }
    for (size_t i = 0; i < history->n; i++) {
        observation_release(&history->items[i]);
        release_const(history->items[i].curve);
    }
    for (size_t i = 0; i < history->n_fits; i++) {
        release_const(history->fits[i].data);
    }
    free(history->items);
    free(history->fits);
    sources_finish(&history->sources);
    shared_def_destroy(history->def);
    free(history);
}

int trial_history_append(struct trial_history *history, const struct trial_row *row,
                         const struct curve_point *curve, size_t n_curve, struct err *err)
{
    struct observation seen;

    if (!observation_of_end(row, &seen)) {
        return 0;
    }
    seen.n_curve = n_curve;
    TRY(array_reserve(&history->items, history->n, &history->cap, sizeof *history->items, err));
    struct curve_point *points = malloc(n_curve * sizeof *points + 1);
    if (points == NULL || observation_own(&seen, row->n_params, err) != 0) {
        free(points);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (n_curve > 0) {
        memcpy(points, curve, n_curve * sizeof *points);
    }
    seen.curve = points;
    history->items[history->n++] = seen;
    return 0;
}

int trial_history_add_fit(struct trial_history *history, uint64_t n_seen, const void *data,
                          size_t bytes, struct err *err)
{
    TRY(array_reserve(&history->fits, history->n_fits, &history->cap_fits, sizeof *history->fits,
                      err));
    void *copy = malloc(bytes + 1);
    if (copy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(copy, data, bytes);
    history->fits[history->n_fits++] = (struct fit){.n_seen = n_seen, .bytes = bytes, .data = copy};
    return 0;
}

void trial_history_set_sources(struct trial_history *history, struct sources *sources)
{
    sources_finish(&history->sources);
    history->sources = *sources;
    *sources = (struct sources){0};
}
