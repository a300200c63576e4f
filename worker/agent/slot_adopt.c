#include "worker/agent/slot_adopt.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/agent/job.h"
#include "worker/agent/orphans.h"
#include "worker/agent/shim_keep.h"
#include "worker/agent/slot_kept.h"

#define EMPTY_MS 10000

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
    if (position.working_on != SLOT_KEPT_ENDING) {
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
    TRY(slot_kept_open_output(slot, true, err));
    kept_output_position(&slot->kept, &position);
    output_cut_log(&slot->output, position.log_bytes);
    replay(slot, measured);
    return 0;
}

static void tell_lack(const struct slot *slot, const char *lack, const struct err *err)
{
    log_warning("trial %" PRId64 " of %s goes on, but %s: %s", slot->grant.trial, slot->grant.study,
                lack, err->text);
}

/* Where they are not known here, the job goes on all the same. */
static void hold_devices(struct slot *slot, const char *gpu)
{
    struct err err = {0};

    if (gpu == NULL || gpu[0] == '\0' || slot->gpu != NULL) {
        return;
    }
    if (devices_take_named(&slot->context->devices, slot->index, gpu, &slot->devices, &err) != 0) {
        tell_lack(slot, "its GPUs are not held for it", &err);
        return;
    }
    slot->gpu = strdup(gpu);
    if (slot->gpu == NULL) {
        devices_give_back(&slot->context->devices, &slot->devices, &slot->quick, 0, "");
    }
}

/* Nothing that its job can do without ends it. */
static int take_alive(struct slot *slot, const struct job_record *record, const char *gpu,
                      struct err *err)
{
    struct err lacks = {0};

    hold_devices(slot, gpu);
    if (report_socket_reopen(&slot->reports, record->reports, &lacks) != 0) {
        tell_lack(slot, "`hone report` does not reach this worker", &lacks);
    }
    if (folder_own(&slot->folder, slot->context->host, slot->runner.shim, &lacks) != 0) {
        tell_lack(slot, "its folder does not name this worker", &lacks);
    }
    slot->program = NULL;
    if (job_check(slot, &lacks) != 0) {
        tell_lack(slot, "it cannot be started again here", &lacks);
    }
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
    if (by_worker) { /* no agent called in time, or the shim was killed too */
        (void)supervisor_step(&slot->supervisor, JOB_DRAINED, loop_now(&slot->context->loop));
    }
}

static void tell(const struct slot *slot, const char *what)
{
    log_info("trial %" PRId64 " of %s is taken up from an earlier worker: %s", slot->grant.trial,
             slot->grant.study, what);
}

/* Of the job of an earlier worker. */
struct left_job {
    struct job_record record;
    bool is_alive;
    bool has_ended; /* `ended` says how */
    struct shim_exit ended;
    const char *gpu; /* its devices; borrowed */
};

/* 0: the slot runs its job or has its end; −1: it has nothing. */
static int take(struct slot *slot, uint64_t measured, const struct left_job *left, struct err *err)
{
    TRY(restore_run(slot, measured, err));
    if (left->is_alive) {
        TRY(take_alive(slot, &left->record, left->gpu, err));
        tell(slot, "its job goes on");
        slot->is_adopted = true;
    } else {
        take_end(slot, left->has_ended ? &left->ended : NULL);
        tell(slot, left->has_ended     ? "its job has ended"
                   : slot->awaits_shim ? "what was left of its job is ended"
                                       : "its job ended with that worker");
    }
    if (!slot->context->settings->no_log_upload) {
        log_uploads_begin(&slot->logs, slot->grant.id, slot->folder.log);
    }
    slot->phase = SLOT_RUNNING;
    return 0;
}

/* It lived at the start, when others were ended. */
static void end_left(const struct job_record *record)
{
    const char *const ids[] = {record->attempt_id};
    struct orphans left = {
        .attempt_ids = ids, .n = 1, .leaf = record->leaf[0] == '\0' ? NULL : record->leaf};

    (void)orphans_end(&left, EMPTY_MS);
}

enum slot_adopted slot_adopt(struct slot *slot, uint64_t measured, const char *gpu)
{
    struct left_job left = {.gpu = gpu};
    struct job_record *record = &left.record;
    struct err err = {0};

    if (slot_kept_name_files(slot, &err) != 0 || slot->folder.base == NULL
        || !job_record_read(slot->kept_files.job, record)) {
        kept_files_finish(&slot->kept_files);
        return SLOT_ADOPTED_NOTHING;
    }
    int rc = record->keeps ? runner_adopt(&slot->runner, slot->kept_files.socket, record, &err)
                           : RUNNER_GONE;
    if (rc == RUNNER_SILENT) {
        hold_devices(slot, gpu);
        return SLOT_ADOPT_SILENT;
    }
    left.is_alive = rc == 0;
    left.has_ended =
        rc != 0 && shim_keep_read_exit(slot->kept_files.exit, record->attempt_id, &left.ended);
    if (rc < 0) {
        log_warning("%s", err.text);
    }
    if (rc != 0 && !left.has_ended && job_record_lives(record)) {
        return SLOT_ADOPT_AGAIN;
    }
    if (rc != 0 && slot->awaits_shim) {
        end_left(record);
    }
    if (take(slot, measured, &left, &err) != 0) {
        log_error("trial %" PRId64 " of %s cannot be taken up: %s", slot->grant.trial,
                  slot->grant.study, err.text);
        job_finish(slot);
        return SLOT_ADOPT_FAILED;
    }
    return SLOT_ADOPTED;
}

void slot_adopt_kill(const struct slot *slot)
{
    struct job_record record;

    if (slot->kept_files.job != NULL && job_record_read(slot->kept_files.job, &record)
        && job_record_lives(&record)) {
        log_warning("trial %" PRId64 " of %s: process %ld, which runs its job, does not answer and "
                    "is killed",
                    slot->grant.trial, slot->grant.study, (long)record.shim);
        (void)kill(record.shim, SIGKILL);
    }
}
