/* What has happened in a study since the server started, counted for /metrics. In memory alone: a
 * reader of counters takes into account that they begin at 0 again. */
#ifndef SERVER_STATE_TALLY_H
#define SERVER_STATE_TALLY_H

#include <stdint.h>

#include "server/domain/trial.h"

struct live_lease;
struct live_study;
struct live_trial;

/* What became of the time that workers spent on a study. */
enum compute_fate {
    COMPUTE_KEPT,   /* by attempts whose result counts, or whose checkpoint the next one resumes */
    COMPUTE_WASTED, /* by attempts that were lost, failed, cancelled or handed back without one */
    COMPUTE_SAVED,  /* not spent: what pruned trials would have needed to the highest resource */
    COMPUTE_FATE_COUNT
};
/* "kept", "wasted", "saved"; static text. */
const char *compute_fate_name(enum compute_fate fate);

struct tally {
    int64_t finished[TRIAL_STATE_COUNT]; /* trials that got this final state */
    int64_t compute_ms[COMPUTE_FATE_COUNT];
    int64_t last_report_ms; /* wall clock: the last measurement or result; 0: none */
};

/* The attempt is over, or its lease has expired: its end and row.ended_at_ms are set. What was
 * counted when it expired is not counted again. */
void tally_attempt(struct live_lease *lease);
/* The trial has got its final state. */
void tally_end(const struct live_trial *trial);

#endif
