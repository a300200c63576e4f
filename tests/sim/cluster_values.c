#include "tests/sim/cluster_values.h"

#include <math.h>

bool cluster_is_broken(const struct cluster *c, int64_t trial, int64_t step)
{
    return curves_is_broken(&c->curves, trial, step);
}

double cluster_value_of(const struct cluster *c, int64_t trial, int64_t step)
{
    double loss = curves_value(&c->curves, trial, step);

    if (isnan(loss) && c->o->planted != NULL && c->o->planted->failures_get_values) {
        loss = 1e6;
    }
    if (c->o->reported == REPORT_EXPONENTIAL) {
        return exp(loss) - 3;
    }
    return c->o->reported == REPORT_NEGATED ? -loss : loss;
}
