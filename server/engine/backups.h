/* Backups that are made while the server runs: one thread, beside the writer, makes one at a time
 * into a folder that the operator named, and looks from time to time what lies there, so that also
 * a backup that another program put there is known.
 *
 * A backup is ordered, then its order is on disk (who gave it) and it begins, or it is dropped. */
#ifndef SERVER_ENGINE_BACKUPS_H
#define SERVER_ENGINE_BACKUPS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "server/store/manifest.h"

struct engine;
struct backups;

enum backup_phase { BACKUP_IDLE, BACKUP_ORDERED, BACKUP_WRITING };

struct backup_status {
    enum backup_phase phase;
    char name[BACKUP_NAME_BYTES];        /* of the one that is ordered or written */
    char failed_name[BACKUP_NAME_BYTES]; /* of the last one, where it failed; "": it did not */
    char failure[512];
    int64_t failed_at_ms;     /* wall clock */
    struct backup_entry last; /* the newest that is within reach; at_ms 0: there is none */
    int64_t n_made, n_failed; /* since the start */
    int64_t made_us;          /* how long the last one took; 0: none was made yet */
};

/* The folder of settings.backup_directory is there and may be written to, and is not the data
 * directory, or was and cannot be used now, which is logged. ERR_INVALID. No thread runs yet;
 * harmless without a folder. */
MUST_USE int backups_open(struct engine *engine, struct err *err);
MUST_USE int backups_start(struct engine *engine, struct err *err);
/* Gives up the one that is being made, and joins the thread; harmless where there is none. */
void backups_stop(struct engine *engine);
void backups_close(struct engine *engine);

/* The folder; NULL: none is set. */
const char *engine_backup_directory(const struct engine *engine);
/* Is it the one that backups went to before (server/store/backup_directory.h)? Where it is not,
 * there is no newest backup in the status. Touches files. Any thread. */
MUST_USE int engine_backup_check(struct engine *engine, struct err *err);
/* Takes the one place; engine_backup_decide() must follow. ERR_WRONG_STATE: it is taken, by the
 * one that `status` tells. Any thread. */
MUST_USE int engine_backup_order(struct engine *engine, const char *name,
                                 struct backup_status *status, struct err *err);
/* Begins the backup that was ordered, or gives its place back. Any thread. */
void engine_backup_decide(struct engine *engine, bool begins);
/* Any thread; touches no file. */
void engine_backup_status(struct engine *engine, struct backup_status *status);

#endif
