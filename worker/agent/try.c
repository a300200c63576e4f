#include "worker/agent/try.h"

#include <stdio.h>
#include <string.h>

#include "common/http/async.h"
#include "worker/agent/agent.h"
#include "worker/agent/job.h"
#include "worker/agent/slot.h"

#define TURN_MS 1000
#define TAIL_BYTES 8192
#define HEAD_BYTES 65536

void try_result_finish(struct try_result *result)
{
    pending_finish(&result->measured);
    notes_finish(&result->notes);
    spool_finish(&result->spool);
    buf_finish(&result->head);
    buf_finish(&result->tail);
}

static int begin(struct slot *slot, struct err *err)
{
    struct agent_context *context = slot->context;

    TRY(job_check(slot, err));
    TRY(devices_take(&context->devices, 0, &slot->grant, &slot->devices, &slot->gpu, err));
    TRY(folder_open(&slot->folder, context->workdir, context->settings->server_name, &slot->grant,
                    err));
    slot->from = slot->grant.from;
    slot->to = slot->grant.to;
    slot->started_ms = loop_now(&context->loop);
    TRY(report_socket_open(&slot->reports, &context->loop, job_take_line, slot, err));
    return job_start(slot, err);
}

/* Until nothing of the job is left. A first stop is SIGTERM, a second one SIGKILL. */
static void follow(struct agent *agent, struct slot *slot)
{
    struct loop *loop = &slot->context->loop;
    unsigned told = 0;

    while (!slot->runner.ended) {
        unsigned stops = agent_stops(agent);
        if (stops > told) {
            job_act(slot, stops > 1 ? ACT_KILL : ACT_TERMINATE);
            told = stops;
        }
        report_socket_answer(&slot->reports, buf_text(&slot->control));
        runner_tick(&slot->runner, loop_now(loop));
        loop_turn(loop, slot->runner.cleaning ? runner_deadline(&slot->runner)
                                              : loop_now(loop) + TURN_MS);
    }
    job_collect(slot);
}

/* The beginning of the log. Where it cannot be read there is none. */
static void read_head(const char *path, struct buf *head)
{
    char bytes[HEAD_BYTES / 4];
    FILE *file = path == NULL ? NULL : fopen(path, "re");

    if (file == NULL) {
        return;
    }
    transcript_append_clean(head, bytes, fread(bytes, 1, sizeof bytes, file));
    (void)fclose(file);
}

/* The notes and the measurements stay with the result. */
static void close_slot(struct slot *slot, struct try_result *result)
{
    result->spawn_errno = slot->runner.spawn_errno;
    result->wait_status = slot->runner.wait_status;
    read_head(slot->folder.log, &result->head);
    transcript_last_lines(&slot->output.transcript, &result->tail);
    result->notes = slot->notes;
    result->measured.notes = &result->notes;
    slot->notes = (struct notes){0};
    slot_finish(slot);
}

int agent_try(struct agent *agent, struct lease_grant *grant, struct try_result *result,
              struct err *err)
{
    struct slot slot = {.context = agent_context(agent), .grant = *grant};

    *grant = (struct lease_grant){0};
    *result = (struct try_result){0};
    buf_init(&result->head, HEAD_BYTES);
    buf_init(&result->tail, TAIL_BYTES);
    runner_init(&slot.runner);
    output_init(&slot.output);
    buf_init(&slot.control, SLOT_CONTROL_BYTES);
    notes_init(&slot.notes, slot.grant.trial);
    spool_init(&slot.spool);
    spool_init(&result->spool);
    pending_init(&result->measured, slot.grant.values.objectives, &slot.notes, &result->spool);
    result->measured.digits = slot.grant.digits;
    slot.tried = &result->measured;
    int rc = begin(&slot, err);
    if (rc == 0) {
        follow(agent, &slot);
    }
    close_slot(&slot, result);
    return rc;
}
