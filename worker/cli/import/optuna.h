/* Studies that Optuna has stored: in SQLite (schema 12 and its forerunners), or as a journal.
 *
 * Both readers make the same of them, as JSON:
 *
 *   study   {"name", "directions": [0 | 1 | 2, …], "system_attrs": {…}, "user_attrs": {…},
 *            "trials": [trial, …]}
 *   trial   {"number", "line", "state": 0…4, "values": [number or "Infinity", …], "discarded",
 *            "params": {name: its number}, "distributions": {name: distribution},
 *            "intermediate": {step: number or text}, "user_attrs": {…}, "system_attrs": {…}}
 *   distribution  {"kind": "float" | "int" | "categorical", "low", "high", "step", "log",
 *            "choices"}, shared by those that are the same */
#ifndef WORKER_CLI_IMPORT_OPTUNA_H
#define WORKER_CLI_IMPORT_OPTUNA_H

#include <stdbool.h>

#include "worker/cli/import/import.h"

enum optuna_state {
    OPTUNA_RUNNING,
    OPTUNA_COMPLETE,
    OPTUNA_PRUNED,
    OPTUNA_FAIL,
    OPTUNA_WAITING,
    OPTUNA_STATE_COUNT
};

#define OPTUNA_TRIALS_MAX 1000000

/* *is ← does the file begin as one of them does? "-" never does: it is read once. */
MUST_USE int optuna_is(const char *path, bool *is, struct err *err);
MUST_USE int optuna_read(struct import *import, struct err *err);

/* All studies of a journal; each a new reference in *studies. */
MUST_USE int optuna_read_journal(struct import *import, json_t **studies, struct err *err);
/* The study of this name, NULL: the only one. Where there are several, *names is filled instead. */
MUST_USE int optuna_read_sqlite(struct import *import, const char *name, json_t **study,
                                json_t *names, struct err *err);

/* The distribution that Optuna writes as this text, from `known` if it was there before; borrowed.
 * NULL: it is none. */
json_t *optuna_distribution(json_t *known, const char *text);
/* A text as Python's json writes it, with NaN and Infinity, which become strings. A new reference;
 * NULL: it is no JSON, is too large or too deep. */
json_t *optuna_json(const char *text, size_t len);

/* The parameters of the study, from the distributions of all trials. `space` ← by name: {"kind", …,
 * "when"}, new. */
MUST_USE int optuna_read_space(struct import *import, const json_t *trials, json_t **space,
                               struct err *err);
/* Kind, scale and choices agree, as Optuna has it of those of one name. */
bool optuna_are_alike(const json_t *a, const json_t *b);
/* What the trial's number is worth: a choice, a whole number or a real one. A new reference. */
json_t *optuna_value(const json_t *distribution, const json_t *number);

/* import->trials, with the remarks on those that are left out. `metrics`: names of the objectives.
 */
MUST_USE int optuna_read_trials(struct import *import, const json_t *trials, const json_t *space,
                                const json_t *metrics, struct err *err);

#endif
