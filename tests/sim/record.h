/* What happened in a world, in the form that the checker reads (tests/support/history.h). */
#ifndef TESTS_SIM_RECORD_H
#define TESTS_SIM_RECORD_H

#include "tests/sim/world.h"
#include "tests/support/history.h"

struct record {
    struct history history;
    int64_t n_ops;
    int64_t tick;           /* orders what happens in one millisecond */
    uint64_t hash;          /* of all lines: two runs of one seed have the same */
    FILE *trace;            /* every line as well, or NULL */
    int64_t wall_offset_ms; /* the server's, when it gave the answer that is recorded next */
};

void record_init(struct record *record, FILE *trace);
void record_finish(struct record *record);

/* The number of the new request. `input` is a JSON object. */
int64_t record_invoke(struct record *record, int64_t now_ms, const char *client, const char *kind,
                      const char *input);
/* The answer as it reached the client. */
void record_answer(struct record *record, int64_t now_ms, int64_t op,
                   const struct command *command);
void record_fault(struct record *record, int64_t now_ms, const char *kind);
/* Everything in the store. */
MUST_USE int record_dump(struct record *record, struct world *world, struct err *err);

#endif
