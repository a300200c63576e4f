/* The worker of `hone run`: one child process, whose output comes through a pipe.
 *
 * It is in a process group of its own and ends with its parent (PR_SET_PDEATHSIG). An interrupt
 * reaches it through us, once for each time it was typed: the first lets it hand its trials back,
 * the second kills them. One at a time; for the main thread only. */
#ifndef WORKER_CLI_VERBS_RUN_WORKER_H
#define WORKER_CLI_VERBS_RUN_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "common/err.h"
#include "worker/agent/agent.h"

/* From here on SIGINT, SIGTERM and SIGHUP are for the worker. `token_file` "": no token. The
 * settings' token and on_event are filled in here. */
MUST_USE int run_worker_start(const struct agent_settings *settings, const char *token_file,
                              struct err *err);
/* False once the worker has closed its output. */
bool run_worker_has_output(void);
/* Waits at most this long and gives every whole line to `on_line`. */
void run_worker_read(int timeout_ms, void (*on_line)(void *context, const char *line, size_t len),
                     void *context);
/* Waits for its end and returns its exit status. */
int run_worker_await(void);
/* Tells it that the study is over, so that no slot waits before it asks once more. */
void run_worker_hurry(void);
/* Asks it to leave, and waits. */
void run_worker_stop(void);
/* Whether one of the signals has come. */
bool run_worker_was_interrupted(void);

#endif
