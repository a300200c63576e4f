/* What can be asked of tuning/: one struct a request, filled by api/, carried by engine/.
 *
 * A command owns what its input owns. After its group is on disk it comes back with `err.code` and
 * its output; command_destroy() releases both. */
#ifndef SERVER_TUNING_COMMAND_H
#define SERVER_TUNING_COMMAND_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/wire/wire.h"
#include "server/domain/shared_def.h"
#include "server/domain/trial.h"
#include "server/state/trial_reply.h"
#include "server/store/store.h"

struct suggestion_job;
struct ask; /* a waiting ask, tuning's own */

enum command_kind {
    COMMAND_STUDY_CREATE,
    COMMAND_STUDY_PATCH,
    COMMAND_STUDY_DELETE,
    COMMAND_TRIALS_ADD,
    COMMAND_TRIAL_CANCEL,
    COMMAND_TRIALS_RETRY, /* `trial`, or all of `states` where that is 0 */
    COMMAND_ASK,
    COMMAND_MEASURE,
    COMMAND_HEARTBEAT,
    COMMAND_RESULT,
    COMMAND_RELEASE,
    COMMAND_SUGGESTION, /* a job of a suggester has its result: internal */
    COMMAND_UNSENT,     /* an answer could not be delivered: internal */
    COMMAND_TOKEN_CREATE,
    COMMAND_TOKEN_REVOKE,
    COMMAND_KIND_COUNT
};

/* A study as it stands when the command is done. */
struct study_state_reply {
    struct shared_def *def;
    struct study_row row; /* without its texts */
};

struct command {
    enum command_kind kind;
    struct command *next; /* the engine's queue */
    size_t bytes;         /* what it weighs in the queue */

    /* where the answer goes: the api's business */
    void *origin;
    bool (*is_gone)(void *origin); /* has the client hung up? may be NULL */

    char principal[16];     /* id of the token, "" under --open */
    char study[NAME_BYTES]; /* by name, "" where the command has none */
    int64_t trial;          /* number; a measurement's is filled in with `study` and `attempt` */
    int64_t attempt;        /* MEASURE: output */
    char lease[LEASE_ID_BYTES];
    json_t *body; /* parsed request, owned, or NULL */

    /* Idempotency-Key, hashed with token, method and path; and the body's hash */
    bool has_key;
    unsigned char key[16];
    unsigned char body_hash[16];

    /* ---- input by kind ---- */
    struct study_def *def; /* STUDY_CREATE, owned until taken */
    bool force;            /* STUDY_DELETE, TOKEN_REVOKE */
    int64_t if_revision;   /* STUDY_PATCH: 0 not said */
    unsigned states;       /* TRIALS_RETRY: bit per state */
    double progress;       /* HEARTBEAT: NaN not said */
    char *report_text;     /* RESULT: normalised, for its hash and as evidence */
    union {                /* the large ones share their place: thousands of asks may be parked */
        struct lease_ask ask;                 /* ASK */
        struct measurement_list measurements; /* MEASURE */
        struct result_report report;          /* RESULT */
        struct token_row token; /* TOKEN_CREATE; TOKEN_REVOKE: id, and the scopes of which one
                                   usable token must be left unless `force` */
    };
    char *secret;               /* TOKEN_CREATE: shown once in the reply */
    struct suggestion_job *job; /* SUGGESTION, owned */

    /* ---- output ---- */
    struct err err;
    struct faults faults;
    bool answered;     /* it stands among the answers of its group */
    bool is_parked;    /* MEASURE: the answer waits for a forecast of the trial */
    bool keeps_writes; /* refused, and what it wrote (evidence) stays */
    bool is_replay;    /* the reply is a kept one: replay_status, replay_text */
    int64_t replay_status;
    char *replay_text;
    bool created;     /* STUDY_CREATE: 201, not 200 */
    size_t n_numbers; /* TRIALS_ADD, TRIALS_RETRY */
    int64_t *numbers;
    int64_t n_skipped; /* TRIALS_RETRY: those that cannot be tried again */
    bool granted;      /* ASK */
    union {
        struct { /* ASK */
            struct lease_grant grant;
            struct no_lease no_lease;
        };
        struct { /* all others */
            struct study_state_reply study_out;
            struct trial_reply trial_out;
        };
    };
    struct action_reply action;
    bool late;
    int64_t server_seq;
    struct ask *waiting; /* ASK while parked */
};

/* NULL: out of memory. */
struct command *command_create(enum command_kind kind);
void command_destroy(struct command *command);
/* Releases what was answered so far, as if nothing had been. */
void command_drop_outputs(struct command *command);
OWN_POINTER(command)

#endif
