/* What an answer to one of the agent's calls means: the one place that decides whether it comes
 * from a Hone server at all, and what follows from it.
 *
 * A refusal counts only as one of our problem documents, a success only in the form that the call
 * is answered with. Anything else (a proxy's page, a login page, a redirect, another program) says
 * nothing about the trial: the network is at fault, and the call is repeated. Pure. */
#ifndef WORKER_AGENT_ANSWER_CLASS_H
#define WORKER_AGENT_ANSWER_CLASS_H

#include "common/http/client.h"
#include "common/own.h"
#include "common/wire/wire.h"

enum server_call {
    CALL_NONE,
    CALL_ASK,
    CALL_MEASUREMENTS,
    CALL_RESULT,
    CALL_RELEASE,
    CALL_HEARTBEAT,
    CALL_COUNT
};

enum answer_class {
    ANSWER_CLASS_RETRY,   /* the server was not reached, or cannot serve now */
    ANSWER_CLASS_TAKEN,   /* done; the reply says more */
    ANSWER_CLASS_REFUSED, /* for what the request says: it would be refused for ever */
    ANSWER_CLASS_LOST,    /* the lease has ended or does not exist */
    ANSWER_CLASS_FATAL    /* not with this token or version */
};

/* What a call that was taken brought. */
struct reply {
    bool granted;             /* ask: `grant`, else `no` */
    struct lease_grant grant; /* owned */
    struct no_lease no;
    struct action_reply action; /* measurements, heartbeat */
    char state[32];             /* result: the trial's */
    bool is_excluded;           /* result: it is not known to satisfy the study's constraints */
    double retry_after_seconds; /* of a Hone server; negative: not said */
};
void reply_finish(struct reply *reply);
OWN_VALUE(reply)

/* `digits`: of the lease's steps; `rc`, `answer` and `*err` as http_done() gets them; *err says why
 * unless the call was taken. The caller finishes *reply, whatever the class. */
enum answer_class answer_class_of(enum server_call call, int digits, int rc,
                                  const struct http_answer *answer, struct reply *reply,
                                  struct err *err);

#endif
