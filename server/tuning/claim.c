/* How a trial reaches a worker: asks wait in order of arrival, and the dispatcher serves them the
 * moment anything may go out. What goes out, in this order: a retry of a lost attempt, a promotion,
 * an enqueued configuration, a new suggestion. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/digest.h"
#include "server/strategy/sobol.h"
#include "server/tuning/live.h"

/* ---- which studies an ask may serve ---- */

static bool listed(char *const list[], size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool labels_match(const json_t *required, const json_t *offered)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(required), key, value) {
        if (!json_equal(value, json_object_get(offered, key))) {
            return false;
        }
    }
    return true;
}

static bool ask_matches(const struct lease_ask *ask, const char *named,
                        const struct live_study *study)
{
    const struct study_def *def = study->def;

    if (named[0] != '\0' && strcmp(named, study->row.name) != 0) {
        return false;
    }
    if (ask->n_studies > 0 && !listed(ask->studies, ask->n_studies, study->row.name)) {
        return false;
    }
    if (ask->has_runners && !listed(ask->runners, ask->n_runners, def->runner)) {
        return false;
    }
    return (int64_t)ask->n_gpus >= def->requires_gpus
           && (def->requires_gpu_memory_mib == 0
               || ask->gpu_memory_mib >= def->requires_gpu_memory_mib)
           && labels_match(def->requires_labels, ask->labels);
}

/* Is `a` to be served before `b`? Higher priority, then fewer live leases for its share, then the
 * older one. */
static bool goes_first(const struct live_study *a, const struct live_study *b)
{
    if (a->def->priority != b->def->priority) {
        return a->def->priority > b->def->priority;
    }
    double load_a = (double)a->live_leases / a->def->share;
    double load_b = (double)b->live_leases / b->def->share;
    if (load_a < load_b || load_a > load_b) {
        return load_a < load_b;
    }
    return a->row.id < b->row.id;
}

/* ---- why nothing goes out ---- */

static void explain_study(const struct tuning *tuning, const struct live_study *study,
                          struct no_lease *no)
{
    static const enum no_lease_reason reasons[STUDY_STATE_COUNT] = {
        [STUDY_RUNNING] = NO_LEASE_WAITING,
        [STUDY_PAUSED] = NO_LEASE_PAUSED,
        [STUDY_STOPPED] = NO_LEASE_STOPPED,
        [STUDY_FINISHED] = NO_LEASE_FINISHED,
    };
    const struct limits *limits = &study->def->limits;

    no->reason = reasons[study->row.state];
    if (study->row.state == STUDY_FINISHED) {
        (void)snprintf(no->detail, sizeof no->detail, "study \"%s\" is finished: %s",
                       study->row.name, study_reason_name(study->row.reason));
    } else if (study->row.state != STUDY_RUNNING) {
        (void)snprintf(no->detail, sizeof no->detail, "study \"%s\" is %s", study->row.name,
                       study_state_name(study->row.state));
    } else if (limits->parallel >= 0 && study->live_leases >= limits->parallel) {
        (void)snprintf(no->detail, sizeof no->detail,
                       "study \"%s\" runs %" PRId64 " trials, as many as limits.parallel allows",
                       study->row.name, study->live_leases);
    } else {
        struct schedule_moment moment = study_moment(tuning, study);
        struct schedule_offer offer;
        schedule_offer(study->schedule, &moment, &offer);
        (void)snprintf(no->detail, sizeof no->detail, "study \"%s\": %.180s", study->row.name,
                       offer.kind == OFFER_NOTHING && offer.detail[0] != '\0'
                           ? offer.detail
                           : "nothing new may go out; the last trials are running");
    }
}

void ask_explain(const struct tuning *tuning, const struct lease_ask *ask, const char *named,
                 struct no_lease *no)
{
    /* The most hopeful of the matching studies speaks for all. */
    static const int hope[STUDY_STATE_COUNT] = {
        [STUDY_RUNNING] = 3, [STUDY_PAUSED] = 2, [STUDY_FINISHED] = 1, [STUDY_STOPPED] = 0};
    const struct live_study *best = NULL;

    *no = (struct no_lease){.reason = NO_LEASE_NONE, .retry_after_seconds = 5};
    for (const struct live_study *study = tuning->studies; study != NULL; study = study->next) {
        if (ask_matches(ask, named, study)
            && (best == NULL || hope[study->row.state] > hope[best->row.state])) {
            best = study;
        }
    }
    if (best == NULL) {
        (void)snprintf(no->detail, sizeof no->detail,
                       "no study matches what this worker asks for (studies, runners, gpus, "
                       "labels)");
        return;
    }
    explain_study(tuning, best, no);
}

/* An ask for named studies that will hand out nothing more is not kept waiting. */
static bool is_hopeless(const struct tuning *tuning, const struct command *command)
{
    struct no_lease no;

    if (command->study[0] == '\0' && command->ask.n_studies == 0) {
        return false;
    }
    ask_explain(tuning, &command->ask, command->study, &no);
    return no.reason == NO_LEASE_FINISHED || no.reason == NO_LEASE_STOPPED;
}

/* ---- granting ---- */

static char *parameters_text(const struct study_def *def, const double x[])
{
    struct buf text;
    struct json_writer w;

    buf_init(&text, 1 << 20);
    json_writer_init(&w, &text);
    space_config_write(def->space, x, &w);
    return buf_steal(&text);
}

/* The answer to an ask, from the live state alone, so that a repeated ask gets the same. */
static int fill_grant(struct tuning *tuning, const struct live_lease *lease,
                      struct lease_grant *grant, struct err *err)
{
    struct live_trial *trial = lease->trial;
    const struct live_study *study = trial->study;
    const struct study_def *def = study->def;
    struct lease_name name = {.attempt_id = lease->row.id};

    memcpy(name.secret, lease->row.secret, sizeof name.secret);
    lease_name_format(&name, grant->id);
    grant->expires_at_ms = tuning->wall_ms + lease->deadline.at_ms - tuning->now_ms;
    grant->ttl_seconds = (double)lease->ttl_ms / 1000;
    grant->heartbeat_seconds = lease_heartbeat_seconds(lease->ttl_ms, tuning->n_live_leases);
    memcpy(grant->study, study->row.name, sizeof grant->study);
    grant->objectives = strdup(study->objectives_json);
    grant->trial = trial_id_number(trial->row.id);
    grant->attempt = lease->row.number;
    if (trial->parameters == NULL) { /* printing numbers is dear: once a trial */
        trial->parameters = parameters_text(def, trial->row.config);
    }
    grant->parameters = trial->parameters == NULL ? NULL : strdup(trial->parameters);
    grant->seed = trial_seed(def->seed, grant->trial);
    grant->has_resource = def->has_resource;
    memcpy(grant->resource_name, def->resource_name, sizeof grant->resource_name);
    grant->from = lease->row.from;
    grant->to = lease->row.to;
    grant->checkpoint = trial->checkpoint;
    grant->checkpoint.present = trial->checkpoint.present && lease->row.from > 0;
    grant->trial_seconds = def->limits.trial_seconds > 0 ? def->limits.trial_seconds : 0;
    grant->stall_seconds = def->limits.stall_seconds > 0 ? def->limits.stall_seconds : 0;
    grant->job = study->job_json == NULL ? NULL : strdup(study->job_json);
    if (grant->objectives == NULL || grant->parameters == NULL
        || (study->job_json != NULL && grant->job == NULL)) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

/* Where this worker goes on from: the newest checkpoint's step if it can reach it. */
static int64_t resume_step(const struct live_trial *trial, const struct lease_ask *ask,
                           int64_t until)
{
    const struct checkpoint *checkpoint = &trial->checkpoint;

    if (!trial->study->def->has_resource || !checkpoint->present) {
        return 0;
    }
    bool reachable = strcmp(checkpoint->reach, "any") == 0
                     || (strncmp(checkpoint->reach, "host:", 5) == 0 && ask->host[0] != '\0'
                         && strcmp(checkpoint->reach + 5, ask->host) == 0);
    int64_t step = checkpoint->step < until ? checkpoint->step : until;
    return reachable ? step : 0;
}

static int memo_put(struct tuning *tuning, const struct ask *ask, int64_t attempt_id,
                    struct err *err)
{
    uint64_t key;

    if (!ask->has_request) {
        return 0;
    }
    memcpy(&key, ask->request, sizeof key);
    struct memo *memo = map_get(&tuning->memo_by_request, key);
    if (memo == NULL) {
        memo = calloc(1, sizeof *memo);
        if (memo == NULL || map_put(&tuning->memo_by_request, key, memo, err) != 0) {
            free(memo);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    memcpy(memo->request, ask->request, sizeof memo->request);
    memo->attempt_id = attempt_id;
    memo->ended_ms = 0;
    return 0;
}

static int ensure_worker_row(struct tuning *tuning, struct live_worker *worker, struct err *err)
{
    if (worker->id != 0) {
        return 0;
    }
    TRY(store_worker_insert(tuning->store, worker->name, &worker->id, err));
    return map_put(&tuning->worker_by_id, (uint64_t)worker->id, worker, err);
}

/* One transaction's worth: attempt, trial, counters, event, request id. The trial is in memory and
 * in the store already, whether new or not. */
static int grant(struct tuning *tuning, struct ask *ask, struct live_trial *trial, bool has_until,
                 int64_t until, struct err *err)
{
    struct live_study *study = trial->study;
    struct command *command = ask->command;
    struct live_lease *lease;

    TRY(ensure_worker_row(tuning, ask->worker, err));
    trial_queue_remove(trial);
    if (trial->lease != NULL) { /* expired: overtaken now */
        lease_leave(tuning, trial->lease);
    }
    struct attempt_row row = {
        .trial = trial->row.id,
        .number = trial->row.attempt + 1,
        .worker = ask->worker->id,
        .has_request = ask->has_request,
        .from = resume_step(trial, &command->ask, has_until ? until : INT64_MAX),
        .to = has_until ? until : 0,
        .leased_at_ms = tuning->wall_ms,
    };
    memcpy(row.request, ask->request, sizeof row.request);
    tuning->settings.entropy(tuning->settings.entropy_context, row.secret, sizeof row.secret);
    TRY(store_attempt_insert(tuning->store, &row, err));
    bool first = trial->row.attempt == 0;
    trial->row.attempt = row.number;
    trial->row.attempt_id = row.id;
    memcpy(trial->row.worker, ask->worker->name, sizeof trial->row.worker);
    if (first) {
        trial->row.started_at_ms = tuning->wall_ms;
        study->row.leased_trials++;
    }
    study_count(study, trial->row.state, TRIAL_RUNNING);
    TRY(trial_move(&trial->row.state, TRIAL_RUNNING, err));
    TRY(store_trial_update(tuning->store, &trial->row, err));
    TRY(lease_enter(tuning, trial, &row, ask->worker, &lease, err));
    study->live_leases++;
    tuning->n_live_leases++;
    ask->worker->leases++;
    if (study->row.started_at_ms == 0) {
        study->row.started_at_ms = tuning->wall_ms;
        TRY(study_set_clock(tuning, study, err));
    }
    study->dirty = true;
    TRY(lease_renew(tuning, lease, err));
    TRY(memo_put(tuning, ask, row.id, err));
    TRY(event_append(tuning, EVENT_TRIAL_RUNNING, study->row.id, trial_id_number(trial->row.id),
                     row.number, err));
    command->granted = true;
    return fill_grant(tuning, lease, &command->grant, err);
}

/* The suggestion becomes a trial; takes what it owns. */
static int adopt(struct tuning *tuning, struct live_study *study, uint64_t ordinal,
                 struct suggestion *suggestion, struct live_trial **trial, struct err *err)
{
    struct trial_row row = {
        .id = trial_id(study->row.id, study->row.last_number + 1),
        .state = TRIAL_QUEUED,
        .source = SOURCE_SUGGESTED,
        .fallback = suggestion->fallback,
        .ordinal = ordinal,
        .n_params = study->def->space->n_params,
        .config = suggestion->x,
        .explain = suggestion->explain,
        .created_at_ms = tuning->wall_ms,
    };
    OWN(memory) void *fit = suggestion->fit;

    suggestion->x = NULL;
    suggestion->explain = NULL;
    suggestion->fit = NULL;
    if (store_trial_insert(tuning->store, &row, err) != 0
        || trial_enter(tuning, study, &row, trial, err) != 0) {
        trial_row_finish(&row);
        return -1;
    }
    study->row.last_number++;
    study->row.last_ordinal = ordinal;
    study->row.counts[TRIAL_QUEUED]++;
    study->dirty = true;
    if (fit == NULL || study->past == NULL) {
        return 0;
    }
    TRY(store_fit_insert(tuning->store, study->row.id, suggestion->fit_n_seen, fit,
                         suggestion->fit_bytes, err));
    return past_add_fit(study->past, suggestion->fit_n_seen, fit, suggestion->fit_bytes, err);
}

/* A new trial from a strategy that needs no time; *trial NULL when it has nothing left. */
static int suggest_now(struct tuning *tuning, struct live_study *study, struct live_trial **trial,
                       struct err *err)
{
    struct suggestion suggestion = {.x = calloc(study->def->space->n_params + 1, sizeof(double))};
    static const struct history nothing;
    uint64_t ordinal = study->row.last_ordinal + 1;

    *trial = NULL;
    if (suggestion.x == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (study->strategy->suggest(study->def, &nothing, ordinal, &suggestion, err) != 0) {
        free(suggestion.x);
        if (err->code == ERR_EXHAUSTED) {
            study->row.exhausted = true;
            study->dirty = true;
            return 0;
        }
        return -1;
    }
    return adopt(tuning, study, ordinal, &suggestion, trial, err);
}

/* The model was not done in time: the quasi-random point of the ordinal, marked. */
static int suggest_fallback(struct tuning *tuning, struct live_study *study,
                            struct live_trial **trial, struct err *err)
{
    struct suggestion suggestion = {.x = calloc(study->def->space->n_params + 1, sizeof(double)),
                                    .fallback = true};
    uint64_t ordinal = study->row.last_ordinal + 1;

    *trial = NULL;
    if (suggestion.x == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (strategy_quasi_random(study->def, ordinal, suggestion.x, err) != 0) {
        free(suggestion.x);
        return err->code == ERR_EXHAUSTED ? 0 : -1;
    }
    return adopt(tuning, study, ordinal, &suggestion, trial, err);
}

/* May one more suggestion be thought about, beside those that are ready or under way? */
static bool may_reserve(const struct live_study *study)
{
    const struct limits *limits = &study->def->limits;
    int64_t reserved = (int64_t)study_reserved(study);

    return (limits->trials < 0 || study->row.leased_trials + reserved < limits->trials)
           && (limits->parallel < 0 || study->live_leases + reserved < limits->parallel);
}

/* A new trial from a strategy that thinks; *trial NULL: not yet, or nothing left. */
static int suggest_thought(struct tuning *tuning, struct ask *ask, struct live_study *study,
                           struct live_trial **trial, struct err *err)
{
    struct ready *ready = study_take_ready(study);
    bool exact = study->def->serving == SERVING_EXACT;

    *trial = NULL;
    if (ready != NULL) {
        int result = adopt(tuning, study, ready->ordinal, &ready->out, trial, err);
        ready_destroy(ready);
        return result;
    }
    if (ask->thought_enough && !exact) {
        return suggest_fallback(tuning, study, trial, err);
    }
    if (exact ? !ask->has_thought && may_reserve(study)
              : study_reserved(study) == 0 && may_reserve(study)) {
        TRY(study_think(tuning, study, err));
        ask->has_thought = true;
    }
    ask->thinks = study_reserved(study) > 0;
    if (ask->thinks && exact) {
        heap_remove(&tuning->ask_deadlines, &ask->deadline);
    } else if (ask->thinks && !ask->waits_for_thought) {
        ask->waits_for_thought = true;
        TRY(heap_set(&tuning->ask_deadlines, &ask->deadline,
                     tuning->now_ms + tuning->settings.think_ms, err));
    }
    return 0;
}

static int suggest(struct tuning *tuning, struct ask *ask, struct live_study *study,
                   struct live_trial **trial, struct err *err)
{
    return study->strategy->thinks ? suggest_thought(tuning, ask, study, trial, err)
                                   : suggest_now(tuning, study, trial, err);
}

/* Tells the schedule once that no new configurations will come. */
int study_seal(struct tuning *tuning, struct live_study *study, struct err *err)
{
    OWN(schedule_log) struct schedule_log log = {0};
    struct schedule_moment moment = study_moment(tuning, study);

    if (study->sealed) {
        return 0;
    }
    study->sealed = true;
    TRY(schedule_seal(study->schedule, &moment, &log, err));
    TRY(facts_append(tuning, study, &log, err));
    return trials_align(tuning, study, &log, err);
}

/* Who asks, of which study. */
struct asker {
    const struct tuning *tuning;
    const struct live_study *study;
    const struct ask *ask;
};

/* Is the trial's checkpoint on the asking host? One that lies within everybody's reach draws it to
 * nobody. */
static bool holds_checkpoint(const void *worker, int64_t number)
{
    const struct asker *asker = worker;
    const struct live_trial *trial =
        trial_live(asker->tuning, trial_id(asker->study->row.id, number));

    return trial != NULL && trial->checkpoint.present && strcmp(trial->checkpoint.reach, "any") != 0
           && resume_step(trial, &asker->ask->command->ask, INT64_MAX) > 0;
}

/* One system call, made only when there is something to hand out. */
static bool has_hung_up(struct ask *ask)
{
    const struct command *command = ask->command;

    if (command->is_gone != NULL && command->is_gone(command->origin)) {
        ask->gone = true;
    }
    return ask->gone;
}

/* The schedule offers a trial that is no more: it lets go of it, and the next offer counts. */
static int drop_stranger(struct tuning *tuning, struct live_study *study, int64_t number,
                         struct err *err)
{
    OWN(schedule_log) struct schedule_log log = {0};
    struct schedule_moment moment = study_moment(tuning, study);

    study->dry = 0;
    tuning->may_have_work = true;
    TRY(schedule_end(study->schedule, &moment, number, FACT_DROP, &log, err));
    TRY(facts_append(tuning, study, &log, err));
    return trials_align(tuning, study, &log, err);
}

/* Grants the ask something of this study, if anything may go out. */
static int serve(struct tuning *tuning, struct ask *ask, struct live_study *study, bool *served,
                 struct err *err)
{
    const struct limits *limits = &study->def->limits;
    OWN(schedule_log) struct schedule_log log = {0};
    struct schedule_offer offer;
    struct live_trial *trial;

    *served = false;
    if (study->dry == tuning->dispatches) {
        return 0;
    }
    study->dry = tuning->dispatches; /* unless something goes out below */
    if (study->row.state != STUDY_RUNNING || !study_may_go_on(tuning, study)
        || (limits->parallel >= 0 && study->live_leases >= limits->parallel)) {
        return 0;
    }
    if (study->retries.first != NULL) {
        if (has_hung_up(ask)) {
            study->dry = 0;
            return 0;
        }
        trial = study->retries.first;
        struct schedule_answer answer =
            schedule_answer(study->schedule, trial_id_number(trial->row.id));
        schedule_hold(study->schedule, trial_id_number(trial->row.id), answer.until);
        *served = true;
        study->dry = 0;
        return grant(tuning, ask, trial, answer.has_until, answer.until, err);
    }
    struct schedule_moment moment = study_moment(tuning, study);
    const struct asker asker = {tuning, study, ask};
    moment.prefers = holds_checkpoint;
    moment.worker = &asker;
    schedule_offer(study->schedule, &moment, &offer);
    if (offer.kind == OFFER_NOTHING) {
        return 0;
    }
    if (has_hung_up(ask)) {
        study->dry = 0;
        return 0;
    }
    if (offer.kind == OFFER_RESUME) {
        trial = trial_live(tuning, trial_id(study->row.id, offer.trial));
        if (trial == NULL) {
            return drop_stranger(tuning, study, offer.trial, err);
        }
    } else if (study->enqueued.first != NULL) {
        trial = study->enqueued.first;
    } else {
        TRY(suggest(tuning, ask, study, &trial, err));
        if (trial == NULL && ask->thinks) {
            study->dry = 0; /* the next ask wants its thought too */
            return 0;
        }
        if (trial == NULL) {
            return study->row.exhausted ? study_seal(tuning, study, err) : 0;
        }
    }
    *served = true;
    study->dry = 0;
    TRY(schedule_take(study->schedule, &moment, &offer, trial_id_number(trial->row.id), &log, err));
    TRY(facts_append(tuning, study, &log, err));
    TRY(grant(tuning, ask, trial, offer.has_until, offer.until, err));
    return trials_align(tuning, study, &log, err);
}

/* ---- asks ---- */

void ask_answer(struct tuning *tuning, struct ask *ask)
{
    struct command *command = ask->command;

    if (ask->link != NULL) {
        *ask->link = ask->next;
        if (ask->next != NULL) {
            ask->next->link = ask->link;
        } else {
            tuning->asks_tail = ask->link;
        }
        tuning->n_asks--;
        if (ask->worker != NULL) {
            ask->worker->waiting--;
        }
    }
    heap_remove(&tuning->ask_deadlines, &ask->deadline);
    command->waiting = NULL;
    free(ask);
    command_done(tuning, command);
}

static int park(struct tuning *tuning, struct ask *ask, struct err *err)
{
    ask->asked_ms = tuning->now_ms;
    ask->wait_ms = (int64_t)(ask->command->ask.wait_seconds * 1000);
    TRY(heap_set(&tuning->ask_deadlines, &ask->deadline, ask->asked_ms + ask->wait_ms, err));
    ask->link = tuning->asks_tail;
    *tuning->asks_tail = ask;
    tuning->asks_tail = &ask->next;
    tuning->n_asks++;
    ask->worker->waiting++;
    return 0;
}

/* Tries the studies in the order of fairness; each is tried at most once. */
static int try_to_serve(struct tuning *tuning, struct ask *ask, bool *served, struct err *err)
{
    const struct command *command = ask->command;
    const struct live_study *last = NULL;

    *served = false;
    if (command->study[0] != '\0') { /* the common case needs no search */
        struct live_study *study = study_named(tuning, command->study);
        if (study == NULL || !ask_matches(&command->ask, command->study, study)) {
            return 0;
        }
        return serve(tuning, ask, study, served, err);
    }
    for (;;) {
        struct live_study *best = NULL;
        for (struct live_study *study = tuning->studies; study != NULL; study = study->next) {
            if (study->row.state == STUDY_RUNNING && (last == NULL || goes_first(last, study))
                && study != last && ask_matches(&command->ask, "", study)
                && (best == NULL || goes_first(study, best))) {
                best = study;
            }
        }
        if (best == NULL) {
            return 0;
        }
        TRY(serve(tuning, ask, best, served, err));
        if (*served) {
            return 0;
        }
        last = best;
    }
}

static void request_hash(const struct command *command, unsigned char hash[DIGEST_KEY_BYTES])
{
    char text[sizeof command->principal + WORKER_NAME_BYTES + REQUEST_ID_BYTES + 8];
    int len = snprintf(text, sizeof text, "%s\n%s\n%s", command->principal, command->ask.worker,
                       command->ask.request_id);

    digest_key(text, (size_t)len, hash);
}

#define MEMO_MS (10 * 60 * 1000)

/* A request id that was answered before. *answered: the command has its answer or its error. */
static int repeat_ask(struct tuning *tuning, struct ask *ask, bool *answered, struct err *err)
{
    struct command *command = ask->command;
    uint64_t key;

    *answered = false;
    memcpy(&key, ask->request, sizeof key);
    struct memo *memo = map_get(&tuning->memo_by_request, key);
    if (memo == NULL || memcmp(memo->request, ask->request, sizeof memo->request) != 0) {
        return 0;
    }
    struct live_lease *lease = map_get(&tuning->lease_by_attempt, (uint64_t)memo->attempt_id);
    if (lease != NULL && !lease->aborted) {
        *answered = true;
        TRY(lease_revive(tuning, lease, err));
        TRY(lease_renew(tuning, lease, err));
        command->granted = true;
        return fill_grant(tuning, lease, &command->grant, err);
    }
    if (memo->ended_ms == 0) {
        memo->ended_ms = tuning->now_ms;
    }
    if (tuning->now_ms - memo->ended_ms < MEMO_MS) {
        *answered = true;
        return err_set(err, ERR_LEASE_ENDED,
                       "the lease that this request_id was given is over; ask with a new "
                       "request_id");
    }
    return 0;
}

static void replace_waiting(struct tuning *tuning, const struct ask *newer)
{
    for (struct ask *ask = tuning->asks; ask != NULL; ask = ask->next) {
        if (ask->has_request && memcmp(ask->request, newer->request, sizeof ask->request) == 0) {
            struct no_lease *no = &ask->command->no_lease;
            *no = (struct no_lease){.reason = NO_LEASE_WAITING, .retry_after_seconds = 1};
            (void)snprintf(no->detail, sizeof no->detail,
                           "a newer ask with the same request_id waits in its place");
            ask_answer(tuning, ask);
            return;
        }
    }
}

/* Answered at once, or parked behind those who came before; asks_dispatch() does the rest. */
static int ask_enter(struct tuning *tuning, struct ask *ask, struct err *err)
{
    bool answered = false;

    TRY(worker_seen(tuning, &ask->command->ask, &ask->worker, err));
    if (ask->has_request) {
        TRY(repeat_ask(tuning, ask, &answered, err));
        if (answered) {
            ask_answer(tuning, ask);
            return 0;
        }
        replace_waiting(tuning, ask);
    }
    if (tuning->stopping) {
        return err_set(err, ERR_OVERLOADED, "the server is stopping; ask again in a moment");
    }
    TRY(park(tuning, ask, err));
    if (tuning->fresh == NULL) {
        tuning->fresh = ask;
    }
    return 0;
}

int tuning_ask(struct tuning *tuning, struct command *command, struct err *err)
{
    struct ask *ask = calloc(1, sizeof *ask);

    if (ask == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    ask->command = command;
    heap_node_init(&ask->deadline, ask);
    if (command->ask.request_id[0] != '\0') {
        ask->has_request = true;
        request_hash(command, ask->request);
    }
    command->waiting = ask;
    if (ask_enter(tuning, ask, err) != 0) {
        heap_remove(&tuning->ask_deadlines, &ask->deadline);
        command->waiting = NULL;
        free(ask);
        return -1;
    }
    return 0;
}

static int dispatch_one(struct tuning *tuning, struct ask *ask, struct err *err)
{
    struct command *command = ask->command;
    bool served = false;

    ask->thinks = false;
    TRY(try_to_serve(tuning, ask, &served, err));
    if (served || ask->gone) {
        ask_answer(tuning, ask);
    } else if (ask->thinks) {
        return 0; /* time to think never counts as waiting */
    } else if (command->ask.wait_seconds <= 0 || is_hopeless(tuning, command)) {
        ask_explain(tuning, &command->ask, command->study, &command->no_lease);
        ask_answer(tuning, ask);
    }
    return 0;
}

/* Is there any study that might still hand something out in this dispatch? */
static bool any_hope(const struct tuning *tuning)
{
    for (const struct live_study *study = tuning->studies; study != NULL; study = study->next) {
        if (study->row.state == STUDY_RUNNING && study->dry != tuning->dispatches) {
            return true;
        }
    }
    return false;
}

static int serve_waiting(struct tuning *tuning, struct err *err)
{
    bool all = tuning->studies_moved;
    struct ask *fresh = tuning->fresh;
    struct ask *ask = tuning->may_have_work || all ? tuning->asks : fresh;
    struct ask *next;

    tuning->may_have_work = false;
    tuning->studies_moved = false;
    tuning->fresh = NULL;
    tuning->dispatches++;
    for (bool reached_fresh = false; ask != NULL; ask = next) {
        reached_fresh = reached_fresh || ask == fresh;
        if (!all && !reached_fresh && !any_hope(tuning)) {
            next = fresh; /* those who wait go on waiting; those who just came want an answer */
            continue;
        }
        next = ask->next;
        TRY(dispatch_one(tuning, ask, err));
    }
    return 0;
}

static int answer_overdue(struct tuning *tuning, struct err *err)
{
    struct heap_node *top;

    while ((top = heap_top(&tuning->ask_deadlines)) != NULL && top->at_ms <= tuning->now_ms) {
        struct ask *ask = top->owner;
        if (ask->waits_for_thought && !ask->thought_enough) {
            ask->thought_enough = true;
            TRY(heap_set(&tuning->ask_deadlines, &ask->deadline, ask->asked_ms + ask->wait_ms,
                         err));
            tuning->dispatches++;
            TRY(dispatch_one(tuning, ask, err));
            continue;
        }
        ask_explain(tuning, &ask->command->ask, ask->command->study, &ask->command->no_lease);
        ask_answer(tuning, ask);
    }
    return 0;
}

int asks_dispatch(struct tuning *tuning, struct err *err)
{
    if (tuning->fresh != NULL || tuning->may_have_work || tuning->studies_moved) {
        TRY(serve_waiting(tuning, err));
    }
    return answer_overdue(tuning, err);
}
