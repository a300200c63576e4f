/* What an agent is told to do, and the events it tells of. */
#ifndef WORKER_AGENT_AGENT_SETTINGS_H
#define WORKER_AGENT_AGENT_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/wire.h"
#include "worker/agent/boundary/boundary.h"
#include "worker/agent/inherited.h"
#include "worker/agent/leaving.h"
#include "worker/report/patterns.h"

/* A command that studies may name in job.runner. */
struct agent_runner {
    const char *name;
    char *const *argv; /* NULL-terminated; may hold placeholders (expand.h) */
};

/* What happens, for the program that shows it. */
enum agent_event_kind {
    AGENT_WAITING,    /* nothing to do now: `detail` says why */
    AGENT_STARTED,    /* a job of this trial runs */
    AGENT_REPORTED,   /* the trial measured `step`, in `line` */
    AGENT_UNREADABLE, /* something in `line` looks like a report and cannot be read: `detail` */
    AGENT_ENDED, /* it ended with `outcome`; `detail`: what it did, `state`: the trial's, by the
                    server */
    AGENT_UNREACHABLE, /* the server does not answer: `detail` */
    AGENT_REACHABLE    /* it answers again */
};

struct agent_event {
    enum agent_event_kind kind;
    size_t slot;
    const struct lease_grant *grant; /* NULL where there is no trial; borrowed */
    int64_t step;
    size_t n_metrics;
    const struct metric_value *metrics; /* of this report */
    const char *outcome; /* "completed", "failed", …, "released", "lost", "aborted" */
    const char *state;   /* of the trial after it, "" when unknown */
    bool is_excluded;    /* it is not known to satisfy the study's outcome constraints */
    const char *detail;
    const char *line; /* as it was printed; not terminated */
    size_t line_len;
    const char *log_path; /* where the job's output is; "" when it printed nothing */
};

#define AGENT_SLOTS_MAX 256
#define AGENT_LABELS_MAX 64
#define AGENT_ENV_MAX 64

/* A number of bytes that has a default. */
struct agent_size {
    bool is_said;
    int64_t bytes;
};
#define AGENT_OFFLINE_AT_ONCE (-1)    /* a job stops with the first call that fails */
#define AGENT_OFFLINE_NEVER INT64_MAX /* it goes on as long as it takes */

/* Where checkpoints are, and so which workers can go on from them. */
enum agent_checkpoints {
    CHECKPOINTS_LOCAL,  /* in the work directory: workers on this host */
    CHECKPOINTS_SHARED, /* in the work directory, which all workers see under this path: all */
    CHECKPOINTS_UPLOAD  /* at the server: all */
};

struct agent_settings {
    const char *url;
    const char *token;       /* NULL: none */
    const char *token_file;  /* read again when the server refuses the token; NULL: it is not */
    const char *ca_file;     /* NULL: the system's */
    const char *server_name; /* of the server in files that outlive the worker; NULL: the url. For
                                a server whose address changes with every start */
    const struct http_responder *responder; /* stands in for the server; NULL: none */
    const char *name; /* of the worker; NULL: the host's name. Slots append ":0", ":1", … */

    /* One of the two: a study and the command for it, or runners by name for any study. */
    const char *study;
    char *const *command;
    const struct agent_runner *runners;
    size_t n_runners;

    size_t n_slots;                       /* 0: one per GPU, else 1 */
    const char *gpu_list;                 /* "0,1,2", "all" or "none"; NULL: as they are found */
    size_t slots_per_gpu;                 /* trials at once on each; 0: one */
    struct agent_size max_gpu_used;       /* of a GPU's memory, by others */
    struct agent_size min_disk_free;      /* of the work directory's file system */
    bool hide_gpus;                       /* from jobs that have none of their own */
    size_t threads_per_slot;              /* OMP_NUM_THREADS; 0: left as it is */
    const char *labels[AGENT_LABELS_MAX]; /* "key=value" */
    size_t n_labels;

    const struct pattern_spec *patterns; /* find metrics in the output; borrowed */
    size_t n_patterns;
    const char *workdir;   /* logs, checkpoints; made when missing. NULL: $XDG_STATE_HOME/hone/work,
                              ~/.local/state/hone/work or /var/tmp/hone-UID/work */
    const char *state_dir; /* what outlives the worker; NULL: WORKDIR/workers/NAME */
    int64_t keep_ms;       /* a job survives a killed worker for so long; 0: it ends with it */
    struct boundary_settings boundary;  /* what holds a job's processes together */
    bool exit_when_finished;            /* leave when the study is finished or stopped */
    enum agent_checkpoints checkpoints; /* who can go on from them */
    bool no_log_upload;                 /* what jobs print is not sent to the server */
    bool stays_when_drained;            /* go on asking while the server gives this node nothing */
    int64_t deadline_ms; /* monotonic: the machine is taken away then; 0: not known */
    int64_t idle_ms;     /* leave when nothing has run for so long; 0: never */
    int64_t uptime_ms;   /* take nothing more after so long; 0: no limit */
    int64_t max_trials;  /* take no more than so many; 0: no limit */
    int preempt_status;  /* of the program, after AGENT_END_PREEMPTED */
    bool clean_env;      /* of the environment jobs get only what is needed, and what `env` names */
    const char *env[AGENT_ENV_MAX]; /* "NAME" or "NAME=VALUE" */
    size_t n_env;
    bool is_terse;      /* how jobs are held together is not told: a display shows the study */
    bool allow_root;    /* for the program: jobs may run as root */
    int passthrough_fd; /* with one slot, job output is also written here; -1: only to the log */

    void (*on_event)(void *context, const struct agent_event *event); /* or NULL */
    void *context;

    /* 0 takes the default in brackets. */
    int64_t leave_ms;    /* [5,000] to leave by itself after pause and stop */
    int64_t grace_ms;    /* [30,000] from SIGTERM to SIGKILL */
    int64_t offline_ms;  /* [2,400,000] a job goes on without an answer of the server; or
                            AGENT_OFFLINE_… */
    double wait_seconds; /* [30] of a long-poll */
    int64_t backoff_ms;  /* [500] first retry; doubles to 120 times that, with full jitter */
};

#endif
