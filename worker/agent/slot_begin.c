#include "worker/agent/slot_begin.h"

#include <inttypes.h>

#include "common/http/async.h"
#include "common/log.h"
#include "worker/agent/job.h"
#include "worker/agent/slot_ask.h"
#include "worker/agent/slot_checkpoint.h"
#include "worker/agent/slot_event.h"
#include "worker/agent/slot_lease.h"
#include "worker/agent/slot_spool.h"
static void discard_checkpoints(const struct slot *slot)
{
    size_t i;
    json_t *uri;

    json_array_foreach (slot->grant.values.discard, i, uri) {
        if (json_is_string(uri)) {
            folder_discard(slot->context->workdir, json_string_value(uri));
        }
    }
}

int slot_begin_run(struct slot *slot, struct err *err)
{
    const struct agent_context *context = slot->context;

    TRY(job_start(slot, err));
    if (!context->settings->no_log_upload) {
        log_uploads_begin(&slot->logs, slot->grant.id, slot->folder.log);
    }
    slot_emit(slot, AGENT_STARTED, "", "");
    return 0;
}

static int begin_job(struct slot *slot, struct err *err)
{
    const struct agent_context *context = slot->context;

    if (job_check(slot, err) != 0) {
        slot->context->closing = true; /* no further trial of this study could run either */
        return -1;
    }
    discard_checkpoints(slot);
    TRY(folder_open(&slot->folder, context->workdir, context->settings->server_name, &slot->grant,
                    err));
    folder_remove_superseded(&slot->folder, &slot->grant, context->host);
    slot->from = slot->grant.from;
    slot->to = slot->grant.to;
    if (slot_fetch_begin(slot)) {
        slot->phase = SLOT_FETCHING;
        return 0;
    }
    if (slot->from > 0 && slot->folder.granted == NULL) {
        log_warning("trial %" PRId64 " of %s: its checkpoint is not here, so it begins at 0",
                    slot->grant.trial, slot->grant.study);
        slot->from = 0;
    }
    return slot_begin_run(slot, err);
}

void slot_hand_back(struct slot *slot)
{
    slot->exit_class = (struct exit_class){.kind = EXIT_CLASS_RELEASE, .reason = ""};
    slot->phase = SLOT_DELIVERING;
    if (slot->lease != NULL) {
        lease_release(slot->lease);
    } else {
        slot->lost = true;
    }
}

void slot_release_after(struct slot *slot, const struct err *err)
{
    if (!slot->context->closing) {
        log_error("trial %" PRId64 " of %s cannot run here: %s", slot->grant.trial,
                  slot->grant.study, err->text);
    }
    if (slot->context->fatal.code == ERR_NONE) {
        slot->context->fatal = *err;
    }
    slot_hand_back(slot);
}

void slot_forget_trial(struct slot *slot)
{
    slot->lost = slot->delivered = slot->refused = slot->unserved = slot->resumed =
        slot->is_adopted = slot->awaits_shim = false;
    slot->state[0] = '\0';
    slot->is_excluded = false;
}

void slot_on_grant(void *context, struct lease_grant *grant)
{
    struct slot *slot = context;
    struct err err = {0};

    devices_end_ask(&slot->context->devices, slot->index);
    slot->grant = *grant;
    *grant = (struct lease_grant){0};
    slot_forget_trial(slot);
    notes_finish(&slot->notes);
    notes_init(&slot->notes, slot->grant.trial);
    slot->started_ms = loop_now(&slot->context->loop);
    slot->phase = SLOT_RUNNING;
    slot_spool_grant(slot);
    if (slot_take_trial(slot, NULL, &err) != 0) {
        slot_release_after(slot, &err);
    } else if (slot_asks_no_more(slot->context)) { /* granted when it was not wanted any more */
        slot_hand_back(slot);
    } else if (slot_take_devices(slot, &err) != 0) { /* they were fit when they were offered */
        log_warning("trial %" PRId64 " of %s is handed back: %s", slot->grant.trial,
                    slot->grant.study, err.text);
        slot_hand_back(slot);
    } else if (begin_job(slot, &err) != 0) {
        slot_release_after(slot, &err);
    }
}
