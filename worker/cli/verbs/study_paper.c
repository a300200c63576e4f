#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "worker/cli/session.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

static const struct argp_option own[] = {
    {"output", 'o', "FORMAT", 0,
     "text or latex (default: text)\vLaTeX needs the package booktabs alone, and ends with the "
     "entries for BibTeX as comments.",
     1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const char **format = state->input;

    if (key != 'o') {
        return ARGP_ERR_UNKNOWN;
    }
    if (strcmp(arg, "text") != 0 && strcmp(arg, "latex") != 0) {
        argp_error(state, "there is no format '%s'; use text or latex", arg);
    }
    *format = arg;
    return 0;
}

const struct usage usage_study_paper = {
    .arguments = "NAME",
    .doc = "Prints a study for a paper: methods, parameters with ranges and best values, what "
           "became of the trials, the expected best of n, and what to cite.",
    .flags = USAGE_SERVER,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .own = own,
    .parse_own = parse,
};

static int paper(const struct options *options, const char *format, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    OWN(buf) struct buf page = {0};

    (void)study_path(&path, options->arguments[0], "/paper?format=");
    buf_puts(&path, format);
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", buf_text(&path), NULL)) {
        return 0;
    }
    buf_init(&page, HTTP_ANSWER_BYTES);
    TRY(session_page(&session, "GET", buf_text(&path), NULL, &page, err));
    if (isatty(STDOUT_FILENO) == 1) {
        text_print_page(stdout, buf_text(&page));
    } else {
        (void)fputs(buf_text(&page), stdout);
    }
    return 0;
}

int verb_study_paper(int argc, char **argv)
{
    const char *format = "text";
    struct options options;
    struct err err = {0};

    options_read(&usage_study_paper, argc, argv, &format, &options);
    return exit_after(paper(&options, format, &err), &err);
}
