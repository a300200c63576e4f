#include <stdio.h>

#include "worker/cli/define/creation.h"
#include "worker/cli/define/definition.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

static const struct option_group definition_group[] = {{"definition", &definition_argp, 0}, {0}};

const struct usage usage_study_create = {
    .arguments = "[NAME]",
    .doc =
        "Creates a study from a file, from options, or from both; options stand above the file."
        "\vThe same definition again is no error: it is the same study. Another definition under "
        "the same name ends with status 4 and says what differs.",
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,
    .n_max = 1,
    .groups = definition_group,
};

static void print_created(struct session *session, const struct options *options,
                          const json_t *study)
{
    const char *name = text_at(study, "name");

    say("study '%s' %s; work on it with: hone worker --study %s -- COMMAND", name,
        session->status == 201 ? "created" : "was there already, just the same", name);
    study_print_choice(study);
    study_print_not_learned(session, study);
    if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, study);
    } else {
        text_print(stdout, name);
    }
}

static int create(const struct options *options, const struct definition *definition,
                  struct err *err)
{
    OWN(session) struct session session = {0};
    json_auto_t *body = NULL;
    json_auto_t *study = NULL;

    TRY(definition_body(definition, options->n_arguments > 0 ? options->arguments[0] : NULL, &body,
                        err));
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "POST", "/v1/studies", body)) {
        return 0;
    }
    TRY(study_send(&session, definition, body, &study, err));
    print_created(&session, options, study);
    return 0;
}

int verb_study_create(int argc, char **argv)
{
    OWN(definition) struct definition definition = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage_study_create, argc, argv, &definition, &options);
    return exit_after(create(&options, &definition, &err), &err);
}
