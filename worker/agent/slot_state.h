/* What a slot (slot.h) has, and what the slots of an agent share. */
#ifndef WORKER_AGENT_SLOT_STATE_H
#define WORKER_AGENT_SLOT_STATE_H

#include "worker/agent/agent_settings.h"
#include "worker/agent/checkpoint_fetch.h"
#include "worker/agent/checkpoint_upload.h"
#include "worker/agent/devices/devices.h"
#include "worker/agent/exit_class.h"
#include "worker/agent/folder.h"
#include "worker/agent/lease.h"
#include "worker/agent/lease_request.h"
#include "worker/agent/log_upload.h"
#include "worker/agent/oom_watch.h"
#include "worker/agent/output.h"
#include "worker/agent/pending.h"
#include "worker/agent/quick_failures.h"
#include "worker/agent/report_socket.h"
#include "worker/agent/runner.h"
#include "worker/agent/spool.h"
#include "worker/agent/supervisor.h"
#include "worker/agent/unkillable.h"

#define PROGRAM_TOLD_MAX 64

/* A command that can be run here. */
struct program {
    const char *runner; /* NULL: for whatever comes */
    char *const *argv;
    char *path;                      /* owned */
    uint64_t told[PROGRAM_TOLD_MAX]; /* what is said once about it, digested */
    size_t n_told;
};

/* What the slots of an agent share. */
struct agent_context {
    const struct agent_settings *settings; /* with every default filled in */
    struct boundary boundary;              /* of every job */
    struct loop loop;
    struct lease_ask offer;
    struct devices devices;
    struct patterns *patterns; /* NULL: none */
    struct program *programs;
    size_t n_programs;
    char *workdir;
    char *state_dir; /* borrowed; NULL: nothing is recorded */
    char *host;
    struct leaving leaving;
    int64_t n_asked_for; /* trials that were granted, or are being asked for */
    bool draining;
    int64_t drained_ms; /* since when */
    bool closing;       /* nothing more is asked for; trials that run go on to their end */
    bool has_called; /* a call was answered, or has failed: it is known whether there is a server */
    bool unreachable;
    bool told_unsaved; /* that a checkpoint could not be sent to the server */
    unsigned hurries;  /* how often the study was said to be over: slots that wait may ask now */
    struct err fatal;  /* code ERR_NONE: nothing */
};

#define SLOT_CONTROL_BYTES 256

enum slot_phase {
    SLOT_ASKING,
    SLOT_RESUMING,
    SLOT_FETCHING,
    SLOT_RUNNING,
    SLOT_FLUSHING,
    SLOT_SAVING,
    SLOT_DELIVERING,
    SLOT_CLOSED
};

struct slot {
    struct agent_context *context;
    size_t index;
    enum slot_phase phase;
    bool awaits_devices;       /* to ask */
    bool has_too_little_time;  /* as the server said to the last ask */
    struct device_set devices; /* that its trial has */
    char *gpu;                 /* their tokens, with commas; NULL: none of its own; owned */
    struct lease_request request;
    struct report_socket reports;
    struct quick_failures quick;  /* of its jobs, in a row */
    unsigned hurries;             /* of the context, as far as it has acted on them */
    struct unkillable unkillable; /* of an earlier trial */
    struct spool spool;           /* of the trial that it has or had */
    bool spool_is_ready;          /* begun, for the next trial */
    bool spool_waits;             /* it could not be begun; told */
    bool delivers_only;           /* what an earlier worker has left; it asks for nothing */
    char asked[REQUEST_ID_BYTES]; /* the id in it under which that is asked for */
    int64_t condense_at;          /* bytes; a longer one is made shorter when it can be */
    int64_t spool_retry_ms;
    int64_t others_at_ms;    /* when to look again for what other workers have left */
    struct log_uploads logs; /* of this trial and of those just ended */

    /* the trial */
    struct lease_grant grant;
    const struct program *program; /* what runs it; by job_check() */
    struct folder folder;
    struct lease *lease;
    struct checkpoint_fetch *fetch; /* its checkpoint on the way here; NULL: none */
    struct checkpoint_upload *save; /* … and to the server, also once it is there; NULL: none */
    bool lost;                      /* by its hook: the trial is not ours any more */
    bool delivered;                 /* by its hook: the server took the result or the release */
    bool refused;                   /* by its hook: the server did not like the result */
    bool unserved;                  /* by its hook: the server refuses this worker, not the trial */
    bool resumed;                   /* an earlier worker has begun it */
    bool awaits_shim;               /* … and the shim of its job still works */
    bool is_adopted;                /* … and its job goes on here */
    uint64_t measured_resumed;      /* … and told so many reports */
    size_t n_gpus_resumed;          /* … with so many GPUs */
    char state[32];                 /* of the trial, as the server said at the end */
    bool is_excluded;               /* the same: it is not known to be feasible */
    struct buf control;
    bool control_fails;    /* its file could not be written the last time */
    struct pending *tried; /* without a lease: where its measurements go; borrowed */
    struct notes notes;    /* about its reports */

    /* this run of its command */
    int64_t from, to, until;
    int64_t last_step;
    int64_t stride;        /* how far apart its last two steps are; 0: not known */
    int64_t furthest_step; /* a job may begin at a lower step again, for another fold */
    bool has_step;
    struct supervisor supervisor;
    struct runner runner;
    struct stream_watch {
        struct slot *slot;
        enum runner_stream stream;
        struct fd_watch watch;
    } streams[STREAM_COUNT];
    struct fd_watch status_watch;
    struct output output;
    struct kept_files kept_files; /* beside the spool; unnamed: there are none */
    struct kept_output kept;      /* of a job that survives this process; else closed */
    uint64_t replayed;            /* so many reports come again and are recorded already */
    int64_t started_ms;           /* the trial; restarts do not change it */
    int64_t run_started_ms;       /* this run */
    int64_t ended_ms;             /* its end was noticed */
    struct oom_watch oom;
    struct oom_found oom_found; /* at its end */
    struct exit_class exit_class;
};

#endif
