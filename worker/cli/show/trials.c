#include "worker/cli/show/trials.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/bounds_text.h"
#include "common/cell.h"
#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/study.h"
#include "worker/cli/status.h"
#include "worker/cli/text.h"

enum {
    NUMBER,
    STATE,
    REASON,
    VALUE,
    STEP,
    WORKER,
    ATTEMPT,
    SOURCE,
    CREATED,
    STARTED,
    ENDED,
    TOOK,
    N_FIXED
};
static const struct column fixed[N_FIXED] = {
    [NUMBER] = {"number", true, false},      [STATE] = {"state", false, false},
    [REASON] = {"reason", false, true},      [VALUE] = {"value", true, false},
    [STEP] = {"step", true, false},          [WORKER] = {"worker", false, false},
    [ATTEMPT] = {"attempt", true, true},     [SOURCE] = {"source", false, true},
    [CREATED] = {"created_at", false, true}, [STARTED] = {"started_at", false, true},
    [ENDED] = {"ended_at", false, true},     [TOOK] = {"took", true, false},
};

/* `name` is the study's own text. */
static void add_column(struct trials *trials, const char *name, bool wide)
{
    trials->columns[trials->n_columns++] = (struct column){name, true, wide};
}

/* Is there an earlier parameter of this name? They share a column. */
static bool is_namesake(const json_t *parameters, size_t i)
{
    const json_t *parameter = json_array_get(parameters, i);

    if (json_object_get(parameter, "when") == NULL) {
        return false; /* active always, so there is no other */
    }
    for (size_t j = 0; j < i; j++) {
        if (strcmp(text_at(json_array_get(parameters, j), "name"), text_at(parameter, "name"))
            == 0) {
            return true;
        }
    }
    return false;
}

static int add_columns(struct trials *trials)
{
    const json_t *parameters = json_object_get(trials->study, "parameters");
    const json_t *objectives = json_object_get(trials->study, "objectives");
    bool several = json_array_size(objectives) > 1;
    size_t n = json_array_size(parameters) + json_array_size(objectives) + BOUNDS_MAX + 1, i;
    json_t *item;

    trials->columns = calloc(N_FIXED + n, sizeof *trials->columns);
    if (trials->columns == NULL) {
        return -1;
    }
    memcpy(trials->columns, fixed, sizeof fixed);
    trials->n_columns = N_FIXED;
    trials->columns[VALUE].wide = several; /* it has none then */
    json_array_foreach (objectives, i, item) {
        add_column(trials, text_at(item, "metric"), !several);
    }
    if (trials->is_bounded) {
        trials->columns[trials->n_columns++] = (struct column){"feasible", false, false};
    }
    for (i = 0; i < trials->n_bounds; i++) {
        add_column(trials, trials->bounds[i].metric, false);
    }
    trials->first_parameter = trials->n_columns;
    json_array_foreach (parameters, i, item) {
        if (!is_namesake(parameters, i)) {
            add_column(trials, text_at(item, "name"), false);
        }
    }
    return 0;
}

int trials_begin(struct trials *trials, const struct options *options, const json_t *study,
                 struct err *err)
{
    *trials = (struct trials){.study = study, .left = -1};
    trials->is_bounded = json_array_size(json_object_get(study, "subject_to")) > 0;
    trials->n_bounds = bounds_metrics(study, trials->bounds);
    if (add_columns(trials) != 0) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    printed_list_begin(&trials->list, options, trials->columns, trials->n_columns);
    return 0;
}

void trials_finish(struct trials *trials)
{
    free(trials->columns);
    *trials = (struct trials){0};
}

void trials_end(struct trials *trials, bool is_whole, const char *nothing)
{
    enum output output = trials->list.output;

    printed_list_end(&trials->list, is_whole, nothing);
    if (trials->n_corrected > 0 && (output == OUTPUT_TABLE || output == OUTPUT_WIDE)) {
        say("values reported again for a step were replaced or ignored in %zu of these trials; for "
            "which: hone study explain %s %" PRId64,
            trials->n_corrected, text_at(trials->study, "name"), trials->corrected);
    }
}

/* Every cell is a stretch of one buffer, cut by NULs. */
static void cell(struct buf *cells, const char *text)
{
    buf_puts(cells, text);
    buf_putc(cells, '\0');
}

static void cell_value(struct buf *cells, const json_t *value, int digits)
{
    value_append(cells, value, digits);
    buf_putc(cells, '\0');
}

static void cell_moment(struct buf *cells, const char *moment)
{
    char local[TEXT_MOMENT_BYTES];

    cell(cells, *moment == '\0' ? moment : text_local(moment, local));
}

static void cell_took(struct buf *cells, const json_t *trial)
{
    int64_t from_ms = text_moment_ms(text_at(trial, "started_at"));
    int64_t to_ms = text_moment_ms(text_at(trial, "ended_at"));
    char span[TEXT_SPAN_BYTES];

    if (from_ms >= 0 && to_ms >= from_ms) {
        buf_puts(cells, text_span(to_ms - from_ms, span));
    }
    buf_putc(cells, '\0');
}

static void fill_cells(const struct trials *trials, const json_t *trial, struct buf *cells)
{
    int digits = trials->list.output == OUTPUT_WIDE ? 17 : 4;
    size_t i;
    json_t *item;

    cell_value(cells, json_object_get(trial, "number"), 17);
    cell(cells, text_at(trial, "state"));
    cell(cells, text_at(trial, "reason"));
    cell_value(cells, trial_progress(trial, "value"), digits + 2);
    cell_value(cells, trial_progress(trial, "step"), 17);
    cell(cells, text_at(trial, "worker"));
    cell_value(cells, json_object_get(trial, "attempt"), 17);
    cell(cells, text_at(trial, "source"));
    cell_moment(cells, text_at(trial, "created_at"));
    cell_moment(cells, text_at(trial, "started_at"));
    cell_moment(cells, text_at(trial, "ended_at"));
    cell_took(cells, trial);
    json_array_foreach (json_object_get(trials->study, "objectives"), i, item) {
        cell_value(cells,
                   json_object_get(json_object_get(trial, "metrics"), text_at(item, "metric")),
                   digits);
    }
    if (trials->is_bounded) {
        cell(cells, bounds_feasible_word(trial));
    }
    for (i = 0; i < trials->n_bounds; i++) {
        cell_value(cells,
                   json_object_get(json_object_get(trial, "metrics"), trials->bounds[i].metric),
                   digits);
    }
    for (size_t column = trials->first_parameter; column < trials->n_columns; column++) {
        const char *name = trials->columns[column].title;
        parameter_append_value(cells, json_object_get(json_object_get(trial, "parameters"), name),
                               digits);
        buf_putc(cells, '\0');
    }
}

int trials_row(void *context, json_t *trial, struct err *err)
{
    struct trials *trials = context;
    OWN(buf) struct buf text = {0};
    OWN(memory) const char **cells = calloc(trials->n_columns, sizeof *cells);

    if (trials->left == 0) {
        return err_set(err, ERR_EXHAUSTED, "that is as many as were asked for");
    }
    trials->left -= trials->left > 0;
    buf_init(&text, 8 << 20);
    fill_cells(trials, trial, &text);
    if (cells == NULL || text.failed) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    const char *at = buf_text(&text);
    for (size_t i = 0; i < trials->n_columns; i++) {
        cells[i] = at;
        at += strlen(at) + 1;
    }
    printed_list_row(&trials->list, trial, cells);
    if (int_at(trial, "replaced", 0) > 0 || int_at(trial, "ignored", 0) > 0) {
        trials->corrected =
            trials->n_corrected == 0 ? int_at(trial, "number", 0) : trials->corrected;
        trials->n_corrected++;
    }
    return 0;
}
