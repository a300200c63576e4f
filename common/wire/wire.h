/* The messages that server and worker exchange, encoded and decoded in one place.
 *
 * Decoding on the server is strict (unknown fields are faults); on the worker it is lenient
 * (unknown fields are a newer server's business). Texts inside a decoded message are owned by the
 * message and released by its _finish. API.md "Leases". */
#ifndef COMMON_WIRE_WIRE_H
#define COMMON_WIRE_WIRE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "common/json.h"
#include "common/names.h"
#include "common/own.h"
#include "common/wire/checkpoint.h"

#define REQUEST_ID_BYTES 129
#define HEALTH_BYTES 513
#define LEASE_ID_BYTES 48
#define METRICS_MAX 64        /* metrics of a study */
#define MEASUREMENTS_MAX 1000 /* in one request */

/* ---- POST /v1/leases ---- */
#define ASK_LIST_MAX 64
#define ASK_TTL_MOST_SECONDS (30 * 86400.0)

struct lease_ask {
    char worker[WORKER_NAME_BYTES];    /* "" when not said */
    char request_id[REQUEST_ID_BYTES]; /* "" when not said */
    double wait_seconds;               /* 0..60 */
    double ttl_seconds; /* of the lease, where longer than the study says; 0: not said */
    bool has_seconds_left;
    double seconds_left; /* what a trial has on this worker before it is stopped */
    char **studies;      /* NULL or ASK_LIST_MAX places, all owned */
    size_t n_studies;
    char **runners; /* the same */
    size_t n_runners;
    bool has_runners; /* an ask without "runners" matches any study */
    char host[WORKER_NAME_BYTES];
    char health[HEALTH_BYTES]; /* why the worker is not well; "": it is, or not said */
    size_t n_gpus;
    json_t *gpus;   /* [{"model", "memory_mib"}] as sent, or NULL; owned */
    json_t *labels; /* object of strings, or NULL; owned */
};
void lease_ask_finish(struct lease_ask *ask);
OWN_VALUE(lease_ask)
/* How many of its GPUs have at least so much memory; one whose memory was not said has none. */
size_t lease_ask_gpus_with(const struct lease_ask *ask, int64_t memory_mib);
/* -1: each fault with its pointer is in *faults. */
MUST_USE int lease_ask_from_json(const json_t *body, struct lease_ask *ask, struct faults *faults);
void lease_ask_write(const struct lease_ask *ask, struct json_writer *w);

/* Parts of a grant that are JSON, as the worker reads them; references that it owns. */
struct grant_values {
    json_t *objectives; /* array [{"metric", "direction", "fold"}]; NULL: not said */
    json_t *parameters; /* object; {} when not said */
    json_t *inactive;   /* array: the study's other parameters; NULL: not said */
    json_t *job;        /* object; NULL: none */
    json_t *discard;    /* array of uris; NULL: none */
};

/* The answer to a lease call that granted something. The server, which writes the JSON parts once
 * and sends them often, fills the texts; the worker's lease_grant_from_json() fills `values`. Where
 * a value is present it is written, else the text. */
struct lease_grant {
    char id[LEASE_ID_BYTES];
    int64_t expires_at_ms; /* wall clock; -1: not said */
    double ttl_seconds;
    double heartbeat_seconds;
    char study[NAME_BYTES];
    char *objectives; /* JSON array [{"metric","direction"}]; owned */
    int64_t trial;
    int64_t attempt;
    char *parameters; /* JSON object; owned */
    char *inactive;   /* JSON array: the study's other parameters; NULL: not said; owned */
    uint64_t seed;    /* 0..2^53-1 */
    bool has_resource;
    char resource_name[NAME_BYTES + 1];
    int digits; /* steps are in units of 10^-digits: common/step.h */
    int64_t from, to;
    struct checkpoint checkpoint;
    double trial_seconds; /* 0: no limit */
    double stall_seconds;
    int64_t requires_gpus; /* of the study; 0: not said, or none */
    int64_t requires_gpu_memory_mib;
    char *job;     /* JSON object or NULL; owned */
    char *discard; /* JSON array of uris or NULL (= []); owned */
    struct grant_values values;
};
void lease_grant_finish(struct lease_grant *grant);
OWN_VALUE(lease_grant)
void lease_grant_write(const struct lease_grant *grant, struct json_writer *w);
/* Its "trial" alone: what a job finds in HONE_PARAMS_FILE. */
void lease_grant_write_trial(const struct lease_grant *grant, struct json_writer *w);
/* ERR_INVALID: not a lease that a worker can use; *grant is empty then. */
MUST_USE int lease_grant_from_json(const json_t *body, struct lease_grant *grant, struct err *err);

/* The answer that granted nothing: {"lease": null, …}. */
enum no_lease_reason {
    NO_LEASE_WAITING,
    NO_LEASE_PAUSED,
    NO_LEASE_STOPPED,
    NO_LEASE_FINISHED,
    NO_LEASE_NONE,
    NO_LEASE_DRAINED,  /* the worker's node is */
    NO_LEASE_TOO_LONG, /* what could go out takes longer than the worker has left */
    NO_LEASE_REASON_COUNT
};
const char *no_lease_reason_name(enum no_lease_reason reason);
struct no_lease {
    enum no_lease_reason reason;
    char detail[256];
    double retry_after_seconds;
};
void no_lease_write(const struct no_lease *no, struct json_writer *w);
/* ERR_MALFORMED: neither a lease nor a reason. */
MUST_USE int no_lease_from_json(const json_t *body, struct no_lease *no, struct err *err);

/* ---- POST …/measurements ---- */
struct measurement {
    int64_t step;       /* in units of the study's resource */
    const char *metric; /* borrowed from the list's `names`, or from who made the list */
    double value;       /* may be NaN or infinite */
    double said;        /* of a list that was read: the step as a number, … */
    size_t entry;       /* … and which entry it stands in */
};
struct measurement_list { /* owned arrays */
    size_t n;
    int digits; /* of the steps; STEP_AS_SAID after reading, until they are settled */
    struct measurement *items; /* flattened: one per (step, metric) */
    char *names;               /* NULL where they are borrowed */
    bool replace; /* of values there already, those that nothing was decided upon are overwritten */
};
void measurement_list_finish(struct measurement_list *list);
OWN_VALUE(measurement_list)
/* -1: each fault with its pointer is in *faults. Which unit the steps are in only their study
 * knows: measurement_list_settle() comes before they are used. */
MUST_USE int measurement_list_from_json(const json_t *body, struct measurement_list *list,
                                        struct faults *faults);
/* Sets the steps to the nearest number of units; harmless for a list that was not read. -1: a
 * fraction in a study of whole steps; each fault is in *faults. */
MUST_USE int measurement_list_settle(struct measurement_list *list, int digits,
                                     struct faults *faults);
/* How many items at the front fit into one request, whose entries are limited in number and size.
 */
size_t measurement_list_fit(const struct measurement_list *list);
/* Consecutive items of the same step become one entry. Of items with the same step and metric only
 * the first is written. */
void measurement_list_write(const struct measurement_list *list, struct json_writer *w);

enum action { ACTION_CONTINUE, ACTION_PAUSE, ACTION_STOP, ACTION_ABORT, ACTION_COUNT };
const char *action_name(enum action action);

struct action_reply {
    enum action action;
    bool has_until;
    int digits; /* of `until` */
    int64_t until;
    int64_t expires_at_ms;
    double heartbeat_seconds; /* 0: not said */
    int64_t duplicate;
    int64_t conflict;
    int64_t replaced;
    bool late;
};
void action_reply_write(const struct action_reply *reply, struct json_writer *w);
/* `digits`: of the lease's grant. ERR_MALFORMED or ERR_INVALID: not an answer of this form. */
MUST_USE int action_reply_from_json(const json_t *body, int digits, struct action_reply *reply,
                                    struct err *err);

/* ---- PUT …/result ---- */
enum outcome {
    OUTCOME_COMPLETED,
    OUTCOME_FAILED,
    OUTCOME_INFEASIBLE,
    OUTCOME_PREEMPTED,
    OUTCOME_COUNT
};
const char *outcome_name(enum outcome outcome);

struct metric_value {
    char metric[METRIC_NAME_BYTES + 1];
    double value;
};
struct result_report {
    enum outcome outcome;
    int digits; /* of the steps; STEP_AS_SAID after reading, until they are settled */
    bool has_step;
    int64_t step;
    double said; /* of a report that was read: its step as a number */
    size_t n_metrics;
    struct metric_value *metrics; /* owned */
    char reason[REASON_BYTES];    /* failure reason: exit_code, signal, timeout, stalled, oom,
                                     no_metric, … */
    char *detail;                 /* at most 4 KiB; owned; NULL if none */
    struct checkpoint checkpoint;
    bool has_usage;
    double wall_seconds, gpu_seconds, peak_memory_mib, energy_joules; /* NaN: not said */
};
void result_report_finish(struct result_report *report);
OWN_VALUE(result_report)
/* -1: each fault with its pointer is in *faults. */
MUST_USE int result_report_from_json(const json_t *body, struct result_report *report,
                                     struct faults *faults);
/* As measurement_list_settle(), for its step and that of its checkpoint. */
MUST_USE int result_report_settle(struct result_report *report, int digits, struct faults *faults);
void result_report_write(const struct result_report *report, struct json_writer *w);

#endif
