/* Where a trial's progress is saved: {"uri", "step", "reach"}, in results, in grants and in the
 * database. */
#ifndef COMMON_WIRE_CHECKPOINT_H
#define COMMON_WIRE_CHECKPOINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/json.h"
#include "common/names.h"

#define CHECKPOINT_URI_BYTES 1025

/* Whose workers can read it: "any", or "host:NAME". */
enum reach { REACH_ANY, REACH_HOST };

struct checkpoint {
    bool present;
    char uri[CHECKPOINT_URI_BYTES];
    int64_t step; /* in units; -1: not said (a result without step) */
    double said;  /* of a result that was read: its step as a number; NaN: not said */
    enum reach reach;
    char host[WORKER_NAME_BYTES]; /* of REACH_HOST; "" otherwise */
};

/* `host`: the worker's, "" where it is not known. */
bool checkpoint_is_reached_from(const struct checkpoint *checkpoint, const char *host);

/* Is it "sha256:" and 64 digits, the name that the server gives to a checkpoint uploaded to it? */
bool checkpoint_uri_is_uploaded(const char *uri);

/* The member `name` of a grant: an object or a bare uri; `step` stands where none is named. */
void checkpoint_read(struct fields *parent, const char *name, int digits, int64_t step,
                     struct checkpoint *checkpoint);
/* That of a result, whose study is not known yet: sets `said`. Unknown members are faults. */
void checkpoint_read_said(struct fields *parent, const char *name, double said,
                          struct checkpoint *checkpoint);
/* The object, with STEP_AS_SAID what was said; without `step` where it is not said. */
void checkpoint_write(const struct checkpoint *checkpoint, int digits, struct json_writer *w);
/* From an object as checkpoint_write() makes it; not present when `value` is none. */
void checkpoint_from_json(const json_t *value, int digits, struct checkpoint *checkpoint);

#endif
