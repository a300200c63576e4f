/* Compression of bodies, fast rather than small (zlib's level 1). Plain memory; not shared between
 * threads. */
#ifndef SERVER_HTTP_GZIP_H
#define SERVER_HTTP_GZIP_H

#include "common/buf.h"

/* Smaller bodies gain nothing. */
#define GZIP_BYTES_MIN 4096

/* A body that is made piece by piece. */
struct gzip;
/* NULL: no memory. */
struct gzip *gzip_create(void);
/* Accepts NULL. */
void gzip_destroy(struct gzip *gzip);
OWN_POINTER(gzip)
/* Appends the compressed form of the next bytes to `out`, whole: what was given until now can be
 * read from what was written until now. `last`: nothing follows. */
void gzip_append(struct gzip *gzip, const char *bytes, size_t len, bool last, struct buf *out);

/* Compresses a whole body in its place; false, and unchanged: no memory. */
bool gzip_body(struct buf *body);

#endif
