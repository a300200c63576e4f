#include "server/tuning/match.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/state/limits.h"
#include "server/state/studies.h"

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

static int64_t gpus_needed(const struct study_def *def)
{
    bool needs_memory = def->requires_gpu_memory_mib > 0;

    return def->requires_gpus == 0 && needs_memory ? 1 : def->requires_gpus;
}

/* Of its GPUs so many as are required must have the memory; the worker takes those. */
static bool gpus_match(const struct study_def *def, const struct lease_ask *ask)
{
    return (int64_t)lease_ask_gpus_with(ask, def->requires_gpu_memory_mib) >= gpus_needed(def);
}

/* Does the ask want trials of this study, whether or not it has what the study requires? */
static bool ask_names(const struct lease_ask *ask, const char *named,
                      const struct live_study *study)
{
    if (named[0] != '\0') {
        return strcmp(named, study->row.name) == 0;
    }
    return ask->n_studies > 0 && listed(ask->studies, ask->n_studies, study->row.name);
}

bool ask_matches(const struct lease_ask *ask, const char *named, const struct live_study *study)
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
    return gpus_match(def, ask) && labels_match(def->requires_labels, ask->labels);
}

/* Is `a` to be served before `b`? Higher priority, then fewer live leases for its share, then the
 * older one. */
bool study_goes_first(const struct live_study *a, const struct live_study *b)
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

/* Why the study is finished. */
static void study_reason_explain(const struct live_study *study, char *text, size_t size)
{
    if (study->row.reason == REASON_FAILURES && study->def->limits.failures < 0) {
        failures_in_row_explain(study->row.has_value, study->row.failed_in_row, text, size);
    } else {
        (void)snprintf(text, size, "%s%s", study_reason_name(study->row.reason),
                       study->row.reason == REASON_FAILURES
                           ? "; mend their cause, then 'hone study retry NAME'"
                           : "");
    }
}

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
    int64_t in_row = failures_in_row_max(limits, study->row.has_value);
    char why[200];

    no->reason = reasons[study->row.state];
    if (study->row.state == STUDY_FINISHED) {
        study_reason_explain(study, why, sizeof why);
        (void)snprintf(no->detail, sizeof no->detail, "study \"%s\" is finished: %.150s",
                       study->row.name, why);
    } else if (study->row.state != STUDY_RUNNING) {
        (void)snprintf(no->detail, sizeof no->detail, "study \"%s\" is %s", study->row.name,
                       study_state_name(study->row.state));
    } else if (limits->parallel >= 0 && study->live_leases >= limits->parallel) {
        (void)snprintf(no->detail, sizeof no->detail,
                       "study \"%s\" runs %" PRId64 " trials, as many as limits.parallel allows",
                       study->row.name, study->live_leases);
    } else if (in_row >= 0 && study->row.failed_in_row >= in_row) {
        failures_in_row_explain(study->row.has_value, study->row.failed_in_row, why, sizeof why);
        (void)snprintf(no->detail, sizeof no->detail,
                       "study \"%s\" waits for the trials that run: %.150s", study->row.name, why);
    } else {
        struct schedule_moment moment = study_moment(&tuning->state, study);
        struct schedule_offer offer;
        schedule_offer(study->schedule, &moment, &offer);
        (void)snprintf(no->detail, sizeof no->detail, "study \"%s\": %.180s", study->row.name,
                       offer.kind == OFFER_NOTHING && offer.detail[0] != '\0'
                           ? offer.detail
                           : "nothing new may go out; the last trials are running");
    }
}

/* Returns the most hopeful of the studies that fit, which speaks for all; NULL: none fits. */
static const struct live_study *
most_hopeful(const struct tuning *tuning, const struct lease_ask *ask, const char *named,
             bool (*fits)(const struct lease_ask *, const char *, const struct live_study *))
{
    static const int hope[STUDY_STATE_COUNT] = {
        [STUDY_RUNNING] = 3, [STUDY_PAUSED] = 2, [STUDY_FINISHED] = 1, [STUDY_STOPPED] = 0};
    const struct live_study *best = NULL;

    if (named[0] != '\0') { /* the common case needs no search */
        best = study_named(&tuning->state, named);
        return best != NULL && fits(ask, named, best) ? best : NULL;
    }
    for (const struct live_study *study = tuning->state.studies; study != NULL;
         study = study->next) {
        if (fits(ask, named, study)
            && (best == NULL || hope[study->row.state] > hope[best->row.state])) {
            best = study;
        }
    }
    return best;
}

/* The study that the ask names may not be given to this worker. */
static void explain_unmatched(const struct live_study *study, const struct lease_ask *ask,
                              struct no_lease *no)
{
    const struct study_def *def = study->def;

    size_t offered = lease_ask_gpus_with(ask, def->requires_gpu_memory_mib);
    int64_t needed = gpus_needed(def);
    char memory[64] = "";

    if (gpus_match(def, ask)) {
        (void)snprintf(no->detail, sizeof no->detail,
                       "study \"%s\" is not for this worker: its runner or a label does not match",
                       study->row.name);
        return;
    }
    if (def->requires_gpu_memory_mib > 0) {
        (void)snprintf(memory, sizeof memory, " of %" PRId64 " MiB", def->requires_gpu_memory_mib);
    }
    (void)snprintf(no->detail, sizeof no->detail,
                   "study \"%s\" requires %" PRId64 " GPU%s%s; this worker offers %zu%s now",
                   study->row.name, needed, needed == 1 ? "" : "s", memory, offered,
                   memory[0] == '\0' ? "" : " such");
}

void ask_explain(const struct tuning *tuning, const struct lease_ask *ask, const char *named,
                 struct no_lease *no)
{
    const struct live_study *study = most_hopeful(tuning, ask, named, ask_matches);

    *no = (struct no_lease){.reason = NO_LEASE_NONE, .retry_after_seconds = 5};
    if (study == NULL) {
        study = most_hopeful(tuning, ask, named, ask_names);
        bool is_over = study != NULL
                       && (study->row.state == STUDY_FINISHED || study->row.state == STUDY_STOPPED);
        if (study != NULL && !is_over) {
            explain_unmatched(study, ask, no);
            return;
        }
    }
    if (study == NULL) {
        (void)snprintf(no->detail, sizeof no->detail,
                       "no study matches what this worker asks for (studies, runners, gpus, "
                       "labels)");
        return;
    }
    explain_study(tuning, study, no);
}

/* An ask for named studies that will hand out nothing more is not kept waiting. */
bool ask_is_hopeless(const struct tuning *tuning, const struct ask_command *command)
{
    struct no_lease no;

    if (command->in.study[0] == '\0' && command->in.ask.n_studies == 0) {
        return false;
    }
    ask_explain(tuning, &command->in.ask, command->in.study, &no);
    return no.reason == NO_LEASE_FINISHED || no.reason == NO_LEASE_STOPPED;
}
