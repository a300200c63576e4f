#include <inttypes.h>
#include <string.h>

#include "common/integer.h"
#include "worker/cli/session.h"
#include "worker/cli/show/optuna_journal.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/trials.h"
#include "worker/cli/show/trials_csv.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

enum { KEY_STATE = 0x3000 };

struct trials_options {
    const char *sort;
    const char *state;
    int64_t limit; /* 0: all */
};

static const struct argp_option own[] = {
    {"sort", 's', "KEY", 0, "number (the default), best or metric:NAME; a - before it reverses", 1},
    {"limit", 'n', "N", 0, "the first N only", 1},
    {"state", KEY_STATE, "STATE", 0,
     "only those that are running, completed, pruned, failed and so on\vThe states are queued, "
     "running, paused, completed, pruned, failed, infeasible and cancelled.",
     1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct trials_options *given = state->input;

    switch (key) {
    case 's':
        given->sort = arg;
        return 0;
    case KEY_STATE:
        given->state = arg;
        return 0;
    case 'n':
        if (!integer_from_text(arg, 1, INT64_MAX, &given->limit)) {
            argp_error(state, "--limit %s: write a whole number above 0", arg);
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_study_trials = {
    .arguments = "NAME",
    .doc = "Lists the trials of a study with their parameters.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .own = own,
    .parse_own = parse,
};

/* Pages of CSV are each asked for with a limit of their own. */
static void append_query(struct buf *path, const struct trials_options *given, bool as_csv)
{
    if (as_csv) {
        buf_puts(path, "/trials?format=csv");
    } else {
        buf_printf(path, "/trials?limit=%" PRId64,
                   given->limit > 0 && given->limit < 1000 ? given->limit : 1000);
    }
    if (given->sort != NULL) {
        buf_puts(path, "&sort=");
        http_escape(path, given->sort);
    }
    if (given->state != NULL) {
        buf_puts(path, "&state=");
        http_escape(path, given->state);
    }
}

/* Every format but CSV, from the trials as JSON. */
static int print_list(struct session *session, const char *path, int64_t limit, struct err *err)
{
    OWN(trials) struct trials trials = {0};
    json_auto_t *study = NULL;

    TRY(session_get_part(session, "", &study, err));
    TRY(trials_begin(&trials, session->options, study, err));
    trials.left = limit;
    int rc = session_each(session, path, trials_row, &trials, err);
    rc = rc != 0 && err->code == ERR_EXHAUSTED ? 0 : rc; /* as many as were asked for */
    trials_end(&trials, rc == 0, "there are no such trials");
    return rc;
}

static int list(const struct options *options, const struct trials_options *given, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    bool as_csv = options->output == OUTPUT_CSV;
    int64_t limit = given->limit > 0 ? given->limit : -1;

    (void)study_path(&path, options->arguments[0], "");
    append_query(&path, given, as_csv);
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", buf_text(&path), NULL)) {
        return 0;
    }
    return as_csv ? trials_print_csv_pages(&session, buf_text(&path), limit, err)
                  : print_list(&session, buf_text(&path), limit, err);
}

int verb_study_trials(int argc, char **argv)
{
    struct trials_options given = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage_study_trials, argc, argv, &given, &options);
    return exit_after(list(&options, &given, &err), &err);
}

/* ---- export --------------------------------------------------------------------------------- */

enum { KEY_FORMAT = 0x3000 };

static const struct argp_option export_own[] = {
    {"format", KEY_FORMAT, "FORMAT", 0,
     "csv (the default), json, ndjson, or optuna: a journal that Optuna reads\vA journal is what "
     "optuna.load_study(), optuna.visualization and optuna-dashboard open; each trial has what "
     "Hone knows of it as user attributes that begin with hone:, and its other metrics under their "
     "names.",
     1},
    {0},
};

static error_t parse_export(int key, char *arg, struct argp_state *state)
{
    static const char *const formats[] = {"csv", "json", "ndjson", "optuna"};
    const char **format = state->input;

    if (key != KEY_FORMAT) {
        return ARGP_ERR_UNKNOWN;
    }
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        if (strcmp(formats[i], arg) == 0) {
            *format = arg;
            return 0;
        }
    }
    argp_error(state, "--format %s: write csv, json, ndjson or optuna", arg);
    return 0;
}

const struct usage usage_study_export = {
    .arguments = "NAME",
    .doc =
        "Writes every trial of a study with all of its columns: CSV, unless --format, or -o json "
        "or -o ndjson, asks for another format.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .own = export_own,
    .parse_own = parse_export,
};

static int export_journal(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};

    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", study_path(&path, options->arguments[0], "/trials"),
                         NULL)) {
        return 0;
    }
    return optuna_journal_print(&session, err);
}

int verb_study_export(int argc, char **argv)
{
    const struct trials_options all = {0};
    const char *format = "";
    struct options options;
    struct err err = {0};

    options_read(&usage_study_export, argc, argv, &format, &options);
    if (strcmp(format, "optuna") == 0) {
        return exit_after(export_journal(&options, &err), &err);
    }
    if (strcmp(format, "json") == 0) {
        options.output = OUTPUT_JSON;
    } else if (strcmp(format, "ndjson") == 0) {
        options.output = OUTPUT_NDJSON;
    } else if (strcmp(format, "csv") == 0 || options.output == OUTPUT_TABLE
               || options.output == OUTPUT_WIDE) {
        options.output = OUTPUT_CSV;
    }
    return exit_after(list(&options, &all, &err), &err);
}
