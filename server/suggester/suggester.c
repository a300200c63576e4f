#include "server/suggester/suggester.h"

#include <stdlib.h>
#include <string.h>

#include "common/array.h"

/* The configuration of a suggestion that became a trial while jobs with an older snapshot wait. */
struct issued {
    struct issued *next;
    uint64_t ordinal;
    double x[];
};

enum under_way { NOTHING, SUGGESTION, FORECAST };

struct suggester {
    int64_t study;
    const struct strategy *strategy;
    struct trial_history *history;
    struct job_queue *queue; /* where jobs go out */
    enum under_way under_way;
    int64_t forecast_of; /* FORECAST: number of the trial */
    uint64_t epoch;      /* results of jobs with an older one are out of date */
    struct suggestion_job *waiting, **waiting_tail;
    struct prepared *prepared, **prepared_tail; /* in order of ordinal */
    size_t n_prepared;
    struct issued *issued;
};

/* ---- jobs ---- */

void suggestion_job_run(struct suggestion_job *job, const atomic_bool *stop)
{
    const struct study_def *def = job->def->def;
    const struct history *history = &job->snapshot.history;

    job->snapshot.history.stop = stop;
    job->result = job->trial != 0
                      ? strategy_forecast(def, history, job->trial, &job->forecast, &job->err)
                      : job->strategy->suggest(def, history, job->ordinal, &job->out, &job->err);
}

static void suggestion_finish(struct suggestion *suggestion)
{
    free(suggestion->config);
    free(suggestion->explain);
    free(suggestion->fit);
}

void suggestion_job_destroy(struct suggestion_job *job)
{
    if (job == NULL) {
        return;
    }
    snapshot_finish(&job->snapshot);
    basis_finish(&job->basis);
    shared_def_destroy(job->def);
    suggestion_finish(&job->out);
    free(job->forecast.fit);
    free(job);
}

void job_queue_init(struct job_queue *queue)
{
    *queue = (struct job_queue){.tail = &queue->first};
}

void job_queue_finish(struct job_queue *queue)
{
    struct suggestion_job *job;

    while ((job = job_queue_take(queue)) != NULL) {
        suggestion_job_destroy(job);
    }
}

struct suggestion_job *job_queue_take(struct job_queue *queue)
{
    struct suggestion_job *job = queue->first;

    if (job != NULL) {
        queue->first = job->next;
        if (queue->first == NULL) {
            queue->tail = &queue->first;
        }
        job->next = NULL;
    }
    return job;
}

/* ---- the history ---- */

int suggester_create(int64_t study, struct shared_def *def, const struct strategy *strategy,
                     struct job_queue *queue, struct suggester **suggester, struct err *err)
{
    struct suggester *created = calloc(1, sizeof *created);

    if (created != NULL) {
        created->history = trial_history_create(def);
    }
    if (created == NULL || created->history == NULL) {
        free(created);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    created->study = study;
    created->strategy = strategy;
    created->queue = queue;
    created->epoch = ++queue->epochs;
    created->waiting_tail = &created->waiting;
    created->prepared_tail = &created->prepared;
    *suggester = created;
    return 0;
}

int suggester_observe(struct suggester *suggester, const struct trial_row *row,
                      const struct learning_curve *curve, struct err *err)
{
    return trial_history_append(suggester->history, row, curve->points, curve->n, err);
}

int suggester_add_fit(struct suggester *suggester, uint64_t n_seen, const void *data, size_t bytes,
                      struct err *err)
{
    return trial_history_add_fit(suggester->history, n_seen, data, bytes, err);
}

void suggester_set_sources(struct suggester *suggester, struct sources *sources)
{
    trial_history_set_sources(suggester->history, sources);
}

/* ---- requests ---- */

size_t suggester_reserved(const struct suggester *suggester)
{
    size_t n = suggester->n_prepared + (suggester->under_way == SUGGESTION ? 1 : 0);

    for (const struct suggestion_job *job = suggester->waiting; job != NULL; job = job->next) {
        n += job->trial == 0;
    }
    return n;
}

static int add_open(const struct suggester *suggester, const struct suggester_input *input,
                    struct snapshot *snapshot, struct err *err)
{
    size_t n_points = 0;

    for (size_t i = 0; i < input->n_open; i++) {
        n_points += input->open[i].curve->n;
    }
    TRY(snapshot_reserve_points(snapshot, n_points, err));
    for (size_t i = 0; i < input->n_open; i++) {
        snapshot_add_open(snapshot, input->open[i].row, input->open[i].curve);
    }
    for (const struct prepared *at = suggester->prepared; at != NULL; at = at->next) {
        snapshot_add_pending(snapshot, at->ordinal, at->out.config);
    }
    return 0;
}

/* How far the curves reach that the snapshot has of open trials. */
static int note_curves(const struct suggester_input *input, struct basis *basis, struct err *err)
{
    size_t cap = 0;

    for (size_t i = 0; i < input->n_open; i++) {
        const struct open_trial *open = &input->open[i];
        const struct learning_curve *curve = open->curve;
        if (curve->n == 0) {
            continue;
        }
        int64_t last = curve->points[curve->n - 1].step;
        TRY(array_reserve(&basis->curves, basis->n_curves, &cap, sizeof *basis->curves, err));
        basis->curves[basis->n_curves++] = (struct basis_curve){
            .trial = trial_id_number(open->row->id),
            .reported = open->reported < last ? open->reported : last,
            .n_points = curve->n,
        };
    }
    return 0;
}

static int job_create(struct suggester *suggester, const struct suggester_input *input,
                      struct suggestion_job **job, struct err *err)
{
    OWN(suggestion_job) struct suggestion_job *made = calloc(1, sizeof *made);
    size_t n_reserved = suggester_reserved(suggester);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->study = suggester->study;
    made->ordinal = input->last_ordinal + n_reserved + 1;
    made->strategy = suggester->strategy;
    made->def = shared_def_hold(input->def);
    made->out.config = calloc(input->def->def->space->n_params + 1, sizeof(double));
    if (made->out.config == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(snapshot_init(&made->snapshot, suggester->history, input->n_open + n_reserved, err));
    TRY(add_open(suggester, input, &made->snapshot, err));
    TRY(note_curves(input, &made->basis, err));
    made->basis.seq = input->seq;
    made->n_open = input->n_open;
    *job = made;
    made = NULL;
    return 0;
}

static bool snapshot_has(const struct snapshot *snapshot, uint64_t ordinal)
{
    for (size_t i = 0; i < snapshot->history.n; i++) {
        if (snapshot->items[i].ordinal == ordinal) {
            return true;
        }
    }
    return false;
}

/* Adds what was suggested after the snapshot was fixed, by the jobs before this one. */
static void add_suggested(const struct suggester *suggester, struct suggestion_job *job)
{
    for (const struct prepared *at = suggester->prepared; at != NULL; at = at->next) {
        if (!snapshot_has(&job->snapshot, at->ordinal)) {
            snapshot_add_pending(&job->snapshot, at->ordinal, at->out.config);
        }
    }
    for (const struct issued *at = suggester->issued; at != NULL; at = at->next) {
        if (at->ordinal < job->ordinal && !snapshot_has(&job->snapshot, at->ordinal)) {
            snapshot_add_pending(&job->snapshot, at->ordinal, at->x);
        }
    }
}

void suggester_continue(struct suggester *suggester)
{
    struct suggestion_job *job = suggester->waiting;

    if (job == NULL || suggester->under_way != NOTHING) {
        return;
    }
    suggester->waiting = job->next;
    if (suggester->waiting == NULL) {
        suggester->waiting_tail = &suggester->waiting;
    }
    job->next = NULL;
    snapshot_renew_fits(&job->snapshot);
    if (job->trial == 0) {
        add_suggested(suggester, job);
    }
    suggester->under_way = job->trial == 0 ? SUGGESTION : FORECAST;
    suggester->forecast_of = job->trial;
    job->epoch = suggester->epoch;
    *suggester->queue->tail = job;
    suggester->queue->tail = &job->next;
}

int suggester_request(struct suggester *suggester, const struct suggester_input *input,
                      struct err *err)
{
    struct suggestion_job *job;

    TRY(job_create(suggester, input, &job, err));
    *suggester->waiting_tail = job;
    suggester->waiting_tail = &job->next;
    suggester_continue(suggester);
    return 0;
}

int suggester_forecast(struct suggester *suggester, const struct suggester_input *input,
                       int64_t trial, int64_t level, struct err *err)
{
    struct suggestion_job **at = &suggester->waiting;
    struct suggestion_job *job;

    TRY(job_create(suggester, input, &job, err));
    job->trial = trial;
    job->level = level;
    if (input->def->def->serving == SERVING_EXACT) {
        at = suggester->waiting_tail;
    } else { /* the trial trains on meanwhile: before what is only prepared */
        while (*at != NULL && (*at)->trial != 0) {
            at = &(*at)->next;
        }
    }
    job->next = *at;
    *at = job;
    if (job->next == NULL) {
        suggester->waiting_tail = &job->next;
    }
    suggester_continue(suggester);
    return 0;
}

/* ---- prepared suggestions ---- */

void prepared_destroy(struct prepared *prepared)
{
    if (prepared != NULL) {
        suggestion_finish(&prepared->out);
        free(prepared->basis);
        free(prepared);
    }
}

size_t suggester_n_prepared(const struct suggester *suggester)
{
    return suggester->n_prepared;
}

bool suggester_is_idle(const struct suggester *suggester)
{
    return suggester->under_way == NOTHING && suggester->waiting == NULL;
}

static void forget_issued(struct suggester *suggester)
{
    while (suggester->issued != NULL) {
        struct issued *next = suggester->issued->next;
        free(suggester->issued);
        suggester->issued = next;
    }
}

/* Copies a configuration that becomes a trial, for as long as jobs with an older snapshot wait. Out
 * of memory, those jobs miss one pending configuration. */
static void remember_issued(struct suggester *suggester, const struct prepared *prepared)
{
    size_t bytes = suggester->history->def->def->space->n_params * sizeof(double);

    if (suggester->waiting == NULL) {
        forget_issued(suggester);
        return;
    }
    struct issued *issued = malloc(sizeof *issued + bytes);
    if (issued != NULL) {
        issued->ordinal = prepared->ordinal;
        memcpy(issued->x, prepared->out.config, bytes);
        issued->next = suggester->issued;
        suggester->issued = issued;
    }
}

static struct prepared *take_first(struct suggester *suggester)
{
    struct prepared *prepared = suggester->prepared;

    if (prepared != NULL) {
        suggester->prepared = prepared->next;
        if (suggester->prepared == NULL) {
            suggester->prepared_tail = &suggester->prepared;
        }
        suggester->n_prepared--;
    }
    return prepared;
}

struct prepared *suggester_take(struct suggester *suggester)
{
    struct prepared *prepared = take_first(suggester);

    if (prepared != NULL) {
        remember_issued(suggester, prepared);
    }
    return prepared;
}

bool suggester_accept(struct suggester *suggester, const struct suggestion_job *job)
{
    if (job->epoch != suggester->epoch) {
        return false;
    }
    suggester->under_way = NOTHING;
    return true;
}

/* Writes down what the suggestion of a job was made from. */
static int keep_basis(struct suggestion_job *job, struct prepared *prepared, struct err *err)
{
    const struct snapshot *snapshot = &job->snapshot;
    struct basis *basis = &job->basis;
    size_t first = snapshot->n_done + job->n_open;
    OWN(buf) struct buf out;

    buf_init(&out, BASIS_BYTES_MAX);
    basis->n_fits = snapshot->history.n_fits;
    basis->suggested =
        malloc((snapshot->history.n - first) * sizeof *basis->suggested + sizeof *basis->suggested);
    if (basis->suggested == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = first; i < snapshot->history.n; i++) {
        basis->suggested[basis->n_suggested++] = snapshot->items[i].ordinal;
    }
    basis_write(basis, &out);
    TRY(buf_check(&out, err));
    prepared->basis_bytes = out.len;
    prepared->basis = buf_steal(&out);
    return 0;
}

int suggester_keep(struct suggester *suggester, struct suggestion_job *job, struct err *err)
{
    struct prepared *prepared = calloc(1, sizeof *prepared);

    if (prepared == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (job->result == 0 && keep_basis(job, prepared, err) != 0) {
        free(prepared);
        return -1;
    }
    prepared->ordinal = job->ordinal;
    prepared->out = job->out;
    job->out = (struct suggestion){0};
    *suggester->prepared_tail = prepared;
    suggester->prepared_tail = &prepared->next;
    suggester->n_prepared++;
    return 0;
}

/* ---- what is out of date ---- */

/* The forecasts of a trial that wait; trial 0: the suggestions; `all`: whatever waits. */
static void drop_waiting(struct suggester *suggester, int64_t trial, bool all)
{
    struct suggestion_job **at = &suggester->waiting;

    while (*at != NULL) {
        struct suggestion_job *job = *at;
        if (job->trial != trial && !all) {
            at = &job->next;
            continue;
        }
        *at = job->next;
        suggestion_job_destroy(job);
    }
    suggester->waiting_tail = at;
}

void suggester_discard(struct suggester *suggester)
{
    struct prepared *prepared;

    drop_waiting(suggester, 0, false);
    while ((prepared = take_first(suggester)) != NULL) {
        prepared_destroy(prepared);
    }
    forget_issued(suggester);
}

/* The result of the job under way will be ignored; the next one goes out. */
static void forget_under_way(struct suggester *suggester)
{
    suggester->epoch = ++suggester->queue->epochs;
    suggester->under_way = NOTHING;
    suggester_continue(suggester);
}

void suggester_renew(struct suggester *suggester)
{
    suggester_discard(suggester);
    if (suggester->under_way == SUGGESTION) {
        forget_under_way(suggester);
    }
}

void suggester_forget_forecast(struct suggester *suggester, int64_t trial)
{
    drop_waiting(suggester, trial, false);
    if (suggester->under_way == FORECAST && suggester->forecast_of == trial) {
        forget_under_way(suggester);
    }
}

void suggester_destroy(struct suggester *suggester)
{
    if (suggester == NULL) {
        return;
    }
    suggester_discard(suggester);
    drop_waiting(suggester, 0, true);
    trial_history_destroy(suggester->history);
    free(suggester);
}
