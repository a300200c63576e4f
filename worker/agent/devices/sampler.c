#include "worker/agent/devices/sampler.h"

#include <math.h>
#include <stdlib.h>

#include "common/log.h"
#include "worker/agent/devices/amd.h"
#include "worker/agent/devices/nvidia.h"

#define SHARE 50 /* the tool runs at most 1/SHARE of the time */
#define MOST_DOUBLINGS 6
#define MOST_MS 600000 /* the longest wait after failures */

int sampler_init(struct sampler *sampler, struct loop *loop, enum vendor vendor, char *path,
                 int64_t limit_ms, struct err *err)
{
    *sampler = (struct sampler){.vendor = vendor, .path = path, .limit_ms = limit_ms};
    probe_init(&sampler->probe, loop);
    sampler->list = calloc(1, sizeof *sampler->list);
    return sampler->list == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

void sampler_finish(struct sampler *sampler)
{
    probe_finish(&sampler->probe);
    free(sampler->list);
    *sampler = (struct sampler){.probe = {.fd = -1}};
}

/* ---- one look ---- */

static int start(struct sampler *sampler, struct err *err)
{
    static char utilization[] = NVIDIA_UTILIZATION, format[] = NVIDIA_FORMAT;
    static char ids[] = "--showuniqueid", use[] = "--showuse", json[] = "--json";
    char *nvidia[] = {sampler->path, utilization, format, NULL};
    char *amd[] = {sampler->path, ids, use, json, NULL};

    return probe_start(&sampler->probe, sampler->vendor == VENDOR_AMD ? amd : nvidia,
                       sampler->began_ms + sampler->limit_ms, err);
}

static int read_answer(struct sampler *sampler, struct err *err)
{
    const char *text = "";

    *sampler->list = (struct vendor_list){0};
    /* a failure that says which GPU it could not reach has listed the others */
    TRY(probe_output(&sampler->probe, sampler->vendor == VENDOR_NVIDIA, &text, err));
    TRY(sampler->vendor == VENDOR_AMD ? amd_read_gpus(text, sampler->list, err)
                                      : nvidia_read_utilization(text, sampler->list, err));
    return sampler->list->lacks_one ? 0 : probe_output(&sampler->probe, false, &text, err);
}

/* When the next look is due, after one that took so long. */
static void wait_for_next(struct sampler *sampler, int64_t now_ms)
{
    int64_t wait_ms = SHARE * (now_ms - sampler->began_ms);

    if (wait_ms < SAMPLER_EVERY_MS) {
        wait_ms = SAMPLER_EVERY_MS;
    }
    if (sampler->failures > 0) {
        wait_ms <<= sampler->failures;
        wait_ms = wait_ms < MOST_MS ? wait_ms : MOST_MS;
    }
    sampler->due_ms = sampler->began_ms + wait_ms;
}

static void fail(struct sampler *sampler, const struct err *why)
{
    sampler->is_known = false;
    sampler->failures += sampler->failures < MOST_DOUBLINGS;
    if (sampler->failures == 1) {
        log_debug("how busy the GPUs are is not known: %s: %s", vendor_tool(sampler->vendor),
                  why->text);
    }
}

static void end(struct sampler *sampler, int64_t now_ms)
{
    struct err err = {0};

    sampler->is_running = false;
    if (read_answer(sampler, &err) == 0) {
        sampler->failures = 0;
        sampler->is_known = true;
    } else {
        fail(sampler, &err);
    }
    wait_for_next(sampler, now_ms);
}

static void begin(struct sampler *sampler, int64_t now_ms)
{
    struct err err = {0};

    sampler->began_ms = now_ms;
    if (start(sampler, &err) == 0) {
        sampler->is_running = true;
    } else {
        fail(sampler, &err);
        wait_for_next(sampler, now_ms);
    }
}

/* ---- time ---- */

void sampler_tick(struct sampler *sampler, bool is_wanted)
{
    if (sampler->path == NULL) {
        return;
    }
    int64_t now_ms = loop_now(sampler->probe.loop);
    probe_tick(&sampler->probe);
    if (sampler->is_running && sampler->probe.is_over) {
        end(sampler, now_ms);
    } else if (!sampler->is_running && is_wanted && now_ms >= sampler->due_ms) {
        begin(sampler, now_ms);
    }
}

int64_t sampler_deadline(const struct sampler *sampler, bool is_wanted)
{
    if (sampler->path == NULL) {
        return INT64_MAX;
    }
    int64_t due_ms = probe_deadline(&sampler->probe); /* also of one that is not reaped yet */
    return !sampler->is_running && is_wanted && sampler->due_ms < due_ms ? sampler->due_ms : due_ms;
}

double sampler_utilization(const struct sampler *sampler, const char *token)
{
    if (!sampler->is_known || loop_now(sampler->probe.loop) > sampler->due_ms + sampler->limit_ms) {
        return (double)NAN; /* by then the next look should have answered */
    }
    const struct vendor_gpu *gpu = vendor_find(sampler->list, token);
    return gpu == NULL || gpu->busy_percent < 0 ? (double)NAN : gpu->busy_percent / 100.0;
}
