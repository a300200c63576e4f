/* load: closed-loop clients against a running honed, one thread, one epoll.
 *
 *   --mode cycle   lease, three measurements, result, again: what a cluster does at its busiest
 *   --mode metrics one lease each, and then ten measurements a request, again and again
 *   --mode ring    a study whose limits.parallel is 1: one client holds the lease, all others wait;
 *                  its result hands the lease to one of them. Measures the hand-off.
 *   --mode park    as ring, but no client gives a result: every client but one just waits
 *   --mode drain   lease, result, until the study is finished; with --abandon N every Nth lease
 * loses its client, and a new one takes the client's place
 *   --mode get     GET of the study, again and again: the same server without any write
 *
 * Every answer must be 2xx, but for 503: that request comes again when the server said, and is
 * counted as put off. Prints one JSON object; the runner (load.py) makes tables of them. */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/client.h"
#include "tests/bench/samples.h"

#define REPORTS 3
#define POINTS 10     /* in a request of --mode metrics */
#define STALL_MS 5000 /* no answer for so long: the server hangs */
#define ERRORS_SHOWN 3

enum mode { MODE_CYCLE, MODE_METRICS, MODE_RING, MODE_PARK, MODE_DRAIN, MODE_GET, MODE_COUNT };
static const char *const mode_names[MODE_COUNT] = {"cycle", "metrics", "ring",
                                                   "park",  "drain",   "get"};

enum step { STEP_LEASE, STEP_MEASURE, STEP_RESULT, STEP_GET, STEP_COUNT };
static const char *const step_names[STEP_COUNT] = {"lease", "measure", "result", "get"};

struct worker {
    struct client client;
    enum step step;
    unsigned reports; /* sent in this trial */
    int64_t again_ns; /* when a request that was put off is sent again; 0: none was */
    unsigned cycle;
    unsigned life; /* how many clients this one has followed */
    int64_t sent_ns;
    char lease[64];
};

struct load {
    struct target target;
    const char *url, *token_file, *study;
    enum mode mode;
    unsigned n_clients, abandon;
    unsigned n_resting;
    unsigned n_put_off; /* workers, now */
    uint64_t n_leases;
    double seconds;
    struct worker *workers;
    int epoll;
    struct samples latency[STEP_COUNT];
    struct samples handoff;   /* result sent → waiting ask answered */
    struct samples handoff_2; /* result acknowledged → waiting ask answered, 0 if before */
    const struct worker *last_sender; /* of a result */
    int64_t result_sent_ns;
    int64_t result_acked_ns; /* 0: not yet */
    bool handing_over;
    uint64_t cycles, writes, empty, errors, put_off;
    bool stalled;
    int64_t last_answer_ns;
};

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- one worker ----------------------------------------------------------------------------- */

/* The measurements that come next, under steps of their own. */
static void write_measurements(const struct load *load, const struct worker *worker, char *body,
                               size_t size)
{
    unsigned n = load->mode == MODE_METRICS ? POINTS : 1;
    size_t len = (size_t)snprintf(body, size, "{\"measurements\":[");

    for (unsigned i = 0; i < n; i++) {
        len += (size_t)snprintf(body + len, size - len,
                                "%s{\"step\":%u,\"metrics\":{\"loss\":0.%u}}", i == 0 ? "" : ",",
                                worker->reports * n + i + 1, worker->cycle % 9000 + 1000 + i);
    }
    (void)snprintf(body + len, size - len, "]}");
}

static bool send_step(struct load *load, struct worker *worker)
{
    unsigned id = (unsigned)(worker - load->workers);
    char path[192];
    char body[1024] = "";

    switch (worker->step) {
    case STEP_LEASE:
        (void)snprintf(path, sizeof path, "/v1/studies/%s/leases", load->study);
        (void)snprintf(body, sizeof body,
                       "{\"worker\":\"load-%u-%u\",\"request_id\":\"%" PRIx64 "-%u\","
                       "\"wait_seconds\":60}",
                       id, worker->life, (uint64_t)now_ns(), worker->cycle);
        break;
    case STEP_MEASURE:
        (void)snprintf(path, sizeof path, "/v1/leases/%s/measurements", worker->lease);
        write_measurements(load, worker, body, sizeof body);
        break;
    case STEP_RESULT:
        (void)snprintf(path, sizeof path, "/v1/leases/%s/result", worker->lease);
        (void)snprintf(body, sizeof body,
                       "{\"outcome\":\"completed\",\"step\":%d,\"metrics\":{\"loss\":0.%u}}",
                       REPORTS, worker->cycle % 9000 + 1000);
        load->last_sender = worker;
        load->result_sent_ns = now_ns();
        load->result_acked_ns = 0;
        load->handing_over = true;
        break;
    case STEP_GET:
    case STEP_COUNT:
    default:
        (void)snprintf(path, sizeof path, "/v1/studies/%s", load->study);
        break;
    }
    worker->sent_ns = now_ns();
    return client_send(&worker->client, &load->target,
                       worker->step == STEP_GET      ? "GET"
                       : worker->step == STEP_RESULT ? "PUT"
                                                     : "POST",
                       path, body);
}

static bool watch(struct load *load, struct worker *worker)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = worker};

    return epoll_ctl(load->epoll, EPOLL_CTL_ADD, worker->client.fd, &event) == 0;
}

static void start_over(struct load *load, struct worker *worker)
{
    struct err err;

    load->n_put_off -= worker->again_ns > 0;
    worker->again_ns = 0;
    client_close(&worker->client);
    worker->step = load->mode == MODE_GET ? STEP_GET : STEP_LEASE;
    if (client_open(&worker->client, &load->target, &err) == 0) {
        (void)(watch(load, worker) && send_step(load, worker));
    }
}

static void count_error(struct load *load, const struct worker *worker, int status,
                        const char *body)
{
    if (load->errors++ < ERRORS_SHOWN) {
        (void)fprintf(stderr, "load: %s: %d %.300s\n", step_names[worker->step], status, body);
    }
}

/* Takes the lease id out of the answer; false: no lease was granted. */
static bool take_lease(struct worker *worker, const char *body)
{
    const char *id = strstr(body, "\"l_");
    size_t len = id == NULL ? 0 : strcspn(id + 1, "\"");

    if (len == 0 || len >= sizeof worker->lease) {
        return false;
    }
    memcpy(worker->lease, id + 1, len);
    worker->lease[len] = '\0';
    return true;
}

static void take_handoff(struct load *load, int64_t now)
{
    if (load->mode == MODE_RING && load->handing_over) {
        load->handing_over = false;
        samples_add(&load->handoff, now - load->result_sent_ns);
        samples_add(&load->handoff_2, load->result_acked_ns == 0 ? 0 : now - load->result_acked_ns);
    }
}

/* What comes after an answer; STEP_COUNT: nothing, the worker rests. */
static enum step next_step(struct load *load, struct worker *worker, const char *body, int64_t now)
{
    switch (worker->step) {
    case STEP_LEASE:
        if (!take_lease(worker, body)) {
            load->empty++;
            return strstr(body, "\"finished\"") == NULL ? STEP_LEASE : STEP_COUNT;
        }
        load->n_leases++;
        take_handoff(load, now);
        worker->reports = 0;
        if (load->mode == MODE_PARK) {
            return STEP_COUNT;
        }
        return load->mode <= MODE_METRICS ? STEP_MEASURE : STEP_RESULT;
    case STEP_MEASURE:
        return ++worker->reports < REPORTS || load->mode == MODE_METRICS ? STEP_MEASURE
                                                                         : STEP_RESULT;
    case STEP_RESULT:
        load->cycles++;
        if (load->last_sender == worker) { /* the next holder's result may be on its way by now */
            load->result_acked_ns = now;
        }
        worker->cycle++;
        return STEP_LEASE;
    case STEP_GET:
    case STEP_COUNT:
    default:
        return STEP_GET;
    }
}

/* Every Nth lease is left without a word, as if its worker had been killed. */
static bool is_abandoned(const struct load *load, struct worker *worker)
{
    if (worker->step != STEP_RESULT || load->abandon == 0 || load->n_leases % load->abandon != 0) {
        return false;
    }
    worker->life++;
    return true;
}

/* The server has too much to do and says when it may have less. */
static void put_off(struct load *load, struct worker *worker, int64_t now, unsigned seconds)
{
    load->put_off++;
    load->n_put_off++;
    worker->again_ns = now + (seconds > 0 ? seconds : 1) * INT64_C(1000000000);
}

static void send_again(struct load *load, int64_t now)
{
    for (unsigned i = 0; load->n_put_off > 0 && i < load->n_clients; i++) {
        struct worker *worker = &load->workers[i];

        if (worker->again_ns > 0 && worker->again_ns <= now) {
            worker->again_ns = 0;
            load->n_put_off--;
            if (!send_step(load, worker)) {
                start_over(load, worker);
            }
        }
    }
}

static void on_answer(struct load *load, struct worker *worker, const struct answer *answer)
{
    int64_t now = now_ns();

    load->last_answer_ns = now;
    if (answer->status == 503) {
        put_off(load, worker, now, answer->retry_after_seconds);
        return;
    }
    if (answer->status < 200 || answer->status > 299) {
        count_error(load, worker, answer->status, answer->body);
        worker->step = load->mode == MODE_GET ? STEP_GET : STEP_LEASE;
    } else {
        samples_add(&load->latency[worker->step], now - worker->sent_ns);
        load->writes += worker->step != STEP_GET;
        worker->step = next_step(load, worker, answer->body, now);
    }
    if (worker->step == STEP_COUNT) {
        load->n_resting++;
    } else if (is_abandoned(load, worker) || !send_step(load, worker)) {
        start_over(load, worker);
    }
}

static void on_readable(struct load *load, struct worker *worker)
{
    struct answer answer = {0};

    switch (client_receive(&worker->client, &answer)) {
    case CLIENT_ANSWERED:
        on_answer(load, worker, &answer);
        break;
    case CLIENT_BROKEN:
        count_error(load, worker, 0, "the connection broke");
        start_over(load, worker);
        break;
    case CLIENT_WAITS:
    default:
        break;
    }
}

/* ---- the run -------------------------------------------------------------------------------- */

static int open_workers(struct load *load, struct err *err)
{
    struct rlimit files = {.rlim_cur = load->n_clients + 64, .rlim_max = load->n_clients + 64};

    (void)setrlimit(RLIMIT_NOFILE, &files);
    load->workers = calloc(load->n_clients, sizeof *load->workers);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->workers == NULL || load->epoll < 0) {
        return err_set(err, ERR_NOMEM, "no memory for %u clients", load->n_clients);
    }
    for (unsigned i = 0; i < load->n_clients; i++) {
        load->workers[i].step = load->mode == MODE_GET ? STEP_GET : STEP_LEASE;
        load->workers[i].client.fd = -1;
    }
    for (unsigned i = 0; i < load->n_clients; i++) {
        TRY(client_open(&load->workers[i].client, &load->target, err));
        if (!watch(load, &load->workers[i])) {
            return err_set(err, ERR_IO, "epoll: %s", strerror(errno));
        }
    }
    return 0;
}

static void run(struct load *load)
{
    int64_t start = now_ns();
    int64_t end = start + (int64_t)(load->seconds * 1e9);
    struct epoll_event events[256];

    load->last_answer_ns = start;
    for (unsigned i = 0; i < load->n_clients; i++) {
        if (!send_step(load, &load->workers[i])) {
            start_over(load, &load->workers[i]);
        }
    }
    for (int64_t now = start; now < end; now = now_ns()) {
        int n = epoll_wait(load->epoll, events, 256, 100);

        for (int i = 0; i < n; i++) {
            on_readable(load, events[i].data.ptr);
        }
        send_again(load, now);
        if (load->mode < MODE_PARK && now - load->last_answer_ns > STALL_MS * 1000000LL) {
            load->stalled = true;
            break;
        }
        if (load->mode == MODE_DRAIN && load->n_resting == load->n_clients) {
            return;
        }
    }
}

static void report(struct load *load)
{
    struct samples all = {0};

    for (int i = 0; i < STEP_COUNT; i++) {
        samples_append(&all, &load->latency[i]);
    }
    (void)printf("{\"mode\": \"%s\", \"clients\": %u, \"seconds\": %.3f, \"cycles\": %" PRIu64
                 ", \"cycles_per_second\": %.1f, \"writes_per_second\": %.1f"
                 ", \"requests_per_second\": %.1f, \"empty\": %" PRIu64 ", \"errors\": %" PRIu64
                 ", \"put_off\": %" PRIu64 ", \"stalled\": %s",
                 mode_names[load->mode], load->n_clients, load->seconds, load->cycles,
                 (double)load->cycles / load->seconds, (double)load->writes / load->seconds,
                 (double)all.n / load->seconds, load->empty, load->errors, load->put_off,
                 load->stalled ? "true" : "false");
    samples_print("all", &all);
    for (int i = 0; i < STEP_COUNT; i++) {
        samples_print(step_names[i], &load->latency[i]);
        samples_finish(&load->latency[i]);
    }
    samples_print("handoff_from_result_sent", &load->handoff);
    samples_print("handoff_from_result_acknowledged", &load->handoff_2);
    (void)printf("}\n");
    samples_finish(&all);
    samples_finish(&load->handoff);
    samples_finish(&load->handoff_2);
}

/* ---- the command line ----------------------------------------------------------------------- */

enum { KEY_URL = 1000, KEY_TOKEN_FILE, KEY_STUDY, KEY_CLIENTS, KEY_SECONDS, KEY_MODE, KEY_ABANDON };

static const struct argp_option options[] = {
    {"url", KEY_URL, "URL", 0, "The server (http://127.0.0.1:4663)", 0},
    {"token-file", KEY_TOKEN_FILE, "FILE", 0, "Holds a worker token; none: the server is open", 0},
    {"study", KEY_STUDY, "NAME", 0, "A study with the metric \"loss\"", 0},
    {"clients", KEY_CLIENTS, "N", 0, "Connections (64)", 0},
    {"seconds", KEY_SECONDS, "T", 0, "How long (5)", 0},
    {"mode", KEY_MODE, "MODE", 0, "cycle, metrics, ring, park, drain, get", 0},
    {"abandon", KEY_ABANDON, "N", 0, "Leave every Nth lease without a word", 0},
    {0},
};

static error_t parse_mode(struct load *load, const char *arg)
{
    for (int i = 0; i < MODE_COUNT; i++) {
        if (strcmp(mode_names[i], arg) == 0) {
            load->mode = (enum mode)i;
            return 0;
        }
    }
    return EINVAL;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    struct load *load = state->input;

    switch (key) {
    case KEY_URL:
        load->url = arg;
        return 0;
    case KEY_TOKEN_FILE:
        load->token_file = arg;
        return 0;
    case KEY_STUDY:
        load->study = arg;
        return 0;
    case KEY_CLIENTS:
        load->n_clients = (unsigned)strtoul(arg, NULL, 10);
        return load->n_clients > 0 && load->n_clients <= 20000 ? 0 : EINVAL;
    case KEY_SECONDS:
        load->seconds = strtod(arg, NULL);
        return 0;
    case KEY_ABANDON:
        load->abandon = (unsigned)strtoul(arg, NULL, 10);
        return 0;
    case KEY_MODE:
        return parse_mode(load, arg);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int main(int argc, char **argv)
{
    static const struct argp argp = {
        options, parse_option, NULL, "Puts honed under load and prints one JSON object",
        NULL,    NULL,         NULL};
    struct load load = {.url = "http://127.0.0.1:4663",
                        .study = "load",
                        .n_clients = 64,
                        .seconds = 5,
                        .epoll = -1};
    struct err err = {0};
    int64_t start_ns;

    if (argp_parse(&argp, argc, argv, 0, NULL, &load) != 0
        || target_init(&load.target, load.url, load.token_file, &err) != 0
        || open_workers(&load, &err) != 0) {
        (void)fprintf(stderr, "load: %s\n", err.text);
        return 2;
    }
    start_ns = now_ns();
    run(&load);
    load.seconds = (double)(now_ns() - start_ns) / 1e9;
    if (load.mode == MODE_DRAIN && load.n_resting < load.n_clients) {
        load.stalled = true; /* the study did not come to its end in time */
    }
    report(&load);
    for (unsigned i = 0; i < load.n_clients; i++) {
        client_close(&load.workers[i].client);
    }
    free(load.workers);
    (void)close(load.epoll);
    return load.errors > 0 || load.stalled ? 1 : 0;
}
