#include "server/strategy/strategies.h"

#include <math.h>
#include <stdio.h>

uint64_t strategy_count_space(const struct study_def *study)
{
    double cells = 1.0;

    for (size_t i = 0; i < study->space->n_params; i++) {
        uint64_t n = study->space->params[i].n_cells;
        cells *= n == 0 ? (double)INFINITY : (double)n;
    }
    return cells < 0x1p53 ? (uint64_t)cells : UINT64_MAX;
}

void strategy_refuse_options(const struct study_def *study, struct faults *faults)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(study_strategy_options(study)), key, value) {
        char pointer[128];
        (void)snprintf(pointer, sizeof pointer, "/strategy/%.80s", key);
        faults_add(faults, pointer, "the strategy %s has no option \"%.80s\"; leave it out",
                   study_strategy(study), key);
    }
}
