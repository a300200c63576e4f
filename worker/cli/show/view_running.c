#include "worker/cli/show/view_running.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cell.h"
#include "common/json.h"
#include "common/wrap.h"
#include "worker/cli/session.h"
#include "worker/cli/show/plot.h"
#include "worker/cli/show/study.h"
#include "worker/cli/text.h"

enum { LINE_BYTES = 1 << 16, WORKER_MAX = 24, TRIAL_BAR_MAX = 20 };

/* "3/9" where a resource says how far it may go. */
static void append_step(const struct view *view, const json_t *trial, struct buf *out)
{
    const json_t *step = trial_progress(trial, "step");
    char reached[JSON_NUMBER_BYTES];
    char most[JSON_NUMBER_BYTES];
    const char *max = number_text_at(json_object_get(view->study, "resource"), "max", "", most);

    if (!json_is_number(step)) {
        buf_puts(out, "-");
    } else {
        buf_printf(out, "%s%s%s", json_format_number(json_number_value(step), reached),
                   *max == '\0' ? "" : "/", max);
    }
}

/* The cells of one trial behind its number and worker. */
struct running_cells {
    char step[2 * JSON_NUMBER_BYTES], value[TEXT_NUMBER_BYTES], time[TEXT_SPAN_BYTES];
};

static void fill_cells(const struct view *view, const json_t *trial, struct running_cells *cells)
{
    OWN(buf) struct buf step = {0};
    int64_t started_ms = text_moment_ms(text_at(trial, "started_at"));
    const json_t *value = trial_progress(trial, "value");

    buf_init(&step, sizeof cells->step);
    append_step(view, trial, &step);
    (void)snprintf(cells->step, sizeof cells->step, "%s", buf_text(&step));
    (void)strcpy(cells->value, "-");
    (void)strcpy(cells->time, "-");
    if (json_is_number_like(value)) {
        (void)text_number(json_number_like(value), 4, cells->value);
    }
    if (started_ms >= 0) {
        (void)text_span(view->now_ms - started_ms, cells->time);
    }
}

struct running_widths {
    size_t worker, bar, step, value, time; /* bar 0: there is none */
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The numbers are as wide as they are; the bar and the names share the rest. */
static struct running_widths find_widths(const struct view *view, size_t shown, size_t width)
{
    struct running_widths w = {.worker = 6, .step = 4, .value = 6, .time = 4};
    bool has_most = number_at(json_object_get(view->study, "resource"), "max") > 0;

    for (size_t i = 0; i < shown; i++) {
        const json_t *trial = json_array_get(view->running, i);
        struct running_cells cells;
        fill_cells(view, trial, &cells);
        w.worker = larger(w.worker, cell_columns(text_at(trial, "worker")));
        w.step = larger(w.step, strlen(cells.step));
        w.value = larger(w.value, strlen(cells.value));
        w.time = larger(w.time, strlen(cells.time));
    }
    size_t taken = 5 + 2 + 2 + w.step + 2 + w.value + 2 + w.time;
    size_t rest = width > taken + 6 ? width - taken : 6;
    w.worker = w.worker > WORKER_MAX ? WORKER_MAX : w.worker;
    w.worker = w.worker > rest ? rest : w.worker;
    rest -= w.worker;
    w.bar = !has_most || rest < 8 ? 0 : rest - 2 > TRIAL_BAR_MAX ? TRIAL_BAR_MAX : rest - 2;
    return w;
}

static void draw_trial(const struct view *view, const json_t *trial, const struct running_widths *w,
                       struct picture *picture)
{
    OWN(buf) struct buf line = {0};
    struct running_cells cells;
    const json_t *step = trial_progress(trial, "step");

    fill_cells(view, trial, &cells);
    buf_init(&line, LINE_BYTES);
    buf_printf(&line, "%5" PRId64 "  ", int_at(trial, "number", 0));
    wrap_name(&line, text_at(trial, "worker"), w->worker);
    if (w->bar > 0) {
        buf_puts(&line, "  ");
        plot_bar(json_is_number(step) ? json_number_value(step) : 0,
                 number_at(json_object_get(view->study, "resource"), "max"), w->bar, &line);
    }
    buf_printf(&line, "  %*s  %*s  %*s", (int)w->step, cells.step, (int)w->value, cells.value,
               (int)w->time, cells.time);
    picture_line(picture, &line, NULL);
}

void view_draw_running(const struct view *view, struct picture *picture)
{
    OWN(buf) struct buf line = {0};
    size_t rows = picture->rows_left;
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
    struct running_widths w = find_widths(view, shown, picture->width);
    buf_init(&line, LINE_BYTES);
    buf_printf(&line, "TRIAL  %-*s  %*s%s%*s  %*s  %*s", (int)w.worker, "WORKER", (int)w.bar, "",
               w.bar > 0 ? "  " : "", (int)w.step, "STEP", (int)w.value, "VALUE", (int)w.time,
               "TIME");
    picture_line(picture, &line, NULL);
    for (size_t i = 0; i < shown; i++) {
        draw_trial(view, json_array_get(view->running, i), &w, picture);
    }
    if (all > shown) {
        buf_clear(&line);
        buf_printf(&line, "       and %zu more", all - shown);
        picture_line(picture, &line, NULL);
    }
}
