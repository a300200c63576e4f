/* study pause, resume, stop: one PATCH each. */
#include <stdio.h>

#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/verbs.h"

static int set_state(const struct options *options, const char *state, const char *meaning,
                     struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    json_auto_t *body = json_pack("{s:s}", "state", state);
    json_auto_t *study = NULL;

    (void)study_path(&path, options->arguments[0], "");
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "PATCH", buf_text(&path), body)) {
        return 0;
    }
    TRY(session_send(&session, "PATCH", buf_text(&path), body, &study, err));
    say("study '%s' is %s: %s", options->arguments[0], text_at(study, "state"), meaning);
    if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, study);
    }
    return 0;
}

static int change(const struct usage *usage, int argc, char **argv, const char *state,
                  const char *meaning)
{
    struct options options;
    struct err err = {0};

    options_read(usage, argc, argv, NULL, &options);
    return exit_after(set_state(&options, state, meaning, &err), &err);
}

#define STATE_USAGE(text)                                                                          \
    {                                                                                              \
        .arguments = "NAME", .doc = (text), .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,  \
        .n_min = 1, .n_max = 1, .missing = STUDY_MISSING,                                          \
    }

const struct usage usage_study_pause =
    STATE_USAGE("Pauses a study: running trials go on to their rung or end, nothing new goes out.");
const struct usage usage_study_resume =
    STATE_USAGE("Goes on with a study that is paused or stopped.");
const struct usage usage_study_stop =
    STATE_USAGE("Stops a study: running trials are told to stop, those that wait are cancelled.");

int verb_study_pause(int argc, char **argv)
{
    return change(&usage_study_pause, argc, argv, "paused",
                  "running trials go on, nothing new goes out; 'hone study resume' goes on");
}

int verb_study_resume(int argc, char **argv)
{
    return change(&usage_study_resume, argc, argv, "running", "workers get trials again");
}

int verb_study_stop(int argc, char **argv)
{
    return change(&usage_study_stop, argc, argv, "stopped",
                  "running trials are told to stop, those that waited are cancelled");
}
