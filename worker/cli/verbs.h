/* The one table of verbs: what `hone` can do. A verb is one word ("watch") or a word within a group
 * ("study create"). It gets its own arguments with argv[0] set to "hone study create", so that its
 * messages name it, and returns the exit status (worker/cli/status.h). The table and the `struct
 * usage` of each row feed the reading of command lines, `--help`, the suggestions for mistyped
 * words, completion (worker/cli/completion.h) and the option lists of the manual pages
 * (worker/cli/dump.h, deploy/man/fill.py): an option is described in one place, with its parser.
 *
 * A new verb is one file, one line at the end of this header, one row in verbs.c, one line in
 * worker/meson.build and one section in deploy/man/. */
#ifndef WORKER_CLI_VERBS_H
#define WORKER_CLI_VERBS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct usage;

struct verb {
    const char *group; /* "study", or NULL */
    const char *name;
    int (*run)(int argc, char **argv);
    const struct usage *usage; /* its arguments and options */
    const char *summary;       /* fits beside the words on a line of 80 */
};

extern const struct verb verbs[];
extern const size_t n_verbs;

/* The verb that the words at the front of argv name; *n_words is how many it took. ERR_INVALID with
 * what was probably meant when there is none. */
MUST_USE int verb_find(int argc, char *const argv[], const struct verb **verb, int *n_words,
                       struct err *err);

/* "study", "token": does the word name a group of verbs? */
bool verb_is_group(const char *word);
/* Is it a verb by itself, as "workers" is, which is a group too? */
bool verb_is_lone(const char *word);
bool verb_is_in_group(const struct verb *verb, const char *group);

/* "study create", "watch". */
#define VERB_WORDS_BYTES 48
const char *verb_words(const struct verb *verb, char words[VERB_WORDS_BYTES]);

/* What every verb defines: how it is called, and what it does. */
#define VERB(id)                                                                                   \
    extern const struct usage usage_##id;                                                          \
    int verb_##id(int argc, char **argv)

VERB(run);
VERB(top);
VERB(advise);
VERB(import);
VERB(study_create);
VERB(study_list);
VERB(study_show);
VERB(study_best);
VERB(study_trials);
VERB(study_history);
VERB(study_export);
VERB(study_watch);
VERB(study_wait);
VERB(study_events);
VERB(study_diff);
VERB(study_enqueue);
VERB(study_brackets);
VERB(study_explain);
VERB(study_importance);
VERB(study_report);
VERB(study_paper);
VERB(study_pause);
VERB(study_resume);
VERB(study_stop);
VERB(study_set);
VERB(study_retry);
VERB(study_delete);
VERB(trial_show);
VERB(trial_add);
VERB(trial_cancel);
VERB(trial_retry);
VERB(submit_slurm);
VERB(server_start);
VERB(server_status);
VERB(server_stop);
VERB(audit);
VERB(backup_create);
VERB(backup_list);
VERB(token_create);
VERB(token_list);
VERB(workers);
VERB(workers_drain);
VERB(workers_resume);
VERB(token_revoke);
VERB(worker);
VERB(bundle);
VERB(absorb);
VERB(logs);
VERB(replay);
VERB(report);
VERB(doctor);
VERB(help);
VERB(version);

#endif
