/* hone bundle: leases many trials at once, to be run where there is no network. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/integer.h"
#include "common/json.h"
#include "common/rng.h"
#include "common/wire/checkpoint.h"
#include "common/wire/wire.h"
#include "worker/bundle/bundle.h"
#include "worker/cli/define/span.h"
#include "worker/cli/session.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"
#include "worker/cli/verbs/bundle_leased.h"

enum { KEY_GPUS = 0x3000, KEY_TTL };
enum { GPUS_MAX = 64, TRIES = 5, STATUS_INTERRUPTED = 130 };

#define TTL_SECONDS (2 * 86400.0)

struct bundle_options {
    int64_t n_trials;
    const char *file;
    int64_t n_gpus;
    double ttl_seconds;
};

static const struct argp_option own[] = {
    {"trials", 'n', "N", 0,
     "lease so many trials, 10,000 at most\vWhere fewer can be handed out, because a limit is "
     "reached or a rung waits for results, the bundle has fewer, which is said. A strategy that "
     "learns knows no results in between, so several bundles one after another find better "
     "configurations than one large one.",
     1},
    {"output", 'o', "FILE", 0,
     "write the bundle here\vThe file is as good as a token: who has it may report for its trials. "
     "Interrupted, the verb hands back what it has leased; if the server goes away, the file has "
     "what was leased until then, and the status is 5.",
     1},
    {"gpus", KEY_GPUS, "N", 0,
     "for workers with so many GPUs a trial (default: 0)\vA study that requires GPUs hands out "
     "nothing without.",
     2},
    {"ttl", KEY_TTL, "SPAN", 0,
     "the leases last so long, from 15s to 30d (default: 2d)\vWhat is not home by then is given to "
     "other workers, and a result that comes later still counts unless another worker has the "
     "trial already.",
     2},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct bundle_options *given = state->input;

    switch (key) {
    case 'n':
        if (!integer_from_text(arg, 1, BUNDLE_LEASES_MAX, &given->n_trials)) {
            argp_error(state, "-n %s: write a whole number from 1 to %d", arg, BUNDLE_LEASES_MAX);
        }
        return 0;
    case 'o':
        given->file = arg;
        return 0;
    case KEY_GPUS:
        if (!integer_from_text(arg, 0, GPUS_MAX, &given->n_gpus)) {
            argp_error(state, "--gpus %s: write a whole number from 0 to %d", arg, GPUS_MAX);
        }
        return 0;
    case KEY_TTL:
        given->ttl_seconds = span_seconds(arg);
        if (!(given->ttl_seconds >= 15 && given->ttl_seconds <= ASK_TTL_MOST_SECONDS)) {
            argp_error(state, "--ttl %s: write a span from 15s to 30d, such as 12h", arg);
        }
        return 0;
    case ARGP_KEY_END:
        if (given->n_trials == 0 || given->file == NULL) {
            argp_error(state, "say how many trials and where to: -n 200 -o FILE.tar");
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_bundle = {
    .arguments = "STUDY",
    .doc =
        "Leases trials of a study for days and writes them into a tar file.\v"
        "'hone worker --bundle FILE -- COMMAND' runs them without a network, 'hone absorb' brings "
        "the results home. What is not home when the leases end is given to other workers; a "
        "result that comes later counts unless another worker has the trial by then.",
    .flags = USAGE_SERVER,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .own = own,
    .parse_own = parse,
};

/* ---- asking ---- */

static json_t *ask_body(const struct bundle_options *given, const char *worker,
                        const char *request_id)
{
    json_t *body = json_pack("{s:s, s:s, s:f}", "worker", worker, "request_id", request_id,
                             "ttl_seconds", given->ttl_seconds);
    json_t *gpus = json_array();

    for (int64_t i = 0; i < given->n_gpus; i++) {
        (void)json_array_append_new(gpus, json_object());
    }
    if (given->n_gpus > 0) {
        (void)json_object_set(body, "gpus", gpus);
    }
    json_decref(gpus);
    return body;
}

/* An answer that was lost is asked for again under the same request id. */
static int ask(struct session *session, const char *path, const json_t *body, json_t **answer,
               struct err *err)
{
    int rc = -1;

    for (int i = 0; i < TRIES && rc != 0; i++) {
        rc = session_send(session, "POST", path, body, answer, err);
        if (rc != 0 && err->code != ERR_UNREACHABLE && err->code != ERR_OVERLOADED) {
            return rc;
        }
    }
    return rc;
}

struct asking {
    struct session *session;
    const struct bundle_options *given;
    const char *path;
    char worker[WORKER_NAME_BYTES];
    char id[20];
    char why[256]; /* nothing more was handed out */
    struct leased_list leased;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before;
        struct sigaction action = {.sa_handler = on_signal};
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
            (void)sigaction(numbers[i], &action, NULL);
        }
    }
}

static int ask_for_all(struct asking *asking, struct bundle *bundle, struct err *err)
{
    for (int64_t i = 0; i < asking->given->n_trials && !interrupted; i++) {
        char request_id[48];
        json_auto_t *answer = NULL;

        (void)snprintf(request_id, sizeof request_id, "bundle-%s-%" PRId64, asking->id, i + 1);
        json_auto_t *body = ask_body(asking->given, asking->worker, request_id);
        TRY(ask(asking->session, asking->path, body, &answer, err));
        if (!json_is_object(json_object_get(answer, "lease"))) {
            (void)snprintf(asking->why, sizeof asking->why, "%s%s%s", text_at(answer, "reason"),
                           *text_at(answer, "detail") == '\0' ? "" : ": ",
                           text_at(answer, "detail"));
            return 0;
        }
        bundle->leases[bundle->n++] = json_incref(answer);
        TRY(leased_list_note(&asking->leased, bundle_lease_id(bundle, bundle->n - 1), err));
    }
    return 0;
}

/* Hands back what was leased in vain. */
static void release_all(struct asking *asking, const struct bundle *bundle)
{
    char span[TEXT_SPAN_BYTES];
    struct err err = {0};
    size_t n_kept = 0;

    for (size_t i = 0; i < bundle->n; i++) {
        n_kept += lease_hand_back(asking->session, bundle_lease_id(bundle, i), &err) != 0;
    }
    if (n_kept == 0) {
        leased_list_end(&asking->leased);
        return;
    }
    say("%zu leases could not be handed back (%s); their trials go to other workers after %s, or "
        "when 'hone bundle' writes %s",
        n_kept, err.text, text_span((int64_t)(asking->given->ttl_seconds * 1000), span),
        asking->given->file);
}

static void name_asker(struct asking *asking)
{
    uint64_t key;

    rng_entropy(&key, sizeof key);
    (void)snprintf(asking->id, sizeof asking->id, "%016" PRIx64, key);
    (void)snprintf(asking->worker, sizeof asking->worker, "bundle-%s", asking->id);
}

static int begin(const char *study, const struct session *session, struct bundle *bundle,
                 struct err *err)
{
    bundle->study = strdup(study);
    bundle->server = strdup(http_client_url(session->client));
    bundle->leases = calloc(BUNDLE_LEASES_MAX, sizeof *bundle->leases);
    return bundle->study == NULL || bundle->server == NULL || bundle->leases == NULL
               ? err_set(err, ERR_NOMEM, "out of memory")
               : 0;
}

/* Trials that go on from a checkpoint at the server cannot do so without it. */
static void tell_begun_again(const struct bundle *bundle)
{
    size_t n = 0;

    for (size_t i = 0; i < bundle->n; i++) {
        const json_t *trial = json_object_get(bundle->leases[i], "trial");
        n += checkpoint_uri_is_uploaded(text_at(json_object_get(trial, "checkpoint"), "uri"));
    }
    if (n > 0) {
        say("%zu of them begin%s again at 0: the checkpoint%s at the server, and no bundle has it",
            n, n == 1 ? "s" : "", n == 1 ? " is" : "s are");
    }
}

/* What was leased before the server went away is a bundle too. */
static int conclude(struct asking *asking, const struct bundle *bundle, int asked, struct err *err)
{
    const char *file = asking->given->file;
    struct err unwritten = {0};

    if (interrupted) {
        release_all(asking, bundle);
        return err_set(err, ERR_EXHAUSTED, "interrupted; no bundle was written");
    }
    if (bundle->n > 0 && bundle_write(file, bundle, &unwritten) != 0) {
        release_all(asking, bundle);
        *err = unwritten;
        return -1;
    }
    leased_list_end(&asking->leased);
    if (asked != 0) {
        return bundle->n == 0 ? -1 : err_wrap(err, "%s has only %zu trials", file, bundle->n);
    }
    if (bundle->n == 0) {
        return err_set(err, ERR_EXHAUSTED, "nothing can be leased now: %s", asking->why);
    }
    say("%zu trial%s of '%s' in %s%s%s", bundle->n, bundle->n == 1 ? "" : "s", bundle->study, file,
        asking->why[0] == '\0' ? "" : "; no more can be leased now: ", asking->why);
    tell_begun_again(bundle);
    return 0;
}

static int begin_list(struct asking *asking, const json_t *ask, struct err *err)
{
    char request[32];

    (void)snprintf(request, sizeof request, "bundle-%s", asking->id);
    const struct leased_asks asks = {.server = http_client_url(asking->session->client),
                                     .path = asking->path,
                                     .request = request,
                                     .body = ask};
    return leased_list_begin(&asking->leased, asking->given->file, &asks, err);
}

static int make(const struct options *options, const struct bundle_options *given, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(bundle) struct bundle bundle = {0};
    OWN(buf) struct buf path = {0};
    struct asking asking = {.session = &session, .given = given, .leased = {.fd = -1}};

    name_asker(&asking);
    asking.path = study_path(&path, options->arguments[0], "/leases");
    TRY(session_open(options, &session, err));
    json_auto_t *first = ask_body(given, asking.worker, "bundle");
    if (session_previews(&session, "POST", asking.path, first)) {
        return 0;
    }
    if (access(given->file, F_OK) == 0) {
        leased_list_forget(given->file);
        return err_set(err, ERR_STUDY_EXISTS, "%s exists; name another file", given->file);
    }
    TRY(leased_list_recover(given->file, &session, err));
    TRY(begin(options->arguments[0], &session, &bundle, err));
    catch_signals();
    int rc = begin_list(&asking, first, err);
    if (rc == 0) {
        int asked = ask_for_all(&asking, &bundle, err);
        rc = conclude(&asking, &bundle, asked, err);
    }
    leased_list_finish(&asking.leased);
    return rc;
}

int verb_bundle(int argc, char **argv)
{
    struct bundle_options given = {.ttl_seconds = TTL_SECONDS};
    struct options options;
    struct err err = {0};

    options_read(&usage_bundle, argc, argv, &given, &options);
    int status = exit_after(make(&options, &given, &err), &err);
    return interrupted && status != EXIT_STATUS_OK ? STATUS_INTERRUPTED : status;
}
