#include "worker/agent/slot_end.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "worker/agent/job.h"
#include "worker/agent/slot_ask.h"
#include "worker/agent/slot_begin.h"
#include "worker/agent/slot_checkpoint.h"
#include "worker/agent/slot_event.h"
#include "worker/agent/slot_spool.h"
#include "worker/agent/spawn_failure.h"

#define LOST_BYTES 512
#define REPORTED_BYTES 512
#define DETAIL_SHOWN_BYTES 100
#define SHOWN_BYTES 300 /* of what a job printed last */

/* The bytes up to the first semicolon: what happened, without what to do about it. */
static int first_part(const char *detail)
{
    size_t len = strcspn(detail, ";");

    return (int)(len < DETAIL_SHOWN_BYTES ? len : DETAIL_SHOWN_BYTES);
}

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
    (void)snprintf(health, HEALTH_BYTES, "%u jobs in a row failed at once; the last: %.*s%s%s",
                   slot->quick.in_row, first_part(detail), detail,
                   *end == '\0' ? "" : "; it printed: ", end);
}

/* How long to wait before the next ask: on a machine where jobs fail at once, further trials
 * would fail too. */
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

/* True when the job has left something that no signal ends: the slot runs nothing beside it. */
static bool has_unkillable(struct slot *slot)
{
    char what[128];

    if (!unkillable_take(&slot->unkillable, &slot->runner)) {
        return false;
    }
    unkillable_describe(&slot->unkillable, what, sizeof what);
    (void)snprintf(slot->request.health, sizeof slot->request.health, "%s", what);
    log_error("slot %zu: %s; the slot asks for no trial until it has ended", slot->index, what);
    return true;
}

/* Lets go of the trial; what comes next depends on whether anything may. */
void slot_end_trial(struct slot *slot, const char *outcome, const char *detail)
{
    slot_emit(slot, AGENT_ENDED, outcome, detail);
    log_uploads_end(&slot->logs);
    int64_t wait_ms = wait_after(slot, outcome, detail);
    bool leaves = has_unkillable(slot) && slot->context->settings->exit_when_finished;
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
    if (slot->unkillable.process == 0) { /* else that process may hold them */
        slot_give_devices_back(slot, &wait_ms);
    }
    if (leaves || slot->delivers_only) {
        slot_close(slot);
        return;
    }
    slot_begin_asking(slot, wait_ms);
    slot_ask_tick(slot);
}

/* Until this moment the worker's own signal may still explain the end of the job. */
int64_t slot_settled_at_ms(const struct slot *slot)
{
    return slot->ended_ms
           + exit_class_settle_ms(slot->runner.wait_status, slot->ended_ms - slot->run_started_ms);
}

/* Can what the end of the job means be decided? */
bool slot_is_settled(const struct slot *slot)
{
    bool by_itself = slot->supervisor.why == JOB_EXITED && slot->runner.spawn_errno == 0;

    return slot->lost
           || (lease_is_flushed(slot->lease) && (!slot->resumed || lease_is_answered(slot->lease))
               && (!by_itself || slot->context->draining
                   || loop_now(&slot->context->loop) >= slot_settled_at_ms(slot)));
}

/* Has it its devices, and the command? */
static bool may_restart(const struct slot *slot)
{
    return !slot->resumed
           || (slot->is_adopted && slot->program != NULL
               && (slot->gpu != NULL || slot->n_gpus_resumed == 0));
}

static void classify_exit(struct slot *slot)
{
    OWN(buf) struct buf lost = {0};
    OWN(buf) struct buf reported = {0};
    OWN(buf) struct buf wanted = {0};

    buf_init(&reported, REPORTED_BYTES);
    lease_append_reported(slot->lease, &reported);
    buf_init(&wanted, REPORTED_BYTES);
    lease_append_missing(slot->lease, &wanted);
    buf_init(&lost, LOST_BYTES);
    bool is_lost = lease_append_lost(slot->lease, &lost);
    bool draining = slot->context->draining;
    const struct oom_found *oom = &slot->oom_found;
    struct exit_facts facts = {
        .why = slot->lost ? JOB_LOST : slot->supervisor.why,
        .wait_status = slot->runner.wait_status,
        .killed_by_us = slot->runner.killed,
        .oom_seen = oom->somewhere,
        .oom_sure = oom->ours || slot->runner.oom_kills > 0,
        .oom_line = oom->line[0] == '\0' ? NULL : oom->line,
        .draining = draining,
        .with_worker = draining && slot->context->drained_ms <= slot_settled_at_ms(slot),
        .measured = lease_is_measured(slot->lease),
        .reported = buf_text(&reported),
        .wanted = buf_text(&wanted),
        .lost = is_lost ? buf_text(&lost) : NULL,
        .has_checkpoint = !folder_is_empty(slot->folder.checkpoint),
        .has_resource = slot->grant.has_resource,
        .last_step = slot->furthest_step,
        .to = slot->to,
        .until = slot->until};

    exit_class_decide(&facts, &slot->exit_class);
    if (!may_restart(slot) && slot->exit_class.kind == EXIT_CLASS_RESTART) {
        slot->exit_class.kind = EXIT_CLASS_RESULT; /* its next rung goes out anew */
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
        slot_release_after(slot, &err);
    } else {
        slot_emit(slot, AGENT_STARTED, "", "promoted");
    }
}

void slot_deliver(struct slot *slot)
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
        slot_release_after(slot, &err);
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
    slot_release_after(slot, &err);
}

void slot_after_flush(struct slot *slot)
{
    if (slot->runner.spawn_errno != 0 && !slot->lost) {
        refuse_program(slot);
        return;
    }
    classify_exit(slot);
    switch (slot->exit_class.kind) {
    case EXIT_CLASS_SILENT:
        slot_end_trial(slot, slot->supervisor.why == JOB_ABORTED ? "aborted" : "lost",
                       slot->exit_class.text);
        break;
    case EXIT_CLASS_RESTART:
        restart_job(slot);
        break;
    case EXIT_CLASS_RESULT:
    case EXIT_CLASS_RELEASE:
    default:
        slot_deliver(slot);
    }
}

/* A result that the server will not have as it is: once more as a failure, then not at all. */
void slot_after_refusal(struct slot *slot)
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
    slot_deliver(slot);
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

void slot_after_delivery(struct slot *slot)
{
    const char *outcome = slot->lost ? "lost"
                          : slot->exit_class.kind == EXIT_CLASS_RELEASE
                              ? "released"
                              : outcome_name(slot->exit_class.outcome);

    if (slot->delivered && slot->exit_class.kind == EXIT_CLASS_RESULT) {
        explain_failed_trial(slot);
    }
    slot_end_trial(slot, outcome, slot->exit_class.text);
}
