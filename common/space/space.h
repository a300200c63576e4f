/* The search space: parameters, conditions, constraints, and the ways between a configuration, its
 * JSON and the unit cube.
 *
 * A configuration is an array of n_params doubles, one per parameter in declaration order:
 *   float, int            the value itself (ints are exact: |x| <= 2^53)
 *   categorical, ordinal, bool, listed values ("values")   the index of the choice, 0-based; of a
 *                         choice that was removed ("removed") only in trials from before
 *   constant              0
 *   an inactive parameter NaN
 * A configuration is *legal* when every active parameter has a value the space allows, exactly the
 * parameters whose conditions hold are active, and every constraint is true (a constraint that
 * names an inactive parameter is true).
 *
 * A space is immutable once built and safe from any thread. */
#ifndef COMMON_SPACE_SPACE_H
#define COMMON_SPACE_SPACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/json.h"
#include "common/names.h"
#include "common/own.h"
#include "common/rng.h"

enum param_type {
    PARAM_FLOAT,
    PARAM_INT,
    PARAM_CATEGORICAL,
    PARAM_ORDINAL,
    PARAM_BOOL, /* choices false, true: index 0, 1 */
    PARAM_CONSTANT,
    PARAM_TYPE_COUNT
};

/* Reverse: the logarithm of the distance to low + high, which tells values near high apart. */
enum param_scale { SCALE_LINEAR, SCALE_LOG, SCALE_REVERSE_LOG };

enum param_distribution {
    DISTRIBUTION_UNIFORM,
    DISTRIBUTION_NORMAL,   /* truncated to low..high where given */
    DISTRIBUTION_LOGNORMAL /* mean and sd of the logarithm */
};

#define SPACE_PARAMS_MAX 4096
#define SPACE_GRID_PARAMS_MAX 256 /* of a space that a grid is laid over */
#define SPACE_CHOICES_MAX 65536
#define SPACE_WHOLE_DRAW_MAX 256
#define SPACE_NAMESAKES_MAX 64  /* parameters of one name */
#define SPACE_CHOICE_BYTES 4096 /* as text: a string's own, anything else as compact JSON */
#define SPACE_GRID_MAX 100000   /* "grid" of one parameter */
#define SPACE_CONSTRAINTS_MAX 64
#define SPACE_INT_MAX 9007199254740992 /* 2^53 */
#define SPACE_CONDITION_PARENTS_MAX 16

struct condition {
    size_t parent; /* index of the parameter; always declared, never in a cycle */
    size_t n_allowed;
    double *allowed; /* the parent's values that make it hold, increasing, as configurations do */
};

struct param {
    char *name;
    enum param_type type;
    enum param_scale scale;
    enum param_distribution distribution;
    double low, high; /* numeric types; for an unbounded normal -inf, inf */
    double step;      /* 0: none (for ints: 1) */
    double mean, sd;
    bool listed;            /* numeric given as "values": the configuration holds an index */
    size_t n_choices;       /* choices, listed values, 2 for bool, 1 for constant; else 0 */
    json_t **choices;       /* as given, owned; the removed ones among them */
    double *choice_numbers; /* numeric value of each choice, NaN where it is none; n_choices */
    uint32_t *sorted;       /* indices of the choices in the order of json_compare(); n_choices */
    uint32_t *live;         /* indices of the choices that were not removed, n_cells; NULL: all */
    double *weights;        /* of the choices, as given; 0: removed; NULL: all alike */
    double *shares;         /* with weights or removed choices: those up to each choice, the last
                               is 1; else NULL */
    size_t grid;            /* "grid": points a grid takes; 0 if not said */
    bool has_default;
    double default_value; /* in configuration form */
    size_t n_conditions;
    struct condition *conditions;                 /* all must hold */
    char env_name[PRINTABLE_NAME_CHARACTERS + 1]; /* HONE_PARAM_<NAME> without the prefix */
    /* Distinct legal values when active: ints, steps, choices; 0 when continuous. */
    uint64_t n_cells;
    /* Worked out once. With a step that is a decimal fraction, cell k is exactly
     * (low_units + k * step_units) / decimal, so that 0.3 is 0.3 and not 0.1 * 3. 0: it is none. */
    double decimal, low_units, step_units;
    /* The cube's edge in the parameter's own measure: value, logarithm or probability. */
    double edge_from, edge_span;
    bool mirrored; /* normal: probabilities are counted from above, where they keep their digits */
    /* The next parameter of the same name, or SPACE_NONE. Of these at most one is active. */
    size_t next_namesake;
    bool is_namesake; /* an earlier one has the name */
};

#define SPACE_NONE SIZE_MAX

struct space {
    size_t n_params;
    struct param *params; /* in declaration order */
    size_t *order;        /* parents before children: a topological order of indices */
    size_t n_names;
    size_t *by_name; /* the first parameter of each name, sorted by name */
    size_t n_constraints;
    char **constraints; /* source text */
    struct expr **exprs;
    size_t n_constrained;             /* what the constraints name, and the ancestors of these */
    size_t *constrained;              /* indices, parents before children */
    struct space_memo *_Atomic *memo; /* space_memo_keep() */
};

/* Builds from the study body's "parameters" and "constraints" (either may be NULL). Every fault is
 * reported with its pointer ("/parameters/2/high"); then -1. */
MUST_USE int space_from_json(const json_t *parameters, const json_t *constraints,
                             struct space **space, struct faults *faults);
/* For a new space with constraints: is enough of it left that drawing from it is no lottery, and
 * does a draw end soon? A fault unless 10 of at most 100,000 points, always the same ones, are
 * legal, found within 32 million steps: parameters drawn and nodes of expressions. At most .3 s. */
void space_check_constraints(const struct space *space, struct faults *faults);
void space_destroy(struct space *space);
OWN_POINTER(space)

/* Writes the normalised "parameters" array (members that are at their default are left out). */
void space_write_parameters(const struct space *space, struct json_writer *w);
void space_write_constraints(const struct space *space, struct json_writer *w);

/* Something derived from a space that is worth keeping, such as the enumeration of its grid: made
 * once, on first use, and destroyed with the space. It must be a function of the space alone. */
struct space_memo {
    void (*destroy)(struct space_memo *memo);
};
/* NULL when nothing is kept yet. */
const struct space_memo *space_memo_borrow(const struct space *space);
/* Keeps `memo` and returns it; if another thread was faster, destroys it and returns that one's. */
const struct space_memo *space_memo_keep(const struct space *space, struct space_memo *memo);

/* Index of the first parameter of this name, or -1; params[].next_namesake leads to the others.
 * O(log n). */
int space_find(const struct space *space, const char *name);
/* Of the parameters of this one's name, the one that is active, or SPACE_NONE. `first` is the first
 * of them. */
size_t space_active_namesake(const struct space *space, size_t first, const double x[]);

/* Sets inactive parameters to NaN, going parents first. An active parameter that holds NaN makes
 * it return false. */
bool space_activate(const struct space *space, double x[]);
bool param_is_active(const struct space *space, size_t i, const double x[]);
bool space_satisfies(const struct space *space, const double x[]); /* the constraints alone */
bool space_constraint_holds(const struct space *space, size_t i, const double x[]);
/* What space_satisfies() costs at most: the nodes of all constraints (expr_n_nodes()). */
size_t space_constraint_nodes(const struct space *space);
bool space_is_legal(const struct space *space, const double x[]);

/* {"lr": 0.1, …} → configuration. A missing active parameter takes its default, else a fault; a
 * value outside its range, of the wrong type, or for an inactive parameter is a fault; a violated
 * constraint is a fault at `pointer`. */
MUST_USE int space_config_from_json(const struct space *space, const json_t *object, double x[],
                                    const char *pointer, struct faults *faults);
/* The same for a configuration that may lie outside the space: a number that is no choice may be
 * any that the parameter's type and scale allow, a choice one that was removed, and constraints
 * need not hold. Choices, conditions and names are checked all the same. */
MUST_USE int space_outside_from_json(const struct space *space, const json_t *object, double x[],
                                     const char *pointer, struct faults *faults);
/* Writes the object of active parameters, values in the type given at creation. */
void space_config_write(const struct space *space, const double x[], struct json_writer *w);
/* Writes the array of the names of which no parameter is active. */
void space_config_write_inactive(const struct space *space, const double x[],
                                 struct json_writer *w);
/* One value; the parameter must be active. */
void param_write_value(const struct param *param, double value, struct json_writer *w);
/* Appends one value as a cell of a table: json_append_cell(). */
void param_append_cell(const struct param *param, double value, struct buf *out);
/* The number behind a value: itself for plain numerics, the listed or numeric choice, NaN if the
 * choice is no number. */
double param_number(const struct param *param, double value);
/* A JSON value → configuration form; -1 with a sentence in `why` when the parameter does not allow
 * it. */
#define PARAM_WHY_BYTES 320
MUST_USE int param_value_from_json(const struct param *param, const json_t *json, double *value,
                                   char why[PARAM_WHY_BYTES]);
/* Is this a value that the parameter may have when it is active? */
bool param_allows(const struct param *param, double value);
/* The index of the choice that is the same JSON value, or -1; of removed ones too. O(log n)
 * comparisons. */
int param_find_choice(const struct param *param, const json_t *value);
/* Is this a choice that trials may still have, but no new one gets? */
bool param_is_removed(const struct param *param, double value);
/* The k-th of n_cells values in increasing order, and back; only if n_cells > 0. */
double param_cell_value(const struct param *param, uint64_t k);
uint64_t param_cell(const struct param *param, double value); /* the nearest one's */

/* ---- the unit cube -----------------------------------------------------------------------------
 * u in [0,1]^n_params. Floats by their scale; ints and steps with a half-step margin,
 * (x - lo + s/2) / (hi - lo + s), in logs ln(lo - s/2) … ln(hi + s/2); normal and lognormal by the
 * truncated distribution function; categorical (i + ½)/k, with weights the middle of its share;
 * ordinal and listed likewise by index; constants ½; inactive ½. algorithms.md §1.0 */
void space_encode(const struct space *space, const double x[], double u[]);
/* The legal, rounded configuration whose cells hold u; conditions applied (inactive → NaN);
 * constraints are NOT checked. u is clipped to [0,1]. */
void space_decode(const struct space *space, const double u[], double x[]);
double param_encode(const struct param *param, double value);
/* The measure in which the cube is flat: value, logarithm or probability; rises with the value. NaN
 * where a value outside the range has none. */
double param_measure(const struct param *param, double value);
double param_decode(const struct param *param, double u);

/* A draw from the space's own distributions that satisfies the constraints: up to 2,000,000 tries
 * or 400 million nodes of expressions, then ERR_EXHAUSTED. Each try takes n_params uniforms in
 * declaration order, active or not; with more than SPACE_WHOLE_DRAW_MAX parameters a try draws only
 * those that the constraints hang on. */
MUST_USE int space_sample(const struct space *space, struct rng *rng, double x[], struct err *err);

/* A canonical key: equal exactly when two legal configurations have the same active parameters
 * with equal values. 128 bits of a strong mix, which no client can foretell: it begins with the
 * secret of the process (common/hash_secret.h), so a key is not to be kept. */
struct space_key {
    uint64_t a, b;
};
struct space_key space_config_key(const struct space *space, const double x[]);

#endif
