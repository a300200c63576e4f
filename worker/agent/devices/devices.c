#include "worker/agent/devices/devices.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/integer.h"
#include "common/utf8.h"
#include "worker/agent/devices/finding.h"
#include "worker/agent/devices/fitness.h"

#define LIMIT_MS 10000
#define TELL_EVERY_MS 60000
#define TOKENS_BYTES ((size_t)64 * 1024)

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
        if (pool_has_room(&devices->pool, i)) {
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
    if (has_gpus && !fitness_is_known(devices)) {
        devices->is_wanted = true;
        return false;
    }
    fitness_look_at_disk(devices);
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
                 struct device_set *taken, char **tokens, struct err *err)
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
    return 0;
}

unsigned devices_failures(const struct devices *devices, const struct device_set *taken)
{
    unsigned most = 0;

    for (size_t i = 0; i < devices->pool.n; i++) {
        if (device_set_has(taken, i) && devices->quick[i].in_row > most) {
            most = devices->quick[i].in_row;
        }
    }
    return most;
}

/* By any of its names: an earlier worker may have been given another one. */
static bool is_named(const struct discovered_gpu *gpu, const char *token)
{
    int64_t index = -1;

    return strcmp(gpu->token, token) == 0
           || (gpu->uuid[0] != '\0' && strcasecmp(gpu->uuid, token) == 0)
           || (gpu->index >= 0 && integer_from_text(token, 0, INT32_MAX, &index)
               && gpu->index == index);
}

static bool find_token(const struct devices *devices, const char *token, size_t *device)
{
    for (size_t i = 0; i < devices->pool.n; i++) {
        if (is_named(&devices->found.gpus[i], token)) {
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

double devices_utilization(const struct devices *devices, const struct device_set *taken)
{
    double sum = 0;
    int n = 0;

    for (size_t i = 0; i < devices->pool.n; i++) {
        double one = device_set_has(taken, i)
                         ? sampler_utilization(&devices->sampler, devices->found.gpus[i].token)
                         : (double)NAN;
        if (!isnan(one)) {
            sum += one;
            n++;
        }
    }
    return n == 0 ? (double)NAN : sum / n;
}

bool devices_disk_is_full(struct devices *devices)
{
    fitness_look_at_disk(devices);
    return devices->disk.is_on;
}

void devices_note_full_disk(struct devices *devices, const char *why)
{
    fitness_note_full_disk(devices, why);
}

/* ---- time ---- */

static bool any_is_lent(const struct devices *devices)
{
    for (size_t i = 0; i < devices->pool.n; i++) {
        if (devices->pool.devices[i].used > 0) {
            return true;
        }
    }
    return false;
}

void devices_tick(struct devices *devices)
{
    fitness_tick(devices);
    sampler_tick(&devices->sampler, any_is_lent(devices));
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
    int64_t due_ms = earlier(query_deadline(&devices->query),
                             sampler_deadline(&devices->sampler, any_is_lent(devices)));
    bool waits = devices->is_wanted && !devices->is_asked;

    if (waits || (devices->has_grown && devices->asker != DEVICES_SLOT_NONE)) {
        return 0;
    }
    for (size_t i = 0; !devices->is_asked && i < devices->pool.n; i++) {
        if (pool_has_room(&devices->pool, i) && devices->gpus[i].is_on) {
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
    int64_t limit_ms = settings->limit_ms > 0 ? settings->limit_ms : LIMIT_MS;
    TRY(query_init(&devices->query, loop, limit_ms, err));
    TRY(finding_run(devices, err));
    TRY(sampler_init(&devices->sampler, loop, devices->found.vendor,
                     devices->query.paths[devices->found.vendor], limit_ms, err));
    pool_init(&devices->pool, &devices->found, places);
    TRY(check_room(devices, err));
    size_t cpus = count_cpus();
    size_t slots = devices_slots(devices);
    devices->n_cpus = cpus == 0 ? 0 : cpus > slots ? cpus / slots : 1;
    for (size_t i = 0; i < devices->pool.n; i++) {
        devices->quick[i].base_ms = settings->base_ms;
    }
    if (devices->answered_ms != INT64_MIN) {
        fitness_judge_gpus(devices);
    }
    return 0;
}

void devices_close(struct devices *devices)
{
    sampler_finish(&devices->sampler);
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
