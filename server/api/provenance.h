/* Where a trial's configuration came from, in a word and in a sentence. */
#ifndef SERVER_API_PROVENANCE_H
#define SERVER_API_PROVENANCE_H

#include "common/json.h"
#include "server/domain/study.h"
#include "server/store/store.h"

/* {"kind": "model", "text": "…"}. Kinds: imported, enqueued, fallback, initial_design, transfer,
 * model, and the name of a search that has none (grid, random, quasirandom). */
void provenance_write(const struct study_def *study, const struct trial_row *row,
                      struct json_writer *w);

#endif
