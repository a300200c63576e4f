/* GET …/trials/{trial}/explain: why a trial has its configuration, and why it went on or stopped.
 */
#ifndef SERVER_API_EXPLAIN_H
#define SERVER_API_EXPLAIN_H

#include "common/json.h"
#include "server/engine/engine.h"
#include "server/http/http.h"

/* Members of the open object: where a configuration came from ("source", "ordinal", "fallback",
 * "provenance", "suggestion"). Any thread. */
void explain_origin_write(const struct study_def *study, const struct trial_row *row,
                          struct json_writer *w);

/* A handler of the route table; loop thread. */
void get_explain(void *api, struct http_request *request);

#endif
