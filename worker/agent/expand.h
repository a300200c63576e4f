/* The arguments of a runner's command: `{lr}` of a parameter, `{resource.from}`, `{resource.to}`,
 * `{checkpoint}`, `{trial}`, `{attempt}`, `{seed}`; `{{` and `}}` are braces. A name may be written
 * as a JSON text, which one with braces must be: `{"a}b"}`. An argument `{args}` becomes
 * --name=value for each active parameter, `{args.hydra}` Hydra's name=value, `{args.json}` is all
 * of them as a JSON object, and `{params.json}` and `{params.yaml}` are the path of a file that
 * holds them. No shell is ever involved: a value stays within its argument. API.md "The job's
 * side". */
#ifndef WORKER_AGENT_EXPAND_H
#define WORKER_AGENT_EXPAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/names.h"
#include "worker/agent/argv_list.h"

#define EXPAND_NAME_BYTES (PRINTABLE_NAME_BYTES + 1)

struct expand_values {
    const json_t *parameters; /* the active ones */
    const json_t *inactive;   /* array of the other parameters' names; NULL: not known */
    bool has_resource;
    int digits; /* of `from` and `to`: common/step.h */
    int64_t from, to;
    const char *checkpoint;
    const char *params_file; /* its path without the ending */
    int64_t trial, attempt;
    uint64_t seed;
};

/* Before any trial: every brace is closed and every placeholder could be a name. */
MUST_USE int expand_check(char *const argv[], struct err *err);

/* What the commands of a study may name. */
struct expand_study {
    const json_t *active;   /* object: its keys are parameters */
    const json_t *inactive; /* array of the other parameters' names; NULL: not known */
    bool has_resource;
    bool may_add; /* the author of the command also declares the parameters */
};

struct expand_found {
    bool names_parameter;              /* some argument does */
    bool names_all;                    /* … all of them at once */
    char unchecked[EXPAND_NAME_BYTES]; /* with `inactive` not known: no active parameter; or "" */
};

/* With a study at hand: every placeholder is one of its parameters or one of the placeholders above
 * that has a value there. A wrong name would be taken for an inactive parameter, and dropped. */
MUST_USE int expand_check_names(char *const argv[], const struct expand_study *study,
                                struct expand_found *found, struct err *err);

/* Does an argument have this placeholder, and not for a parameter of that name? */
bool expand_names(char *const argv[], const struct expand_values *values, const char *placeholder);

/* Appends the first names of the study's parameters that no argument names, and how many there are
 * besides; false when there is none. */
bool expand_list_unnamed(char *const argv[], const struct expand_study *study, struct buf *list);

/* Fills *out with the arguments of this trial. One that names an inactive parameter is dropped, and
 * with it the argument before it if that starts with `-` and has no placeholder; the first name
 * dropped is written to `dropped` ("" if none). */
MUST_USE int expand_argv(char *const argv[], const struct expand_values *values,
                         struct argv_list *out, char dropped[EXPAND_NAME_BYTES], struct err *err);

#endif
