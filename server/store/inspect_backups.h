/* Looks at the directory of backups as `honed --check` does, and changes nothing. */
#ifndef SERVER_STORE_INSPECT_BACKUPS_H
#define SERVER_STORE_INSPECT_BACKUPS_H

#include <stdint.h>

#include "common/findings.h"

/* May backups go there, and is it the directory that they went to? Is the newest one whole, and how
 * old is it? Reads all of that one. Tells under the name "backups". */
void inspect_backups(const char *folder, const char *data, int64_t now_ms,
                     struct findings *findings);

#endif
