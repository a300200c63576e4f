#include <stdio.h>

#include "worker/cli/session.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

static const struct argp_option own[] = {
    {"force", KEY_FLAG, NULL, 0, "even while it is running; its trials are aborted", 1},
    {0},
};

const struct usage usage_study_delete = {
    .arguments = "NAME",
    .doc = "Deletes a study with all its trials. Its name is free at once.",
    .flags = USAGE_SERVER | USAGE_DRY_RUN | USAGE_YES,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .own = own,
    .parse_own = options_parse_flag,
};

static int delete_study(const struct options *options, bool force, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};

    (void)study_path(&path, options->arguments[0], force ? "?force=true" : "");
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "DELETE", buf_text(&path), NULL)) {
        return 0;
    }
    TRY(confirm(options, "deletes the study with all its trials", options->arguments[0], err));
    TRY(session_send(&session, "DELETE", buf_text(&path), NULL, NULL, err));
    say("study '%s' is deleted", options->arguments[0]);
    return 0;
}

int verb_study_delete(int argc, char **argv)
{
    bool force = false;
    struct options options;
    struct err err = {0};

    options_read(&usage_study_delete, argc, argv, &force, &options);
    return exit_after(delete_study(&options, force, &err), &err);
}
