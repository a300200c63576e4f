/* A study as the line of `hone run` that creates it, to be pasted into a shell. */
#ifndef WORKER_CLI_DEFINE_RUN_LINE_H
#define WORKER_CLI_DEFINE_RUN_LINE_H

#include <jansson.h>

#include "common/buf.h"
#include "worker/cli/define/definition.h"

/* `study`: the body of POST /v1/studies that was made from the definition, whose -P texts and file
 * are used as they were typed. Lines are broken behind 80 columns and indented by two. */
void run_line_append(const struct definition *definition, const json_t *study, struct buf *out);

#endif
