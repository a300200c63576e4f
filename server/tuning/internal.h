/* What the files of tuning/ share: the live tables and what waits for an answer. */
#ifndef SERVER_TUNING_INTERNAL_H
#define SERVER_TUNING_INTERNAL_H

#include "server/state/state.h"
#include "server/tuning/command.h"
#include "server/tuning/recent.h"
#include "server/tuning/settings.h"

struct ask;

/* The asks that wait and name the same study in their path, or none: so that a group looks at those
 * alone whose study may have something for them (ask_queue.h). */
struct ask_queue {
    int64_t study;            /* its id; 0: they name none, or none that there is */
    struct ask *first, *last; /* in order of arrival */
    struct ask *at;           /* the next one of this dispatch */
    struct ask_queue *next;   /* of all that are not empty */
    struct ask_queue *next_hopeful;
};

/* An ask that waits. */
struct ask {
    struct ask_command *command;
    struct ask *next, **link; /* in order of arrival */
    uint64_t arrival;         /* counted */
    struct ask_queue *queue;
    struct ask *before, *behind; /* in its queue */
    struct heap_node deadline;
    struct live_worker *worker;
    bool has_request;
    bool gone;              /* its client has hung up */
    bool has_job;           /* exact serving: a suggestion is requested for it */
    bool awaits_suggestion; /* it waits for a suggestion that is being made, for nothing else */
    bool suggestion_timed;  /* prepared serving: its time to wait for a suggestion runs */
    bool takes_fallback;    /* that time is over: it gets the quasi-random point */
    unsigned n_tried, n_too_long; /* studies, in its last dispatch (fits.h) */
    int64_t too_long;             /* the id of one of those, and how long its trial would take */
    double too_long_seconds;
    int64_t asked_ms, wait_ms;
    int64_t due_ms; /* when it is answered at the latest, or gets its fallback; INT64_MAX: never */
    unsigned char request[16];
};

/* A report whose answer waits for the forecast of its trial. */
struct parked_report {
    struct measure_command *command;
    struct parked_report *next;
    struct heap_node deadline; /* exact serving: none */
    int64_t trial;             /* id */
    uint64_t group;            /* in which it came */
};

struct tuning {
    struct state state;
    struct tuning_settings settings;

    struct ask *asks, **asks_tail; /* in order of arrival */
    size_t n_asks;
    struct ask *new_asks; /* the first one that was never tried; they stand at the end */
    uint64_t arrivals;
    struct map ask_by_request; /* by the beginning of its digest */
    struct map queue_by_study; /* struct ask_queue, owned */
    struct ask_queue *queues;
    struct heap ask_deadlines;
    uint64_t dispatches;

    struct parked_report *parked, **parked_tail; /* in order of arrival */
    struct heap forecast_deadlines;              /* of parked reports */

    uint64_t groups;      /* counts them */
    bool is_settled;      /* the group is: the next command begins another */
    bool stopping;        /* nothing is granted any more */
    int64_t purge_ms;     /* monotonic: when deleted studies and old replies are looked at next */
    int64_t purged_event; /* old events were looked at up to here; 0: from the first one */
    bool has_offset;
    int64_t offset_ms;         /* from the monotonic clock to the wall clock, when last read */
    int64_t keep_all_until_ms; /* monotonic: nothing is removed before (retention.h) */
    bool has_hold;             /* the store has a value other than 0 */
    bool hold_moved;           /* the stored value is out of date */
    bool is_loaded;            /* once, since the start */
    struct recent recent;
    int64_t look_again_ms; /* monotonic: when asks that wait are looked at after a load */
    struct command *done, **done_tail;
};

/* Reads the moment of this group. */
void tuning_read_clock(struct tuning *tuning);
/* Pauses, stops or continues a study. Nothing changes where it is in that state. */
MUST_USE int study_set_state(struct tuning *tuning, struct live_study *study,
                             enum study_state state, struct err *err);
/* The command's answer may leave with this group. */
void command_done(struct tuning *tuning, struct command *command);

/* ---- use cases, by kind of command: what one refuses stands in *err, and it changed nothing ----
 */
MUST_USE int tuning_study_create(struct tuning *tuning, struct study_create_command *command,
                                 struct err *err);
MUST_USE int tuning_study_patch(struct tuning *tuning, struct study_patch_command *command,
                                struct err *err);
MUST_USE int tuning_study_delete(struct tuning *tuning, struct study_delete_command *command,
                                 struct err *err);
MUST_USE int tuning_trials_add(struct tuning *tuning, struct trials_add_command *command,
                               struct err *err);
MUST_USE int tuning_trial_cancel(struct tuning *tuning, struct trial_cancel_command *command,
                                 struct err *err);
MUST_USE int tuning_trials_retry(struct tuning *tuning, struct trials_retry_command *command,
                                 struct err *err);
MUST_USE int tuning_ask(struct tuning *tuning, struct ask_command *command, struct err *err);
MUST_USE int tuning_measure(struct tuning *tuning, struct measure_command *command,
                            struct err *err);
MUST_USE int tuning_heartbeat(struct tuning *tuning, struct heartbeat_command *command,
                              struct err *err);
MUST_USE int tuning_result(struct tuning *tuning, struct result_command *command, struct err *err);
MUST_USE int tuning_release(struct tuning *tuning, struct release_command *command,
                            struct err *err);
MUST_USE int tuning_unsent(struct tuning *tuning, struct unsent_command *command, struct err *err);
MUST_USE int tuning_suggestion(struct tuning *tuning, struct suggestion_command *command,
                               struct err *err);
MUST_USE int tuning_token_create(struct tuning *tuning, struct token_create_command *command,
                                 struct err *err);
MUST_USE int tuning_token_revoke(struct tuning *tuning, struct token_revoke_command *command,
                                 struct err *err);
MUST_USE int tuning_worker_set(struct tuning *tuning, struct worker_set_command *command,
                               struct err *err);

#endif
