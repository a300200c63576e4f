#include "worker/agent/answer_class.h"

#include <stdio.h>
#include <string.h>

#include "common/json.h"

/* By the type of the problem; what is not listed is worth another try. */
static const enum answer_class class_on_lease[ERR_CODE_COUNT] = {
    [ERR_MALFORMED] = ANSWER_CLASS_REFUSED,
    [ERR_UNAUTHORIZED] = ANSWER_CLASS_FATAL,
    [ERR_FORBIDDEN] = ANSWER_CLASS_FATAL,
    [ERR_NOT_FOUND] = ANSWER_CLASS_LOST,
    [ERR_METHOD_NOT_ALLOWED] = ANSWER_CLASS_REFUSED,
    [ERR_STUDY_EXISTS] = ANSWER_CLASS_LOST,
    [ERR_LEASE_SUPERSEDED] = ANSWER_CLASS_LOST,
    [ERR_RESULT_CONFLICT] = ANSWER_CLASS_LOST,
    [ERR_WRONG_STATE] = ANSWER_CLASS_LOST,
    [ERR_LEASE_ENDED] = ANSWER_CLASS_LOST,
    [ERR_EPOCH_CHANGED] = ANSWER_CLASS_LOST,
    [ERR_EVENTS_GONE] = ANSWER_CLASS_REFUSED,
    [ERR_REVISION_CHANGED] = ANSWER_CLASS_REFUSED,
    [ERR_TOO_LARGE] = ANSWER_CLASS_REFUSED,
    [ERR_UNSUPPORTED_TYPE] = ANSWER_CLASS_REFUSED,
    [ERR_INVALID] = ANSWER_CLASS_REFUSED,
    [ERR_KEY_REUSED] = ANSWER_CLASS_REFUSED,
    [ERR_UPGRADE_REQUIRED] = ANSWER_CLASS_FATAL,
};

/* An ask that is at fault would be at fault for ever; one that was granted once, and whose lease
 * has ended without us, is lost. */
static const enum answer_class class_on_ask[ERR_CODE_COUNT] = {
    [ERR_MALFORMED] = ANSWER_CLASS_FATAL,        [ERR_UNAUTHORIZED] = ANSWER_CLASS_FATAL,
    [ERR_FORBIDDEN] = ANSWER_CLASS_FATAL,        [ERR_LEASE_ENDED] = ANSWER_CLASS_LOST,
    [ERR_EPOCH_CHANGED] = ANSWER_CLASS_LOST,     [ERR_INVALID] = ANSWER_CLASS_FATAL,
    [ERR_UPGRADE_REQUIRED] = ANSWER_CLASS_FATAL,
};

void reply_finish(struct reply *reply)
{
    lease_grant_finish(&reply->grant);
}

/* ---- the forms of a success ---- */

static int read_lease(const json_t *body, struct reply *reply, struct err *err)
{
    const json_t *lease = json_object_get(body, "lease");

    if (json_is_null(lease)) {
        return no_lease_from_json(body, &reply->no, err);
    }
    TRY(lease_grant_from_json(body, &reply->grant, err));
    reply->granted = true;
    return 0;
}

static int read_state(const json_t *body, struct reply *reply, struct err *err)
{
    const char *state = json_string_value(json_object_get(json_object_get(body, "trial"), "state"));

    if (state == NULL) {
        return err_set(err, ERR_MALFORMED, "it does not say what became of the trial");
    }
    (void)snprintf(reply->state, sizeof reply->state, "%s", state);
    const json_t *feasible = json_object_get(json_object_get(body, "trial"), "feasible");
    reply->is_excluded = feasible != NULL && !json_is_true(feasible);
    return 0;
}

static int read_body(enum server_call call, int digits, const json_t *body, struct reply *reply,
                     struct err *err)
{
    if (!json_is_object(body)) {
        return err_set(err, ERR_MALFORMED, "it is no JSON object");
    }
    switch (call) {
    case CALL_ASK:
        return read_lease(body, reply, err);
    case CALL_MEASUREMENTS:
    case CALL_HEARTBEAT:
        return action_reply_from_json(body, digits, &reply->action, err);
    case CALL_RESULT:
        return read_state(body, reply, err);
    case CALL_NONE:
    case CALL_RELEASE:
    case CALL_COUNT:
    default:
        return err_set(err, ERR_MALFORMED, "no body was expected");
    }
}

static int read_success(enum server_call call, int digits, const struct http_answer *answer,
                        struct reply *reply, struct err *err)
{
    json_auto_t *body = NULL;
    struct err why = {0};

    if (call == CALL_RELEASE && answer->status == 204 && answer->body.len == 0) {
        return 0;
    }
    int rc =
        json_parse(buf_text(&answer->body), answer->body.len, &json_limits_default, &body, &why);
    if (rc == 0 && read_body(call, digits, body, reply, &why) == 0) {
        return 0;
    }
    if (why.code == ERR_NOMEM) {
        return err_set(err, ERR_NOMEM, "out of memory for the server's answer");
    }
    (void)http_answer_foreign(answer, err);
    if (rc == 0) { /* JSON: what is wrong with it may help */
        size_t used = strlen(err->text);
        (void)snprintf(err->text + used, sizeof err->text - used, ": %.200s", why.text);
    }
    return -1;
}

/* ---- the whole ---- */

enum answer_class answer_class_of(enum server_call call, int digits, int rc,
                                  const struct http_answer *answer, struct reply *reply,
                                  struct err *err)
{
    *reply = (struct reply){.retry_after_seconds = -1};
    if (rc != 0) {
        return ANSWER_CLASS_RETRY;
    }
    if (http_answer_check(answer, err) != 0) {
        if (err->code != ERR_UNREACHABLE) {
            reply->retry_after_seconds = answer->retry_after_seconds;
        }
        return call == CALL_ASK ? class_on_ask[err->code] : class_on_lease[err->code];
    }
    return read_success(call, digits, answer, reply, err) == 0 ? ANSWER_CLASS_TAKEN
                                                               : ANSWER_CLASS_RETRY;
}
