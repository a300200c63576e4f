/* hone replay: every decision of a study made again, and compared. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/integer.h"
#include "common/json.h"
#include "worker/cli/find_honed.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

enum { KEY_UNTIL = 0x3000, KEY_VERIFY, KEY_DATA, LINE_BYTES = 4 << 20, PART_BYTES = 4096 };

struct replay_options {
    int64_t until; /* 0: all */
    bool verifies;
    const char *data; /* NULL: the server is asked */
};

static const struct argp_option own[] = {
    {"until", KEY_UNTIL, "N", 0, "the first N decisions alone", 1},
    {"verify", KEY_VERIFY, NULL, 0, "leave with status 1 if any is different", 1},
    {"data", KEY_DATA, "DIR", 0,
     "without a server, from this copy of its data directory\v"
     "The copy may have come from another machine; no server may use it, and it is brought to the "
     "form of this version first.",
     1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct replay_options *given = state->input;

    switch (key) {
    case KEY_UNTIL:
        if (!integer_from_text(arg, 1, INT64_MAX, &given->until)) {
            argp_error(state, "--until %s: write a number of decisions, 1 or more", arg);
        }
        return 0;
    case KEY_VERIFY:
        given->verifies = true;
        return 0;
    case KEY_DATA:
        given->data = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_replay = {
    .arguments = "STUDY",
    .doc = "Makes every suggestion, promotion and stop of a study again, from what is stored, and "
           "tells the first that comes out differently, or a digest of all.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 1,
    .n_max = 1,
    .missing = "name the study: hone replay digits",
    .own = own,
    .parse_own = parse,
};

/* ---- lines, as they come ---- */

struct replay_reader {
    enum output output;
    struct buf held;   /* a line of which a part has come */
    json_t *different; /* the first decision that is; owned, or NULL */
    json_t *summary;   /* owned, or NULL */
    struct err err;    /* code 0: none */
};

static void replay_reader_finish(struct replay_reader *reader)
{
    buf_finish(&reader->held);
    json_decref(reader->different);
    json_decref(reader->summary);
}
OWN_VALUE(replay_reader)

static int take_line(struct replay_reader *reader, struct err *err)
{
    json_auto_t *line = NULL;

    TRY(buf_check(&reader->held, err));
    if (reader->held.len == 0) {
        return 0; /* a suggestion takes long */
    }
    TRY(json_parse(buf_text(&reader->held), reader->held.len, &json_limits_default, &line, err));
    if (reader->output == OUTPUT_NDJSON) {
        print_json(stdout, line);
        (void)fflush(stdout);
    }
    if (json_object_get(line, "decisions") != NULL) {
        json_decref(reader->summary);
        reader->summary = json_incref(line);
    } else if (reader->different == NULL && strcmp(text_at(line, "result"), "different") == 0) {
        reader->different = json_incref(line);
    }
    return 0;
}

static bool take(void *context, const char *bytes, size_t len)
{
    struct replay_reader *reader = context;

    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\n') {
            buf_putc(&reader->held, bytes[i]);
            continue;
        }
        if (take_line(reader, &reader->err) != 0) {
            return false;
        }
        buf_clear(&reader->held);
    }
    return !ferror(stdout);
}

/* ---- where they come from ---- */

static int read_server(const struct options *options, const struct replay_options *given,
                       struct replay_reader *reader, bool *previewed, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    OWN(http_answer) struct http_answer answer = {0};

    (void)study_path(&path, options->arguments[0], "/replay");
    if (given->until > 0) {
        buf_printf(&path, "?until=%" PRId64, given->until);
    }
    TRY(buf_check(&path, err));
    TRY(session_open(options, &session, err));
    *previewed = session_previews(&session, "GET", buf_text(&path), NULL);
    if (*previewed) {
        return 0;
    }
    struct http_call call = {.method = "GET",
                             .path = buf_text(&path),
                             .timeout_ms = -1,
                             .take = take,
                             .take_context = reader};
    if (http_client_call(session.client, &call, &answer, err) != 0
        || http_answer_check(&answer, err) != 0) {
        session_advise(&session, err);
        return -1;
    }
    return 0;
}

/* In the child. Never returns. */
static _Noreturn void become_honed(const struct options *options,
                                   const struct replay_options *given, int out)
{
    char honed[PATH_MAX];
    char until[24];

    find_honed(honed);
    (void)snprintf(until, sizeof until, "%" PRId64, given->until > 0 ? given->until : INT64_MAX);
    if (dup2(out, 1) >= 0) {
        (void)execlp(honed, honed, "--data", given->data, "--replay", options->arguments[0],
                     "--replay-until", until, (char *)NULL);
    }
    (void)dprintf(2, "cannot run %s\n", honed);
    _exit(127);
}

/* *status ← what the child left with; it has said why. */
static int read_data(const struct options *options, const struct replay_options *given,
                     struct replay_reader *reader, int *status, struct err *err)
{
    char part[PART_BYTES];
    int ends[2];
    ssize_t n;

    if (access(given->data, R_OK | X_OK) != 0) {
        return err_set(err, ERR_INVALID,
                       "--data %s: there is no such directory, or it cannot be read", given->data);
    }
    if (pipe(ends) != 0) {
        return err_set(err, ERR_IO, "cannot make a pipe");
    }
    pid_t child = fork();
    if (child == 0) {
        become_honed(options, given, ends[1]);
    }
    (void)close(ends[1]);
    while (child > 0 && (n = read(ends[0], part, sizeof part)) > 0
           && take(reader, part, (size_t)n)) {
    }
    (void)close(ends[0]);
    int left = 0;
    if (child < 0 || waitpid(child, &left, 0) != child) {
        return err_set(err, ERR_IO, "cannot start a process");
    }
    *status = WIFEXITED(left) ? WEXITSTATUS(left) : EXIT_STATUS_FAILED;
    return 0;
}

/* ---- what came of it ---- */

static void print_side(const json_t *line, const char *key)
{
    const json_t *value = json_object_get(line, key);

    (void)printf("  %-7s ", key);
    if (json_is_null(value)) {
        (void)printf("nothing%s%s\n", text_at(line, "why")[0] == '\0' ? "" : ": ",
                     text_at(line, "why"));
    } else {
        print_json(stdout, value);
    }
}

static void print_different(const json_t *line)
{
    const char *kind = text_at(line, "kind");

    (void)printf("decision %" PRId64 " is different: %s of trial %" PRId64 "\n",
                 int_at(line, "decision", 0),
                 strcmp(kind, "value") == 0 ? "a value at a rung" : kind, int_at(line, "trial", 0));
    print_side(line, "stored");
    print_side(line, "again");
}

static void print_summary(const json_t *summary)
{
    int64_t different = int_at(summary, "different", 0);
    int64_t not_recorded = int_at(summary, "not_recorded", 0);

    (void)printf("%" PRId64 " of %" PRId64 " decisions the same", int_at(summary, "same", 0),
                 int_at(summary, "decisions", 0));
    if (different > 0) {
        (void)printf(", %" PRId64 " different", different);
    }
    if (not_recorded > 0) {
        (void)printf(", %" PRId64 " that cannot be made again (-o ndjson says why)", not_recorded);
    }
    (void)printf("\ndigest %s\n", text_at(summary, "digest"));
    if (different > 0) {
        char text[JSON_NUMBER_BYTES];
        (void)printf("again  %s\n", text_at(summary, "digest_again"));
        (void)printf("largest difference of a number: %s of it; another kind of processor gives "
                     "other last digits, from which later decisions may differ more\n",
                     number_text_at(summary, "largest_difference", "none", text));
    }
}

static int print_result(const struct replay_reader *reader, struct err *err)
{
    if (reader->err.code != ERR_NONE) {
        *err = reader->err;
        return -1;
    }
    if (reader->summary == NULL) {
        return err_set(err, ERR_UNREACHABLE, "the decisions broke off before the last one");
    }
    if (reader->output == OUTPUT_JSON) {
        print_json(stdout, reader->summary);
    } else if (reader->output != OUTPUT_NDJSON) {
        if (reader->different != NULL) {
            print_different(reader->different);
        }
        print_summary(reader->summary);
    }
    return 0;
}

static int run(const struct options *options, const struct replay_options *given, int *status,
               struct err *err)
{
    OWN(replay_reader) struct replay_reader reader = {.output = options->output};
    bool previewed = false;

    buf_init(&reader.held, LINE_BYTES);
    if (given->data != NULL) {
        TRY(read_data(options, given, &reader, status, err));
    } else {
        TRY(read_server(options, given, &reader, &previewed, err));
    }
    if (previewed || *status != EXIT_STATUS_OK) {
        return 0;
    }
    TRY(print_result(&reader, err));
    if (given->verifies && int_at(reader.summary, "different", 0) > 0) {
        *status = EXIT_STATUS_FAILED;
    }
    return 0;
}

int verb_replay(int argc, char **argv)
{
    struct replay_options given = {0};
    struct options options;
    struct err err = {0};
    int status = EXIT_STATUS_OK;

    options_read(&usage_replay, argc, argv, &given, &options);
    int rc = run(&options, &given, &status, &err);
    return rc != 0 || status == EXIT_STATUS_OK ? exit_after(rc, &err) : status;
}
