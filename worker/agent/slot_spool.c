#include "worker/agent/slot_spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http/async.h"
#include "common/log.h"
#include "worker/agent/attempt_log.h"

#define RETRY_MS 5000 /* for a file that cannot be begun */
#define CONDENSE_BYTES ((int64_t)32 << 20)

static int64_t now_of(const struct slot *slot)
{
    return loop_now(&slot->context->loop);
}

/* Whoever finds the file asks under the same id, and is given the lease whose answer was lost. */
static int begin(struct slot *slot, struct err *err)
{
    TRY(spool_begin(&slot->spool, slot->spool.path, err));
    (void)attempt_log_asked(&slot->spool, slot->request.request_id);
    spool_flush(&slot->spool, now_of(slot));
    (void)snprintf(slot->asked, sizeof slot->asked, "%s", slot->request.request_id);
    return slot->spool.failing ? err_set(err, ERR_IO, "the file %s cannot be written: %s",
                                         slot->spool.path, slot->spool.why)
                               : 0;
}

bool slot_spool_is_ready(struct slot *slot)
{
    struct err err = {0};
    bool is_asked = strcmp(slot->asked, slot->request.request_id) == 0;

    if ((slot->spool_is_ready && is_asked) || slot->spool.path == NULL) {
        return true;
    }
    if (now_of(slot) < slot->spool_retry_ms) {
        return false;
    }
    slot->spool_is_ready = begin(slot, &err) == 0;
    if (!slot->spool_is_ready) {
        slot->spool_retry_ms = now_of(slot) + RETRY_MS;
        if (!slot->spool_waits) {
            log_error("slot %zu asks for no trial until its results can be kept: %s", slot->index,
                      err.text);
        }
    } else if (slot->spool_waits) {
        log_info("slot %zu: %s can be written again", slot->index, slot->spool.path);
    }
    slot->spool_waits = !slot->spool_is_ready;
    return slot->spool_is_ready;
}

void slot_spool_grant(struct slot *slot)
{
    const struct agent_context *context = slot->context;

    slot->spool_is_ready = false;
    (void)attempt_log_grant(&slot->spool, context->settings->server_name, context->host,
                            &slot->grant);
}

void slot_spool_run(struct slot *slot)
{
    char boot[64];
    OWN(memory) char *gpu = strdup(slot->gpu == NULL ? "" : slot->gpu);
    struct attempt_run run = {.from = slot->from,
                              .to = slot->to,
                              .folder = slot->folder.base,
                              .boot = boot,
                              .gpu = gpu,
                              .at_ms = slot->started_ms,
                              .run_at_ms = slot->run_started_ms};

    (void)attempt_log_boot(boot);
    (void)attempt_log_run(&slot->spool, &run);
    spool_flush(&slot->spool, now_of(slot));
}

void slot_spool_exit(struct slot *slot)
{
    OWN(buf) struct buf lines;
    OWN(memory) char *notes = strdup(notes_text(&slot->notes));

    buf_init(&lines, (size_t)TRANSCRIPT_TAIL_BYTES * 4); /* cleaned, a byte may take three */
    transcript_last_lines(&slot->output.transcript, &lines);
    OWN(memory) char *last_lines = strdup(buf_text(&lines));
    struct attempt_exit ended = {.why = slot->supervisor.why,
                                 .wait_status = slot->runner.wait_status,
                                 .killed_by_us = slot->runner.killed,
                                 .oom_seen = slot->oom_found.somewhere,
                                 .oom_sure = slot->oom_found.ours || slot->runner.oom_kills > 0,
                                 .oom_line = slot->oom_found.line,
                                 .with_worker = slot->context->draining,
                                 .is_started = slot->runner.spawn_errno == 0,
                                 .peak_kib = slot->runner.peak_kib,
                                 .ran_ms = slot->ended_ms - slot->started_ms,
                                 .last_lines = last_lines,
                                 .notes = notes};

    if (notes != NULL && last_lines != NULL) {
        (void)attempt_log_exit(&slot->spool, &ended);
    }
    spool_sync(&slot->spool, now_of(slot));
}

void slot_spool_close(struct slot *slot)
{
    if (slot->spool.path == NULL) {
        return;
    }
    (void)attempt_log_closed(&slot->spool);
    spool_flush(&slot->spool, now_of(slot));
    spool_remove(&slot->spool);
    slot->spool_is_ready = false;
}

/* A result is synced when it is recorded. What is measured is sent within a second, else it is
 * synced: then only the last second's can be lost, by a power cut while the server is away. */
static bool waits_for_disk(const struct slot *slot)
{
    return slot->spool.unsynced_ms != INT64_MAX && slot->lease != NULL
           && !lease_is_flushed(slot->lease);
}

static void condense(struct slot *slot)
{
    struct pending_steps steps = {slot->has_step, slot->furthest_step, slot->last_step};

    spool_flush(&slot->spool, now_of(slot));
    lease_condense(slot->lease, steps);
    slot->condense_at = 2 * spool_end(&slot->spool);
    slot->condense_at = slot->condense_at > CONDENSE_BYTES ? slot->condense_at : CONDENSE_BYTES;
}

void slot_spool_tick(struct slot *slot)
{
    bool is_long =
        spool_end(&slot->spool) > CONDENSE_BYTES && spool_end(&slot->spool) > slot->condense_at;

    if (is_long && slot->phase == SLOT_RUNNING && slot->lease != NULL && slot->spool.fd >= 0) {
        condense(slot);
    }
    spool_flush(&slot->spool, now_of(slot));
    if (waits_for_disk(slot) && now_of(slot) - slot->spool.unsynced_ms >= SPOOL_SYNC_MS) {
        spool_sync(&slot->spool, now_of(slot));
    }
}

int64_t slot_spool_deadline(const struct slot *slot)
{
    int64_t due_ms = INT64_MAX;

    if (slot->spool.failing) {
        due_ms = slot->spool.retry_at_ms;
    }
    if (slot->phase == SLOT_ASKING && slot->spool_waits) {
        due_ms = slot->spool_retry_ms;
    }
    if (waits_for_disk(slot) && slot->spool.unsynced_ms + SPOOL_SYNC_MS < due_ms) {
        due_ms = slot->spool.unsynced_ms + SPOOL_SYNC_MS;
    }
    return due_ms;
}
