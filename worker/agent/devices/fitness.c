#include "worker/agent/devices/fitness.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/agent/devices/descent.h"

#define FRESH_MS 10000 /* a look serves the asks of so long */
#define MOST_TIMES 300 /* the longest wait, in first waits */
#define ROOTS_MAX 257

/* ---- quarantine ---- */

static int64_t wait_of(const struct devices *devices, unsigned times)
{
    int64_t wait_ms = devices->settings.base_ms;

    for (unsigned i = 1; i < times && wait_ms < MOST_TIMES * devices->settings.base_ms; i++) {
        wait_ms *= 2;
    }
    return wait_ms < MOST_TIMES * devices->settings.base_ms
               ? wait_ms
               : MOST_TIMES * devices->settings.base_ms;
}

/* Said once, until it is fit again or there is another reason. */
static void put_in(struct devices *devices, struct quarantine *quarantine, const char *why,
                   const char *meaning)
{
    bool is_news = !quarantine->is_on || strcmp(quarantine->why, why) != 0;
    bool was_on = quarantine->is_on;

    quarantine->times += quarantine->times < 64;
    quarantine->until_ms = loop_now(devices->loop) + wait_of(devices, quarantine->times);
    quarantine->is_on = true;
    quarantine->by_jobs = false;
    (void)snprintf(quarantine->why, sizeof quarantine->why, "%s", why);
    if (is_news && !was_on) {
        log_warning("%s; %s", why, meaning);
    } else if (is_news) {
        log_debug("%s; %s", why, meaning);
    }
    devices->told_ms = is_news ? INT64_MIN : devices->told_ms;
}

static void let_out(struct devices *devices, struct quarantine *quarantine, const char *what)
{
    if (quarantine->is_on) {
        log_info("%s", what);
        devices->has_grown = true;
    }
    *quarantine = (struct quarantine){0};
}

/* ---- looking at a GPU ---- */

static void let_gpu_out(struct devices *devices, size_t i)
{
    char what[DISCOVERED_NAME_BYTES + 32];

    (void)snprintf(what, sizeof what, "%s is used again", devices->found.gpus[i].name);
    let_out(devices, &devices->gpus[i], what);
    devices->pool.devices[i].is_out = false;
}

/* Adds what one process says of a GPU. True: it is one of ours. */
static bool take_process(const struct vendor_process *process, const pid_t roots[], size_t n_roots,
                         struct gate_facts *facts)
{
    char comm[COMM_BYTES];

    if (!process_is_seen((pid_t)process->pid, comm)) {
        return false;
    }
    if (process_descends((pid_t)process->pid, roots, n_roots)) {
        bool is_known = facts->others_mib >= 0 && process->used_mib >= 0;
        int64_t rest = facts->others_mib - process->used_mib;
        facts->others_mib = !is_known ? -1 : rest > 0 ? rest : 0;
        return true;
    }
    if (strncmp(comm, "nvidia-cuda-mps", 15) != 0) { /* which computes for all */
        facts->other_process = process->pid;
        facts->other_process_mib = process->used_mib;
    }
    return false;
}

static void gather(const struct devices *devices, size_t i, const pid_t roots[], size_t n_roots,
                   struct gate_facts *facts)
{
    const struct vendor_list *list = devices->query.list;
    const char *token = devices->found.gpus[i].token;
    const struct vendor_gpu *gpu = vendor_find(list, token);
    bool is_ours = false;

    *facts = (struct gate_facts){.name = devices->found.gpus[i].name,
                                 .tool = vendor_tool(list->vendor),
                                 .is_listed = gpu != NULL,
                                 .others_mib = gpu == NULL ? -1 : gpu->used_mib,
                                 .max_other_mib = devices->settings.max_other_mib};
    for (size_t j = 0; gpu != NULL && j < list->n_processes; j++) {
        if (strcmp(list->processes[j].uuid, gpu->uuid) == 0) {
            is_ours = take_process(&list->processes[j], roots, n_roots, facts) || is_ours;
        }
    }
    if (devices->pool.devices[i].used > 0 && !is_ours) {
        facts->others_mib = -1; /* some of it is ours, and nothing tells how much */
    }
}

static void judge_gpu(struct devices *devices, size_t i, const pid_t roots[], size_t n_roots)
{
    struct quarantine *quarantine = &devices->gpus[i];
    struct gate_facts facts;
    char why[GATE_WHY_BYTES];

    if (quarantine->is_on && loop_now(devices->loop) < quarantine->until_ms) {
        return;
    }
    gather(devices, i, roots, n_roots, &facts);
    if (!gate_refuses_gpu(&facts, why)) {
        let_gpu_out(devices, i);
        return;
    }
    put_in(devices, quarantine, why,
           "no trial is run there; it is looked at again after a wait, which grows each time");
    devices->pool.devices[i].is_out = true;
}

void fitness_judge_gpus(struct devices *devices)
{
    pid_t roots[ROOTS_MAX] = {getpid()};
    size_t n_roots = 1;

    if (devices->settings.roots != NULL) {
        n_roots += devices->settings.roots(devices->settings.context, roots + 1, ROOTS_MAX - 1);
    }
    for (size_t i = 0; i < devices->pool.n; i++) {
        if (pool_has_room(&devices->pool, i)) {
            judge_gpu(devices, i, roots, n_roots);
        }
    }
}

/* ---- looks ---- */

/* What the tool cannot say now delays nobody: it is asked again later. */
void fitness_note_trouble(struct devices *devices, const char *trouble)
{
    put_in(devices, &devices->tool, trouble,
           "until it answers, GPUs are used without knowing whether others use them");
    for (size_t i = 0; i < devices->pool.n; i++) {
        struct quarantine *gpu = &devices->gpus[i];
        if (gpu->is_on && !gpu->by_jobs && gpu->until_ms < devices->tool.until_ms) {
            gpu->until_ms = devices->tool.until_ms;
        }
    }
}

static void take_answer(struct devices *devices)
{
    const struct query *query = &devices->query;

    devices->is_asked = devices->is_wanted = false;
    if (query->trouble.code != ERR_NONE) {
        fitness_note_trouble(devices, query->trouble.text);
        return;
    }
    if (devices->tool.is_on) {
        char what[64];
        (void)snprintf(what, sizeof what, "%s answers again", vendor_tool(query->vendor));
        let_out(devices, &devices->tool, what);
    }
    devices->answered_ms = loop_now(devices->loop);
    fitness_judge_gpus(devices);
}

/* Can a look be begun now, or is it no use yet? */
static bool may_look(const struct devices *devices)
{
    bool in_trouble = devices->tool.is_on && loop_now(devices->loop) < devices->tool.until_ms;

    return query_has_tool(&devices->query) && !in_trouble;
}

bool fitness_is_known(const struct devices *devices)
{
    return !may_look(devices)
           || (devices->answered_ms != INT64_MIN
               && loop_now(devices->loop) - devices->answered_ms < FRESH_MS);
}

static void look(struct devices *devices)
{
    devices->is_asked = true;
    query_begin(&devices->query);
    if (devices->query.step == QUERY_OVER) {
        take_answer(devices);
    }
}

/* Those whose jobs failed at once go back after their wait, if nothing else speaks against it. */
static bool any_due(struct devices *devices)
{
    int64_t now_ms = loop_now(devices->loop);
    bool due = false;

    for (size_t i = 0; i < devices->pool.n; i++) {
        if (pool_has_room(&devices->pool, i) && devices->gpus[i].is_on
            && now_ms >= devices->gpus[i].until_ms) {
            due = true;
            if (!may_look(devices) && devices->gpus[i].by_jobs) {
                let_gpu_out(devices, i);
            }
        }
    }
    return due;
}

/* ---- the disk ---- */

void fitness_note_full_disk(struct devices *devices, const char *why)
{
    put_in(devices, &devices->disk, why,
           "no trial is asked for; it is looked at again after a wait, which grows each time");
}

void fitness_look_at_disk(struct devices *devices)
{
    struct statvfs info;
    char why[GATE_WHY_BYTES];
    bool is_due = !devices->disk.is_on || loop_now(devices->loop) >= devices->disk.until_ms;

    if (devices->workdir == NULL || !is_due || statvfs(devices->workdir, &info) != 0) {
        return;
    }
    int64_t block = (int64_t)info.f_frsize;
    if (gate_refuses_disk(devices->workdir, (int64_t)info.f_bavail * block,
                          (int64_t)info.f_blocks * block, devices->settings.min_disk_bytes, why)) {
        fitness_note_full_disk(devices, why);
    } else {
        let_out(devices, &devices->disk, "the work directory has room again");
    }
}

/* ---- time ---- */

void fitness_tick(struct devices *devices)
{
    query_tick(&devices->query);
    if (devices->is_asked && devices->query.step == QUERY_OVER) {
        take_answer(devices);
    }
    bool due = any_due(devices);
    if (!devices->is_asked && (due || devices->is_wanted) && may_look(devices)) {
        look(devices);
    }
    if (devices->disk.is_on) {
        fitness_look_at_disk(devices);
    }
}
