/* Which piece of a log is sent next, and when. Pure.
 *
 * A log that the server keeps whole is sent whole, as soon as there are PIECE bytes, or what there
 * is every two seconds. Of a longer one the server keeps the beginning and the end: once the
 * beginning is there, pieces go at a slower pace, and while the job prints faster than that, what
 * lies between is left out. At the end only the end is sent. */
#ifndef WORKER_AGENT_UPLOAD_PLAN_H
#define WORKER_AGENT_UPLOAD_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UPLOAD_PIECE_BYTES 65536
#define UPLOAD_LIMIT_DEFAULT ((int64_t)16 << 20) /* until the server says what it keeps */

struct upload_facts {
    int64_t size;    /* of the log so far */
    int64_t sent;    /* the server has everything before, or was told that it will not come */
    int64_t limit;   /* what the server keeps of a log */
    int64_t last_ms; /* when the last piece was sent */
    bool ended;      /* the log does not grow any more */
    bool told_end;   /* the server knows that */
};

struct upload_plan {
    bool done;
    int64_t due_ms; /* not before; INT64_MAX: when the log has grown */
    int64_t offset;
    size_t len;
    bool skips, ends;
};

void upload_plan_next(const struct upload_facts *facts, struct upload_plan *plan);

#endif
