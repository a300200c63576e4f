/* What the headers of a request say about the answer it takes. Pure; any thread. For this folder
 * and its tests. */
#ifndef SERVER_HTTP_NEGOTIATE_H
#define SERVER_HTTP_NEGOTIATE_H

#include <stdbool.h>

/* Is `item` named in a list such as "text/html, gzip;q=0.5", in any case and not with q=0?
 * Wildcards name nothing. list: NULL is empty. */
bool list_names(const char *list, const char *item);
/* Is this entity tag, given without quotes, in the value of If-None-Match, or is that "*"? */
bool list_has_tag(const char *list, const char *tag);

#endif
