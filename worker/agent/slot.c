#include "worker/agent/slot.h"
#include "worker/agent/resume_list.h"

#include <stdio.h>
#include <stdlib.h>

#include "worker/agent/job.h"
#include "worker/agent/slot_ask.h"
#include "worker/agent/slot_begin.h"
#include "worker/agent/slot_checkpoint.h"
#include "worker/agent/slot_end.h"
#include "worker/agent/slot_kept.h"
#include "worker/agent/slot_lease.h"
#include "worker/agent/slot_resume.h"
#include "worker/agent/slot_spool.h"

static void tick_fetching(struct slot *slot)
{
    bool lacks_room = false;
    struct err err = {0};

    if (slot->lost) {
        slot->exit_class = (struct exit_class){.kind = EXIT_CLASS_SILENT, .reason = ""};
        slot_end_trial(slot, "lost", "before its checkpoint was here");
    } else if (slot_asks_no_more(slot->context)) {
        slot_checkpoint_finish(slot);
        slot_hand_back(slot);
    } else if (slot_fetch_tick(slot, &lacks_room)) {
        if (lacks_room) {
            slot_hand_back(slot);
            return;
        }
        slot->phase = SLOT_RUNNING;
        if (slot_begin_run(slot, &err) != 0) {
            slot_release_after(slot, &err);
        }
    }
}

static void tick_saving(struct slot *slot)
{
    if (slot->lost) {
        slot->phase = SLOT_DELIVERING;
    } else if (slot_save_tick(slot)) {
        slot_deliver(slot);
    }
}

static void tick_running(struct slot *slot)
{
    int64_t now_ms = loop_now(&slot->context->loop);

    if (slot->lost && slot->supervisor.why != JOB_LOST && slot->supervisor.why != JOB_ABORTED) {
        job_act(slot, supervisor_step(&slot->supervisor, JOB_LOST, now_ms));
    }
    for (enum job_act act = supervisor_tick(&slot->supervisor, now_ms); act != ACT_NOTHING;
         act = supervisor_tick(&slot->supervisor, now_ms)) {
        job_act(slot, act);
    }
    runner_tick(&slot->runner, now_ms);
    if (slot->runner.ended) {
        (void)supervisor_step(&slot->supervisor, JOB_EXITED, now_ms);
        job_collect(slot);
        oom_watch_look(&slot->oom, slot->runner.job, &slot->oom_found);
        slot->ended_ms = now_ms;
        slot_spool_exit(slot);
        slot_kept_end(slot);
        slot->phase = SLOT_FLUSHING;
    }
}

/* What counts goes before what was printed. */
static bool has_more_to_send(const struct slot *slot)
{
    return slot->phase == SLOT_FLUSHING || slot->phase == SLOT_SAVING
           || slot->phase == SLOT_DELIVERING
           || (slot->lease != NULL && !lease_is_flushed(slot->lease));
}

void slot_tick(struct slot *slot)
{
    if (slot->phase == SLOT_ASKING && slot_asks_no_more(slot->context)) {
        slot_stop_asking(slot);
    }
    if (slot->hurries != slot->context->hurries) {
        slot->hurries = slot->context->hurries;
        lease_request_hurry(&slot->request);
    }
    if (slot->phase == SLOT_ASKING && devices_grew(&slot->context->devices, slot->index)) {
        lease_request_renew(&slot->request);
    }
    slot_ask_tick(slot);
    if (slot->phase == SLOT_RESUMING) {
        slot_resume_tick(slot);
    }
    if (slot->phase == SLOT_FETCHING) {
        tick_fetching(slot);
    }
    if (slot->phase == SLOT_RUNNING) {
        tick_running(slot);
    }
    slot_spool_tick(slot); /* before anything is sent */
    if (slot->lease != NULL) {
        lease_tick(slot->lease);
    }
    if (slot->phase == SLOT_FLUSHING && slot_is_settled(slot)) {
        slot_after_flush(slot);
    }
    if (slot->phase == SLOT_SAVING) {
        tick_saving(slot);
    }
    if (slot->phase == SLOT_DELIVERING && slot->refused) {
        slot_after_refusal(slot);
    }
    if (slot->phase == SLOT_DELIVERING && (slot->lost || slot->delivered)) {
        slot_after_delivery(slot);
    }
    report_socket_tick(&slot->reports, buf_text(&slot->control));
    log_uploads_tick(&slot->logs, has_more_to_send(slot));
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t slot_deadline(const struct slot *slot)
{
    int64_t due_ms = report_socket_deadline(&slot->reports);

    due_ms = earlier(due_ms, log_uploads_deadline(&slot->logs));
    due_ms = earlier(due_ms, slot_checkpoint_deadline(slot));
    if (slot->phase == SLOT_ASKING && slot->unkillable.process != 0) {
        due_ms = earlier(due_ms, unkillable_deadline(&slot->unkillable));
    } else if (slot->phase == SLOT_ASKING && !slot->awaits_devices && !slot->spool_waits) {
        due_ms = earlier(due_ms, lease_request_deadline(&slot->request));
    }
    due_ms = earlier(due_ms, slot_spool_deadline(slot));
    due_ms = earlier(due_ms, slot_resume_deadline(slot));
    if (slot->lease != NULL) {
        due_ms = earlier(due_ms, lease_deadline(slot->lease));
    }
    if (slot->phase == SLOT_RUNNING) {
        due_ms = earlier(due_ms, supervisor_deadline(&slot->supervisor));
        due_ms = earlier(due_ms, runner_deadline(&slot->runner));
    } else if (slot->phase == SLOT_FLUSHING && lease_is_flushed(slot->lease)) {
        due_ms = earlier(due_ms, slot_settled_at_ms(slot));
    }
    return due_ms;
}

int slot_open(struct slot *slot, struct agent_context *context, size_t index, struct err *err)
{
    struct lease_request_hooks hooks = {slot_on_grant, slot_on_nothing, slot_on_fatal,
                                        slot_on_reach, slot};
    const struct agent_settings *settings = context->settings;
    char worker[2 * WORKER_NAME_BYTES];

    *slot = (struct slot){.context = context, .index = index};
    runner_init(&slot->runner);
    output_init(&slot->output);
    log_uploads_init(&slot->logs, &context->loop);
    buf_init(&slot->control, SLOT_CONTROL_BYTES);
    spool_init(&slot->spool);
    if (context->state_dir != NULL && (slot->spool.path = resume_path(context, index)) == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    (void)snprintf(worker, sizeof worker, "%s:%zu", settings->name, index);
    TRY(report_socket_open(&slot->reports, &context->loop, job_take_line, slot, err));
    lease_request_init(&slot->request, &context->loop, &context->offer, worker, &hooks);
    slot->request.waits_not = index == 0;
    slot->request.looks = settings->exit_when_finished;
    slot->quick.base_ms = QUICK_FAILURES_WAIT_MS;
    slot_begin_asking(slot, 0);
    return 0;
}

void slot_finish(struct slot *slot)
{
    if (slot->context == NULL) {
        return;
    }
    lease_request_stop(&slot->request);
    log_uploads_finish(&slot->logs);
    slot_checkpoint_finish(slot);
    job_finish(slot);
    lease_destroy(slot->lease);
    report_socket_close(&slot->reports);
    if (slot->spool_is_ready) { /* begun, and nothing is in it */
        spool_remove(&slot->spool);
    }
    spool_finish(&slot->spool);
    folder_finish(&slot->folder);
    lease_grant_finish(&slot->grant);
    buf_finish(&slot->control);
    notes_finish(&slot->notes);
    free(slot->gpu);
    *slot = (struct slot){0};
}

/* Has the job ended by itself so lately that the worker's signal may explain it? What is recorded
 * of its end must then say so: the next worker decides by that alone. */
static bool ended_with_worker(const struct slot *slot)
{
    return slot->phase == SLOT_FLUSHING && !slot->resumed && slot->supervisor.why == JOB_EXITED
           && slot->context->drained_ms <= slot_settled_at_ms(slot);
}

void slot_drain(struct slot *slot)
{
    int64_t now_ms = loop_now(&slot->context->loop);

    if (slot->phase == SLOT_ASKING) {
        slot_stop_asking(slot);
    } else if (slot->phase == SLOT_RUNNING) {
        slot->supervisor.grace_ms = leaving_grace_ms(&slot->context->leaving, now_ms);
        job_act(slot, supervisor_step(&slot->supervisor, JOB_DRAINED, now_ms));
    } else if (ended_with_worker(slot)) {
        slot_spool_exit(slot);
    }
    if (slot->lease != NULL) {
        lease_hurry(slot->lease);
    }
}

void slot_kill(struct slot *slot)
{
    job_act(slot, supervisor_step(&slot->supervisor, JOB_QUIT, loop_now(&slot->context->loop)));
}
