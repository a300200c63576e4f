/* What a new study takes from the older ones it comes after ("after" in its body).
 *
 * At its creation their trials are copied, told in the new study's parameters, and stored with it:
 * nothing that happens to the older studies later changes a suggestion, and a restart reads the
 * same rows. At most SOURCE_ROWS_MAX of each, chosen among the newest 10,000. */
#ifndef SERVER_TUNING_AFTER_H
#define SERVER_TUNING_AFTER_H

#include "common/own.h"
#include "server/domain/transfer.h"
#include "server/store/store.h"

struct tuning;

struct sources {
    size_t n;
    struct source items[SOURCES_MAX]; /* their rows and each row's x are owned */
};
void sources_finish(struct sources *sources);
OWN_VALUE(sources)

/* Reads the older studies; what cannot be taken is a fault at "/after/N". Writes nothing. */
MUST_USE int sources_take(struct tuning *tuning, const struct study_def *def,
                          struct sources *sources, struct faults *faults, struct err *err);
MUST_USE int sources_store(struct store *store, int64_t study, const struct study_def *def,
                           const struct sources *sources, struct err *err);
MUST_USE int sources_load(struct store *store, int64_t study, const struct study_def *def,
                          struct sources *sources, struct err *err);

#endif
