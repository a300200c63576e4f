#include "server/report/curves.h"

#include <math.h>
#include <stdlib.h>

#include "common/step.h"
#include "server/report/html.h"
#include "server/report/plot.h"
#include "server/report/section.h"
#include "server/report/trial_text.h"

static void find_ranges(const struct study_report *report, double values[],
                        struct axis_range *steps, struct axis_range *range)
{
    int digits = report->def->resource_digits;
    size_t n = 0;

    *steps = (struct axis_range){.low = INFINITY, .high = -INFINITY};
    for (size_t i = 0; i < report->n_curves; i++) {
        const struct shown_curve *curve = &report->curves[i];
        for (size_t k = 0; k < curve->points.n; k++) {
            double step = step_number(curve->points.items[k].step, digits);
            steps->low = fmin(steps->low, step);
            steps->high = fmax(steps->high, step);
            values[n++] = curve->points.items[k].value;
        }
    }
    axis_range_of(n, values, report->def->objectives[0].direction == DIRECTION_MINIMIZE, range);
}

static void draw_curve(const struct study_report *report, const struct shown_curve *curve,
                       const struct plot *plot, const char *class)
{
    int digits = report->def->resource_digits;
    bool is_begun = false;
    OWN(buf) struct buf title;

    buf_init(&title, 1 << 20);
    trial_text(report, &report->trials[curve->trial], &title);
    svg_path_begin(plot->out, class);
    for (size_t k = 0; k < curve->points.n; k++) {
        double x = axis_place(&plot->x, step_number(curve->points.items[k].step, digits));
        double y = axis_place(&plot->y, curve->points.items[k].value);
        if (isnan(y)) {
            is_begun = false;
            continue;
        }
        (is_begun ? svg_path_line : svg_path_move)(plot->out, x, y);
        is_begun = true;
    }
    svg_path_end(plot->out, buf_text(&title));
    double last = axis_place(&plot->y, curve->points.items[curve->points.n - 1].value);
    if (report->trials[curve->trial].state == TRIAL_PRUNED && !isnan(last)) {
        svg_disc(plot->out, "stop",
                 axis_place(&plot->x,
                            step_number(curve->points.items[curve->points.n - 1].step, digits)),
                 last, 2.5, NULL);
    }
    buf_check_part(plot->out, &title);
}

static void draw(const struct study_report *report, const struct axis_range *steps,
                 const struct axis_range *range, const char *class, double width, double height,
                 struct buf *out)
{
    const struct study_def *def = report->def;
    struct plot plot = {.out = out, .width = width, .height = height};
    OWN(buf) struct buf alt;

    buf_init(&alt, 4096);
    buf_printf(&alt, "%s of the best %zu trials as they trained", def->objectives[0].metric,
               report->n_curves);
    const struct plot_text text = {class, buf_text(&alt),
                                   def->has_resource ? def->resource_name : "step",
                                   def->objectives[0].metric, def->resource_digits == 0};
    axis_init(&plot.x, steps->low, steps->high, steps->low > 0 && steps->high / steps->low >= 50);
    axis_init(&plot.y, range->low, range->high, range->is_log);
    plot_begin(&plot, &text);
    for (size_t i = report->n_curves; i-- > 0;) { /* the best last, on top */
        draw_curve(report, &report->curves[i], &plot,
                   i == 0  ? "curve first"
                   : i < 5 ? "curve good"
                           : "curve");
    }
    plot_end(&plot);
    buf_check_part(out, &alt);
}

void report_curves(const struct study_report *report, struct buf *out)
{
    OWN(memory) double *values = calloc(report->n_curves * REPORT_CURVE_POINTS + 1, sizeof *values);
    struct axis_range steps, range;
    size_t longest = 0;

    for (size_t i = 0; i < report->n_curves; i++) {
        longest = report->curves[i].points.n > longest ? report->curves[i].points.n : longest;
    }
    if (longest < 2) {
        return;
    }
    if (values == NULL) {
        buf_lack_memory(out);
        return;
    }
    find_ranges(report, values, &steps, &range);
    section_begin(out, "Learning curves", NULL);
    buf_puts(out, "<figure>\n");
    draw(report, &steps, &range, "wide", 1040, 340, out);
    draw(report, &steps, &range, "narrow", 400, 280, out);
    buf_puts(out, "<p class=\"legend\"><span class=\"key first\">the best trial</span> "
                  "<span class=\"key good\">the next four</span> "
                  "<span class=\"key curve\">others</span> "
                  "<span class=\"key stop\">stopped early</span></p>\n</figure>\n");
    section_end(out);
}
