/* study history: each time a trial improved on the best one, or with several objectives on the
 * front's hypervolume, as a list with a chart above it. */
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
        "was better than all before it. With several objectives it is the hypervolume: what the "
        "trials dominate, up to a reference point.",
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

/* ---- several objectives ---------------------------------------------------------------------- */
/* Of a trial that added to the hypervolume. */
static void volume_row(struct improved *history, json_t *item)
{
    char number[24], volume[TEXT_NUMBER_BYTES], added[TEXT_NUMBER_BYTES], ended[TEXT_MOMENT_BYTES];
    int digits = history->list.output == OUTPUT_WIDE ? 17 : 6;

    if (history->best != NULL && history->n < IMPROVEMENTS_MAX) {
        history->best[history->n++] =
            (struct best_step){int_at(item, "after_trials", 0), number_at(item, "hypervolume")};
    }
    (void)snprintf(number, sizeof number, "%" PRId64, int_at(item, "number", 0));
    const char *const cells[] = {
        number,
        text_number(number_at(item, "hypervolume"), digits, volume),
        text_number(number_at(item, "added"), digits, added),
        text_local(text_at(item, "ended_at"), ended),
    };
    printed_list_row(&history->list, item, cells);
}

/* "up to the reference point loss 0.5, ms 30" */
static void print_reference(const json_t *answer)
{
    OWN(buf) struct buf line = {0};
    const char *metric;
    json_t *value;

    buf_init(&line, 1 << 16);
    json_object_foreach (json_object_get(answer, "reference"), metric, value) {
        buf_printf(&line, "%s%s ", line.len == 0 ? "up to the reference point " : ", ", metric);
        value_append(&line, value, 6);
    }
    if (line.len > 0) {
        text_print(stdout, buf_text(&line));
    }
}

static int print_volumes(struct session *session, const json_t *study, struct err *err)
{
    OWN(improved) struct improved history = {.metric = "hypervolume"};
    json_auto_t *answer = NULL;
    static const struct column columns[] = {{"trial", true, false},
                                            {"hypervolume", true, false},
                                            {"added", true, false},
                                            {"ended", false, false}};
    bool is_table =
        session->options->output == OUTPUT_TABLE || session->options->output == OUTPUT_WIDE;
    size_t i;
    json_t *item;

    TRY(session_get_part(session, "/hypervolume", &answer, err));
    history.best = is_table ? calloc(IMPROVEMENTS_MAX, sizeof *history.best) : NULL;
    printed_list_begin(&history.list, session->options, columns,
                       sizeof columns / sizeof columns[0]);
    json_array_foreach (json_object_get(answer, "items"), i, item) {
        if (number_at(item, "added") > 0) {
            volume_row(&history, item);
        }
    }
    if (is_table) {
        print_chart(&history, study);
    }
    printed_list_end(&history.list, true,
                     "no trial dominates anything up to the reference point yet");
    if (is_table) {
        print_reference(answer);
    }
    return 0;
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
    bool is_one = study_metric(study) != NULL;
    if (options->output == OUTPUT_CSV) {
        return trials_print_csv(
            &session,
            study_path(&path, text_at(study, "name"),
                       is_one ? "/history?format=csv" : "/hypervolume?format=csv"),
            err);
    }
    return is_one ? print_list(&session, study, err) : print_volumes(&session, study, err);
}

int verb_study_history(int argc, char **argv)
{
    struct options options;
    struct err err = {0};

    options_read(&usage_study_history, argc, argv, NULL, &options);
    return exit_after(show(&options, &err), &err);
}
