/* study history: each time a trial improved on the best one, as a list with a chart above it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "worker/cli/session.h"
#include "worker/cli/show/printed_list.h"
#include "worker/cli/show/steps.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/trials_csv.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"
#include "worker/cli/verbs.h"

enum { CHART_COLUMNS = 60, CHART_ROWS = 8, IMPROVEMENTS_MAX = 100000 };

const struct usage usage_study_history = {
    .arguments = "NAME",
    .doc =
        "Shows how the best value improved: a chart over the trials, and below it each trial that "
        "was better than all before it.",
    .flags = USAGE_SERVER | USAGE_OUTPUT,
    .n_min = 1,
    .n_max = 1,
    .missing = STUDY_MISSING,
};

struct improved {
    struct printed_list list;
    const char *metric;
    struct best_step *best; /* owned */
    size_t n;
};

static void improved_finish(struct improved *history)
{
    free(history->best);
}
OWN_VALUE(improved)

static void keep(struct improved *history, const json_t *item)
{
    double value = number_at(item, "value");

    if (history->best != NULL && history->n < IMPROVEMENTS_MAX && isfinite(value)) {
        history->best[history->n++] = (struct best_step){int_at(item, "number", 0), value};
    }
}

static int row(void *context, json_t *item, struct err *err)
{
    struct improved *history = context;
    char number[24], value[TEXT_NUMBER_BYTES], step[JSON_NUMBER_BYTES], ended[TEXT_MOMENT_BYTES];
    int digits = history->list.output == OUTPUT_WIDE ? 17 : 6;

    (void)err;
    keep(history, item);
    (void)snprintf(number, sizeof number, "%" PRId64, int_at(item, "number", 0));
    const char *const cells[] = {
        number,
        text_number(number_at(item, "value"), digits, value),
        number_text_at(item, "step", "", step),
        text_local(text_at(item, "ended_at"), ended),
    };
    printed_list_row(&history->list, item, cells);
    return 0;
}

/* Above the list, which is printed at its end. */
static void print_chart(const struct improved *history, const json_t *study)
{
    OWN(buf) struct buf chart = {0};
    int64_t last = study_count_done(study);

    if (history->n > 0 && history->best[history->n - 1].trial > last) {
        last = history->best[history->n - 1].trial;
    }
    buf_init(&chart, 1 << 16);
    steps_draw(history->best, history->n, last, CHART_COLUMNS, CHART_ROWS, &chart);
    if (chart.len > 0) {
        (void)printf("best %s, by trial\n", history->metric);
        text_print_page(stdout, buf_text(&chart));
        (void)printf("\n");
    }
}

static int print_list(struct session *session, const json_t *study, struct err *err)
{
    OWN(buf) struct buf path = {0};
    OWN(improved) struct improved history = {.metric = study_metric(study)};
    const struct column columns[] = {
        {"trial", true, false},
        {history.metric, true, false},
        {"step", true, false},
        {"ended", false, false},
    };
    bool is_table =
        session->options->output == OUTPUT_TABLE || session->options->output == OUTPUT_WIDE;

    history.best = is_table ? calloc(IMPROVEMENTS_MAX, sizeof *history.best) : NULL;
    printed_list_begin(&history.list, session->options, columns,
                       sizeof columns / sizeof columns[0]);
    bool is_bounded = json_array_size(json_object_get(study, "subject_to")) > 0;
    int rc = session_each(session, study_path(&path, text_at(study, "name"), "/history"), row,
                          &history, err);
    if (rc == 0 && is_table) {
        print_chart(&history, study);
    }
    printed_list_end(&history.list, rc == 0,
                     is_bounded ? "no trial is known to be feasible yet"
                                : "no trial has a value yet");
    return rc;
}

static int show(const struct options *options, struct err *err)
{
    OWN(session) struct session session = {0};
    OWN(buf) struct buf path = {0};
    json_auto_t *study = NULL;

    TRY(session_open_study(options, &session, "/history", &study, err));
    if (study == NULL) {
        return 0;
    }
    if (study_metric(study) == NULL) {
        return err_set(err, ERR_WRONG_STATE,
                       "'%s' has several objectives and so no single best value; 'hone study best "
                       "%s' shows the trials that nothing beats",
                       options->arguments[0], options->arguments[0]);
    }
    if (options->output == OUTPUT_CSV) {
        return trials_print_csv(
            &session, study_path(&path, text_at(study, "name"), "/history?format=csv"), err);
    }
    return print_list(&session, study, err);
}

int verb_study_history(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_study_history, argc, argv, NULL, &options);
    return exit_after(show(&options, &err), &err);
}
