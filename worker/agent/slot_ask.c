#include "worker/agent/slot_ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/agent/slot_event.h"
#include "worker/agent/slot_others.h"
#include "worker/agent/slot_spool.h"

void slot_close(struct slot *slot)
{
    devices_end_ask(&slot->context->devices, slot->index);
    slot->phase = SLOT_CLOSED;
}

int slot_take_devices(struct slot *slot, struct err *err)
{
    free(slot->gpu);
    slot->gpu = NULL;
    TRY(devices_take(&slot->context->devices, slot->index, &slot->grant, &slot->devices, &slot->gpu,
                     err));
    if (slot->gpu != NULL) {
        slot->quick.in_row = devices_failures(&slot->context->devices, &slot->devices);
    }
    return 0;
}

/* After jobs that failed at once, not this slot waits but its devices do. */
void slot_give_devices_back(struct slot *slot, int64_t *wait_ms)
{
    if (slot->gpu == NULL) {
        return;
    }
    devices_give_back(&slot->context->devices, &slot->devices, &slot->quick, *wait_ms,
                      slot->request.health);
    *wait_ms = 0;
    free(slot->gpu);
    slot->gpu = NULL;
}

bool slot_asks_no_more(const struct agent_context *context)
{
    return context->leaving.act >= LEAVING_FINISH || context->draining || context->closing
           || context->fatal.code != ERR_NONE;
}

/* Begins to ask for the next trial, unless there are to be no more. */
void slot_begin_asking(struct slot *slot, int64_t wait_ms)
{
    struct agent_context *context = slot->context;
    int64_t most = context->settings->max_trials;

    if (slot_asks_no_more(context) || (most > 0 && context->n_asked_for >= most)) {
        slot_close(slot);
        return;
    }
    context->n_asked_for++;
    slot->has_too_little_time = false;
    slot->phase = SLOT_ASKING;
    slot->others_at_ms = 0;
    lease_request_begin(&slot->request, wait_ms);
}

/* Why there is no trial. That nothing matches the one study that is asked for, is said of it. */
static void explain_nothing(const struct agent_settings *settings, const struct no_lease *no,
                            char *detail, size_t size)
{
    if (no->reason == NO_LEASE_NONE && settings->study != NULL
        && strncmp(no->detail, "no study matches", 16) == 0) {
        (void)snprintf(detail, size,
                       "there is no study \"%s\" yet; 'hone study list' shows those that there are",
                       settings->study);
        return;
    }
    (void)snprintf(detail, size, "%s%s%s", no_lease_reason_name(no->reason),
                   no->detail[0] == '\0' ? "" : ": ", no->detail);
}

void slot_on_nothing(void *context, const struct no_lease *no)
{
    struct slot *slot = context;
    bool over = no->reason == NO_LEASE_FINISHED || no->reason == NO_LEASE_STOPPED;
    char detail[320];

    explain_nothing(slot->context->settings, no, detail, sizeof detail);
    if (lease_request_wants(&slot->request) || over) {
        slot_emit(slot, AGENT_WAITING, "", detail);
    }
    slot->has_too_little_time = no->reason == NO_LEASE_TOO_LONG;
    if (no->reason == NO_LEASE_DRAINED) {
        slot->context->leaving.is_drained = true;
    }
    if (over && slot->context->settings->exit_when_finished) {
        slot->context->hurries++;
        lease_request_stop(&slot->request);
        slot_close(slot);
    }
}

static void tick_asking(struct slot *slot)
{
    struct devices *devices = &slot->context->devices;
    struct lease_request *request = &slot->request;

    slot->awaits_devices = lease_request_is_due(request) && !request->withdrawing
                           && !devices_may_ask(devices, slot->index, request);
    if (!slot->awaits_devices) {
        lease_request_tick(request);
    }
}

/* What says that nothing fits here is given no trial, and needs no file for one. */
static bool may_ask_at_all(struct slot *slot)
{
    return slot_spool_is_ready(slot) || devices_disk_is_full(&slot->context->devices);
}

/* Asks for a trial, unless something that cannot be killed is in its place. */
static void ask(struct slot *slot)
{
    bool was_held = slot->unkillable.process != 0;

    if (unkillable_holds(&slot->unkillable, loop_now(&slot->context->loop))) {
        return;
    }
    if (was_held) {
        int64_t no_wait_ms = 0;
        log_info("slot %zu: the unkillable process has ended", slot->index);
        slot->request.health[0] = '\0';
        slot_give_devices_back(slot, &no_wait_ms);
    }
    if (!slot_others_take(slot)) {
        tick_asking(slot);
    }
}

void slot_ask_tick(struct slot *slot)
{
    if (slot->phase == SLOT_ASKING && may_ask_at_all(slot)) {
        ask(slot);
    }
}

void slot_stop_asking(struct slot *slot)
{
    lease_request_withdraw(&slot->request);
    if (!slot->request.active) {
        slot_close(slot);
    }
}
