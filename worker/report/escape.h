/* What commands a terminal, taken out of a line: colours, links, titles, movements of the cursor.
 */
#ifndef WORKER_REPORT_ESCAPE_H
#define WORKER_REPORT_ESCAPE_H

#include <stddef.h>

/* Takes the sequences out of the text in place, also those that its end cuts, and returns the new
 * length. A movement to another place of the screen leaves '\n', for what follows is another line;
 * a movement back leaves '\b', for what follows overwrites what stands there. A sequence directly
 * before a report's prefix leaves an edge, so that the prefix ends no longer word. */
#define ESCAPE_EDGE '\x1f'

size_t escape_strip(char *text, size_t len);

#endif
