/* The one table of verbs: what `hone` can do. A verb is one word ("watch") or a word within a group
 * ("study create"). It gets its own arguments with argv[0] set to "hone study create", so that its
 * messages name it, and returns the exit status (worker/cli/status.h). The table feeds `hone help`,
 * the suggestions for mistyped words, and the test that every verb has its place in the manual.
 *
 * A new verb is one file, one line at the end of this header, one row in verbs.c, one line in
 * worker/meson.build and one section in deploy/man/. */
#ifndef WORKER_CLI_VERBS_H
#define WORKER_CLI_VERBS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"

struct verb {
    const char *group; /* "study", or NULL */
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary; /* fits beside the words on a line of 80 */
};

extern const struct verb verbs[];
extern const size_t n_verbs;

/* The verb that the words at the front of argv name; *n_words is how many it took. ERR_INVALID with
 * what was probably meant when there is none. */
MUST_USE int verb_find(int argc, char *const argv[], const struct verb **verb, int *n_words,
                       struct err *err);

/* "study", "token": does the word name a group of verbs? */
bool verb_is_group(const char *word);
bool verb_is_in_group(const struct verb *verb, const char *group);

/* "study create", "watch". */
#define VERB_WORDS_BYTES 48
const char *verb_words(const struct verb *verb, char words[VERB_WORDS_BYTES]);

int verb_run(int argc, char **argv);
int verb_advise(int argc, char **argv);
int verb_study_create(int argc, char **argv);
int verb_study_list(int argc, char **argv);
int verb_study_show(int argc, char **argv);
int verb_study_best(int argc, char **argv);
int verb_study_trials(int argc, char **argv);
int verb_study_watch(int argc, char **argv);
int verb_study_brackets(int argc, char **argv);
int verb_study_explain(int argc, char **argv);
int verb_study_importance(int argc, char **argv);
int verb_study_pause(int argc, char **argv);
int verb_study_resume(int argc, char **argv);
int verb_study_stop(int argc, char **argv);
int verb_study_set(int argc, char **argv);
int verb_study_retry(int argc, char **argv);
int verb_study_delete(int argc, char **argv);
int verb_submit_slurm(int argc, char **argv);
int verb_token_create(int argc, char **argv);
int verb_token_list(int argc, char **argv);
int verb_workers(int argc, char **argv);
int verb_workers_drain(int argc, char **argv);
int verb_workers_resume(int argc, char **argv);
int verb_token_revoke(int argc, char **argv);
int verb_worker(int argc, char **argv);
int verb_bundle(int argc, char **argv);
int verb_absorb(int argc, char **argv);
int verb_logs(int argc, char **argv);
int verb_report(int argc, char **argv);
int verb_help(int argc, char **argv);
int verb_version(int argc, char **argv);

#endif
