#include "worker/agent/slot_lease.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "common/log.h"
#include "worker/agent/job.h"
#include "worker/agent/slot_event.h"

void slot_on_reach(void *context, bool reached, const char *why)
{
    struct slot *slot = context;

    slot->context->has_called = true;
    if (slot->context->unreachable == !reached) {
        return;
    }
    slot->context->unreachable = !reached;
    slot_emit(slot, reached ? AGENT_REACHABLE : AGENT_UNREACHABLE, "", why);
}

void slot_on_fatal(void *context, const struct err *err)
{
    struct slot *slot = context;

    if (slot->context->fatal.code == ERR_NONE) {
        slot->context->fatal = *err;
    }
    slot->unserved = slot->lost = slot->phase != SLOT_ASKING;
}

static void on_action(void *context, const struct action_reply *reply)
{
    struct slot *slot = context;
    int64_t now_ms = loop_now(&slot->context->loop);
    enum job_act act = ACT_NOTHING;

    if (slot->phase == SLOT_FETCHING) {
        slot->lost = slot->lost || reply->action == ACTION_ABORT;
        return;
    }
    if (reply->has_until) {
        slot->until = reply->until;
    }
    job_write_control(slot, reply);
    if (reply->action == ACTION_PAUSE || reply->action == ACTION_STOP) {
        act = supervisor_step(&slot->supervisor, JOB_NOTIFIED, now_ms);
    } else if (reply->action == ACTION_ABORT) {
        act = supervisor_step(&slot->supervisor, JOB_ABORTED, now_ms);
        slot->supervisor.why = JOB_ABORTED; /* even if the job is gone: send nothing */
    }
    job_act(slot, act);
    if (lease_is_flushed(slot->lease)) {
        report_socket_answer(&slot->reports, buf_text(&slot->control));
    }
}

static void on_lost(void *context, const char *why)
{
    struct slot *slot = context;

    slot->lost = true;
    if (slot->phase == SLOT_RUNNING) {
        log_warning("trial %" PRId64 " of %s is not ours any more: %s", slot->grant.trial,
                    slot->grant.study, why);
    }
}

static void on_offline(void *context)
{
    struct slot *slot = context;

    if (slot->phase == SLOT_RUNNING) {
        log_warning("trial %" PRId64 " of %s: the server has not answered for too long, so its job "
                    "is stopped; what it measured is kept, and the trial is handed back as soon as "
                    "the server answers",
                    slot->grant.trial, slot->grant.study);
        job_act(slot,
                supervisor_step(&slot->supervisor, JOB_DRAINED, loop_now(&slot->context->loop)));
    }
}

static void on_closed(void *context, const char *state, bool is_excluded)
{
    struct slot *slot = context;

    slot->delivered = true;
    (void)snprintf(slot->state, sizeof slot->state, "%s", state);
    slot->is_excluded = is_excluded;
}

static void on_refused(void *context, const struct err *err)
{
    struct slot *slot = context;

    slot->refused = true;
    log_warning("trial %" PRId64 " of %s: the server refuses the result: %s", slot->grant.trial,
                slot->grant.study, err->text);
}

static double utilization(void *context)
{
    const struct slot *slot = context;

    return slot->phase == SLOT_RUNNING
               ? devices_utilization(&slot->context->devices, &slot->devices)
               : (double)NAN;
}

int slot_take_trial(struct slot *slot, const struct attempt_log *resumed, struct err *err)
{
    struct agent_context *context = slot->context;
    struct lease_settings settings = {.grant = &slot->grant,
                                      .notes = &slot->notes,
                                      .hooks = {on_action, on_lost, on_offline, on_closed,
                                                on_refused, slot_on_fatal, slot_on_reach,
                                                utilization, slot},
                                      .offline_ms = context->settings->offline_ms,
                                      .spool = &slot->spool,
                                      .resumed = resumed};

    return lease_create(&context->loop, &settings, &slot->lease, err);
}
