/* The files of one attempt under the work directory: its log, the parameters and the control file
 * that its job reads, and its checkpoint.
 *
 *   WORKDIR/<server>/<study>/<trial>/  attempt-2.log  attempt-2/
 *   attempt-2/                         params.json control.json owner checkpoint.new/ checkpoint/
 *                                      and, where the command names them, parameters.json or .yaml
 *
 * Every attempt has a folder of its own, which mkdir() claims, so that no two workers ever write
 * one file, whatever they know of each other; where another server's study of the same name has
 * taken the name, it is attempt-2.2 and so on. The job writes into checkpoint.new, and what the
 * result names is checkpoint: renamed when the job has ended, and not written to again. The next
 * attempt begins with a copy of it. */
#ifndef WORKER_AGENT_FOLDER_H
#define WORKER_AGENT_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/own.h"
#include "common/wire/wire.h"

struct folder { /* absolute paths; owned */
    char *base, *log, *params, *control, *owner;
    char *parameters; /* without the ending: the parameters alone, where the command names it */
    char *checkpoint; /* where the job keeps its own */
    char *copying;    /* a copy of the granted one, while it is made */
    char *published;  /* where it is once the job has ended */
    char *granted;    /* to be copied to `checkpoint` before the job starts; NULL: none */
    char *made_at;    /* where the job that made it had it */
};
void folder_finish(struct folder *folder);
OWN_VALUE(folder)

/* Makes what is missing, 0700, also while another worker that leaves removes it because it is
 * empty. `path` is absolute. -1: errno says why, too. */
MUST_USE int folder_make(const char *path, struct err *err);
/* Makes the attempt's folder. `granted` is the grant's checkpoint where the trial goes on from one
 * that lies under workdir and is not empty; else `checkpoint` is made. */
MUST_USE int folder_open(struct folder *folder, const char *workdir, const char *url,
                         const struct lease_grant *grant, struct err *err);
/* Did the job print anything? Without it folder_tidy() leaves no log. */
bool folder_has_log(const struct folder *folder);
/* Names the files of the attempt's folder `base` again; names nothing when it is not there any
 * more.
 */
MUST_USE int folder_reopen(struct folder *folder, const char *base, struct err *err);
/* True also when the folder does not exist, or `path` is NULL. */
bool folder_is_empty(const char *path);
/* Who may write here: this process and the one that runs the job. */
MUST_USE int folder_own(const struct folder *folder, const char *host, pid_t shim, struct err *err);
/* Moves what the ended job has kept to `published`; nothing if it kept nothing, or a second time.
 * Its own name for it still leads there. */
MUST_USE int folder_publish(const struct folder *folder, struct err *err);

/* After the end of the job: removes what the trial needs no longer, which is everything but a
 * published checkpoint and a log that is not empty. */
void folder_tidy(const struct folder *folder);
/* After a failure: everything stays, for people to look at; the folder has no owner any more. */
void folder_end(const struct folder *folder);
/* As folder_tidy(), and the checkpoint too: it is of no use to anyone. */
void folder_abandon(const struct folder *folder);
/* Removes what earlier attempts of this trial have left whose workers were killed on this host, but
 * not the granted checkpoint. */
void folder_remove_superseded(const struct folder *folder, const struct lease_grant *grant,
                              const char *host);
/* Removes a checkpoint that the server needs no longer, if it lies under `workdir`. */
void folder_discard(const char *workdir, const char *uri);
/* Replaces the file as a whole: a reader finds the old text or the new one. */
MUST_USE int folder_write(const char *path, const char *text, size_t len, struct err *err);

#endif
