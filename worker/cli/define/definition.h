/* A study's definition, from a file, from options, or both: `study create` and `run` read it alike.
 * What the options say stands above the file: a parameter of the same name is replaced, limits and
 * the like are merged. The result is the body of POST /v1/studies; the server checks it. */
#ifndef WORKER_CLI_DEFINE_DEFINITION_H
#define WORKER_CLI_DEFINE_DEFINITION_H

#include <argp.h>
#include <jansson.h>

#include "common/err.h"
#include "common/own.h"

struct definition {
    const char *file;  /* -f, "-" for standard input; NULL: none */
    json_t *given;     /* what the options said, as the API spells it */
    json_t *goals;     /* the --goal texts */
    json_t *arguments; /* the -P texts, to name them when the server refuses one */
};
void definition_finish(struct definition *definition);
OWN_VALUE(definition)

/* -f, -P, --maximize, --trials, …; state->input is a zeroed struct definition. */
extern const struct argp definition_argp;

/* File and options in one object, whatever is missing; `name` NULL: the file's, if it has one. */
MUST_USE int definition_merge(const struct definition *definition, const char *name, json_t **body,
                              struct err *err);
/* `name` NULL: the file must have one. ERR_INVALID says what is missing. */
MUST_USE int definition_body(const struct definition *definition, const char *name, json_t **body,
                             struct err *err);

/* What the options say, put above a study that is there already. */
void definition_apply(const struct definition *definition, json_t *study);

/* "--trials" for the limit "trials"; NULL: no option says it. */
const char *definition_limit_option(const char *name);

/* A parameter that is there already: the given one, in its place; others behind. */
void definition_merge_parameters(json_t *into, const json_t *given);

#endif
