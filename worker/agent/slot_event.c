#include "worker/agent/slot_event.h"

void slot_emit(const struct slot *slot, enum agent_event_kind kind, const char *outcome,
               const char *detail)
{
    const struct agent_settings *settings = slot->context->settings;
    struct agent_event event = {.kind = kind,
                                .slot = slot->index,
                                .grant = slot->grant.trial > 0 ? &slot->grant : NULL,
                                .step = slot->last_step,
                                .outcome = outcome,
                                .state = slot->state,
                                .is_excluded = slot->is_excluded,
                                .detail = detail,
                                .log_path = folder_has_log(&slot->folder) ? slot->folder.log : ""};

    if (settings->on_event != NULL) {
        settings->on_event(settings->context, &event);
    }
}
