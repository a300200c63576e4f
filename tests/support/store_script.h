/* A store filled with rows of every kind, and its content as text, for tests of the store. */
#ifndef TESTS_SUPPORT_STORE_SCRIPT_H
#define TESTS_SUPPORT_STORE_SCRIPT_H

#include "common/buf.h"
#include "server/store/tokens.h"

/* Rows with every field set. What they point to lives as long as the program. */
struct study_row script_study(const char *name);
struct trial_row script_trial(int64_t study, int64_t number, enum trial_state state);
struct attempt_row script_attempt(int64_t trial, int64_t number, int64_t worker);
struct token_row script_token(const char *id, int64_t created_at_ms);

/* Writes rows of every kind: a study (named after `mark`, 0..99) with metrics, a worker, trials,
 * attempts, measurements and so on, some of them updated after they were inserted. Two calls with
 * different marks do not collide. No group is opened here. */
MUST_USE int script_write(struct store *store, int mark, struct err *err);
/* Appends everything that the store can be asked for, as text: equal texts, equal content. */
MUST_USE int script_read(struct store *store, struct buf *text, struct err *err);

#endif
