/* A study: what is tuned, by which strategy, within which limits, and how far it has come.
 *
 * `struct study_def` is the accepted body, normalised; it is immutable and shared (the few settings
 * that PATCH may change make a new one). No clock, no store, no thread. */
#ifndef SERVER_DOMAIN_STUDY_H
#define SERVER_DOMAIN_STUDY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/json.h"
#include "common/metric_bound.h"
#include "common/own.h"
#include "common/space/space.h"
#include "common/wire/wire.h"
#include "server/domain/trial.h"

enum direction { DIRECTION_MINIMIZE, DIRECTION_MAXIMIZE };
enum fold { FOLD_LAST, FOLD_BEST };

#define OBJECTIVES_MAX 8

struct objective {
    char metric[METRIC_NAME_BYTES + 1];
    enum direction direction;
    enum fold fold;
    /* what is wanted of it at least, beside others: only what is better counts for a front's
     * hypervolume */
    bool has_goal;
    double goal;
};

enum stopping_rule { STOPPING_NONE, STOPPING_MEDIAN, STOPPING_THRESHOLD };

/* A negative number: no limit. */
struct limits {
    int64_t trials;
    int64_t parallel;
    double seconds;
    int64_t resource; /* in units of the study's resource */
    bool has_target;
    double target;
    int64_t failures;
    int64_t attempts; /* default 3 */
    int64_t retries;  /* default 0 */
    double trial_seconds;
    double stall_seconds;
    double guest_share; /* of the trials, 0 to 1, may be enqueued */
};

/* The default of limits.failures: so many trials in a row that failed by themselves end the study,
 * while no trial has had a value yet, and once one has. */
#define FAILURES_WITHOUT_VALUE 5
#define FAILURES_IN_ROW 50
/* The length of that row; -1: limits.failures is set and counts all failed trials instead. */
int64_t failures_in_row_max(const struct limits *limits, bool has_value);
/* Why the study ended by that default, as a sentence for people. */
void failures_in_row_explain(bool has_value, int64_t failed_in_row, char *text, size_t size);

enum serving { SERVING_EXACT, SERVING_PREPARED };

/* What `auto` stands for in this study. The choice is made once (server/advice), from what is
 * declared, and kept with its reasons: neither later events nor a newer honed change it. */
struct chosen {
    char name[NAME_BYTES]; /* "": nothing is chosen */
    json_t *options;       /* object, as that strategy takes them; owned */
    json_t *because;       /* array of sentences; owned */
};
void chosen_finish(struct chosen *chosen);
OWN_VALUE(chosen)

struct study_def {
    char name[NAME_BYTES];
    char *description; /* owned, "" when none */
    json_t *labels;    /* object, owned, or NULL */
    size_t n_objectives;
    struct objective objectives[OBJECTIVES_MAX];
    size_t n_bounds; /* outcome constraints: "subject_to" in the body */
    struct metric_bound bounds[BOUNDS_MAX];
    struct space *space; /* owned */
    bool recounted; /* its strategy counts the points of the space, and the space was changed */
    char strategy[NAME_BYTES]; /* as asked: "grid", "hyperband", … */
    json_t *strategy_options;  /* object without "name", owned, never NULL */
    struct chosen chosen;      /* only where the strategy is `auto` */
    enum serving serving;      /* as asked; strategies that do not think are exact all the same */
    bool has_resource;
    char resource_name[NAME_BYTES + 1];
    int resource_digits; /* steps are in units of 10^-digits (common/step.h); 0: whole */
    int64_t resource_min, resource_max;
    int64_t resource_step; /* rungs are rounded to a multiple of it; 1 without a resource */
    enum stopping_rule stopping;
    json_t *stopping_options; /* owned, or NULL */
    struct limits limits;
    int64_t ttl_ms;
    json_t *job;                 /* {"runner": …}, owned, or NULL */
    char runner[NAME_BYTES + 1]; /* job.runner, "" when none */
    int64_t priority;
    double share;
    int64_t requires_gpus;
    int64_t requires_gpu_memory_mib;
    json_t *requires_labels; /* owned, or NULL */
    uint64_t seed;           /* 0..2^53-1; drawn before parsing when the body has none */
    json_t *after;           /* array of study names, owned, or NULL */
};

/* Reads a whole body and reports every fault. `seed` stands where the body names none. Up to .3 s
 * where there are constraints (space_check_constraints()). */
MUST_USE int study_def_from_json(const json_t *body, uint64_t seed, struct study_def **def,
                                 struct faults *faults);
/* The same of a definition that was accepted and stored: its constraints are not tried again. */
MUST_USE int study_def_read_back(const json_t *body, struct study_def **def, struct faults *faults);
/* Accepts NULL. */
void study_def_destroy(struct study_def *def);
OWN_POINTER(study_def)
/* Writes the members of the normalised body into the open object: for storage, for GET, and for
 * comparing two definitions (equal text = equal definition). */
void study_def_write(const struct study_def *def, struct json_writer *w);
/* The same without what the server chose: the body as it was asked for. */
void study_def_write_asked(const struct study_def *def, struct json_writer *w);
/* [{"metric", "direction", "fold"}], for a study and for a lease. */
void study_write_objectives(const struct study_def *def, struct json_writer *w);

/* Sets ERR_NOT_FOUND for a name that no study has; always -1. */
int no_such_study(const char *name, struct err *err);

/* The strategy that serves this study, and its options: the chosen one for `auto`, else as asked.
 * `auto` itself until something is chosen. Borrowed. */
const char *study_strategy(const struct study_def *def);
const json_t *study_strategy_options(const struct study_def *def);

/* The multiple of the resource's step at or below this one: where trials are compared, whose steps
 * may be those of a clock. */
int64_t study_step_down(const struct study_def *def, int64_t step);
/* Does a trial satisfy all bounds? `bounded`: the values of its bounded metrics, one a bound
 * (metric_bound.h), or NULL. What is not known to be feasible is not among the best. */
enum feasibility study_feasibility(const struct study_def *def, const double bounded[]);
/* constraint_violation() of such values under the study's bounds: 0 for a feasible trial. */
double study_violation(const struct study_def *def, const double bounded[]);
/* The resource at which the value of a trial in this state counts among the best: all of it for a
 * completed one, for a pruned or paused one what it was trained with; 0 in a study without a
 * resource, where only completed ones count. A trial with more beats one with less, whatever their
 * values. -1: it does not count, its configuration is outside the space, or it is not known to be
 * feasible (`bounded` as above). */
int64_t study_best_level(const struct study_def *def, enum trial_state state, int64_t step,
                         const double config[], const double bounded[]);
/* The value of the first objective, or of another one, where smaller is better. */
double study_cost(const struct study_def *def, double value);
double study_objective_cost(const struct study_def *def, size_t objective, double value);
/* ["p99_ms <= 500"]. */
void study_write_bounds(const struct study_def *def, struct json_writer *w);
/* Is the metric one of the study's objectives? */
bool study_is_objective(const struct study_def *def, const char *metric);
/* Its index among them; n_objectives: it is none. */
size_t study_find_objective(const struct study_def *def, const char *metric);
/* Is `a` strictly better than `b`? Non-finite values are worse than any finite one. */
bool study_is_better(const struct study_def *def, double a, double b);

#endif
