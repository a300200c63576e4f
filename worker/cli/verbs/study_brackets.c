#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/brackets_text.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/trials_csv.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

enum { KEY_ALL = 'a' };

static const struct argp_option own[] = {
    {"all", KEY_ALL, NULL, 0, "every rung of the brackets that are done, too", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    bool *all = state->input;

    (void)arg;
    if (key == KEY_ALL) {
        *all = true;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

const struct usage usage_study_brackets = {
    .arguments = "NAME",
    .doc =
        "Draws the brackets of a study that trains in rungs: who is in, who waits for whom, what "
        "happens next, and how much training was saved.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .own = own,
    .parse_own = parse,
};

/* ---- as rows ----------------------------------------------------------------------------------
 */

static const char *const members[] = {"rung",    "resource", "size",   "entered", "running",
                                      "waiting", "reported", "failed", "promoted"};
enum {
    BRACKET,
    STATE,
    N_OWN,
    N_MEMBERS = sizeof members / sizeof members[0],
    N_COLUMNS = N_OWN + N_MEMBERS
};

static void rung_row(struct printed_list *list, const json_t *bracket, json_t *rung)
{
    char numbers[N_COLUMNS][JSON_NUMBER_BYTES];
    const char *cells[N_COLUMNS];

    (void)snprintf(numbers[BRACKET], sizeof numbers[0], "%" PRId64, int_at(bracket, "bracket", 0));
    cells[BRACKET] = numbers[BRACKET];
    cells[STATE] = text_at(bracket, "state");
    for (size_t i = 0; i < N_MEMBERS; i++) {
        cells[N_OWN + i] = number_text_at(rung, members[i], "", numbers[N_OWN + i]);
    }
    printed_list_row(list, rung, cells);
}

static void list_rungs(const struct options *options, const json_t *answer)
{
    struct column columns[N_COLUMNS] = {
        [BRACKET] = {"bracket", true, false}, [STATE] = {"state", false, false}};
    struct printed_list list;
    size_t i, j;
    json_t *bracket, *rung;

    for (size_t k = 0; k < N_MEMBERS; k++) {
        columns[N_OWN + k] = (struct column){members[k], true, false};
    }
    printed_list_begin(&list, options, columns, N_COLUMNS);
    json_array_foreach (json_object_get(answer, "brackets"), i, bracket) {
        json_array_foreach (json_object_get(bracket, "rungs"), j, rung) {
            (void)json_object_set(rung, "bracket", json_object_get(bracket, "bracket"));
            rung_row(&list, bracket, rung);
        }
    }
    printed_list_end(&list, true, "there are no brackets yet");
}

/* ---- as a picture -----------------------------------------------------------------------------
 */

static int draw(const json_t *answer, bool all, size_t width, struct err *err)
{
    OWN(buf) struct buf display = {0};

    buf_init(&display, 4 << 20);
    brackets_draw(answer, &(struct brackets_look){.all = all, .open_last = true, .width = width},
                  &display);
    TRY(buf_check(&display, err));
    text_print_page(stdout, buf_text(&display));
    return 0;
}

static bool is_without_brackets(const json_t *answer)
{
    return json_array_size(json_object_get(answer, "brackets")) == 0;
}

static int show(const struct options *options, bool all, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    json_auto_t *answer = NULL;

    (void)study_path(&path, options->arguments[0], "/brackets");
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", buf_text(&path), NULL)) {
        return 0;
    }
    if (options->output == OUTPUT_CSV) {
        buf_puts(&path, "?format=csv");
        TRY(buf_check(&path, err));
        return trials_print_csv(&session, buf_text(&path), err);
    }
    TRY(session_get(&session, buf_text(&path), &answer, err));
    if (options->output == OUTPUT_JSON) {
        print_json(stdout, answer);
        return 0;
    }
    if (text_at(answer, "resource")[0] == '\0' && is_without_brackets(answer)) {
        say("study '%s' has no resource, so its trials have no brackets", options->arguments[0]);
        return 0;
    }
    if (options->output == OUTPUT_TABLE) {
        return draw(answer, all, options_width(options, STDOUT_FILENO), err);
    }
    list_rungs(options, answer);
    return 0;
}

int verb_study_brackets(int argc, char **argv)
{
    bool all = false;
    struct options options;
    struct err err = {0};

    options_read(&usage_study_brackets, argc, argv, &all, &options);
    return exit_after(show(&options, all, &err), &err);
}
