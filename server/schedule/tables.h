/* The arithmetic of brackets, in whole numbers: floating logarithms lose brackets (log(243)/log(3)
 * is 4.999…) and powers of floats lose whole rungs.
 *
 * Levels are in units of the study's resource (common/step.h). Pure; any thread. */
#ifndef SERVER_SCHEDULE_TABLES_H
#define SERVER_SCHEDULE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/domain/study.h"

#define RUNGS_MAX 60

enum rounding {
    ROUNDING_FORMULA, /* n_s = ⌈(s_max+1)/(s+1) · eta^s⌉, then ⌊n_s / eta^i⌋: Li et al. 2018 */
    ROUNDING_PAPER_TABLE, /* n_s = ⌊⌊(s_max+1)/(s+1)⌋ · eta^s⌋: the table printed in that paper */
    ROUNDING_CEIL_ALL /* ⌈n_s / eta^i⌉ */
};

/* A decimal as p / q, reduced. */
struct ratio {
    uint64_t p, q;
};
/* eta as it is written in its shortest form: 5/2 for 2.5. 1 < eta ≤ 1000. */
struct ratio ratio_from_number(double eta);

/* ⌊n / eta⌋ */
size_t ratio_divide(size_t n, struct ratio eta);

/* What a table is made from: 1 ≤ min ≤ max ≤ 2⁵³, 1 ≤ step ≤ max, eta > 1. */
struct table_input {
    int64_t min, max; /* the lowest and the highest resource, R */
    int64_t step;     /* every level below R is a multiple of it */
    struct ratio eta;
};
/* That of a study with a resource. */
struct table_input table_input_of(const struct study_def *study, struct ratio eta);

struct rung_plan {
    int64_t size;  /* trials; 0: unlimited */
    int64_t level; /* the resource they train to */
};

struct bracket_plan {
    size_t n;
    struct rung_plan rungs[RUNGS_MAX]; /* levels strictly rising, the last one R */
};

/* s_max: the largest s with min · eta^s ≤ R. There are s_max + 1 kinds of brackets. RUNGS_MAX:
 * more than the other functions can do. */
int tables_s_max(const struct table_input *input);

/* Bracket s, 0 ≤ s ≤ s_max: s + 1 rungs, levels R / eta^(s-i) rounded half up, none below min, and
 * of at least one trial each. Where two levels would be the same (see tables_are_apart), it is no
 * plan. */
void tables_bracket(const struct table_input *input, enum rounding rounding, int s,
                    struct bracket_plan *plan);
/* Whether the step is fine enough for the levels of every bracket. */
bool tables_are_apart(const struct table_input *input);

/* asha's levels, from the top down: R / eta^k rounded half up, as long as they are ≥ min and below
 * the one above; a level closer than √eta to the one above is left out. Sizes are 0. */
void tables_levels(const struct table_input *input, struct bracket_plan *plan);

/* The levels at which a forecast is made, from the top down: R / √eta^k rounded half up, not below
 * max(min, R/10 rounded up): lower ones cost little and mislead. Sizes are 0. */
void tables_half_levels(const struct table_input *input, struct bracket_plan *plan);

#endif
