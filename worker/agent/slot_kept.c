#include "worker/agent/slot_kept.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "worker/agent/boundary/cgroup.h"
#include "worker/agent/owner.h"

#define SPOOL_SUFFIX ".spool"

int slot_kept_name_files(struct slot *slot, struct err *err)
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

int slot_kept_open_output(struct slot *slot, bool resumes, struct err *err)
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
    TRY(slot_kept_name_files(slot, err));
    slot->runner.shim = 0;
    fill_record(slot, attempt_id, &record);
    TRY(job_record_write(slot->kept_files.job, &record, err));
    if (record.keeps) {
        TRY(slot_kept_open_output(slot, false, err));
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
        kept_output_work_on(&slot->kept, SLOT_KEPT_ENDING);
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
