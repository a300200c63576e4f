#include "worker/agent/short_end.h"

#include "common/step.h"

static bool is_short(const struct slot *slot)
{
    return slot->grant.has_resource && slot->grant.digits > 0 && slot->has_step
           && slot->supervisor.why == JOB_EXITED && slot->exit_class.outcome == OUTCOME_COMPLETED
           && slot->furthest_step < slot->to && slot->stride > slot->to - slot->furthest_step;
}

void short_end_tell(struct slot *slot)
{
    int digits = slot->grant.digits;
    char at[STEP_BYTES], to[STEP_BYTES], stride[STEP_BYTES];

    if (is_short(slot)) {
        (void)step_format(slot->stride, digits, stride);
        notes_tell(&slot->notes, "short", "",
                   "it ended by itself at step %s of %s; if it counts in steps of %s, give the "
                   "study's resource \"step\": %s",
                   step_format(slot->furthest_step, digits, at), step_format(slot->to, digits, to),
                   stride, stride);
    }
}
