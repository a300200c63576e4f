#include "server/advice/technique.h"

#include <math.h>
#include <string.h>

static const struct technique techniques[] = {
    {.title = "asha, predictive",
     .does =
         "a model of the learning curves stops a trial once it has next to no chance of beating "
         "the best, and a Gaussian process proposes",
     .strategy = "asha",
     .mode = "predictive",
     .model = MODEL_GAUSSIAN,
     .plan = PLAN_FORECAST,
     .options = "delta (0.1), eta (3) and search (bayesian)"},
    {.title = "bayesian",
     .does = "a Gaussian process says what a configuration would give and how sure that is; the "
             "next one is where the most improvement is to be expected",
     .strategy = "bayesian",
     .model = MODEL_GAUSSIAN,
     .enumerates_up_to = 4096, /* then it is scored as a whole (strategy/gp/bayesian.c) */
     .never_repeats = true},
    {.title = "asha, bayesian",
     .does =
         "the best third of each rung trains on, no worker waits, and a Gaussian process proposes",
     .strategy = "asha",
     .search = "bayesian",
     .model = MODEL_GAUSSIAN,
     .plan = PLAN_RUNGS,
     .pauses = true,
     .options = "eta (3), brackets (1) and progressive (false)"},
    {.title = "bohb",
     .does = "hyperband's brackets, filled by densities of good and bad configurations",
     .strategy = "bohb",
     .model = MODEL_DENSITIES,
     .plan = PLAN_BRACKETS,
     .pauses = true,
     .options = "eta (3), rounds, brackets, rounding (formula) and quorum"},
    {.title = "tpe",
     .does = "compares the density of the good configurations with that of the others",
     .strategy = "tpe",
     .model = MODEL_DENSITIES},
    {.title = "nsga2",
     .does = "recombines and mutates the best configurations so far, as a genetic algorithm does",
     .strategy = "nsga2",
     .model = MODEL_POPULATION,
     .never_repeats = true,
     .options = "population (50)"},
    {.title = "asha, stopping",
     .does = "a trial stops for good where it is not among the best third of those before it",
     .strategy = "asha",
     .mode = "stopping",
     .plan = PLAN_RUNGS,
     .options = "eta (3), brackets (1) and search (random)"},
    {.title = "asha, promotion",
     .does = "trials pause at each rung, and the best third of it goes on; no worker waits",
     .strategy = "asha",
     .plan = PLAN_RUNGS,
     .pauses = true,
     .options = "eta (3), brackets (1), progressive (false) and search (random)"},
    {.title = "hyperband",
     .does = "brackets of rungs: many trials for a short time, the best third of each rung for "
             "three times as long",
     .strategy = "hyperband",
     .plan = PLAN_BRACKETS,
     .pauses = true,
     .options = "eta (3), rounds, brackets, rounding (formula), quorum and search (random)"},
    {.title = "successive_halving",
     .does = "hyperband's largest bracket, over and over",
     .strategy = "successive_halving",
     .plan = PLAN_BRACKETS,
     .is_single_bracket = true,
     .pauses = true,
     .options = "eta (3), bracket, rounds and search (random)",
     .figures_of = "hyperband"},
    {.title = "quasirandom",
     .does = "an even spread over the space, whatever comes back",
     .strategy = "quasirandom"},
    {.title = "random", .does = "draws from the space, whatever comes back", .strategy = "random"},
    {.title = "grid",
     .does = "every combination once, in a shuffled order",
     .strategy = "grid",
     .is_grid = true,
     .enumerates_up_to = INFINITY,
     .never_repeats = true,
     .figures_of = "random"}, /* a shuffled grid is sampled like random search */
};

size_t technique_count(void)
{
    return sizeof techniques / sizeof *techniques;
}

const struct technique *technique_at(size_t i)
{
    return &techniques[i];
}

const struct technique *technique_find(const char *title)
{
    for (size_t i = 0; i < technique_count(); i++) {
        if (strcmp(techniques[i].title, title) == 0) {
            return &techniques[i];
        }
    }
    return NULL;
}

int technique_demands(const struct technique *technique)
{
    return !technique_stops_early(technique) ? 0 : technique->pauses ? 2 : 1;
}

bool technique_stops_early(const struct technique *technique)
{
    return technique->plan != PLAN_FULL;
}
