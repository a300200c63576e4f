/* trial add, trial cancel, trial retry: one call each. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/http/client.h"
#include "common/json.h"
#include "worker/cli/define/configuration.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

#define TRIAL_MISSING                                                                              \
    "name the study and the number of the trial; 'hone study trials NAME' lists them"

static void print_answer(const struct options *options, const json_t *answer)
{
    if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, answer);
    }
}

/* Sends `body` to what the trial that the arguments name has at `rest`; *answer stays NULL where
 * the request is only shown. */
static int send_to_trial(const struct options *options, const char *method, const char *rest,
                         const json_t *body, json_t **answer, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};

    (void)study_path(&path, options->arguments[0], "/trials/");
    http_escape(&path, options->arguments[1]);
    buf_puts(&path, rest);
    TRY(buf_check(&path, err));
    TRY(session_open(options, &session, err));
    if (session_previews(&session, method, buf_text(&path), body)) {
        return 0;
    }
    TRY(session_send(&session, method, buf_text(&path), body, answer, err));
    print_answer(options, *answer);
    return 0;
}

/* ---- cancel --------------------------------------------------------------------------------- */

const struct usage usage_trial_cancel = {
    .arguments = "STUDY TRIAL",
    .doc =
        "Cancels one trial: its job is stopped if it runs, and it is not tried again. The rest of "
        "the study, and its bracket, go on without it.",
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,
    .n_min = 2,
    .n_max = 2,
    .missing = TRIAL_MISSING,
};

static int cancel(const struct options *options, struct err *err)
{
    json_auto_t *body = json_pack("{s:s}", "state", "cancelled");
    json_auto_t *answer = NULL;

    TRY(send_to_trial(options, "PATCH", "", body, &answer, err));
    if (answer != NULL) {
        say("trial %" PRId64 " of '%s' is cancelled", int_at(answer, "number", 0),
            options->arguments[0]);
    }
    return 0;
}

int verb_trial_cancel(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_trial_cancel, argc, argv, NULL, &options);
    return exit_after(cancel(&options, &err), &err);
}

/* ---- retry ---------------------------------------------------------------------------------- */

const struct usage usage_trial_retry = {
    .arguments = "STUDY TRIAL",
    .doc = "Tries a failed trial again, with the same configuration and number, from the start. "
           "'hone study retry STUDY' does so for all of them.",
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,
    .n_min = 2,
    .n_max = 2,
    .missing = TRIAL_MISSING,
};

static int retry(const struct options *options, struct err *err)
{
    json_auto_t *answer = NULL;

    TRY(send_to_trial(options, "POST", "/retry", NULL, &answer, err));
    if (answer != NULL) {
        say("trial %" PRId64 " of '%s' is queued again", int_at(answer, "number", 0),
            options->arguments[0]);
    }
    return 0;
}

int verb_trial_retry(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_trial_retry, argc, argv, NULL, &options);
    return exit_after(retry(&options, &err), &err);
}

/* ---- add ------------------------------------------------------------------------------------ */

enum { KEY_RESULT = 0x3000, KEY_STEP };

struct addition {
    json_t *metrics; /* NULL: it is to be tried */
    double step;
    bool has_step;
};

static const struct argp_option own[] = {
    {"result", KEY_RESULT, "METRIC=VALUE,...", 0,
     "it was tried elsewhere, with this result\vModels learn from it as from a trial of the study; "
     "no limit counts it.",
     1},
    {"step", KEY_STEP, "N", 0,
     "of the resource that the result was reached at\vUnless said, all of "
     "it.",
     1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct addition *given = state->input;
    char *end;

    switch (key) {
    case KEY_RESULT:
        json_decref(given->metrics);
        given->metrics = configuration_read(arg);
        if (given->metrics == NULL) {
            argp_error(state, "--result %s: write METRIC=VALUE, such as accuracy=0.93", arg);
        }
        return 0;
    case KEY_STEP:
        given->step = strtod(arg, &end);
        given->has_step = true;
        if (*end != '\0' || !(given->step >= 0)) {
            argp_error(state, "--step %s: write a number from 0 on", arg);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_trial_add = {
    .arguments = "STUDY NAME=VALUE,...",
    .doc =
        "Adds a configuration that is tried next, or with --result one that was tried elsewhere.\v"
        "A parameter that is left out takes its default. A JSON object does as well, and is "
        "needed for text with commas.",
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,
    .n_min = 2,
    .n_max = 2,
    .missing = "name the study and the configuration: hone trial add digits lr=0.01,units=64",
    .own = own,
    .parse_own = parse,
};

static int add_body(const char *text, const struct addition *given, json_t **body, struct err *err)
{
    json_t *parameters = configuration_read(text);

    if (parameters == NULL) {
        return err_set(
            err, ERR_INVALID,
            "'%.100s' is no configuration: write lr=0.01,units=64, or a JSON object, each "
            "name once",
            text);
    }
    *body = json_pack("{s:o}", "parameters", parameters);
    if (given->metrics != NULL) {
        (void)json_object_set_new(*body, "state", json_string("completed"));
        (void)json_object_set(*body, "metrics", given->metrics);
    }
    if (given->has_step) {
        (void)json_object_set_new(*body, "step", json_real(given->step));
    }
    return 0;
}

static int add(const struct options *options, const struct addition *given, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    json_auto_t *body = NULL;
    json_auto_t *answer = NULL;

    TRY(add_body(options->arguments[1], given, &body, err));
    (void)study_path(&path, options->arguments[0], "/trials");
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "POST", buf_text(&path), body)) {
        return 0;
    }
    TRY(session_send(&session, "POST", buf_text(&path), body, &answer, err));
    say("trial %" PRId64 " of '%s' is %s", int_at(answer, "number", 0), options->arguments[0],
        given->metrics != NULL ? "added with its result" : "tried next");
    print_answer(options, answer);
    return 0;
}

int verb_trial_add(int argc, char **argv)
{
    struct addition given = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage_trial_add, argc, argv, &given, &options);
    int rc = add(&options, &given, &err);
    json_decref(given.metrics);
    return exit_after(rc, &err);
}
