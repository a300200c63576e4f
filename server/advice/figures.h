/* What was measured of each technique: one table, written by tests/bench/advice_figures.py, whose
 * header says on which problems and with which seeds. */
#ifndef SERVER_ADVICE_FIGURES_H
#define SERVER_ADVICE_FIGURES_H

#include "server/advice/benchmark.h"

struct technique_figures {
    const char *title; /* of the technique; NULL: the table ends */
    /* mean 0: not measured */
    struct figure regret[KIND_COUNT][2][BENCHMARK_BUDGETS]; /* [kind][one worker, 16][budget] */
};
extern const struct technique_figures technique_figures[];

#endif
