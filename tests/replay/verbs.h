/* What the lines of a scenario do; replay.c lists the verbs. */
#ifndef TESTS_REPLAY_VERBS_H
#define TESTS_REPLAY_VERBS_H

#include "tests/replay/play.h"
#include "tests/replay/words.h"

/* Does what the rest of a line says, from its verb or its worker on. The answer is added to
 * play->answer. -1 with `err`: the line cannot be understood, or the server has failed. */
MUST_USE int verb_do(struct play *play, struct words *words, struct err *err);

#endif
