/* What the end of a job means: the one place that turns signals, exit statuses and the reasons for
 * them into an outcome. Pure; the facts come from slot.c. API.md "The job's side". */
#ifndef WORKER_AGENT_EXIT_CLASS_H
#define WORKER_AGENT_EXIT_CLASS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/wire.h"
#include "worker/agent/supervisor.h"

#define EXIT_NOT_THIS_NODE 75
#define EXIT_INFEASIBLE 78

struct exit_facts {
    enum job_event why; /* of the supervisor; JOB_EXITED: the job ended by itself */
    int wait_status;
    bool killed_by_us;    /* SIGKILL was ours */
    bool oom_seen;        /* the kernel killed a process for memory while it ran */
    bool oom_sure;        /* … one of its own, by its cgroup or the kernel's log */
    bool draining;        /* the worker is being stopped */
    bool with_worker;     /* … and was told so about when the job ended */
    bool measured;        /* every objective was, in this attempt */
    const char *reported; /* the names of the metrics that were; NULL or "": none */
    const char *wanted;   /* the objectives that were not; NULL: it is not known which */
    const char *oom_line; /* what the kernel said of it; NULL: nothing */
    const char *lost;     /* a value that decides the trial's value did not reach the server:
                             says which; NULL: none */
    bool has_checkpoint;
    bool has_resource;
    int64_t last_step; /* the furthest that was measured */
    int64_t to;        /* what this run of the command was asked for */
    int64_t until;     /* what the server asks for by now */
};

enum exit_class_kind {
    EXIT_CLASS_RESULT,  /* send one */
    EXIT_CLASS_RESTART, /* promoted meanwhile: run the command again up to `until` */
    EXIT_CLASS_RELEASE, /* hand the trial back */
    EXIT_CLASS_SILENT   /* send nothing: the trial is not this worker's any more */
};

struct exit_class {
    enum exit_class_kind kind;
    enum outcome outcome;
    const char *reason; /* of a failure: "exit_code", "signal", "timeout", …; "" otherwise */
    char text[640];     /* for people: "exit status 1" */
};

/* Batch systems signal a job and its worker together, and the job's end may be read first. So what
 * the end of a job means is decided so many ms after it, unless the worker knows of its own end
 * before: two seconds where it died of a signal that is sent to stop it, else a twentieth of the
 * time that it ran, at most a second. */
int64_t exit_class_settle_ms(int wait_status, int64_t ran_ms);

/* Fills *exit_class. */
void exit_class_decide(const struct exit_facts *facts, struct exit_class *exit_class);

#endif
