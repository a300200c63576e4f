/* YAML into JSON, for study files; the server speaks JSON only.
 *
 * One document, plain scalars by the core schema of YAML 1.2 (scalar.h), keys as they are spelled.
 * Refused: duplicate keys, tags other than !!str !!int !!float !!bool !!null !!seq !!map, several
 * documents, nesting deeper than 32, and anything that aliases blow up beyond 50,000 values. */
#ifndef WORKER_CLI_DEFINE_YAML_H
#define WORKER_CLI_DEFINE_YAML_H

#include <jansson.h>
#include <stddef.h>

#include "common/err.h"

/* `text` ends with a NUL that `len` does not count. ERR_INVALID with `where` = "line N". A new
 * reference. */
MUST_USE int yaml_to_json(const char *text, size_t len, json_t **value, struct err *err);
/* The same, and on which line each value stands (lines.h), a new reference too. */
MUST_USE int yaml_to_json_lines(const char *text, size_t len, json_t **value, json_t **lines,
                                struct err *err);

#endif
