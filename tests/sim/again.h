/* Makes every decision of a study again (server/replay) and compares it. */
#ifndef TESTS_SIM_AGAIN_H
#define TESTS_SIM_AGAIN_H

#include <stdbool.h>

#include "server/replay/replay.h"

/* *counts ← what came of it; prints the first difference. False: it failed; the reason is printed.
 */
bool decide_again(struct store *store, int64_t study, struct replay_counts *counts);
/* The same for every study there is: each decision must come out the same, and none may lack what
 * it was made from. *n ← how many decisions there were. */
bool decide_all_again(struct store *store, int64_t *n);

#endif
