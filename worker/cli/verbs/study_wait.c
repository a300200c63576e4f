/* hone study wait: for scripts, until a study is done or good enough. */
#include <stdio.h>
#include <time.h>

#include "worker/cli/define/condition.h"
#include "worker/cli/define/span.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/watch.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

enum { KEY_UNTIL = 0x3000, KEY_TIMEOUT, CONDITIONS_MAX = 16 };

struct wait_options {
    const char *texts[CONDITIONS_MAX];
    struct wait_condition conditions[CONDITIONS_MAX];
    size_t n;
    double interval_seconds, timeout_seconds; /* 0: no end */
};

static const struct argp_option own[] = {
    {"until", KEY_UNTIL, "WHAT", 0,
     "finished (the default), or a comparison: best<0.2, trials>=50, failed>3; may be repeated\v"
     "Of several, the first that holds ends the wait. best is the value of the best trial, trials "
     "are those that have ended however; completed, pruned, failed, infeasible and running count "
     "trials in these states. The signs are <, <=, >, >= and =; quote them for the shell.",
     1},
    {"timeout", KEY_TIMEOUT, "SPAN", 0, "give up after this long, with status 124", 1},
    {"interval", 'i', "SPAN", 0, "look this often (default: 1s)", 1},
    {0},
};

static double span_or_error(const char *arg, const struct argp_state *state)
{
    double seconds = span_seconds(arg);

    if (!(seconds >= 0.1 && seconds <= 1e9)) {
        argp_error(state, "'%s' is no span: write 0.5, 10s, 15m, 2h or 1d", arg);
    }
    return seconds;
}

static void add_condition(struct wait_options *given, const char *arg,
                          const struct argp_state *state)
{
    struct err err = {0};

    if (given->n == CONDITIONS_MAX) {
        argp_error(state, "more than %d conditions", CONDITIONS_MAX);
    }
    if (condition_read(arg, &given->conditions[given->n], &err) != 0) {
        argp_error(state, "%s", err.text);
    }
    given->texts[given->n++] = arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct wait_options *given = state->input;

    switch (key) {
    case KEY_UNTIL:
        add_condition(given, arg, state);
        return 0;
    case KEY_TIMEOUT:
        given->timeout_seconds = span_or_error(arg, state);
        return 0;
    case 'i':
        given->interval_seconds = span_or_error(arg, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_study_wait = {
    .arguments = "NAME",
    .doc = "Waits until a study is finished, or something else holds of it.\v"
           "Ends with 0 when it does, 1 when the study has ended without, 124 after --timeout. The "
           "server may be away for a minute meanwhile.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .own = own,
    .parse_own = parse,
};

/* The text of the first condition that holds; NULL: none does. */
static const char *first_that_holds(const struct wait_options *given, const struct watch *watch)
{
    for (size_t i = 0; i < given->n; i++) {
        if (condition_holds(&given->conditions[i], watch->study, watch->best)) {
            return given->texts[i];
        }
    }
    return NULL;
}

static void sleep_seconds(double seconds)
{
    struct timespec span = {.tv_sec = (time_t)seconds};

    span.tv_nsec = (long)((seconds - (double)span.tv_sec) * 1e9);
    (void)nanosleep(&span, NULL);
}

static int follow(struct watch *watch, const struct wait_options *given, int *status,
                  struct err *err)
{
    int64_t begin_ms = watch->clock->monotonic_ms(watch->clock);

    for (;;) {
        bool over;
        TRY(watch_look(watch, &over, err));
        const char *held = watch->silent_since_ms >= 0 ? NULL : first_that_holds(given, watch);
        int64_t passed_ms = watch->clock->monotonic_ms(watch->clock) - begin_ms;
        if (held != NULL) {
            say("study '%s': %s", watch->study_name, held);
            return 0;
        }
        if (over) {
            say("study '%s' is %s, without %s", watch->study_name, text_at(watch->study, "state"),
                given->texts[0]);
            *status = EXIT_STATUS_FAILED;
            return 0;
        }
        if (given->timeout_seconds > 0 && (double)passed_ms > given->timeout_seconds * 1000) {
            say("study '%s' goes on, without %s", watch->study_name, given->texts[0]);
            *status = EXIT_STATUS_TIMEOUT;
            return 0;
        }
        sleep_seconds(given->interval_seconds);
    }
}

static int wait_for(const struct options *options, const struct wait_options *given, int *status,
                    struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(watch) struct watch watch = {0};
    OWN(buf) struct buf path = {0};

    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", study_path(&path, options->arguments[0], ""), NULL)) {
        return 0;
    }
    watch_begin(&watch, &session, options->arguments[0], stderr, false);
    watch.quiet = true;
    TRY(follow(&watch, given, status, err));
    if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, watch.study);
    }
    return 0;
}

int verb_study_wait(int argc, char **argv)
{
    struct wait_options given = {.interval_seconds = 1};
    struct options options;
    struct err err = {0};
    int status = EXIT_STATUS_OK;

    options_read(&usage_study_wait, argc, argv, &given, &options);
    if (given.n == 0) {
        given.texts[given.n++] = "finished"; /* as zeroed */
    }
    int rc = wait_for(&options, &given, &status, &err);
    return rc == 0 && status != EXIT_STATUS_OK ? status : exit_after(rc, &err);
}
