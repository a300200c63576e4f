/* honed --check: what a start would meet, told a line each, and nothing changed. */
#ifndef SERVER_CHECK_H
#define SERVER_CHECK_H

#include "server/settings.h"

/* Looks at data directory, tokens, backups and certificate, and prints what it finds on standard
 * output. *is_well ← nothing is bad. ERR_INVALID: a store in memory has nothing to look at. */
MUST_USE int check_all(const struct settings *settings, bool *is_well, struct err *err);

#endif
