/* Sums over a symmetric matrix G = ½(K⁻¹ − ααᵀ) = −∂ log p/∂K, of which no entry is stored: the
 * gradient of a marginal likelihood. Matrices are n × n lower triangles with leading dimension n.
 * Rasmussen & Williams (2006), equation 5.9. */
#ifndef SERVER_MODEL_CONTRACTION_H
#define SERVER_MODEL_CONTRACTION_H

#include <stddef.h>

struct contraction {
    size_t n;
    const double *inverse; /* K⁻¹ */
    const double *alpha;   /* α = K⁻¹(y − m), n */
};

/* S ← G × factor × S, zero on the diagonal; sums (n) ← its row sums. Returns Σ G M, where M has
 * ones on its diagonal; *trace ← the trace of G. O(n²). */
double contract_and_scale(const struct contraction *contraction, double factor, const double M[],
                          double S[], double sums[], double *trace);
/* *GN ← Σ G N and *GT ← Σ G T, both without their diagonals. O(n²). */
void contract_two(const struct contraction *contraction, const double N[], const double T[],
                  double *GN, double *GT);

#endif
