#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "worker/cli/session.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

#define PAGE_MAX HTTP_ANSWER_BYTES

static const struct argp_option own[] = {
    {"output", 'o', "FILE", 0,
     "write the page here (default: NAME.html); - is standard output\vA file of that name is "
     "replaced once the whole page is there.",
     1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const char **file = state->input;

    if (key != 'o') {
        return ARGP_ERR_UNKNOWN;
    }
    *file = arg;
    return 0;
}

const struct usage usage_study_report = {
    .arguments = "NAME",
    .doc = "Writes a study as one HTML page, to keep and to pass on: results, pictures and "
           "definition. It needs no network and has no script.",
    .flags = USAGE_SERVER,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .own = own,
    .parse_own = parse,
};

static int write_all(int fd, const struct buf *page)
{
    for (size_t at = 0; at < page->len;) {
        ssize_t n = write(fd, page->data + at, page->len - at);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int write_beside(const char *beside, const struct buf *page)
{
    int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    if (fd < 0) {
        return -1;
    }
    int result = write_all(fd, page);
    return close(fd) != 0 ? -1 : result;
}

static int save(const char *file, const struct buf *page, struct err *err)
{
    char beside[PATH_MAX];
    int n = snprintf(beside, sizeof beside, "%s.new", file);

    if (n >= (int)sizeof beside) {
        return err_set(err, ERR_INVALID,
                       "the name of the file is too long; choose another with -o");
    }
    if (write_beside(beside, page) != 0 || rename(beside, file) != 0) {
        (void)err_set(err, ERR_IO, "cannot write %s: %s; choose another place with -o FILE", file,
                      strerror(errno));
        (void)unlink(beside);
        return -1;
    }
    say("wrote %s (%zu KiB); a browser shows it", file, (page->len + 1023) / 1024);
    return 0;
}

static int report(const struct options *options, const char *file, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    OWN(buf) struct buf page = {0};
    char name[PATH_MAX];

    (void)study_path(&path, options->arguments[0], "/report");
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", buf_text(&path), NULL)) {
        return 0;
    }
    buf_init(&page, PAGE_MAX);
    TRY(session_page(&session, "GET", buf_text(&path), NULL, &page, err));
    if (file != NULL && strcmp(file, "-") == 0) {
        return write_all(STDOUT_FILENO, &page) == 0
                   ? 0
                   : err_set(err, ERR_IO, "cannot write to standard output: %s", strerror(errno));
    }
    (void)snprintf(name, sizeof name, "%.200s.html", options->arguments[0]);
    return save(file != NULL ? file : name, &page, err);
}

int verb_study_report(int argc, char **argv)
{
    const char *file = NULL;
    struct options options;
    struct err err = {0};

    options_read(&usage_study_report, argc, argv, &file, &options);
    return exit_after(report(&options, file, &err), &err);
}
