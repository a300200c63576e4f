/* Studies that Optuna has stored: in SQLite (schema 12 and its forerunners), or as a journal. */
#ifndef WORKER_CLI_IMPORT_OPTUNA_H
#define WORKER_CLI_IMPORT_OPTUNA_H

#include <stdbool.h>

#include "worker/cli/import/import.h"

/* *is ← does the file begin as one of them does? "-" never does: it is read once. */
MUST_USE int optuna_is(const char *path, bool *is, struct err *err);
MUST_USE int optuna_read(struct import *import, struct err *err);

#endif
