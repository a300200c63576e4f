/* The arithmetic of brackets, in integers: floating logarithms lose brackets (log(243)/log(3) is
 * 4.999…) and powers of floats lose whole rungs.
 *
 * R is the highest resource, r_min the lowest, 1 ≤ r_min ≤ R ≤ 2⁵³; 2 ≤ eta ≤ 1000. */
#ifndef SERVER_SCHEDULE_TABLES_H
#define SERVER_SCHEDULE_TABLES_H

#include <stddef.h>
#include <stdint.h>

#define RUNGS_MAX 60

enum rounding {
    ROUNDING_FORMULA, /* n_s = ⌈(s_max+1)/(s+1) · eta^s⌉, then ⌊n_s / eta^i⌋: Li et al. 2018 */
    ROUNDING_PAPER_TABLE, /* n_s = ⌊(s_max+1)/(s+1)⌋ · eta^s: the table printed in that paper */
    ROUNDING_CEIL_ALL     /* ⌈n_s / eta^i⌉ */
};

struct rung_plan {
    int64_t size;  /* trials; 0: unlimited */
    int64_t level; /* the resource they train to */
};

struct bracket_plan {
    size_t n;
    struct rung_plan rungs[RUNGS_MAX]; /* levels strictly rising, the last one R */
};

/* s_max: the largest s with r_min · eta^s ≤ R. There are s_max + 1 kinds of brackets. */
int tables_s_max(int64_t R, int64_t eta, int64_t r_min);

/* Bracket s, 0 ≤ s ≤ s_max: s + 1 rungs, levels R / eta^(s-i) rounded half up. */
void tables_bracket(int64_t R, int64_t eta, int64_t r_min, enum rounding rounding, int s,
                    struct bracket_plan *plan);

/* asha's levels, from the top down: R / eta^k rounded half up, as long as they are ≥ r_min and
 * below the one above; a level closer than √eta to the one above is left out. Sizes are 0. */
void tables_levels(int64_t R, int64_t eta, int64_t r_min, struct bracket_plan *plan);

/* The levels at which a forecast is made, from the top down: R / √eta^k rounded half up, not below
 * max(r_min, ⌈R/10⌉): lower ones cost little and mislead. Sizes are 0. */
void tables_half_levels(int64_t R, int64_t eta, int64_t r_min, struct bracket_plan *plan);

#endif
