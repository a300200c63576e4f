#include "worker/agent/leave.h"

#include "common/log.h"
#include "worker/agent/slot.h"

/* Does no slot have a trial, and was each that asks told that its time is too short? */
static bool does_nothing_fit(const struct slot slots[], size_t n_slots)
{
    bool any = false;

    for (size_t i = 0; i < n_slots; i++) {
        bool asks = slots[i].phase == SLOT_ASKING;
        if ((asks && !slots[i].has_too_little_time) || (!asks && slots[i].phase != SLOT_CLOSED)) {
            return false;
        }
        any = any || asks;
    }
    return any;
}

static bool is_idle(const struct slot slots[], size_t n_slots)
{
    for (size_t i = 0; i < n_slots; i++) {
        if (slots[i].phase != SLOT_ASKING && slots[i].phase != SLOT_CLOSED) {
            return false;
        }
    }
    return true;
}

/* A worker is idle only once its first call has ended, however long that takes. */
static void look_at_slots(struct agent_context *context, const struct slot slots[], size_t n_slots,
                          int64_t now_ms)
{
    struct leaving *leaving = &context->leaving;

    leaving->nothing_fits = does_nothing_fit(slots, n_slots);
    if (!context->has_called || !is_idle(slots, n_slots)) {
        leaving->idle_since_ms = INT64_MAX;
    } else if (leaving->idle_since_ms == INT64_MAX) {
        leaving->idle_since_ms = now_ms;
    }
}

static void say_time_left(struct agent_context *context, int64_t now_ms)
{
    int64_t left_ms = leaving_left_ms(&context->leaving, now_ms);

    context->offer.has_seconds_left = left_ms != INT64_MAX;
    context->offer.seconds_left = context->offer.has_seconds_left ? (double)left_ms / 1000 : 0;
}

static void stop(struct agent_context *context, struct slot slots[], size_t n_slots, int64_t now_ms)
{
    context->draining = true;
    context->drained_ms = now_ms;
    for (size_t i = 0; i < n_slots; i++) {
        slot_drain(&slots[i]);
    }
}

void leave_update(struct agent_context *context, struct slot slots[], size_t n_slots)
{
    int64_t now_ms = loop_now(&context->loop);
    bool is_fatal = context->fatal.code != ERR_NONE && !context->closing;

    look_at_slots(context, slots, n_slots, now_ms);
    const char *why = leaving_decide(&context->leaving, now_ms);
    if (why != NULL) {
        log_info("%s", why);
    }
    if ((is_fatal || context->leaving.act >= LEAVING_STOP) && !context->draining) {
        stop(context, slots, n_slots, now_ms);
    }
    if (why != NULL && context->leaving.act == LEAVING_KILL) {
        for (size_t i = 0; i < n_slots; i++) {
            slot_kill(&slots[i]);
        }
    }
    say_time_left(context, now_ms);
}
