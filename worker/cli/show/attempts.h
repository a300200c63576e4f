/* The attempts of a trial as people read them: how each ended, where, and what was noted. */
#ifndef WORKER_CLI_SHOW_ATTEMPTS_H
#define WORKER_CLI_SHOW_ATTEMPTS_H

#include <jansson.h>
#include <stdio.h>

/* "attempt 1 failed (exit_code) on node07:0:" and below it the text that its worker noted, each
 * line cleaned. `note` has attempt, state, reason, worker and the text as its member `text_key`. */
void attempt_print_note(FILE *out, const json_t *note, const char *text_key);

#endif
