/* Files that workers have uploaded, by the digest of their content.
 *
 *   DATA/files/ab/cdef…                           the content whose SHA-256 begins with abcdef
 *   DATA/files/trials/<study's id>/<trial>/abcdef…  a link to it for each trial that needs it
 *   DATA/files/incoming/…                         what is not complete; empty after a start
 *
 * The same content is stored once, however many trials have it: the links are the count of its
 * users, kept by the file system. A file is on disk before its uri is told. Names are digests and
 * numbers, so that nothing a client says becomes a path. Any thread; one upload belongs to one
 * thread at a time. */
#ifndef SERVER_FILES_UPLOADS_H
#define SERVER_FILES_UPLOADS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"

#define UPLOAD_LIMIT_DEFAULT ((int64_t)64 << 20)
#define UPLOAD_LIMIT_LEAST 1024
#define UPLOAD_LIMIT_MOST ((int64_t)1 << 40)

#define UPLOAD_URI_BYTES 72 /* "sha256:" and 64 digits */

struct uploads;
struct upload;

struct uploads_settings {
    const char *directory; /* the data directory */
    int64_t limit;         /* bytes of one file */
    int64_t spare_bytes;   /* what must stay free on the disk, for the database */
};

/* Removes what a former run has left incomplete. ERR_IO: the folders cannot be made or opened. */
MUST_USE int uploads_create(const struct uploads_settings *settings, struct uploads **uploads,
                            struct err *err);
/* Accepts NULL. */
void uploads_destroy(struct uploads *uploads);
OWN_POINTER(uploads)
/* Bytes of one file at most. */
int64_t uploads_limit(const struct uploads *uploads);
/* Another one from now on. Any thread. */
void uploads_set_limit(struct uploads *uploads, int64_t limit);

/* ---- one upload ---- */
/* ERR_STORAGE_FULL, ERR_IO, ERR_NOMEM. */
MUST_USE int upload_begin(struct uploads *uploads, struct upload **upload, struct err *err);
/* The same errors. */
MUST_USE int upload_write(struct upload *upload, const void *bytes, size_t len, struct err *err);
/* The file is complete: on disk, and linked for the trial. uri ← its name. */
MUST_USE int upload_finish(struct upload *upload, int64_t study, int64_t trial,
                           char uri[UPLOAD_URI_BYTES], struct err *err);
int64_t upload_bytes(const struct upload *upload);
/* Leaves nothing of an upload that was not finished. Accepts NULL. */
void upload_destroy(struct upload *upload);
OWN_POINTER(upload)

/* *fd ← a descriptor of the trial's file. ERR_NOT_FOUND: it has no such file. */
MUST_USE int upload_open(const struct uploads *uploads, int64_t study, int64_t trial,
                         const char *uri, int *fd, struct err *err);

/* ---- what is kept ---- */
struct uploads_world {
    void *context;
    /* Does the trial still need the file? */
    bool (*needs)(void *context, int64_t study, int64_t trial, const char *uri);
};
/* Removes what the trial does not need. */
void uploads_prune_trial(struct uploads *uploads, int64_t study, int64_t trial,
                         const struct uploads_world *world);
/* The same for all trials of a study. */
void uploads_prune_study(struct uploads *uploads, int64_t study, const struct uploads_world *world);
/* The same for all studies; then removes content that no trial has. */
MUST_USE int uploads_prune(struct uploads *uploads, const struct uploads_world *world,
                           struct err *err);
/* Are there any files, or may there be? */
bool uploads_are_used(const struct uploads *uploads);

struct uploads_stats {
    int64_t files, bytes; /* stored */
    int64_t received;     /* uploads since the start, those of known content included */
};
/* *stats ← the counters. */
void uploads_stats(const struct uploads *uploads, struct uploads_stats *stats);

#endif
