/* Whether the engine can write: as ever, not while the disk is full, or not any more. Any thread.
 */
#ifndef SERVER_ENGINE_CONDITION_H
#define SERVER_ENGINE_CONDITION_H

#include <stdbool.h>

#include "common/err.h"

struct engine;

/* From better to worse. The last two stay until the server is started again. */
enum engine_condition {
    CONDITION_SOUND,
    CONDITION_FULL,     /* a group found no space; looked for every second */
    CONDITION_DAMAGED,  /* the database is */
    CONDITION_DETACHED, /* its files are no longer those of the data directory */
    CONDITION_COUNT
};

/* Makes it that bad, and logs `text`, what was seen, with what to do; no change where it is as bad
 * or worse. */
void condition_worsen(struct engine *engine, enum engine_condition condition, const char *text);
/* There is space on the disk again. */
void condition_has_space(struct engine *engine);
/* Nothing may be written any more. */
bool condition_is_final(const struct engine *engine);
/* 0 when the engine writes; else -1 with what clients are told. */
MUST_USE int condition_check(const struct engine *engine, struct err *err);
/* What clients are told where it does not. */
void condition_tell(const struct engine *engine, struct err *err);

#endif
