#include "server/schedule/tables.h"

#include <ctype.h>

#include "common/step.h"
#include "server/schedule/exact.h"

#define POWERS_MAX 120 /* of eta: what struct exact has room for */

/* ---- input ----------------------------------------------------------------------------------- */

struct ratio ratio_from_number(double eta)
{
    char text[JSON_NUMBER_BYTES];
    struct ratio ratio = {0, 1};
    bool is_fraction = false;

    for (const char *at = json_format_number(eta, text); isdigit((unsigned char)*at) || *at == '.';
         at++) {
        if (*at == '.') {
            is_fraction = true;
        } else {
            ratio.p = ratio.p * 10 + (uint64_t)(*at - '0');
            ratio.q *= is_fraction ? 10 : 1;
        }
    }
    uint64_t a = ratio.p;
    uint64_t b = ratio.q;
    while (b != 0) { /* the greatest common divisor */
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return (struct ratio){ratio.p / a, ratio.q / a};
}

size_t ratio_divide(size_t n, struct ratio eta)
{
    __extension__ unsigned __int128 whole = (unsigned __int128)n * eta.q;

    return (size_t)(whole / eta.p);
}

struct table_input table_input_of(const struct study_def *study, struct ratio eta)
{
    return (struct table_input){.min = study->resource_min,
                                .max = study->resource_max,
                                .step = study->resource_step,
                                .eta = eta};
}

/* ---- brackets -------------------------------------------------------------------------------- */

int tables_s_max(const struct table_input *input)
{
    struct exact level;
    struct exact top;
    int s_max = 0;

    exact_set(&level, (uint64_t)input->min);
    exact_set(&top, (uint64_t)input->max);
    for (; s_max < RUNGS_MAX; s_max++) {
        exact_multiply(&level, input->eta.p);
        exact_multiply(&top, input->eta.q);
        if (exact_compare(&level, &top) > 0) {
            break;
        }
    }
    return s_max;
}

/* value · eta^power, rounded down or up. */
static int64_t scale(int64_t value, int64_t divisor, struct ratio eta, int power, bool up)
{
    uint64_t raise = power < 0 ? eta.q : eta.p;
    uint64_t lower = power < 0 ? eta.p : eta.q;
    int exponent = power < 0 ? -power : power;
    struct exact a;
    struct exact b;
    bool has_rest;

    exact_set(&a, (uint64_t)value);
    exact_multiply_power(&a, raise, exponent);
    exact_set(&b, (uint64_t)divisor);
    exact_multiply_power(&b, lower, exponent);
    int64_t quotient = exact_divide(&a, &b, &has_rest);
    return quotient + (up && has_rest);
}

/* R / eta^k as a multiple of the step, a half rounded up; R itself for k = 0. */
static int64_t level_below(const struct table_input *input, int k)
{
    struct exact twice;
    struct exact divisor;
    bool has_rest;

    if (k == 0) {
        return input->max;
    }
    exact_set(&divisor, (uint64_t)input->step);
    exact_multiply_power(&divisor, input->eta.p, k);
    exact_set(&twice, 2 * (uint64_t)input->max);
    exact_multiply_power(&twice, input->eta.q, k);
    exact_add(&twice, &divisor);
    exact_multiply(&divisor, 2);
    return input->step * exact_divide(&twice, &divisor, &has_rest);
}

/* The lowest multiple of the step from the value on. */
static int64_t step_up(const struct table_input *input, int64_t value)
{
    return value + (input->step - value % input->step) % input->step;
}

static int64_t first_size(const struct table_input *input, enum rounding rounding, int s)
{
    int64_t kinds = tables_s_max(input) + 1;

    return rounding == ROUNDING_PAPER_TABLE ? scale(kinds / (s + 1), 1, input->eta, s, false)
                                            : scale(kinds, s + 1, input->eta, s, true);
}

void tables_bracket(const struct table_input *input, enum rounding rounding, int s,
                    struct bracket_plan *plan)
{
    int64_t n = first_size(input, rounding, s);

    plan->n = (size_t)s + 1;
    for (int i = 0; i <= s; i++) {
        int64_t size = scale(n, 1, input->eta, -i, rounding == ROUNDING_CEIL_ALL);
        int64_t level = level_below(input, s - i);
        plan->rungs[i].size = size > 0 ? size : 1;
        plan->rungs[i].level = level < input->min ? step_up(input, input->min) : level;
    }
}

bool tables_are_apart(const struct table_input *input)
{
    struct bracket_plan plan;

    tables_bracket(input, ROUNDING_FORMULA, tables_s_max(input), &plan);
    for (size_t i = 1; i < plan.n; i++) {
        if (plan.rungs[i].level <= plan.rungs[i - 1].level) {
            return false;
        }
    }
    return true;
}

/* ---- levels ---------------------------------------------------------------------------------- */

/* Is level / below < √eta? */
static bool is_too_close(int64_t below, int64_t level, struct ratio eta)
{
    struct exact x;
    struct exact y;

    exact_set(&x, (uint64_t)level);
    exact_multiply(&x, (uint64_t)level);
    exact_multiply(&x, eta.q);
    exact_set(&y, (uint64_t)below);
    exact_multiply(&y, (uint64_t)below);
    exact_multiply(&y, eta.p);
    return exact_compare(&x, &y) < 0;
}

/* R / √eta^k as a multiple of the step, a half rounded up: step times the largest m with
 * ((2m − 1) step)² p^k ≤ (2R)² q^k. */
static int64_t level_below_root(const struct table_input *input, int k)
{
    uint64_t R = (uint64_t)input->max;
    int64_t low = 0;
    int64_t high = input->max / input->step + 1;
    struct exact whole;
    struct exact side;

    exact_set(&whole, 2 * R);
    exact_multiply(&whole, 2 * R);
    exact_multiply_power(&whole, input->eta.q, k);
    while (low < high) {
        int64_t m = low + (high - low + 1) / 2;
        uint64_t odd = 2 * (uint64_t)m - 1;
        exact_set(&side, odd);
        exact_multiply(&side, odd);
        exact_multiply(&side, (uint64_t)input->step);
        exact_multiply(&side, (uint64_t)input->step);
        exact_multiply_power(&side, input->eta.p, k);
        if (exact_compare(&side, &whole) <= 0) {
            low = m;
        } else {
            high = m - 1;
        }
    }
    return low * input->step;
}

/* Fills the plan with n levels that come from the top down. */
static void set_levels(size_t n, const int64_t down[], struct bracket_plan *plan)
{
    plan->n = n;
    for (size_t i = 0; i < n; i++) {
        plan->rungs[i] = (struct rung_plan){.size = 0, .level = down[n - 1 - i]};
    }
}

void tables_half_levels(const struct table_input *input, struct bracket_plan *plan)
{
    int64_t tenth = step_up(input, input->max / 10 + (input->max % 10 != 0));
    int64_t least = input->min > tenth ? input->min : tenth;
    int64_t down[RUNGS_MAX] = {input->max};
    size_t n = 1;

    for (int k = 1; n < RUNGS_MAX && k < POWERS_MAX; k++) {
        int64_t level = level_below_root(input, k);
        if (level < least || level >= down[n - 1]) {
            break;
        }
        down[n++] = level;
    }
    set_levels(n, down, plan);
}

void tables_levels(const struct table_input *input, struct bracket_plan *plan)
{
    int64_t down[RUNGS_MAX] = {input->max};
    size_t n = 1;

    for (int k = 1; n < RUNGS_MAX && k < POWERS_MAX; k++) {
        int64_t level = level_below(input, k);
        if (level < input->min) {
            break;
        }
        if (level < down[n - 1] && !is_too_close(level, down[n - 1], input->eta)) {
            down[n++] = level;
        }
    }
    set_levels(n, down, plan);
}
