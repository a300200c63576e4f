#include "server/http/gzip.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

#define WITH_GZIP_HEADER 16 /* added to the window's bits, as zlib.h says */
#define MEMORY_LEVEL 8
#define PIECE_BYTES ((size_t)64 << 10)

struct gzip {
    z_stream stream;
    unsigned char piece[PIECE_BYTES];
};

struct gzip *gzip_create(void)
{
    struct gzip *gzip = malloc(sizeof *gzip);

    if (gzip == NULL) {
        return NULL;
    }
    gzip->stream = (z_stream){0};
    if (deflateInit2(&gzip->stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + WITH_GZIP_HEADER,
                     MEMORY_LEVEL, Z_DEFAULT_STRATEGY)
        != Z_OK) {
        free(gzip);
        return NULL;
    }
    return gzip;
}

void gzip_destroy(struct gzip *gzip)
{
    if (gzip != NULL) {
        (void)deflateEnd(&gzip->stream);
        free(gzip);
    }
}

/* Until zlib has nothing more to write for what it was given. */
static void deflate_all(struct gzip *gzip, int flush, struct buf *out)
{
    z_stream *stream = &gzip->stream;

    do {
        stream->next_out = gzip->piece;
        stream->avail_out = (uInt)sizeof gzip->piece;
        (void)deflate(stream, flush); /* fails only for what is never done here */
        buf_append(out, gzip->piece, sizeof gzip->piece - stream->avail_out);
    } while (stream->avail_out == 0);
}

void gzip_append(struct gzip *gzip, const char *bytes, size_t len, bool last, struct buf *out)
{
    size_t most = UINT32_MAX;

    do {
        size_t now = len < most ? len : most;
        gzip->stream.next_in = (z_const Bytef *)(uintptr_t)bytes;
        gzip->stream.avail_in = (uInt)now;
        bytes += now;
        len -= now;
        deflate_all(gzip, len > 0 ? Z_NO_FLUSH : last ? Z_FINISH : Z_SYNC_FLUSH, out);
    } while (len > 0);
}

bool gzip_body(struct buf *body)
{
    OWN(gzip) struct gzip *gzip = gzip_create();
    struct buf packed;

    if (gzip == NULL) {
        return false;
    }
    buf_init(&packed, body->max);
    gzip_append(gzip, buf_text(body), body->len, true, &packed);
    if (packed.failed) {
        buf_finish(&packed);
        return false;
    }
    buf_finish(body);
    *body = packed;
    return true;
}
