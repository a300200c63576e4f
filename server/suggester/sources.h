/* What a new study takes over from older ones (`after` in its body).
 *
 * When a study is created, trials of its source studies are copied, converted to the new study's
 * parameters, and stored with it: a later change of the older studies changes no suggestion, and a
 * restart reads the same rows. What has reported a violation of the new study's outcome constraints
 * is left out. At most SOURCE_ROWS_MAX of each, chosen among the newest 10,000.
 * Called by the writer thread. */
#ifndef SERVER_SUGGESTER_SOURCES_H
#define SERVER_SUGGESTER_SOURCES_H

#include "common/own.h"
#include "server/domain/transfer.h"
#include "server/store/store.h"

struct sources {
    size_t n;
    struct source items[SOURCES_MAX]; /* their rows and each row's x are owned */
};
void sources_finish(struct sources *sources);
OWN_VALUE(sources)

/* An older study to be read: its id and definition. */
struct source_study {
    int64_t id;
    const struct study_def *def;
    const char *pointer; /* where the new study names it: "/after/0" */
};
/* Reads the trials of an older study into *source, for a study defined by `def`. What prevents it
 * is a fault at its pointer; -1 only for errors of the store and ERR_NOMEM. Writes nothing. */
MUST_USE int source_read(struct store *store, const struct source_study *older,
                         const struct study_def *def, struct source *source, struct faults *faults,
                         struct err *err);
/* Writes the rows of a new study; the errors of the store. */
MUST_USE int sources_store(struct store *store, int64_t study, const struct study_def *def,
                           const struct sources *sources, struct err *err);
/* Reads them back; *sources is finished by the caller. ERR_NOMEM and the errors of the store. */
MUST_USE int sources_load(struct store *store, int64_t study, const struct study_def *def,
                          struct sources *sources, struct err *err);

#endif
