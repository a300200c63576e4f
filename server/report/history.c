#include "server/report/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/report/html.h"
#include "server/report/plot.h"
#include "server/report/section.h"
#include "server/report/trial_text.h"

#define DRAWN_MAX 2000 /* trials that are drawn */
#define TITLED_MAX 150 /* improvements that say what they are */

struct history_chart {
    const struct study_report *report;
    size_t n;
    const struct shown_trial **ended; /* the trials that ended, in this order */
    struct axis_range range;
    size_t n_no_value, n_stopped, n_excluded, n_failed;
};

static int by_end(const void *a, const void *b)
{
    const struct shown_trial *left = *(const struct shown_trial *const *)a;
    const struct shown_trial *right = *(const struct shown_trial *const *)b;

    if (left->ended_seq != right->ended_seq) {
        return left->ended_seq < right->ended_seq ? -1 : 1;
    }
    return (left->number > right->number) - (left->number < right->number);
}

static void count(struct history_chart *chart)
{
    for (size_t i = 0; i < chart->n; i++) {
        bool has_value = trial_has_value(chart->ended[i]);
        chart->n_no_value += !has_value;
        bool is_excluded = has_value && chart->ended[i]->is_excluded;
        chart->n_excluded += is_excluded;
        chart->n_stopped +=
            has_value && !is_excluded && !trial_has_result(chart->report, chart->ended[i]);
        chart->n_failed += chart->ended[i]->state == TRIAL_FAILED;
    }
}

/* ---- one drawing ---- */

static double place_of(const struct plot *plot, size_t k)
{
    return axis_place(&plot->x, (double)k + 1);
}

enum dots { DOTS_STOPPED, DOTS_EXCLUDED, DOTS_RESULT };

static enum dots dots_of(const struct history_chart *chart, const struct shown_trial *trial)
{
    return trial->is_excluded                       ? DOTS_EXCLUDED
           : trial_has_result(chart->report, trial) ? DOTS_RESULT
                                                    : DOTS_STOPPED;
}

static void draw_dots(const struct history_chart *chart, const struct plot *plot, enum dots dots,
                      const char *class)
{
    size_t every = chart->n / DRAWN_MAX + 1;

    svg_path_begin(plot->out, class);
    for (size_t k = 0; k < chart->n; k += every) {
        const struct shown_trial *trial = chart->ended[k];
        if (trial_has_value(trial) && dots_of(chart, trial) == dots
            && axis_holds(&plot->y, trial->values[0])) {
            svg_path_dot(plot->out, place_of(plot, k), axis_place(&plot->y, trial->values[0]));
        }
    }
    svg_path_end(plot->out, NULL);
}

/* Values that are too bad to be shown: a mark at the edge on that side. */
static void draw_outside(const struct history_chart *chart, const struct plot *plot)
{
    size_t every = chart->n / DRAWN_MAX + 1;

    svg_path_begin(plot->out, "outside");
    for (size_t k = 0; k < chart->n; k += every) {
        const struct shown_trial *trial = chart->ended[k];
        if (trial->n_values > 0 && !isnan(trial->values[0])
            && !axis_holds(&plot->y, trial->values[0])) {
            double y = axis_place(&plot->y, trial->values[0]);
            svg_path_move(plot->out, place_of(plot, k), y - 3);
            svg_path_line(plot->out, place_of(plot, k), y + 3);
        }
    }
    svg_path_end(plot->out, NULL);
}

static void draw_failures(const struct history_chart *chart, const struct plot *plot)
{
    size_t every = chart->n / DRAWN_MAX + 1;

    svg_path_begin(plot->out, "failed");
    for (size_t k = 0; k < chart->n; k += every) {
        if (chart->ended[k]->state == TRIAL_FAILED) {
            svg_path_move(plot->out, place_of(plot, k), plot->y.from - 7);
            svg_path_line(plot->out, place_of(plot, k), plot->y.from);
        }
    }
    svg_path_end(plot->out, NULL);
}

/* The place in the order of ends of the trial that an improvement names. */
static size_t place_in_order(const struct history_chart *chart, const struct trace_point *point)
{
    const struct shown_trial key = {.ended_seq = point->ended_seq, .number = point->number};
    const struct shown_trial *at = &key;
    const struct shown_trial **found =
        bsearch(&at, chart->ended, chart->n, sizeof *chart->ended, by_end);

    return found == NULL ? 0 : (size_t)(found - chart->ended);
}

static void draw_best(const struct history_chart *chart, const struct plot *plot)
{
    const struct trace *trace = &chart->report->trace;
    double y = 0;

    if (trace->n == 0) {
        return;
    }
    svg_path_begin(plot->out, "best");
    for (size_t i = 0; i < trace->n; i++) {
        double x = place_of(plot, place_in_order(chart, &trace->points[i]));
        if (i == 0) {
            svg_path_move(plot->out, x, axis_place(&plot->y, trace->points[i].value));
        } else {
            svg_path_line(plot->out, x, y);
            svg_path_line(plot->out, x, axis_place(&plot->y, trace->points[i].value));
        }
        y = axis_place(&plot->y, trace->points[i].value);
    }
    svg_path_line(plot->out, plot->x.to, y);
    svg_path_end(plot->out, NULL);
}

static void draw_improvements(const struct history_chart *chart, const struct plot *plot)
{
    const struct trace *trace = &chart->report->trace;
    size_t from = trace->n > TITLED_MAX ? trace->n - TITLED_MAX : 0;
    OWN(buf) struct buf title;

    buf_init(&title, 1 << 20);
    for (size_t i = from; i < trace->n; i++) {
        size_t k = place_in_order(chart, &trace->points[i]);
        buf_check_part(plot->out, &title);
        buf_clear(&title);
        trial_text(chart->report, chart->ended[k], &title);
        svg_disc(plot->out, i + 1 == trace->n ? "winner" : "improvement", place_of(plot, k),
                 axis_place(&plot->y, trace->points[i].value), i + 1 == trace->n ? 5 : 3.5,
                 buf_text(&title));
    }
    buf_check_part(plot->out, &title);
}

static void draw(const struct history_chart *chart, const char *class, double width, double height,
                 struct buf *out)
{
    const struct study_def *def = chart->report->def;
    OWN(buf) struct buf alt;
    char best[SHORT_BYTES];
    struct plot plot = {.out = out, .width = width, .height = height};
    const size_t n_best = chart->report->trace.n;

    buf_init(&alt, 4096);
    buf_printf(&alt,
               "Value of %s of %zu trials in the order in which they ended, and the best so "
               "far",
               def->objectives[0].metric, chart->n);
    if (n_best > 0) {
        buf_printf(&alt, "; the last of %zu improvements reached %s", n_best,
                   short_number(chart->report->trace.points[n_best - 1].value, best));
    }
    const struct plot_text text = {class, buf_text(&alt), "trials, in the order they ended",
                                   def->objectives[0].metric, true};
    axis_init(&plot.x, 1, (double)chart->n, false);
    axis_init(&plot.y, chart->range.low, chart->range.high, chart->range.is_log);
    plot_begin(&plot, &text);
    draw_dots(chart, &plot, DOTS_STOPPED, "dots stopped");
    if (chart->n_excluded > 0) {
        draw_dots(chart, &plot, DOTS_EXCLUDED, "dots excluded");
    }
    draw_dots(chart, &plot, DOTS_RESULT, "dots");
    draw_outside(chart, &plot);
    draw_failures(chart, &plot);
    draw_best(chart, &plot);
    draw_improvements(chart, &plot);
    plot_end(&plot);
    buf_check_part(out, &alt);
}

/* ---- the section ---- */

static void write_legend(const struct history_chart *chart, struct buf *out)
{
    char text[SHORT_BYTES];

    buf_puts(out, "<p class=\"legend\">");
    if (chart->report->trace.n > 0) {
        buf_puts(out, "<span class=\"key best\">best so far</span> ");
    }
    buf_puts(out, "<span class=\"key dots\">completed</span>");
    if (chart->n_stopped > 0) {
        buf_puts(out, " <span class=\"key stopped\">stopped early</span>");
    }
    if (chart->n_excluded > 0) {
        buf_puts(out, " <span class=\"key excluded\">not feasible</span>");
    }
    if (chart->n_failed > 0) {
        buf_puts(out, " <span class=\"key failed\">failed</span>");
    }
    buf_puts(out, "</p>\n<p class=\"note\">");
    if (chart->report->def->has_resource && chart->n_stopped > 0) {
        buf_puts(out, "The best so far is of completed trials: values of trials that were stopped "
                      "early were measured at less of the resource and do not compare. ");
    }
    if (chart->n > DRAWN_MAX) {
        buf_printf(out, "One trial in %zu is drawn. ", chart->n / DRAWN_MAX + 1);
    }
    if (chart->range.n_outside > 0) {
        buf_printf(out, "%s results lie beyond the axis; they are marked at its edge. ",
                   short_count((int64_t)chart->range.n_outside, text));
    }
    if (chart->n_no_value > 0) {
        buf_printf(out, "%s trials ended without a finite value.",
                   short_count((int64_t)chart->n_no_value, text));
    }
    buf_puts(out, "</p>\n");
}

void report_history(const struct study_report *report, struct buf *out)
{
    struct history_chart chart = {.report = report};
    OWN(memory) const struct shown_trial **ended = calloc(report->n_trials + 1, sizeof *ended);
    OWN(memory) double *values = calloc(report->n_trials + 1, sizeof *values);

    if (ended == NULL || values == NULL) {
        buf_lack_memory(out);
        return;
    }
    chart.ended = ended;
    for (size_t i = 0; i < report->n_trials; i++) {
        if (trial_state_is_final(report->trials[i].state)) {
            ended[chart.n++] = &report->trials[i];
        }
    }
    if (report->def->n_objectives != 1 || chart.n == 0) {
        return;
    }
    qsort(ended, chart.n, sizeof *ended, by_end);
    count(&chart);
    trial_range(report, chart.n, ended, values, &chart.range);
    section_begin(out, "History", NULL);
    buf_puts(out, "<figure>\n");
    draw(&chart, "wide", 1040, 340, out);
    draw(&chart, "narrow", 400, 280, out);
    write_legend(&chart, out);
    buf_puts(out, "</figure>\n");
    section_end(out);
}
