#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/define/configuration.h"
#include "worker/cli/define/definition.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

enum { KEY_STATE = 0x4000, KEY_ENQUEUE, KEY_OLD_VALUE };

static const char old_values[] = "old values"; /* kept with what is given until it is sent */

static const struct argp_option own_options[] = {
    {"state", KEY_STATE, "STATE", 0,
     "running, paused or stopped from then on\vAlso for a finished study that goes on by the same "
     "change.",
     1},
    {"enqueue", KEY_ENQUEUE, "NAME=VALUE,...", 0,
     "try this configuration next, before anything else; may be repeated\vA parameter that is left "
     "out takes its default. A JSON object does as well, and is needed for text with commas or "
     "text that looks like a number. A study that has tried all there is goes on for "
     "configurations that it has not tried.",
     1},
    {"old-value", KEY_OLD_VALUE, "NAME=VALUE", 0,
     "what a parameter that is added with -P was in the trials there are\vIts default unless said.",
     1},
    {0},
};

static void add_configuration(json_t *given, const char *text, const struct argp_state *state)
{
    json_t *list = json_object_get(given, "enqueue");
    json_t *values = configuration_read(text);

    if (values == NULL) {
        argp_error(state,
                   "--enqueue %s: write the values as lr=0.1,units=32, or as a JSON object, each "
                   "name once",
                   text);
        return;
    }
    if (list == NULL) {
        list = json_array();
        (void)json_object_set_new(given, "enqueue", list);
    }
    (void)json_array_append_new(list, json_pack("{s:o}", "parameters", values));
}

static void add_old_value(json_t *given, const char *text, const struct argp_state *state)
{
    json_t *values = json_object_get(given, old_values);

    if (values == NULL) {
        values = json_object();
        (void)json_object_set_new(given, old_values, values);
    }
    if (!configuration_add(values, text, strlen(text))) {
        argp_error(state, "--old-value %s: write the value as lr=0.1, each name once", text);
    }
}

static error_t parse_own(int key, char *arg, struct argp_state *state)
{
    struct definition *definition = state->input;

    switch (key) {
    case KEY_STATE:
        (void)json_object_set_new(definition->given, "state", json_string(arg));
        return 0;
    case KEY_ENQUEUE:
        add_configuration(definition->given, arg, state);
        return 0;
    case KEY_OLD_VALUE:
        add_old_value(definition->given, arg, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct option_group definition_group[] = {{"definition", &definition_argp, 0}, {0}};

const struct usage usage_study_set = {
    .arguments = "NAME",
    .doc =
        "Changes the limits, the description, the labels, the priority, the parameters or the "
        "state "
        "of a study, and adds configurations to try, all in one step.\v"
        "-P changes the bounds of a parameter, adds choices behind those there are, removes some, "
        "or adds a parameter; the trials there are stay. The rest of a definition stays as it was: "
        "trials of "
        "another objective or strategy belong to another study. Raising a limit makes a finished "
        "study go on, and so does a configuration that it has not tried where it has tried all "
        "there is.",
    .own = own_options,
    .parse_own = parse_own,
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .groups = definition_group,
};

static int check_changes(const struct definition *definition, struct err *err)
{
    static const char *const may_change[] = {"limits", "description", "labels",     "priority",
                                             "state",  "enqueue",     "parameters", old_values};
    const char *key;
    json_t *value;

    if (definition->file != NULL) {
        return err_set(err, ERR_INVALID, "say what to change by options, such as --trials 80");
    }
    if (json_object_size(definition->given) == 0) {
        return err_set(err, ERR_INVALID, "say what to change, such as --trials 80");
    }
    json_object_foreach (definition->given, key, value) {
        bool known = false;
        for (size_t i = 0; i < sizeof may_change / sizeof may_change[0]; i++) {
            known = known || strcmp(key, may_change[i]) == 0;
        }
        if (!known) {
            return err_set(err, ERR_INVALID,
                           "the %s of a study cannot change, only parameters, limits, description, "
                           "labels, priority and state; create another study",
                           key);
        }
    }
    return 0;
}

/* The parameters that the study has, with the given ones in their places or behind. A given one
 * without a condition keeps the one that there is. */
static int merge_parameters(struct session *session, json_t *given, struct err *err)
{
    json_auto_t *values = json_incref(json_object_get(given, old_values));
    const json_t *parameters = json_object_get(given, "parameters");
    json_auto_t *study = NULL;
    size_t i, j;
    json_t *parameter, *other;

    (void)json_object_del(given, old_values);
    if (parameters == NULL) {
        return values == NULL ? 0
                              : err_set(err, ERR_INVALID,
                                        "--old-value is for a parameter that is added with -P");
    }
    TRY(session_get_part(session, "", &study, err));
    json_t *known = json_object_get(study, "parameters");
    json_array_foreach (json_unconst(parameters), i, parameter) {
        const char *name = text_at(parameter, "name");
        json_t *value = json_object_get(values, name);
        if (value != NULL) {
            (void)json_object_set(parameter, "old_value", value);
        }
        json_array_foreach (known, j, other) {
            if (strcmp(text_at(other, "name"), name) == 0 && json_object_get(other, "when") != NULL
                && json_object_get(parameter, "when") == NULL) {
                (void)json_object_set(parameter, "when", json_object_get(other, "when"));
            }
        }
    }
    definition_merge_parameters(known, parameters);
    (void)json_object_set(given, "parameters", known);
    return 0;
}

/* A worker is told these with the trial. */
static void tell_what_is_kept(const json_t *given, const json_t *study)
{
    const json_t *limits = json_object_get(given, "limits");
    int64_t running = study_count(study, "running");

    if (running > 0
        && (json_object_get(limits, "stall_seconds") != NULL
            || json_object_get(limits, "trial_seconds") != NULL)) {
        say("%" PRId64 " running trial%s the times of before; 'hone trial cancel' ends one",
            running, running == 1 ? " keeps" : "s keep");
    }
}

static int set(const struct options *options, const struct definition *definition, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    OWN(buf) struct buf state = {0};
    json_auto_t *study = NULL;

    TRY(check_changes(definition, err));
    (void)study_path(&path, options->arguments[0], "");
    TRY(session_open(options, &session, err));
    TRY(merge_parameters(&session, definition->given, err));
    if (session_previews(&session, "PATCH", buf_text(&path), definition->given)) {
        return 0;
    }
    TRY(session_send(&session, "PATCH", buf_text(&path), definition->given, &study, err));
    buf_init(&state, 256);
    study_append_state(&state, study);
    say("study '%s' is changed; it is %s", options->arguments[0], buf_text(&state));
    tell_what_is_kept(definition->given, study);
    if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, study);
    }
    return 0;
}

int verb_study_set(int argc, char **argv)
{
    OWN(definition) struct definition definition = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage_study_set, argc, argv, &definition, &options);
    return exit_after(set(&options, &definition, &err), &err);
}
