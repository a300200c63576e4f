#include "server/strategy/population.h"

#include <stdlib.h>

int population_init(struct population *population, const struct objective_costs *costs, size_t size,
                    struct err *err)
{
    *population = (struct population){.members = calloc(2 * size + 1, sizeof(size_t))};
    if (population->members == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a population of %zu", size);
    }
    for (size_t from = 0; from < costs->n; from += size) {
        size_t to = from + size < costs->n ? from + size : costs->n;
        for (size_t i = from; i < to; i++) {
            population->members[population->n++] = i;
        }
        if (objective_costs_sort(costs, population->n, population->members, err) != 0) {
            population_finish(population);
            return -1;
        }
        population->n = population->n < size ? population->n : size;
    }
    return 0;
}

void population_finish(struct population *population)
{
    free(population->members);
    *population = (struct population){0};
}
