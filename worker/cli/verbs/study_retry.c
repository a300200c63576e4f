#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/http/client.h"
#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

static const struct argp_option own[] = {
    {"infeasible", KEY_FLAG, NULL, 0, "all infeasible trials, not the failed ones", 1},
    {0},
};

const struct usage usage_study_retry = {
    .arguments = "NAME [TRIAL]",
    .doc = "Tries failed trials of a study again: all of them, or the one of this number.",
    .flags = USAGE_SERVER | USAGE_OUTPUT | USAGE_DRY_RUN,
    .n_min = 1,
    .n_max = 2,
    .missing = STUDY_MISSING,
    .own = own,
    .parse_own = options_parse_flag,
};

static void print_answer(const json_t *answer)
{
    const json_t *items = json_object_get(answer, "items");
    int64_t skipped = int_at(answer, "skipped", 0);

    if (items == NULL) {
        say("trial %" PRId64 " is queued again", int_at(answer, "number", 0));
        return;
    }
    say("%zu trial%s queued again", json_array_size(items),
        json_array_size(items) == 1 ? " is" : "s are");
    if (skipped > 0) {
        say("%" PRId64 " cannot be: imported, or the decisions at their rung were made without "
            "them; enqueue their configurations instead",
            skipped);
    }
}

static int retry(const struct options *options, bool infeasible, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    const char *trial = options->n_arguments > 1 ? options->arguments[1] : NULL;
    json_auto_t *answer = NULL;
    json_auto_t *body = NULL;

    (void)study_path(&path, options->arguments[0], "/trials/");
    if (trial != NULL) {
        http_escape(&path, trial);
        buf_puts(&path, "/");
    } else {
        body = json_pack("{s:s}", "state", infeasible ? "infeasible" : "failed");
    }
    buf_puts(&path, "retry");
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "POST", buf_text(&path), body)) {
        return 0;
    }
    TRY(session_send(&session, "POST", buf_text(&path), body, &answer, err));
    print_answer(answer);
    if (options->output == OUTPUT_JSON || options->output == OUTPUT_NDJSON) {
        print_json(stdout, answer);
    }
    return 0;
}

int verb_study_retry(int argc, char **argv)
{
    bool infeasible = false;
    struct options options;
    struct err err = {0};

    options_read(&usage_study_retry, argc, argv, &infeasible, &options);
    return exit_after(retry(&options, infeasible, &err), &err);
}
