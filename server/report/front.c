#include "server/report/front.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/report/html.h"
#include "server/report/plot.h"
#include "server/report/section.h"
#include "server/report/trial_text.h"

#define DRAWN_MAX 2000
#define FRONT_MAX 200 /* trials of the front that are drawn */
#define PAIRS_MAX 3

struct front_chart {
    const struct study_report *report;
    size_t a, b; /* the two objectives */
    struct plot plot;
};

static size_t count_front(const struct study_report *report)
{
    return report->front.n < report->n_ranked ? report->front.n : report->n_ranked;
}

/* The front's trials lead the ranks. */
static const struct shown_trial *ranked(const struct study_report *report, size_t rank)
{
    return &report->trials[report->ranked[rank]];
}

static int find_range(const struct study_report *report, size_t objective, struct axis_range *range)
{
    double *values = calloc(report->n_ranked + 1, sizeof *values);

    if (values == NULL) {
        return -1;
    }
    for (size_t i = 0; i < report->n_ranked; i++) {
        values[i] = ranked(report, i)->values[objective];
    }
    axis_range_of(report->n_ranked, values,
                  report->def->objectives[objective].direction == DIRECTION_MINIMIZE, range);
    free(values);
    return 0;
}

static void draw_others(const struct front_chart *chart)
{
    const struct study_report *report = chart->report;
    size_t from = count_front(report);
    size_t every = (report->n_ranked - from) / DRAWN_MAX + 1;

    svg_path_begin(chart->plot.out, "dots");
    for (size_t i = from; i < report->n_ranked; i += every) {
        const struct shown_trial *trial = ranked(report, i);
        if (axis_holds(&chart->plot.x, trial->values[chart->a])
            && axis_holds(&chart->plot.y, trial->values[chart->b])) {
            svg_path_dot(chart->plot.out, axis_place(&chart->plot.x, trial->values[chart->a]),
                         axis_place(&chart->plot.y, trial->values[chart->b]));
        }
    }
    svg_path_end(chart->plot.out, NULL);
}

static int by_first(const void *a, const void *b, void *context)
{
    const struct front_chart *chart = context;
    double left = ranked(chart->report, *(const size_t *)a)->values[chart->a];
    double right = ranked(chart->report, *(const size_t *)b)->values[chart->a];

    return (left > right) - (left < right);
}

/* With two objectives the front is a staircase. */
static void draw_stairs(struct front_chart *chart, size_t n)
{
    size_t order[FRONT_MAX];
    double y = 0;

    for (size_t i = 0; i < n; i++) {
        order[i] = i;
    }
    qsort_r(order, n, sizeof *order, by_first, chart);
    bool rises_late = chart->report->def->objectives[chart->a].direction == DIRECTION_MINIMIZE;
    svg_path_begin(chart->plot.out, "best");
    for (size_t i = 0; i < n; i++) {
        const struct shown_trial *trial = ranked(chart->report, order[i]);
        double x = axis_place(&chart->plot.x, trial->values[chart->a]);
        double next = axis_place(&chart->plot.y, trial->values[chart->b]);
        if (i == 0) {
            svg_path_move(chart->plot.out, x, next);
        } else {
            double before =
                axis_place(&chart->plot.x, ranked(chart->report, order[i - 1])->values[chart->a]);
            svg_path_line(chart->plot.out, rises_late ? x : before, rises_late ? y : next);
            svg_path_line(chart->plot.out, x, next);
        }
        y = next;
    }
    svg_path_end(chart->plot.out, NULL);
}

static void draw_front(const struct front_chart *chart, size_t n)
{
    OWN(buf) struct buf title;

    buf_init(&title, 1 << 20);
    for (size_t i = 0; i < n; i++) {
        const struct shown_trial *trial = ranked(chart->report, i);
        buf_check_part(chart->plot.out, &title);
        buf_clear(&title);
        trial_text(chart->report, trial, &title);
        svg_disc(chart->plot.out, "improvement",
                 axis_place(&chart->plot.x, trial->values[chart->a]),
                 axis_place(&chart->plot.y, trial->values[chart->b]), 4, buf_text(&title));
    }
    buf_check_part(chart->plot.out, &title);
}

static void draw(const struct study_report *report, size_t a, size_t b, struct buf *out)
{
    const struct objective *objectives = report->def->objectives;
    struct front_chart chart = {
        .report = report, .a = a, .b = b, .plot = {.out = out, .width = 520, .height = 360}};
    struct axis_range x, y;
    size_t n = count_front(report) < FRONT_MAX ? count_front(report) : FRONT_MAX;
    OWN(buf) struct buf alt;

    buf_init(&alt, 4096);
    buf_printf(&alt, "%s against %s of %zu trials, of which %zu are on the Pareto front",
               objectives[b].metric, objectives[a].metric, report->n_ranked, report->front.n);
    if (find_range(report, a, &x) != 0 || find_range(report, b, &y) != 0) {
        buf_lack_memory(out);
        return;
    }
    const struct plot_text text = {"pareto", buf_text(&alt), objectives[a].metric,
                                   objectives[b].metric, false};
    axis_init(&chart.plot.x, x.low, x.high, x.is_log);
    axis_init(&chart.plot.y, y.low, y.high, y.is_log);
    plot_begin(&chart.plot, &text);
    draw_others(&chart);
    if (report->def->n_objectives == 2) {
        draw_stairs(&chart, n);
    }
    draw_front(&chart, n);
    plot_end(&chart.plot);
    buf_check_part(out, &alt);
}

void report_front(const struct study_report *report, struct buf *out)
{
    size_t n_pairs = 0;
    char note[160];

    if (report->def->n_objectives < 2 || report->n_ranked == 0) {
        return;
    }
    (void)snprintf(note, sizeof note,
                   "%zu of %zu trials are not beaten in all objectives by any other one.",
                   report->front.n, report->n_ranked);
    section_begin(out, "Pareto front", note);
    buf_puts(out, "<div class=\"pairs\">\n");
    for (size_t a = 0; a < report->def->n_objectives; a++) {
        for (size_t b = a + 1; b < report->def->n_objectives && n_pairs < PAIRS_MAX; b++) {
            buf_puts(out, "<figure>\n");
            draw(report, a, b, out);
            buf_puts(out, "</figure>\n");
            n_pairs++;
        }
    }
    buf_puts(out, "</div>\n");
    section_end(out);
}
