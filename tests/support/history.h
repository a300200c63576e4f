/* What clients saw, and what the server says it holds: the two inputs of the checker (checker.h).
 *
 * The history is one JSON object a line, in the order written:
 *   {"event": "invoke", "op": 17, "at_ns": …, "client": "c1", "kind": "lease", "input": {…}}
 *   {"event": "ok" | "fail" | "info", "op": 17, "at_ns": …, "seq": 41, "output": {…}}
 *   {"event": "fault", "at_ns": …, "kind": "kill"}
 *   {"event": "calm", "at_ns": …}         from here on nothing is broken on purpose any more
 *   {"event": "drained", "at_ns": …}      every trial was seen in its final state
 * `at_ns` is the monotonic clock of one machine. Every request on the wire is an op of its own, so
 * a repeated one has a new number (1, 2, …; at most OP_MAX) and the same key. `ok`: a 2xx was read
 * whole. `fail`: a 4xx, the server says that nothing happened. `info`: no answer, half an answer,
 * or a 5xx: it may have happened. An op without a second line is `info` too. `output` is the body
 * of the answer as it came, `seq` the header Server-Seq, left out where there was none.
 *
 * kind       input
 * create     {"study": NAME}
 * enqueue    {"study": NAME, "key": KEY or null, "items": [{parameters}, …]}
 * lease      {"study": NAME or null, "worker": NAME, "request_id": ID or null}
 * measure    {"lease": ID, "body": {"measurements": […]}}
 * heartbeat  {"lease": ID}
 * result     {"lease": ID, "body": {"outcome": …, …}}
 * release    {"lease": ID}
 * read       {"study": NAME, "trial": 12}
 *
 * The dump, taken through the API when all clients are done:
 *   {"kind": "study", "row": {…}}                         as GET /v1/studies lists it
 *   {"kind": "trial", "study": NAME, "row": {…}}          as GET …/trials lists it
 *   {"kind": "attempt", "study": NAME, "trial": 12, "row": {…}}
 *   {"kind": "measurement", "study": NAME, "trial": 12, "row": {"attempt", "step", "metrics"}}
 *   {"kind": "event", "row": {…}}                         as GET /v1/events lists it
 *   {"kind": "server", "seq": 4711}
 * `items` of an enqueue name every parameter, so that they compare with the dump as they are.
 * Of a study the rules know `strategy`, `resource.max` and `limits.attempts`.
 * An answer may have `expires_at_ns`, the end of the lease on the clock of `at_ns`: a lease's time
 * shrinks and grows with their number. Without it, it is `ttl_seconds` of the grant.
 * A measurement row without `attempt` is taken as the trial's curve (newest attempt wins). */
#ifndef TESTS_SUPPORT_HISTORY_H
#define TESTS_SUPPORT_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/own.h"
#include "tests/support/index.h"

#define OP_MAX 50000000

enum op_kind {
    OP_CREATE,
    OP_ENQUEUE,
    OP_LEASE,
    OP_MEASURE,
    OP_HEARTBEAT,
    OP_RESULT,
    OP_RELEASE,
    OP_READ,
    OP_KIND_COUNT
};
enum op_status { OP_INFO, OP_OK, OP_FAIL };

/* One metric at one step; its value as canonical JSON text. */
struct point {
    int64_t step;
    uint32_t metric, value;
};

/* Texts are numbers in history.texts. */
struct op {
    int64_t id;
    enum op_kind kind;
    enum op_status status;
    int64_t invoked_ns;
    int64_t completed_ns; /* INT64_MAX: never */
    uint32_t client, study, worker, key, lease;
    uint32_t body;    /* canonical text of what was sent */
    uint32_t answer;  /* canonical text of what came back (enqueue, result) */
    uint32_t state;   /* trial state in the answer (result, read) */
    uint32_t problem; /* type of the problem that it was refused with */
    uint32_t params;  /* lease: as handed out */
    uint32_t outcome;
    bool granted; /* lease: not null */
    bool aborted; /* the answer was abort: nothing was stored */
    bool late;
    int64_t trial, attempt; /* lease: from the answer; others: through the lease id */
    int64_t holder; /* result, read: the attempt that the trial had when answered; 0: not known */
    int64_t until;  /* lease: the step to train to; 0: the study has no resource */
    int64_t conflict;
    int64_t seq; /* -1: none */
    double ttl_seconds;
    int64_t expires_ns;           /* the end of the lease as in the answer; 0: not in it */
    size_t first_point, n_points; /* measure, result: in history.points */
    size_t first_item, n_items;   /* enqueue: in history.items */
};

/* One enqueued configuration and the number that it got (0: not answered). */
struct enqueued {
    uint32_t params;
    int64_t number;
};

struct dumped_trial {
    uint32_t study, state, reason, source, params;
    int64_t number, attempt;
    size_t first_point, n_points; /* its metrics */
};
struct dumped_attempt {
    uint32_t study, worker, state; /* state 0: not known */
    int64_t trial, attempt;
};
struct dumped_point {
    uint32_t study;
    int64_t trial, attempt; /* attempt 0: not known */
    struct point point;
};
struct dumped_study {
    uint32_t name, strategy;
    int64_t resource_max; /* 0: no resource */
    int64_t attempts_max; /* limits.attempts; 0: not known */
};
struct dumped_event {
    uint32_t kind, study;
    int64_t seq, trial, attempt;
};

struct history {
    struct texts texts;
    size_t n_ops, cap_ops;
    struct op *ops;
    size_t n_points, cap_points;
    struct point *points;
    size_t n_items, cap_items;
    struct enqueued *items;
    size_t n_faults;
    int64_t calm_ns;    /* of the last fault, or when it was said; 0: never */
    int64_t drained_ns; /* 0: never */
    size_t n_studies, cap_studies;
    struct dumped_study *studies;
    size_t n_trials, cap_trials;
    struct dumped_trial *trials;
    size_t n_attempts, cap_attempts;
    struct dumped_attempt *attempts;
    size_t n_rows, cap_rows;
    struct dumped_point *rows;
    size_t n_events, cap_events;
    struct dumped_event *events; /* in the order of the dump */
    int64_t dump_seq;            /* -1: not said */
    size_t cap_row_of;
    size_t *row_of; /* by op number: 1 + the row in ops, 0: not invoked */
};

void history_init(struct history *history);
void history_finish(struct history *history);
OWN_VALUE(history)

/* One line of the history, one of the dump. ERR_INVALID: not what is described above. Answers must
 * follow their invocations. */
MUST_USE int history_add(struct history *history, const char *line, size_t len, struct err *err);
MUST_USE int history_add_dump(struct history *history, const char *line, size_t len,
                              struct err *err);

#endif
