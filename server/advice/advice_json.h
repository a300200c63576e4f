/* Advice as JSON. */
#ifndef SERVER_ADVICE_ADVICE_JSON_H
#define SERVER_ADVICE_ADVICE_JSON_H

#include "common/json.h"
#include "server/advice/advice.h"

/* Writes the answer of POST /v1/advice: members of the open object. */
void advice_write(const struct problem *problem, const struct advice *advice,
                  struct json_writer *w);

#endif
