/* Which studies an ask may serve, in which order, and why nothing goes out. */
#ifndef SERVER_TUNING_MATCH_H
#define SERVER_TUNING_MATCH_H

#include "server/tuning/internal.h"

/* May the ask serve this study? `named` is the study of the path, "" for none. */
bool ask_matches(const struct lease_ask *ask, const char *named, const struct live_study *study);
/* Is `a` to be served before `b`? */
bool study_goes_first(const struct live_study *a, const struct live_study *b);
/* Does the ask name studies that will hand out nothing more? It is not kept waiting. */
bool ask_is_hopeless(const struct tuning *tuning, const struct ask_command *command);
/* Why the ask gets nothing now. */
void ask_explain(const struct tuning *tuning, const struct lease_ask *ask, const char *named,
                 struct no_lease *no);

#endif
