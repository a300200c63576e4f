/* The problem that advice is sought for: the five factors, as told and as worked out.
 *
 *   the objective    of the study (how many); `noisy`; conditions of its parameters
 *   cost and budget  `evaluation_seconds` of one full training; the study's limits,
 * `worker_seconds` complexity       the study's parameters and its resource time
 * `available_seconds`, `workers` knowledge        `experience`; whether the program keeps
 * `checkpoints`
 *
 * What was not said stays unsaid here; facts_of() assumes what it must and says so. */
#ifndef SERVER_ADVICE_PROBLEM_H
#define SERVER_ADVICE_PROBLEM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "server/advice/measured.h"
#include "server/domain/study.h"

enum answer { ANSWER_UNSAID, ANSWER_NO, ANSWER_YES };
enum experience { EXPERIENCE_UNSAID, EXPERIENCE_NEW, EXPERIENCE_SOME, EXPERIENCE_EXPERT };

/* A factor that is a number is 0 while it is unsaid. */
struct problem {
    const struct study_def *study; /* the strategy it names is `asked` */
    struct study_def *read;        /* the same where it was read from a body: owned; else NULL */
    json_t *body;                  /* the study's part of it, without its strategy; owned */
    double evaluation_seconds;
    double available_seconds;
    double worker_seconds;
    int64_t workers;
    enum answer noisy, checkpoints;
    enum experience experience;
    bool keeps_limits; /* nobody will change the study's limits: `auto` */
    json_t *assumed;   /* sentences: what reading had to add; owned, or NULL */
};
void problem_finish(struct problem *problem);
OWN_VALUE(problem)

/* The body of POST /v1/advice: a study's members, of which only `parameters` is required, and the
 * factors beside them. Every fault with its pointer; then -1. */
MUST_USE int problem_from_json(const json_t *body, struct problem *problem, struct faults *faults);

enum budget_source {
    BUDGET_ASSUMED,
    BUDGET_TRIALS,   /* limits.trials, read as so many full evaluations */
    BUDGET_RESOURCE, /* limits.resource */
    BUDGET_TIME,     /* available_seconds or limits.seconds, times the workers */
    BUDGET_WORKER    /* worker_seconds */
};

struct facts {
    enum problem_kind kind;
    bool is_curved; /* a resource with room between its ends */
    size_t n_searched, n_numbers, n_categories, n_conditional, n_continuous;
    double configurations; /* conditions and constraints ignored; INFINITY when continuous */
    double workers;
    double seconds;     /* of one full evaluation; 0: not known */
    double span;        /* seconds by the clock; INFINITY: none said */
    double max_trials;  /* INFINITY: none said, or what it says is the budget */
    double evaluations; /* the budget in full evaluations, of all workers together */
    enum budget_source source;
};

/* Sentences about what was assumed, and what does not fit together, go to the two arrays (either
 * may be NULL). */
void facts_of(const struct problem *problem, struct facts *facts, json_t *assumed,
              json_t *warnings);

#endif
