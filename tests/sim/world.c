#include "tests/sim/world.h"

#include "server/suggester/suggester.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    for (size_t i = 0; i < command->n_numbers; i++) {
        buf_printf(text, "%s%lld", i == 0 ? "" : " ", (long long)command->numbers[i]);
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
    const struct store_settings settings = {.directory = NULL};

    *world = (struct world){.secrets = rng_seeded(seed)};
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

static int apply_all(struct world *world, struct command *commands[], size_t n, struct err *err)
{
    store_group_begin(world->store);
    for (size_t i = 0; i < n; i++) {
        TRY(tuning_apply(world->tuning, commands[i], err));
    }
    return tuning_settle(world->tuning, err);
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
        suggestion_job_run(job);
        command->job = job;
        TRY(apply_all(world, &command, 1, err));
        TRY(store_group_commit(world->store, err));
        hand_out(world);
    }
    return 0;
}

int world_group(struct world *world, struct command *commands[], size_t n, struct err *err)
{
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

static struct command *faulty(struct command *command, const struct faults *faults,
                              const struct err *err)
{
    (void)fprintf(stderr, "faulty body: %s%s\n", faults->n > 0 ? faults->items[0].detail : "",
                  err->text);
    command_destroy(command);
    return NULL;
}

static struct command *make(enum command_kind kind, const char *body, struct err *err)
{
    struct command *command = command_create(kind);

    if (command == NULL) {
        abort();
    }
    *err = (struct err){0};
    if (body != NULL
        && json_parse(body, strlen(body), &json_limits_default, &command->body, err) != 0) {
        struct faults none = {0};

        return faulty(command, &none, err);
    }
    return command;
}

static void name_study(struct command *command, const char *study)
{
    (void)snprintf(command->study, sizeof command->study, "%s", study);
}

static void name_lease(struct command *command, const char *lease)
{
    (void)snprintf(command->lease, sizeof command->lease, "%s", lease);
}

struct command *world_create_study(const char *body)
{
    struct err err;
    struct faults faults = {0};
    struct command *command = make(COMMAND_STUDY_CREATE, body, &err);

    if (command != NULL && study_def_from_json(command->body, 0, &command->def, &faults) != 0) {
        command = faulty(command, &faults, &err);
    } else if (command != NULL) {
        name_study(command, command->def->name);
    }
    faults_finish(&faults);
    return command;
}

struct command *world_patch_study(const char *study, const char *body)
{
    struct err err;
    struct command *command = make(COMMAND_STUDY_PATCH, body, &err);

    if (command != NULL) {
        name_study(command, study);
    }
    return command;
}

struct command *world_delete_study(const char *study, bool force)
{
    struct err err;
    struct command *command = make(COMMAND_STUDY_DELETE, NULL, &err);

    name_study(command, study);
    command->force = force;
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
    struct err err;
    struct command *command = make(COMMAND_TRIALS_ADD, body, &err);

    if (command == NULL) {
        return NULL;
    }
    name_study(command, study);
    if (key != NULL) {
        command->has_key = true;
        hash_text(key, command->key);
        hash_text(body, command->body_hash);
    }
    return command;
}

struct command *world_cancel_trial(const char *study, int64_t trial)
{
    struct err err;
    struct command *command = make(COMMAND_TRIAL_CANCEL, NULL, &err);

    name_study(command, study);
    command->trial = trial;
    return command;
}

struct command *world_retry_trials(const char *study, int64_t trial)
{
    struct err err;
    struct command *command = make(COMMAND_TRIALS_RETRY, NULL, &err);

    name_study(command, study);
    command->trial = trial;
    command->states = 1u << TRIAL_FAILED;
    return command;
}

struct command *world_ask(const char *study, const char *body)
{
    struct err err;
    struct faults faults = {0};
    struct command *command = make(COMMAND_ASK, body, &err);

    if (command == NULL) {
        return NULL;
    }
    name_study(command, study);
    if (lease_ask_from_json(command->body, &command->ask, &faults) != 0) {
        command = faulty(command, &faults, &err);
    }
    faults_finish(&faults);
    return command;
}

struct command *world_measure(const char *lease, const char *body)
{
    struct err err;
    struct faults faults = {0};
    struct command *command = make(COMMAND_MEASURE, body, &err);

    if (command == NULL) {
        return NULL;
    }
    name_lease(command, lease);
    if (measurement_list_from_json(command->body, &command->measurements, &faults) != 0) {
        command = faulty(command, &faults, &err);
    }
    faults_finish(&faults);
    return command;
}

struct command *world_heartbeat(const char *lease)
{
    struct err err;
    struct command *command = make(COMMAND_HEARTBEAT, NULL, &err);

    name_lease(command, lease);
    command->progress = NAN;
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

struct command *world_result(const char *lease, const char *body)
{
    struct err err;
    struct faults faults = {0};
    struct command *command = make(COMMAND_RESULT, body, &err);

    if (command == NULL) {
        return NULL;
    }
    name_lease(command, lease);
    if (result_report_from_json(command->body, &command->report, &faults) != 0) {
        command = faulty(command, &faults, &err);
    } else {
        command->report_text = report_text(&command->report);
    }
    faults_finish(&faults);
    return command;
}

struct command *world_release(const char *lease)
{
    struct err err;
    struct command *command = make(COMMAND_RELEASE, NULL, &err);

    name_lease(command, lease);
    return command;
}
