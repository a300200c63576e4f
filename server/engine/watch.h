/* The watch: a thread beside the writer, so that no group waits for what it does. It keeps the file
 * `hwm` up to date (server/store/hwm.h) and looks whether the files of the data directory are still
 * those that are open (server/store/place.h). Another one reads the whole database once after the
 * start: is it damaged? */
#ifndef SERVER_ENGINE_WATCH_H
#define SERVER_ENGINE_WATCH_H

#include "common/err.h"

struct engine;

/* Writes the mark of a database that was just opened; no thread runs yet. Nothing in memory. On a
 * full disk the mark of the last run stays until there is space, and only reads are served. */
MUST_USE int watch_open(struct engine *engine, struct err *err);
/* Starts the threads. */
MUST_USE int watch_start(struct engine *engine, struct err *err);
/* Joins them; harmless where there are none. */
void watch_stop(struct engine *engine);
/* The last mark, after the writer has ended. Accepts an engine that watch_open() never saw. */
void watch_close(struct engine *engine);
/* Writer thread: the groups up to the store's mark are on disk. */
void watch_note_commit(struct engine *engine);

#endif
