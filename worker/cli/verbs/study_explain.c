#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/explain_text.h"
#include "common/wrap.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

#define PAGE_BYTES ((size_t)4 << 20)

const struct usage usage_study_explain = {
    .arguments = "NAME TRIAL",
    .doc = "Tells why a trial was tried, and why it goes on, waits or was stopped.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 2,
    .n_max = 2,
    .missing = "name the study and the number of the trial: hone study explain digits 12",
};

static int print_answer(const json_t *answer, size_t width, struct err *err)
{
    OWN(buf) struct buf page = {0};
    OWN(buf) struct buf wrapped = {0};

    buf_init(&page, PAGE_BYTES);
    explain_write(answer, text_local, &page);
    TRY(buf_check(&page, err));
    buf_init(&wrapped, 2 * PAGE_BYTES);
    wrap_page(&wrapped, buf_text(&page), width);
    TRY(buf_check(&wrapped, err));
    text_print_page(stdout, buf_text(&wrapped));
    return 0;
}

/* Where the rest of what a failed one printed is. */
static void tell_log(const struct options *options, const json_t *answer)
{
    (void)fflush(stdout);
    if (strcmp(text_at(answer, "state"), "failed") == 0) {
        say("'hone logs %s %s' shows all that it printed", options->arguments[0],
            options->arguments[1]);
    }
}

static int explain(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    json_auto_t *answer = NULL;

    (void)study_path(&path, options->arguments[0], "/trials/");
    http_escape(&path, options->arguments[1]);
    buf_puts(&path, "/explain");
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", buf_text(&path), NULL)) {
        return 0;
    }
    TRY(session_get(&session, buf_text(&path), &answer, err));
    if (options->output == OUTPUT_TABLE || options->output == OUTPUT_WIDE) {
        TRY(print_answer(answer, options_width(options, STDOUT_FILENO), err));
        tell_log(options, answer);
        return 0;
    }
    print_json(stdout, answer);
    return 0;
}

int verb_study_explain(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_study_explain, argc, argv, NULL, &options);
    return exit_after(explain(&options, &err), &err);
}
