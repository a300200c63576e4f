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
     .options = "delta (0.1), eta (3) and search (bayesian)",
     .regret = {[KIND_CURVES] = {{.221, .109, .073}, {.340, .127, .083}}}},
    {.title = "bayesian",
     .does = "a Gaussian process says what a configuration would give and how sure that is; the "
             "next one is where the most improvement is to be expected",
     .strategy = "bayesian",
     .model = MODEL_GAUSSIAN,
     .enumerates_up_to = 4096, /* then it is scored as a whole (strategy/gp/bayesian.c) */
     .never_repeats = true,
     .regret = {[KIND_NUMBERS] = {{.187, .033, .011}, {.335, .175, .043}},
                [KIND_MIXED] = {{.303, .133, .030}, {.366, .176, .075}},
                [KIND_NOISY] = {{.163, .122, .074}, {.183, .128, .083}},
                [KIND_CURVES] = {{.332, .201, .123}, {.448, .251, .145}}}},
    {.title = "asha, bayesian",
     .does =
         "the best third of each rung trains on, no worker waits, and a Gaussian process proposes",
     .strategy = "asha",
     .search = "bayesian",
     .model = MODEL_GAUSSIAN,
     .plan = PLAN_RUNGS,
     .pauses = true,
     .options = "eta (3), brackets (1) and progressive (false)",
     .regret = {[KIND_CURVES] = {{0}, {.356, .276, .239}}}},
    {.title = "bohb",
     .does = "hyperband's brackets, filled by densities of good and bad configurations",
     .strategy = "bohb",
     .model = MODEL_DENSITIES,
     .plan = PLAN_BRACKETS,
     .pauses = true,
     .options = "eta (3), rounds, brackets, rounding (formula) and quorum",
     .regret = {[KIND_CURVES] = {{0}, {.493, .305, .182}}}},
    {.title = "tpe",
     .does = "compares the density of the good configurations with that of the others",
     .strategy = "tpe",
     .model = MODEL_DENSITIES,
     .regret = {[KIND_NUMBERS] = {{.270, .160, .096}, {.343, .192, .138}},
                [KIND_MIXED] = {{.323, .244, .186}, {.414, .300, .201}},
                [KIND_NOISY] = {{.210, .135, .109}, {.183, .173, .123}},
                [KIND_CURVES] = {{.412, .257, .185}, {.402, .268, .194}}}},
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
     .options = "eta (3), brackets (1) and search (random)",
     .regret = {[KIND_CURVES] = {{.411, .284, .236}, {.511, .320, .239}}}},
    {.title = "asha, promotion",
     .does = "trials pause at each rung, and the best third of it goes on; no worker waits",
     .strategy = "asha",
     .plan = PLAN_RUNGS,
     .pauses = true,
     .options = "eta (3), brackets (1), progressive (false) and search (random)",
     .regret = {[KIND_CURVES] = {{.374, .301, .234}, {.545, .299, .236}}}},
    {.title = "hyperband",
     .does = "brackets of rungs: many trials for a short time, the best third of each rung for "
             "three times as long",
     .strategy = "hyperband",
     .plan = PLAN_BRACKETS,
     .pauses = true,
     .options = "eta (3), rounds, brackets, rounding (formula), quorum and search (random)",
     .regret = {[KIND_CURVES] = {{.356, .301, .262}, {.663, .354, .269}}}},
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
     .strategy = "quasirandom",
     .regret = {[KIND_NUMBERS] = {{.319, .257, .228}, {.319, .257, .228}},
                [KIND_MIXED] = {{.370, .307, .245}, {.370, .307, .245}},
                [KIND_NOISY] = {{.202, .179, .190}, {.202, .179, .190}},
                [KIND_CURVES] = {{.442, .347, .282}, {.443, .336, .304}}}},
    {.title = "random",
     .does = "draws from the space, whatever comes back",
     .strategy = "random",
     .regret = {[KIND_NUMBERS] = {{.382, .309, .266}, {.367, .303, .262}},
                [KIND_MIXED] = {{.406, .314, .275}, {.434, .320, .282}},
                [KIND_NOISY] = {{.222, .195, .147}, {.236, .199, .147}},
                [KIND_CURVES] = {{.422, .347, .313}, {.514, .364, .313}}}},
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
