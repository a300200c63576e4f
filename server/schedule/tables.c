#include "server/schedule/tables.h"

int tables_s_max(int64_t R, int64_t eta, int64_t r_min)
{
    int s_max = 0;

    for (int64_t level = r_min; level <= R / eta; level *= eta) {
        s_max++;
    }
    return s_max;
}

static int64_t power(int64_t base, int exponent)
{
    int64_t product = 1;

    while (exponent-- > 0) {
        product *= base;
    }
    return product;
}

static int64_t divide_up(int64_t a, int64_t b)
{
    return a / b + (a % b != 0);
}

/* R / d, a half rounded up. */
static int64_t level_below(int64_t R, int64_t d)
{
    return R / d + (R % d >= d - R % d);
}

static int64_t first_size(int s_max, int64_t eta, enum rounding rounding, int s)
{
    int64_t eta_s = power(eta, s);

    if (rounding == ROUNDING_PAPER_TABLE) {
        return (s_max + 1) / (s + 1) * eta_s;
    }
    return divide_up((s_max + 1) * eta_s, s + 1);
}

void tables_bracket(int64_t R, int64_t eta, int64_t r_min, enum rounding rounding, int s,
                    struct bracket_plan *plan)
{
    int64_t n = first_size(tables_s_max(R, eta, r_min), eta, rounding, s);

    plan->n = (size_t)s + 1;
    for (int i = 0; i <= s; i++) {
        int64_t eta_i = power(eta, i);
        plan->rungs[i].size = rounding == ROUNDING_CEIL_ALL ? divide_up(n, eta_i) : n / eta_i;
        plan->rungs[i].level = level_below(R, power(eta, s - i));
    }
}

/* Is level / below < √eta? */
static int too_close(int64_t below, int64_t level, int64_t eta)
{
    return (__extension__(__int128) level * level) < (__extension__(__int128) below * below * eta);
}

__extension__ typedef __int128 wide;

/* R / √d, a half rounded up: the largest m with (2m − 1)² d ≤ (2R)². */
static int64_t level_below_root(int64_t R, int64_t d)
{
    int64_t low = 0;
    int64_t high = R;

    while (low < high) {
        int64_t m = low + (high - low + 1) / 2;
        wide side = 2 * (wide)m - 1;
        wide whole = 2 * (wide)R;
        if (side * side * (wide)d <= whole * whole) {
            low = m;
        } else {
            high = m - 1;
        }
    }
    return low;
}

void tables_half_levels(int64_t R, int64_t eta, int64_t r_min, struct bracket_plan *plan)
{
    int64_t least = r_min > divide_up(R, 10) ? r_min : divide_up(R, 10);
    int64_t down[RUNGS_MAX] = {R};
    size_t n = 1;

    for (int64_t d = eta; n < RUNGS_MAX && d <= 400; d *= eta) { /* R/20 is below the least */
        int64_t level = level_below_root(R, d);
        if (level < least || level >= down[n - 1]) {
            break;
        }
        down[n++] = level;
    }
    plan->n = n;
    for (size_t i = 0; i < n; i++) {
        plan->rungs[i] = (struct rung_plan){.size = 0, .level = down[n - 1 - i]};
    }
}

void tables_levels(int64_t R, int64_t eta, int64_t r_min, struct bracket_plan *plan)
{
    int64_t down[RUNGS_MAX] = {R};
    size_t n = 1;

    for (int64_t d = 1; n < RUNGS_MAX && d <= 2 * R / eta;) {
        d *= eta;
        int64_t level = level_below(R, d);
        if (level < r_min) {
            break;
        }
        if (level < down[n - 1] && !too_close(level, down[n - 1], eta)) {
            down[n++] = level;
        }
    }
    plan->n = n;
    for (size_t i = 0; i < n; i++) {
        plan->rungs[i] = (struct rung_plan){.size = 0, .level = down[n - 1 - i]};
    }
}
