#include <stdio.h>
#include <string.h>

#include "worker/cli/define/definition.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

static const struct usage usage = {
    .arguments = "NAME",
    .doc = "Changes the limits, the description, the labels or the priority of a study.\v"
           "The rest of a definition stays as it was: trials of another search space, objective or "
           "strategy belong to another study. Raising a limit makes a finished study go on.",
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .more = &definition_argp,
};

static int check_changes(const struct definition *definition, struct err *err)
{
    static const char *const may_change[] = {"limits", "description", "labels", "priority"};
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
                           "the %s of a study cannot change, only limits, description, labels and "
                           "priority; create another study",
                           key);
        }
    }
    return 0;
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
    if (session_previews(&session, "PATCH", buf_text(&path), definition->given)) {
        return 0;
    }
    TRY(session_send(&session, "PATCH", buf_text(&path), definition->given, &study, err));
    buf_init(&state, 256);
    study_append_state(&state, study);
    say("study '%s' is changed; it is %s", options->arguments[0], buf_text(&state));
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

    options_read(&usage, argc, argv, &definition, &options);
    return exit_after(set(&options, &definition, &err), &err);
}
