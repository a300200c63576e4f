#include "worker/agent/slot_resume.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/http/responder.h"
#include "common/log.h"
#include "worker/agent/job.h"
#include "worker/agent/owner.h"
#include "worker/agent/slot.h"
#include "worker/agent/slot_adopt.h"
#include "worker/agent/slot_lease.h"

#define LOOK_EVERY_MS 100
#define ANSWERS_MS 2000      /* a shim that may run */
#define GONE_WITHIN_MS 15000 /* a shim that has lost its agent kills its job at once */

static bool is_of_this_host(const struct slot *slot, const struct attempt_log *log)
{
    return strcmp(log->grant.host, slot->context->host) == 0;
}

/* "0,1" → 2 */
static size_t count_gpus(const char *list)
{
    size_t n = list == NULL || *list == '\0' ? 0 : 1;

    for (; list != NULL && *list != '\0'; list++) {
        n += *list == ',';
    }
    return n;
}

/* How long ago the attempt began. Another boot's clock says nothing; nor does one without a run. */
static int64_t elapsed_ms(const struct slot *slot, const struct attempt_log *log)
{
    char boot[64];

    if (log->has_exit) {
        return log->exit.ran_ms;
    }
    if (!log->has_run) {
        return 0;
    }
    int64_t ms = loop_now(&slot->context->loop) - log->run.at_ms;
    return strcmp(attempt_log_boot(boot), log->run.boot) == 0 && ms > 0 ? ms : 0;
}

static int restore_trial(struct slot *slot, struct attempt_log *log, struct err *err)
{
    int64_t now_ms = loop_now(&slot->context->loop);

    slot->grant = log->grant.lease;
    log->grant.lease = (struct lease_grant){0};
    slot->resumed = true;
    slot->measured_resumed = log->measured;
    slot->n_gpus_resumed = log->has_run ? count_gpus(log->run.gpu) : 0;
    notes_finish(&slot->notes);
    notes_init(&slot->notes, slot->grant.trial);
    slot->ended_ms = now_ms;
    slot->started_ms = slot->run_started_ms = now_ms - elapsed_ms(slot, log);
    slot->from = log->has_run ? log->run.from : slot->grant.from;
    slot->to = slot->until = log->has_run ? log->run.to : slot->grant.to;
    slot->last_step = log->last_step;
    slot->furthest_step = log->furthest_step;
    slot->has_step = log->has_step;
    if (log->has_run && (is_of_this_host(slot, log) || log->has_exit)) {
        TRY(folder_reopen(&slot->folder, log->run.folder, err));
    }
    return slot_take_trial(slot, log, err);
}

/* As if it had just ended here. An end that another worker's explains is no failure of the trial.
 */
static int restore_exit(struct slot *slot, const struct attempt_exit *ended, struct err *err)
{
    struct output_settings output = {.digits = slot->grant.digits,
                                     .resource = slot->grant.resource_name,
                                     .show_fd = -1,
                                     .on_report = job_report,
                                     .context = slot};
    bool by_worker = ended->why == JOB_LOST || ended->why == JOB_QUIT
                     || (ended->why == JOB_EXITED && ended->with_worker);

    TRY(output_open(&slot->output, &output, err));
    transcript_feed(&slot->output.transcript, STREAM_OUTPUT, ended->last_lines,
                    strlen(ended->last_lines));
    output_end(&slot->output);
    notes_restore(&slot->notes, ended->notes);
    slot->supervisor =
        (struct supervisor){.state = JOB_GONE, .why = by_worker ? JOB_DRAINED : ended->why};
    slot->runner.wait_status = ended->wait_status;
    slot->runner.killed = ended->killed_by_us;
    slot->runner.peak_kib = ended->peak_kib;
    slot->oom_found = (struct oom_found){.somewhere = ended->oom_seen, .ours = ended->oom_sure};
    (void)snprintf(slot->oom_found.line, sizeof slot->oom_found.line, "%s", ended->oom_line);
    return 0;
}

static int deliver(struct slot *slot, struct attempt_log *log, struct err *err)
{
    slot->phase = SLOT_DELIVERING;
    slot->exit_class = (struct exit_class){.kind = EXIT_CLASS_RELEASE, .reason = ""};
    if (log->releases) {
        lease_release(slot->lease);
        return 0;
    }
    slot->exit_class.kind = EXIT_CLASS_RESULT;
    slot->exit_class.outcome = log->result.outcome;
    return lease_result_steal(slot->lease, &log->result, err);
}

static void tell(const struct slot *slot, const char *what)
{
    log_info("trial %" PRId64 " of %s is taken up from an earlier worker: %s", slot->grant.trial,
             slot->grant.study, what);
}

/* The end of what its job printed may not have been sent. */
static void send_log(struct slot *slot)
{
    if (slot->folder.base != NULL && !slot->context->settings->no_log_upload) {
        log_uploads_begin(&slot->logs, slot->grant.id, slot->folder.log);
    }
}

static void tell_gone(const struct slot *slot, const struct attempt_log *log,
                      enum slot_adopted kept)
{
    static const char *const said[] = {[SLOT_ADOPTED_NOTHING] = "its job ended with that worker",
                                       [SLOT_ADOPT_AGAIN] = "its job is just ending",
                                       [SLOT_ADOPT_SILENT] = "its job does not answer yet",
                                       [SLOT_ADOPT_FAILED] = "its job was ended"};

    tell(slot, !log->has_run                 ? "its job had not begun"
               : !is_of_this_host(slot, log) ? "it ran on another machine"
                                             : said[kept]);
}

static int restore_phase(struct slot *slot, struct attempt_log *log, struct err *err)
{
    if (log->has_exit) {
        TRY(restore_exit(slot, &log->exit, err));
    }
    log->releases = log->releases || (log->has_exit && !log->exit.is_started);
    if (log->has_result || log->releases) {
        send_log(slot);
        tell(slot, log->releases ? "it is handed back" : "its result is delivered");
        return deliver(slot, log, err);
    }
    if (log->has_exit) {
        send_log(slot);
        tell(slot, "its job had ended");
        slot->phase = SLOT_FLUSHING;
        return 0;
    }
    slot->phase = SLOT_RESUMING;
    enum slot_adopted kept = SLOT_ADOPTED_NOTHING;
    if (log->has_run && is_of_this_host(slot, log)) {
        kept = slot_adopt(slot, log->measured, log->run.gpu);
    }
    if (kept == SLOT_ADOPTED) {
        return 0;
    }
    tell_gone(slot, log, kept);
    slot->supervisor = (struct supervisor){.state = JOB_GONE, .why = JOB_DRAINED};
    slot->runner.wait_status = SIGKILL; /* most likely: nobody saw it */
    slot->awaits_shim = kept == SLOT_ADOPT_AGAIN || kept == SLOT_ADOPT_SILENT;
    if (!slot->awaits_shim) {
        send_log(slot);
    }
    return 0;
}

/* The lease may have been granted, and the answer lost with the worker. */
static void restore_ask(struct slot *slot, const struct attempt_log *log)
{
    struct lease_request *request = &slot->request;

    if (strlen(log->asked) < sizeof request->request_id) {
        (void)snprintf(request->request_id, sizeof request->request_id, "%s", log->asked);
        (void)snprintf(slot->asked, sizeof slot->asked, "%s", log->asked);
        request->unanswered = slot->spool_is_ready = true;
    }
}

int slot_resume(struct slot *slot, const char *path, struct err *err)
{
    OWN(attempt_log) struct attempt_log log = {0};

    TRY(spool_continue(&slot->spool, path, err));
    if (!attempt_log_read(&slot->spool, &log)) {
        return err_set(err, ERR_NOMEM, "out of memory for %s", path);
    }
    if (!log.has_grant) {
        restore_ask(slot, &log);
        return 0;
    }
    lease_request_stop(&slot->request);
    TRY(restore_trial(slot, &log, err));
    if (slot->context->settings->responder != NULL) {
        const struct http_responder *responder = slot->context->settings->responder;
        responder->hold(responder->context, slot->grant.id);
    }
    return restore_phase(slot, &log, err);
}

/* ---- a job whose end is not known ---- */

/* Whoever may still write into its folder is not waited for any longer: the files stay, and no
 * checkpoint of them is offered. */
static void leave_folder(struct slot *slot)
{
    log_warning("it cannot be told whether the job of trial %" PRId64
                " of %s is gone; its files in "
                "%s stay as they are",
                slot->grant.trial, slot->grant.study, slot->folder.base);
    folder_finish(&slot->folder);
}

/* Is there something of it that a stopped shim keeps, and nobody wants any more? */
static bool is_unwanted(const struct slot *slot)
{
    const struct agent_context *context = slot->context;

    return slot->lost
           || (context->draining && loop_now(&context->loop) >= context->drained_ms + ANSWERS_MS);
}

/* The shim may be writing down how the job ended, or be stopped. False: it is waited for no more.
 */
static bool tick_shim(struct slot *slot)
{
    int64_t now_ms = loop_now(&slot->context->loop);
    enum slot_adopted kept = slot_adopt(slot, slot->measured_resumed, NULL);

    if (kept == SLOT_ADOPTED) {
        slot->awaits_shim = false;
        if (slot->context->draining) {
            slot_drain(slot);
        }
        return true;
    }
    if (kept == SLOT_ADOPT_SILENT) {
        slot->ended_ms = now_ms; /* not yet */
        if (is_unwanted(slot)) {
            slot_adopt_kill(slot);
        }
        return true;
    }
    slot->awaits_shim = kept == SLOT_ADOPT_AGAIN && now_ms < slot->ended_ms + GONE_WITHIN_MS;
    return slot->awaits_shim;
}

void slot_resume_tick(struct slot *slot)
{
    const struct folder *folder = &slot->folder;

    if (slot->awaits_shim && tick_shim(slot)) {
        return;
    }
    bool has_owner = folder->base != NULL && access(folder->owner, F_OK) == 0;

    if (has_owner && !slot->lost && !owner_is_gone(folder->owner, slot->context->host)) {
        if (loop_now(&slot->context->loop) < slot->ended_ms + GONE_WITHIN_MS) {
            return;
        }
        leave_folder(slot);
    }
    slot->ended_ms = loop_now(&slot->context->loop);
    slot->phase = SLOT_FLUSHING;
}

int64_t slot_resume_deadline(const struct slot *slot)
{
    return slot->phase == SLOT_RESUMING ? loop_now(&slot->context->loop) + LOOK_EVERY_MS
                                        : INT64_MAX;
}
