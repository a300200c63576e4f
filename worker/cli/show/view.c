#include "worker/cli/show/view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/bounds_text.h"
#include "common/cell.h"
#include "common/integer.h"
#include "common/json.h"
#include "common/wrap.h"
#include "worker/cli/session.h"
#include "worker/cli/show/picture.h"
#include "worker/cli/show/plot.h"
#include "worker/cli/show/study.h"
#include "worker/cli/show/view_running.h"
#include "worker/cli/text.h"

enum { LINE_BYTES = 1 << 16, BAR_MAX = 60, SPARK_MAX = 40 };

/* ---- limits and remaining time -------------------------------------------------------------- */

static int64_t limit_of(const struct view *view, const char *name)
{
    return int_at(json_object_get(view->study, "limits"), name, -1);
}

bool view_is_over(const struct view *view)
{
    const char *state = text_at(view->study, "state");

    return (strcmp(state, "finished") == 0 || strcmp(state, "stopped") == 0)
           && study_count(view->study, "running") == 0;
}

int64_t view_remaining_ms(const struct view *view)
{
    int64_t trials = limit_of(view, "trials");
    double seconds = number_at(json_object_get(view->study, "limits"), "seconds");
    int64_t by_trials = -1;
    int64_t by_time = -1;

    if (strcmp(text_at(view->study, "state"), "running") != 0) {
        return -1;
    }
    if (trials >= 0 && view->per_minute > 0) {
        int64_t left = trials - study_count_done(view->study);
        by_trials = left <= 0 ? 0 : integer_from_real(60000.0 * (double)left / view->per_minute);
    }
    if (seconds > 0 && view->elapsed_ms >= 0) {
        by_time = integer_from_real(seconds * 1000) - view->elapsed_ms;
        by_time = by_time < 0 ? 0 : by_time;
    }
    return by_trials < 0         ? by_time
           : by_time < 0         ? by_trials
           : by_time < by_trials ? by_time
                                 : by_trials;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void append_rate(const struct view *view, struct buf *line)
{
    int64_t remaining_ms = view_remaining_ms(view);
    char span[TEXT_SPAN_BYTES];
    char number[TEXT_NUMBER_BYTES];

    if (view->per_minute > 0) {
        buf_printf(line, "%s/min", text_number(view->per_minute, 3, number));
    }
    if (remaining_ms >= 0) {
        buf_printf(line, "%s%s left", line->len > 0 ? ", " : "", text_span(remaining_ms, span));
    }
}

/* The name and state, and at the right end, or below where there is no room, the rate. */
static void draw_head(const struct view *view, struct picture *picture)
{
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf right = {0};
    const char *sequence = view->trouble != NULL ? "1;33" : "1";
    char span[TEXT_SPAN_BYTES];

    buf_init(&line, LINE_BYTES);
    buf_init(&right, LINE_BYTES);
    cell_append_clean(&line, text_at(view->study, "name"));
    buf_puts(&line, "  ");
    study_append_state(&line, view->study);
    if (view->elapsed_ms >= 0) {
        buf_printf(&line, " %s", text_span(view->elapsed_ms, span));
    }
    if (view->trouble != NULL) {
        buf_puts(&right, view->trouble);
    } else {
        append_rate(view, &right);
    }
    size_t used = cell_columns(buf_text(&line)) + cell_columns(buf_text(&right));
    if (right.len > 0 && used + 2 <= picture->width) {
        buf_printf(&line, "%*s%s", (int)(picture->width - used), "", buf_text(&right));
        buf_clear(&right);
    }
    picture_wrapped(picture, buf_text(&line), 2, sequence);
    if (right.len > 0) {
        picture_wrapped(picture, buf_text(&right), 0, sequence);
    }
}

static void draw_bar(const struct view *view, struct picture *picture)
{
    int64_t trials = limit_of(view, "trials");
    int64_t done = study_count_done(view->study);
    size_t width = picture->width;
    OWN(buf) struct buf line = {0};

    buf_init(&line, LINE_BYTES);
    if (trials > 0) {
        plot_bar((double)done, (double)trials,
                 width > BAR_MAX + 20 ? BAR_MAX
                 : width > 30         ? width - 20
                                      : 10,
                 &line);
        buf_printf(&line, "  %" PRId64 " of %" PRId64, done, trials);
    } else {
        buf_printf(&line, "%" PRId64 " trials done", done);
    }
    picture_line(picture, &line, NULL);
}

/* "11 completed  3 running": wrapped between the counts where `width` is not 0. */
static void append_counts(const struct view *view, const char *between, size_t width,
                          struct buf *line)
{
    static const char *const states[] = {"completed", "running", "queued",     "paused",
                                         "pruned",    "failed",  "infeasible", "cancelled"};
    size_t used = 0;

    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        int64_t count = study_count(view->study, states[i]);
        char item[48];
        if (count <= 0 && strcmp(states[i], "running") != 0) {
            continue;
        }
        int len = snprintf(item, sizeof item, "%" PRId64 " %s", count, states[i]);
        bool fits = width == 0 || used + strlen(between) + (size_t)len <= width;
        buf_printf(line, "%s%s", used == 0 ? "" : fits ? between : "\n", item);
        used = (used == 0 || !fits ? 0 : used + strlen(between)) + (size_t)len;
    }
}

static void draw_counts(const struct view *view, struct picture *picture)
{
    OWN(buf) struct buf lines = {0};

    buf_init(&lines, LINE_BYTES);
    append_counts(view, "  ", picture->width, &lines);
    picture_lines(picture, buf_text(&lines), NULL);
}

static const json_t *best_trial(const struct view *view)
{
    const json_t *trial = json_object_get(view->best, "trial");

    return json_is_object(trial) && study_metric(view->study) != NULL ? trial : NULL;
}

static void append_best(const struct view *view, const json_t *trial, struct buf *line)
{
    OWN(buf) struct buf parameters = {0};
    char number[TEXT_NUMBER_BYTES];
    char step[JSON_NUMBER_BYTES];

    buf_init(&parameters, LINE_BYTES);
    buf_printf(line, "best    %s %s", study_metric(view->study),
               text_number(number_at(trial, "value"), 6, number));
    const char *resource = number_text_at(view->best, "resource", NULL, step);
    if (resource != NULL) {
        buf_printf(line, " at %s %s", resource,
                   text_at(json_object_get(view->study, "resource"), "name"));
    }
    parameters_append(&parameters, json_object_get(trial, "parameters"), 4);
    buf_printf(line, ", trial %" PRId64 ": %s", int_at(trial, "number", 0), buf_text(&parameters));
}

/* Of a study with outcome constraints: why none of its completed trials is the best. */
static void draw_no_best(const struct view *view, struct picture *picture)
{
    OWN(buf) struct buf line = {0};

    if (study_count(view->study, "completed") == 0 || study_metric(view->study) == NULL
        || json_object_get(view->best, "feasible_trials") == NULL) {
        return;
    }
    buf_init(&line, LINE_BYTES);
    buf_puts(&line, "best    ");
    bounds_append_count(&line, view->best);
    if (json_is_object(json_object_get(view->best, "nearest"))) {
        buf_puts(&line, "; ");
        bounds_append_nearest(&line, view->best);
    }
    picture_wrapped(picture, buf_text(&line), 8, "33");
}

/* A metric that `subject_to` names and nobody reports is a misspelt one, most likely. */
static void draw_never_reported(const struct view *view, struct picture *picture)
{
    OWN(buf) struct buf line = {0};

    buf_init(&line, LINE_BYTES);
    bounds_append_never_reported(&line, view->study);
    if (line.len > 0) {
        picture_wrapped(picture, buf_text(&line), 8, "33");
    }
}

/* Wrapped; of a configuration with very many parameters the first lines. */
static void draw_best(const struct view *view, struct picture *picture)
{
    const json_t *trial = best_trial(view);
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf lines = {0};

    if (trial == NULL) {
        draw_no_best(view, picture);
        return;
    }
    buf_init(&line, LINE_BYTES);
    buf_init(&lines, 2 * LINE_BYTES);
    append_best(view, trial, &line);
    wrap_append(&lines, buf_text(&line), picture->width, 8);
    size_t most = picture->rows_left < 12 ? 2 : 4;
    char *end = lines.len > 0 ? lines.data : NULL;
    for (size_t i = 0; i < most && end != NULL; i++) {
        end = strchr(end, '\n');
        end = end == NULL || end[1] == '\0' ? NULL : end + 1;
    }
    if (end != NULL) {
        *end = '\0';
    }
    picture_lines(picture, buf_text(&lines), "32");
    if (end != NULL) {
        picture_lines(picture, "        …", "32");
    }
}

/* The best value so far over the time of the study. */
static void draw_trace(const struct view *view, struct picture *picture)
{
    double values[SPARK_MAX];
    size_t n = picture->width > SPARK_MAX + 30 ? SPARK_MAX
               : picture->width > 40           ? picture->width - 30
                                               : 12;
    size_t n_items = json_array_size(view->history);
    char from[TEXT_NUMBER_BYTES], to[TEXT_NUMBER_BYTES];
    OWN(buf) struct buf line = {0};

    if (n_items < 2 || picture->rows_left < 6) {
        return;
    }
    view_trace(view, values, n);
    buf_init(&line, LINE_BYTES);
    buf_puts(&line, "so far  ");
    plot_spark(values, n, &line);
    buf_printf(&line, "  %s to %s",
               text_number(number_at(json_array_get(view->history, 0), "value"), 4, from),
               text_number(number_at(json_array_get(view->history, n_items - 1), "value"), 4, to));
    picture_line(picture, &line, NULL);
}

void view_trace(const struct view *view, double values[], size_t n)
{
    size_t n_items = json_array_size(view->history), next = 0;
    int64_t first = text_moment_ms(text_at(json_array_get(view->history, 0), "ended_at"));
    int64_t last = text_moment_ms(text_at(json_array_get(view->history, n_items - 1), "ended_at"));
    int64_t from = view->elapsed_ms >= 0 ? view->now_ms - view->elapsed_ms : first;
    int64_t to = view->elapsed_ms >= 0 && view->now_ms > last ? view->now_ms : last;
    double value = (double)NAN;

    for (size_t i = 0; i < n; i++) {
        double share = (double)(i + 1) / (double)n;
        int64_t until = i + 1 == n ? INT64_MAX : from + (int64_t)((double)(to - from) * share);
        while (next < n_items
               && text_moment_ms(text_at(json_array_get(view->history, next), "ended_at"))
                      <= until) {
            value = number_at(json_array_get(view->history, next++), "value");
        }
        values[i] = value;
    }
}

void view_draw(const struct view *view, size_t width, size_t rows, bool color, struct buf *out)
{
    struct picture picture = {.out = out, .width = width, .rows_left = rows, .color = color};

    draw_head(view, &picture);
    draw_bar(view, &picture);
    draw_counts(view, &picture);
    draw_best(view, &picture);
    draw_never_reported(view, &picture);
    draw_trace(view, &picture);
    view_draw_running(view, &picture);
}

/* ", 3 of 12 completed trials are feasible", and what was never reported. */
static void append_feasible(const struct view *view, struct buf *line)
{
    if (study_count(view->study, "completed") == 0
        || json_object_get(view->study, "feasible_trials") == NULL) {
        return;
    }
    buf_puts(line, ", ");
    bounds_append_count(line, view->study);
    if (json_array_size(json_object_get(view->study, "never_reported")) > 0) {
        buf_puts(line, ", ");
        bounds_append_never_reported(line, view->study);
    }
}

void view_line(const struct view *view, struct buf *out)
{
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf rate = {0};
    int64_t trials = limit_of(view, "trials");
    const json_t *trial = best_trial(view);
    char number[TEXT_NUMBER_BYTES];

    buf_init(&line, LINE_BYTES);
    buf_init(&rate, LINE_BYTES);
    buf_printf(&line, "%s: ", text_at(view->study, "name"));
    study_append_state(&line, view->study);
    buf_printf(&line, ", %" PRId64, study_count_done(view->study));
    if (trials > 0) {
        buf_printf(&line, "/%" PRId64, trials);
    }
    buf_puts(&line, " done, ");
    append_counts(view, ", ", 0, &line);
    if (trial != NULL) {
        buf_printf(&line, ", best %s %s (trial %" PRId64 ")", study_metric(view->study),
                   text_number(number_at(trial, "value"), 6, number), int_at(trial, "number", 0));
    }
    append_feasible(view, &line);
    append_rate(view, &rate);
    buf_printf(&line, "%s%s", rate.len > 0 ? ", " : "", buf_text(&rate));
    if (view->trouble != NULL) {
        buf_printf(&line, ", %s", view->trouble);
    }
    cell_append_clean(out, buf_text(&line));
    buf_putc(out, '\n');
}
