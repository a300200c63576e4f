#include "tests/sim/world.h"

#include "server/suggester/suggester.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash_secret.h"
#include "server/domain/shared_def.h"

#define WALL_OFFSET_MS INT64_C(1764000000000)
#define BODY_BYTES_MAX (1 << 20)

static void seeded_entropy(void *context, void *bytes, size_t len)
{
    struct rng *rng = context;
    unsigned char *to = bytes;

    for (size_t i = 0; i < len; i++) {
        to[i] = (unsigned char)(rng_next(rng) >> 56);
    }
}

/* The reply that is kept with a key: here only the numbers. */
static bool render(const struct command *command, int64_t *status, struct buf *text)
{
    if (command->kind != COMMAND_TRIALS_ADD) {
        return false;
    }
    *status = 201;
    for (size_t i = 0; i < as_const_trials_add(command)->out.n_numbers; i++) {
        buf_printf(text, "%s%lld", i == 0 ? "" : " ",
                   (long long)as_const_trials_add(command)->out.numbers[i]);
    }
    return true;
}

static int start_tuning(struct world *world, struct err *err)
{
    const struct tuning_settings settings = {
        .clock = &world->clock.clock,
        .entropy = seeded_entropy,
        .entropy_context = &world->secrets,
        .render = render,
        .suggestion_timeout_ms = world->suggestion_timeout_ms,
        .start_grace_ms = WORLD_GRACE_MS,
    };

    return tuning_create(&settings, world->store, &world->tuning, err);
}

int world_open(struct world *world, uint64_t seed, struct err *err)
{
    return world_open_in(world, NULL, seed, err);
}

int world_open_in(struct world *world, const char *directory, uint64_t seed, struct err *err)
{
    const struct store_settings settings = {.directory = directory};

    hash_secret_set(0); /* so that each walk over a table is the same */
    *world = (struct world){.secrets = rng_seeded(seed), .directory = directory};
    clock_manual_init(&world->clock, 0, WALL_OFFSET_MS);
    TRY(store_open(&settings, &world->store, err));
    return start_tuning(world, err);
}

void world_finish(struct world *world)
{
    tuning_destroy(world->tuning);
    store_close(world->store);
    world->tuning = NULL;
    world->store = NULL;
}

static void hand_out(struct world *world)
{
    struct command *command;

    while ((command = tuning_take_done(world->tuning)) != NULL) {
        if (world->answered != NULL && command->kind != COMMAND_SUGGESTION) {
            world->answered(world->context, command);
        } else {
            command_destroy(command);
        }
    }
}

/* *n_taken ← how many commands tuning/ has, of which the last one may have failed. */
static int apply(struct world *world, struct command *commands[], size_t n, size_t *n_taken,
                 struct err *err)
{
    store_group_begin(world->store);
    for (*n_taken = 0; *n_taken < n;) {
        TRY(tuning_apply(world->tuning, commands[(*n_taken)++], err));
    }
    return tuning_settle(world->tuning, err);
}

static int apply_all(struct world *world, struct command *commands[], size_t n, struct err *err)
{
    size_t n_taken;

    return apply(world, commands, n, &n_taken, err);
}

/* Each comes back as a group of its own. */
int world_run_jobs(struct world *world, struct err *err)
{
    struct suggestion_job *job;

    while ((job = tuning_take_job(world->tuning)) != NULL) {
        struct command *command = command_create(COMMAND_SUGGESTION);
        if (command == NULL) {
            suggestion_job_destroy(job);
            return err_set(err, ERR_NOMEM, "out of memory");
        }
        suggestion_job_run(job, NULL);
        as_suggestion(command)->in.job = job;
        TRY(apply_all(world, &command, 1, err));
        TRY(store_group_commit(world->store, err));
        hand_out(world);
    }
    return 0;
}

/* The engine's give_up_group(). */
static int undo_group(struct world *world, const struct err *why, struct err *err)
{
    struct command *done;

    store_group_rollback(world->store);
    tuning_fail_group(world->tuning, why);
    while ((done = tuning_take_done(world->tuning)) != NULL) {
        world->refused(world->context, done);
        command_destroy(done);
    }
    return tuning_load(world->tuning, err);
}

int world_fail(struct world *world, struct command *commands[], size_t n, size_t k,
               bool *has_failed, struct err *err)
{
    struct rng secrets = world->secrets; /* the next try draws the same */
    struct err why = {0};
    size_t n_taken;

    world->fail_at(k);
    int result = apply(world, commands, n, &n_taken, &why);
    *has_failed = world->has_failed();
    world->fail_at(0);
    if (*has_failed && result == 0) {
        return err_set(err, ERR_INVALID, "statement %zu failed, and nobody noticed", k);
    }
    if (*has_failed) {
        world->secrets = secrets;
        for (size_t i = n_taken; i < n; i++) {
            tuning_refuse(world->tuning, commands[i], &why);
        }
        return undo_group(world, &why, err);
    }
    *err = why;
    TRY(result);
    TRY(store_group_commit(world->store, err));
    hand_out(world);
    return world->holds_jobs ? 0 : world_run_jobs(world, err);
}

static int fail_each(struct world *world, struct err *err)
{
    bool has_failed = true;

    for (size_t k = 1; has_failed; k++) {
        TRY(world_fail(world, NULL, 0, k, &has_failed, err));
    }
    return 0;
}

int world_group(struct world *world, struct command *commands[], size_t n, struct err *err)
{
    if (world->fail_at != NULL && n == 0) {
        return fail_each(world, err);
    }
    TRY(apply_all(world, commands, n, err));
    TRY(store_group_commit(world->store, err));
    hand_out(world);
    return world->holds_jobs ? 0 : world_run_jobs(world, err);
}

int world_do(struct world *world, struct command *command, struct err *err)
{
    if (command == NULL) {
        return err_set(err, ERR_INVALID, "a faulty command");
    }
    return world_group(world, &command, 1, err);
}

int world_restart(struct world *world, struct err *err)
{
    tuning_destroy(world->tuning);
    world->tuning = NULL;
    return start_tuning(world, err);
}

int world_restore(struct world *world, struct err *err)
{
    const struct store_settings settings = {
        .directory = world->directory, .new_epoch = true, .clock = &world->clock.clock};

    world_finish(world);
    TRY(store_open(&settings, &world->store, err));
    return start_tuning(world, err);
}

int world_crash(struct world *world, struct command *commands[], size_t n, struct err *err)
{
    TRY(apply_all(world, commands, n, err));
    store_group_rollback(world->store);
    return world_restart(world, err);
}

int world_advance(struct world *world, int64_t now_ms, struct err *err)
{
    int64_t next_ms;

    while ((next_ms = tuning_next_ms(world->tuning)) <= now_ms) {
        if (next_ms > world->clock.now_ms) {
            world->clock.now_ms = next_ms;
        }
        TRY(world_group(world, NULL, 0, err));
        if (tuning_next_ms(world->tuning) <= next_ms) {
            return err_set(err, ERR_INVALID,
                           "the server wants to be called again at once, for ever");
        }
    }
    world->clock.now_ms = now_ms;
    return 0;
}

/* ---- commands ------------------------------------------------------------------------------- */

static struct command *make(enum command_kind kind)
{
    struct command *command = command_create(kind);

    if (command == NULL) {
        abort();
    }
    return command;
}

/* The command if its body was read (`result` 0), else NULL, and what is wrong on stderr. Takes the
 * command. */
static struct command *unless_faulty(struct command *command, int result)
{
    const struct faults *faults = &command->faults;

    if (result == 0) {
        return command;
    }
    (void)fprintf(stderr, "faulty body: %s%s\n", faults->n > 0 ? faults->items[0].detail : "",
                  command->err.text);
    command_destroy(command);
    return NULL;
}

/* No text is no body. */
static int parse(const char *text, json_t **body, struct err *err)
{
    return text == NULL ? 0 : json_parse(text, strlen(text), &json_limits_default, body, err);
}

static void set_name(char study[NAME_BYTES], const char *name)
{
    (void)snprintf(study, NAME_BYTES, "%s", name);
}

static void set_lease(char lease[LEASE_ID_BYTES], const char *id)
{
    (void)snprintf(lease, LEASE_ID_BYTES, "%s", id);
}

static int read_study(struct study_create_command *create, const char *body)
{
    TRY(parse(body, &create->in.body, &create->head.err));
    return study_def_from_json(create->in.body, 0, &create->in.def, &create->head.faults);
}

struct command *world_create_study(const char *body)
{
    struct command *command = make(COMMAND_STUDY_CREATE);

    return unless_faulty(command, read_study(as_study_create(command), body));
}

struct command *world_patch_study(const char *study, const char *body)
{
    struct command *command = make(COMMAND_STUDY_PATCH);
    struct study_patch_command *patch = as_study_patch(command);

    set_name(patch->in.study, study);
    return unless_faulty(command, parse(body, &patch->in.body, &command->err));
}

struct command *world_delete_study(const char *study, bool force)
{
    struct command *command = make(COMMAND_STUDY_DELETE);

    set_name(as_study_delete(command)->in.study, study);
    as_study_delete(command)->in.force = force;
    return command;
}

static void hash_text(const char *text, unsigned char hash[16])
{
    uint64_t parts[2] = {0, 1};

    for (; *text != '\0'; text++) {
        parts[0] = splitmix64(parts[0] ^ (unsigned char)*text);
        parts[1] = splitmix64(parts[1] ^ (unsigned char)*text);
    }
    memcpy(hash, parts, 16);
}

struct command *world_add_trials(const char *study, const char *body, const char *key)
{
    struct command *command = make(COMMAND_TRIALS_ADD);
    struct trials_add_command *add = as_trials_add(command);

    set_name(add->in.study, study);
    if (key != NULL) {
        command->has_key = true;
        hash_text(key, command->key);
        hash_text(body, command->body_hash);
    }
    return unless_faulty(command, parse(body, &add->in.body, &command->err));
}

struct command *world_cancel_trial(const char *study, int64_t trial)
{
    struct command *command = make(COMMAND_TRIAL_CANCEL);

    set_name(as_trial_cancel(command)->in.study, study);
    as_trial_cancel(command)->in.trial = trial;
    return command;
}

struct command *world_retry_trials(const char *study, int64_t trial)
{
    struct command *command = make(COMMAND_TRIALS_RETRY);

    set_name(as_trials_retry(command)->in.study, study);
    as_trials_retry(command)->in.trial = trial;
    as_trials_retry(command)->in.states = 1u << TRIAL_FAILED;
    return command;
}

struct command *world_set_worker(const char *worker, bool drain)
{
    struct command *command = make(COMMAND_WORKER_SET);

    (void)snprintf(as_worker_set(command)->in.worker, WORKER_NAME_BYTES, "%s", worker);
    as_worker_set(command)->in.drain = drain;
    return command;
}

static int read_ask(struct ask_command *ask, const char *text)
{
    json_auto_t *body = NULL;

    TRY(parse(text, &body, &ask->head.err));
    return lease_ask_from_json(body, &ask->in.ask, &ask->head.faults);
}

struct command *world_ask(const char *study, const char *body)
{
    struct command *command = make(COMMAND_ASK);

    set_name(as_ask(command)->in.study, study);
    return unless_faulty(command, read_ask(as_ask(command), body));
}

static int read_measurements(struct measure_command *measure, const char *text)
{
    json_auto_t *body = NULL;

    TRY(parse(text, &body, &measure->head.err));
    return measurement_list_from_json(body, &measure->in.measurements, &measure->head.faults);
}

struct command *world_measure(const char *lease, const char *body)
{
    struct command *command = make(COMMAND_MEASURE);

    set_lease(as_measure(command)->in.lease, lease);
    return unless_faulty(command, read_measurements(as_measure(command), body));
}

struct command *world_heartbeat(const char *lease)
{
    struct command *command = make(COMMAND_HEARTBEAT);

    set_lease(as_heartbeat(command)->in.lease, lease);
    as_heartbeat(command)->in.progress = NAN;
    return command;
}

static char *report_text(const struct result_report *report)
{
    struct json_writer w;
    struct buf text;
    char *stolen;

    buf_init(&text, BODY_BYTES_MAX);
    json_writer_init(&w, &text);
    result_report_write(report, &w);
    stolen = buf_steal(&text);
    buf_finish(&text);
    return stolen;
}

static int read_result(struct result_command *result, const char *text)
{
    json_auto_t *body = NULL;

    TRY(parse(text, &body, &result->head.err));
    TRY(result_report_from_json(body, &result->in.report, &result->head.faults));
    result->in.text = report_text(&result->in.report);
    return 0;
}

struct command *world_result(const char *lease, const char *body)
{
    struct command *command = make(COMMAND_RESULT);

    set_lease(as_result(command)->in.lease, lease);
    return unless_faulty(command, read_result(as_result(command), body));
}

struct command *world_release(const char *lease)
{
    struct command *command = make(COMMAND_RELEASE);

    set_lease(as_release(command)->in.lease, lease);
    return command;
}
