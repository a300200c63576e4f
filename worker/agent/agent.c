#include "worker/agent/agent.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/log.h"
#include "worker/agent/agent_setup.h"
#include "worker/agent/leave.h"
#include "worker/agent/leftovers.h"
#include "worker/agent/orphans.h"
#include "worker/agent/resume_list.h"
#include "worker/agent/slot.h"
#include "worker/agent/slot_others.h"
#include "worker/agent/slot_resume.h"
#include "worker/agent/state_dir.h"
#include "worker/agent/unknown_children.h"

#define FILES_A_SLOT 18
#define FILES_BESIDE 64
#define DELIVERY_MS 10000 /* what a stopping worker gives its last results */
#define LAST_LOGS_MS 3000 /* and the ends of its logs */
#define LOOP_FOREVER_MS 60000
#define COUNT_BITS 12 /* of each kind of request, in the event descriptor */
#define COUNT_MOST 0xfff
#define HURRY LEAVING_REQUEST_COUNT /* the kind behind those */

struct agent {
    struct agent_settings settings; /* with every default filled in */
    struct agent_context context;
    char name[WORKER_NAME_BYTES];
    bool is_unnamed; /* it is called as the host */
    struct state_dir state_dir;
    size_t n_slots;
    struct slot *slots; /* once it runs; the last ones may be for deliveries only */
    int stop_fd;        /* counts agent_leave() and agent_hurry() */
    struct fd_watch stop_watch;
    unsigned stops; /* requests to leave, of any kind */
    struct unknown_children unknown_children;
    bool logged_closing;
    int64_t give_up_at_ms; /* INT64_MAX: not stopping */
};

bool agent_event_is_success(const struct agent_event *event)
{
    return strcmp(event->outcome, "completed") == 0 && strcmp(event->state, "failed") != 0;
}

size_t agent_slots(const struct agent *agent)
{
    return agent->n_slots;
}

/* ---- settings ---- */

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

/* Host names may hold what worker names may not. */
static int host_name(char **host, struct err *err)
{
    char text[WORKER_NAME_BYTES - 8] = "";

    (void)gethostname(text, sizeof text - 1);
    for (char *at = text; *at != '\0'; at++) {
        char one[2] = {at == text ? *at : 'a', '\0'};
        one[0] = *at;
        char probe[3] = {'a', one[0], '\0'};
        if (!name_is_worker(at == text ? one : probe)) {
            *at = at == text ? 'h' : '-';
        }
    }
    *host = strdup(text[0] == '\0' ? "host" : text);
    return *host == NULL ? err_set(err, ERR_NOMEM, "out of memory") : 0;
}

static int check_name(struct agent *agent, const char *name, struct err *err)
{
    char with_slot[WORKER_NAME_BYTES + 8];

    (void)snprintf(with_slot, sizeof with_slot, "%s:%zu", name, agent->n_slots - 1);
    if (!name_is_worker(name) || !name_is_worker(with_slot)) {
        return err_set(err, ERR_INVALID,
                       "\"%.80s\" is no name for a worker; it has letters, digits and . _ : @ - "
                       "and starts with a letter or digit",
                       name);
    }
    (void)snprintf(agent->name, sizeof agent->name, "%s", name);
    agent->settings.name = agent->name;
    return 0;
}

/* A slot needs pipes, a log, a socket and connections. */
static int check_open_files(size_t n_slots, struct err *err)
{
    struct rlimit limit;
    size_t needed = FILES_A_SLOT * n_slots + FILES_BESIDE;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < needed) {
        return err_set(err, ERR_INVALID,
                       "%zu slots need %zu open files and only %llu are allowed; ulimit -n %zu, or "
                       "start several workers",
                       n_slots, needed, (unsigned long long)limit.rlim_cur, needed);
    }
    return 0;
}

static int64_t or_minus_one(struct agent_size size, int64_t unit)
{
    return size.is_said ? size.bytes / unit : -1;
}

/* The processes below which this worker's jobs are. */
static size_t list_shims(void *context, pid_t pids[], size_t max)
{
    const struct agent *agent = context;
    size_t n = 0;

    for (size_t i = 0; agent->slots != NULL && i < agent->n_slots && n < max; i++) {
        if (agent->slots[i].runner.shim > 0) {
            pids[n++] = agent->slots[i].runner.shim;
        }
    }
    return n;
}

static int find_devices(struct agent *agent, struct err *err)
{
    struct agent_settings *settings = &agent->settings;
    struct devices_settings devices = {.gpus = settings->gpu_list,
                                       .n_slots = settings->n_slots,
                                       .per_gpu = settings->slots_per_gpu,
                                       .max_other_mib =
                                           or_minus_one(settings->max_gpu_used, INT64_C(1) << 20),
                                       .min_disk_bytes = or_minus_one(settings->min_disk_free, 1),
                                       .hides = settings->hide_gpus,
                                       .n_threads = settings->threads_per_slot,
                                       .base_ms = settings->backoff_ms,
                                       .roots = list_shims,
                                       .context = agent};

    TRY(devices_open(&agent->context.devices, &agent->context.loop, &devices, err));
    agent->n_slots = devices_slots(&agent->context.devices);
    if (agent->n_slots > AGENT_SLOTS_MAX) {
        return err_set(err, ERR_INVALID, "%zu slots are more than %d; start several workers",
                       agent->n_slots, AGENT_SLOTS_MAX);
    }
    if (agent->n_slots > 1) {
        settings->passthrough_fd = -1; /* the lines of several jobs could not be told apart */
    }
    return check_open_files(agent->n_slots, err);
}

/* ---- making it ---- */

static void fill_defaults(struct agent_settings *settings)
{
    settings->leave_ms = or_default(settings->leave_ms, 5000);
    settings->grace_ms = or_default(settings->grace_ms, 30000);
    settings->offline_ms = settings->offline_ms == AGENT_OFFLINE_AT_ONCE
                               ? 0
                               : or_default(settings->offline_ms, 2400000);
    settings->backoff_ms = or_default(settings->backoff_ms, 500);
    settings->deadline_ms = or_default(settings->deadline_ms, INT64_MAX);
    if (!(settings->wait_seconds > 0)) {
        settings->wait_seconds = 30;
    }
}

/* Each kind of request is counted in bits of its own. Of those that come together the gentler
 * ones count first. */
static void on_stop(void *context)
{
    struct agent *agent = context;
    uint64_t counts = 0;

    if (read(agent->stop_fd, &counts, sizeof counts) != (ssize_t)sizeof counts) {
        return;
    }
    for (int kind = 0; kind < LEAVING_REQUEST_COUNT; kind++) {
        for (uint64_t n = counts >> (COUNT_BITS * kind) & COUNT_MOST; n > 0; n--) {
            leaving_request(&agent->context.leaving, (enum leaving_request)kind);
            agent->stops++;
        }
    }
    agent->context.hurries += counts >> (COUNT_BITS * HURRY) != 0;
}

static int prepare(struct agent *agent, struct err *err)
{
    const struct agent_settings *settings = &agent->settings;
    struct http_client_settings server = {.url = settings->url,
                                          .token = settings->token,
                                          .ca_file = settings->ca_file,
                                          .proxy = getenv("HONE_PROXY"),
                                          .responder = settings->responder};
    struct agent_context *context = &agent->context;

    TRY(boundary_choose(&settings->boundary, &context->boundary, err));
    orphans_adopt();
    TRY(agent_setup_programs(context, err));
    TRY(loop_init(&context->loop, &server, clock_system(), err));
    context->loop.backoff_ms = settings->backoff_ms;
    context->loop.token_file = settings->token_file;
    if (settings->server_name == NULL) {
        agent->settings.server_name = http_async_url(context->loop.http);
    }
    TRY(find_devices(agent, err));
    TRY(host_name(&context->host, err));
    agent->is_unnamed = settings->name == NULL;
    TRY(check_name(agent, settings->name == NULL ? context->host : settings->name, err));
    if (settings->n_patterns > 0) {
        TRY(patterns_create(settings->patterns, settings->n_patterns, &context->patterns, err));
    }
    TRY(agent_setup_offer(context, err));
    TRY(agent_setup_workdir(context, err));
    context->leaving = (struct leaving){.deadline_ms = settings->deadline_ms,
                                        .grace_ms = settings->grace_ms,
                                        .uptime_ms = settings->uptime_ms,
                                        .idle_ms = settings->idle_ms,
                                        .stays_when_drained = settings->stays_when_drained,
                                        .started_ms = loop_now(&context->loop),
                                        .idle_since_ms = INT64_MAX};
    devices_watch_disk(&context->devices, context->workdir);
    agent->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (agent->stop_fd < 0) {
        return err_set(err, ERR_IO, "no event descriptor: %s", strerror(errno));
    }
    return loop_watch(&context->loop, &agent->stop_watch, agent->stop_fd, on_stop, agent, err);
}

int agent_create(const struct agent_settings *settings, struct agent **agent, struct err *err)
{
    OWN(agent) struct agent *made = calloc(1, sizeof *made);

    if (made == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    made->settings = *settings;
    made->context.settings = &made->settings;
    made->stop_fd = -1;
    made->stop_watch.fd = -1;
    made->give_up_at_ms = INT64_MAX;
    state_dir_init(&made->state_dir);
    fill_defaults(&made->settings);
    TRY(prepare(made, err));
    *agent = made;
    made = NULL;
    return 0;
}

void agent_destroy(struct agent *agent)
{
    if (agent == NULL) {
        return;
    }
    for (size_t i = 0; agent->slots != NULL && i < agent->n_slots; i++) {
        slot_finish(&agent->slots[i]);
    }
    free(agent->slots);
    state_dir_close(&agent->state_dir);
    loop_unwatch(&agent->context.loop, &agent->stop_watch);
    if (agent->stop_fd >= 0) {
        (void)close(agent->stop_fd);
    }
    devices_close(&agent->context.devices);
    loop_finish(&agent->context.loop);
    for (size_t i = 0; i < agent->context.n_programs; i++) {
        free(agent->context.programs[i].path);
    }
    free(agent->context.programs);
    patterns_destroy(agent->context.patterns);
    lease_ask_finish(&agent->context.offer);
    free(agent->context.workdir);
    free(agent->context.host);
    free(agent);
}

struct agent_context *agent_context(struct agent *agent)
{
    return &agent->context;
}

unsigned agent_stops(const struct agent *agent)
{
    return agent->stops;
}

/* ---- running it ---- */

static void wake(struct agent *agent, unsigned kind)
{
    uint64_t count = UINT64_C(1) << (COUNT_BITS * kind);
    int before = errno;
    ssize_t written = write(agent->stop_fd, &count, sizeof count);

    (void)written;
    errno = before;
}

void agent_stop(struct agent *agent)
{
    agent_leave(agent, LEAVING_TOLD_AGAIN);
}

void agent_leave(struct agent *agent, enum leaving_request request)
{
    wake(agent, (unsigned)request);
}

void agent_hurry(struct agent *agent)
{
    wake(agent, HURRY);
}

enum agent_end agent_end(const struct agent *agent)
{
    static const enum agent_end ends[] = {[LEAVING_STAY] = AGENT_END_FINISHED,
                                          [LEAVING_FINISH] = AGENT_END_FINISHED,
                                          [LEAVING_STOP] = AGENT_END_PREEMPTED,
                                          [LEAVING_KILL] = AGENT_END_KILLED};

    return ends[agent->context.leaving.act];
}

static int64_t next_deadline(const struct agent *agent)
{
    int64_t due_ms = loop_now(&agent->context.loop) + LOOP_FOREVER_MS;
    int64_t leaving_ms = leaving_deadline(&agent->context.leaving);

    for (size_t i = 0; i < agent->n_slots; i++) {
        int64_t slot_ms = slot_deadline(&agent->slots[i]);
        due_ms = slot_ms < due_ms ? slot_ms : due_ms;
    }
    int64_t devices_ms = devices_deadline(&agent->context.devices);
    int64_t unknown_ms = unknown_children_deadline(&agent->unknown_children);
    due_ms = devices_ms < due_ms ? devices_ms : due_ms;
    due_ms = leaving_ms < due_ms ? leaving_ms : due_ms;
    due_ms = unknown_ms < due_ms ? unknown_ms : due_ms;
    return agent->give_up_at_ms < due_ms ? agent->give_up_at_ms : due_ms;
}

static bool any_slot_in(const struct agent *agent, enum slot_phase phase)
{
    for (size_t i = 0; i < agent->n_slots; i++) {
        if (agent->slots[i].phase == phase) {
            return true;
        }
    }
    return false;
}

static bool all_closed(const struct agent *agent)
{
    for (size_t i = 0; i < agent->n_slots; i++) {
        if (agent->slots[i].phase != SLOT_CLOSED) {
            return false;
        }
    }
    return true;
}

/* Once no job runs any more, what is left to deliver gets a little time. */
static bool is_time_to_go(struct agent *agent)
{
    int64_t now_ms = loop_now(&agent->context.loop);

    if (!agent->context.draining || any_slot_in(agent, SLOT_RUNNING)) {
        return false;
    }
    if (agent->give_up_at_ms == INT64_MAX) {
        int64_t latest_ms = agent->context.leaving.deadline_ms;
        agent->give_up_at_ms = now_ms + DELIVERY_MS < latest_ms ? now_ms + DELIVERY_MS : latest_ms;
    }
    if (now_ms < agent->give_up_at_ms) {
        return false;
    }
    log_error(
        "the server did not take the last results; they are kept in %s and sent when a worker "
        "starts there again",
        agent->state_dir.path);
    return true;
}

/* Said now if it takes time until the worker ends, and in the end. */
static void tell_closing(struct agent *agent)
{
    if (agent->context.closing && !agent->logged_closing && any_slot_in(agent, SLOT_RUNNING)) {
        log_error("%s; nothing more is asked for, and what runs here goes on to its end",
                  agent->context.fatal.text);
    }
    agent->logged_closing = agent->context.closing;
}

static void serve(struct agent *agent)
{
    struct agent_context *context = &agent->context;

    while (!all_closed(agent)) {
        leave_update(context, agent->slots, agent->n_slots); /* before what a job's end means */
        devices_tick(&context->devices);
        for (size_t i = 0; i < agent->n_slots; i++) {
            slot_tick(&agent->slots[i]);
        }
        tell_closing(agent);
        leave_update(context, agent->slots, agent->n_slots);
        if (context->leaving.act == LEAVING_KILL || is_time_to_go(agent) || all_closed(agent)) {
            return;
        }
        unknown_children_reap(&agent->unknown_children, loop_now(&context->loop));
        loop_turn(&context->loop, next_deadline(agent));
    }
}

static void tell_boundary(const struct boundary *boundary)
{
    char text[PATH_MAX + 200];

    boundary_describe(boundary, text, sizeof text);
    log_info("%s", text);
}

/* False: every log has been sent or given up. */
static bool tick_logs(struct agent *agent, int64_t until_ms)
{
    bool are_done = true;

    for (size_t i = 0; i < agent->n_slots; i++) {
        log_uploads_tick(&agent->slots[i].logs, false);
        are_done = are_done && log_uploads_are_done(&agent->slots[i].logs, until_ms);
    }
    return !are_done;
}

/* What the last jobs printed is sent, if that takes no time. */
static void send_last_logs(struct agent *agent)
{
    int64_t until_ms = loop_now(&agent->context.loop) + LAST_LOGS_MS;

    while (agent->context.leaving.act != LEAVING_KILL && !agent->context.unreachable
           && loop_now(&agent->context.loop) < until_ms && tick_logs(agent, until_ms)) {
        int64_t due_ms = next_deadline(agent);
        loop_turn(&agent->context.loop, due_ms < until_ms ? due_ms : until_ms);
    }
}

/* The slot whose own file this is, else one more, for its delivery alone. */
static struct slot *slot_for(struct agent *agent, size_t n_asking, const char *path)
{
    for (size_t i = 0; i < n_asking; i++) {
        if (agent->slots[i].spool.path != NULL && strcmp(agent->slots[i].spool.path, path) == 0) {
            return &agent->slots[i];
        }
    }
    return &agent->slots[agent->n_slots++];
}

static int open_slots(struct agent *agent, const struct resume_list *left, struct err *err)
{
    size_t n_asking = agent->n_slots;

    agent->slots = calloc(n_asking + left->n, sizeof *agent->slots);
    if (agent->slots == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n_asking; i++) {
        TRY(slot_open(&agent->slots[i], &agent->context, i, err));
    }
    for (size_t i = 0; i < left->n; i++) {
        struct slot *slot = slot_for(agent, n_asking, left->paths[i]);
        size_t index = (size_t)(slot - agent->slots);
        if (index >= n_asking) {
            TRY(slot_open(slot, &agent->context, index, err));
            slot->delivers_only = true;
        }
        TRY(slot_resume(slot, left->paths[i], err));
    }
    return 0;
}

/* A worker without a name of its own beside others of this host: the server knows it as
 * NUMBER@HOST, so that they stay apart and are on one node. */
static int choose_name(struct agent *agent, struct err *err)
{
    char name[WORKER_NAME_BYTES + 16];

    if (!agent->is_unnamed || agent->state_dir.number <= 1) {
        return 0;
    }
    (void)snprintf(name, sizeof name, "%d@%s", agent->state_dir.number, agent->context.host);
    return check_name(agent, name, err);
}

int agent_run(struct agent *agent, struct err *err)
{
    OWN(resume_list) struct resume_list left = {0};
    struct agent_context *context = &agent->context;

    const struct state_dir_wanted wanted = {.given = agent->settings.state_dir,
                                            .workdir = context->workdir,
                                            .name = agent->name,
                                            .host = context->host,
                                            .server = agent->settings.server_name};
    if (!agent->settings.is_terse) {
        tell_boundary(&context->boundary);
    }
    TRY(state_dir_open(&agent->state_dir, &wanted, err));
    context->state_dir = agent->state_dir.path;
    TRY(choose_name(agent, err));
    TRY(leftovers_end(context->state_dir, err));
    if (agent->settings.state_dir == NULL) {
        struct state_gather gather = slot_others(context);
        state_gather_all(&gather, agent->n_slots);
    }
    TRY(resume_find(context, agent->n_slots, &left, err));
    TRY(open_slots(agent, &left, err));
    serve(agent);
    send_last_logs(agent);
    if (agent->context.fatal.code != ERR_NONE) {
        *err = agent->context.fatal;
        return -1;
    }
    return 0;
}
