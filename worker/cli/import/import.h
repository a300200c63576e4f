/* A search of another tuner's, read into a study, the line of its command, and trials.
 *
 * What could not be carried over is told in sentences, with the line it stands on; what makes a
 * study impossible is an error. Nothing is left out without either. Files are not trusted. */
#ifndef WORKER_CLI_IMPORT_IMPORT_H
#define WORKER_CLI_IMPORT_IMPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/own.h"
#include "worker/cli/import/remarks.h"

struct import {
    const char *path;       /* "-" is standard input */
    const char *study_name; /* of those in a file of several; NULL: not said */
    struct remarks remarks;
    json_t *study;  /* the body of POST /v1/studies, without a name where the file has none */
    json_t *lines;  /* of its parameters, in their order: line numbers, 0 not known */
    json_t *places; /* of its parameters by name: the index of the first one of that name */
    json_t *trials; /* bodies of POST …/trials, finished ones and those to try, in order */
    bool is_beyond; /* a number went beyond all numbers, on the line beyond_line */
    size_t beyond_line;
    struct buf command;  /* as words for a shell: what stands behind `--`; "": nothing is known */
    struct buf options;  /* … and in front of it, for the worker: --metric … */
    const char *program; /* what the search was made for, for people: "W&B sweep" */
};

/* An empty one: release it with import_finish(). */
void import_init(struct import *import, const char *path);
void import_finish(struct import *import);
OWN_VALUE(import)

/* The formats by name, "wandb, katib, …", for messages. */
#define IMPORT_FORMATS "wandb, katib, nni, configspace, optuna"

/* Reads the file. `format` NULL: seen from what is in it. ERR_INVALID says where, in the form of
 * FILE:LINE, and what to do. */
MUST_USE int import_read(struct import *import, const char *format, struct err *err);

/* A name that a study may have, made of any text: "My Sweep" → "my-sweep". Appends nothing where
 * no character is left. */
void import_append_name(struct buf *out, const char *text);

#endif
