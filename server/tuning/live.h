/* The live state behind tuning.h, for the files of this room.
 *
 * Everything here can be rebuilt from the store, except the waiting asks. */
#ifndef SERVER_TUNING_LIVE_H
#define SERVER_TUNING_LIVE_H

#include "common/map.h"
#include "server/schedule/schedule.h"
#include "server/strategy/strategy.h"
#include "server/tuning/discards.h"
#include "server/tuning/heap.h"
#include "server/tuning/past.h"
#include "server/tuning/think.h"
#include "server/tuning/tuning.h"

struct live_trial;
struct live_study;

/* A worker, by name; never forgotten while the server lives. */
struct live_worker {
    int64_t id; /* its row; 0 until it is granted a lease */
    char name[WORKER_NAME_BYTES];
    char host[WORKER_NAME_BYTES];
    int64_t last_seen_ms; /* wall clock */
    int64_t leases;
    int64_t n_gpus;
    int64_t waiting; /* its parked asks */
};

/* The last value of each metric, in the attempt that is under way. */
struct last_value {
    int64_t metric;
    int64_t step;
    double value;
    double best; /* objectives with fold "best" */
};

/* The newest attempt of an open trial: live, or expired and not overtaken; or one that was
 * cancelled, which hears `abort` until its time is over. */
struct live_lease {
    struct attempt_row row;
    struct live_trial *trial; /* NULL once aborted */
    struct live_study *study; /* NULL once aborted and the study gone */
    struct live_worker *worker;
    struct heap_node deadline;
    int64_t ttl_ms;
    bool expired;
    bool aborted;
    int64_t last_step; /* highest measured; -1: none */
    size_t n_last;
    struct last_value *last;
    double progress;          /* NaN: not said */
    struct discard *discards; /* what its grant lists; owned */
};

/* A trial that is not final. */
struct live_trial {
    struct trial_row row;
    struct live_study *study;
    struct live_lease *lease; /* live or expired; NULL before the first and after a release */
    bool unsaved;             /* suggested in this very command: has no row yet */
    char *parameters;         /* JSON, made for the first grant; NULL before */
    struct live_trial *next, **link; /* in one of the study's queues; link NULL: in none */
    struct checkpoint checkpoint;    /* the newest one reported; discards.h changes it */
    struct learning_curve curve; /* what was measured of the objective; where the study learns */
    int64_t asked_level;         /* the model is asked about it at this level; 0: it is not */
};

struct trial_queue {
    struct live_trial *first, **tail;
    int64_t n;
};

enum thinking { THINKING_NOT, THINKING_SUGGESTS, THINKING_JUDGES };

struct live_study {
    struct study_row row; /* the texts are kept */
    struct shared_def *shared;
    const struct study_def *def; /* shared->def */
    struct shared_def *first;    /* what the schedule was made from: PATCH changes none of it */
    const struct strategy *strategy;
    struct schedule *schedule;
    bool sealed;           /* the schedule knows that no new configurations come */
    int64_t stragglers_ms; /* monotonic: when it looks at stragglers next; INT64_MAX: never */
    bool dirty;            /* counters to be written with this group */
    bool redefine;
    struct past *past;                         /* of strategies that learn; else NULL */
    enum thinking thinking;                    /* which kind of thought is out, if one is */
    uint64_t epoch;                            /* of its preparations */
    struct thought *thoughts, **thoughts_tail; /* to be run, in order of ordinal */
    struct ready *ready, **ready_tail;         /* to be handed out, likewise */
    size_t n_ready;
    struct handed *handed;
    int64_t live_leases;
    struct checkpoint best_checkpoint; /* of the best trial, if that has ended short of all */
    int64_t best_holder;               /* its number */
    uint64_t dry;                      /* the dispatch in which it had nothing to hand out */
    struct trial_queue retries;        /* lost, released, preempted */
    struct trial_queue enqueued;       /* waiting for their first lease */
    size_t n_metrics;
    char (*metrics)[NAME_BYTES + 1];
    char *objectives_json;   /* for grants */
    char *job_json;          /* or NULL */
    struct heap_node clock;  /* when limits.seconds or a schedule's deadline strikes */
    struct live_study *next; /* all, in order of id */
};

/* A token of the store, revoked and expired ones included. */
struct live_token {
    char id[16];
    unsigned scopes;
    int64_t expires_at_ms; /* wall clock; 0: never */
    bool revoked;
};

/* A parked ask. */
struct ask {
    struct command *command;
    struct ask *next, **link; /* in order of arrival */
    struct heap_node deadline;
    struct live_worker *worker;
    bool has_request;
    bool gone;        /* its client has hung up */
    bool has_thought; /* exact serving: one suggestion is being made for it */
    bool thinks;      /* it is only a suggestion that it waits for */
    bool waits_for_thought;
    bool thought_enough; /* prepared serving: it gets the quasi-random point now */
    int64_t asked_ms, wait_ms;
    int64_t due_ms; /* when it is answered at the latest, or gets its fallback; INT64_MAX: never */
    unsigned char request[16];
};

/* A report whose answer waits for the model's word about its trial. */
struct parked {
    struct command *command;
    struct parked *next;
    struct heap_node deadline; /* exact serving: none */
    int64_t study, trial;      /* id, id */
    uint64_t group;            /* in which it came */
};

/* A request id: what it was answered. */
struct memo {
    unsigned char request[16];
    int64_t attempt_id;
    int64_t ended_ms; /* monotonic; 0 while the lease lives */
};

struct tuning {
    struct tuning_settings settings;
    struct store *store;
    int64_t now_ms;  /* monotonic, of this group */
    int64_t wall_ms; /* of this group */

    struct live_study *studies, **studies_tail;
    struct map study_by_name;
    struct map study_by_id;
    struct map trial_by_id;
    struct map lease_by_attempt;
    struct map worker_by_name;
    struct map worker_by_id;
    struct map memo_by_request;
    struct map token_by_id;
    struct discards discards;
    struct heap deadlines; /* leases */
    struct heap ask_deadlines;
    struct heap study_clocks;
    struct heap word_deadlines; /* parked reports */

    struct parked *parked, **parked_tail; /* in order of arrival */
    bool words_moved;                     /* one of them may want its answer now */
    uint64_t groups;                      /* counts them */
    bool is_settled;                      /* the group is: the next command begins another */

    struct ask *asks, **asks_tail;
    size_t n_asks;

    int64_t n_live_leases;
    int64_t last_seq;
    struct ask *fresh; /* the first one that was never tried; they stand at the end */
    uint64_t dispatches;
    uint64_t generation; /* of the live state: counts loads */
    uint64_t epochs;
    struct thought *outgoing, **outgoing_tail;
    bool studies_moved; /* a study ended, paused, …: every waiting ask may want an answer */
    bool may_have_work; /* something changed that could serve a waiting ask */
    bool stopping;
    bool tokens_changed;
    bool studies_changed;
    int64_t purge_ms; /* monotonic: when deleted studies and old replies are looked at next */

    struct command *done, **done_tail;
};

/* ---- finding (live.c) ---- */
struct live_study *study_named(const struct tuning *tuning, const char *name);
/* ERR_NOT_FOUND with what to do. */
MUST_USE int study_required(const struct tuning *tuning, const char *name,
                            struct live_study **study, struct err *err);
/* The ids of a study's open trials, in order of number; free() them. */
MUST_USE int study_open_trials(const struct tuning *tuning, const struct live_study *study,
                               int64_t **ids, size_t *n, struct err *err);
struct live_trial *trial_live(const struct tuning *tuning, int64_t id);
MUST_USE int worker_seen(struct tuning *tuning, const struct lease_ask *ask,
                         struct live_worker **worker, struct err *err);
MUST_USE int metric_id(struct tuning *tuning, struct live_study *study, const char *name,
                       int64_t *id, struct err *err);
int64_t metric_find(const struct live_study *study, const char *name); /* -1: unknown */

/* ---- memory (live.c) ---- */
MUST_USE int study_enter(struct tuning *tuning, const struct study_row *row,
                         struct shared_def *shared, struct live_study **study, struct err *err);
MUST_USE int study_redefine(struct live_study *study, struct shared_def *shared, struct err *err);
void study_leave(struct tuning *tuning, struct live_study *study);
/* Takes the row. */
MUST_USE int trial_enter(struct tuning *tuning, struct live_study *study, struct trial_row *row,
                         struct live_trial **trial, struct err *err);
void trial_leave(struct tuning *tuning, struct live_trial *trial);
void trial_queue_push(struct trial_queue *queue, struct live_trial *trial);
void trial_queue_remove(struct live_trial *trial);
MUST_USE int lease_enter(struct tuning *tuning, struct live_trial *trial,
                         const struct attempt_row *row, struct live_worker *worker,
                         struct live_lease **lease, struct err *err);
/* Out of every table; frees it. */
void lease_leave(struct tuning *tuning, struct live_lease *lease);
void tuning_clear(struct tuning *tuning); /* everything but asks and settings */
void command_done(struct tuning *tuning, struct command *command);

/* ---- shared steps ---- */
/* An event of this group. */
MUST_USE int event_append(struct tuning *tuning, enum event_kind kind, int64_t study, int64_t trial,
                          int64_t attempt, struct err *err);
struct schedule_moment study_moment(const struct tuning *tuning, const struct live_study *study);

/* ---- transition.c: each change of state is written once ---- */
/* Moves the trial: counts it, notes the study's best trial and failures in a row, appends the
 * event, writes the row (which is inserted if it was not yet). A final state gets `reason` (may be
 * NULL). ERR_WRONG_STATE for a move that does not exist; then nothing has changed. */
MUST_USE int trial_become(struct tuning *tuning, struct live_trial *trial, enum trial_state next,
                          const char *reason, struct err *err);
/* The trial gets its final state; schedule and strategy learn of it; it is freed. `reply` (may be
 * NULL) is filled. */
MUST_USE int trial_end(struct tuning *tuning, struct live_trial *trial, enum trial_state state,
                       const char *reason, struct trial_reply *reply, struct err *err);
/* The trial's attempt is over: brings it to where its schedule has it (retry, paused, final). */
MUST_USE int trial_follow(struct tuning *tuning, struct live_trial *trial,
                          struct trial_reply *reply, struct err *err);
enum schedule_verdict trial_verdict(const struct live_trial *trial);
/* Fills the reply from a live trial. */
MUST_USE int trial_report(const struct live_trial *trial, struct trial_reply *reply,
                          struct err *err);
/* Adds n (1 or -1) to the live leases of the worker, the study and the server. */
void lease_count(struct tuning *tuning, const struct live_lease *lease, int n);
/* The attempt's row gets its end; the lease leaves, or stays for `abort`. */
MUST_USE int attempt_over(struct tuning *tuning, struct live_lease *lease, enum attempt_end end,
                          const char *reason, struct err *err);
/* Called after each call of the schedule: stores its facts, checks the values among them against
 * the target, and brings every trial that they name, and that has no live lease, to its new state.
 */
MUST_USE int schedule_done(struct tuning *tuning, struct live_study *study,
                           const struct schedule_log *log, struct err *err);

/* finish.c: the trial's row gets the values that were measured, where no result brings them. */
MUST_USE int trial_keep_measured(struct tuning *tuning, const struct live_lease *lease,
                                 struct err *err);

/* limits.c */
bool study_may_start(const struct tuning *tuning, const struct live_study *study);
bool study_may_go_on(const struct tuning *tuning, const struct live_study *study);
enum study_reason study_limit_reached(const struct tuning *tuning, const struct live_study *study);
/* Closes rungs whose stragglers have had their time (quorum). */
MUST_USE int study_drop_stragglers(struct tuning *tuning, struct live_study *study,
                                   struct err *err);
/* Ends the study if nothing runs and nothing may go out any more. */
MUST_USE int study_settle(struct tuning *tuning, struct live_study *study, struct err *err);
MUST_USE int study_set_clock(struct tuning *tuning, struct live_study *study, struct err *err);
/* An objective was reported: the study is no longer one in which no trial had a value. */
void study_note_value(struct tuning *tuning, struct live_study *study, double value);
/* Is this value at least as good as the target? */
void study_check_target(struct live_study *study, double value);

/* claim.c, asks.c, match.c */
MUST_USE int study_seal(struct tuning *tuning, struct live_study *study, struct err *err);
MUST_USE int asks_dispatch(struct tuning *tuning, struct err *err);
void ask_answer(struct tuning *tuning, struct ask *ask);
/* Sets when the ask is due, and looks at it earlier if its token ends before. */
MUST_USE int ask_set_due(struct tuning *tuning, struct ask *ask, int64_t due_ms, struct err *err);
/* Refuses every waiting ask whose token was revoked or has expired. */
void asks_end_without_token(struct tuning *tuning);
void ask_explain(const struct tuning *tuning, const struct lease_ask *ask, const char *named,
                 struct no_lease *no);

/* think.c */
/* The trial has ended: strategies that learn hear of it. */
MUST_USE int study_remember(struct tuning *tuning, struct live_study *study,
                            const struct trial_row *row, struct err *err);
MUST_USE int study_think(struct tuning *tuning, struct live_study *study, struct err *err);
/* Asks the model what the trial, measured at this level, may come to: word_take() gets the answer.
 */
MUST_USE int study_foretell(struct tuning *tuning, struct live_study *study, int64_t trial,
                            int64_t level, struct err *err);
MUST_USE int study_prepare(struct tuning *tuning, struct live_study *study, struct err *err);
/* Suggestions ready or being made: configurations that are as good as leased. */
size_t study_reserved(const struct live_study *study);
/* The caller owns it (ready_destroy); NULL: none. */
struct ready *study_take_ready(struct live_study *study);
void study_forget_thoughts(struct live_study *study);
void study_result_came(struct tuning *tuning, struct live_study *study);
MUST_USE int tuning_thought(struct tuning *tuning, struct command *command, struct err *err);

/* word.c: the model's word about a trial that trains (asha, predictive) */
/* Asks for it if the schedule waits for one that nobody has asked for yet. */
MUST_USE int word_ask(struct tuning *tuning, struct live_trial *trial, struct err *err);
/* After a start: for every trial. */
MUST_USE int words_ask_all(struct tuning *tuning, struct err *err);
/* It has come: the schedule decides. */
MUST_USE int word_take(struct tuning *tuning, struct live_study *study, struct thought *thought,
                       struct err *err);
/* The report is answered when the word has come, or, in prepared serving, after think_ms. */
MUST_USE int report_park(struct tuning *tuning, struct command *command,
                         const struct live_trial *trial, struct err *err);
/* Answers whose word has come, whose trial has ended, whose time is over; `all`: everyone. */
void reports_answer(struct tuning *tuning, bool all);
/* The reports of this group were rolled back. */
void reports_fail_group(struct tuning *tuning, const struct err *why);

/* token.c: the table of tokens in memory */
MUST_USE int token_enter(struct tuning *tuning, const struct token_row *row, struct err *err);
void tokens_clear(struct tuning *tuning);
/* ERR_UNAUTHORIZED if this token may no longer be used; "" is always good (a server that is open).
 */
MUST_USE int token_check(const struct tuning *tuning, const char *id, struct err *err);
/* The monotonic moment at which the token expires; INT64_MAX: never. */
int64_t token_end_ms(const struct tuning *tuning, const char *id);

/* lookup.c: the lease a call names. 0: *lease is the newest attempt, live, expired or aborted.
 * ERR_NOT_FOUND, ERR_LEASE_SUPERSEDED or ERR_LEASE_ENDED; then *ended (if not NULL) holds the
 * attempt's row when it was found. */
MUST_USE int lease_lookup(struct tuning *tuning, const char *text, struct live_lease **lease,
                          struct attempt_row *ended, struct err *err);
/* An expired lease that nobody has overtaken lives again. */
MUST_USE int lease_revive(struct tuning *tuning, struct live_lease *lease, struct err *err);
MUST_USE int lease_renew(struct tuning *tuning, struct live_lease *lease, struct err *err);
/* What the holder should do now. */
void lease_action(struct tuning *tuning, const struct live_lease *lease,
                  struct action_reply *reply);

/* The use cases, one a file. What they refuse stands in *err and they changed nothing. */
MUST_USE int tuning_study_create(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_study_patch(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_study_delete(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_trials_add(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_trial_cancel(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_ask(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_measure(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_heartbeat(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_result(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_release(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_unsent(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_token_create(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_token_revoke(struct tuning *tuning, struct command *command, struct err *err);
MUST_USE int tuning_expire(struct tuning *tuning, struct err *err);

#endif
