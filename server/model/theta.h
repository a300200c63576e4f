/* The layout of the hyper-parameters of a Gaussian process, logarithms in one array:
 *
 *   theta  ln ℓ of each number, ln ℓ of each category, ln σ_f², ln σ_n²,
 *          the logit of the additive share a of σ_f², ln ℓ_a
 *
 * A logit of −∞ stands for a = 0: a covariance without additive part. */
#ifndef SERVER_MODEL_THETA_H
#define SERVER_MODEL_THETA_H

#include <math.h>

#include "server/model/kernel.h"

/* How many length scales come first. */
static inline size_t gp_theta_lengths(const struct points *x)
{
    return x->n_num + x->n_cat;
}

static inline size_t gp_theta_signal(const struct points *x)
{
    return gp_theta_lengths(x);
}

static inline size_t gp_theta_noise(const struct points *x)
{
    return gp_theta_lengths(x) + 1;
}

static inline size_t gp_theta_share(const struct points *x)
{
    return gp_theta_lengths(x) + 2;
}

static inline size_t gp_theta_additive_length(const struct points *x)
{
    return gp_theta_lengths(x) + 3;
}

static inline size_t gp_n_theta(const struct points *x)
{
    return gp_theta_lengths(x) + 4;
}

/* a of this theta; exactly 0 without additive part. */
static inline double gp_additive_share(const struct points *x, const double theta[])
{
    return 1.0 / (1.0 + exp(-theta[gp_theta_share(x)]));
}

#endif
