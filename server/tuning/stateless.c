#include "server/tuning/stateless.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/advice/advice.h"
#include "server/schedule/choice.h"
#include "server/suggester/fit_key.h"
#include "server/suggester/observation.h"
#include "server/suggester/snapshot.h"
#include "server/suggester/untried.h"
#include "server/tuning/brought.h"

#define ORDINAL_MAX INT64_C(1000000000000)

struct stateless {
    struct shared_def *def;          /* held */
    const struct strategy *strategy; /* the search */
    struct trial_history *history;   /* held; the finished trials */
    struct snapshot snapshot;        /* those and what is being tried */
    struct config_set tried;         /* as far as it matters (untried.h) */
    uint64_t n_configurations;       /* of a space that can be counted */
    size_t n_trials, n_pending;      /* of the request */
    double *pending;                 /* their configurations, row by row; owned */
    uint64_t ordinal;                /* the last one that was used */
    size_t wanted, n_items;          /* suggestions */
    struct stateless_item *items;    /* owned */
    struct fit fit;                  /* its data is owned; NULL: none */
    bool is_prepared, is_exhausted;
};

void stateless_destroy(struct stateless *s)
{
    if (s == NULL) {
        return;
    }
    snapshot_finish(&s->snapshot);
    trial_history_destroy(s->history);
    config_set_finish(&s->tried);
    for (size_t i = 0; i < s->n_items; i++) {
        free(s->items[i].out.config);
        free(s->items[i].out.explain);
    }
    free(s->items);
    free(s->pending);
    release_const(s->fit.data);
    shared_def_destroy(s->def);
    free(s);
}

/* ---- reading the definition ---- */

/* The definition with a name, which may be missing here; NULL: out of memory. */
static json_t *with_name(const json_t *study)
{
    json_auto_t *named = json_object();
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(study), key, value) {
        if (json_object_set(named, key, value) != 0) {
            return NULL;
        }
    }
    const json_t *name = json_object_get(named, "name");
    if ((name == NULL || json_is_null(name))
        && json_object_set_new(named, "name", json_string("suggest")) != 0) {
        return NULL;
    }
    return json_incref(named);
}

static int read_study(struct fields *fields, struct stateless *s)
{
    const json_t *given = fields_object(fields, "study");
    struct study_def *def = NULL;
    size_t first = fields->faults->n;

    if (given == NULL) {
        if (!fields_has(fields, "study")) {
            fields_fault(fields, "study", "is missing: a definition as POST /v1/studies takes it");
        }
        return -1;
    }
    json_auto_t *named = with_name(given);
    if (named == NULL) {
        faults_no_memory(fields->faults);
        return -1;
    }
    int result = advice_read_study(named, 0, &def, fields->faults);
    if (result == 0 && def->after != NULL) {
        faults_add(fields->faults, "/after",
                   "is for studies that are stored; bring what older ones have found as trials");
        study_def_destroy(def);
        def = NULL;
    }
    faults_prefix(fields->faults, first, "/study");
    if (def == NULL) {
        return -1;
    }
    s->def = shared_def_create(def);
    if (s->def == NULL) {
        faults_no_memory(fields->faults);
        return -1;
    }
    s->strategy = strategy_find(schedule_search(def));
    return s->strategy == NULL ? -1 : 0; /* advice_check() has found it */
}

/* ---- reading trials ---- */

static void check_finished(const struct brought *brought, struct faults *faults)
{
    for (size_t i = 0; i < brought->n; i++) {
        if (!brought->trials[i].imported) {
            char at[48];
            (void)snprintf(at, sizeof at, "/trials/%zu/state", i);
            faults_add(faults, at,
                       "is missing: \"completed\", \"pruned\", \"failed\" or \"infeasible\"; what "
                       "is being tried stands in pending");
        }
    }
}

static int observe(struct stateless *s, const struct brought_trial *trial, size_t i,
                   struct err *err)
{
    const struct study_def *def = s->def->def;
    OWN(learning_curve) struct learning_curve curve = {.study = def};
    struct trial_row row = {.id = trial_id(0, (int64_t)i + 1),
                            .source = SOURCE_IMPORTED,
                            .n_params = def->space->n_params,
                            .config = trial->config};

    TRY(brought_outcome(def, trial, &row, err));
    if (def->has_resource) {
        TRY(brought_curve(trial, &curve, err));
    }
    return trial_history_append(s->history, &row, curve.points, curve.n, err);
}

static bool is_kept(const struct stateless *s, const double config[])
{
    bool counts = s->strategy->enumerates || s->n_configurations != UINT64_MAX;

    return counts && space_is_legal(s->def->def->space, config);
}

static int read_trials(struct fields *fields, struct stateless *s, struct err *err)
{
    const json_t *list = fields_array(fields, "trials");
    OWN(brought) struct brought brought = {0};

    s->n_trials = json_array_size(list);
    if (s->n_trials == 0) {
        return 0;
    }
    if (brought_read(s->def->def, list, "/trials", &brought, fields->faults, err) != 0
        && err->code != ERR_INVALID) {
        return -1;
    }
    check_finished(&brought, fields->faults);
    for (size_t i = 0; i < brought.n && fields->faults->total == 0; i++) {
        TRY(observe(s, &brought.trials[i], i, err));
    }
    return 0;
}

static int read_pending(struct fields *fields, struct stateless *s, struct err *err)
{
    const json_t *list = fields_array(fields, "pending");
    const struct space *space = s->def->def->space;
    size_t n = json_array_size(list);

    if (n > STATELESS_PENDING_MAX) {
        fields_fault(fields, "pending", "holds more than %d configurations", STATELESS_PENDING_MAX);
        return 0;
    }
    s->n_pending = n;
    s->pending = calloc(n * space->n_params + 1, sizeof *s->pending);
    if (s->pending == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(list, i);
        char at[48];
        (void)snprintf(at, sizeof at, "/pending/%zu", i);
        if (!json_is_object(item)) {
            faults_add(fields->faults, at, "must be an object of parameters");
        } else {
            (void)!space_config_from_json(space, item, s->pending + i * space->n_params, at,
                                          fields->faults);
        }
    }
    return 0;
}

/* ---- what follows from it ---- */

/* The observation of a configuration that is being tried, with the next number. */
static void add_running(struct stateless *s, uint64_t ordinal, double config[])
{
    const struct learning_curve none = {.study = s->def->def};
    int64_t number = (int64_t)(s->n_trials + s->n_pending + s->n_items) + 1;
    const struct trial_row row = {.id = trial_id(0, number),
                                  .ordinal = ordinal,
                                  .n_params = s->def->def->space->n_params,
                                  .config = config};

    snapshot_add_open(&s->snapshot, &row, &none);
}

static int take_snapshot(struct stateless *s, struct err *err)
{
    size_t n_params = s->def->def->space->n_params;
    size_t n_pending = s->n_pending;

    TRY(snapshot_init(&s->snapshot, s->history, n_pending + s->wanted, err));
    for (s->n_pending = 0; s->n_pending < n_pending; s->n_pending++) {
        add_running(s, 0, s->pending + s->n_pending * n_params);
    }
    return 0;
}

static int read_all(const json_t *body, struct stateless *s, struct faults *faults, struct err *err)
{
    struct fields fields;

    fields_begin(&fields, body, "", faults);
    s->wanted = (size_t)fields_int(&fields, "n", 1, 1, STATELESS_ITEMS_MAX);
    int64_t ordinal = fields_int(&fields, "ordinal", 0, 1, ORDINAL_MAX);
    if (read_study(&fields, s) == 0) {
        s->history = trial_history_create(s->def);
        if (s->history == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        TRY(read_trials(&fields, s, err));
        TRY(read_pending(&fields, s, err));
    } else { /* the definition comes first; whether they are there at all is known without it */
        (void)fields_any(&fields, "trials");
        (void)fields_any(&fields, "pending");
    }
    fields_end(&fields);
    TRY(faults_result(faults, err));
    /* A strategy that numbers its configurations begins with the first that is not tried. */
    uint64_t next = s->strategy->enumerates ? 1 : s->n_trials + s->n_pending + 1;
    s->ordinal = (ordinal > 0 ? (uint64_t)ordinal : next) - 1;
    s->items = calloc(s->wanted, sizeof *s->items);
    if (s->items == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return take_snapshot(s, err);
}

int stateless_read(const json_t *body, struct stateless **stateless, struct faults *faults,
                   struct err *err)
{
    OWN(stateless) struct stateless *s = calloc(1, sizeof *s);

    if (s == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (!json_is_object(body)) {
        faults_add(faults, "", "must be an object with a \"study\"");
        return faults_result(faults, err);
    }
    TRY(read_all(body, s, faults, err));
    *stateless = s;
    s = NULL;
    return 0;
}

/* ---- the fit ---- */

/* The history as it was after the first n finished trials. */
static struct history prefix_of(const struct stateless *s, size_t n, const atomic_bool *stop)
{
    return (struct history){.n = n, .items = s->snapshot.items, .stop = stop};
}

static int make_fit(struct stateless *s, const struct history *prefix, struct err *err)
{
    struct suggestion made = {0};
    struct err why = {0};

    if (s->strategy->make_fit(s->def->def, prefix, &made, &why) != 0) {
        if (why.code == ERR_NUMERIC) { /* the suggestion will find out for itself */
            return 0;
        }
        *err = why;
        return -1;
    }
    s->fit = (struct fit){.n_seen = made.fit_n_seen, .bytes = made.fit_bytes, .data = made.fit};
    return 0;
}

/* The fit of so many finished trials as were there when it was due. */
static int find_fit(struct stateless *s, struct fit_cache *cache, const atomic_bool *stop,
                    struct err *err)
{
    unsigned char key[SHA256_BYTES];

    if (s->strategy->make_fit == NULL || s->snapshot.n_done == 0) {
        return 0;
    }
    const struct history prefix =
        prefix_of(s, (size_t)s->strategy->fit_due(s->snapshot.n_done), stop);
    if (cache != NULL) {
        TRY(fit_key("suggest", s->def->def, &prefix, key, err));
        if (fit_cache_get(cache, key, &s->fit)) {
            return 0;
        }
    }
    TRY(make_fit(s, &prefix, err));
    if (cache != NULL && s->fit.data != NULL) {
        fit_cache_put(cache, key, &s->fit);
    }
    return 0;
}

/* ---- steps ---- */

static int count_tried(struct stateless *s, struct err *err)
{
    const struct space *space = s->def->def->space;
    const struct history *history = &s->snapshot.history;

    s->n_configurations = s->strategy->enumerates ? UINT64_MAX : untried_count_all(s->def->def);
    for (size_t i = 0; i < history->n; i++) {
        if (is_kept(s, history->items[i].config)) {
            TRY(config_set_add(&s->tried, space, history->items[i].config, err));
        }
    }
    return 0;
}

static int prepare(struct stateless *s, struct fit_cache *cache, const atomic_bool *stop,
                   struct err *err)
{
    TRY(count_tried(s, err));
    TRY(find_fit(s, cache, stop, err));
    s->is_prepared = true;
    return 0;
}

static int suggest(struct stateless *s, const atomic_bool *stop, uint64_t *ordinal,
                   struct suggestion *out, struct err *err)
{
    const struct untried untried = {s->strategy, s->def->def, &s->tried, s->n_configurations};
    struct history history = s->snapshot.history;
    bool is_new = s->n_items == 0 && s->fit.n_seen == s->snapshot.n_done;

    if (!s->strategy->needs_history) {
        return untried_suggest(&untried, ordinal, out, err);
    }
    if (s->n_configurations != UINT64_MAX && s->tried.n >= s->n_configurations) {
        return err_set(err, ERR_EXHAUSTED, "every configuration of the space has been tried");
    }
    history.stop = stop;
    if (s->fit.data != NULL && is_new) {
        history.made = &s->fit;
    } else if (s->fit.data != NULL) {
        history.fits = &s->fit;
        history.n_fits = 1;
    }
    return s->strategy->suggest(s->def->def, &history, ++*ordinal, out, err);
}

/* Takes the suggestion: the next ones see it as being tried. */
static int keep(struct stateless *s, struct suggestion *out, struct err *err)
{
    free(out->fit); /* where the fit of the prefix could not be made */
    out->fit = NULL;
    add_running(s, s->ordinal, out->config);
    s->items[s->n_items++] = (struct stateless_item){.ordinal = s->ordinal, .out = *out};
    return is_kept(s, out->config) ? config_set_add(&s->tried, s->def->def->space, out->config, err)
                                   : 0;
}

int stateless_step(struct stateless *s, struct fit_cache *cache, const atomic_bool *stop,
                   bool *more, struct err *err)
{
    struct err why = {0};

    *more = true;
    if (!s->is_prepared) {
        return prepare(s, cache, stop, err);
    }
    struct suggestion out = {.config = calloc(s->def->def->space->n_params + 1, sizeof(double))};
    if (out.config == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (suggest(s, stop, &s->ordinal, &out, &why) != 0) {
        free(out.config);
        s->is_exhausted = why.code == ERR_EXHAUSTED;
        *more = false;
        if (s->is_exhausted) {
            return 0;
        }
        *err = why;
        return -1;
    }
    TRY(keep(s, &out, err));
    *more = s->n_items < s->wanted;
    return 0;
}

struct shared_def *stateless_def(const struct stateless *s)
{
    return s->def;
}

const struct stateless_item *stateless_items(const struct stateless *s, size_t *n)
{
    *n = s->n_items;
    return s->items;
}

bool stateless_is_exhausted(const struct stateless *s)
{
    return s->is_exhausted;
}
