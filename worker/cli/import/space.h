/* Parameters of a study, made from what other tuners write. */
#ifndef WORKER_CLI_IMPORT_SPACE_H
#define WORKER_CLI_IMPORT_SPACE_H

#include <jansson.h>
#include <stdbool.h>

#include "worker/cli/import/import.h"

/* Numbers from low to high, or around a mean. */
struct range {
    bool is_int;
    bool has_low, has_high;
    double low, high;
    double step;              /* from low; 0: none */
    const char *scale;        /* "log"; NULL: linear */
    const char *distribution; /* "normal", "lognormal"; NULL: uniform */
    double mean, sd;
};

/* The parameter, a new reference; where there is but one value, a constant. The ends are in order.
 * NULL: a number of it is infinite, or none. */
json_t *space_range(const char *name, const struct range *range);
/* The multiples of q between low and high, as tuners round to them. On a log scale the first one is
 * above 0. */
void range_round_to(struct range *range, double q);

json_t *space_constant(const char *name, const json_t *value);

/* One of the items. Numbers alone keep their order; a value that is there several times gets so
 * much weight. `weights` may be empty; what has none is left out, with a note. Returns NULL, with
 * the error, where nothing is left. */
json_t *space_choices(struct import *import, const char *name, struct node items,
                      struct node weights, struct err *err);
/* The same for values that are ordered by their place. */
json_t *space_ordinal(const char *name, const json_t *items);

/* Appends it to the study; steals `parameter`, NULL where a number of it is none: the import is
 * refused then. `at`: where it stands. */
void space_add(struct import *import, json_t *parameter, struct node at);
/* Returns the first parameter of this name, borrowed, and its index in *at; NULL: there is none. */
json_t *space_parameter(const struct import *import, const char *name, size_t *at);

/* An integer where it is one. */
json_t *space_number(double x);

/* Adds to the study: objectives[{metric, direction, fold}]; `fold` NULL: the last value. */
void space_add_objective(struct import *import, const char *metric, bool maximizes,
                         const char *fold);
/* study[key] ← value, and study[object][key] ← value, which are stolen; NULL, a number that is
 * none, refuses the import. */
void study_set(struct import *import, const char *key, json_t *value);
void study_put(struct import *import, const char *object, const char *key, json_t *value);

#endif
