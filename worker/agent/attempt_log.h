/* What a slot's spool says about its attempt: each record's content, written and read in one place.
 *
 *   asked → grant → run → measured… answered… refused… → exit → result or release → closed
 *
 * `run` may come again, when a promoted job is started again under the same lease. A record of a
 * kind that is not known is passed over. */
#ifndef WORKER_AGENT_ATTEMPT_LOG_H
#define WORKER_AGENT_ATTEMPT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/own.h"
#include "common/wire/wire.h"
#include "worker/agent/spool.h"
#include "worker/agent/supervisor.h"

/* Where and for whom the attempt runs. */
struct attempt_grant {
    char *server; /* the URL; owned */
    char *host;   /* owned */
    struct lease_grant lease;
};

/* One start of the command. */
struct attempt_run {
    int64_t from, to;
    char *folder;      /* of the attempt; owned */
    char *boot;        /* the machine's boot id; owned */
    char *gpu;         /* the devices it sees; "": none of its own; owned */
    int64_t at_ms;     /* monotonic: the attempt began; means something within this boot only */
    int64_t run_at_ms; /* … and this run of its command */
};

/* How its job ended. */
struct attempt_exit {
    enum job_event why; /* of the supervisor */
    int wait_status;
    bool killed_by_us;
    bool oom_seen, oom_sure; /* the kernel killed a process, or surely one of its own */
    bool with_worker;        /* its worker was being stopped */
    bool is_started;         /* else its program could not be */
    int64_t peak_kib;
    int64_t ran_ms;   /* since the attempt began */
    char *last_lines; /* what it printed last, clean; owned */
    char *notes;      /* what was noted about its reports, a line each; owned */
    char *oom_line;   /* what the kernel said of it, or ""; owned */
};

struct attempt_log {
    char asked[REQUEST_ID_BYTES]; /* for a trial, under this id; "": not recorded */
    bool has_grant, has_run, has_exit, has_result, releases, closed;
    struct attempt_grant grant;
    struct attempt_run run;
    uint64_t measured; /* number of the last report */
    uint64_t answered; /* those up to this one need not be sent any more */
    bool has_step;     /* of this run; the steps too */
    int64_t last_step, furthest_step;
    struct attempt_exit exit;
    struct result_report result;
};
void attempt_log_finish(struct attempt_log *log);
OWN_VALUE(attempt_log)

/* Each appends one record. False: it found no place. */
bool attempt_log_asked(struct spool *spool, const char *request_id);
bool attempt_log_grant(struct spool *spool, const char *server, const char *host,
                       const struct lease_grant *lease);
bool attempt_log_run(struct spool *spool, const struct attempt_run *run);
bool attempt_log_measured(struct spool *spool, uint64_t number, int64_t step,
                          const struct metric_value *metrics, size_t n);
bool attempt_log_answered(struct spool *spool, uint64_t number);
/* The server did not take this value of the metric; step -1: none of it. */
bool attempt_log_refused(struct spool *spool, int64_t step, double value, const char *metric);
bool attempt_log_exit(struct spool *spool, const struct attempt_exit *ended);
bool attempt_log_result(struct spool *spool, const struct result_report *report);
bool attempt_log_release(struct spool *spool);
bool attempt_log_closed(struct spool *spool);

/* A report as it stands in a record. */
struct attempt_report {
    uint64_t number;
    int64_t step;
    size_t n, cap;
    struct metric_value *metrics; /* owned */
};
void attempt_report_finish(struct attempt_report *report);
OWN_VALUE(attempt_report)
/* False: the record is of another kind, or cannot be read. */
bool attempt_report_read(const struct spool_record *record, struct attempt_report *report);

/* What was refused, as it stands in a record. False: as above. */
struct attempt_refusal {
    int64_t step; /* -1: all of them */
    double value;
    char metric[METRIC_NAME_BYTES + 1];
};
bool attempt_refusal_read(const struct spool_record *record, struct attempt_refusal *refusal);

/* Sums up what the spool holds; *log is filled anew. False: it cannot be read, for want of memory.
 */
bool attempt_log_read(struct spool *spool, struct attempt_log *log);

/* Returns the id of the machine's present boot, "" if unknown. */
const char *attempt_log_boot(char text[64]);

#endif
