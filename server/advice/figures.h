/* What was measured of each technique: one table, written by tests/bench/advice_figures.py, whose
 * header says on which problems and with which seeds. */
#ifndef SERVER_ADVICE_FIGURES_H
#define SERVER_ADVICE_FIGURES_H

#include "server/advice/technique.h"

/* Mean normalised regret (benchmark.h); mean 0: not measured. */
struct figure {
    double mean;
    double error; /* standard error over seeds; 0: not known */
};

struct technique_figures {
    const char *title; /* of the technique; NULL: the table ends */
    struct figure regret[KIND_COUNT][2][BENCHMARK_BUDGETS]; /* [kind][one worker, 16][budget] */
};
extern const struct technique_figures technique_figures[];

#endif
