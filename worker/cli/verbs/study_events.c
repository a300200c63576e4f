/* hone study events: what happened in a study, and with -f what happens. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/integer.h"
#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/event_line.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

enum { KEY_AFTER = 0x3000, LINE_BYTES = 1 << 20, WAIT_MS = 250, WAIT_MOST_MS = 5000 };

struct events_options {
    bool follows;
    int64_t after;
};

static const struct argp_option own[] = {
    {"follow", 'f', NULL, 0,
     "go on with what happens\v"
     "It shows the measurements of running trials, too. When the server restarts, it goes on where "
     "it was as soon as the server answers.",
     1},
    {"after", KEY_AFTER, "SEQ", 0, "begin behind the event of this number (-o ndjson shows them)",
     1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct events_options *given = state->input;

    switch (key) {
    case 'f':
        given->follows = true;
        return 0;
    case KEY_AFTER:
        if (!integer_from_text(arg, 0, INT64_MAX, &given->after)) {
            argp_error(state, "--after %s: write the number of an event", arg);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_study_events = {
    .arguments = "[NAME]",
    .doc = "Tells what happened in a study, or in all of them, one event a line.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_max = 1,
    .own = own,
    .parse_own = parse,
};

/* The lines of an answer as they come. */
struct event_reader {
    const struct options *options;
    const struct events_options *given;
    int64_t after; /* the last event that was printed */
    bool was_answered;
    struct buf held; /* a line of which a part has come */
};

/* A measurement is told when it is made, without a moment of its own. */
static void add_moment(json_t *event)
{
    const struct clock *clock = clock_system();
    OWN(buf) struct buf text = {0};
    json_auto_t *now = NULL;
    struct json_writer w;
    struct err ignored;

    buf_init(&text, 256);
    json_writer_init(&w, &text);
    json_object_begin(&w);
    json_put_moment(&w, "at", clock->wall_ms(clock));
    json_object_end(&w);
    if (json_parse_own(buf_text(&text), &now, &ignored) == 0) {
        (void)json_object_update_missing(event, now);
    }
}

static void print_event(struct event_reader *reader)
{
    json_auto_t *event = NULL;
    struct err ignored;
    OWN(buf) struct buf line = {0};

    if (json_parse(buf_text(&reader->held), reader->held.len, &json_limits_default, &event,
                   &ignored)
        != 0) {
        return; /* an empty line: a heartbeat of the server */
    }
    reader->after = int_at(event, "seq", reader->after);
    if (reader->options->output != OUTPUT_TABLE && reader->options->output != OUTPUT_WIDE) {
        print_json(stdout, event);
    } else {
        buf_init(&line, LINE_BYTES);
        add_moment(event);
        event_line(event, &line);
        (void)puts(buf_text(&line));
    }
    (void)fflush(stdout);
}

static bool take(void *context, const char *bytes, size_t len)
{
    struct event_reader *reader = context;

    reader->was_answered = true;
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\n') {
            buf_putc(&reader->held, bytes[i]);
            continue;
        }
        print_event(reader);
        buf_clear(&reader->held);
    }
    return !ferror(stdout);
}

static const char *events_path(const struct event_reader *reader, struct buf *path)
{
    if (reader->options->n_arguments > 0) {
        (void)study_path(path, reader->options->arguments[0], "/events");
    } else {
        buf_init(path, 1024);
        buf_puts(path, "/v1/events");
    }
    buf_printf(path, "?format=ndjson&follow=%s&after=%" PRId64,
               reader->given->follows ? "true" : "false", reader->after);
    return buf_text(path);
}

/* The server cannot say it in the words of this program. */
static int explain(const struct session *session, const struct event_reader *reader,
                   struct err *err)
{
    if (err->code == ERR_EVENTS_GONE) {
        return err_set(err, ERR_EVENTS_GONE,
                       "the events after %" PRId64
                       " are no longer kept; 'hone study list' says how "
                       "the studies stand, 'hone study events' without --after which events there "
                       "are",
                       reader->after);
    }
    session_advise(session, err);
    return -1;
}

static int read_once(struct session *session, struct event_reader *reader, struct err *err)
{
    OWN(buf) struct buf path = {0};
    OWN(http_answer) struct http_answer answer = {0};
    struct http_call call = {.method = "GET",
                             .path = events_path(reader, &path),
                             .timeout_ms = reader->given->follows ? -1 : 0,
                             .take = take,
                             .take_context = reader};

    buf_clear(&reader->held);
    reader->was_answered = false;
    TRY(buf_check(&path, err));
    if (http_client_call(session->client, &call, &answer, err) != 0
        || http_answer_check(&answer, err) != 0) {
        return explain(session, reader, err);
    }
    return 0;
}

/* Who follows goes on whenever the answer breaks off; who was never answered does not. */
static int read_all(struct session *session, struct event_reader *reader, struct err *err)
{
    int64_t wait_ms = WAIT_MS;
    bool known = false;

    for (;;) {
        int rc = read_once(session, reader, err);
        known = known || rc == 0 || reader->was_answered;
        if (!reader->given->follows || (rc != 0 && !(known && err_may_pass(err->code)))) {
            return rc;
        }
        wait_ms = reader->was_answered ? WAIT_MS : wait_ms < WAIT_MOST_MS ? 2 * wait_ms : wait_ms;
        struct timespec pause = {.tv_sec = wait_ms / 1000, .tv_nsec = wait_ms % 1000 * 1000000};
        (void)nanosleep(&pause, NULL);
    }
}

static int print_events(const struct options *options, const struct events_options *given,
                        struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    struct event_reader reader = {.options = options, .given = given, .after = given->after};

    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", events_path(&reader, &path), NULL)) {
        return 0;
    }
    buf_init(&reader.held, LINE_BYTES);
    int rc = read_all(&session, &reader, err);
    buf_finish(&reader.held);
    return rc;
}

int verb_study_events(int argc, char **argv)
{
    struct events_options given = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage_study_events, argc, argv, &given, &options);
    return exit_after(print_events(&options, &given, &err), &err);
}
