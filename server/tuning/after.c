#include "server/tuning/after.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/tuning/live.h"

enum { SCAN_MAX = 10000 }; /* trials: more would hold the writer up */

/* The arrays give up constness only here, where they are owned. */
static void release(const void *owned)
{
    union {
        const void *borrowed;
        void *plain;
    } same = {owned};

    free(same.plain);
}

void sources_finish(struct sources *sources)
{
    for (size_t i = 0; i < sources->n; i++) {
        for (size_t k = 0; k < sources->items[i].n; k++) {
            release(sources->items[i].items[k].x);
        }
        release(sources->items[i].items);
    }
    *sources = (struct sources){0};
}

/* ---- rows of one older study ------------------------------------------------------------------
 */
struct rows {
    const struct transfer *transfer; /* NULL: rows come as they are */
    size_t n_params;
    size_t n, cap;
    struct observation *items;
    size_t completed, refused;
};

static void rows_finish(struct rows *rows)
{
    for (size_t i = 0; i < rows->n; i++) {
        release(rows->items[i].x);
    }
    free(rows->items);
    *rows = (struct rows){0};
}
OWN_VALUE(rows)

/* Takes a copy of x. */
static int append(struct rows *rows, struct observation row, struct err *err)
{
    if (rows->n == rows->cap) {
        size_t cap = rows->cap == 0 ? SOURCE_ROWS_MAX : rows->cap * 2;
        struct observation *grown = realloc(rows->items, cap * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        rows->items = grown;
        rows->cap = cap;
    }
    double *x = malloc(rows->n_params * sizeof *x + 1);
    if (x == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    memcpy(x, row.x, rows->n_params * sizeof *x);
    row.x = x;
    rows->items[rows->n++] = row;
    return 0;
}

static int take_trial(void *context, struct trial_row *trial, struct err *err)
{
    struct rows *rows = context;
    OWN(memory) double *y = calloc(rows->n_params + 1, sizeof *y);

    if (y == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (!trial->has_value || !isfinite(trial->value)) {
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
            .x = y,
            .value = trial->value,
            .step = trial->has_step ? trial->step : 0,
        },
        err);
}

/* Moves the rows worth taking into the source. */
static int keep_best(struct rows *rows, const struct study_def *def, struct source *source,
                     struct err *err)
{
    double sign = study_cost(def, 1.0);
    OWN(memory) size_t *order = calloc(rows->n + 1, sizeof *order);
    struct observation *kept = calloc(SOURCE_ROWS_MAX, sizeof *kept);

    if (order == NULL || kept == NULL) {
        free(kept);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    source->n = transfer_choose(rows->n, rows->items, sign, order);
    source->items = kept;
    for (size_t i = 0; i < source->n; i++) {
        kept[i] = rows->items[order[i]];
        rows->items[order[i]].x = NULL;
    }
    return 0;
}

/* ---- at creation ------------------------------------------------------------------------------
 */
/* Can anything be learned from it at all? */
static bool is_fit(const struct live_study *older, const char *name, const struct study_def *def,
                   const char *at, struct faults *faults)
{
    static const char *const verbs[] = {"minimizes", "maximizes"};

    if (older == NULL) {
        faults_add(faults, at,
                   "there is no study \"%s\"; name finished or stopped ones, or leave it out",
                   name);
    } else if (older->row.state != STUDY_FINISHED && older->row.state != STUDY_STOPPED) {
        faults_add(faults, at,
                   "\"%s\" is still %s and its results may change; wait until it is finished, stop "
                   "it, or leave it out",
                   name, study_state_name(older->row.state));
    } else if (older->def->n_objectives > 1) {
        faults_add(faults, at, "\"%s\" has several objectives; there is no one best to start from",
                   name);
    } else if (older->def->objectives[0].direction != def->objectives[0].direction) {
        faults_add(faults, at, "\"%s\" %s its metric and this study %s; leave it out", name,
                   verbs[older->def->objectives[0].direction], verbs[def->objectives[0].direction]);
    } else {
        return true;
    }
    return false;
}

static int take_one(struct tuning *tuning, const struct live_study *older,
                    const struct study_def *def, const char *at, struct source *source,
                    struct faults *faults, struct err *err)
{
    OWN(transfer) struct transfer *transfer = NULL;
    struct trial_query query = {.study = older->row.id,
                                .reverse = true,
                                .limit = SCAN_MAX,
                                .states = 1u << TRIAL_COMPLETED | 1u << TRIAL_PRUNED};

    TRY(transfer_create(older->def->space, def->space, &transfer, err));
    OWN(rows) struct rows rows = {.transfer = transfer, .n_params = def->space->n_params};
    if (transfer_shared(transfer) == 0) {
        faults_add(faults, at,
                   "\"%s\" shares no parameter with this study; parameters meet by name, and a "
                   "number cannot stand for a choice",
                   older->row.name);
        return 0;
    }
    TRY(store_each_trial(tuning->store, &query, take_trial, &rows, err));
    if (rows.completed == 0) {
        faults_add(faults, at,
                   rows.refused == 0
                       ? "\"%s\" has no completed trial to learn from; leave it out"
                       : "no completed trial of \"%s\" can be told in this space: their choices "
                         "or ranges are not in it; leave it out",
                   older->row.name);
        return 0;
    }
    (void)snprintf(source->name, sizeof source->name, "%s", older->row.name);
    return keep_best(&rows, def, source, err);
}

int sources_take(struct tuning *tuning, const struct study_def *def, struct sources *sources,
                 struct faults *faults, struct err *err)
{
    size_t n = json_array_size(def->after);

    *sources = (struct sources){0};
    for (size_t i = 0; i < n && i < SOURCES_MAX; i++) {
        const char *name = json_string_value(json_array_get(def->after, i));
        const struct live_study *older = study_named(tuning, name);
        char at[32];
        (void)snprintf(at, sizeof at, "/after/%zu", i);
        if (is_fit(older, name, def, at, faults)
            && take_one(tuning, older, def, at, &sources->items[i], faults, err) != 0) {
            sources->n = i + 1;
            sources_finish(sources);
            return -1;
        }
    }
    sources->n = n;
    if (faults->total > 0) {
        sources_finish(sources);
    }
    return faults_result(faults, err);
}

/* ---- rows on disk -----------------------------------------------------------------------------
 */
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
                .config = item->x,
                .value = item->value,
                .step = item->step,
            };
            TRY(store_transfer_insert(store, &row, err));
        }
    }
    return 0;
}

struct loading {
    size_t n_params;
    struct rows rows[SOURCES_MAX];
};

static int load_row(void *context, const struct transfer_row *row, struct err *err)
{
    struct loading *loading = context;

    if (row->place < 0 || row->place >= SOURCES_MAX || row->n_params != loading->n_params) {
        return err_set(err, ERR_IO, "a transferred trial does not fit its study");
    }
    return append(&loading->rows[row->place],
                  (struct observation){
                      .number = row->number,
                      .kind = row->state == TRIAL_COMPLETED ? OBSERVED_COMPLETED : OBSERVED_PRUNED,
                      .x = row->config,
                      .value = row->value,
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
