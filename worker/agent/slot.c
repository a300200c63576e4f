#include "worker/agent/slot.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/agent/job.h"
#include "worker/agent/slot_checkpoint.h"
#include "worker/agent/slot_kept.h"
#include "worker/agent/slot_resume.h"
#include "worker/agent/slot_spool.h"
#include "worker/agent/spawn_failure.h"

#define LOST_BYTES 512
#define SHOWN_BYTES 300 /* of what a job printed last */

/* ---- telling ---- */

static void emit(const struct slot *slot, enum agent_event_kind kind, const char *outcome,
                 const char *detail)
{
    const struct agent_settings *settings = slot->context->settings;
    struct agent_event event = {.kind = kind,
                                .slot = slot->index,
                                .grant = slot->grant.trial > 0 ? &slot->grant : NULL,
                                .step = slot->last_step,
                                .outcome = outcome,
                                .state = slot->state,
                                .detail = detail,
                                .log_path = folder_has_log(&slot->folder) ? slot->folder.log : ""};

    if (settings->on_event != NULL) {
        settings->on_event(settings->context, &event);
    }
}

static void on_reach(void *context, bool reached, const char *why)
{
    struct slot *slot = context;

    if (slot->context->unreachable == !reached) {
        return;
    }
    slot->context->unreachable = !reached;
    emit(slot, reached ? AGENT_REACHABLE : AGENT_UNREACHABLE, "", why);
}

static void on_fatal(void *context, const struct err *err)
{
    struct slot *slot = context;

    if (slot->context->fatal.code == ERR_NONE) {
        slot->context->fatal = *err;
    }
    slot->unserved = slot->lost = slot->phase != SLOT_ASKING;
}

/* ---- what the server says about the trial ---- */

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

static void on_closed(void *context, const char *state)
{
    struct slot *slot = context;

    slot->delivered = true;
    (void)snprintf(slot->state, sizeof slot->state, "%s", state);
}

static void on_refused(void *context, const struct err *err)
{
    struct slot *slot = context;

    slot->refused = true;
    log_warning("trial %" PRId64 " of %s: the server refuses the result: %s", slot->grant.trial,
                slot->grant.study, err->text);
}

/* ---- asking, and the devices for it ---- */

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

static void close_slot(struct slot *slot)
{
    devices_end_ask(&slot->context->devices, slot->index);
    slot->phase = SLOT_CLOSED;
}

static int take_devices(struct slot *slot, struct err *err)
{
    free(slot->gpu);
    slot->gpu = NULL;
    return devices_take(&slot->context->devices, slot->index, &slot->grant, &slot->devices,
                        &slot->gpu, &slot->quick, err);
}

/* After jobs that failed at once, not this slot waits but its devices do. */
static void give_devices_back(struct slot *slot, int64_t *wait_ms)
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

/* ---- a trial begins ---- */

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

int slot_take_trial(struct slot *slot, const struct attempt_log *resumed, struct err *err)
{
    struct agent_context *context = slot->context;
    struct lease_settings settings = {
        .grant = &slot->grant,
        .notes = &slot->notes,
        .hooks = {on_action, on_lost, on_offline, on_closed, on_refused, on_fatal, on_reach, slot},
        .offline_ms = context->settings->offline_ms,
        .spool = &slot->spool,
        .resumed = resumed};

    return lease_create(&context->loop, &settings, &slot->lease, err);
}

static int begin_run(struct slot *slot, struct err *err)
{
    const struct agent_context *context = slot->context;

    TRY(job_start(slot, err));
    if (!context->settings->no_log_upload) {
        log_uploads_begin(&slot->logs, slot->grant.id, slot->folder.log);
    }
    emit(slot, AGENT_STARTED, "", "");
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
    TRY(folder_open(&slot->folder, context->workdir, http_async_url(context->loop.http),
                    &slot->grant, err));
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
    return begin_run(slot, err);
}

static bool asks_no_more(const struct agent_context *context)
{
    return context->leaving.act >= LEAVING_FINISH || context->draining || context->closing
           || context->fatal.code != ERR_NONE;
}

/* Begins to ask for the next trial, unless there are to be no more. */
static void begin_asking(struct slot *slot, int64_t wait_ms)
{
    struct agent_context *context = slot->context;
    int64_t most = context->settings->max_trials;

    if (asks_no_more(context) || (most > 0 && context->n_asked_for >= most)) {
        close_slot(slot);
        return;
    }
    context->n_asked_for++;
    slot->has_too_little_time = false;
    slot->phase = SLOT_ASKING;
    lease_request_begin(&slot->request, wait_ms);
}

static void hand_back(struct slot *slot)
{
    slot->exit_class = (struct exit_class){.kind = EXIT_CLASS_RELEASE, .reason = ""};
    slot->phase = SLOT_DELIVERING;
    if (slot->lease != NULL) {
        lease_release(slot->lease);
    } else {
        slot->lost = true;
    }
}

static void release_after(struct slot *slot, const struct err *err)
{
    if (!slot->context->closing) {
        log_error("trial %" PRId64 " of %s cannot run here: %s", slot->grant.trial,
                  slot->grant.study, err->text);
    }
    if (slot->context->fatal.code == ERR_NONE) {
        slot->context->fatal = *err;
    }
    hand_back(slot);
}

static void on_grant(void *context, struct lease_grant *grant)
{
    struct slot *slot = context;
    struct err err = {0};

    devices_end_ask(&slot->context->devices, slot->index);
    slot->grant = *grant;
    *grant = (struct lease_grant){0};
    slot->lost = slot->delivered = slot->refused = slot->unserved = slot->resumed =
        slot->is_adopted = false;
    slot->state[0] = '\0';
    notes_finish(&slot->notes);
    notes_init(&slot->notes, slot->grant.trial);
    slot->started_ms = loop_now(&slot->context->loop);
    slot->phase = SLOT_RUNNING;
    slot_spool_grant(slot);
    if (slot_take_trial(slot, NULL, &err) != 0) {
        release_after(slot, &err);
    } else if (asks_no_more(slot->context)) { /* granted when it was not wanted any more */
        hand_back(slot);
    } else if (take_devices(slot, &err) != 0) { /* they were fit when they were offered */
        log_warning("trial %" PRId64 " of %s is handed back: %s", slot->grant.trial,
                    slot->grant.study, err.text);
        hand_back(slot);
    } else if (begin_job(slot, &err) != 0) {
        release_after(slot, &err);
    }
}

static void on_nothing(void *context, const struct no_lease *no)
{
    struct slot *slot = context;
    bool over = no->reason == NO_LEASE_FINISHED || no->reason == NO_LEASE_STOPPED;
    char detail[320];

    (void)snprintf(detail, sizeof detail, "%s%s%s", no_lease_reason_name(no->reason),
                   no->detail[0] == '\0' ? "" : ": ", no->detail);
    if (slot->request.unfit[0] == '\0' || over) {
        emit(slot, AGENT_WAITING, "", detail);
    }
    slot->has_too_little_time = no->reason == NO_LEASE_TOO_LONG;
    if (no->reason == NO_LEASE_DRAINED) {
        slot->context->leaving.is_drained = true;
    }
    if (over && slot->context->settings->exit_when_finished) {
        slot->context->hurries++;
        lease_request_stop(&slot->request);
        close_slot(slot);
    }
}

/* ---- a trial ends ---- */

/* Fills `health` from what the last of several jobs that failed at once has printed. */
static void describe_failures(const struct slot *slot, const char *detail,
                              char health[HEALTH_BYTES])
{
    OWN(buf) struct buf lines;

    buf_init(&lines, TRANSCRIPT_TAIL_BYTES * 2);
    transcript_last_lines(&slot->output.transcript, &lines);
    const char *end = buf_text(&lines);
    end += lines.len > SHOWN_BYTES ? lines.len - SHOWN_BYTES : 0;
    while ((*end & 0xc0) == 0x80) { /* within a character */
        end++;
    }
    (void)snprintf(health, HEALTH_BYTES, "%u jobs in a row failed at once; the last: %.60s%s%s",
                   slot->quick.in_row, detail, *end == '\0' ? "" : "; it printed: ", end);
}

/* How long to wait before the next ask: a machine on which jobs fail at once is no good to the
 * trials that it would get. */
static int64_t wait_after(struct slot *slot, const char *outcome, const char *detail)
{
    bool in_vain = strcmp(outcome, "failed") == 0 || strcmp(outcome, "preempted") == 0;
    bool failed = (in_vain && !slot->has_step) || strcmp(outcome, "released") == 0;
    int64_t ran_ms = loop_now(&slot->context->loop) - slot->started_ms;

    if (slot->resumed || (!failed && strcmp(outcome, "completed") != 0)) {
        return 0; /* it says nothing */
    }
    int64_t wait_ms = quick_failures_note(&slot->quick, failed, ran_ms, &slot->context->loop.rng);
    slot->request.health[0] = '\0';
    if (wait_ms > 0) {
        describe_failures(slot, detail, slot->request.health);
    }
    if (slot->quick.in_row == QUICK_FAILURES_TO_WAIT) {
        log_warning(
            "slot %zu: %s; is something wrong with this machine? From now on it waits "
            "longer each time before it asks for a trial, until a job does not fail at once",
            slot->index, slot->request.health);
    }
    return wait_ms;
}

/* What stays of the attempt's files: of a failure everything, for people to look at. */
static void end_folder(const struct slot *slot)
{
    const struct exit_class *ended = &slot->exit_class;

    if (slot->folder.base == NULL) {
        return;
    }
    if (slot->lost || ended->kind == EXIT_CLASS_SILENT || ended->kind == EXIT_CLASS_RELEASE) {
        folder_abandon(&slot->folder); /* the server does not know its checkpoint */
    } else if (slot_is_saved(slot) && strcmp(slot->state, "completed") != 0) {
        folder_abandon(&slot->folder); /* the server has it */
    } else if (ended->outcome == OUTCOME_COMPLETED || ended->outcome == OUTCOME_PREEMPTED) {
        folder_tidy(&slot->folder);
    } else {
        folder_end(&slot->folder);
    }
}

/* Asks for a trial, unless something that cannot be killed is in its place. */
static void ask(struct slot *slot)
{
    bool was_held = slot->stuck.process != 0;

    if (stuck_holds(&slot->stuck, loop_now(&slot->context->loop))) {
        return;
    }
    if (was_held) {
        int64_t no_wait_ms = 0;
        log_info("slot %zu: the unkillable process has ended", slot->index);
        slot->request.health[0] = '\0';
        give_devices_back(slot, &no_wait_ms);
    }
    tick_asking(slot);
}

/* True when the job has left something that no signal ends: the slot runs nothing beside it. */
static bool is_stuck(struct slot *slot)
{
    char what[128];

    if (!stuck_take(&slot->stuck, &slot->runner)) {
        return false;
    }
    stuck_describe(&slot->stuck, what, sizeof what);
    (void)snprintf(slot->request.health, sizeof slot->request.health, "%s", what);
    log_error("slot %zu: %s; the slot asks for no trial until it has ended", slot->index, what);
    return true;
}

/* Lets go of the trial; what comes next depends on whether anything may. */
static void end_trial(struct slot *slot, const char *outcome, const char *detail)
{
    emit(slot, AGENT_ENDED, outcome, detail);
    log_uploads_end(&slot->logs);
    int64_t wait_ms = wait_after(slot, outcome, detail);
    bool leaves = is_stuck(slot) && slot->context->settings->exit_when_finished;
    job_finish(slot);
    lease_destroy(slot->lease);
    slot->lease = NULL;
    if (!slot->unserved) { /* else the next worker may be served, and deliver it */
        slot_spool_close(slot);
        end_folder(slot);
    }
    slot_checkpoint_finish(slot);
    folder_finish(&slot->folder);
    lease_grant_finish(&slot->grant);
    buf_clear(&slot->control);
    report_socket_answer(&slot->reports, "error: the trial has ended\n");
    if (slot->stuck.process == 0) { /* else what is stuck may hold them */
        give_devices_back(slot, &wait_ms);
    }
    if (leaves || slot->delivers_only) {
        close_slot(slot);
        return;
    }
    begin_asking(slot, wait_ms);
    if (slot->phase == SLOT_ASKING && may_ask_at_all(slot)) {
        ask(slot);
    }
}

/* Until this moment the worker's own signal may still explain the end of the job. */
static int64_t settled_at_ms(const struct slot *slot)
{
    return slot->ended_ms + exit_class_settle_ms(slot->ended_ms - slot->run_started_ms);
}

/* Can what the end of the job means be decided? */
static bool is_settled(const struct slot *slot)
{
    bool by_itself = slot->supervisor.why == JOB_EXITED && slot->runner.spawn_errno == 0;

    return slot->lost
           || (lease_is_flushed(slot->lease) && (!slot->resumed || lease_is_answered(slot->lease))
               && (!by_itself || slot->context->draining
                   || loop_now(&slot->context->loop) >= settled_at_ms(slot)));
}

static void classify_exit(struct slot *slot)
{
    OWN(buf) struct buf lost = {0};

    buf_init(&lost, LOST_BYTES);
    bool is_lost = lease_append_lost(slot->lease, &lost);
    bool draining = slot->context->draining;
    const struct oom_found *oom = &slot->oom_found;
    struct exit_facts facts = {.why = slot->lost ? JOB_LOST : slot->supervisor.why,
                               .wait_status = slot->runner.wait_status,
                               .killed_by_us = slot->runner.killed,
                               .oom_seen = oom->somewhere,
                               .oom_sure = oom->ours || slot->runner.oom_kills > 0,
                               .oom_line = oom->line[0] == '\0' ? NULL : oom->line,
                               .draining = draining,
                               .with_worker =
                                   draining && slot->context->drained_ms <= settled_at_ms(slot),
                               .measured = lease_is_measured(slot->lease),
                               .lost = is_lost ? buf_text(&lost) : NULL,
                               .has_checkpoint = !folder_is_empty(slot->folder.checkpoint),
                               .has_resource = slot->grant.has_resource,
                               .last_step = slot->furthest_step,
                               .to = slot->to,
                               .until = slot->until};

    exit_class_decide(&facts, &slot->exit_class);
    if (slot->resumed && !slot->is_adopted && slot->exit_class.kind == EXIT_CLASS_RESTART) {
        slot->exit_class.kind =
            EXIT_CLASS_RESULT; /* it has no devices: its next rung goes out anew */
    }
}

static void restart_job(struct slot *slot)
{
    struct err err = {0};
    int64_t reached = slot->to;

    job_finish(slot);
    free(slot->folder.granted); /* it was copied before the first run */
    slot->folder.granted = NULL;
    slot->from = folder_is_empty(slot->folder.checkpoint) ? 0 : reached;
    slot->to = slot->until;
    slot->phase = SLOT_RUNNING;
    if (job_start(slot, &err) != 0) {
        release_after(slot, &err);
    } else {
        emit(slot, AGENT_STARTED, "", "promoted");
    }
}

static void deliver(struct slot *slot)
{
    struct result_report report = {0};
    struct err err = {0};

    if (slot_save_begin(slot)) {
        slot->phase = SLOT_SAVING;
        return;
    }
    slot->phase = SLOT_DELIVERING;
    if (slot->exit_class.kind == EXIT_CLASS_RELEASE) {
        lease_release(slot->lease);
    } else if (job_result(slot, &report, &err) != 0
               || lease_result_steal(slot->lease, &report, &err) != 0) {
        result_report_finish(&report);
        release_after(slot, &err);
    }
}

/* The program could not be started at all: that is this machine's fault, so the trial goes back
 * unharmed and the worker stops before it spoils the next. */
static void refuse_program(struct slot *slot)
{
    struct err err = {0};

    if (slot->runner.lacks_checkpoint) {
        (void)err_set(&err, ERR_IO, "its checkpoint %s cannot be copied: %s", slot->folder.granted,
                      strerror(slot->runner.spawn_errno));
    } else {
        char why[PATH_MAX];
        spawn_failure_describe(slot->program->path, slot->runner.spawn_errno, why, sizeof why);
        (void)err_set(&err, ERR_IO, "its program cannot be started: %s", why);
    }
    release_after(slot, &err);
}

static void after_flush(struct slot *slot)
{
    if (slot->runner.spawn_errno != 0 && !slot->lost) {
        refuse_program(slot);
        return;
    }
    classify_exit(slot);
    switch (slot->exit_class.kind) {
    case EXIT_CLASS_SILENT:
        end_trial(slot, slot->supervisor.why == JOB_ABORTED ? "aborted" : "lost",
                  slot->exit_class.text);
        break;
    case EXIT_CLASS_RESTART:
        restart_job(slot);
        break;
    case EXIT_CLASS_RESULT:
    case EXIT_CLASS_RELEASE:
    default:
        deliver(slot);
    }
}

/* A result that the server will not have as it is: once more as a failure, then not at all. */
static void after_refusal(struct slot *slot)
{
    slot->refused = false;
    if (slot->exit_class.kind == EXIT_CLASS_RESULT && slot->exit_class.outcome == OUTCOME_COMPLETED
        && slot->supervisor.why == JOB_EXITED) {
        slot->exit_class.outcome = OUTCOME_FAILED;
        slot->exit_class.reason = "no_metric";
        (void)snprintf(slot->exit_class.text, sizeof slot->exit_class.text,
                       "the server refused the result");
    } else {
        slot->exit_class.kind = EXIT_CLASS_RELEASE;
    }
    deliver(slot);
}

/* The job ended well, and the server has counted the trial as failed all the same. */
static void explain_failed_trial(struct slot *slot)
{
    OWN(buf) struct buf text;

    buf_init(&text, sizeof slot->exit_class.text - 1);
    if (slot->exit_class.outcome == OUTCOME_COMPLETED && strcmp(slot->state, "failed") == 0) {
        (void)lease_append_not_finite(slot->lease, &text);
        (void)snprintf(slot->exit_class.text, sizeof slot->exit_class.text, "%s",
                       text.len > 0 ? buf_text(&text)
                                    : "its job ended well, but the server counts it as failed");
    }
}

static void after_delivery(struct slot *slot)
{
    const char *outcome = slot->lost ? "lost"
                          : slot->exit_class.kind == EXIT_CLASS_RELEASE
                              ? "released"
                              : outcome_name(slot->exit_class.outcome);

    if (slot->delivered && slot->exit_class.kind == EXIT_CLASS_RESULT) {
        explain_failed_trial(slot);
    }
    end_trial(slot, outcome, slot->exit_class.text);
}

/* ---- time ---- */

static void tick_fetching(struct slot *slot)
{
    struct err err = {0};

    if (slot->lost) {
        slot->exit_class = (struct exit_class){.kind = EXIT_CLASS_SILENT, .reason = ""};
        end_trial(slot, "lost", "before its checkpoint was here");
    } else if (asks_no_more(slot->context)) {
        slot_checkpoint_finish(slot);
        hand_back(slot);
    } else if (slot_fetch_tick(slot)) {
        slot->phase = SLOT_RUNNING;
        if (begin_run(slot, &err) != 0) {
            release_after(slot, &err);
        }
    }
}

static void tick_saving(struct slot *slot)
{
    if (slot->lost) {
        slot->phase = SLOT_DELIVERING;
    } else if (slot_save_tick(slot)) {
        deliver(slot);
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

static void stop_asking(struct slot *slot)
{
    lease_request_withdraw(&slot->request);
    if (!slot->request.active) {
        close_slot(slot);
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
    if (slot->phase == SLOT_ASKING && asks_no_more(slot->context)) {
        stop_asking(slot);
    }
    if (slot->hurries != slot->context->hurries) {
        slot->hurries = slot->context->hurries;
        lease_request_hurry(&slot->request);
    }
    if (slot->phase == SLOT_ASKING && devices_grew(&slot->context->devices, slot->index)) {
        lease_request_renew(&slot->request);
    }
    if (slot->phase == SLOT_ASKING && may_ask_at_all(slot)) {
        ask(slot);
    }
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
    if (slot->phase == SLOT_FLUSHING && is_settled(slot)) {
        after_flush(slot);
    }
    if (slot->phase == SLOT_SAVING) {
        tick_saving(slot);
    }
    if (slot->phase == SLOT_DELIVERING && slot->refused) {
        after_refusal(slot);
    }
    if (slot->phase == SLOT_DELIVERING && (slot->lost || slot->delivered)) {
        after_delivery(slot);
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
    if (slot->phase == SLOT_ASKING && slot->stuck.process != 0) {
        due_ms = earlier(due_ms, stuck_deadline(&slot->stuck));
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
        due_ms = earlier(due_ms, settled_at_ms(slot));
    }
    return due_ms;
}

/* ---- the slot itself ---- */

int slot_open(struct slot *slot, struct agent_context *context, size_t index, struct err *err)
{
    struct lease_request_hooks hooks = {on_grant, on_nothing, on_fatal, on_reach, slot};
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
    slot->quick.base_ms = QUICK_FAILURES_WAIT_MS;
    begin_asking(slot, 0);
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

void slot_drain(struct slot *slot)
{
    int64_t now_ms = loop_now(&slot->context->loop);

    if (slot->phase == SLOT_ASKING) {
        stop_asking(slot);
    } else if (slot->phase == SLOT_RUNNING) {
        slot->supervisor.grace_ms = leaving_grace_ms(&slot->context->leaving, now_ms);
        job_act(slot, supervisor_step(&slot->supervisor, JOB_DRAINED, now_ms));
    }
    if (slot->lease != NULL) {
        lease_hurry(slot->lease);
    }
}

void slot_kill(struct slot *slot)
{
    job_act(slot, supervisor_step(&slot->supervisor, JOB_QUIT, loop_now(&slot->context->loop)));
}
