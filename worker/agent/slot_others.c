#include "worker/agent/slot_others.h"

#include <string.h>

#include "common/http/async.h"
#include "worker/agent/slot_begin.h"
#include "worker/agent/slot_resume.h"

#define EVERY_MS 10000 /* and whenever a trial has ended */

struct state_gather slot_others(const struct agent_context *context)
{
    return (struct state_gather){.own = context->state_dir,
                                 .workdir = context->workdir,
                                 .name = context->settings->name,
                                 .host = context->host};
}

/* Before a new ask, not while an answer may hold a lease. */
static bool may_look(const struct slot *slot)
{
    const struct agent_context *context = slot->context;

    return context->state_dir != NULL && context->settings->state_dir == NULL
           && lease_request_is_due(&slot->request) && !slot->request.unanswered
           && !slot->request.withdrawing && loop_now(&context->loop) >= slot->others_at_ms;
}

/* The slot's own file, begun for the next trial, has been replaced. */
static int take_up(struct slot *slot, struct err *err)
{
    OWN(memory) char *path = strdup(slot->spool.path);

    if (path == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    devices_end_ask(&slot->context->devices, slot->index);
    slot->context->n_asked_for--; /* it was not asked for here */
    slot->spool_is_ready = false;
    slot->asked[0] = '\0';
    slot_forget_trial(slot);
    return slot_resume(slot, path, err);
}

bool slot_others_take(struct slot *slot)
{
    struct agent_context *context = slot->context;
    struct state_gather others = slot_others(context);
    struct err err = {0};

    if (!may_look(slot)) {
        return false;
    }
    slot->others_at_ms = loop_now(&context->loop) + EVERY_MS;
    if (!state_gather_one(&others, context->settings->server_name, slot->spool.path)) {
        return false;
    }
    if (take_up(slot, &err) != 0 && context->fatal.code == ERR_NONE) {
        context->fatal = err;
    }
    return true;
}
