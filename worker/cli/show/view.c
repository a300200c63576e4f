#include "worker/cli/show/view.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/cell.h"
#include "common/integer.h"
#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/study.h"
#include "worker/cli/text.h"

enum { LINE_BYTES = 1 << 16, RATE_WINDOW_MS = 300000, RATE_TRIALS_MIN = 3, BAR_MAX = 60 };

/* ---- rate and remaining time ---------------------------------------------------------------- */

void rate_add(struct rate *rate, int64_t now_ms, int64_t done)
{
    size_t old = 0;

    while (old < rate->n && rate->samples[old].at_ms < now_ms - RATE_WINDOW_MS) {
        old++;
    }
    if (rate->n - old == RATE_SAMPLES) { /* every other one keeps the window's length */
        for (size_t i = 0; i < RATE_SAMPLES / 2; i++) {
            rate->samples[i] = rate->samples[2 * i];
        }
        rate->n = RATE_SAMPLES / 2;
    } else if (old > 0) {
        memmove(rate->samples, rate->samples + old, (rate->n - old) * sizeof rate->samples[0]);
        rate->n -= old;
    }
    rate->samples[rate->n].at_ms = now_ms;
    rate->samples[rate->n].done = done;
    rate->n++;
}

double rate_per_minute(const struct rate *rate)
{
    if (rate->n < 2) {
        return (double)NAN;
    }
    int64_t done = rate->samples[rate->n - 1].done - rate->samples[0].done;
    int64_t span_ms = rate->samples[rate->n - 1].at_ms - rate->samples[0].at_ms;

    return done >= RATE_TRIALS_MIN && span_ms > 0 ? 60000.0 * (double)done / (double)span_ms
                                                  : (double)NAN;
}

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

/* Appends `line`, cleaned and cut to the width. */
static void put_line(struct buf *out, const struct buf *line, size_t width)
{
    OWN(buf) struct buf clean = {0};

    buf_init(&clean, LINE_BYTES);
    cell_append_clean(&clean, buf_text(line));
    if (cell_columns(buf_text(&clean)) > width) {
        cell_append_fitted(out, buf_text(&clean), width, false);
    } else {
        buf_puts(out, buf_text(&clean));
    }
    buf_putc(out, '\n');
}

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

static void draw_head(const struct view *view, size_t width, struct buf *out)
{
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf right = {0};
    char span[TEXT_SPAN_BYTES];

    buf_init(&line, LINE_BYTES);
    buf_init(&right, LINE_BYTES);
    buf_printf(&line, "%s  ", text_at(view->study, "name"));
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
    for (size_t i = used; right.len > 0 && i < width; i++) {
        buf_putc(&line, ' ');
    }
    if (right.len > 0 && used >= width) {
        buf_puts(&line, "  ");
    }
    buf_puts(&line, buf_text(&right));
    put_line(out, &line, width);
}

static void draw_bar(const struct view *view, size_t width, struct buf *out)
{
    int64_t trials = limit_of(view, "trials");
    int64_t done = study_count_done(view->study);
    OWN(buf) struct buf line = {0};

    buf_init(&line, LINE_BYTES);
    if (trials > 0) {
        size_t bar = width > BAR_MAX + 20 ? BAR_MAX : width > 30 ? width - 20 : 10;
        size_t full = done >= trials ? bar : (size_t)((int64_t)bar * done / trials);
        for (size_t i = 0; i < bar; i++) {
            buf_puts(&line, i < full ? "█" : "░");
        }
        buf_printf(&line, "  %" PRId64 " of %" PRId64, done, trials);
    } else {
        buf_printf(&line, "%" PRId64 " trials done", done);
    }
    put_line(out, &line, width);
}

static void append_counts(const struct view *view, const char *between, struct buf *line)
{
    static const char *const states[] = {"completed", "running", "queued",     "paused",
                                         "pruned",    "failed",  "infeasible", "cancelled"};

    for (size_t i = 0, n = 0; i < sizeof states / sizeof states[0]; i++) {
        int64_t count = study_count(view->study, states[i]);
        if (count > 0 || strcmp(states[i], "running") == 0) {
            buf_printf(line, "%s%" PRId64 " %s", n++ > 0 ? between : "", count, states[i]);
        }
    }
}

static void draw_counts(const struct view *view, size_t width, struct buf *out)
{
    OWN(buf) struct buf line = {0};

    buf_init(&line, LINE_BYTES);
    append_counts(view, "  ", &line);
    put_line(out, &line, width);
}

static const json_t *best_trial(const struct view *view)
{
    const json_t *trial = json_object_get(view->best, "trial");

    return json_is_object(trial) && study_metric(view->study) != NULL ? trial : NULL;
}

static void draw_best(const struct view *view, size_t width, struct buf *out)
{
    const json_t *trial = best_trial(view);
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf parameters = {0};
    char number[TEXT_NUMBER_BYTES];
    char step[JSON_NUMBER_BYTES];

    if (trial == NULL) {
        return;
    }
    buf_init(&line, LINE_BYTES);
    buf_init(&parameters, LINE_BYTES);
    buf_printf(&line, "best    %s %s", study_metric(view->study),
               text_number(number_at(trial, "value"), 6, number));
    const char *resource = number_text_at(view->best, "resource", NULL, step);
    if (resource != NULL) {
        buf_printf(&line, " at %s %s", resource,
                   text_at(json_object_get(view->study, "resource"), "name"));
    }
    parameters_append(&parameters, json_object_get(trial, "parameters"), 4);
    buf_printf(&line, ", trial %" PRId64 ": %s", int_at(trial, "number", 0), buf_text(&parameters));
    put_line(out, &line, width);
}

/* "3/9" where a resource says how far it may go. */
static void append_step(const struct view *view, const json_t *trial, struct buf *out)
{
    char reached[JSON_NUMBER_BYTES];
    char most[JSON_NUMBER_BYTES];
    const char *step = number_text_at(trial, "step", NULL, reached);
    const char *max = number_text_at(json_object_get(view->study, "resource"), "max", "", most);

    if (step == NULL) {
        buf_puts(out, "-");
    } else {
        buf_printf(out, "%s%s%s", step, *max == '\0' ? "" : "/", max);
    }
}

static void draw_trial(const struct view *view, const json_t *trial, size_t width, struct buf *out)
{
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf text = {0};
    char number[TEXT_NUMBER_BYTES];
    char span[TEXT_SPAN_BYTES];
    int64_t started_ms = text_moment_ms(text_at(trial, "started_at"));
    const json_t *value = json_object_get(trial, "value");

    buf_init(&line, LINE_BYTES);
    buf_init(&text, LINE_BYTES);
    buf_printf(&line, "%5" PRId64 "  ", int_at(trial, "number", 0));
    cell_append_clean(&text, text_at(trial, "worker"));
    cell_append_fitted(&line, buf_text(&text), 20, false);
    buf_clear(&text);
    append_step(view, trial, &text);
    buf_putc(&line, ' ');
    cell_append_fitted(&line, buf_text(&text), 9, true);
    buf_printf(&line, " %10s",
               !json_is_number_like(value) ? "-" : text_number(json_number_like(value), 4, number));
    buf_printf(&line, " %8s", started_ms < 0 ? "-" : text_span(view->now_ms - started_ms, span));
    put_line(out, &line, width);
}

static void draw_running(const struct view *view, size_t width, size_t rows, struct buf *out)
{
    OWN(buf) struct buf line = {0};
    size_t listed = json_array_size(view->running);
    size_t all = (size_t)study_count(view->study, "running");
    size_t shown = listed;

    if (listed == 0 || rows < 3) {
        return;
    }
    all = all < listed ? listed : all;
    if (shown + 1 > rows || all > shown) { /* one row for the title, one for "… more" */
        shown = shown > rows - 2 ? rows - 2 : shown;
    }
    buf_init(&line, LINE_BYTES);
    buf_printf(&line, "TRIAL  %-20s %9s %10s %8s", "WORKER", "STEP", "VALUE", "TIME");
    put_line(out, &line, width);
    for (size_t i = 0; i < shown; i++) {
        draw_trial(view, json_array_get(view->running, i), width, out);
    }
    if (all > shown) {
        buf_clear(&line);
        buf_printf(&line, "       and %zu more", all - shown);
        put_line(out, &line, width);
    }
}

/* Colour goes over whole lines, so that widths need not know about it. */
static void draw_coloured(const struct buf *line, const char *sequence, bool color, struct buf *out)
{
    if (!color || line->len == 0) {
        buf_puts(out, buf_text(line));
        return;
    }
    buf_printf(out, "\033[%sm%.*s\033[0m\n", sequence, (int)line->len - 1, buf_text(line));
}

void view_draw(const struct view *view, size_t width, size_t rows, bool color, struct buf *out)
{
    OWN(buf) struct buf part = {0};

    buf_init(&part, LINE_BYTES);
    draw_head(view, width, &part);
    draw_coloured(&part, view->trouble != NULL ? "1;33" : "1", color, out);
    draw_bar(view, width, out);
    draw_counts(view, width, out);
    buf_clear(&part);
    draw_best(view, width, &part);
    draw_coloured(&part, "32", color, out);
    draw_running(view, width, rows > 5 ? rows - 5 : 0, out);
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
    append_counts(view, ", ", &line);
    if (trial != NULL) {
        buf_printf(&line, ", best %s %s (trial %" PRId64 ")", study_metric(view->study),
                   text_number(number_at(trial, "value"), 6, number), int_at(trial, "number", 0));
    }
    append_rate(view, &rate);
    buf_printf(&line, "%s%s", rate.len > 0 ? ", " : "", buf_text(&rate));
    if (view->trouble != NULL) {
        buf_printf(&line, ", %s", view->trouble);
    }
    put_line(out, &line, SIZE_MAX);
}
