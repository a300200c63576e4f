#include "server/suggester/sources.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "server/store/decisions.h"
#include "server/suggester/observation.h"

enum { SCAN_MAX = 10000 }; /* trials read of one older study: more would hold up the writer */

void sources_finish(struct sources *sources)
{
    for (size_t i = 0; i < sources->n; i++) {
        for (size_t k = 0; k < sources->items[i].n; k++) {
            release_const(sources->items[i].items[k].config);
        }
        release_const(sources->items[i].items);
    }
    *sources = (struct sources){0};
}

/* ---- rows of one older study ------------------------------------------------------------------
 */
struct source_rows {
    const struct transfer *transfer; /* NULL: rows come as they are */
    const struct study_def *def;     /* of the new study */
    size_t n_params;
    size_t n, cap;
    struct observation *items;
    size_t completed, refused, excluded;
};

static void source_rows_finish(struct source_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        observation_release(&rows->items[i]);
    }
    free(rows->items);
    *rows = (struct source_rows){0};
}
OWN_VALUE(source_rows)

/* Copies its configuration and its value. */
static int append(struct source_rows *rows, struct observation row, struct err *err)
{
    TRY(array_reserve(&rows->items, rows->n, &rows->cap, sizeof *rows->items, err));
    TRY(observation_own(&row, rows->n_params, err));
    rows->items[rows->n++] = row;
    return 0;
}

/* *does ← whether an older trial has reported what violates the new study's outcome constraints. */
static int violates(const struct study_def *def, const struct trial_row *trial, bool *does,
                    struct err *err)
{
    *does = false;
    for (size_t i = 0; i < def->n_bounds && !*does; i++) {
        double value;
        TRY(metrics_value(trial->metrics, def->bounds[i].metric, &value, err));
        *does = metric_bound_excess(&def->bounds[i], value) > 0;
    }
    return 0;
}

static int take_trial(void *context, struct trial_row *trial, struct err *err)
{
    struct source_rows *rows = context;
    OWN(memory) double *y = calloc(rows->n_params + 1, sizeof *y);
    double value = trial_row_value(trial);

    if (y == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (!isfinite(value)) {
        return 0;
    }
    bool is_excluded;
    TRY(violates(rows->def, trial, &is_excluded, err));
    if (is_excluded) { /* what is begun with shall be worth something here */
        rows->excluded++;
        return 0;
    }
    if (!transfer_row(rows->transfer, trial->config, y)) {
        rows->refused++;
        return 0;
    }
    rows->completed += trial->state == TRIAL_COMPLETED;
    return append(
        rows,
        (struct observation){
            .number = trial_id_number(trial->id),
            .kind = trial->state == TRIAL_COMPLETED ? OBSERVED_COMPLETED : OBSERVED_PRUNED,
            .config = y,
            .n_values = 1,
            .values = &value,
            .step = trial->has_step ? trial->step : 0,
        },
        err);
}

/* Moves the rows worth taking into the source. */
static int keep_best(struct source_rows *rows, const struct study_def *def, struct source *source,
                     struct err *err)
{
    double sign = study_cost(def, 1.0);
    OWN(memory) size_t *order = calloc(rows->n + 1, sizeof *order);
    struct observation *kept = calloc(SOURCE_ROWS_MAX, sizeof *kept);

    source->items = kept;
    if (order == NULL || kept == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(transfer_choose(rows->n, rows->items, sign, order, &source->n, err));
    for (size_t i = 0; i < source->n; i++) {
        kept[i] = rows->items[order[i]];
        rows->items[order[i]] = (struct observation){0}; /* moved */
    }
    return 0;
}

/* ---- reading an older study ---- */

int source_read(struct store *store, const struct source_study *older, const struct study_def *def,
                struct source *source, struct faults *faults, struct err *err)
{
    OWN(transfer) struct transfer *transfer = NULL;
    struct trial_query query = {.study = older->id,
                                .reverse = true,
                                .limit = SCAN_MAX,
                                .states = 1u << TRIAL_COMPLETED | 1u << TRIAL_PRUNED};

    TRY(transfer_create(older->def->space, def->space, &transfer, err));
    OWN(source_rows)
    struct source_rows rows = {.transfer = transfer, .def = def, .n_params = def->space->n_params};
    if (transfer_shared(transfer) == 0) {
        faults_add(faults, older->pointer,
                   "\"%s\" shares no parameter with this study; parameters meet by name, and a "
                   "number cannot stand for a choice",
                   older->def->name);
        return 0;
    }
    TRY(store_each_trial(store, &query, take_trial, &rows, err));
    if (rows.completed == 0) {
        faults_add(faults, older->pointer,
                   rows.excluded > 0
                       ? "no completed trial of \"%s\" that could be learned from satisfies "
                         "subject_to; leave it out"
                   : rows.refused == 0
                       ? "\"%s\" has no completed trial to learn from; leave it out"
                       : "no completed trial of \"%s\" can be told in this space: their choices "
                         "or ranges are not in it; leave it out",
                   older->def->name);
        return 0;
    }
    (void)snprintf(source->name, sizeof source->name, "%s", older->def->name);
    return keep_best(&rows, def, source, err);
}

/* ---- the copied rows ---- */

int sources_store(struct store *store, int64_t study, const struct study_def *def,
                  const struct sources *sources, struct err *err)
{
    for (size_t i = 0; i < sources->n; i++) {
        for (size_t k = 0; k < sources->items[i].n; k++) {
            const struct observation *item = &sources->items[i].items[k];
            struct transfer_row row = {
                .study = study,
                .place = (int64_t)i,
                .number = item->number,
                .state = item->kind == OBSERVED_COMPLETED ? TRIAL_COMPLETED : TRIAL_PRUNED,
                .n_params = def->space->n_params,
                .config = item->config,
                .value = observation_value(item, 0),
                .step = item->step,
            };
            TRY(store_transfer_insert(store, &row, err));
        }
    }
    return 0;
}

struct loading {
    size_t n_params;
    struct source_rows rows[SOURCES_MAX];
};

static int load_row(void *context, const struct transfer_row *row, struct err *err)
{
    struct loading *loading = context;

    if (row->place < 0 || row->place >= SOURCES_MAX || row->n_params > loading->n_params) {
        return err_set(err, ERR_IO, "a transferred trial does not fit its study");
    }
    OWN(memory) double *x = calloc(loading->n_params + 1, sizeof *x);
    if (x == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(x, row->config, row->n_params * sizeof *x);
    for (size_t i = row->n_params; i < loading->n_params; i++) {
        x[i] = (double)NAN; /* the study got this parameter later: unknown there */
    }
    return append(&loading->rows[row->place],
                  (struct observation){
                      .number = row->number,
                      .kind = row->state == TRIAL_COMPLETED ? OBSERVED_COMPLETED : OBSERVED_PRUNED,
                      .config = x,
                      .n_values = 1,
                      .values = &row->value,
                      .step = row->step,
                  },
                  err);
}

int sources_load(struct store *store, int64_t study, const struct study_def *def,
                 struct sources *sources, struct err *err)
{
    size_t n = json_array_size(def->after);
    struct loading loading = {.n_params = def->space->n_params};

    *sources = (struct sources){0};
    if (n == 0 || n > SOURCES_MAX) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        loading.rows[i].n_params = loading.n_params;
    }
    int result = store_each_transfer(store, study, load_row, &loading, err);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(sources->items[i].name, sizeof sources->items[i].name, "%s",
                       json_string_value(json_array_get(def->after, i)));
        sources->items[i].n = loading.rows[i].n;
        sources->items[i].items = loading.rows[i].items;
    }
    sources->n = n;
    if (result != 0) {
        sources_finish(sources);
    }
    return result;
}
