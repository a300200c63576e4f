/* The problem to give advice on: the factors as they were described, and the features derived from
 * them.
 *
 *   objective   the study's objectives; `noisy`
 *   complexity  the study's parameters and conditions, and its resource
 *   cost        `evaluation_seconds` of one full training
 *   budget      the study's limits, `worker_seconds`, `available_seconds`, `workers`
 *   knowledge   `experience`; whether the training program keeps `checkpoints`
 *
 * A factor that was not given stays unknown; problem_features_of() makes the assumptions that are
 * needed, and lists them. */
#ifndef SERVER_ADVICE_PROBLEM_H
#define SERVER_ADVICE_PROBLEM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "server/advice/benchmark.h"
#include "server/domain/study.h"

enum answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES };
enum experience { EXPERIENCE_UNKNOWN, EXPERIENCE_NEW, EXPERIENCE_SOME, EXPERIENCE_EXPERT };

/* A number is 0 where it is unknown. */
struct problem {
    const struct study_def *study; /* the strategy that it names is marked as asked for */
    struct study_def *read;        /* the same if it was read from a body: owned; else NULL */
    json_t *body;                  /* the study's part of it, without its strategy; owned */
    double evaluation_seconds;
    double available_seconds;
    double worker_seconds;
    int64_t workers;
    enum answer noisy, checkpoints;
    enum experience experience;
    bool keeps_limits; /* the study's limits will stay as they are (`auto`) */
    json_t *assumed;   /* sentences: assumptions made while reading; owned, or NULL */
};
void problem_finish(struct problem *problem);
OWN_VALUE(problem)

/* The body of POST /v1/advice: a study's members, of which only `parameters` is required, and the
 * factors beside them. Every fault with its pointer; then -1. */
MUST_USE int problem_from_json(const json_t *body, struct problem *problem, struct faults *faults);

enum budget_source {
    BUDGET_ASSUMED,
    BUDGET_TRIALS,   /* limits.trials, read as so many full evaluations; where the limit will stay
                        and trials can be stopped early, as what they cost then */
    BUDGET_RESOURCE, /* limits.resource */
    BUDGET_TIME,     /* available_seconds or limits.seconds, times the workers */
    BUDGET_WORKER    /* worker_seconds */
};

struct problem_features {
    enum problem_kind kind;
    bool has_levels; /* has a resource with a level below the highest */
    bool is_curved;  /* and one objective */
    size_t n_searched, n_numbers, n_categories, n_conditional;
    double configurations; /* conditions and constraints ignored; INFINITY when continuous */
    double workers;
    double seconds;     /* of one full evaluation; 0: unknown */
    double span;        /* seconds of wall-clock time; INFINITY: no limit */
    double max_trials;  /* INFINITY: no limit, or it is the budget as it stands */
    double evaluations; /* the budget in full evaluations, of all workers together */
    enum budget_source source;
};

/* Derives the features. Adds sentences about assumptions, and about what does not fit together, to
 * the two arrays (either may be NULL). */
void problem_features_of(const struct problem *problem, struct problem_features *features,
                         json_t *assumed, json_t *warnings);

#endif
