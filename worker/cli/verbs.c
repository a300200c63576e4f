#include "worker/cli/verbs.h"

#include <stdio.h>
#include <string.h>

#include "common/suggest.h"

const struct verb verbs[] = {
    {NULL, "run", verb_run, &usage_run, "tune a command: study, worker and picture in one"},
    {NULL, "advise", verb_advise, &usage_advise,
     "which strategy suits a problem, and what it would cost"},
    {NULL, "import", verb_import, &usage_import, "a sweep or study of another tuner, as a study"},
    {NULL, "top", verb_top, &usage_top, "studies, workers and brackets on the whole screen, live"},
    {NULL, "replay", verb_replay, &usage_replay,
     "make every decision of a study again, and compare"},
    {"study", "create", verb_study_create, &usage_study_create,
     "create a study from options or a file"},
    {"study", "list", verb_study_list, &usage_study_list, "the studies of the server"},
    {"study", "show", verb_study_show, &usage_study_show,
     "what a study searches, how, and how far it is"},
    {"study", "best", verb_study_best, &usage_study_best, "the best trial and its parameters"},
    {"study", "trials", verb_study_trials, &usage_study_trials,
     "the trials, as a table or for another program"},
    {"study", "history", verb_study_history, &usage_study_history,
     "how the best value improved, with a chart"},
    {"study", "export", verb_study_export, &usage_study_export, "every trial, for another program"},
    {"study", "watch", verb_study_watch, &usage_study_watch, "follow a study until it ends"},
    {"study", "wait", verb_study_wait, &usage_study_wait,
     "wait until it is finished, or good enough"},
    {"study", "events", verb_study_events, &usage_study_events, "what happened, and what happens"},
    {"study", "brackets", verb_study_brackets, &usage_study_brackets,
     "who is at which rung, and what happens next"},
    {"study", "explain", verb_study_explain, &usage_study_explain,
     "why a trial goes on, waits or was stopped"},
    {"study", "importance", verb_study_importance, &usage_study_importance,
     "which parameters matter for a good result"},
    {"study", "report", verb_study_report, &usage_study_report, "write a study as one HTML page"},
    {"study", "paper", verb_study_paper, &usage_study_paper,
     "methods, tables and references for a paper"},
    {"study", "diff", verb_study_diff, &usage_study_diff,
     "what differs between two studies or trials"},
    {"study", "enqueue", verb_study_enqueue, &usage_study_enqueue, "configurations to try next"},
    {"study", "pause", verb_study_pause, &usage_study_pause, "hand out nothing new"},
    {"study", "resume", verb_study_resume, &usage_study_resume, "go on"},
    {"study", "stop", verb_study_stop, &usage_study_stop, "stop what runs, cancel what waits"},
    {"study", "set", verb_study_set, &usage_study_set,
     "change its limits, parameters, state; add configurations"},
    {"study", "retry", verb_study_retry, &usage_study_retry, "try failed trials again"},
    {"study", "delete", verb_study_delete, &usage_study_delete, "delete it with all its trials"},
    {"trial", "show", verb_trial_show, &usage_trial_show, "one trial, and how its attempts ended"},
    {"trial", "add", verb_trial_add, &usage_trial_add,
     "a configuration to try next, or one with its result"},
    {"trial", "cancel", verb_trial_cancel, &usage_trial_cancel, "stop one trial"},
    {"trial", "retry", verb_trial_retry, &usage_trial_retry, "try a failed one again"},
    {"trial", "log", verb_logs, &usage_logs, "the same as 'hone logs'"},
    {NULL, "logs", verb_logs, &usage_logs, "what the job of a trial has printed"},
    {"submit", "slurm", verb_submit_slurm, &usage_submit_slurm,
     "workers for a study, as a job array of Slurm"},
    {"server", "start", verb_server_start, &usage_server_start,
     "start the private server of this account, or say where it is"},
    {"server", "status", verb_server_status, &usage_server_status, "where it is, if it runs"},
    {"server", "stop", verb_server_stop, &usage_server_stop, "end it; its studies stay"},
    {"backup", "create", verb_backup_create, &usage_backup_create,
     "have the server make a checked copy of its database"},
    {"backup", "list", verb_backup_list, &usage_backup_list, "the backups that the server keeps"},
    {NULL, "audit", verb_audit, &usage_audit, "who changed what on the server"},
    {"token", "create", verb_token_create, &usage_token_create,
     "make a token for a worker or a person"},
    {"token", "list", verb_token_list, &usage_token_list, "the tokens that are valid"},
    {"token", "revoke", verb_token_revoke, &usage_token_revoke, "lock a token out"},
    /* the members stand first: "workers" alone is the list */
    {"workers", "drain", verb_workers_drain, &usage_workers_drain, "give a node no further trial"},
    {"workers", "resume", verb_workers_resume, &usage_workers_resume, "give a node trials again"},
    {NULL, "workers", verb_workers, &usage_workers,
     "the workers, and which of them are given trials"},
    {NULL, "worker", verb_worker, &usage_worker, "run the trials of a server on this machine"},
    {NULL, "bundle", verb_bundle, &usage_bundle,
     "lease trials for days, to run them without a network"},
    {NULL, "absorb", verb_absorb, &usage_absorb, "bring the results of a bundle home"},
    {NULL, "report", verb_report, &usage_report,
     "from within a job: send what was measured, read what to do"},
    {NULL, "doctor", verb_doctor, &usage_doctor,
     "whether server, token and this machine are in order"},
    {NULL, "help", verb_help, &usage_help, "this list, or the options of one verb"},
    {NULL, "version", verb_version, &usage_version, "which version this is"},
};
const size_t n_verbs = sizeof verbs / sizeof verbs[0];

const char *verb_words(const struct verb *verb, char words[VERB_WORDS_BYTES])
{
    (void)snprintf(words, VERB_WORDS_BYTES, "%s%s%s", verb->group == NULL ? "" : verb->group,
                   verb->group == NULL ? "" : " ", verb->name);
    return words;
}

bool verb_is_in_group(const struct verb *verb, const char *group)
{
    return verb->group != NULL && strcmp(verb->group, group) == 0;
}

bool verb_is_group(const char *word)
{
    for (size_t i = 0; i < n_verbs; i++) {
        if (verb_is_in_group(&verbs[i], word)) {
            return true;
        }
    }
    return false;
}

bool verb_is_lone(const char *word)
{
    for (size_t i = 0; i < n_verbs; i++) {
        if (verbs[i].group == NULL && strcmp(verbs[i].name, word) == 0) {
            return true;
        }
    }
    return false;
}

/* "study craete": the first word is known, the second is not. */
static int no_such_member(const char *group, const char *name, struct err *err)
{
    struct suggestion_for meant = {.word = name == NULL ? "" : name};
    char known[256] = "";

    for (size_t i = 0; i < n_verbs; i++) {
        if (verb_is_in_group(&verbs[i], group)) {
            size_t used = strlen(known);
            (void)snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "",
                           verbs[i].name);
            suggest_offer(&meant, verbs[i].name);
        }
    }
    if (name == NULL) {
        return err_set(err, ERR_INVALID,
                       "'%s' needs one of: %s; 'hone %s --help' tells what they do", group, known,
                       group);
    }
    if (meant.best != NULL) {
        return err_set(err, ERR_INVALID, "there is no '%s %s'; did you mean '%s %s'?", group, name,
                       group, meant.best);
    }
    return err_set(err, ERR_INVALID, "there is no '%s %s'; '%s' knows: %s", group, name, group,
                   known);
}

/* "list" alone means "study list". */
static const struct verb *named_without_group(const char *name)
{
    for (size_t i = 0; i < n_verbs; i++) {
        if (verbs[i].group != NULL && strcmp(verbs[i].name, name) == 0) {
            return &verbs[i];
        }
    }
    return NULL;
}

static int no_such_verb(const char *name, struct err *err)
{
    struct suggestion_for meant = {.word = name};
    const struct verb *member = named_without_group(name);

    if (member != NULL) {
        return err_set(err, ERR_INVALID, "there is no verb '%s'; did you mean '%s %s'?", name,
                       member->group, member->name);
    }
    for (size_t i = 0; i < n_verbs; i++) {
        suggest_offer(&meant, verbs[i].group == NULL ? verbs[i].name : verbs[i].group);
    }
    if (meant.best != NULL) {
        return err_set(err, ERR_INVALID, "there is no verb '%s'; did you mean '%s'?", name,
                       meant.best);
    }
    return err_set(err, ERR_INVALID, "there is no verb '%s'; 'hone help' lists them", name);
}

int verb_find(int argc, char *const argv[], const struct verb **verb, int *n_words, struct err *err)
{
    bool is_group = false;

    if (argc < 1) {
        return err_set(err, ERR_INVALID, "say what to do; 'hone help' lists the verbs");
    }
    for (size_t i = 0; i < n_verbs; i++) {
        bool grouped = verb_is_in_group(&verbs[i], argv[0]);
        const char *word = grouped ? (argc < 2 ? NULL : argv[1]) : argv[0];

        is_group = is_group || grouped;
        if (grouped == (verbs[i].group != NULL) && word != NULL
            && strcmp(verbs[i].name, word) == 0) {
            *verb = &verbs[i];
            *n_words = grouped ? 2 : 1;
            return 0;
        }
    }
    return is_group ? no_such_member(argv[0], argc < 2 ? NULL : argv[1], err)
                    : no_such_verb(argv[0], err);
}
