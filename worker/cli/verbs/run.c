/* hone run: a study, a worker for it and a display of both, in one command. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/bounds_text.h"
#include "common/shell.h"
#include "common/step.h"
#include "worker/agent/agent.h"
#include "worker/agent/argv_list.h"
#include "worker/agent/expand.h"
#include "worker/cli/agent_options/devices.h"
#include "worker/cli/agent_options/files.h"
#include "worker/cli/agent_options/reading.h"
#include "worker/cli/define/creation.h"
#include "worker/cli/define/definition.h"
#include "worker/cli/session.h"
#include "worker/cli/show/best.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/trials_csv.h"
#include "worker/cli/show/watch.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"
#include "worker/cli/verbs/command_check.h"
#include "worker/cli/verbs/run_worker.h"

enum { LOOK_EVERY_MS = 1000 };

struct run_options {
    struct definition definition;
    struct agent_settings worker;
    struct reading reading;
    bool quiet;
};

static const struct argp_option own[] = {
    {"quiet", 'q', NULL, 0, "no picture, only the result", 9},
    {0},
};

static const struct option_group groups[] = {
    {"definition", &definition_argp, offsetof(struct run_options, definition)},
    {"devices", &devices_argp, offsetof(struct run_options, worker)},
    {"files", &files_argp, offsetof(struct run_options, worker)},
    {"reading", &reading_argp, offsetof(struct run_options, reading)},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct run_options *given = state->input;

    (void)arg;
    switch (key) {
    case 'q':
        given->quiet = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_run = {
    .arguments = "NAME -- COMMAND [ARGUMENT...]",
    .doc = "Tunes COMMAND: creates the study NAME or goes on with it, runs its trials here, shows "
           "how it goes and prints the best one.\v"
           "{lr} in an argument is the value of the parameter lr. COMMAND reports with lines such "
           "as 'hone: step=3 accuracy=0.91' on its output, or with 'hone report'.\n\n"
           "Without HONE_URL and --server, a private server is started for this account, or joined "
           "if one runs. It leaves when it has been idle for ten minutes; its data stays.",
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN | USAGE_TRAILING,
    .n_min = 2,
    .n_max = -1,
    .missing = "name the study and, behind ' -- ', the command that trains: "
               "hone run digits --maximize accuracy -P lr=log:1e-5..1e-1 -- ./train --lr {lr}",
    .own = own,
    .parse_own = parse,
    .groups = groups,
};

/* ---- the server and the study --------------------------------------------------------------- */

static int say_how_it_stands(struct session *session, const json_t *study, struct err *err)
{
    const char *name = text_at(study, "name");
    const char *state = text_at(study, "state");

    if (session->status == 201) {
        study_print_choice(study);
        study_print_not_learned(session, study);
        return 0;
    }
    say("going on with study '%s', %" PRId64 " trials done", name, study_count_done(study));
    if (strcmp(state, "stopped") == 0 || strcmp(state, "paused") == 0) {
        return err_set(err, ERR_WRONG_STATE,
                       "study '%s' is %s; 'hone study resume %s' makes it go on", name, state,
                       name);
    }
    return 0;
}

static struct agent_settings worker_settings(const struct run_options *given,
                                             const struct options *options,
                                             const struct session *session, bool is_private)
{
    struct agent_settings settings = given->worker;

    settings.url = http_client_url(session->client);
    settings.server_name = is_private ? PRIVATE_SERVER_NAME : NULL;
    settings.ca_file = options->ca_file;
    settings.study = options->arguments[0];
    settings.command = options->arguments + 1;
    settings.patterns = given->reading.specs;
    settings.n_patterns = given->reading.n;
    settings.exit_when_finished = true;
    settings.is_terse = true;
    settings.passthrough_fd = -1;
    return settings;
}

/* ---- watching both -------------------------------------------------------------------------- */

static void note_line(void *context, const char *line, size_t len)
{
    watch_note(context, line, len);
}

/* Until the worker has left; then the study is over, or the worker is to blame. */
static int follow(struct watch *watch, int *worker_status, struct err *err)
{
    const struct clock *clock = clock_system();
    int64_t next_ms = 0;
    bool over = false;

    while (run_worker_has_output()) {
        int64_t now_ms = clock->monotonic_ms(clock);
        if (now_ms >= next_ms) {
            TRY(watch_look(watch, &over, err));
            if (over) {
                run_worker_hurry();
            }
            next_ms = now_ms + LOOK_EVERY_MS;
        }
        run_worker_read(LOOK_EVERY_MS / 4, note_line, watch);
    }
    *worker_status = run_worker_await();
    return watch_look(watch, &over, err);
}

/* ---- the end -------------------------------------------------------------------------------- */

/* The command of the best trial, to be copied. */
static void print_command(const struct options *options, const json_t *study, const json_t *trial)
{
    OWN(argv_list) struct argv_list expanded = {0};
    OWN(buf) struct buf line = {0};
    char dropped[EXPAND_NAME_BYTES];
    struct err err = {0};
    const json_t *resource = json_object_get(study, "resource");
    struct expand_values values = {
        .parameters = json_object_get(trial, "parameters"),
        .inactive = json_object_get(trial, "inactive"),
        .has_resource = json_is_object(resource),
        .from = 0,
        .digits = step_resource_digits(resource),
        .checkpoint = "CHECKPOINT",
        .params_file = "PARAMETERS",
        .trial = int_at(trial, "number", 0),
        .attempt = int_at(trial, "attempt", 1),
        .seed = (uint64_t)int_at(trial, "seed", 0),
    };

    (void)step_from_number(number_at(trial, "step"), values.digits, &values.to);
    if (expand_argv(options->arguments + 1, &values, &expanded, dropped, &err) != 0) {
        return;
    }
    buf_init(&line, 1 << 16);
    for (size_t i = 0; i < expanded.n; i++) {
        shell_append_word(&line, expanded.items[i]);
    }
    say("this was: %s", buf_text(&line));
}

/* `best` is an answer that tells how many trials are feasible. */
static int no_result(const json_t *study, const json_t *best, struct err *err)
{
    OWN(buf) struct buf why = {0};

    buf_init(&why, 1 << 16);
    study_append_no_best(&why, study, best);
    return err_set(err, ERR_EXHAUSTED,
                   "%s; 'hone study explain %s %" PRId64 "' tells why, for example", buf_text(&why),
                   text_at(study, "name"), int_at(json_object_get(best, "nearest"), "trial", 1));
}

/* The newest answer of …/best with a recommendation; what is known already where there is none. */
static json_t *ask_best(struct session *session, const struct watch *watch)
{
    json_t *best = NULL;
    struct err err = {0};

    return best_get(session, &best, &err) == 0 ? best : json_incref(watch->best);
}

static int print_trial(struct session *session, const struct options *options,
                       const struct watch *watch, struct err *err)
{
    json_auto_t *best = ask_best(session, watch);
    const json_t *trial = json_object_get(best, "trial");

    if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, best);
    } else if (options->output == OUTPUT_NAME) {
        (void)printf("%" PRId64 "\n", int_at(trial, "number", 0));
    } else if (options->output == OUTPUT_CSV) {
        TRY(trials_print_csv_one(session, options->arguments[0], int_at(trial, "number", 0), err));
    } else {
        best_print(stdout, watch->study, best);
    }
    (void)fflush(stdout);
    print_command(options, watch->study, trial);
    return 0;
}

static int print_result(struct session *session, const struct options *options,
                        const struct watch *watch, struct err *err)
{
    if (study_metric(watch->study) == NULL) {
        OWN(buf) struct buf count = {0};
        if (study_count(watch->study, "completed") == 0
            || int_at(watch->study, "feasible_trials", 1) == 0) {
            return no_result(watch->study, watch->study, err);
        }
        buf_init(&count, 1 << 12);
        bounds_append_count(&count, watch->study);
        say("%s%s'hone study best %s' shows the trials that nothing beats", buf_text(&count),
            count.len > 0 ? "; " : "", options->arguments[0]);
        return 0;
    }
    return json_is_object(json_object_get(watch->best, "trial"))
               ? print_trial(session, options, watch, err)
               : no_result(watch->study, watch->best, err);
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* The study is not created for a worker that may not work: asks for what only a worker may see, of
 * a lease that there is not. */
static int require_worker(struct session *session, struct err *err)
{
    struct err why = {0};

    if (session_get(session, "/v1/leases/none/checkpoint", NULL, &why) != 0
        && why.code == ERR_FORBIDDEN) {
        return err_set(err, ERR_FORBIDDEN,
                       "the token lacks the scope worker, and nothing was created: 'hone run' "
                       "creates a study and works on it; make a token with 'hone token create NAME "
                       "--scope submit --scope worker --save FILE'");
    }
    return 0;
}

static int run(struct options *options, const struct run_options *given, int *status,
               struct err *err)
{
    struct private_server server = {0};
    OWN(session) struct session session = {0};
    OWN(watch) struct watch watch = {0};
    json_auto_t *body = NULL;
    json_auto_t *study = NULL;

    TRY(definition_body(&given->definition, options->arguments[0], &body, err));
    TRY(command_check(options->arguments + 1, body, true, err));
    if (!options->curl && !options->dry_run) { /* which may be asked for on another machine */
        TRY(command_check_here(options->arguments + 1, &given->reading, err));
    }
    TRY(session_find_server(options, &server, err));
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "POST", "/v1/studies", body)) {
        return 0;
    }
    bool is_private = server.url[0] != '\0';
    if (!is_private) {
        TRY(require_worker(&session, err));
    }
    TRY(study_send_or_extend(&session, &given->definition, body, &study, err));
    TRY(say_how_it_stands(&session, study, err));
    struct agent_settings settings = worker_settings(given, options, &session, is_private);
    TRY(run_worker_start(&settings, is_private ? server.worker_token_file : session.token_file,
                         err));
    watch_begin(&watch, &session, options->arguments[0], stderr,
                options_color(options, STDERR_FILENO));
    watch.quiet = given->quiet;
    TRY(follow(&watch, status, err));
    if (run_worker_was_interrupted()) {
        say("interrupted; the same command goes on with the study");
        *status = EXIT_STATUS_INTERRUPTED;
        return 0;
    }
    study_print_detail(watch.study);
    return *status == 0 ? print_result(&session, options, &watch, err) : 0;
}

int verb_run(int argc, char **argv)
{
    struct run_options given = {0};
    struct options options;
    struct err err = {0};
    int status = 0;

    options_read(&usage_run, argc, argv, &given, &options);
    int rc = run(&options, &given, &status, &err);
    run_worker_stop(); /* if the study is gone, or the server, it has nothing to do any more */
    definition_finish(&given.definition);
    return rc != 0 ? exit_with(&err) : status;
}
