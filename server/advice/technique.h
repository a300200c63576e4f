/* The techniques that advice compares: one row for each in technique.c; what was measured of them
 * stands in figures.c.
 *
 * A technique is a strategy with the options that make a difference: asha has four. The order of
 * the rows decides between equal scores. */
#ifndef SERVER_ADVICE_TECHNIQUE_H
#define SERVER_ADVICE_TECHNIQUE_H

#include <stdbool.h>
#include <stddef.h>

/* What kind of problem the benchmark figures are for. */
enum problem_kind { KIND_NUMBERS, KIND_MIXED, KIND_NOISY, KIND_CURVES, KIND_COUNT };

/* The model that suggests configurations. */
enum technique_model { MODEL_NONE, MODEL_GAUSSIAN, MODEL_DENSITIES, MODEL_POPULATION };

/* How trials get resource. */
enum technique_plan {
    PLAN_FULL,     /* every trial is trained in full */
    PLAN_BRACKETS, /* hyperband's brackets: the trials of a rung wait for each other */
    PLAN_RUNGS,    /* asha's rungs: the best 1/eta of each go on, without waiting */
    PLAN_FORECAST  /* a forecast of the learning curve stops trials */
};

enum { BENCHMARK_BUDGETS = 3 };

struct technique {
    const char *title; /* what it is called in a list: "asha, predictive"; unique */
    const char *does;  /* one line for users */
    const char *strategy;
    const char *mode;   /* option of asha; NULL: its default */
    const char *search; /* option; NULL: the default */
    enum technique_model model;
    enum technique_plan plan;
    bool is_single_bracket; /* PLAN_BRACKETS: always the same one */
    bool pauses;            /* trials pause at rungs and go on later */
    bool is_grid;
    double enumerates_up_to; /* a finite space of at most so many configurations is tried whole */
    bool never_repeats;      /* a configuration */
    const char *options;     /* what an expert may set, or NULL */
    const char *figures_of;  /* title of the relative whose figures are used; NULL: its own */
};

/* Returns how many techniques there are, and the i-th of them. */
size_t technique_count(void);
const struct technique *technique_at(size_t i);
/* The technique of that title; NULL: none. */
const struct technique *technique_find(const char *title);
/* What it demands of the training program: 0 nothing, 1 reports while it trains, 2 also pauses and
 * goes on. */
int technique_demands(const struct technique *technique);
/* Whether trials are stopped before the full resource. */
bool technique_stops_early(const struct technique *technique);

#endif
