/* A schedule decides who gets more resource and who stops (what to try next is strategy/'s).
 *
 * It is a state machine in the writer's memory, one for each study, and knows neither store nor
 * clock. Whatever happens to it is a *fact* (`struct schedule_record`): trial 7 took a slot of
 * bracket 2, reported 0.3 at its rung, was promoted, lost. A call decides against the present
 * state, applies its facts, and appends them to the caller's `struct schedule_log`. The caller
 * stores them in this order, in the same transaction, and acts on them.
 * schedule_load() applies stored facts without deciding anything, so the rows rebuild the same
 * state bit for bit, and from there the same decisions follow.
 * Acting on them is simple: every trial that a log names and that has no live lease is brought in
 * line with its schedule_answer(); one with a live lease hears it with its next reply.
 *
 * What a trial does next is its *answer*, which may be asked for again at any time:
 *   VERDICT_RUN       train until `until`; with its attempt over, it waits to be leased again
 *   VERDICT_PAUSE     it has reported at its rung and waits for the others: `paused`
 *   VERDICT_PRUNE     not worth more, or too late: `pruned`
 *   VERDICT_FAIL      its value at the rung is not finite: `failed`, reason `diverged`
 *   VERDICT_COMPLETE  it has reached the highest resource, or ended by itself: `completed`
 *
 * asha in mode "predictive" needs a model's word before it decides: schedule_awaits() says for
 * whom, schedule_judge() brings it, and meanwhile the trial's answer is VERDICT_RUN.
 *
 * Values go in as measured; the study's direction is seen to here. Ties go to the earlier trial,
 * failures rank last and are never promoted. Imported trials never enter. Resource arithmetic is
 * in integers. One thread at a time. A call that fails (ERR_NOMEM) may have half happened: throw
 * the schedule away and rebuild it from the rows. */
#ifndef SERVER_SCHEDULE_SCHEDULE_H
#define SERVER_SCHEDULE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/json.h"
#include "common/own.h"
#include "server/domain/study.h"

struct schedule;

/* ---- which schedule, which search ------------------------------------------------------------ */

/* Reports every fault of the study's schedule, its options and its stopping rule, with pointers
 * ("/strategy/eta"). Options that belong to the search strategy alone are left to it. */
void schedule_check(const struct study_def *study, struct faults *faults);

/* Is `name` ("hyperband", "asha", …) a schedule's, so that a search stands behind it? */
bool schedule_is_known(const char *name);
/* The i-th of those names, or NULL behind the last. */
const char *schedule_name(size_t i);

/* The name of the strategy that proposes the configurations: "random" for hyperband unless its
 * option `search` says otherwise, the study's own strategy where nothing schedules. Borrowed. */
const char *schedule_search(const struct study_def *study);

/* The study must have passed schedule_check() and outlive the schedule. */
MUST_USE int schedule_create(const struct study_def *study, struct schedule **schedule,
                             struct err *err);
void schedule_destroy(struct schedule *schedule);
OWN_POINTER(schedule)

/* ---- facts ----------------------------------------------------------------------------------- */

/* Stored as numbers: new ones go to the end. */
enum schedule_fact {
    FACT_START,     /* trial takes a first-rung slot of `bracket`; step: train to */
    FACT_VALUE,     /* trial's `value` at its rung, measured at `step`; not finite: it has failed;
                     * at the last rung: it is complete */
    FACT_SHORT,     /* trial has ended by itself at `step`: its value stands at later rungs too */
    FACT_PROMOTE,   /* trial takes a slot of the next rung; step: train to */
    FACT_LOSE,      /* trial is out: others are better at its rung; step: the rung's level */
    FACT_LATE,      /* trial is out: its rung has closed without it (quorum) */
    FACT_MEDIAN,    /* trial was stopped at `step` by the median rule; value: the median */
    FACT_THRESHOLD, /* trial was stopped at `step` by the threshold rule */
    FACT_FAIL,      /* trial ended without a value: failed, infeasible, lost for good */
    FACT_CANCEL,    /* trial was cancelled */
    FACT_SEAL,      /* no new configurations: first-rung slots that are free are given up */
    FACT_UNLOCK,    /* progressive asha may use one rung more */
    FACT_DROP,      /* trial still waited when its study was over */
    /* What the model said of the trial at its level, `step`: its chance of ending better than the
     * incumbent, mean and standard deviation of its value at the end, the incumbent's value. */
    FACT_CHANCE,
    FACT_MEAN,
    FACT_SPREAD,
    FACT_INCUMBENT,
    FACT_COUNT
};
const char *schedule_fact_name(enum schedule_fact fact);

struct schedule_record { /* a row of the store, in order of happening */
    enum schedule_fact fact;
    int64_t trial;   /* 0 where no trial is meant */
    int64_t bracket; /* 0, 1, … in order of opening; asha: which of its brackets */
    int64_t step;
    double value; /* as measured; NaN where there is none */
    int64_t at_ms;
};

struct schedule_log { /* zero-initialise; finish with schedule_log_finish() */
    size_t n, cap;
    struct schedule_record *items;
};
void schedule_log_finish(struct schedule_log *log);
OWN_VALUE(schedule_log)

/* Does this study keep facts at all? Plain ones without a stopping rule do not. */
bool schedule_has_facts(const struct schedule *schedule);

/* After a start: every stored fact in order, then what is not a fact: */
MUST_USE int schedule_load(struct schedule *schedule, const struct schedule_record *record,
                           struct err *err);
/* … each measurement of the objective, steps rising within a trial, of every trial that is not
 * final (of every trial at all where schedule_wants_curves()); the oldest attempt's value where
 * several measured the same step … */
MUST_USE int schedule_recall(struct schedule *schedule, int64_t trial, int64_t step, double value,
                             struct err *err);
bool schedule_wants_curves(const struct schedule *schedule);
/* … and each live lease: its attempt was told to train to `to` when it was granted. Called as well
 * whenever a retry goes out again (schedule_take() does it by itself). */
void schedule_hold(struct schedule *schedule, int64_t trial, int64_t to);

/* ---- the life of a trial --------------------------------------------------------------------- */

struct schedule_moment {
    int64_t now_ms;   /* wall clock, for the facts; decides nothing unless a quorum is set */
    bool may_start;   /* a new configuration may go out: no limit is reached, … */
    bool may_promote; /* false once seconds, resource, failures are used up, or while paused */
    /* Would the asking worker rather have this trial (it holds its checkpoint)? May be NULL. */
    bool (*prefers)(const void *worker, int64_t trial);
    const void *worker;
};

enum offer_kind { OFFER_NOTHING, OFFER_NEW, OFFER_RESUME };

struct schedule_offer {
    enum offer_kind kind;
    int64_t trial;    /* OFFER_RESUME: which one goes on */
    int64_t bracket;  /* OFFER_NEW: where it enters */
    bool has_until;   /* the study has a resource */
    int64_t until;    /* train to */
    bool is_over;     /* OFFER_NOTHING: nothing will ever go out again (`rounds`) */
    char detail[256]; /* OFFER_NOTHING: "bracket 2, rung 1 waits for 3 running trials" */
};

enum schedule_verdict {
    VERDICT_RUN,
    VERDICT_PAUSE,
    VERDICT_PRUNE,
    VERDICT_FAIL,
    VERDICT_COMPLETE,
    VERDICT_COUNT
};

struct schedule_answer {
    enum schedule_verdict verdict;
    bool has_until; /* the study has a resource */
    int64_t until;  /* VERDICT_RUN: the trial's present goal; else its last one */
};

/* What would go out now? Retries of lost attempts are not asked for here: they hold their slots,
 * and schedule_answer() tells their `until`. Changes nothing. */
void schedule_offer(const struct schedule *schedule, const struct schedule_moment *moment,
                    struct schedule_offer *offer);
/* The offer is taken: by trial number `trial`, which holds a lease now. */
MUST_USE int schedule_take(struct schedule *schedule, const struct schedule_moment *moment,
                           const struct schedule_offer *offer, int64_t trial,
                           struct schedule_log *log, struct err *err);

/* A measurement of the objective by the trial's live lease, steps in rising order. At or past the
 * rung the decision falls: the value is the last one at or before the rung's level (the first one
 * past it if there is none). What lies past the rung is kept for later rungs. */
MUST_USE int schedule_measure(struct schedule *schedule, const struct schedule_moment *moment,
                              int64_t trial, int64_t step, double value, struct schedule_log *log,
                              struct schedule_answer *answer, struct err *err);

/* A result `completed` at `step`; its own value, if it brought one, was measured before. The lease
 * is over. A trial that stops short of the goal it was leased for has ended by itself. */
MUST_USE int schedule_finish(struct schedule *schedule, const struct schedule_moment *moment,
                             int64_t trial, int64_t step, struct schedule_log *log,
                             struct schedule_answer *answer, struct err *err);

/* The trial has ended for good without going on: FACT_FAIL, FACT_CANCEL, FACT_DROP. Its slot is
 * given up, a value that it has at its rung still counts in the ranking. Harmless for an unknown
 * trial. */
MUST_USE int schedule_end(struct schedule *schedule, const struct schedule_moment *moment,
                          int64_t trial, enum schedule_fact how, struct schedule_log *log,
                          struct err *err);

/* The attempt is over and the trial is not: lost, preempted, released, paused. */
void schedule_release(struct schedule *schedule, int64_t trial);

/* No new configurations will come (`limits.trials`, an exhausted search): brackets shrink to what
 * has started. May be repeated; a bracket opened later is not concerned. */
MUST_USE int schedule_seal(struct schedule *schedule, const struct schedule_moment *moment,
                           struct schedule_log *log, struct err *err);

/* Closes rungs whose stragglers have had their time; only where `quorum` is set. *next_ms: when to
 * call again, INT64_MAX: no need. */
MUST_USE int schedule_tick(struct schedule *schedule, const struct schedule_moment *moment,
                           struct schedule_log *log, int64_t *next_ms, struct err *err);

/* ---- asha, mode "predictive" ------------------------------------------------------------------
 */

/* Does this study's schedule ask a model at all? Pure in the definition. */
bool schedule_wants_word(const struct study_def *study);
/* Has the trial a value at a level, *level, that the model has not spoken about yet? */
bool schedule_awaits(const struct schedule *schedule, int64_t trial, int64_t *level);

/* What a model says of a trial: ablation-multifidelity §2. */
struct schedule_word {
    bool known;          /* false: no model stands yet, and the trial's rank decides */
    double chance;       /* of ending better than the incumbent */
    double mean, spread; /* of its value at the highest resource, as measured */
    double incumbent;    /* the best value there, as measured */
};
/* The word about a trial's value at `level`. The trial goes on exactly while its chance is at least
 * `delta`; without a model, while fewer than max(1, ⌊n/eta⌋) of the n values there are as good. A
 * word that comes too late (the trial is past that level, or out) changes nothing. */
MUST_USE int schedule_judge(struct schedule *schedule, const struct schedule_moment *moment,
                            int64_t trial, int64_t level, const struct schedule_word *word,
                            struct schedule_log *log, struct err *err);

/* The trial's present answer; VERDICT_RUN with its goal for one that nobody schedules. */
struct schedule_answer schedule_answer(const struct schedule *schedule, int64_t trial);

/* ---- telling why ----------------------------------------------------------------------------- */

/* Members of the open object: every bracket with its rungs, who is in, who waits for whom and since
 * when, what happens next, and what full training of every trial would have cost. At most
 * SCHEDULE_VIEW_BRACKETS brackets (the newest, and whatever is open) and _ENTRIES entries a rung.
 */
#define SCHEDULE_VIEW_BRACKETS 50
#define SCHEDULE_VIEW_ENTRIES 100
void schedule_write_brackets(const struct schedule *schedule, int64_t now_ms,
                             struct json_writer *w);

/* Members of the open object: what was decided about the trial, with rank, cut-off and rivals at
 * that moment, and what it is waiting for. Replays the study's facts. ERR_NOT_FOUND: no fact names
 * the trial. */
MUST_USE int schedule_write_explanation(const struct study_def *study, size_t n,
                                        const struct schedule_record records[], int64_t trial,
                                        struct json_writer *w, struct err *err);

#endif
