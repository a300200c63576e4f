/* What can be asked of tuning/: one struct for each kind, filled by api/, carried by engine/.
 *
 * Each begins with a `struct command`, by which the engine and the queue know it; as_KIND() leads
 * back to the whole. A use case reads `in` and fills `out`; both own what they point to. After its
 * group is on disk a command comes back with `err.code` and its output; command_destroy() releases
 * all of it. */
#ifndef SERVER_TUNING_COMMAND_H
#define SERVER_TUNING_COMMAND_H

#include <assert.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "common/wire/wire.h"
#include "server/domain/shared_def.h"
#include "server/domain/trial.h"
#include "server/state/trial_reply.h"
#include "server/store/manifest.h"
#include "server/store/tokens.h"

struct suggestion_job;

enum command_kind {
    COMMAND_STUDY_CREATE,
    COMMAND_STUDY_PATCH,
    COMMAND_STUDY_DELETE,
    COMMAND_TRIALS_ADD,
    COMMAND_TRIAL_CANCEL,
    COMMAND_TRIALS_RETRY,
    COMMAND_ASK,
    COMMAND_MEASURE,
    COMMAND_HEARTBEAT,
    COMMAND_RESULT,
    COMMAND_RELEASE,
    COMMAND_SUGGESTION, /* a job of a suggester has its result: internal */
    COMMAND_UNSENT,     /* an answer could not be delivered: internal */
    COMMAND_TOKEN_CREATE,
    COMMAND_TOKEN_REVOKE,
    COMMAND_WORKER_SET,
    COMMAND_BACKUP, /* who ordered one; the engine makes it (server/engine/backups.h) */
    COMMAND_KIND_COUNT
};

/* What every kind has. */
struct command {
    enum command_kind kind;
    struct command *next; /* the engine's queue */
    size_t bytes;         /* what it weighs in the queue */

    /* where the answer goes: the api's business */
    void *origin;
    bool (*is_gone)(void *origin); /* has the client hung up? may be NULL */

    char principal[16]; /* id of the token, "" under --open */
    char address[46];   /* of the client */
    /* Idempotency-Key, hashed with token, method and path; and the body's hash */
    bool has_key;
    unsigned char key[16];
    unsigned char body_hash[16];

    /* ---- the answer ---- */
    struct err err;
    struct faults faults;
    bool waits;        /* it is answered with a later group */
    bool answered;     /* it stands among the answers of its group */
    bool keeps_writes; /* refused, and what it wrote (evidence) stays */
    bool is_replay;    /* the reply is a kept one: replay_status, replay_text */
    int64_t replay_status;
    char *replay_text;
    int64_t server_seq;
};

/* A study as it stands when the command is done. */
struct study_state_reply {
    struct shared_def *def;
    struct study_row row; /* without its texts */
};

struct study_create_command {
    struct command head;
    struct {
        json_t *body;          /* as it was sent */
        struct study_def *def; /* until it is taken */
    } in;
    struct {
        bool created; /* 201, not 200 */
        struct study_state_reply study;
    } out;
};

struct study_patch_command {
    struct command head;
    struct {
        char study[NAME_BYTES];
        json_t *body;
        int64_t if_revision; /* 0: not said */
    } in;
    struct {
        size_t n_numbers;
        int64_t *numbers; /* of the enqueued trials */
        struct study_state_reply study;
    } out;
};

struct study_delete_command {
    struct command head;
    struct {
        char study[NAME_BYTES];
        bool force;
    } in;
};

struct trials_add_command {
    struct command head;
    struct {
        char study[NAME_BYTES];
        json_t *body;
        bool by_program; /* what is enqueued has a share, also where the study sets none */
    } in;
    struct {
        size_t n_numbers;
        int64_t *numbers;
        struct trial_reply trial; /* of a body that is no list; else without `def` */
    } out;
};

struct trial_cancel_command {
    struct command head;
    struct {
        char study[NAME_BYTES];
        int64_t trial; /* number */
    } in;
    struct {
        struct trial_reply trial;
    } out;
};

struct trials_retry_command {
    struct command head;
    struct {
        char study[NAME_BYTES];
        int64_t trial;   /* its number; 0: all of `states` */
        unsigned states; /* bit per state */
    } in;
    struct {
        size_t n_numbers;
        int64_t *numbers;
        int64_t n_skipped;        /* those that cannot be tried again */
        struct trial_reply trial; /* the one that was asked for; else without `def` */
    } out;
};

struct ask_command {
    struct command head;
    struct {
        char study[NAME_BYTES]; /* of the path; "" for none */
        struct lease_ask ask;
    } in;
    struct {
        bool granted;
        struct lease_grant grant; /* else: */
        struct no_lease no_lease;
    } out;
};

struct measure_command {
    struct command head;
    struct {
        char lease[LEASE_ID_BYTES];
        struct measurement_list measurements;
    } in;
    struct {
        struct action_reply action;
        char study[NAME_BYTES]; /* whose measurements these are, for the event streams; "": none */
        int64_t trial, attempt; /* numbers */
    } out;
};

struct heartbeat_command {
    struct command head;
    struct {
        char lease[LEASE_ID_BYTES];
        double progress;        /* NaN: not said */
        double gpu_utilization; /* the same */
    } in;
    struct {
        struct action_reply action;
    } out;
};

struct result_command {
    struct command head;
    struct {
        char lease[LEASE_ID_BYTES];
        struct result_report report;
        char *text; /* the report, normalised: for its hash and as evidence */
    } in;
    struct {
        struct trial_reply trial;
        bool late;
    } out;
};

struct release_command {
    struct command head;
    struct {
        char lease[LEASE_ID_BYTES];
    } in;
};

struct unsent_command {
    struct command head;
    struct {
        char lease[LEASE_ID_BYTES];
    } in;
};

struct suggestion_command {
    struct command head;
    struct {
        struct suggestion_job *job;
    } in;
};

struct token_create_command {
    struct command head;
    struct {
        struct token_row token;
        char *secret; /* shown once in the reply */
    } in;
    struct {
        struct token_row token;
    } out;
};

struct token_revoke_command {
    struct command head;
    struct {
        char token[16];  /* id */
        unsigned scopes; /* of which one usable token must be left unless `force` */
        bool force;
    } in;
};

struct worker_set_command {
    struct command head;
    struct {
        char worker[WORKER_NAME_BYTES]; /* one of its workers, or the node itself */
        bool drain;                     /* else it is resumed */
    } in;
    struct {
        char node[WORKER_NAME_BYTES];
        const char *state; /* static text */
    } out;
};

struct backup_command {
    struct command head;
    struct {
        char name[BACKUP_NAME_BYTES];
    } in;
};

/* The whole of a command whose kind is known to be this one. */
#define COMMAND_AS(name, expected)                                                                 \
    static inline struct name##_command *as_##name(struct command *command)                        \
    {                                                                                              \
        assert(command->kind == (expected));                                                       \
        return (struct name##_command *)command;                                                   \
    }                                                                                              \
    static inline const struct name##_command *as_const_##name(const struct command *command)      \
    {                                                                                              \
        assert(command->kind == (expected));                                                       \
        return (const struct name##_command *)command;                                             \
    }
COMMAND_AS(study_create, COMMAND_STUDY_CREATE)
COMMAND_AS(study_patch, COMMAND_STUDY_PATCH)
COMMAND_AS(study_delete, COMMAND_STUDY_DELETE)
COMMAND_AS(trials_add, COMMAND_TRIALS_ADD)
COMMAND_AS(trial_cancel, COMMAND_TRIAL_CANCEL)
COMMAND_AS(trials_retry, COMMAND_TRIALS_RETRY)
COMMAND_AS(ask, COMMAND_ASK)
COMMAND_AS(measure, COMMAND_MEASURE)
COMMAND_AS(heartbeat, COMMAND_HEARTBEAT)
COMMAND_AS(result, COMMAND_RESULT)
COMMAND_AS(release, COMMAND_RELEASE)
COMMAND_AS(unsent, COMMAND_UNSENT)
COMMAND_AS(suggestion, COMMAND_SUGGESTION)
COMMAND_AS(token_create, COMMAND_TOKEN_CREATE)
COMMAND_AS(token_revoke, COMMAND_TOKEN_REVOKE)
COMMAND_AS(worker_set, COMMAND_WORKER_SET)
COMMAND_AS(backup, COMMAND_BACKUP)

/* A command of that kind, all of it zero. NULL: out of memory. */
struct command *command_create(enum command_kind kind);
void command_destroy(struct command *command);
/* Releases what was answered so far, as if nothing had been. */
void command_drop_outputs(struct command *command);
OWN_POINTER(command)

#endif
