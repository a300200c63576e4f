/* hone import: a search of another tuner's as a study, its trials with it. */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/define/creation.h"
#include "worker/cli/define/definition.h"
#include "worker/cli/import/import.h"
#include "worker/cli/import/upload.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

enum { KEY_STUDY = 0x3000, KEY_STUDY_NAME, KEY_FORMAT };

struct import_options {
    struct definition definition;
    const char *study;      /* its name here */
    const char *study_name; /* its name in the file */
    const char *format;
};

static const struct argp_option own[] = {
    {"study", KEY_STUDY, "NAME", 0,
     "what the study is called here\vUnless said it is the name that the file gives, else that of "
     "the file, in the characters that a study's name may have.",
     0},
    {"study-name", KEY_STUDY_NAME, "NAME", 0,
     "which of the studies in a storage of Optuna\vNeeded where there are several.", 0},
    {"format", KEY_FORMAT, "FORMAT", 0,
     "what the file is: " IMPORT_FORMATS "\vUnless said it is seen from what is in it.", 0},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct import_options *given = state->input;

    switch (key) {
    case KEY_STUDY:
        given->study = arg;
        return 0;
    case KEY_STUDY_NAME:
        given->study_name = arg;
        return 0;
    case KEY_FORMAT:
        given->format = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct option_group groups[] = {
    {"definition", &definition_argp, offsetof(struct import_options, definition)},
    {0},
};

const struct usage usage_import = {
    .arguments = "FILE",
    .doc =
        "Makes a study of a W&B sweep, a Katib or NNI experiment, a ConfigSpace in JSON, or of an "
        "Optuna study (SQLite file or journal), whose trials are imported too."
        "\vWhat could not be carried over is told in a sentence each, with its line. Options of a "
        "definition stand above the file. --dry-run prints the study and the worker's line, and "
        "creates nothing.",
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,
    .n_min = 1,
    .n_max = 1,
    .missing = "name the file: hone import sweep.yaml",
    .own = own,
    .parse_own = parse,
    .groups = groups,
};

/* ---- the study ------------------------------------------------------------------------------ */

/* From the name of the file, without its folder and ending. */
static void append_file_name(struct buf *name, const char *path)
{
    const char *slash = strrchr(path, '/');
    OWN(memory) char *base = strdup(slash == NULL ? path : slash + 1);

    if (base != NULL) {
        char *dot = strrchr(base, '.');
        if (dot != NULL && dot != base) {
            *dot = '\0';
        }
        import_append_name(name, base);
    }
    if (name->len == 0) {
        buf_puts(name, "imported");
    }
}

static int name_study(struct import *import, const struct import_options *given)
{
    OWN(buf) struct buf name = {0};

    if (given->study != NULL) {
        return json_object_set_new(import->study, "name", json_string(given->study));
    }
    if (json_object_get(import->study, "name") != NULL) {
        return 0;
    }
    buf_init(&name, 4096);
    append_file_name(&name, import->path);
    return json_object_set_new(import->study, "name", json_string(buf_text(&name)));
}

/* Names of objectives that options have changed, in the trials too. */
static int rename_objectives(struct import *import, const json_t *before, struct err *err)
{
    const json_t *after = json_object_get(import->study, "objectives");

    if (json_array_size(import->trials) == 0
        || json_equal(json_unconst(before), json_unconst(after))) {
        return 0;
    }
    if (json_array_size(before) != json_array_size(after)) {
        return err_set(err, ERR_INVALID,
                       "the imported trials have %zu objectives, and the options name %zu; name as "
                       "many, in their order",
                       json_array_size(before), json_array_size(after));
    }
    for (size_t i = 0; i < json_array_size(before); i++) {
        const json_t *old = json_array_get(before, i);
        const json_t *new = json_array_get(after, i);
        if (strcmp(text_at(old, "direction"), text_at(new, "direction")) != 0) {
            return err_set(err, ERR_INVALID,
                           "the imported trials %s '%s'; an option says otherwise",
                           text_at(old, "direction"), text_at(old, "metric"));
        }
        upload_rename_metric(import->trials, text_at(old, "metric"), text_at(new, "metric"));
    }
    return 0;
}

static int complete(struct import *import, const struct import_options *given, struct err *err)
{
    json_auto_t *before = json_incref(json_object_get(import->study, "objectives"));

    if (given->definition.file != NULL) {
        return err_set(err, ERR_INVALID, "the file to import is an argument; -f is not taken here");
    }
    if (name_study(import, given) != 0) {
        return err_set(err, ERR_INVALID, "--study needs a name in UTF-8");
    }
    definition_apply(&given->definition, import->study);
    if (json_object_get(import->study, "objectives") == NULL) {
        return err_set(err, ERR_INVALID,
                       "%s names no metric; say which with --minimize METRIC or --maximize METRIC",
                       import->remarks.file);
    }
    return rename_objectives(import, before, err);
}

/* A refusal of a parameter is about a line of the file. */
static int name_line(const struct import *import, struct err *err)
{
    const char *at = strstr(err->where, "/parameters/");
    size_t index;

    at = at == NULL ? strstr(err->text, "/parameters/") : at;
    if (at != NULL && sscanf(at, "/parameters/%zu", &index) == 1) {
        json_int_t line = json_integer_value(json_array_get(import->lines, index));
        const json_t *parameter =
            json_array_get(json_object_get(import->study, "parameters"), index);
        return err_wrap(err, "%s:%" PRId64 ": '%.60s'", import->remarks.file, (int64_t)line,
                        text_at(parameter, "name"));
    }
    return -1;
}

/* ---- what goes on --------------------------------------------------------------------------- */

/* Does it end by itself: by a limit, or when a grid was tried? */
static bool has_end(const json_t *study)
{
    static const char *const ends[] = {"trials", "seconds", "resource"};
    const json_t *limits = json_object_get(study, "limits");
    const json_t *strategy = json_object_get(study, "strategy");
    const char *name =
        json_is_string(strategy) ? json_string_value(strategy) : text_at(strategy, "name");

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (json_is_number(json_object_get(limits, ends[i]))) {
            return true;
        }
    }
    return strcmp(name, "grid") == 0;
}

static void print_line(const struct import *import)
{
    bool is_known = import->command.len > 0;
    const char *name = text_at(import->study, "name");

    if (!has_end(import->study)) {
        say("nothing ends it: import it with --trials N, or say 'hone study set %s --trials N'",
            name);
    }
    say("%s: hone worker --study %s%s%s -- %s", "work on it with", name,
        import->options.len > 0 ? " " : "", buf_text(&import->options),
        is_known ? buf_text(&import->command) : "COMMAND {args}");
}

static void print_created(const struct session *session, const struct import *import,
                          const json_t *study)
{
    say("%s '%s' is study '%s'%s", import->program, import->remarks.file, text_at(study, "name"),
        session->status == 201 ? "" : ", which was there already, just the same");
    study_print_choice(study);
}

static int import_file(struct options *options, const struct import_options *given,
                       struct import *import, struct err *err)
{
    struct private_server server = {0};
    OWN(session) struct session session = {0};
    json_auto_t *study = NULL;
    struct definition definition = given->definition;

    import->study_name = given->study_name;
    int rc = import_read(import, given->format, err);
    remarks_print(&import->remarks);
    TRY(rc);
    TRY(complete(import, given, err));
    TRY(session_find_server(options, &server, err));
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "POST", "/v1/studies", import->study)) {
        upload_preview(import->trials);
        print_line(import);
        return 0;
    }
    definition.file = import->path; /* where what no option says comes from */
    if (study_send(&session, &definition, import->study, &study, err) != 0) {
        return name_line(import, err);
    }
    print_created(&session, import, study);
    TRY(upload_trials(&session, text_at(study, "name"), import->trials, err));
    if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, study);
    } else {
        text_print(stdout, text_at(study, "name"));
    }
    print_line(import);
    return 0;
}

int verb_import(int argc, char **argv)
{
    struct import_options given = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage_import, argc, argv, &given, &options);
    OWN(import) struct import import;
    import_init(&import, options.arguments[0]);
    int rc = import_file(&options, &given, &import, &err);
    definition_finish(&given.definition);
    return exit_after(rc, &err);
}
