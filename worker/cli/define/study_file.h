/* A study in a file, JSON or YAML; the name does not matter, the first character does. */
#ifndef WORKER_CLI_DEFINE_STUDY_FILE_H
#define WORKER_CLI_DEFINE_STUDY_FILE_H

#include <jansson.h>

#include "common/err.h"

/* "-" is standard input. At most 1 MiB. ERR_INVALID with `where` = "FILE, line N"; *body is an
 * object, a new reference. */
MUST_USE int study_file_read(const char *path, json_t **body, struct err *err);

#endif
