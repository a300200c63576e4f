/* hone worker: runs the trials of a server here, until it is stopped. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "worker/agent/agent.h"
#include "worker/agent/argv_list.h"
#include "worker/agent/batch_deadline.h"
#include "worker/cli/agent_options/config.h"
#include "worker/cli/agent_options/devices.h"
#include "worker/cli/agent_options/files.h"
#include "worker/cli/agent_options/identity.h"
#include "worker/cli/agent_options/isolation.h"
#include "worker/cli/agent_options/leaving.h"
#include "worker/cli/agent_options/outage.h"
#include "worker/cli/agent_options/reading.h"
#include "worker/cli/agent_options/rights.h"
#include "worker/cli/session.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"
#include "worker/cli/verbs/worker_bundle.h"
#include "worker/cli/verbs/worker_log.h"
#include "worker/cli/verbs/worker_try.h"

enum { KEY_STUDY = 0x3000, KEY_RUNNER, KEY_CONFIG, KEY_PRINT, KEY_TRY, KEY_BUNDLE, KEY_RESULTS };
enum { LIST_MAX = 64 };

struct worker_options {
    struct agent_settings settings;
    const char *runners[LIST_MAX]; /* "NAME=COMMAND" */
    size_t n_runners;
    struct reading reading;
    bool tries;
    bool prints_config;
    struct worker_bundle_options bundle;
};

static const struct argp_option own[] = {
    {"study", KEY_STUDY, "NAME", 0,
     "run the trials of this study, with the command after --\vIt may be created later.", 1},
    {"runner", KEY_RUNNER, "NAME=COMMAND", 0,
     "run the trials of every study whose job.runner is NAME; may be given several times\vCOMMAND "
     "is cut into words as by a shell, but nothing is substituted.",
     1},
    {"try", KEY_TRY, NULL, 0,
     "run the command once without a study, or as a trial of --study NAME or FILE, and show what "
     "of its output is understood\vThe parameters have their defaults or else the middle of their "
     "ranges. It shows which lines of its output are understood, which look like a report and are "
     "not, and why, and the value that the study would get. Where nothing was reported, the first "
     "lines with numbers are shown, and the option --metric that would read a value from them. No "
     "server is needed, and nothing is sent. With --study the study says which metric is the "
     "objective. Ends with 0 if the command did and the objective was seen, else with 1.",
     5},
    {"bundle", KEY_BUNDLE, "FILE", 0,
     "run the trials of this bundle, without a server\vSee hone-bundle(1).", 1},
    {"results", KEY_RESULTS, "DIR", 0,
     "what becomes of the trials of a bundle (default: beside it, named FILE.results)", 1},
    {"config", KEY_CONFIG, "FILE", 0,
     "read options from a file: lines of NAME = VALUE, as they are called here\vSee CONFIGURATION.",
     8},
    {"print-config", KEY_PRINT, NULL, 0,
     "show every option, its value and where that is from, and end", 8},
    {0},
};

static const struct option_group groups[] = {
    {"identity", &identity_argp, offsetof(struct worker_options, settings)},
    {"devices", &devices_argp, offsetof(struct worker_options, settings)},
    {"files", &files_argp, offsetof(struct worker_options, settings)},
    {"isolation", &isolation_argp, offsetof(struct worker_options, settings)},
    {"leaving", &leaving_argp, offsetof(struct worker_options, settings)},
    {"outage", &outage_argp, offsetof(struct worker_options, settings)},
    {"rights", &rights_argp, offsetof(struct worker_options, settings)},
    {"reading", &reading_argp, offsetof(struct worker_options, reading)},
    {0},
};
enum {
    N_SETTING_GROUPS = sizeof groups / sizeof groups[0] - 2
}; /* those of struct agent_settings */

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct worker_options *given = state->input;

    switch (key) {
    case KEY_STUDY:
        given->settings.study = arg;
        return 0;
    case KEY_RUNNER:
        if (given->n_runners == LIST_MAX) {
            argp_error(state, "\"%s\" is one too many; %d are allowed", arg, LIST_MAX);
        }
        given->runners[given->n_runners++] = arg;
        return 0;
    case KEY_CONFIG: /* has been read (config.h) */
        return 0;
    case KEY_PRINT:
        given->prints_config = true;
        return 0;
    case KEY_TRY:
        given->tries = true;
        return 0;
    case KEY_BUNDLE:
        given->bundle.file = arg;
        return 0;
    case KEY_RESULTS:
        given->bundle.results = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_worker = {
    .arguments = "--study NAME -- COMMAND [ARGUMENT...]\n--runner NAME=COMMAND...\n"
                 "--bundle FILE -- COMMAND [ARGUMENT...]\n"
                 "--try -- COMMAND [ARGUMENT...]",
    .doc = "Asks the server for trials and runs COMMAND for each, in its own process group.\v"
           "{lr} in an argument is the value of the parameter lr; {resource.from}, {resource.to}, "
           "{checkpoint}, {trial}, {attempt}, {seed} are known too; {args} is --name=value for "
           "each parameter, {args.hydra} the same for Hydra, {args.json} one JSON object, "
           "{params.json} and "
           "{params.yaml} the path of a file with them; {{ and "
           "}} are braces. COMMAND reports "
           "with lines such as 'hone: step=3 accuracy=0.91' on its output, with JSON objects on "
           "the descriptor HONE_METRICS_FD, or with 'hone report'.\n\n"
           "SIGTERM and SIGUSR1 stop the jobs, hand their trials back and end the worker. SIGINT "
           "lets what runs go on to its end first; a second one is as SIGTERM, a third one, or "
           "SIGQUIT, kills what runs. The token never reaches a job.",
    .flags = USAGE_SERVER | USAGE_TRAILING,
    .n_min = 0,
    .n_max = -1,
    .missing = "",
    .own = own,
    .parse_own = parse,
    .groups = groups,
};

/* ---- running -------------------------------------------------------------------------------- */

static struct agent *running_agent; /* for the signal handler */
static enum agent_end end;          /* of the last one */

/* SIGUSR1 is what batch systems are told to send ahead of time; they may send both, and more than
 * once. */
static const struct {
    int number;
    enum leaving_request request;
} signals[] = {
    {SIGINT, LEAVING_INTERRUPTED}, {SIGTERM, LEAVING_TOLD}, {SIGUSR1, LEAVING_TOLD},
    {SIGHUP, LEAVING_TOLD},        {SIGQUIT, LEAVING_QUIT},
};
enum { N_SIGNALS = sizeof signals / sizeof signals[0] };

static void on_signal(int number)
{
    for (size_t i = 0; i < N_SIGNALS; i++) {
        if (signals[i].number == number) {
            agent_leave(running_agent, signals[i].request);
        }
    }
}

/* A signal that was ignored when we were started stays ignored: that is what nohup asks for. */
static void catch_signal(int number)
{
    struct sigaction before;
    struct sigaction action = {.sa_handler = on_signal};

    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
        (void)sigaction(number, &action, NULL);
    }
}

/* Signals make this agent leave; NULL: nothing is left to stop. */
static void leave_by_signals(struct agent *agent)
{
    if (agent != NULL) {
        running_agent = agent;
        (void)signal(SIGPIPE, SIG_IGN);
        (void)signal(SIGXFSZ,
                     SIG_IGN); /* a limit on files is a full disk, and no end of the worker */
    }
    for (size_t i = 0; i < N_SIGNALS; i++) {
        if (agent != NULL) {
            catch_signal(signals[i].number);
        } else {
            (void)signal(signals[i].number, SIG_IGN);
        }
    }
}

static int serve(struct agent_settings *settings, struct err *err)
{
    OWN(agent) struct agent *agent = NULL;

    TRY(rights_check(settings, err));
    if (settings->deadline_ms == 0) {
        batch_deadline_find(clock_system(), &settings->deadline_ms);
    }
    TRY(agent_create(settings, &agent, err));
    leave_by_signals(agent);
    if (settings->responder == NULL) { /* a bundle is no server */
        worker_log_hello(settings, agent_slots(agent));
    }
    int rc = agent_run(agent, err);
    leave_by_signals(NULL);
    end = agent_end(agent);
    return rc;
}

/* "train=./train --lr {lr}" */
static int read_runner(const char *text, struct agent_runner *runner, struct argv_list *name,
                       struct argv_list *command, struct err *err)
{
    const char *equals = strchr(text, '=');

    if (equals == NULL || equals == text || (size_t)(equals - text) > NAME_BYTES) {
        return err_set(err, ERR_INVALID, "--runner %.80s: write NAME=COMMAND", text);
    }
    argv_list_add_steal(name, strndup(text, (size_t)(equals - text)));
    TRY(argv_list_check(name, err));
    TRY(argv_list_split(command, equals + 1, err));
    if (command->n == 0) {
        return err_set(err, ERR_INVALID, "--runner %.80s: there is no command", text);
    }
    *runner = (struct agent_runner){.name = name->items[0], .argv = command->items};
    return 0;
}

struct runner_words {
    struct argv_list name, command;
};

static int with_runners(struct worker_options *given, struct runner_words *words,
                        struct agent_runner *runners, struct err *err)
{
    for (size_t i = 0; i < given->n_runners; i++) {
        TRY(read_runner(given->runners[i], &runners[i], &words[i].name, &words[i].command, err));
    }
    given->settings.runners = runners;
    given->settings.n_runners = given->n_runners;
    return serve(&given->settings, err);
}

static int with_lists(struct worker_options *given, const struct options *options, struct err *err)
{
    static struct runner_words words[LIST_MAX];
    static struct agent_runner runners[LIST_MAX];

    if (given->settings.study == NULL && options->n_arguments > 0) {
        return err_set(err, ERR_INVALID,
                       "'%.80s' is the command of which study? name it with --study",
                       options->arguments[0]);
    }
    given->settings.passthrough_fd = isatty(STDOUT_FILENO) ? STDOUT_FILENO : -1;
    int rc = with_runners(given, words, runners, err);
    for (size_t i = 0; i < given->n_runners; i++) {
        argv_list_finish(&words[i].name);
        argv_list_finish(&words[i].command);
    }
    return rc;
}

static int work_bundle(struct worker_options *given, struct err *err)
{
    if (given->settings.study != NULL || given->n_runners > 0) {
        return err_set(err, ERR_INVALID,
                       "a bundle names its study: leave --study and --runner out");
    }
    return worker_bundle(&given->settings, &given->bundle, serve, err);
}

static void advise_token(const struct session *session, struct err *err)
{
    bool has_file = session->worker_token_file[0] != '\0';
    size_t used = strlen(err->text);

    (void)snprintf(
        err->text + used, sizeof err->text - used,
        "; 'hone token create NAME --scope worker' makes a token: put it into %.200s and "
        "start the worker again",
        has_file ? session->worker_token_file : "a file, name that with --token-file,");
}

static int work(struct worker_options *given, const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    char token[HTTP_TOKEN_BYTES] = "";

    TRY(session_open(options, &session, err));
    if (session.worker_token_file[0] != '\0') {
        TRY(http_token_load(session.worker_token_file, token, err));
    }
    given->settings.url = http_client_url(session.client);
    given->settings.token = token;
    given->settings.token_file =
        session.worker_token_file[0] != '\0' ? session.worker_token_file : NULL;
    given->settings.server_name = session.is_private ? PRIVATE_SERVER_NAME : NULL;
    given->settings.ca_file = options->ca_file;
    int rc = with_lists(given, options, err);
    if (rc != 0 && err->code == ERR_UNAUTHORIZED) {
        advise_token(&session, err);
    } else if (rc != 0 && err->code == ERR_FORBIDDEN) {
        session_advise(&session, err);
    }
    given->settings.token = NULL;
    explicit_bzero(token, sizeof token);
    return rc;
}

/* Leaves with 0 if the command went well and its objective was seen. */
static int try_command(struct worker_options *given, const struct options *options)
{
    bool measured = false;
    struct err err = {0};

    int rc = worker_try(&given->settings, options, given->settings.study, leave_by_signals,
                        &measured, &err);
    (void)fflush(stdout);
    if (rc == 0 && !measured) {
        return EXIT_STATUS_FAILED;
    }
    return exit_after(rc, &err);
}

static int status_of_end(const struct agent_settings *settings)
{
    switch (end) {
    case AGENT_END_PREEMPTED:
        return settings->preempt_status;
    case AGENT_END_KILLED:
        return EXIT_STATUS_INTERRUPTED;
    case AGENT_END_FINISHED:
    default:
        return EXIT_STATUS_OK;
    }
}

static int run(struct worker_options *given, const struct config *config,
               const struct options *options)
{
    struct err err = {0};

    given->settings.command = options->arguments;
    given->settings.patterns = given->reading.specs;
    given->settings.n_patterns = given->reading.n;
    if (given->prints_config) {
        config_print(config, stdout);
        return EXIT_STATUS_OK;
    }
    if (options->curl) {
        (void)err_set(&err, ERR_INVALID,
                      "hone worker: --curl makes no sense here; a worker in "
                      "ten lines of shell is in deploy/examples");
        return exit_with(&err);
    }
    if (given->tries) {
        return try_command(given, options);
    }
    int status = exit_after(
        given->bundle.file != NULL ? work_bundle(given, &err) : work(given, options, &err), &err);
    return status == EXIT_STATUS_OK ? status_of_end(&given->settings) : status;
}

int verb_worker(int argc, char **argv)
{
    static struct worker_log log;
    struct options options;
    struct err err = {0};
    struct worker_options given = {.settings = {.on_event = worker_log_event, .context = &log}};
    OWN(config) struct config config = {0};

    if (config_expand(&usage_worker, N_SETTING_GROUPS, argc, argv, &config, &err) != 0) {
        (void)exit_with(&err);
        return EXIT_STATUS_CONFIG;
    }
    OWN(memory) char **words = calloc(config.argv.n + 1, sizeof *words); /* argp reorders them */
    if (words == NULL) {
        (void)err_set(&err, ERR_NOMEM, "out of memory");
        return exit_with(&err);
    }
    memcpy(words, config.argv.items, config.argv.n * sizeof *words);
    options_read(&usage_worker, (int)config.argv.n, words, &given, &options);
    return run(&given, &config, &options);
}
