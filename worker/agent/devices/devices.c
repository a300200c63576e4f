#include "worker/agent/devices/devices.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/log.h"
#include "common/utf8.h"
#include "worker/agent/devices/descent.h"

#define LIMIT_MS 10000
#define FRESH_MS 10000 /* a look serves the asks of so long */
#define MOST_TIMES 300 /* the longest wait, in first waits */
#define TELL_EVERY_MS 60000
#define ROOTS_MAX 257
#define TOKENS_BYTES ((size_t)64 * 1024)

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
        facts->stranger = process->pid;
        facts->stranger_mib = process->used_mib;
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

static bool has_room(const struct devices *devices, size_t i)
{
    return devices->pool.devices[i].used < devices->pool.places;
}

static void judge_gpus(struct devices *devices)
{
    pid_t roots[ROOTS_MAX] = {getpid()};
    size_t n_roots = 1;

    if (devices->settings.roots != NULL) {
        n_roots += devices->settings.roots(devices->settings.context, roots + 1, ROOTS_MAX - 1);
    }
    for (size_t i = 0; i < devices->pool.n; i++) {
        if (has_room(devices, i)) {
            judge_gpu(devices, i, roots, n_roots);
        }
    }
}

/* ---- looks ---- */

/* What the tool cannot say now delays nobody: it is asked again later. */
static void note_trouble(struct devices *devices, const char *trouble)
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
        note_trouble(devices, query->trouble.text);
        return;
    }
    if (devices->tool.is_on) {
        char what[64];
        (void)snprintf(what, sizeof what, "%s answers again", vendor_tool(query->vendor));
        let_out(devices, &devices->tool, what);
    }
    devices->answered_ms = loop_now(devices->loop);
    judge_gpus(devices);
}

/* Can a look be begun now, or is it no use yet? */
static bool may_look(const struct devices *devices)
{
    bool in_trouble = devices->tool.is_on && loop_now(devices->loop) < devices->tool.until_ms;

    return query_has_tool(&devices->query) && !in_trouble;
}

static bool is_fresh(const struct devices *devices)
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
        if (has_room(devices, i) && devices->gpus[i].is_on && now_ms >= devices->gpus[i].until_ms) {
            due = true;
            if (!may_look(devices) && devices->gpus[i].by_jobs) {
                let_gpu_out(devices, i);
            }
        }
    }
    return due;
}

/* ---- the disk ---- */

static void look_at_disk(struct devices *devices)
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
        put_in(devices, &devices->disk, why,
               "no trial is asked for; it is looked at again after a wait, which grows each time");
    } else {
        let_out(devices, &devices->disk, "the work directory has room again");
    }
}

bool devices_disk_is_full(struct devices *devices)
{
    look_at_disk(devices);
    return devices->disk.is_on;
}

/* ---- asking ---- */

/* Says what is wrong with some of the GPUs. Returns true if no free one is fit. */
static bool describe(const struct devices *devices, char text[HEALTH_BYTES])
{
    struct device_set fit = pool_free(&devices->pool);
    size_t len = 0;

    text[0] = '\0';
    for (size_t i = 0; i < devices->pool.n && len < HEALTH_BYTES; i++) {
        if (devices->gpus[i].is_on) {
            len += (size_t)snprintf(text + len, HEALTH_BYTES - len, "%s%s", len > 0 ? "; " : "",
                                    devices->gpus[i].why);
        }
    }
    return device_set_count(&fit) == 0;
}

/* Has any device a place that nobody uses, fit or not? */
static bool any_idle(const struct devices *devices)
{
    for (size_t i = 0; i < devices->pool.n; i++) {
        if (has_room(devices, i)) {
            return true;
        }
    }
    return false;
}

static json_t *offer_of(const struct devices *devices)
{
    struct device_set fit = pool_free(&devices->pool);
    json_t *offer = json_array();
    bool is_whole = offer != NULL;

    for (size_t i = 0; i < devices->pool.n; i++) {
        const char *model = devices->found.gpus[i].model;
        int64_t memory_mib = devices->pool.devices[i].memory_mib;
        if (!device_set_has(&fit, i)) {
            continue;
        }
        json_t *gpu = json_pack("{s:s*, s:o*}", "model", model[0] == '\0' ? NULL : model,
                                "memory_mib", memory_mib > 0 ? json_integer(memory_mib) : NULL);
        is_whole = gpu != NULL && json_array_append_new(offer, gpu) == 0 && is_whole;
    }
    if (!is_whole) {
        json_decref(offer);
        return NULL;
    }
    return offer;
}

/* Nothing is fit: the server is told so, now and then. */
static bool may_tell(struct devices *devices, const char *why, struct lease_request *request)
{
    if (devices->told_ms != INT64_MIN) {
        return false;
    }
    devices->told_ms = loop_now(devices->loop);
    (void)snprintf(request->unfit, sizeof request->unfit, "%s", why);
    return true;
}

bool devices_may_ask(struct devices *devices, size_t slot, struct lease_request *request)
{
    bool has_gpus = devices->pool.n > 0;
    char why[HEALTH_BYTES] = "";

    request->unfit[0] = '\0';
    if (has_gpus && devices->asker != DEVICES_SLOT_NONE && devices->asker != slot) {
        return false;
    }
    if (has_gpus && !any_idle(devices)) {
        return false;
    }
    if (has_gpus && !is_fresh(devices)) {
        devices->is_wanted = true;
        return false;
    }
    look_at_disk(devices);
    bool none_is_fit = has_gpus && describe(devices, why);
    devices->asker = has_gpus ? slot : DEVICES_SLOT_NONE;
    devices->has_grown = false;
    if (devices->disk.is_on || none_is_fit) {
        return may_tell(devices, devices->disk.is_on ? devices->disk.why : why, request);
    }
    devices->told_ms = INT64_MIN;
    if (has_gpus) {
        json_decref(request->gpus);
        request->gpus = offer_of(devices);
        memcpy(request->health, why, sizeof request->health);
    }
    return !has_gpus || request->gpus != NULL;
}

bool devices_grew(struct devices *devices, size_t slot)
{
    bool grew = devices->has_grown && devices->asker == slot;

    if (grew) {
        devices->has_grown = false;
    }
    return grew;
}

void devices_end_ask(struct devices *devices, size_t slot)
{
    if (devices->asker == slot) {
        devices->asker = DEVICES_SLOT_NONE;
        devices->has_grown = false;
    }
}

/* ---- lending ---- */

static char *join(const struct devices *devices, const struct device_set *set)
{
    OWN(buf) struct buf text;

    buf_init(&text, TOKENS_BYTES);
    for (size_t i = 0; i < devices->pool.n; i++) {
        if (device_set_has(set, i)) {
            buf_printf(&text, "%s%s", text.len > 0 ? "," : "", devices->found.gpus[i].token);
        }
    }
    return buf_steal(&text);
}

int devices_take(struct devices *devices, size_t slot, const struct lease_grant *grant,
                 struct device_set *taken, char **tokens, struct quick_failures *quick,
                 struct err *err)
{
    size_t n = grant->requires_gpus > 1 ? (size_t)grant->requires_gpus : 1;

    *taken = (struct device_set){{0}};
    *tokens = NULL;
    if (devices->pool.n == 0) {
        return 0;
    }
    if (!pool_take(&devices->pool, slot, n, grant->requires_gpu_memory_mib, taken)) {
        return err_set(err, ERR_IO, "it requires %zu GPUs and not so many are free and fit now", n);
    }
    *tokens = join(devices, taken);
    if (*tokens == NULL) {
        pool_give_back(&devices->pool, taken);
        *taken = (struct device_set){{0}};
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    quick->in_row = 0;
    for (size_t i = 0; i < devices->pool.n; i++) {
        if (device_set_has(taken, i) && devices->quick[i].in_row > quick->in_row) {
            quick->in_row = devices->quick[i].in_row;
        }
    }
    return 0;
}

static bool find_token(const struct devices *devices, const char *token, size_t *device)
{
    for (size_t i = 0; i < devices->pool.n; i++) {
        if (strcmp(devices->found.gpus[i].token, token) == 0) {
            *device = i;
            return true;
        }
    }
    return false;
}

int devices_take_named(struct devices *devices, size_t slot, const char *tokens,
                       struct device_set *taken, struct err *err)
{
    OWN(argv_list) struct argv_list names = {0};
    struct device_set set = {{0}};

    TRY(tokens_read(tokens, &names, err));
    for (size_t i = 0; i < names.n; i++) {
        size_t device;
        if (!find_token(devices, names.items[i], &device)) {
            return err_set(err, ERR_IO, "GPU %.80s is none of this worker's", names.items[i]);
        }
        device_set_add(&set, device);
    }
    if (!pool_take_these(&devices->pool, slot, &set)) {
        return err_set(err, ERR_IO, "of the GPUs %.120s not all are free", tokens);
    }
    *taken = set;
    return 0;
}

void devices_give_back(struct devices *devices, const struct device_set *taken,
                       const struct quick_failures *quick, int64_t wait_ms, const char *why)
{
    pool_give_back(&devices->pool, taken);
    for (size_t i = 0; i < devices->pool.n; i++) {
        if (!device_set_has(taken, i)) {
            continue;
        }
        devices->quick[i] = *quick;
        if (wait_ms > 0) {
            struct quarantine *gpu = &devices->gpus[i];
            *gpu = (struct quarantine){.is_on = true,
                                       .by_jobs = true,
                                       .times = gpu->times,
                                       .until_ms = loop_now(devices->loop) + wait_ms};
            (void)snprintf(gpu->why, sizeof gpu->why, "%s: %.180s", devices->found.gpus[i].name,
                           why);
            utf8_mend(gpu->why);
            devices->pool.devices[i].is_out = true;
            devices->told_ms = INT64_MIN;
        }
    }
    devices->has_grown = true;
}

static size_t count_tokens(const char *tokens)
{
    size_t n = tokens == NULL ? 0 : 1;

    for (; tokens != NULL && *tokens != '\0'; tokens++) {
        n += *tokens == ',';
    }
    return n;
}

struct job_devices devices_of_job(const struct devices *devices, const char *tokens)
{
    return (struct job_devices){.vendor = devices->found.vendor,
                                .gpus = tokens,
                                .n_gpus = count_tokens(tokens),
                                .by_bus = devices->found.by_bus,
                                .hides = devices->settings.hides,
                                .n_cpus = devices->n_cpus,
                                .n_threads = devices->settings.n_threads};
}

/* ---- time ---- */

void devices_tick(struct devices *devices)
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
        look_at_disk(devices);
    }
    if (devices->told_ms != INT64_MIN
        && loop_now(devices->loop) - devices->told_ms >= TELL_EVERY_MS) {
        devices->told_ms = INT64_MIN; /* by whichever ask is due next */
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t devices_deadline(const struct devices *devices)
{
    int64_t due_ms = query_deadline(&devices->query);
    bool waits = devices->is_wanted && !devices->is_asked;

    if (waits || (devices->has_grown && devices->asker != DEVICES_SLOT_NONE)) {
        return 0;
    }
    for (size_t i = 0; !devices->is_asked && i < devices->pool.n; i++) {
        if (has_room(devices, i) && devices->gpus[i].is_on) {
            due_ms = earlier(due_ms, devices->gpus[i].until_ms);
        }
    }
    if (devices->disk.is_on) {
        due_ms = earlier(due_ms, devices->disk.until_ms);
    }
    if (devices->told_ms != INT64_MIN) {
        due_ms = earlier(due_ms, devices->told_ms + TELL_EVERY_MS);
    }
    return due_ms;
}

/* ---- the beginning and the end ---- */

static size_t count_cpus(void)
{
    cpu_set_t set;

    return sched_getaffinity(0, sizeof set, &set) == 0 ? (size_t)CPU_COUNT(&set) : 0;
}

/* Waits for the vendor's tool: nothing else is to be done yet. */
static void look_and_wait(struct devices *devices)
{
    query_begin(&devices->query);
    while (devices->query.step != QUERY_OVER) {
        query_tick(&devices->query);
        if (devices->query.step != QUERY_OVER) {
            loop_turn(devices->loop, query_deadline(&devices->query));
        }
    }
}

static void tell(const struct devices *devices)
{
    static const char *const sources[] = {[DISCOVERY_SAID] = "by --gpus",
                                          [DISCOVERY_INHERITED] = "as inherited",
                                          [DISCOVERY_LISTED] = "as listed",
                                          [DISCOVERY_NOTHING] = ""};
    struct device_set all = {{0}};

    for (size_t i = 0; i < devices->pool.n; i++) {
        device_set_add(&all, i);
    }
    OWN(memory) char *tokens = join(devices, &all);
    if (devices->pool.n > 0 && tokens != NULL) {
        log_info("%zu GPU%s %s: %s", devices->pool.n, devices->pool.n == 1 ? "" : "s",
                 sources[devices->found.source], tokens);
    }
}

static int discover(struct devices *devices, struct err *err)
{
    const struct devices_settings *settings = &devices->settings;
    struct discovery_facts facts = {.gpus = settings->gpus,
                                    .wants_slots = settings->n_slots > 0,
                                    .cuda = getenv("CUDA_VISIBLE_DEVICES"),
                                    .rocr = getenv("ROCR_VISIBLE_DEVICES"),
                                    .hip = getenv("HIP_VISIBLE_DEVICES"),
                                    .trouble = ""};

    if (discovery_needs_tool(&facts) && query_has_tool(&devices->query)) {
        look_and_wait(devices);
        bool answered = devices->query.trouble.code == ERR_NONE;
        facts.list = answered ? devices->query.list : NULL;
        facts.trouble = devices->query.trouble.text;
    }
    TRY(discovery_decide(&facts, &devices->found, err));
    if (facts.list != NULL) {
        devices->answered_ms = loop_now(devices->loop);
    } else if (facts.trouble[0] != '\0' && devices->found.n > 0) {
        note_trouble(devices, facts.trouble);
    } else if (facts.trouble[0] != '\0') {
        log_warning("%s; no GPU is assigned to a slot, --gpus lists them", facts.trouble);
    }
    return 0;
}

static int check_room(const struct devices *devices, struct err *err)
{
    size_t room = devices->pool.n * devices->pool.places;

    if (devices->pool.n > 0 && devices->settings.n_slots > room) {
        return err_set(
            err, ERR_INVALID,
            "%zu slots for %zu GPUs: a GPU has room for %zu at once; say --slots-per-gpu "
            "for more, or leave the number of slots out",
            devices->settings.n_slots, devices->pool.n, devices->pool.places);
    }
    return 0;
}

int devices_open(struct devices *devices, struct loop *loop,
                 const struct devices_settings *settings, struct err *err)
{
    size_t places = settings->per_gpu > 0 ? settings->per_gpu : 1;

    *devices = (struct devices){.settings = *settings,
                                .loop = loop,
                                .answered_ms = INT64_MIN,
                                .told_ms = INT64_MIN,
                                .asker = DEVICES_SLOT_NONE};
    TRY(query_init(&devices->query, loop, settings->limit_ms > 0 ? settings->limit_ms : LIMIT_MS,
                   err));
    TRY(discover(devices, err));
    pool_init(&devices->pool, &devices->found, places);
    TRY(check_room(devices, err));
    size_t cpus = count_cpus();
    size_t slots = devices_slots(devices);
    devices->n_cpus = cpus == 0 ? 0 : cpus > slots ? cpus / slots : 1;
    for (size_t i = 0; i < devices->pool.n; i++) {
        devices->quick[i].base_ms = settings->base_ms;
    }
    if (devices->answered_ms != INT64_MIN) {
        judge_gpus(devices);
    }
    tell(devices);
    return 0;
}

void devices_close(struct devices *devices)
{
    query_finish(&devices->query);
    *devices = (struct devices){.query.probe.fd = -1};
}

size_t devices_slots(const struct devices *devices)
{
    size_t room = devices->pool.n * devices->pool.places;
    size_t said = devices->settings.n_slots;

    return said > 0 ? said : room > 0 ? room : 1;
}

void devices_watch_disk(struct devices *devices, const char *workdir)
{
    devices->workdir = workdir;
}
