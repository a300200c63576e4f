#include "worker/agent/devices/query.h"

#include <stdlib.h>
#include <string.h>

#include "worker/agent/devices/amd.h"
#include "worker/agent/devices/nvidia.h"
#include "worker/agent/runner.h"

int query_init(struct query *query, struct loop *loop, int64_t limit_ms, struct err *err)
{
    *query = (struct query){.limit_ms = limit_ms, .step = QUERY_OVER};
    probe_init(&query->probe, loop);
    query->list = calloc(1, sizeof *query->list);
    if (query->list == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (enum vendor vendor = VENDOR_NVIDIA; vendor <= VENDOR_AMD; vendor++) {
        struct err absent = {0};
        (void)(runner_find(vendor_tool(vendor), &query->paths[vendor], &absent) != 0);
        if (absent.code == ERR_NOMEM) {
            *err = absent;
            return -1;
        }
    }
    return 0;
}

void query_finish(struct query *query)
{
    probe_finish(&query->probe);
    for (size_t i = 0; i < sizeof query->paths / sizeof query->paths[0]; i++) {
        free(query->paths[i]);
    }
    free(query->list);
    *query = (struct query){.probe = {.fd = -1}};
}

bool query_has_tool(const struct query *query)
{
    return query->paths[VENDOR_NVIDIA] != NULL || query->paths[VENDOR_AMD] != NULL;
}

/* ---- the runs ---- */

static char gpus_of_nvidia[] = NVIDIA_GPUS, processes_of_nvidia[] = NVIDIA_PROCESSES;
static char format_of_nvidia[] = NVIDIA_FORMAT, list_of_nvidia[] = "-L";
static char names_of_amd[] = "--showproductname", ids_of_amd[] = "--showuniqueid";
static char memory_of_amd[] = "--showmeminfo", vram[] = "vram", json_of_amd[] = "--json";

static int start(struct query *query, struct err *err)
{
    static char *const nvidia[][3] = {
        [QUERY_GPUS] = {gpus_of_nvidia, format_of_nvidia, NULL},
        [QUERY_PARTS] = {list_of_nvidia, NULL, NULL},
        [QUERY_PROCESSES] = {processes_of_nvidia, format_of_nvidia, NULL},
    };
    static char *const amd[] = {names_of_amd, ids_of_amd, memory_of_amd, vram, json_of_amd, NULL};
    char *argv[8] = {query->paths[query->vendor]};
    char *const *more = query->vendor == VENDOR_AMD ? amd : nvidia[query->step];

    for (size_t i = 0; more[i] != NULL; i++) {
        argv[i + 1] = more[i];
    }
    return probe_start(&query->probe, argv, query->until_ms, err);
}

/* Reads what the run has printed. That processes cannot be listed is no failure: in a container
 * they may not be. */
static int read_run(struct query *query, struct err *err)
{
    struct err unlisted = {0};
    const char *text = "";

    switch (query->step) {
    case QUERY_GPUS:
        TRY(probe_output(&query->probe, query->vendor == VENDOR_NVIDIA, &text, err));
        TRY(query->vendor == VENDOR_AMD ? amd_read_gpus(text, query->list, err)
                                        : nvidia_read_gpus(text, query->list, err));
        /* a failure that says which GPU it could not reach has listed the others */
        return query->list->lacks_one ? 0 : probe_output(&query->probe, false, &text, err);
    case QUERY_PARTS:
        TRY(probe_output(&query->probe, query->list->lacks_one, &text, err));
        return nvidia_read_parts(text, query->list, err);
    case QUERY_PROCESSES:
        if (probe_output(&query->probe, false, &text, &unlisted) == 0
            && nvidia_read_processes(text, query->list, &unlisted) != 0) {
            query->list->n_processes = 0;
        }
        return query->probe.timed_out ? probe_output(&query->probe, false, &text, err) : 0;
    case QUERY_OVER:
    default:
        return 0;
    }
}

static void note_trouble(struct query *query, struct err *trouble)
{
    (void)err_wrap(trouble, "%s", vendor_tool(query->vendor));
    if (query->trouble.code == ERR_NONE) {
        query->trouble = *trouble; /* of two, the first one's */
    }
}

static void begin_step(struct query *query, enum query_step step);

/* Asks the next tool there is, or gives up. */
static void begin_vendor(struct query *query, enum vendor vendor)
{
    while (vendor <= VENDOR_AMD && query->paths[vendor] == NULL) {
        vendor++;
    }
    if (vendor > VENDOR_AMD) {
        query->step = QUERY_OVER;
        return;
    }
    query->vendor = vendor;
    query->until_ms = loop_now(query->probe.loop) + query->limit_ms;
    *query->list = (struct vendor_list){0};
    begin_step(query, QUERY_GPUS);
}

static void fail(struct query *query, struct err *trouble)
{
    note_trouble(query, trouble);
    *query->list = (struct vendor_list){0};
    if (query->is_settled) {
        query->step = QUERY_OVER;
    } else {
        begin_vendor(query, query->vendor + 1);
    }
}

static void begin_step(struct query *query, enum query_step step)
{
    struct err trouble = {0};

    query->step = step;
    if (step != QUERY_OVER && start(query, &trouble) != 0) {
        fail(query, &trouble);
    }
}

void query_begin(struct query *query)
{
    query->until_ms = loop_now(query->probe.loop) + query->limit_ms;
    query->trouble = (struct err){0};
    if (query->is_settled) {
        *query->list = (struct vendor_list){0};
        begin_step(query, QUERY_GPUS);
    } else {
        begin_vendor(query, VENDOR_NVIDIA);
    }
}

/* Parts of GPUs do not come while a worker runs: they are listed the first time, and again only
 * where there were some. */
static enum query_step step_after(const struct query *query)
{
    bool skips_parts = query->step == QUERY_GPUS && query->is_settled && !query->has_parts;

    return skips_parts ? QUERY_PROCESSES : query->step + 1;
}

static void succeed(struct query *query)
{
    for (size_t i = 0; i < query->list->n; i++) {
        query->has_parts = query->has_parts || query->list->gpus[i].parent[0] != '\0';
    }
    query->is_settled = query->is_settled || query->list->n > 0;
    query->trouble = (struct err){0};
    query->step = QUERY_OVER;
}

/* A tool without a GPU leaves the other one its turn. */
static void after_run(struct query *query)
{
    if (query->step == QUERY_GPUS && query->list->n == 0 && !query->is_settled
        && query->vendor == VENDOR_NVIDIA && query->paths[VENDOR_AMD] != NULL) {
        begin_vendor(query, VENDOR_AMD);
    } else if (query->vendor == VENDOR_AMD || query->step == QUERY_PROCESSES) {
        succeed(query);
    } else {
        begin_step(query, step_after(query));
    }
}

void query_tick(struct query *query)
{
    struct err trouble = {0};

    probe_tick(&query->probe);
    if (query->step == QUERY_OVER || !query->probe.is_over) {
        return;
    }
    if (read_run(query, &trouble) != 0) {
        fail(query, &trouble);
    } else {
        after_run(query);
    }
}

int64_t query_deadline(const struct query *query)
{
    return probe_deadline(&query->probe);
}
