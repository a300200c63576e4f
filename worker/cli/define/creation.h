/* Sends a definition, and explains a refusal. */
#ifndef WORKER_CLI_DEFINE_CREATION_H
#define WORKER_CLI_DEFINE_CREATION_H

#include <jansson.h>

#include "common/err.h"
#include "worker/cli/define/definition.h"
#include "worker/cli/session.h"

/* POST /v1/studies. A refusal names the -P argument it is about; a study of this name with another
 * definition is compared with it on stderr. session->status tells created (201) from known (200).
 */
MUST_USE int study_send(struct session *session, const struct definition *definition,
                        const json_t *body, json_t **study, struct err *err);

/* The same for who goes on with a study: where it differs only in a limit of trials that is not
 * below the one it has, that limit is set, which is said if it changes anything. */
MUST_USE int study_send_or_extend(struct session *session, const struct definition *definition,
                                  const json_t *body, json_t **study, struct err *err);

/* Prints on stderr what `auto` took for this study, decided when it was created and for good;
 * nothing where a strategy is named. */
void study_print_choice(const json_t *study);
/* Says what a new study cannot learn from the older ones that it comes after. */
void study_print_not_learned(struct session *session, const json_t *study);

#endif
