#include "server/tuning/think.h"

#include <stdlib.h>
#include <string.h>

#include "server/strategy/sobol.h"
#include "server/tuning/live.h"

void thought_run(struct thought *thought)
{
    if (thought->judged != 0) {
        thought->result = strategy_forecast(thought->def->def, &thought->snapshot.history,
                                            thought->judged, &thought->forecast, &thought->err);
        return;
    }
    thought->result = thought->strategy->suggest(thought->def->def, &thought->snapshot.history,
                                                 thought->ordinal, &thought->out, &thought->err);
}

void thought_destroy(struct thought *thought)
{
    if (thought == NULL) {
        return;
    }
    snapshot_finish(&thought->snapshot);
    shared_def_destroy(thought->def);
    free(thought->out.x);
    free(thought->out.explain);
    free(thought->out.fit);
    free(thought->forecast.fit);
    free(thought);
}

/* ---- the writer's side ---- */

/* Rows come by step, then attempt: the newest attempt's value stands. */
static int read_point(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                      struct err *err)
{
    (void)metric;
    (void)attempt;
    return learning_curve_add(context, step, value, err);
}

int study_remember(struct tuning *tuning, struct live_study *study, const struct trial_row *row,
                   struct err *err)
{
    OWN(learning_curve) struct learning_curve curve = {.study = study->def};
    int64_t metric = metric_find(study, study->def->objectives[0].metric);
    int result = 0;

    if (study->past == NULL) {
        return 0;
    }
    if (study->def->has_resource && metric >= 0) {
        result = store_each_measurement(tuning->store, row->id, metric, read_point, &curve, err);
    }
    if (result == 0) {
        result = past_append(study->past, row, curve.points, curve.n, err);
    }
    study_result_came(tuning, study);
    return result;
}

/* Suggestions made and not yet handed out, and those not yet done. */
static size_t count_ahead(const struct live_study *study)
{
    size_t n = study->n_ready + (study->thinking == THINKING_SUGGESTS ? 1 : 0);

    for (const struct thought *t = study->thoughts; t != NULL; t = t->next) {
        n += t->judged == 0;
    }
    return n;
}

static size_t count_open(const struct live_study *study)
{
    int64_t open = study->row.counts[TRIAL_QUEUED] + study->row.counts[TRIAL_RUNNING]
                   + study->row.counts[TRIAL_PAUSED];

    return open > 0 ? (size_t)open : 0;
}

static int add_pending(const struct tuning *tuning, const struct live_study *study,
                       struct snapshot *snapshot, struct err *err)
{
    OWN(memory) int64_t *open = NULL;
    size_t n_points = 0;
    size_t n;

    TRY(study_open_trials(tuning, study, &open, &n, err));
    for (size_t i = 0; i < n; i++) {
        n_points += trial_live(tuning, open[i])->curve.n;
    }
    TRY(snapshot_reserve_points(snapshot, n_points, err));
    for (size_t i = 0; i < n; i++) {
        const struct live_trial *trial = trial_live(tuning, open[i]);
        if (trial->row.state == TRIAL_PAUSED && trial->row.has_value) {
            snapshot_add_paused(snapshot, &trial->row, &trial->curve);
        } else {
            snapshot_add_running(snapshot, &trial->row, &trial->curve);
        }
    }
    for (const struct ready *ready = study->ready; ready != NULL; ready = ready->next) {
        snapshot_add_pending(snapshot, ready->ordinal, ready->out.x);
    }
    return 0;
}

static struct thought *thought_create(struct tuning *tuning, struct live_study *study,
                                      struct err *err)
{
    size_t n_ahead = count_ahead(study);
    struct thought *made = calloc(1, sizeof *made);
    size_t n_params = study->def->space->n_params;

    if (made == NULL) {
        (void)err_set(err, ERR_NOMEM, "out of memory");
        return NULL;
    }
    made->study = study->row.id;
    made->generation = tuning->generation;
    made->epoch = study->epoch;
    made->ordinal = study->row.last_ordinal + n_ahead + 1;
    made->strategy = study->strategy;
    made->def = shared_def_hold(study->shared);
    made->out.x = calloc(n_params + 1, sizeof(double));
    if (made->out.x == NULL
        || snapshot_init(&made->snapshot, study->past, count_open(study) + n_ahead, err) != 0
        || add_pending(tuning, study, &made->snapshot, err) != 0) {
        (void)err_set(err, ERR_NOMEM, "out of memory");
        thought_destroy(made);
        return NULL;
    }
    return made;
}

/* What was suggested after the snapshot was fixed, by the thoughts before this one. */
static void add_suggested(const struct live_study *study, struct thought *thought)
{
    for (const struct ready *ready = study->ready; ready != NULL; ready = ready->next) {
        bool known = false;
        for (size_t i = 0; i < thought->snapshot.history.n && !known; i++) {
            known = thought->snapshot.items[i].ordinal == ready->ordinal;
        }
        if (!known) {
            snapshot_add_pending(&thought->snapshot, ready->ordinal, ready->out.x);
        }
    }
    for (const struct handed *handed = study->handed; handed != NULL; handed = handed->next) {
        bool known = handed->ordinal >= thought->ordinal;
        for (size_t i = 0; i < thought->snapshot.history.n && !known; i++) {
            known = thought->snapshot.items[i].ordinal == handed->ordinal;
        }
        if (!known) {
            snapshot_add_pending(&thought->snapshot, handed->ordinal, handed->x);
        }
    }
}

/* The next of the study's thoughts goes out to be run. */
static void launch(struct tuning *tuning, struct live_study *study)
{
    struct thought *thought = study->thoughts;

    if (thought == NULL || study->thinking != THINKING_NOT) {
        return;
    }
    study->thoughts = thought->next;
    if (study->thoughts == NULL) {
        study->thoughts_tail = &study->thoughts;
    }
    thought->next = NULL;
    snapshot_renew_fits(&thought->snapshot);
    if (thought->judged == 0) {
        add_suggested(study, thought);
    }
    study->thinking = thought->judged == 0 ? THINKING_SUGGESTS : THINKING_JUDGES;
    thought->epoch = study->epoch;
    *tuning->outgoing_tail = thought;
    tuning->outgoing_tail = &thought->next;
}

int study_think(struct tuning *tuning, struct live_study *study, struct err *err)
{
    struct thought *thought = thought_create(tuning, study, err);

    if (thought == NULL) {
        return -1;
    }
    *study->thoughts_tail = thought;
    study->thoughts_tail = &thought->next;
    launch(tuning, study);
    return 0;
}

int study_foretell(struct tuning *tuning, struct live_study *study, int64_t trial, int64_t level,
                   struct err *err)
{
    struct thought *thought = thought_create(tuning, study, err);

    if (thought == NULL) {
        return -1;
    }
    thought->judged = trial;
    thought->level = level;
    if (study->def->serving == SERVING_EXACT) {
        *study->thoughts_tail = thought; /* in the order of commands */
        study->thoughts_tail = &thought->next;
    } else { /* a job trains on meanwhile: before what is only prepared */
        struct thought **at = &study->thoughts;
        while (*at != NULL && (*at)->judged != 0) {
            at = &(*at)->next;
        }
        thought->next = *at;
        *at = thought;
        study->thoughts_tail = thought->next == NULL ? &thought->next : study->thoughts_tail;
    }
    launch(tuning, study);
    return 0;
}

size_t study_reserved(const struct live_study *study)
{
    return count_ahead(study);
}

/* A copy of what was handed out while thoughts whose snapshot is older still wait. */
static void remember_handed(struct live_study *study, const struct ready *ready)
{
    size_t bytes = study->def->space->n_params * sizeof(double);

    if (study->thoughts == NULL) {
        while (study->handed != NULL) {
            struct handed *next = study->handed->next;
            free(study->handed);
            study->handed = next;
        }
        return;
    }
    struct handed *handed = malloc(sizeof *handed + bytes);
    if (handed != NULL) {
        handed->ordinal = ready->ordinal;
        memcpy(handed->x, ready->out.x, bytes);
        handed->next = study->handed;
        study->handed = handed;
    }
}

struct ready *study_take_ready(struct live_study *study)
{
    struct ready *ready = study->ready;

    if (ready != NULL) {
        study->ready = ready->next;
        if (study->ready == NULL) {
            study->ready_tail = &study->ready;
        }
        study->n_ready--;
        remember_handed(study, ready);
    }
    return ready;
}

void ready_destroy(struct ready *ready)
{
    if (ready != NULL) {
        free(ready->out.x);
        free(ready->out.explain);
        free(ready->out.fit);
        free(ready);
    }
}

static void drop_thoughts(struct live_study *study, bool judging_too)
{
    struct thought **at = &study->thoughts;

    while (*at != NULL) {
        struct thought *thought = *at;
        if (thought->judged != 0 && !judging_too) {
            at = &thought->next;
            continue;
        }
        *at = thought->next;
        thought_destroy(thought);
    }
    study->thoughts_tail = at;
}

static void forget_suggestions(struct live_study *study)
{
    drop_thoughts(study, false);
    while (study->ready != NULL) {
        struct ready *next = study->ready->next;
        ready_destroy(study->ready);
        study->ready = next;
    }
    while (study->handed != NULL) {
        struct handed *next = study->handed->next;
        free(study->handed);
        study->handed = next;
    }
    study->ready_tail = &study->ready;
    study->n_ready = 0;
}

void study_forget_thoughts(struct live_study *study)
{
    forget_suggestions(study);
    drop_thoughts(study, true);
}

/* With no other trial of the study under way, what was prepared before this result is out of date:
 * sequential quality is the textbook algorithm's. */
void study_result_came(struct tuning *tuning, struct live_study *study)
{
    if (study->def->serving == SERVING_EXACT || study->past == NULL || study->live_leases > 0) {
        return;
    }
    forget_suggestions(study);
    if (study->thinking == THINKING_SUGGESTS) {
        study->epoch = ++tuning->epochs; /* what is under way is not wanted any more */
        study->thinking = THINKING_NOT;
        launch(tuning, study);
    }
}

/* Prepared serving thinks ahead of the asks: one for each worker that is at work, at most 8. */
int study_prepare(struct tuning *tuning, struct live_study *study, struct err *err)
{
    if (!study->strategy->thinks || study->def->serving == SERVING_EXACT
        || study->row.leased_trials == 0 || study->thinking != THINKING_NOT
        || study->thoughts != NULL || !study_may_start(tuning, study)) {
        return 0;
    }
    size_t wanted = study->live_leases > 8   ? 8
                    : study->live_leases < 1 ? 1
                                             : (size_t)study->live_leases;
    return study->n_ready >= wanted ? 0 : study_think(tuning, study, err);
}

int tuning_thought(struct tuning *tuning, struct command *command, struct err *err)
{
    struct thought *thought = command->thought;
    struct live_study *study = map_get(&tuning->study_by_id, (uint64_t)thought->study);

    if (study == NULL || thought->generation != tuning->generation
        || thought->epoch != study->epoch) {
        return 0;
    }
    study->thinking = THINKING_NOT;
    tuning->may_have_work = true;
    if (thought->judged != 0) {
        TRY(word_take(tuning, study, thought, err));
        launch(tuning, study);
        return 0;
    }
    if (thought->result != 0) {
        if (thought->err.code == ERR_EXHAUSTED) {
            study->row.exhausted = true;
            study->dirty = true;
            forget_suggestions(study);
            launch(tuning, study);
            return 0;
        }
        /* The model failed: the quasi-random point of the ordinal goes out, marked. */
        thought->out.fallback = true;
        TRY(strategy_quasi_random(study->def, thought->ordinal, thought->out.x, err));
    }
    if (thought->ordinal <= study->row.last_ordinal) {
        launch(tuning, study); /* its turn is over: a fallback went out in its place */
        return 0;
    }
    struct ready *ready = calloc(1, sizeof *ready);
    if (ready == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    ready->ordinal = thought->ordinal;
    ready->out = thought->out;
    thought->out = (struct suggestion){0};
    *study->ready_tail = ready;
    study->ready_tail = &ready->next;
    study->n_ready++;
    launch(tuning, study);
    return 0;
}
