#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/trials_csv.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

enum { KEY_METRIC = 'm', KEY_DIRECTION = 0x3000, BAR_CELLS = 20 };

struct importance_options {
    const char *metric, *direction;
};

static const struct argp_option own[] = {
    {"metric", KEY_METRIC, "NAME", 0,
     "of this metric instead of the objective; needed where a study has several", 1},
    {"direction", KEY_DIRECTION, "WAY", 0,
     "minimize or maximize: which way is better, for a metric that is no objective", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    struct importance_options *given = state->input;

    switch (key) {
    case KEY_METRIC:
        given->metric = arg;
        return 0;
    case KEY_DIRECTION:
        given->direction = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct usage usage_study_importance = {
    .arguments = "NAME",
    .doc = "Tells which parameters matter for being among the best trials of a study.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
    .own = own,
    .parse_own = parse,
};

/* A share as a bar: twenty cells are all of it. */
static void fill_bar(double share, char bar[BAR_CELLS + 1])
{
    size_t cells = (size_t)(fmin(fmax(share, 0), 1) * BAR_CELLS + 0.5);

    memset(bar, '#', cells);
    bar[cells] = '\0';
}

static bool is_for_people(const struct options *options)
{
    return options->output == OUTPUT_TABLE || options->output == OUTPUT_WIDE;
}

static void list_shares(const struct options *options, const json_t *answer)
{
    static const struct column columns[] = {
        {"parameter", false, false}, {"share", true, false}, {"trials", true, true},
        {"top", true, true},         {"", false, false}, /* the bar, for people only */
    };
    enum { N_COLUMNS = sizeof columns / sizeof *columns };
    struct printed_list list;
    size_t i;
    json_t *item;

    printed_list_begin(&list, options, columns, is_for_people(options) ? N_COLUMNS : N_COLUMNS - 1);
    json_array_foreach (json_object_get(answer, "parameters"), i, item) {
        double share = json_number_value(json_object_get(item, "share"));
        char text[16];
        char bar[BAR_CELLS + 1];
        char trials[24];
        char top[24];
        (void)snprintf(text, sizeof text, "%.3f", share);
        (void)snprintf(trials, sizeof trials, "%" PRId64, int_at(item, "trials", 0));
        (void)snprintf(top, sizeof top, "%" PRId64, int_at(item, "top", 0));
        fill_bar(share, bar);
        const char *const cells[N_COLUMNS] = {text_at(item, "name"), text, trials, top, bar};
        printed_list_row(&list, item, cells);
    }
    printed_list_end(&list, true, "the study has no parameters");
}

/* What the table is made from, and what not to conclude from it. */
static void print_basis(const json_t *answer)
{
    const json_t *top = json_object_get(answer, "top");
    const json_t *cutoff = json_object_get(top, "cutoff");
    OWN(buf) struct buf text = {0};
    char level[JSON_NUMBER_BYTES];

    buf_init(&text, 1 << 16);
    buf_printf(&text, "from %" PRId64 " trials", int_at(answer, "trials", 0));
    if (number_at(answer, "resource") > 0) {
        buf_printf(&text, " at resource %s", number_text_at(answer, "resource", "", level));
    }
    buf_printf(&text, ": what sets the best %" PRId64 " apart", int_at(top, "trials", 0));
    if (json_is_number(cutoff)) {
        bool up = strcmp(text_at(answer, "direction"), "maximize") == 0;
        buf_printf(&text, " (%s %s ", text_at(answer, "metric"), up ? ">=" : "<=");
        value_append(&text, cutoff, 6);
        buf_putc(&text, ')');
    }
    text_print(stdout, buf_text(&text));
    if (*text_at(answer, "warning") != '\0') {
        buf_clear(&text);
        buf_printf(&text, "warning: %s", text_at(answer, "warning"));
        text_print(stdout, buf_text(&text));
    }
}

static void append_query(struct buf *path, const struct importance_options *given)
{
    if (given->metric != NULL) {
        buf_puts(path, "?metric=");
        http_escape(path, given->metric);
    }
    if (given->direction != NULL) {
        buf_puts(path, given->metric == NULL ? "?direction=" : "&direction=");
        http_escape(path, given->direction);
    }
}

static int show(const struct options *options, const struct importance_options *given,
                struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    json_auto_t *answer = NULL;

    (void)study_path(&path, options->arguments[0], "/importance");
    append_query(&path, given);
    TRY(session_open(options, &session, err));
    if (session_previews(&session, "GET", buf_text(&path), NULL)) {
        return 0;
    }
    if (options->output == OUTPUT_CSV) {
        buf_puts(&path, strchr(buf_text(&path), '?') == NULL ? "?format=csv" : "&format=csv");
        TRY(buf_check(&path, err));
        return trials_print_csv(&session, buf_text(&path), err);
    }
    TRY(session_get(&session, buf_text(&path), &answer, err));
    if (options->output == OUTPUT_JSON) {
        print_json(stdout, answer);
        return 0;
    }
    list_shares(options, answer);
    if (is_for_people(options)) {
        print_basis(answer);
    }
    return 0;
}

int verb_study_importance(int argc, char **argv)
{
    struct importance_options given = {0};
    struct options options;
    struct err err = {0};

    options_read(&usage_study_importance, argc, argv, &given, &options);
    return exit_after(show(&options, &given, &err), &err);
}
