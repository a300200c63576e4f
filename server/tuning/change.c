/* A study is changed: its limits and labels, its space, its state, and configurations that are
 * enqueued, in one step. Everything is read and decided before anything is changed. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/advice/advice.h"
#include "server/state/events.h"
#include "server/state/limits.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/store/decisions.h"
#include "server/tuning/enqueue.h"
#include "server/tuning/internal.h"
#include "server/tuning/new_space.h"
#include "server/tuning/study.h"

/* What a request asks for. */
struct change {
    struct study_def *def; /* the definition after it; owned */
    bool redefines;        /* it differs from the present one */
    int state;             /* -1: not said */
    bool has_new_space;
    struct space_change space; /* where it has */
    struct brought brought;    /* to be enqueued */
    struct live_study then;    /* the study after it; borrows from the present one */
};

static void change_finish(struct change *change)
{
    study_def_destroy(change->def);
    brought_finish(&change->brought);
    space_change_finish(&change->space);
}
OWN_VALUE(change)

/* ---- what is asked for ---- */

static const char *const definable[] = {"limits",   "description", "labels",
                                        "priority", "share",       "parameters"};

static bool is_definable(const char *key)
{
    for (size_t i = 0; i < sizeof definable / sizeof definable[0]; i++) {
        if (strcmp(definable[i], key) == 0) {
            return true;
        }
    }
    return false;
}

/* RFC 7396: null removes, objects merge, everything else replaces. The caller checks that nothing
 * was left out. */
static void merge(json_t *target, const json_t *patch)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(patch), key, value) {
        json_t *old = json_object_get(target, key);
        if (json_is_null(value)) {
            (void)json_object_del(target, key);
        } else if (json_is_object(value) && json_is_object(old)) {
            merge(old, value);
        } else {
            (void)json_object_set_new(target, key, json_deep_copy(value));
        }
    }
}

/* What of the request goes into the definition, for the caller to own; NULL: out of memory. */
static json_t *settings_of(const struct live_study *study, const json_t *patch)
{
    const json_t *parameters = json_object_get(patch, "parameters");
    json_t *settings = json_copy(json_unconst(patch));

    (void)json_object_del(settings, "state");
    (void)json_object_del(settings, "enqueue");
    if (json_is_array(parameters)
        && json_object_set_new(settings, "parameters",
                               space_change_plain(study->def->space, parameters))
               != 0) {
        json_decref(settings);
        return NULL;
    }
    return settings;
}

/* The definition after the change; faults point into the request. Its constraints are tried where
 * the space is another one (read_space()): the writer has no time for it otherwise, and those of an
 * old study may be ones that would be refused today. */
static int read_definition(const struct live_study *study, const json_t *patch,
                           struct change *change, struct faults *faults, struct err *err)
{
    size_t failures = json_failures();
    json_auto_t *body = NULL;
    json_auto_t *settings = settings_of(study, patch);
    const char *key;
    json_t *value;

    if (settings == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    json_object_foreach (settings, key, value) {
        if (!is_definable(key)) {
            char pointer[80];
            (void)snprintf(pointer, sizeof pointer, "/%.70s", key);
            faults_add(faults, pointer,
                       "\"%.60s\" cannot be changed; PATCH takes state, limits, description, "
                       "labels, priority, share, parameters and enqueue. Create another study for "
                       "anything else, which learns from this one: \"after\": [\"%s\"]",
                       key, study->row.name);
        }
    }
    TRY(faults_result(faults, err));
    TRY(json_parse_own(study->row.definition, &body, err));
    merge(body, settings);
    TRY(json_check(failures, err));
    return study_def_read_back(body, &change->def, faults) == 0 ? 0 : faults_result(faults, err);
}

static int read_state(const json_t *patch, int *state, struct faults *faults, struct err *err)
{
    const json_t *value = json_object_get(patch, "state");

    *state = -1;
    if (value == NULL) {
        return 0;
    }
    *state = json_is_string(value) ? study_state_from_name(json_string_value(value)) : -1;
    if (*state < 0 || *state == STUDY_FINISHED) {
        faults_add(faults, "/state", "must be \"running\", \"paused\" or \"stopped\"");
    }
    return faults_result(faults, err);
}

static char *space_text(const struct study_def *def)
{
    struct buf text;
    struct json_writer w;

    buf_init(&text, 16 << 20);
    json_writer_init(&w, &text);
    space_write_parameters(def->space, &w);
    return buf_steal(&text);
}

static int read_space(const struct live_study *study, const json_t *patch, struct change *change,
                      struct faults *faults, struct err *err)
{
    const json_t *parameters = json_object_get(patch, "parameters");
    OWN(memory) char *before = space_text(study->def);
    OWN(memory) char *after = space_text(change->def);

    if (before == NULL || after == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (parameters == NULL) {
        return 0;
    }
    change->has_new_space = strcmp(before, after) != 0;
    if (space_change_read(study->def->space, change->def->space, parameters, study->row.name,
                          &change->space, faults)
        != 0) {
        return faults_result(faults, err);
    }
    if (!change->has_new_space) {
        return 0;
    }
    space_check_constraints(change->def->space, faults);
    TRY(faults_result(faults, err));
    change->def->recounted = change->def->recounted || study->strategy->enumerates;
    advice_check(change->def, faults);
    return faults_result(faults, err);
}

static int read_enqueued(const json_t *patch, struct change *change, struct faults *faults,
                         struct err *err)
{
    const json_t *list = json_object_get(patch, "enqueue");

    if (list == NULL) {
        return 0;
    }
    if (!json_is_array(list)) {
        faults_add(faults, "/enqueue", "must be a list of trials: [{\"parameters\": {…}}, …]");
        return faults_result(faults, err);
    }
    TRY(brought_read(change->def, list, "/enqueue", &change->brought, faults, err));
    for (size_t i = 0; i < change->brought.n; i++) {
        if (change->brought.trials[i].imported) {
            char pointer[48];
            (void)snprintf(pointer, sizeof pointer, "/enqueue/%zu/state", i);
            faults_add(faults, pointer,
                       "is for finished trials; import them with POST …/trials instead");
        }
    }
    return faults_result(faults, err);
}

static int compare_definitions(const struct study_def *a, const struct study_def *b, bool *same,
                               struct err *err)
{
    OWN(memory) char *left = study_definition_text(a);
    OWN(memory) char *right = study_definition_text(b);

    if (left == NULL || right == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *same = strcmp(left, right) == 0;
    return 0;
}

static int read_change(const struct live_study *study, const json_t *patch, struct change *change,
                       struct faults *faults, struct err *err)
{
    bool same;

    if (!json_is_object(patch)) {
        faults_add(faults, "", "must be an object");
        return faults_result(faults, err);
    }
    TRY(read_state(patch, &change->state, faults, err));
    TRY(read_definition(study, patch, change, faults, err));
    TRY(read_space(study, patch, change, faults, err));
    TRY(read_enqueued(patch, change, faults, err));
    TRY(compare_definitions(study->def, change->def, &same, err));
    change->redefines = !same;
    return 0;
}

/* ---- what it leads to ---- */

static int strike_out(void *context, struct trial_row *row, struct err *err)
{
    struct change *change = context;

    (void)err;
    if (row->state != TRIAL_CANCELLED) {
        config_set_remove(&change->then.tried, change->def->space, row->config);
    }
    return 0;
}

/* Is a configuration among those to be enqueued that has no trial yet? Reads all trials. */
static int brings_new(const struct tuning *tuning, struct change *change, bool *any,
                      struct err *err)
{
    const struct trial_query query = {.study = change->then.row.id, .limit = -1, .states = ~0u};
    struct config_set *left = &change->then.tried;
    int result = 0;

    *left = (struct config_set){0};
    for (size_t i = 0; i < change->brought.n && result == 0; i++) {
        const double *x = change->brought.trials[i].config;
        if (!config_set_contains(left, change->def->space, x)) {
            result = config_set_add(left, change->def->space, x, err);
        }
    }
    if (result == 0) {
        result = store_each_trial(tuning->state.store, &query, strike_out, change, err);
    }
    *any = left->n > 0;
    config_set_finish(left);
    return result;
}

/* Whether the change leaves a finished study anything to do. */
static int wakes_up(const struct tuning *tuning, struct change *change, bool *wakes,
                    struct err *err)
{
    const struct limits *limits = &change->def->limits;
    struct study_row *row = &change->then.row;
    bool exhausted = row->exhausted && !change->has_new_space; /* then it is asked again */

    *wakes = false;
    if (row->reason == REASON_ROUNDS || (!change->redefines && change->brought.n == 0)) {
        return 0;
    }
    if (row->reason == REASON_EXHAUSTED && exhausted) {
        bool any;
        TRY(brings_new(tuning, change, &any, err));
        if (!any) {
            return 0;
        }
    }
    if (row->reason == REASON_TARGET
        && (!limits->has_target || row->best_trial == 0
            || study_is_better(change->def, limits->target, row->best_value))) {
        row->target_reached = false;
    }
    row->exhausted = exhausted && change->brought.n == 0;
    row->state = STUDY_RUNNING;
    *wakes = study_may_start(&tuning->state, &change->then);
    row->exhausted = exhausted;
    row->state = *wakes ? STUDY_RUNNING : STUDY_FINISHED;
    return 0;
}

/* change->then ← the study after it, but for the text of its definition. ERR_WRONG_STATE. */
static int decide(const struct tuning *tuning, const struct live_study *study,
                  struct change *change, struct err *err)
{
    change->then = *study;
    change->then.def = change->def;
    if (study->row.state == STUDY_FINISHED) {
        bool wakes;
        TRY(wakes_up(tuning, change, &wakes, err));
        if (!wakes && change->state >= 0) {
            return err_set(err, ERR_WRONG_STATE,
                           "the study is finished (%s); raise the limit that ended it to make it "
                           "run again",
                           study_reason_name(study->row.reason));
        }
    }
    if (change->state >= 0) {
        change->then.row.state = (enum study_state)change->state;
    }
    return brought_check(&change->then, &change->brought, false, err);
}

/* ---- the change itself ---- */

/* Takes change->def. */
static int define(struct tuning *tuning, struct live_study *study, struct change *change,
                  struct err *err)
{
    char *text = study_definition_text(change->def);
    struct shared_def *shared = shared_def_create(change->def);

    if (text == NULL || shared == NULL) {
        free(text);
        shared_def_destroy(shared);
        change->def = NULL;
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    change->def = NULL;
    if (store_former_insert(tuning->state.store, study->row.id, tuning->state.last_seq,
                            study->row.definition, err)
        != 0) {
        free(text);
        shared_def_destroy(shared);
        return -1;
    }
    free(study->row.definition);
    study->row.definition = text;
    tuning->state.studies_changed = true;
    tuning->state.may_have_work = true;
    study->sealed = false;
    TRY(study_redefine(study, shared, err));
    return study_set_clock(&tuning->state, study, err);
}

static int change_state(struct tuning *tuning, struct live_study *study,
                        const struct study_row *then, struct err *err)
{
    if (study->row.state == STUDY_FINISHED) {
        study->row.target_reached = then->target_reached;
        if (then->state == STUDY_FINISHED) {
            return 0;
        }
        TRY(study_set_state(tuning, study, STUDY_RUNNING, err)); /* it has stood still until now */
    }
    return study_set_state(tuning, study, then->state, err);
}

static int apply(struct tuning *tuning, struct live_study *study, struct change *change,
                 int64_t numbers[], struct err *err)
{
    enum study_state before = study->row.state;

    if (change->redefines) {
        TRY(define(tuning, study, change, err));
    }
    if (change->has_new_space) {
        TRY(new_space_enter(tuning, study, &change->space, err));
    }
    TRY(change_state(tuning, study, &change->then.row, err));
    if (!change->redefines && study->row.state == before && change->brought.n == 0) {
        return 0;
    }
    study->row.revision++;
    study_touch(study);
    TRY(event_append(&tuning->state, EVENT_STUDY_CHANGED, study->row.id, 0, 0, err));
    return brought_add(tuning, study, &change->brought, numbers, err);
}

int tuning_study_patch(struct tuning *tuning, struct study_patch_command *command, struct err *err)
{
    OWN(change) struct change change = {0};
    struct live_study *study;

    TRY(study_required(&tuning->state, command->in.study, &study, err));
    if (command->in.if_revision != 0 && command->in.if_revision != study->row.revision) {
        return err_set(err, ERR_REVISION_CHANGED,
                       "the study has revision %" PRId64 " now, not %" PRId64
                       "; read it again and repeat the change",
                       study->row.revision, command->in.if_revision);
    }
    TRY(read_change(study, command->in.body, &change, &command->head.faults, err));
    TRY(decide(tuning, study, &change, err));
    command->out.numbers = calloc(change.brought.n + 1, sizeof *command->out.numbers);
    if (command->out.numbers == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(apply(tuning, study, &change, command->out.numbers, err));
    command->out.n_numbers = change.brought.n;
    return study_report(study, &command->out.study);
}
