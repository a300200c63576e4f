/* Studies are created, changed and deleted. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/advice/choose.h"
#include "server/state/checkpoints.h"
#include "server/state/events.h"
#include "server/state/limits.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/tuning/internal.h"
#include "server/tuning/sources.h"

static int study_report(const struct live_study *study, struct study_state_reply *reply)
{
    reply->def = shared_def_hold(study->shared);
    reply->row = study->row;
    reply->row.accepted = NULL;
    reply->row.definition = NULL;
    return 0;
}

static char *body_text(const struct study_def *def,
                       void (*write)(const struct study_def *def, struct json_writer *w))
{
    struct buf text;
    struct json_writer w;

    buf_init(&text, 16 << 20);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    write(def, &w);
    json_object_end(&w);
    return buf_steal(&text);
}

static char *definition_text(const struct study_def *def)
{
    return body_text(def, study_def_write);
}

/* ---- create ---- */

/* ERR_STUDY_EXISTS, with the members in which two normalised bodies differ; 0 when they do not. */
static int compare_bodies(const char *a_text, const char *b_text, bool seed_matters,
                          struct err *err)
{
    json_auto_t *a = NULL;
    json_auto_t *b = NULL;
    char names[300] = "";
    const char *key;
    json_t *value;
    size_t len = 0;

    TRY(json_parse_own(a_text, &a, err));
    TRY(json_parse_own(b_text, &b, err));
    json_object_foreach (a, key, value) {
        if (!json_equal(value, json_object_get(b, key))
            && (seed_matters || strcmp(key, "seed") != 0)) {
            len +=
                (size_t)snprintf(names + len, sizeof names - len, "%s%s", len > 0 ? ", " : "", key);
            len = len < sizeof names ? len : sizeof names - 1;
        }
    }
    json_object_foreach (b, key, value) {
        if (json_object_get(a, key) == NULL) {
            len +=
                (size_t)snprintf(names + len, sizeof names - len, "%s%s", len > 0 ? ", " : "", key);
            len = len < sizeof names ? len : sizeof names - 1;
        }
    }
    if (names[0] == '\0') {
        return 0;
    }
    return err_set(err, ERR_STUDY_EXISTS,
                   "a study of this name exists with another definition: it differs in %s; choose "
                   "another name, or send what was first accepted",
                   names);
}

/* The same body again is the same study. Without a seed in the body any seed will do. */
static int create_again(struct live_study *study, struct study_create_command *command,
                        const char *text, struct err *err)
{
    if (strcmp(study->row.accepted, text) != 0) {
        bool seeded = json_object_get(command->in.body, "seed") != NULL;
        TRY(compare_bodies(study->row.accepted, text, seeded, err));
    }
    command->out.created = false;
    return study_report(study, &command->out.study);
}

int tuning_study_create(struct tuning *tuning, struct study_create_command *command,
                        struct err *err)
{
    struct live_study *study = study_named(&tuning->state, command->in.def->name);
    OWN(memory) char *asked = body_text(command->in.def, study_def_write_asked);

    if (asked == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (study != NULL) {
        return create_again(study, command, asked, err);
    }
    TRY(advice_settle(command->in.def, err));
    OWN(memory) char *text = definition_text(command->in.def);
    if (text == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    struct study_row row = {
        .accepted = asked,
        .definition = text,
        .state = STUDY_RUNNING,
        .revision = 1,
        .created_at_ms = tuning->state.wall_ms,
    };
    memcpy(row.name, command->in.def->name, sizeof row.name);
    OWN(sources) struct sources sources = {0};
    TRY(sources_take(tuning, command->in.def, &sources, &command->head.faults, err));
    TRY(store_study_insert(tuning->state.store, &row, err));
    TRY(sources_store(tuning->state.store, row.id, command->in.def, &sources, err));
    struct shared_def *shared = shared_def_create(command->in.def);
    command->in.def = NULL;
    if (shared == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(study_enter(&tuning->state, &row, shared, &study, err));
    if (study->suggester != NULL) {
        suggester_set_sources(study->suggester, &sources);
    }
    TRY(event_append(&tuning->state, EVENT_STUDY_CREATED, row.id, 0, 0, err));
    tuning->state.may_have_work = true;
    command->out.created = true;
    return study_report(study, &command->out.study);
}

/* ---- patch ---- */

static const char *const patchable[] = {"state",  "limits",   "description",
                                        "labels", "priority", "share"};

static bool is_patchable(const char *key)
{
    for (size_t i = 0; i < sizeof patchable / sizeof patchable[0]; i++) {
        if (strcmp(patchable[i], key) == 0) {
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

/* The definition after the patch; faults point into the patch. */
static int patched_def(const struct live_study *study, const json_t *patch, struct study_def **def,
                       struct faults *faults, struct err *err)
{
    size_t failures = json_failures();
    json_auto_t *body = NULL;
    json_auto_t *settings = json_copy(json_unconst(patch));
    const char *key;
    json_t *value;

    (void)json_object_del(settings, "state");
    json_object_foreach (settings, key, value) {
        if (!is_patchable(key)) {
            char pointer[80];
            (void)snprintf(pointer, sizeof pointer, "/%.70s", key);
            faults_add(faults, pointer,
                       "\"%.60s\" cannot be changed; PATCH takes state, limits, description, "
                       "labels, priority and share. Create another study for anything else",
                       key);
        }
    }
    TRY(faults_result(faults, err));
    TRY(json_parse_own(study->row.definition, &body, err));
    merge(body, settings);
    TRY(json_check(failures, err));
    return study_def_from_json(body, study->def->seed, def, faults) == 0
               ? 0
               : faults_result(faults, err);
}

static int check_state(const struct live_study *study, const json_t *patch, int *state,
                       struct faults *faults, struct err *err)
{
    const json_t *value = json_object_get(patch, "state");

    *state = -1;
    if (value == NULL) {
        return 0;
    }
    *state = json_is_string(value) ? study_state_from_name(json_string_value(value)) : -1;
    if (*state < 0 || *state == STUDY_FINISHED) {
        faults_add(faults, "/state", "must be \"running\", \"paused\" or \"stopped\"");
        return faults_result(faults, err);
    }
    if (study->row.state == STUDY_FINISHED) {
        return err_set(err, ERR_WRONG_STATE,
                       "the study is finished (%s); raise the limit that ended it to make it run "
                       "again",
                       study_reason_name(study->row.reason));
    }
    return 0;
}

/* Running trials are answered `stop` at their next report; the others are cancelled now. */
static int stop_study(struct tuning *tuning, struct live_study *study, struct err *err)
{
    struct live_trial *running = NULL; /* the last one passed: no other trial's end removes it */
    struct live_trial *trial;

    while ((trial = running == NULL ? study->open : running->next_open) != NULL) {
        if (trial->row.state == TRIAL_RUNNING) {
            running = trial;
        } else {
            TRY(trial_end(&tuning->state, trial, TRIAL_CANCELLED, NULL, NULL, err));
        }
    }
    return 0;
}

int study_set_state(struct tuning *tuning, struct live_study *study, enum study_state state,
                    struct err *err)
{
    struct study_row *row = &study->row;

    if (row->state == state) {
        return 0;
    }
    if (row->state == STUDY_RUNNING) {
        row->paused_at_ms = tuning->state.wall_ms;
    } else if (state == STUDY_RUNNING && row->paused_at_ms != 0) {
        row->paused_ms += row->started_at_ms != 0 ? tuning->state.wall_ms - row->paused_at_ms : 0;
        row->paused_at_ms = 0;
    }
    row->state = state;
    row->reason = REASON_NONE;
    study->dirty = true;
    tuning->state.may_have_work = true;
    tuning->state.studies_moved = true;
    TRY(study_set_clock(&tuning->state, study, err));
    return state == STUDY_STOPPED ? stop_study(tuning, study, err) : 0;
}

/* Does the raised limit leave anything to do? */
static bool wakes_up(struct tuning *tuning, struct live_study *study)
{
    struct study_row *row = &study->row;

    if (row->state != STUDY_FINISHED || row->reason == REASON_EXHAUSTED
        || row->reason == REASON_ROUNDS) {
        return false;
    }
    const struct limits *limits = &study->def->limits;
    if (row->reason == REASON_TARGET
        && (!limits->has_target || row->best_trial == 0
            || study_is_better(study->def, limits->target, row->best_value))) {
        row->target_reached = false;
    }
    row->state = STUDY_RUNNING;
    bool may = study_may_start(&tuning->state, study);
    row->state = STUDY_FINISHED;
    return may;
}

static int compare_definitions(const struct study_def *a, const struct study_def *b, bool *same,
                               struct err *err)
{
    OWN(memory) char *left = definition_text(a);
    OWN(memory) char *right = definition_text(b);

    if (left == NULL || right == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    *same = strcmp(left, right) == 0;
    return 0;
}

static int define(struct live_study *study, struct study_def *def, struct err *err)
{
    char *text = definition_text(def);
    struct shared_def *shared = shared_def_create(def);

    if (text == NULL || shared == NULL) {
        free(text);
        shared_def_destroy(shared);
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    free(study->row.definition);
    study->row.definition = text;
    return study_redefine(study, shared, err);
}

int tuning_study_patch(struct tuning *tuning, struct study_patch_command *command, struct err *err)
{
    struct live_study *study;
    struct study_def *def = NULL;
    bool same;
    int state;

    TRY(study_required(&tuning->state, command->in.study, &study, err));
    if (command->in.if_revision != 0 && command->in.if_revision != study->row.revision) {
        return err_set(err, ERR_REVISION_CHANGED,
                       "the study has revision %" PRId64 " now, not %" PRId64
                       "; read it again and repeat the change",
                       study->row.revision, command->in.if_revision);
    }
    if (!json_is_object(command->in.body)) {
        faults_add(&command->head.faults, "", "must be an object");
        return faults_result(&command->head.faults, err);
    }
    TRY(check_state(study, command->in.body, &state, &command->head.faults, err));
    TRY(patched_def(study, command->in.body, &def, &command->head.faults, err));
    if (compare_definitions(study->def, def, &same, err) != 0) {
        study_def_destroy(def);
        return -1;
    }
    bool redefined = !same;
    bool moved = state >= 0 && state != (int)study->row.state;
    if (redefined) {
        TRY(define(study, def, err));
        tuning->state.studies_changed = true;
        tuning->state.may_have_work = true;
        study->sealed = false;
        TRY(study_set_clock(&tuning->state, study, err));
    } else {
        study_def_destroy(def);
    }
    if (redefined && wakes_up(tuning, study)) {
        TRY(study_set_state(tuning, study, STUDY_RUNNING, err));
        moved = true;
    }
    if (moved && state >= 0) {
        TRY(study_set_state(tuning, study, (enum study_state)state, err));
    }
    if (redefined || moved) {
        study->row.revision++;
        study->dirty = true;
        TRY(event_append(&tuning->state, EVENT_STUDY_CHANGED, study->row.id, 0, 0, err));
    }
    return study_report(study, &command->out.study);
}

/* ---- delete ---- */

static int abort_all(struct tuning *tuning, struct live_study *study, struct err *err)
{
    size_t at = 0;
    struct live_lease *lease;

    while (study->open != NULL) {
        struct live_trial *trial = study->open;
        if (trial->lease != NULL && !trial->lease->expired) {
            TRY(attempt_over(&tuning->state, trial->lease, ATTEMPT_CANCELLED, NULL, err));
        }
        TRY(trial_end(&tuning->state, trial, TRIAL_CANCELLED, NULL, NULL, err));
    }
    while ((lease = map_next(&tuning->state.lease_by_attempt, &at)) != NULL) {
        if (lease->study == study) {
            lease->study = NULL; /* aborted ones outlive it */
        }
    }
    return 0;
}

int tuning_study_delete(struct tuning *tuning, struct study_delete_command *command,
                        struct err *err)
{
    struct live_study *study;

    TRY(study_required(&tuning->state, command->in.study, &study, err));
    if (study->live_leases > 0 && !command->in.force) {
        return err_set(err, ERR_WRONG_STATE,
                       "%" PRId64 " trials of the study are running; stop it first, or delete it "
                       "with ?force=true",
                       study->live_leases);
    }
    TRY(abort_all(tuning, study, err));
    TRY(obsolete_forget(&tuning->state, study, err));
    TRY(store_study_delete(tuning->state.store, study->row.id, tuning->state.wall_ms, err));
    TRY(event_append(&tuning->state, EVENT_STUDY_DELETED, study->row.id, 0, 0, err));
    study_leave(&tuning->state, study);
    tuning->state.studies_moved = true;
    return 0;
}
