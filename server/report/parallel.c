#include "server/report/parallel.h"

#include <math.h>
#include <stdlib.h>

#include "server/report/axis.h"
#include "server/report/html.h"
#include "server/report/param_axis.h"
#include "server/report/section.h"
#include "server/report/svg.h"
#include "server/report/trial_text.h"

#define LINES_MAX 500
#define AXES_MAX 12
#define VALUE_AXES_MAX 3
#define NARROW_AXES 3
#define TITLED_MAX 60 /* lines that say which trial they are */
#define TOP 44.0
#define BOTTOM 26.0
#define SIDE 46.0

struct parallel {
    const struct study_report *report;
    size_t n; /* lines, the best first */
    const struct shown_trial *trials[LINES_MAX];
    size_t n_params;
    size_t params[AXES_MAX];
    size_t n_values; /* objectives that have an axis */
    struct axis_range ranges[VALUE_AXES_MAX];
};

struct drawing {
    const struct parallel *parallel;
    struct buf *out;
    double width, height;
    size_t n_params; /* the axes of the objectives follow */
    size_t n_axes;
    struct axis values[VALUE_AXES_MAX];
};

static double axis_x(const struct drawing *drawing, size_t k)
{
    return SIDE + (drawing->width - 2 * SIDE) * (double)k / (double)(drawing->n_axes - 1);
}

/* Where the place 0 to 1 lies; NaN, a parameter that is not active, below the axis. */
static double axis_y(const struct drawing *drawing, double place)
{
    double bottom = drawing->height - BOTTOM;

    return isnan(place) ? bottom + 14 : bottom - place * (bottom - 16 - TOP);
}

static double place_of(const struct drawing *drawing, size_t k, const struct shown_trial *trial)
{
    const struct parallel *parallel = drawing->parallel;

    if (k < drawing->n_params) {
        return param_axis_place(parallel->report->def->space, parallel->params[k], trial->config);
    }
    k -= drawing->n_params;
    return axis_place(&drawing->values[k], trial->values[k]);
}

/* ---- axes ---- */

static void draw_tick(const struct drawing *drawing, size_t k, double place, const char *text)
{
    bool is_last = k + 1 == drawing->n_axes;
    double x = axis_x(drawing, k);
    double y = axis_y(drawing, place);

    svg_line(drawing->out, "mark", x - 3, y, x + 3, y);
    svg_text_cut(drawing->out, is_last ? "tick over" : "tick over end", is_last ? x + 7 : x - 6,
                 y + 4, text, 9);
}

static void draw_param_ticks(const struct drawing *drawing, size_t k, const struct param *param)
{
    struct param_tick ticks[PARAM_TICKS];
    size_t n = param_axis_ticks(param, 6, ticks, drawing->out);

    for (size_t i = 0; i < n; i++) {
        draw_tick(drawing, k, ticks[i].place, ticks[i].text);
    }
}

static void draw_value_ticks(const struct drawing *drawing, size_t k, const struct axis *axis)
{
    double values[AXIS_TICKS];
    char text[SHORT_BYTES];
    size_t n = axis_ticks(axis, 6, values);

    for (size_t i = 0; i < n; i++) {
        draw_tick(drawing, k, axis_place(axis, values[i]), short_number(values[i], text));
    }
}

static void draw_axis(const struct drawing *drawing, size_t k)
{
    const struct study_def *def = drawing->parallel->report->def;
    bool is_param = k < drawing->n_params;
    double x = axis_x(drawing, k);
    size_t room = (size_t)((drawing->width - 2 * SIDE) / (double)(drawing->n_axes - 1) / 7);
    const struct param *param = is_param ? &def->space->params[drawing->parallel->params[k]] : NULL;

    svg_line(drawing->out, "axis", x, axis_y(drawing, 0), x, axis_y(drawing, 1));
    bool is_outer = k == 0 || k + 1 == drawing->n_axes;
    svg_text_cut(drawing->out, "label middle", x, k % 2 == 0 || room > 12 ? 30 : 15,
                 is_param ? param->name : def->objectives[k - drawing->n_params].metric,
                 is_outer || room <= 12 ? 13 : room);
    if (is_param) {
        draw_param_ticks(drawing, k, param);
    } else {
        draw_value_ticks(drawing, k, &drawing->values[k - drawing->n_params]);
    }
}

/* ---- lines ---- */

static void draw_line(const struct drawing *drawing, size_t rank, const char *class)
{
    const struct shown_trial *trial = drawing->parallel->trials[rank];
    OWN(buf) struct buf title;

    buf_init(&title, 1 << 20);
    if (rank < TITLED_MAX) {
        trial_text(drawing->parallel->report, trial, &title);
    }
    svg_path_begin(drawing->out, class);
    for (size_t k = 0; k < drawing->n_axes; k++) {
        (k == 0 ? svg_path_move : svg_path_line)(drawing->out, axis_x(drawing, k),
                                                 axis_y(drawing, place_of(drawing, k, trial)));
    }
    svg_path_end(drawing->out, title.len > 0 ? buf_text(&title) : NULL);
    buf_check_part(drawing->out, &title);
}

/* With several objectives the front leads the ranks. */
static const char *line_class(const struct parallel *parallel, size_t rank)
{
    if (parallel->report->def->n_objectives > 1) {
        return rank < parallel->report->front.n ? "line top" : "line";
    }
    return rank == 0                     ? "line first"
           : rank < parallel->n / 20 + 1 ? "line top"
           : rank < parallel->n / 4 + 1  ? "line good"
                                         : "line";
}

static void draw(const struct parallel *parallel, const char *class, double width, double height,
                 size_t n_params, struct buf *out)
{
    const struct study_def *def = parallel->report->def;
    struct drawing drawing = {.parallel = parallel, .out = out, .width = width, .height = height};
    OWN(buf) struct buf alt;

    buf_init(&alt, 1 << 16);
    buf_printf(&alt, "Parallel coordinates of the best %zu trials over", parallel->n);
    for (size_t k = 0; k < n_params; k++) {
        buf_printf(&alt, " %s,", def->space->params[parallel->params[k]].name);
    }
    buf_printf(&alt, " and %s", def->objectives[0].metric);
    drawing.n_params = n_params;
    drawing.n_axes = n_params + parallel->n_values;
    for (size_t k = 0; k < parallel->n_values; k++) {
        const struct axis_range *range = &parallel->ranges[k];
        axis_init(&drawing.values[k], range->low, range->high, range->is_log);
    }
    svg_begin(out, class, width, height, buf_text(&alt));
    for (size_t rank = parallel->n; rank-- > 0;) { /* the best on top */
        draw_line(&drawing, rank, line_class(parallel, rank));
    }
    for (size_t k = 0; k < drawing.n_axes; k++) {
        draw_axis(&drawing, k);
    }
    svg_end(out);
    buf_check_part(out, &alt);
}

static void choose(struct parallel *parallel)
{
    const struct study_report *report = parallel->report;

    for (size_t i = 0; i < report->n_ranked && parallel->n < LINES_MAX; i++) {
        const struct shown_trial *trial = &report->trials[report->ranked[i]];
        if (trial->config != NULL) {
            parallel->trials[parallel->n++] = trial;
        }
    }
}

static void find_ranges(struct parallel *parallel)
{
    const struct study_def *def = parallel->report->def;
    double values[LINES_MAX];

    parallel->n_values = def->n_objectives < VALUE_AXES_MAX ? def->n_objectives : VALUE_AXES_MAX;
    for (size_t k = 0; k < parallel->n_values; k++) {
        for (size_t i = 0; i < parallel->n; i++) {
            values[i] = parallel->trials[i]->values[k];
        }
        axis_range_of(parallel->n, values, def->objectives[k].direction == DIRECTION_MINIMIZE,
                      &parallel->ranges[k]);
    }
}

static void write_legend(const struct parallel *parallel, size_t n_left, struct buf *out)
{
    if (parallel->report->def->n_objectives > 1) {
        buf_puts(out, "<p class=\"legend\"><span class=\"key top\">on the Pareto front</span> "
                      "<span class=\"key line\">others</span></p>\n");
    } else {
        buf_puts(out, "<p class=\"legend\"><span class=\"key first\">the best trial</span> "
                      "<span class=\"key top\">the best twentieth</span> "
                      "<span class=\"key good\">the best quarter</span> "
                      "<span class=\"key line\">others</span></p>\n");
    }
    buf_printf(out, "<p class=\"note\">%s%zu trials.", parallel->n == LINES_MAX ? "The best " : "",
               parallel->n);
    if (n_left > 0) {
        buf_printf(out, " %zu more parameters are not drawn.", n_left);
    }
    buf_puts(out, " A line below an axis: the parameter is not active.</p>\n");
}

void report_parallel(const struct study_report *report, struct buf *out)
{
    struct parallel parallel = {.report = report};
    size_t n_left;

    parallel.n_params = report_params(report, AXES_MAX, parallel.params, &n_left, out);
    choose(&parallel);
    if (parallel.n < 2 || parallel.n_params == 0) {
        return;
    }
    find_ranges(&parallel);
    section_begin(out, "Parallel coordinates", NULL);
    buf_puts(out, "<figure>\n");
    draw(&parallel, "wide", 1040, 400, parallel.n_params, out);
    draw(&parallel, "narrow", 400, 320,
         parallel.n_params < NARROW_AXES ? parallel.n_params : NARROW_AXES, out);
    write_legend(&parallel, n_left, out);
    buf_puts(out, "</figure>\n");
    section_end(out);
}
