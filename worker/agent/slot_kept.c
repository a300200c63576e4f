#include "worker/agent/slot_kept.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/agent/boundary/cgroup.h"
#include "worker/agent/job.h"
#include "worker/agent/orphans.h"
#include "worker/agent/owner.h"
#include "worker/agent/shim_keep.h"

#define SPOOL_SUFFIX ".spool"
#define EMPTY_MS 10000
#define ENDING (STREAM_COUNT + 1) /* of a position: the last lines are worked on */

/* ---- while it runs ---- */

static int name_files(struct slot *slot, struct err *err)
{
    size_t len = strlen(slot->spool.path) - strlen(SPOOL_SUFFIX);
    OWN(memory) char *base = strndup(slot->spool.path, len);

    kept_files_finish(&slot->kept_files);
    if (base == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return kept_files_name(&slot->kept_files, base, err);
}

static void fill_record(const struct slot *slot, const char *attempt_id, struct job_record *record)
{
    const struct boundary *boundary = &slot->context->boundary;

    *record = (struct job_record){.shim = slot->runner.shim,
                                  .shim_started = owner_started((long)slot->runner.shim),
                                  .keeps = slot->context->settings->keep_ms > 0};
    (void)snprintf(record->attempt_id, sizeof record->attempt_id, "%s", attempt_id);
    (void)snprintf(record->reports, sizeof record->reports, "%s", slot->reports.name);
    job_record_boot(record->boot);
    if (boundary->kind == BOUNDARY_CGROUP) {
        cgroup_leaf_path(boundary->base, attempt_id, record->leaf);
    }
}

static int open_output(struct slot *slot, bool resumes, struct err *err)
{
    kept_output_close(&slot->kept);
    TRY(kept_output_open(&slot->kept, &slot->kept_files, resumes, err));
    slot->output.kept = &slot->kept;
    return 0;
}

int slot_kept_begin(struct slot *slot, const char *attempt_id, struct runner_keep *keep,
                    bool *keeps, struct err *err)
{
    struct job_record record;

    *keeps = false;
    if (slot->spool.path == NULL) { /* tried without a server: nothing outlives it */
        return 0;
    }
    TRY(name_files(slot, err));
    slot->runner.shim = 0;
    fill_record(slot, attempt_id, &record);
    TRY(job_record_write(slot->kept_files.job, &record, err));
    if (record.keeps) {
        TRY(open_output(slot, false, err));
        slot_kept_commit(slot);
        *keep = (struct runner_keep){.files = &slot->kept_files,
                                     .span_ms = slot->context->settings->keep_ms};
        *keeps = true;
    }
    return 0;
}

void slot_kept_started(const struct slot *slot)
{
    struct job_record record;
    struct err err = {0};

    if (slot->kept_files.job == NULL) {
        return;
    }
    fill_record(slot, slot->runner.attempt_id, &record);
    if (job_record_write(slot->kept_files.job, &record, &err) != 0) {
        log_warning("%s", err.text);
    }
}

/* The begin of the line that is not complete: what a later process reads again. */
static void note_stream(const struct slot *slot, size_t stream, struct kept_position *position)
{
    const struct parse *parse = &slot->output.streams[stream];

    position->read_at[stream] = slot->kept.read_at[stream] - (int64_t)parse->line.len;
    position->is_cut[stream] = parse->is_cut ? 1 : 0;
}

void slot_kept_commit(struct slot *slot)
{
    const struct reader *reader = &slot->output.reader;
    struct kept_position position = {
        .working_on = STREAM_COUNT,
        .reports = slot->lease == NULL ? 0 : lease_reports(slot->lease) - slot->replayed,
        .has_step = slot->has_step ? 1 : 0,
        .last_step = slot->last_step,
        .furthest_step = slot->furthest_step,
        .step_is_found = reader->has_step ? 1 : 0,
        .step_is_refused = reader->step_is_refused ? 1 : 0,
        .found_step = reader->step,
        .log_bytes = output_log_bytes(&slot->output)};

    if (slot->kept.pages == NULL) {
        return;
    }
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        note_stream(slot, i, &position);
    }
    spool_flush(&slot->spool, loop_now(&slot->context->loop));
    kept_output_commit(&slot->kept, &position);
}

ssize_t slot_kept_read(struct slot *slot, enum runner_stream stream)
{
    if (slot->kept.pages == NULL) {
        return output_read(&slot->output, stream, slot->runner.streams[stream]);
    }
    kept_output_work_on(&slot->kept, (int64_t)stream);
    ssize_t got = output_read(&slot->output, stream, slot->runner.streams[stream]);
    slot_kept_commit(slot);
    return got;
}

void slot_kept_close_output(struct slot *slot)
{
    if (slot->kept.pages != NULL) {
        kept_output_work_on(&slot->kept, ENDING);
    }
}

void slot_kept_end(struct slot *slot)
{
    runner_done(&slot->runner);
    slot->output.kept = NULL;
    kept_output_close(&slot->kept);
    if (slot->kept_files.job != NULL) {
        kept_files_remove(&slot->kept_files);
        kept_files_finish(&slot->kept_files);
    }
}

/* ---- taken up ---- */

/* Reads what lies in the file of a stream. */
static void read_file(struct slot *slot, enum runner_stream stream)
{
    ssize_t got = 1;

    while (got > 0) {
        kept_output_work_on(&slot->kept, (int64_t)stream);
        got = output_read(&slot->output, stream, -1);
        slot_kept_commit(slot);
    }
}

/* What was read but not recorded is read again; what is recorded of it is not told twice. */
static void replay(struct slot *slot, uint64_t measured)
{
    struct kept_position position;
    struct reader *reader = &slot->output.reader;

    kept_output_position(&slot->kept, &position);
    slot->has_step = position.has_step != 0;
    slot->last_step = position.last_step;
    slot->furthest_step = position.furthest_step;
    reader->has_step = position.step_is_found != 0;
    reader->step_is_refused = position.step_is_refused != 0;
    reader->step = position.found_step;
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        slot->output.streams[i].is_cut = position.is_cut[i] != 0;
    }
    slot->replayed = measured > position.reports ? measured - position.reports : 0;
    if (position.working_on >= 0 && position.working_on < STREAM_COUNT) {
        read_file(slot, (enum runner_stream)position.working_on);
    }
    if (position.working_on != ENDING) {
        slot->replayed = 0;
    }
    for (size_t i = 0; i < STREAM_COUNT; i++) {
        read_file(slot, (enum runner_stream)i);
    }
}

/* Everything of the run but its processes. */
static int restore_run(struct slot *slot, uint64_t measured, struct err *err)
{
    struct kept_position position;

    TRY(job_open_output(slot, err));
    job_supervise(slot);
    if (access(slot->kept_files.position, F_OK) != 0) {
        return 0;
    }
    TRY(open_output(slot, true, err));
    kept_output_position(&slot->kept, &position);
    output_cut_log(&slot->output, position.log_bytes);
    replay(slot, measured);
    return 0;
}

static int take_alive(struct slot *slot, const struct job_record *record, const char *gpu,
                      struct err *err)
{
    free(slot->gpu);
    slot->gpu = NULL;
    if (gpu != NULL && gpu[0] != '\0') {
        TRY(devices_take_named(&slot->context->devices, slot->index, gpu, &slot->devices, err));
        slot->gpu = strdup(gpu);
        if (slot->gpu == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory");
        }
    }
    TRY(report_socket_reopen(&slot->reports, record->reports, err));
    TRY(folder_own(&slot->folder, slot->context->host, slot->runner.shim, err));
    TRY(job_check(slot, err));
    return job_watch(slot, err);
}

/* It has ended; `status` is what is known of that. */
static void take_end(struct slot *slot, const struct shim_exit *ended)
{
    bool by_worker = ended == NULL || ended->was_killed;

    runner_init(&slot->runner);
    slot->runner.ended = true;
    slot->runner.wait_status = ended == NULL ? SIGKILL : ended->status;
    slot->runner.peak_kib = ended == NULL ? 0 : ended->peak_kib;
    slot->runner.oom_kills = ended == NULL ? -1 : ended->oom_kills;
    if (by_worker) { /* nobody called in time, or the shim was killed too */
        (void)supervisor_step(&slot->supervisor, JOB_DRAINED, loop_now(&slot->context->loop));
    }
}

static void tell(const struct slot *slot, const char *what)
{
    log_info("trial %" PRId64 " of %s is taken up from an earlier worker: %s", slot->grant.trial,
             slot->grant.study, what);
}

/* 0: the slot runs its job or has its end; −1: it has nothing. */
static int take(struct slot *slot, uint64_t measured, const struct job_record *record,
                const struct shim_exit *ended, bool alive, const char *gpu, struct err *err)
{
    TRY(restore_run(slot, measured, err));
    if (alive) {
        TRY(take_alive(slot, record, gpu, err));
        tell(slot, "its job goes on");
        slot->is_adopted = true;
    } else {
        take_end(slot, ended);
        tell(slot, ended == NULL ? "its job ended with that worker" : "its job has ended");
    }
    if (!slot->context->settings->no_log_upload) {
        log_uploads_begin(&slot->logs, slot->grant.id, slot->folder.log);
    }
    slot->phase = SLOT_RUNNING;
    return 0;
}

enum slot_kept slot_kept_take_up(struct slot *slot, uint64_t measured, const char *gpu)
{
    struct job_record record;
    struct shim_exit ended;
    struct err err = {0};

    if (name_files(slot, &err) != 0 || slot->folder.base == NULL
        || !job_record_read(slot->kept_files.job, &record)) {
        kept_files_finish(&slot->kept_files);
        return SLOT_KEPT_NOTHING;
    }
    int rc = record.keeps ? runner_adopt(&slot->runner, slot->kept_files.socket, &record, &err) : 1;
    bool has_exit =
        rc != 0 && shim_keep_read_exit(slot->kept_files.exit, record.attempt_id, &ended);
    if (rc < 0) {
        log_warning("%s", err.text);
    }
    if (rc != 0 && !has_exit && job_record_lives(&record)) {
        return SLOT_KEPT_WAIT;
    }
    if (rc != 0 && slot->awaits_shim) { /* it lived at the start, when others were ended */
        const char *const ids[] = {record.attempt_id};
        struct orphans left = {
            .attempt_ids = ids, .n = 1, .leaf = record.leaf[0] == '\0' ? NULL : record.leaf};
        (void)orphans_end(&left, EMPTY_MS);
    }
    if (take(slot, measured, &record, has_exit ? &ended : NULL, rc == 0, gpu, &err) != 0) {
        log_error("trial %" PRId64 " of %s cannot be taken up: %s", slot->grant.trial,
                  slot->grant.study, err.text);
        job_finish(slot);
        return SLOT_KEPT_NOTHING;
    }
    return SLOT_KEPT_TAKEN;
}
