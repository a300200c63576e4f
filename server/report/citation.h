/* What to cite for a strategy, and its entry for BibTeX. Static texts. */
#ifndef SERVER_REPORT_CITATION_H
#define SERVER_REPORT_CITATION_H

#include <stddef.h>

#define CITATIONS_MAX 2
/* keys ← those of a strategy or stopping rule ("hyperband", "tpe", "median"); returns how many. */
size_t citation_keys(const char *name, const char *keys[CITATIONS_MAX]);
/* The entry of a key; NULL: there is none. */
const char *citation_entry(const char *key);
#define CITATION_BEST_OF_N "dodge2019show"

#endif
