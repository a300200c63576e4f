/* A study's parameters as distributions of Optuna. Pure, but for what it cannot say, which it tells
 * on stderr. */
#ifndef WORKER_CLI_SHOW_OPTUNA_SPACE_H
#define WORKER_CLI_SHOW_OPTUNA_SPACE_H

#include <jansson.h>

#include "common/buf.h"

/* Says on stderr what of these parameters Optuna has no word for. */
void optuna_space_tell(const json_t *parameters);

/* The parameter that this name means in a trial with these values: of several of one name the
 * active one. Borrowed; NULL: there is none. */
const json_t *optuna_space_find(const json_t *parameters, const char *name, const json_t *values);

/* Appends Optuna's JSON of the distribution. A number outside its range widens it. */
void optuna_space_append(struct buf *out, const json_t *parameter, const json_t *value);
/* Appends the number that stands for the value there: itself, or its place among the choices. */
void optuna_space_append_value(struct buf *out, const json_t *parameter, const json_t *value);

#endif
