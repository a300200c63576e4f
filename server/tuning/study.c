#include "server/tuning/study.h"

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

int study_report(const struct live_study *study, struct study_state_reply *reply)
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

char *study_definition_text(const struct study_def *def)
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
    int64_t former;

    if (asked == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (study != NULL) {
        return create_again(study, command, asked, err);
    }
    TRY(advice_settle(command->in.def, err));
    OWN(memory) char *text = study_definition_text(command->in.def);
    if (text == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    TRY(store_study_former_revision(tuning->state.store, command->in.def->name, &former, err));
    struct study_row row = {
        .accepted = asked,
        .definition = text,
        .state = STUDY_RUNNING,
        .revision = former + 1, /* no If-Match of the study that was deleted fits this one */
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

/* ---- state ---- */

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
    study_touch(study);
    tuning->state.may_have_work = true;
    tuning->state.studies_moved = true;
    TRY(study_set_clock(&tuning->state, study, err));
    return state == STUDY_STOPPED ? stop_study(tuning, study, err) : 0;
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
    /* What the group has changed of it before, which was answered: its revision is looked up. */
    TRY(store_study_update(tuning->state.store, &study->row, study->redefine, err));
    TRY(store_study_delete(tuning->state.store, study->row.id, tuning->state.wall_ms, err));
    TRY(event_append(&tuning->state, EVENT_STUDY_DELETED, study->row.id, 0, 0, err));
    study_leave(&tuning->state, study);
    tuning->state.studies_moved = true;
    return 0;
}
