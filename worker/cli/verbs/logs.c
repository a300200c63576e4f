/* hone logs: what the job of a trial has printed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/integer.h"
#include "common/screen_text.h"
#include "worker/cli/log_pieces.h"
#include "worker/cli/session.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

enum { KEY_ATTEMPT = 0x3000, KEY_TAIL, KEY_RAW };
enum { CALL_MS = 60000, PIECE_BYTES = 1 << 20, TAIL_LINES_MAX = 1000000 };
enum { WAIT_MS = 100, WAIT_MOST_MS = 5000, SAID_AFTER_MS = 10000 }; /* for a server that is away */

struct logs_options {
    bool follows;
    bool raw;
    const char *attempt; /* NULL: the newest */
    const char *tail;    /* NULL: everything */
};

static const struct argp_option own[] = {
    {"follow", 'f', NULL, 0,
     "go on until the attempt has ended\vWhen the connection breaks or the server restarts, it "
     "goes on at the byte where it was as soon as the server answers; that it does not answer for "
     "ten seconds is said once.",
     1},
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

const struct usage usage_logs = {
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

struct log_reader {
    const struct options *options;
    const struct logs_options *given;
    struct session session;
    struct log_pieces pieces;
    struct printer printer;
    bool print_failed;
    int print_errno;
    bool was_answered; /* a piece has come since the last break */
    int64_t away_ms;   /* since when nothing has come; -1: it answers */
    int64_t wait_ms;   /* before the next try */
    bool told;         /* that it does not answer */
};

static bool print_of(void *context, const char *bytes, size_t len)
{
    struct log_reader *reader = context;

    if (!print_piece(&reader->printer, bytes, len)) {
        reader->print_failed = true;
        reader->print_errno = errno;
        return false;
    }
    return true;
}

static bool take(void *context, const char *bytes, size_t len)
{
    struct log_reader *reader = context;

    reader->was_answered = true;
    return log_pieces_take(&reader->pieces, bytes, len, print_of, reader);
}

/* The whole log, or from where a broken answer has ended. */
static const char *log_path(struct buf *path, const struct log_reader *reader)
{
    const struct logs_options *given = reader->given;

    (void)study_path(path, reader->options->arguments[0], "/trials/");
    http_escape(path, reader->options->arguments[1]);
    buf_printf(path, "/log?follow=%s", given->follows ? "true" : "false");
    if (reader->pieces.attempt > 0) {
        buf_printf(path, "&attempt=%" PRId64 "&offset=%" PRId64, reader->pieces.attempt,
                   reader->pieces.next);
        return buf_text(path);
    }
    if (given->attempt != NULL) {
        buf_printf(path, "&attempt=%s", given->attempt);
    }
    if (given->tail != NULL) {
        buf_printf(path, "&tail=%s", given->tail);
    }
    return buf_text(path);
}

static int read_once(struct log_reader *reader, struct err *err)
{
    OWN(buf) struct buf path = {0};
    OWN(http_answer) struct http_answer answer = {0};

    (void)log_path(&path, reader);
    buf_puts(&path, "&pieces=true");
    TRY(buf_check(&path, err));
    struct http_call call = {.method = "GET",
                             .path = buf_text(&path),
                             .timeout_ms = reader->given->follows ? -1 : CALL_MS,
                             .take = take,
                             .take_context = reader};
    log_pieces_begin(&reader->pieces);
    reader->was_answered = false;
    int rc = http_client_call(reader->session.client, &call, &answer, err);
    rc = rc == 0 ? http_answer_check(&answer, err) : rc;
    if (reader->print_failed) {
        return err_set(err, ERR_IO, "cannot print: %s", strerror(reader->print_errno));
    }
    if (reader->pieces.damaged) {
        return err_set(err, ERR_IO, "the server answers with something else than a log");
    }
    return rc == 0 && !reader->pieces.ended
               ? err_set(err, ERR_UNREACHABLE, "the server ended its answer before the log ended")
               : rc;
}

static void wait_for_server(struct log_reader *reader)
{
    const struct clock *clock = clock_system();
    int64_t now_ms = clock->monotonic_ms(clock);

    if (reader->was_answered || reader->away_ms < 0) {
        reader->away_ms = now_ms;
        reader->wait_ms = WAIT_MS;
        reader->told = false;
    } else if (!reader->told && now_ms - reader->away_ms >= SAID_AFTER_MS) {
        reader->told = true;
        say("the server does not answer; trying again");
    }
    struct timespec pause = {.tv_sec = reader->wait_ms / 1000,
                             .tv_nsec = reader->wait_ms % 1000 * 1000000};
    (void)nanosleep(&pause, NULL);
    reader->wait_ms = reader->wait_ms < WAIT_MOST_MS / 2 ? 2 * reader->wait_ms : WAIT_MOST_MS;
}

/* Who follows goes on until the log has ended, however often the answer breaks off. */
static int read_all(struct log_reader *reader, struct err *err)
{
    while (read_once(reader, err) != 0) {
        if (!reader->given->follows || reader->pieces.attempt == 0 || !err_may_pass(err->code)) {
            return -1;
        }
        wait_for_server(reader);
    }
    screen_text_end(&reader->printer.text, &reader->printer.piece);
    return flush(&reader->printer) ? 0 : err_set(err, ERR_IO, "cannot print: %s", strerror(errno));
}

static int print_log(const struct options *options, const struct logs_options *given,
                     struct err *err)
{
    OWN(buf) struct buf path = {0};
    struct log_reader reader = {
        .options = options,
        .given = given,
        .away_ms = -1,
        .printer = {.for_screen = !given->raw && isatty(STDOUT_FILENO) == 1}};

    TRY(session_open(options, &reader.session, err));
    log_pieces_init(&reader.pieces);
    buf_init(&reader.printer.piece, (size_t)8 * PIECE_BYTES);
    int rc = session_previews(&reader.session, "GET", log_path(&path, &reader), NULL)
                 ? 0
                 : read_all(&reader, err);
    buf_finish(&reader.printer.piece);
    log_pieces_finish(&reader.pieces);
    session_finish(&reader.session);
    return rc;
}

int verb_logs(int argc, char **argv)
{
    struct logs_options given = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage_logs, argc, argv, &given, &options);
    return exit_after(print_log(&options, &given, &err), &err);
}
