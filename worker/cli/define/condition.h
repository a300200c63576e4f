/* What `hone study wait` waits for: finished, or a comparison such as best<0.2, trials>=50,
 * failed>3. Pure. */
#ifndef WORKER_CLI_DEFINE_CONDITION_H
#define WORKER_CLI_DEFINE_CONDITION_H

#include <jansson.h>
#include <stdbool.h>

#include "common/err.h"

enum condition_of { CONDITION_FINISHED, CONDITION_BEST, CONDITION_TRIALS, CONDITION_STATE };
enum condition_sign { SIGN_LESS, SIGN_AT_MOST, SIGN_MORE, SIGN_AT_LEAST, SIGN_EQUAL };

struct wait_condition {
    enum condition_of of;
    enum condition_sign sign;
    double number;
    const char *state; /* of trials, for CONDITION_STATE; static */
};

/* ERR_INVALID with what to write. */
MUST_USE int condition_read(const char *text, struct wait_condition *condition, struct err *err);
/* `best` is the answer of …/best; NULL: there is none. What is not known does not hold. */
bool condition_holds(const struct wait_condition *condition, const json_t *study,
                     const json_t *best);

#endif
