/* hone top: studies, workers, brackets and trials on the whole screen, live. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "worker/cli/define/span.h"
#include "worker/cli/session.h"
#include "worker/cli/status.h"
#include "worker/cli/top/draw.h"
#include "worker/cli/top/feed.h"
#include "worker/cli/top/keys.h"
#include "worker/cli/top/terminal.h"
#include "worker/cli/verbs.h"

enum { KEY_ONCE = 0x3000, PICTURE_BYTES = 16 << 20, TICK_MS = 200, ONCE_LINES = 1 << 14 };

struct top_options {
    double interval_seconds;
    bool once;
};

static const struct argp_option own[] = {
    {"interval", 'i', "SPAN", 0, "ask this often (default: 1s)", 1},
    {"once", KEY_ONCE, NULL, 0,
     "print one picture and leave\vSo it is too where the output is no terminal.", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct top_options *given = state->input;

    switch (key) {
    case 'i':
        given->interval_seconds = span_seconds(arg);
        if (!(given->interval_seconds >= 0.1 && given->interval_seconds <= 86400)) {
            argp_error(state, "'%s' is no span: write 0.5, 10s or 1m", arg);
        }
        return 0;
    case KEY_ONCE:
        given->once = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_top = {
    .arguments = "[STUDY]",
    .doc = "Shows studies, workers, brackets and trials on the whole screen, live; or begins with "
           "one study.\v"
           "Enter opens what is chosen, the left arrow goes back, ? lists the keys, q leaves.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_max = 1,
    .own = own,
    .parse_own = parse,
};

/* ---- one picture ---------------------------------------------------------------------------- */

/* Without the line of keys and the empty ones above it. */
static void print_picture(const char *lines)
{
    size_t n_empty = 0;

    while (*lines != '\0' && *lines != TOP_KEYS) {
        size_t len = strcspn(lines, "\n");
        for (; len > 1 && n_empty > 0; n_empty--) {
            (void)puts("");
        }
        n_empty += len == 1;
        if (len > 1) {
            (void)printf("%.*s\n", (int)len - 1, lines + 1);
        }
        lines += len + (lines[len] == '\n');
    }
}

static int once(struct feed *feed, const struct options *options, struct err *err)
{
    OWN(buf) struct buf picture = {0};
    size_t width = options_width(options, STDOUT_FILENO);

    feed_ask(feed);
    while (feed_is_asking(feed)) {
        feed_wait(feed, -1, TICK_MS);
    }
    if (feed->top->trouble[0] != '\0') {
        return err_set(err, ERR_UNREACHABLE, "%s", feed->top->trouble);
    }
    buf_init(&picture, PICTURE_BYTES);
    top_draw(feed->top, width == 0 ? 80 : width, ONCE_LINES, &picture);
    TRY(buf_check(&picture, err));
    print_picture(buf_text(&picture));
    return 0;
}

/* ---- the screen ----------------------------------------------------------------------------- */

static void show(struct top *top, const struct clock *clock)
{
    OWN(buf) struct buf picture = {0};
    size_t width, height;

    if (!top->paused) {
        top->now_ms = clock->wall_ms(clock);
    }
    terminal_size(&width, &height);
    buf_init(&picture, PICTURE_BYTES);
    top_draw(top, width, height, &picture);
    terminal_show(buf_text(&picture));
}

/* False: leave. */
static bool take_keys(struct feed *feed, bool *asks)
{
    size_t width, height;

    for (int key; (key = terminal_key()) != TERMINAL_NONE;) {
        terminal_size(&width, &height);
        enum top_action action = top_press(feed->top, key, top_page_lines(height));
        if (action == TOP_QUIT) {
            return false;
        }
        if (action == TOP_SEND) {
            feed_send(feed);
        }
        if (action == TOP_ASK) {
            feed_forget(feed);
            *asks = true;
        }
    }
    return terminal_signal() == 0;
}

static void follow(struct feed *feed, const struct top_options *given)
{
    const struct clock *clock = clock_system();
    int64_t next_ms = 0;
    bool asks = true;

    while (take_keys(feed, &asks)) {
        int64_t now_ms = clock->monotonic_ms(clock);
        asks = asks || feed->was_answered;
        feed->was_answered = false;
        if (asks || (now_ms >= next_ms && !feed->top->paused)) {
            feed->top->now_ms = clock->wall_ms(clock);
            feed_ask(feed);
            next_ms = now_ms + (int64_t)(given->interval_seconds * 1000);
            asks = false;
        }
        show(feed->top, clock);
        feed_wait(feed, STDIN_FILENO, TICK_MS);
    }
}

static int run(const struct options *options, const struct top_options *given, int *status,
               struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(top) struct top top = {0};
    OWN(feed) struct feed feed = {0};

    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", "/v1/studies?limit=1000", NULL)) {
        return 0;
    }
    top_init(&top, http_client_url(session.client));
    top.now_ms = clock_system()->wall_ms(clock_system());
    if (options->n_arguments > 0) {
        struct top_place place = {.page = TOP_STUDY};
        (void)snprintf(place.study, sizeof place.study, "%s", options->arguments[0]);
        top_open(&top, &place);
    }
    TRY(feed_open(&feed, &session, &top, err));
    if (given->once || isatty(STDOUT_FILENO) != 1) {
        return once(&feed, options, err);
    }
    TRY(terminal_open(options_color(options, STDOUT_FILENO), err));
    follow(&feed, given);
    terminal_close();
    *status = terminal_signal() == 0 ? EXIT_STATUS_OK : 128 + terminal_signal();
    return 0;
}

int verb_top(int argc, char **argv)
{
    struct top_options given = {.interval_seconds = 1};
    struct options options;
    struct err err = {0};
    int status = EXIT_STATUS_OK;

    options_read(&usage_top, argc, argv, &given, &options);
    int rc = run(&options, &given, &status, &err);
    return status != EXIT_STATUS_OK ? status : exit_after(rc, &err);
}
