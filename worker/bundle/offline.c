#include "worker/bundle/offline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/wire/wire.h"
#include "worker/bundle/run_times.h"

#define PREFIX "/v1/leases/"
#define HEADER_BYTES 512

struct begun {
    int64_t at_us; /* monotonic; 0: by an earlier worker */
    double steps;  /* of the resource that are asked for; 1 without one */
};

struct offline {
    const struct bundle *bundle;
    const struct results *results;
    struct claim *claims; /* one a lease; lock_fd -1: not claimed here */
    struct begun *begun;  /* the same */
    struct run_times *run_times;
    struct http_responder responder;
};

/* ---- finding ---- */

/* Where a run begins; the server's rule: a checkpoint behind the lease's end counts as its end. */
static const json_t *first_step(const json_t *lease, const json_t *checkpoint)
{
    const json_t *resource = json_object_get(json_object_get(lease, "trial"), "resource");
    const json_t *to = json_object_get(resource, "to");
    const json_t *step = json_object_get(checkpoint, "step");

    if (checkpoint == NULL) {
        return json_object_get(resource, "from");
    }
    return json_is_number(to) && json_number_value(step) > json_number_value(to) ? to : step;
}

/* The lease as it is handed out, with this name and to begin at the checkpoint, if there is one;
 * for the caller to own. NULL: out of memory. */
static json_t *lease_from(const json_t *lease, const char *id, const json_t *checkpoint)
{
    size_t failures = json_failures();
    json_t *copy = json_copy_whole(lease);
    json_t *trial = json_object_get(copy, "trial");
    json_t *resource = json_object_get(trial, "resource");
    struct err err;

    (void)json_object_set_new(json_object_get(copy, "lease"), "id", json_string(id));
    if (checkpoint != NULL) {
        (void)json_object_set(resource, "from", json_unconst(first_step(lease, checkpoint)));
        (void)json_object_set(trial, "checkpoint", json_unconst(checkpoint));
    }
    if (json_check(failures, &err) != 0) {
        json_decref(copy);
        return NULL;
    }
    return copy;
}

/* As the agent will read it. */
static int can_begin_at(const void *context, const json_t *checkpoint, bool *can, struct err *err)
{
    const json_t *lease = context;
    const json_t *trial = json_object_get(lease, "trial");
    OWN(lease_grant) struct lease_grant grant = {0};

    *can = false;
    if (!json_is_object(json_object_get(trial, "resource"))
        || !json_is_number(json_object_get(checkpoint, "step"))) {
        return 0;
    }
    json_auto_t *from = lease_from(lease, "l", checkpoint);
    if (from == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *can = lease_grant_from_json(from, &grant, err) == 0;
    return *can || err->code != ERR_NOMEM ? 0 : -1;
}

static int take_lease(const struct offline *offline, size_t index, const char *run, struct err *err)
{
    const json_t *lease = offline->bundle->leases[index];
    OWN(buf) struct buf header;
    struct json_writer w;

    buf_init(&header, HEADER_BYTES);
    json_writer_init(&w, &header);
    json_object_begin(&w);
    json_put_string(&w, "lease", bundle_lease_id(offline->bundle, index));
    json_put_string(&w, "study", offline->bundle->study);
    json_put_int(&w, "trial",
                 json_integer_value(json_object_get(json_object_get(lease, "trial"), "number")));
    json_object_end(&w);
    TRY(buf_check(&header, err));
    const struct claim_lease claimed = {.number = index + 1,
                                        .header = buf_text(&header),
                                        .can_begin_at = can_begin_at,
                                        .context = lease};
    return claim_take(offline->results, &claimed, run, &offline->claims[index], err);
}

/* The agent knows a lease by its id and its run: "l_9f8c….0a1b2c3d". */
struct run_name {
    size_t index;
    char run[CLAIM_RUN_BYTES];
};

/* False: it is none of this bundle. *rest ← what stands behind it. */
static bool read_name(const struct offline *offline, const char *text, struct run_name *name,
                      const char **rest)
{
    size_t len = strcspn(text, "./");

    *rest = text + strcspn(text, "/");
    if (text[len] != '.' || (size_t)(*rest - text) != len + CLAIM_RUN_BYTES) {
        return false;
    }
    memcpy(name->run, text + len + 1, CLAIM_RUN_BYTES - 1);
    name->run[CLAIM_RUN_BYTES - 1] = '\0';
    for (name->index = 0; name->index < offline->bundle->n; name->index++) {
        const char *id = bundle_lease_id(offline->bundle, name->index);
        if (strlen(id) == len && strncmp(id, text, len) == 0) {
            return true;
        }
    }
    return false;
}

/* NULL: this worker does not hold it. */
static struct claim *find_claim(const struct offline *offline, const char *path,
                                struct run_name *name, const char **rest)
{
    if (!read_name(offline, path + sizeof PREFIX - 1, name, rest)) {
        return NULL;
    }
    struct claim *claim = &offline->claims[name->index];
    return claim->lock_fd >= 0 && strcmp(claim->run, name->run) == 0 ? claim : NULL;
}

static void hold(void *context, const char *lease)
{
    const struct offline *offline = context;
    struct run_name name;
    struct err err;
    const char *rest;

    if (read_name(offline, lease, &name, &rest) && offline->claims[name.index].lock_fd < 0
        && take_lease(offline, name.index, name.run, &err) != 0) {
        log_warning("a lease of the bundle cannot be held: %s", err.text);
    }
}

/* ---- answers ---- */

static void answer_action(const struct offline *offline, size_t index, struct http_answer *answer)
{
    const json_t *trial = json_object_get(offline->bundle->leases[index], "trial");
    const json_t *to = json_object_get(json_object_get(trial, "resource"), "to");
    struct json_writer w;

    answer->status = 200;
    json_writer_init(&w, &answer->body);
    json_object_begin(&w);
    json_put_string(&w, "action", action_name(ACTION_CONTINUE));
    if (to != NULL) {
        json_put_value(&w, "until", to);
    }
    json_object_end(&w);
}

/* Of the leases that are not handed out. */
struct passed_over {
    size_t n_held; /* this worker runs them, and may yet give them up */
    size_t n_busy, n_unmatched;
    size_t n_too_long;
    double seconds; /* that the last one of these is expected to take */
};

static void explain_passed_over(const struct passed_over *passed, struct no_lease *no)
{
    if (passed->n_too_long > 0) {
        no->reason = NO_LEASE_TOO_LONG;
        (void)snprintf(no->detail, sizeof no->detail,
                       "%zu of the bundle are expected to take longer than the time left (%.0f s)",
                       passed->n_too_long, ceil(passed->seconds));
    } else if (passed->n_unmatched > 0) {
        no->reason = NO_LEASE_WAITING;
        (void)snprintf(no->detail, sizeof no->detail,
                       "%zu of the bundle require more GPUs than this worker offers now",
                       passed->n_unmatched);
    } else if (passed->n_held + passed->n_busy > 0) {
        no->reason = passed->n_held > 0 ? NO_LEASE_WAITING : NO_LEASE_FINISHED;
        (void)snprintf(no->detail, sizeof no->detail, "the last %zu of the bundle are running",
                       passed->n_held + passed->n_busy);
    } else {
        (void)snprintf(no->detail, sizeof no->detail, "every lease of the bundle has ended");
    }
}

static void answer_nothing(const struct passed_over *passed, struct http_answer *answer)
{
    struct no_lease no = {.reason = NO_LEASE_FINISHED, .retry_after_seconds = 1};
    struct json_writer w;

    explain_passed_over(passed, &no);
    answer->status = 200;
    json_writer_init(&w, &answer->body);
    no_lease_write(&no, &w);
}

/* The lease, going on from the checkpoint of an interrupted run where there is one. */
static int answer_lease(const struct offline *offline, size_t index, struct http_answer *answer,
                        struct err *err)
{
    const struct claim *claim = &offline->claims[index];
    char id[LEASE_ID_BYTES];
    struct json_writer w;

    (void)snprintf(id, sizeof id, "%s.%s", bundle_lease_id(offline->bundle, index), claim->run);
    json_auto_t *copy = lease_from(offline->bundle->leases[index], id, claim->checkpoint);
    if (copy == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    answer->status = 201;
    json_writer_init(&w, &answer->body);
    json_write_value(&w, copy);
    return 0;
}

/* ---- calls ---- */

/* May the ask be given this lease? One that names no runner wants none. */
static bool ask_matches(const json_t *ask, const json_t *lease)
{
    const json_t *runners = json_object_get(ask, "runners");
    const json_t *needed = json_object_get(json_object_get(lease, "requires"), "gpus");
    size_t offered = json_array_size(json_object_get(ask, "gpus"));

    return !(json_is_array(runners) && json_array_size(runners) == 0)
           && (json_int_t)offered >= json_integer_value(needed);
}

/* Where a claim's checkpoint is known, without the steps that it has behind it. */
static double steps_of(const json_t *lease, const struct claim *claim)
{
    const json_t *resource = json_object_get(json_object_get(lease, "trial"), "resource");
    const json_t *from = first_step(lease, claim->checkpoint);

    return json_is_object(resource)
               ? json_number_value(json_object_get(resource, "to")) - json_number_value(from)
               : 1;
}

/* Is the trial expected to end in the time that the worker has left, if that is limited? */
static bool ask_has_time(const struct offline *offline, const json_t *ask, size_t index,
                         struct passed_over *passed)
{
    const json_t *left = json_object_get(ask, "seconds_left");
    double seconds = run_times_expected(
        offline->run_times, steps_of(offline->bundle->leases[index], &offline->claims[index]));

    if (!json_is_number(left) || !(seconds > json_number_value(left))) {
        return true;
    }
    passed->seconds = seconds;
    return false;
}

/* Hands out the lease, unless something is in the way, which *passed then says. */
static int try_lease(const struct offline *offline, size_t index, const json_t *ask,
                     struct passed_over *passed, struct http_answer *answer, struct err *err)
{
    const json_t *lease = offline->bundle->leases[index];
    struct claim *claim = &offline->claims[index];

    if (claim->lock_fd >= 0) {
        passed->n_held++;
        return 0;
    }
    if (!ask_matches(ask, lease)) {
        passed->n_unmatched += claim_look(offline->results, index + 1) != CLAIM_ENDED;
        return 0;
    }
    TRY(take_lease(offline, index, NULL, err));
    if (claim->state == CLAIM_TAKEN && !ask_has_time(offline, ask, index, passed)) {
        passed->n_too_long++;
        claim_release(claim);
        return 0;
    }
    if (claim->state == CLAIM_TAKEN) {
        offline->begun[index] = (struct begun){clock_monotonic_us(), steps_of(lease, claim)};
        return answer_lease(offline, index, answer, err);
    }
    passed->n_busy += claim->state == CLAIM_BUSY;
    return 0;
}

static int respond_ask(const struct offline *offline, const struct http_call *call,
                       struct http_answer *answer, struct err *err)
{
    struct passed_over passed = {0};
    json_auto_t *ask = NULL;

    TRY(json_parse(call->body, call->body_len, &json_limits_default, &ask, err));
    for (size_t i = 0; i < offline->bundle->n && answer->status == 0; i++) {
        TRY(try_lease(offline, i, ask, &passed, answer, err));
    }
    if (answer->status == 0) {
        answer_nothing(&passed, answer);
    }
    return 0;
}

static void answer_trial(const char *state, struct http_answer *answer)
{
    struct json_writer w;

    answer->status = 200;
    json_writer_init(&w, &answer->body);
    json_object_begin(&w);
    json_write_key(&w, "trial");
    json_object_begin(&w);
    json_put_string(&w, "state", state);
    json_object_end(&w);
    json_object_end(&w);
}

/* A job that was interrupted is not at its end: the next run goes on. */
static int take_interruption(const struct offline *offline, struct claim *claim,
                             const json_t *result, struct http_answer *answer, struct err *err)
{
    TRY(claim_set_checkpoint(offline->results, claim, json_object_get(result, "checkpoint"), err));
    claim_release(claim);
    answer_trial("queued", answer);
    return 0;
}

static void note_duration(const struct offline *offline, const struct claim *claim,
                          const char *outcome)
{
    const struct begun *begun = &offline->begun[claim->number - 1];

    if (begun->at_us > 0 && strcmp(outcome, outcome_name(OUTCOME_COMPLETED)) == 0) {
        run_times_note(offline->run_times, (double)(clock_monotonic_us() - begun->at_us) / 1e6,
                       begun->steps);
    }
}

static int respond_result(const struct offline *offline, struct claim *claim,
                          const struct http_call *call, struct http_answer *answer, struct err *err)
{
    json_auto_t *result = NULL;
    OWN(buf) struct buf line = {0};

    TRY(json_parse(call->body, call->body_len, &json_limits_default, &result, err));
    const char *outcome = json_string_value(json_object_get(result, "outcome"));
    if (outcome == NULL || strcmp(outcome, outcome_name(OUTCOME_PREEMPTED)) == 0) {
        return take_interruption(offline, claim, result, answer, err);
    }
    buf_init(&line, call->body_len + 32);
    buf_puts(&line, "{\"result\":");
    buf_append(&line, call->body, call->body_len);
    buf_puts(&line, "}");
    TRY(buf_check(&line, err));
    TRY(claim_append(claim, line.data, line.len, err));
    TRY(claim_end(offline->results, claim, err));
    note_duration(offline, claim, outcome);
    claim_release(claim);
    answer_trial(outcome, answer);
    return 0;
}

static int respond_lease(const struct offline *offline, const struct http_call *call,
                         struct http_answer *answer, struct err *err)
{
    struct run_name name;
    const char *rest = "";
    struct claim *claim = find_claim(offline, call->path, &name, &rest);

    if (claim == NULL) {
        http_answer_problem(answer, 410, ERR_LEASE_ENDED, "this lease of the bundle has ended");
    } else if (strcmp(rest, "/measurements") == 0) {
        TRY(claim_append(claim, call->body, call->body_len, err));
        answer_action(offline, name.index, answer);
    } else if (strcmp(rest, "/result") == 0) {
        return respond_result(offline, claim, call, answer, err);
    } else if (*rest == '\0' && strcmp(call->method, "DELETE") == 0) {
        claim_release(claim);
        answer->status = 204;
    } else if (*rest == '\0' && strcmp(call->method, "PUT") == 0) {
        answer_action(offline, name.index, answer);
    } else {
        http_answer_problem(answer, 404, ERR_NOT_FOUND, "a bundle does not have this");
    }
    return 0;
}

static int respond(void *context, const struct http_call *call, struct http_answer *answer,
                   struct err *err)
{
    const struct offline *offline = context;

    (void)snprintf(answer->content_type, sizeof answer->content_type, "application/json");
    if (strcmp(call->path, "/v1/leases") == 0) {
        TRY(respond_ask(offline, call, answer, err));
    } else if (strncmp(call->path, PREFIX, sizeof PREFIX - 1) == 0) {
        TRY(respond_lease(offline, call, answer, err));
    } else {
        http_answer_problem(answer, 404, ERR_NOT_FOUND, "a bundle does not have this");
    }
    return buf_check(&answer->body, err);
}

/* ---- the whole ---- */

static void release(struct offline *offline)
{
    free(offline->claims);
    free(offline->begun);
    free(offline->run_times);
    free(offline);
}

int offline_create(const struct bundle *bundle, const struct results *results,
                   struct offline **offline, struct err *err)
{
    struct offline *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->claims = calloc(bundle->n + 1, sizeof *made->claims);
    made->begun = calloc(bundle->n + 1, sizeof *made->begun);
    made->run_times = calloc(1, sizeof *made->run_times);
    if (made->claims == NULL || made->begun == NULL || made->run_times == NULL) {
        release(made);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < bundle->n; i++) {
        made->claims[i] = (struct claim){.lock_fd = -1, .part_fd = -1};
    }
    made->bundle = bundle;
    made->results = results;
    made->responder = (struct http_responder){respond, hold, made};
    *offline = made;
    return 0;
}

void offline_destroy(struct offline *offline)
{
    if (offline != NULL) {
        for (size_t i = 0; i < offline->bundle->n; i++) {
            claim_release(&offline->claims[i]);
        }
        release(offline);
    }
}

const struct http_responder *offline_responder(const struct offline *offline)
{
    return &offline->responder;
}
