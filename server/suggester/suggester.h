/* The suggestions of one study: its history, what is being suggested, what is prepared.
 *
 * Strategies that take longer than microseconds run on optimiser threads. A suggester makes jobs
 * for them, one under way per study: a job is a definition, a snapshot of the history, and an
 * ordinal (a suggestion is to be made) or a trial (the end of its training is to be forecast). The
 * writer thread queues jobs and takes their results; suggestion_job_run() is pure and may run
 * anywhere.
 *
 * In exact serving the snapshot is fixed when the ask has its turn, so that the order of commands
 * alone decides what is suggested; prepared serving suggests ahead of the asks.
 *
 * Everything but suggestion_job_run() and suggestion_job_destroy() belongs to the writer thread.
 * Nothing here reads the store, a clock or the live tables. */
#ifndef SERVER_SUGGESTER_SUGGESTER_H
#define SERVER_SUGGESTER_SUGGESTER_H

#include "server/strategy/gp/forecast.h"
#include "server/strategy/strategy.h"
#include "server/suggester/basis.h"
#include "server/suggester/snapshot.h"

/* ---- jobs ---- */

struct suggestion_job {
    struct suggestion_job *next;
    int64_t study;          /* id of the study that gets the result */
    uint64_t epoch;         /* of the suggester when the job went out */
    struct shared_def *def; /* held */
    const struct strategy *strategy;
    struct snapshot snapshot;
    struct basis basis;       /* of the snapshot, but for what follows from it */
    size_t n_open;            /* of the snapshot: behind the finished trials */
    uint64_t ordinal;         /* of the suggestion */
    struct suggestion out;    /* owned */
    int64_t trial;            /* number of the trial to be forecast; 0: a suggestion is made */
    int64_t level;            /* at which that trial was measured */
    struct forecast forecast; /* owned */
    int result;               /* 0, or -1 with err */
    struct err err;
};

/* Runs the strategy, or the forecast; `stop` (common/stop.h) ends it early. Any thread. */
void suggestion_job_run(struct suggestion_job *job, const atomic_bool *stop);
/* With what it owns. Any thread; accepts NULL. */
void suggestion_job_destroy(struct suggestion_job *job);
OWN_POINTER(suggestion_job)

/* The jobs of all studies that are to be run, in order. */
struct job_queue {
    struct suggestion_job *first, **tail;
    uint64_t epochs; /* the last epoch that was given to a suggester */
};
/* An empty queue. */
void job_queue_init(struct job_queue *queue);
/* Destroys what is left in it. */
void job_queue_finish(struct job_queue *queue);
/* The caller owns it; NULL: none. */
struct suggestion_job *job_queue_take(struct job_queue *queue);

/* ---- the suggester ---- */

struct suggester;

/* An open trial: queued, running or paused. */
struct open_trial {
    const struct trial_row *row;
    const struct learning_curve *curve;
    int64_t reported; /* the highest step of its attempt that may go on; INT64_MAX: there is none */
};

/* What a job is made from beside the history. */
struct suggester_input {
    struct shared_def *def; /* as of now */
    uint64_t last_ordinal;  /* of the trials that exist */
    int64_t seq;            /* the newest event */
    size_t n_open;
    const struct open_trial *open; /* in order of number */
};

/* A suggestion that was made and is not a trial yet. */
struct prepared {
    struct prepared *next;
    uint64_t ordinal;
    struct suggestion out; /* owned */
    void *basis;           /* what it was made from (basis.h); owned; NULL: the strategy failed */
    size_t basis_bytes;
};
void prepared_destroy(struct prepared *prepared);

/* For the study of this id. The queue is borrowed and outlives the suggester. ERR_NOMEM. */
MUST_USE int suggester_create(int64_t study, struct shared_def *def,
                              const struct strategy *strategy, struct job_queue *queue,
                              struct suggester **suggester, struct err *err);
void suggester_destroy(struct suggester *suggester);

/* The history. Cancelled and lost trials are left out. ERR_NOMEM. */
MUST_USE int suggester_observe(struct suggester *suggester, const struct trial_row *row,
                               const struct learning_curve *curve, struct err *err);
/* Adds a stored fit to the history; copies the data. ERR_NOMEM. */
MUST_USE int suggester_add_fit(struct suggester *suggester, uint64_t n_seen, const void *data,
                               size_t bytes, struct err *err);
/* Before the first job. */
void suggester_set_sources(struct suggester *suggester, struct sources *sources);

/* Queues a job for one more suggestion. ERR_NOMEM. */
MUST_USE int suggester_request(struct suggester *suggester, const struct suggester_input *input,
                               struct err *err);
/* Queues a job that forecasts the end of a trial, measured at `level`: in exact serving in the
 * order of requests, else before the suggestions that wait. ERR_NOMEM. */
MUST_USE int suggester_forecast(struct suggester *suggester, const struct suggester_input *input,
                                int64_t trial, int64_t level, struct err *err);
/* Drops the requested forecasts of a trial, those of which the job is under way too. */
void suggester_forget_forecast(struct suggester *suggester, int64_t trial);

/* Suggestions that are prepared or requested: configurations that are as good as leased. */
size_t suggester_reserved(const struct suggester *suggester);
/* Suggestions that are prepared. */
size_t suggester_n_prepared(const struct suggester *suggester);
/* Is no job under way and none waiting? */
bool suggester_is_idle(const struct suggester *suggester);
/* The next prepared suggestion; the caller owns it; NULL: none. */
struct prepared *suggester_take(struct suggester *suggester);

/* The result of a job has come back. False: it is out of date and must be ignored. To be followed
 * by suggester_continue(). */
bool suggester_accept(struct suggester *suggester, const struct suggestion_job *job);
/* Keeps the suggestion of a job that was accepted; takes job->out. ERR_NOMEM. */
MUST_USE int suggester_keep(struct suggester *suggester, struct suggestion_job *job,
                            struct err *err);
/* Sends the next job out, if none is under way. */
void suggester_continue(struct suggester *suggester);

/* Throws away every suggestion that is prepared or requested. */
void suggester_discard(struct suggester *suggester);
/* The same, because a result came that they do not take into account; one that is under way will
 * not be accepted either. */
void suggester_renew(struct suggester *suggester);

#endif
