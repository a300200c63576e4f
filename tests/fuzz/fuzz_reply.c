/* What `hone worker` reads from a server, or from whoever answers in its place: a lease or none,
 * the answers to measurements, heartbeats, a result, and refusals. An input is a list of answers,
 * each "STATUS TYPE [RETRY-AFTER]", a line, then its body, up to a line "---"; behind the last one
 * no server is reached.
 *
 * Whatever is answered: what is taken for a lease is one that can be worked on and stays below the
 * work directory, no call is repeated without a pause, and the time of the next one is a time. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http/responder.h"
#include "common/json.h"
#include "common/log.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/clock_manual.h"
#include "tests/support/directory.h"
#include "worker/agent/environment.h"
#include "worker/agent/expand.h"
#include "worker/agent/lease.h"
#include "worker/agent/lease_request.h"
#include "worker/agent/params_file.h"

#define TURNS_MAX 200       /* of one input */
#define CALLS_AT_ONCE 7     /* three measurements, halved while refused, a result, a release */
#define REST_MS_MAX 4000000 /* between two calls: an hour and what is drawn on top */

static char workdir[DIRECTORY_BYTES];

static struct {
    const char *at, *end; /* of the answers */
    struct clock_manual clock;
    int64_t called_at_ms;
    int calls_at_once;
    struct loop loop;
    struct lease_request request;
    struct lease_grant grant;
    bool is_granted, is_over, is_refused;
} f;

/* ---- the server ---- */

/* The next line, without its end. */
static size_t next_line(const char **line)
{
    const char *end = memchr(f.at, '\n', (size_t)(f.end - f.at));
    size_t len = (size_t)((end == NULL ? f.end : end) - f.at);

    *line = f.at;
    f.at += len + (end == NULL ? 0 : 1);
    return len;
}

static void note_call(void)
{
    f.calls_at_once = f.clock.now_ms == f.called_at_ms ? f.calls_at_once + 1 : 1;
    f.called_at_ms = f.clock.now_ms;
    MUST(f.calls_at_once <= CALLS_AT_ONCE);
}

static int respond(void *context, const struct http_call *call, struct http_answer *answer,
                   struct err *err)
{
    const char *line;
    char text[200];

    (void)context;
    MUST(call->path[0] == '/' && strpbrk(call->path, " \r\n") == NULL);
    MUST(call->timeout_ms > 0 && call->timeout_ms <= 600000);
    note_call();
    if (f.at == f.end) {
        return err_set(err, ERR_UNREACHABLE, "nobody there");
    }
    size_t len = next_line(&line);
    (void)snprintf(text, sizeof text, "%.*s", (int)(len < 199 ? len : 199), line);
    (void)sscanf(text, "%d %79s %lf", &answer->status, answer->content_type,
                 &answer->retry_after_seconds);
    while (f.at < f.end && ((len = next_line(&line)) != 3 || memcmp(line, "---", 3) != 0)) {
        buf_append(&answer->body, line, len);
        buf_putc(&answer->body, '\n');
    }
    return 0;
}

/* ---- asking ---- */

static void on_grant(void *context, struct lease_grant *grant)
{
    (void)context;
    f.grant = *grant;
    *grant = (struct lease_grant){0};
    f.is_granted = true;
}

static void on_nothing(void *context, const struct no_lease *no)
{
    (void)context;
    MUST(no_lease_reason_name(no->reason) != NULL && strlen(no->detail) < sizeof no->detail);
}

static void on_fatal(void *context, const struct err *err)
{
    (void)context;
    MUST(err->text[0] != '\0');
    f.is_over = true;
}

static void on_reach(void *context, bool reached, const char *why)
{
    (void)context;
    MUST(reached || why[0] != '\0');
}

/* ---- a lease ---- */

static void on_action(void *context, const struct action_reply *reply)
{
    (void)context;
    MUST(action_name(reply->action) != NULL);
}

static void on_lost(void *context, const char *why)
{
    (void)context;
    MUST(why[0] != '\0');
    f.is_over = true;
}

static void on_offline(void *context)
{
    (void)context;
}

static void on_closed(void *context, const char *state, bool is_excluded)
{
    (void)context;
    (void)state;
    (void)is_excluded;
    f.is_over = true;
}

static void on_refused(void *context, const struct err *err)
{
    (void)context;
    MUST(err->text[0] != '\0');
    f.is_refused = true;
}

/* A grant that is written and read again says the same. */
static void check_reads_back(const struct lease_grant *grant)
{
    OWN(buf) struct buf once;
    OWN(buf) struct buf twice;
    OWN(lease_grant) struct lease_grant again = {0};
    struct json_writer w;
    struct err err = {0};

    buf_init(&once, (size_t)1 << 26);
    json_writer_init(&w, &once);
    lease_grant_write(grant, &w);
    json_auto_t *body = NULL; /* with numbers for which jansson has no type */
    MUST(json_parse_own(buf_text(&once), &body, &err) == 0);
    MUST(lease_grant_from_json(body, &again, &err) == 0);
    buf_init(&twice, (size_t)1 << 26);
    json_writer_init(&w, &twice);
    lease_grant_write(&again, &w);
    MUST(strcmp(buf_text(&once), buf_text(&twice)) == 0);
}

static void check_environment(const struct lease_grant *grant, const struct folder *folder)
{
    static char *none[] = {NULL};
    OWN(argv_list) struct argv_list variables = {0};
    struct environment environment = {.inherited = none,
                                      .grant = grant,
                                      .parameters = grant->values.parameters,
                                      .from = grant->from,
                                      .to = grant->to,
                                      .folder = folder,
                                      .attempt_id = "a1",
                                      .metrics_fd = -1};
    struct err err = {0};

    MUST(environment_build(&environment, &variables, &err) == 0);
    for (size_t i = 0; i < variables.n; i++) {
        const char *name = variables.items[i];
        size_t len = strcspn(name, "=");
        MUST(name[len] == '=' && len > 0 && !isdigit((unsigned char)name[0]));
        for (size_t k = 0; k < len; k++) {
            MUST(isalnum((unsigned char)name[k]) || name[k] == '_');
        }
    }
}

static void check_command(const struct lease_grant *grant, const struct folder *folder)
{
    char *argv[] = {(char[]){"p"},
                    (char[]){"{args}"},
                    (char[]){"{args.hydra}"},
                    (char[]){"--x={x}"},
                    (char[]){"{trial}.{attempt}.{seed}"},
                    NULL};
    OWN(argv_list) struct argv_list out = {0};
    OWN(buf) struct buf yaml;
    char dropped[EXPAND_NAME_BYTES];
    struct err err = {0};
    struct expand_values values = {.parameters = grant->values.parameters,
                                   .inactive = grant->values.inactive,
                                   .has_resource = grant->has_resource,
                                   .digits = grant->digits,
                                   .from = grant->from,
                                   .to = grant->to,
                                   .checkpoint = folder->checkpoint,
                                   .params_file = folder->parameters,
                                   .trial = grant->trial,
                                   .attempt = grant->attempt,
                                   .seed = grant->seed};

    MUST(expand_argv(argv, &values, &out, dropped, &err) == 0 || err.text[0] != '\0');
    buf_init(&yaml, (size_t)1 << 26);
    params_file_append_yaml(&yaml, grant->values.parameters);
}

/* What is made for a job, without the job. */
static void check_files(const struct lease_grant *grant)
{
    OWN(folder) struct folder folder = {0};
    struct err err = {0};
    size_t len = strlen(workdir);

    if (folder_open(&folder, workdir, "http://s:1", grant, &err) != 0) {
        MUST(err.text[0] != '\0');
        return;
    }
    MUST(strncmp(folder.base, workdir, len) == 0 && folder.base[len] == '/');
    MUST(strstr(folder.base, "/..") == NULL && strstr(folder.base, "//") == NULL);
    MUST(folder.granted == NULL || strncmp(folder.granted, workdir, len) == 0);
    check_environment(grant, &folder);
    check_command(grant, &folder);
    folder_abandon(&folder);
}

/* ---- time ---- */

/* Goes to the moment of the next call, which must be one that comes. */
static void pass(int64_t until_ms)
{
    MUST(until_ms < f.clock.now_ms + REST_MS_MAX);
    f.clock.now_ms = until_ms > f.clock.now_ms ? until_ms : f.clock.now_ms;
}

static void ask(void)
{
    const struct lease_ask offer = {.wait_seconds = 30};
    const struct lease_request_hooks hooks = {on_grant, on_nothing, on_fatal, on_reach, NULL};

    lease_request_init(&f.request, &f.loop, &offer, "w:0", &hooks);
    lease_request_begin(&f.request, 0);
    for (int turn = 0; turn < TURNS_MAX && f.request.active && f.at < f.end; turn++) {
        pass(lease_request_deadline(&f.request));
        lease_request_tick(&f.request);
        loop_turn(&f.loop, f.clock.now_ms);
    }
    lease_request_stop(&f.request);
}

static void hand_in(struct lease *lease)
{
    struct result_report report = {.outcome = OUTCOME_COMPLETED, .has_step = true, .step = 2};
    struct err err = {0};

    MUST(lease_result_steal(lease, &report, &err) == 0);
}

/* Measures, waits for some answers, hands in a result, and gives back what is refused. */
static void work(void)
{
    struct notes notes;
    OWN(lease) struct lease *lease = NULL;
    struct lease_settings settings = {.grant = &f.grant,
                                      .notes = &notes,
                                      .hooks = {on_action, on_lost, on_offline, on_closed,
                                                on_refused, on_fatal, on_reach, NULL, NULL},
                                      .offline_ms = 600000};
    struct err err = {0};

    notes_init(&notes, f.grant.trial);
    MUST(lease_create(&f.loop, &settings, &lease, &err) == 0);
    for (int turn = 0; turn < TURNS_MAX && !f.is_over && f.at < f.end; turn++) {
        if (turn % 3 == 0 && turn < 9) {
            lease_measure(lease, turn, &(struct metric_value){"loss", 1.0 / (turn + 1)}, 1);
        } else if (turn == 10) {
            hand_in(lease);
        } else if (turn > 10 && f.is_refused) {
            lease_release(lease);
        }
        lease_tick(lease);
        loop_turn(&f.loop, f.clock.now_ms);
        if (!f.is_over) {
            pass(lease_deadline(lease));
        }
    }
    notes_finish(&notes);
}

/* ---- one input ---- */

static void end(void)
{
    directory_remove(workdir);
}

void fuzz_start(void)
{
    log_start("fuzz", LOG_LEVEL_ERROR);
    directory_create(workdir);
    MUST(atexit(end) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct http_responder responder = {.respond = respond};
    const struct http_client_settings settings = {.url = "http://s:1", .responder = &responder};
    struct err err = {0};

    memset(&f, 0, sizeof f);
    f.at = (const char *)data;
    f.end = f.at + size;
    f.called_at_ms = -1;
    clock_manual_init(&f.clock, 1000000, 1700000000000);
    MUST(loop_init(&f.loop, &settings, &f.clock.clock, &err) == 0);
    f.loop.backoff_ms = 1000;
    f.loop.rng = rng_for(1, 1);
    ask();
    if (f.is_granted) {
        check_reads_back(&f.grant);
        check_files(&f.grant);
        work();
    }
    lease_grant_finish(&f.grant);
    loop_finish(&f.loop);
    return 0;
}
