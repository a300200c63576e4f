#include "server/strategy/nsga2/variation.h"

#include <math.h>

static const double crossover_chance = 0.9;
static const double swap_chance = 0.5;
static const double redraw_chance = 0.5; /* of a mutation of a number */
static const double eta = 20.0; /* of polynomial mutation: greater ones make smaller moves */

static bool is_fixed(const struct param *param)
{
    return param->n_cells == 1;
}

/* Polynomial mutation of a position in the unit interval that never leaves it. */
static double move_a_little(double u, double r)
{
    double place = u < 0.0 ? 0.0 : u > 1.0 ? 1.0 : u;
    double power = 1.0 / (eta + 1.0);

    if (r < 0.5) {
        double rest = pow(1.0 - place, eta + 1.0);
        return place + pow(2.0 * r + (1.0 - 2.0 * r) * rest, power) - 1.0;
    }
    double rest = pow(place, eta + 1.0);
    return place + 1.0 - pow(2.0 * (1.0 - r) + (2.0 * r - 1.0) * rest, power);
}

struct variation variation_breed(const struct encoding *encoding, const double a[],
                                 const double b[], struct rng *rng, double scratch[], double u[])
{
    const struct space *space = encoding->space;
    struct variation made = {.is_crossed = rng_uniform(rng) < crossover_chance};
    size_t n_dims = encoding_n_dims(encoding);
    double mutation_chance = n_dims == 0 ? 0.0 : 1.0 / (double)n_dims;

    space_encode(space, a, u);
    space_encode(space, b, scratch);
    for (size_t i = 0; i < space->n_params; i++) {
        /* as many draws for each parameter, whatever comes of them */
        bool swaps = rng_uniform(rng) < swap_chance;
        bool mutates = rng_uniform(rng) < mutation_chance;
        bool redraws = rng_uniform(rng) < redraw_chance || encoding->is_cat[i];
        double drawn = rng_uniform(rng);
        if (is_fixed(&space->params[i])) {
            continue;
        }
        bool takes_other = made.is_crossed && (isnan(a[i]) || (swaps && !isnan(b[i])));
        if (takes_other) {
            u[i] = scratch[i];
        }
        if (isnan(takes_other ? b[i] : a[i])) {
            u[i] = drawn;
        } else if (mutates) {
            u[i] = redraws ? drawn : move_a_little(u[i], drawn);
            made.n_mutated++;
        }
    }
    return made;
}
