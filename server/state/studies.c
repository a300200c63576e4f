#include "server/state/studies.h"

#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "server/state/tried.h"

struct live_study *study_named(const struct state *state, const char *name)
{
    struct live_study *study = map_get(&state->study_by_name, digest_text(name));

    return study != NULL && strcmp(study->row.name, name) == 0 ? study : NULL;
}

int study_required(const struct state *state, const char *name, struct live_study **study,
                   struct err *err)
{
    *study = study_named(state, name);
    return *study == NULL ? no_such_study(name, err) : 0;
}

static void study_free(struct live_study *study)
{
    if (study == NULL) {
        return;
    }
    study_row_finish(&study->row);
    config_set_finish(&study->tried);
    suggester_destroy(study->suggester);
    schedule_destroy(study->schedule);
    shared_def_destroy(study->first);
    shared_def_destroy(study->shared);
    free(study->metrics);
    free(study->objectives_json);
    free(study->job_json);
    free(study);
}

static char *objectives_text(const struct study_def *def)
{
    struct buf text;
    struct json_writer w;

    buf_init(&text, 1 << 16);
    json_writer_init(&w, &text);
    study_write_objectives(def, &w);
    return buf_steal(&text);
}

static int study_read_def(struct live_study *study, struct shared_def *shared, struct err *err)
{
    study->shared = shared;
    study->def = shared->def;
    study->strategy = strategy_find(schedule_search(study->def));
    if (study->strategy == NULL) {
        return err_set(err, ERR_INVALID, "study \"%s\": this honed has no strategy \"%s\"",
                       study->row.name, schedule_search(study->def));
    }
    study->objectives_json = objectives_text(study->def);
    if (study->def->job != NULL) {
        study->job_json = json_dumps(study->def->job, JSON_COMPACT);
    }
    if (study->objectives_json == NULL || (study->def->job != NULL && study->job_json == NULL)) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

int study_renew_suggester(struct state *state, struct live_study *study, struct err *err)
{
    struct suggester *suggester;

    TRY(suggester_create(study->row.id, study->shared, study->strategy, &state->jobs, &suggester,
                         err));
    suggester_destroy(study->suggester);
    study->suggester = suggester;
    return 0;
}

int study_enter(struct state *state, const struct study_row *row, struct shared_def *shared,
                struct live_study **study, struct err *err)
{
    struct live_study *entered = calloc(1, sizeof *entered);

    if (entered == NULL) {
        shared_def_destroy(shared);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    entered->row = *row;
    entered->row.accepted = strdup(row->accepted);
    entered->row.definition = strdup(row->definition);
    entered->first = shared_def_hold(shared);
    entered->retries.tail = &entered->retries.first;
    entered->enqueued.tail = &entered->enqueued.first;
    entered->stragglers_ms = INT64_MAX;
    entered->touched = &state->touched;
    heap_node_init(&entered->clock, entered);
    if (study_read_def(entered, shared, err) != 0
        || schedule_create(entered->def, &entered->schedule, err) != 0) {
        study_free(entered);
        return -1;
    }
    tried_init(entered);
    if ((entered->strategy->needs_history || schedule_uses_forecasts(entered->def))
        && study_renew_suggester(state, entered, err) != 0) {
        study_free(entered);
        return -1;
    }
    if (entered->row.accepted == NULL || entered->row.definition == NULL
        || map_put(&state->study_by_name, digest_text(row->name), entered, err) != 0
        || map_put(&state->study_by_id, (uint64_t)row->id, entered, err) != 0) {
        (void)map_take(&state->study_by_name, digest_text(row->name));
        study_free(entered);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *state->studies_tail = entered;
    state->studies_tail = &entered->next;
    study_visit(entered);
    state->by_name_is_old = true;
    state->studies_changed = true;
    *study = entered;
    return 0;
}

void study_visit(struct live_study *study)
{
    if (!study->is_touched) {
        study->is_touched = true;
        study->next_touched = NULL;
        *study->touched->tail = study;
        study->touched->tail = &study->next_touched;
    }
}

void study_touch(struct live_study *study)
{
    study->dirty = true;
    study_visit(study);
}

void studies_settled(struct state *state)
{
    for (struct live_study *study = state->touched.first; study != NULL;
         study = study->next_touched) {
        study->is_touched = false;
    }
    state->touched.first = NULL;
    state->touched.tail = &state->touched.first;
}

static void untouch(struct state *state, struct live_study *study)
{
    struct live_study **at = &state->touched.first;

    if (!study->is_touched) {
        return;
    }
    while (*at != study) {
        at = &(*at)->next_touched;
    }
    *at = study->next_touched;
    if (state->touched.tail == &study->next_touched) {
        state->touched.tail = at;
    }
}

int study_redefine(struct live_study *study, struct shared_def *shared, struct err *err)
{
    struct shared_def *before = study->shared;

    free(study->objectives_json);
    free(study->job_json);
    study->objectives_json = NULL;
    study->job_json = NULL;
    int result = study_read_def(study, shared, err);
    shared_def_destroy(before); /* the study holds the new one in either case */
    TRY(result);
    study->redefine = true;
    study_touch(study);
    return 0;
}

void study_leave(struct state *state, struct live_study *study)
{
    struct live_study **at = &state->studies;

    while (*at != study) {
        at = &(*at)->next;
    }
    *at = study->next;
    if (state->studies_tail == &study->next) {
        state->studies_tail = at;
    }
    (void)map_take(&state->study_by_name, digest_text(study->row.name));
    (void)map_take(&state->study_by_id, (uint64_t)study->row.id);
    heap_remove(&state->study_clocks, &study->clock);
    untouch(state, study);
    state->by_name_is_old = true;
    state->studies_changed = true;
    study_free(study);
}

/* ---- metrics ---- */

int64_t metric_find(const struct live_study *study, const char *name)
{
    for (size_t i = 0; i < study->n_metrics; i++) {
        if (strcmp(study->metrics[i], name) == 0) {
            return (int64_t)i;
        }
    }
    return -1;
}

static bool is_fresh(const struct fresh_metrics *fresh, const char *name)
{
    for (size_t i = 0; i < fresh->n; i++) {
        if (strcmp(fresh->names[i], name) == 0) {
            return false;
        }
    }
    return metric_find(fresh->study, name) < 0;
}

int fresh_metrics_add(struct fresh_metrics *fresh, const char *name, struct err *err)
{
    const struct live_study *study = fresh->study;
    bool other = !study_is_objective(study->def, name);
    size_t kept_free = 0;

    if (!is_fresh(fresh, name)) {
        return 0;
    }
    for (size_t i = 0; i < study->def->n_objectives; i++) {
        kept_free += metric_find(study, study->def->objectives[i].metric) < 0;
    }
    size_t used = study->n_metrics + (other ? kept_free + fresh->n_others : fresh->n);
    if (used >= METRICS_MAX) {
        return err_set(err, ERR_INVALID,
                       "there is no place for the metric \"%s\": a study keeps %d names, those of "
                       "its objectives among them; it has %zu, and %zu new ones stand before this "
                       "one here; report fewer names",
                       name, METRICS_MAX, study->n_metrics, fresh->n);
    }
    fresh->names[fresh->n++] = name;
    fresh->n_others += other;
    return 0;
}

int study_metric_append(struct live_study *study, const char *name, struct err *err)
{
    char(*metrics)[METRIC_NAME_BYTES + 1] =
        realloc(study->metrics, (study->n_metrics + 1) * sizeof *metrics);

    if (metrics == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    (void)snprintf(metrics[study->n_metrics++], sizeof *metrics, "%s", name);
    study->metrics = metrics;
    return 0;
}

int metric_id(struct state *state, struct live_study *study, const char *name, int64_t *id,
              struct err *err)
{
    *id = metric_find(study, name);
    if (*id >= 0) {
        return 0;
    }
    if (study->n_metrics == METRICS_MAX) {
        return err_set(err, ERR_INVALID,
                       "metric \"%s\" would be the study's %d-th; a study keeps %d", name,
                       METRICS_MAX + 1, METRICS_MAX);
    }
    TRY(study_metric_append(study, name, err));
    *id = (int64_t)study->n_metrics - 1;
    if (store_metric_insert(state->store, study->row.id, *id, name, err) != 0) {
        study->n_metrics--;
        return -1;
    }
    state->studies_changed = true;
    return 0;
}

/* ---- what the suggester learns ---- */

/* Rows come by step, then attempt: the newest attempt's value stands. */
static int read_point(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                      struct err *err)
{
    (void)metric;
    (void)attempt;
    return learning_curve_add(context, step, value, err);
}

int study_observe(struct state *state, struct live_study *study, const struct trial_row *row,
                  struct err *err)
{
    OWN(learning_curve) struct learning_curve curve = {.study = study->def};
    int64_t metric = metric_find(study, study->def->objectives[0].metric);

    if (study->suggester == NULL) {
        return 0;
    }
    int result =
        study->def->has_resource && metric >= 0
            ? store_each_measurement(state->store, row->id, metric, read_point, &curve, err)
            : 0;
    if (result == 0) {
        result = suggester_observe(study->suggester, row, &curve, err);
    }
    /* With no other trial of the study under way, suggestions that were prepared before this result
     * are out of date: one worker alone gets what the textbook algorithm suggests. */
    if (study->def->serving != SERVING_EXACT && study->live_leases == 0) {
        suggester_renew(study->suggester);
    }
    return result;
}
