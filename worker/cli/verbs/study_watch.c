#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "worker/cli/define/span.h"
#include "worker/cli/session.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/watch.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

enum { KEY_TIMEOUT = 0x3000 };

struct watch_options {
    double interval_seconds;
    double timeout_seconds; /* 0: none */
};

static const struct argp_option own[] = {
    {"interval", 'i', "SPAN", 0, "look this often (default: 1s)", 1},
    {"timeout", KEY_TIMEOUT, "SPAN", 0, "give up after this long, with status 124", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct watch_options *given = state->input;
    double seconds = key == 'i' || key == KEY_TIMEOUT ? span_seconds(arg) : 0;

    if ((key == 'i' && !(seconds >= 0.1 && seconds <= 86400))
        || (key == KEY_TIMEOUT && !(seconds > 0))) {
        argp_error(state, "'%s' is no span: write 0.5, 10s, 15m, 2h or 1d", arg);
    }
    switch (key) {
    case 'i':
        given->interval_seconds = seconds;
        return 0;
    case KEY_TIMEOUT:
        given->timeout_seconds = seconds;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_study_watch = {
    .arguments = "NAME",
    .doc = "Follows a study until it is finished or stopped: redrawn in place on a terminal, one "
           "line whenever something happens in a pipe.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .own = own,
    .parse_own = parse,
};

static void sleep_seconds(double seconds)
{
    struct timespec span = {.tv_sec = (time_t)seconds};

    span.tv_nsec = (long)((seconds - (double)span.tv_sec) * 1e9);
    (void)nanosleep(&span, NULL);
}

/* *timed_out: the study goes on, the watching does not. */
static int follow(const struct options *options, const struct watch_options *given, bool *timed_out,
                  struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(watch) struct watch watch = {0};
    OWN(buf) struct buf path = {0};
    const struct clock *clock = clock_system();
    int64_t begin_ms = clock->monotonic_ms(clock);
    bool over = false;

    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", study_path(&path, options->arguments[0], ""), NULL)) {
        return 0;
    }
    watch_begin(&watch, &session, options->arguments[0], stdout,
                options_color(options, STDOUT_FILENO));
    for (;;) {
        TRY(watch_look(&watch, &over, err));
        int64_t passed_ms = clock->monotonic_ms(clock) - begin_ms;
        *timed_out = given->timeout_seconds > 0 && (double)passed_ms > given->timeout_seconds * 1000
                     && !over;
        if (over || *timed_out) {
            study_print_detail(watch.study);
            return 0;
        }
        sleep_seconds(given->interval_seconds);
    }
}

int verb_study_watch(int argc, char **argv)
{
    struct watch_options given = {.interval_seconds = 1};
    struct options options;
    struct err err = {0};
    bool timed_out = false;

    options_read(&usage_study_watch, argc, argv, &given, &options);
    int rc = follow(&options, &given, &timed_out, &err);
    if (rc == 0 && timed_out) {
        say("study '%s' has not ended yet", options.arguments[0]);
        return EXIT_STATUS_TIMEOUT;
    }
    return exit_after(rc, &err);
}
