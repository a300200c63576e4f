/* hone logs: what the job of a trial has printed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/integer.h"
#include "common/screen_text.h"
#include "worker/cli/session.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

enum { KEY_ATTEMPT = 0x3000, KEY_TAIL, KEY_RAW };
enum { CALL_MS = 60000, PIECE_BYTES = 1 << 20, TAIL_LINES_MAX = 1000000 };

struct logs_options {
    bool follows;
    bool raw;
    const char *attempt; /* NULL: the newest */
    const char *tail;    /* NULL: everything */
};

static const struct argp_option own[] = {
    {"follow", 'f', NULL, 0, "go on until the attempt has ended", 1},
    {"attempt", KEY_ATTEMPT, "N", 0, "of this attempt, not the newest", 1},
    {"tail", KEY_TAIL, "N", 0, "begin with the last N lines", 1},
    {"raw", KEY_RAW, NULL, 0, "the bytes as they are, also to a terminal", 1},
    {0},
};

static void check_number(const struct argp_state *state, const char *option, const char *text,
                         int64_t least, int64_t most)
{
    int64_t number;

    if (!integer_from_text(text, least, most, &number)) {
        argp_error(state, "%s takes a number from %" PRId64 " to %" PRId64 ", not '%s'", option,
                   least, most, text);
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct logs_options *given = state->input;

    switch (key) {
    case 'f':
        given->follows = true;
        return 0;
    case KEY_ATTEMPT:
        check_number(state, "--attempt", arg, 1, INT32_MAX);
        given->attempt = arg;
        return 0;
    case KEY_TAIL:
        check_number(state, "--tail", arg, 0, TAIL_LINES_MAX);
        given->tail = arg;
        return 0;
    case KEY_RAW:
        given->raw = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct usage usage = {
    .arguments = "STUDY TRIAL",
    .doc = "Prints what the job of a trial has printed, as far as the server keeps it: all of it, "
           "or the beginning and the end of a long one.\v"
           "On a terminal a carriage return begins a new line and other control characters are "
           "shown as \\x1b; into a file or a pipe the bytes go as they are.",
    .flags = USAGE_SERVER,
    .n_min = 2,
    .n_max = 2,
    .missing = "say which trial: hone logs STUDY NUMBER; 'hone study trials STUDY' lists them",
    .own = own,
    .parse_own = parse,
};

/* ---- printing ---- */

struct printer {
    bool for_screen;
    struct screen_text text;
    struct buf piece;
};

static bool write_all(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = write(STDOUT_FILENO, bytes, len);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put <= 0) {
            return false;
        }
        bytes += put;
        len -= (size_t)put;
    }
    return true;
}

static bool flush(struct printer *printer)
{
    bool written =
        !printer->piece.failed && write_all(buf_text(&printer->piece), printer->piece.len);

    buf_clear(&printer->piece);
    return written;
}

static bool print_piece(void *context, const char *bytes, size_t len)
{
    struct printer *printer = context;

    if (!printer->for_screen) {
        return write_all(bytes, len);
    }
    screen_text_append(&printer->text, bytes, len, &printer->piece);
    return flush(printer);
}

/* ---- asking ---- */

static const char *log_path(struct buf *path, const struct options *options,
                            const struct logs_options *given)
{
    (void)study_path(path, options->arguments[0], "/trials/");
    http_escape(path, options->arguments[1]);
    buf_printf(path, "/log?follow=%s", given->follows ? "true" : "false");
    if (given->attempt != NULL) {
        buf_printf(path, "&attempt=%s", given->attempt);
    }
    if (given->tail != NULL) {
        buf_printf(path, "&tail=%s", given->tail);
    }
    return buf_text(path);
}

static int print_log(const struct options *options, const struct logs_options *given,
                     struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    OWN(http_answer) struct http_answer answer = {0};
    struct printer printer = {.for_screen = !given->raw && isatty(STDOUT_FILENO) == 1};
    struct http_call call = {.method = "GET",
                             .path = log_path(&path, options, given),
                             .timeout_ms = given->follows ? -1 : CALL_MS,
                             .take = print_piece,
                             .take_context = &printer};

    TRY(buf_check(&path, err));
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", call.path, NULL)) {
        return 0;
    }
    buf_init(&printer.piece, (size_t)8 * PIECE_BYTES);
    int rc = http_client_call(session.client, &call, &answer, err);
    rc = rc == 0 ? http_answer_check(&answer, err) : rc;
    if (rc == 0) {
        screen_text_end(&printer.text, &printer.piece);
        rc = flush(&printer) ? 0 : err_set(err, ERR_IO, "cannot print: %s", strerror(errno));
    }
    buf_finish(&printer.piece);
    return rc;
}

int verb_logs(int argc, char **argv)
{
    struct logs_options given = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage, argc, argv, &given, &options);
    return exit_after(print_log(&options, &given, &err), &err);
}
