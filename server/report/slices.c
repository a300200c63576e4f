#include "server/report/slices.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/report/html.h"
#include "server/report/param_axis.h"
#include "server/report/plot.h"
#include "server/report/section.h"
#include "server/report/trial_text.h"

#define SLICES_MAX 24
#define DOTS_MAX 24000 /* of all slices together */
#define WIDTH 320.0
#define HEIGHT 210.0
#define TOP_SHARE 10 /* the best tenth stands out */

struct slices {
    const struct study_report *report;
    struct axis_range range;
    size_t n; /* of the ranked trials, the best first: those that are drawn */
    const struct shown_trial **trials;
};

/* All with a configuration, thinned out where the slices together would have too many dots. */
static void choose(struct slices *slices, size_t n_params)
{
    const struct study_report *report = slices->report;
    size_t n_known = 0;
    size_t k = 0;

    for (size_t i = 0; i < report->n_ranked; i++) {
        n_known += report->trials[report->ranked[i]].config != NULL;
    }
    size_t every = n_known * n_params / DOTS_MAX + 1;
    for (size_t i = 0; i < report->n_ranked; i++) {
        const struct shown_trial *trial = &report->trials[report->ranked[i]];
        if (trial->config != NULL && k++ % every == 0) {
            slices->trials[slices->n++] = trial;
        }
    }
}

/* ---- one slice ---- */

static void draw_ticks(const struct plot *plot, const struct param *param)
{
    struct param_tick ticks[PARAM_TICKS];
    size_t n = param_axis_ticks(param, 4, ticks, plot->out);
    size_t room = n == 0 ? 0 : (size_t)((plot->x.to - plot->x.from) / 7.0 / (double)n);

    for (size_t i = 0; i < n; i++) {
        double x = axis_place(&plot->x, ticks[i].place);
        svg_line(plot->out, "mark", x, plot->y.from, x, plot->y.from + 4);
        svg_text_cut(plot->out, "tick middle", x, plot->y.from + 18, ticks[i].text,
                     room < 3 ? 3 : room);
    }
}

/* Choices lie on top of each other: they are moved apart within their band, always in the same way.
 */
static double spread(const struct param *param, int64_t number)
{
    double band = param->n_cells > 0 && param->n_cells <= 12 ? 0.5 / (double)param->n_cells : 0;

    return band * (fmod((double)number * 0.6180339887498949, 1) - 0.5);
}

static void draw_dots(const struct slices *slices, const struct plot *plot, size_t first,
                      size_t from, size_t to, const char *class)
{
    const struct space *space = slices->report->def->space;

    svg_path_begin(plot->out, class);
    for (size_t i = to; i-- > from;) {
        const struct shown_trial *trial = slices->trials[i];
        double place = param_axis_place(space, first, trial->config);
        if (!isnan(place) && axis_holds(&plot->y, trial->values[0])) {
            place += spread(&space->params[first], trial->number);
            svg_path_dot(plot->out, axis_place(&plot->x, place),
                         axis_place(&plot->y, trial->values[0]));
        }
    }
    svg_path_end(plot->out, NULL);
}

static void draw_winner(const struct slices *slices, const struct plot *plot, size_t first)
{
    const struct shown_trial *trial = slices->trials[0];
    const struct space *space = slices->report->def->space;
    double place = param_axis_place(space, first, trial->config);

    if (isnan(place)) {
        return;
    }
    OWN(buf) struct buf title;
    buf_init(&title, 1 << 20);
    trial_text(slices->report, trial, &title);
    place += spread(&space->params[first], trial->number);
    svg_disc(plot->out, "winner", axis_place(&plot->x, place),
             axis_place(&plot->y, trial->values[0]), 4.5, buf_text(&title));
    buf_check_part(plot->out, &title);
}

static void draw(const struct slices *slices, size_t first, struct buf *out)
{
    const struct study_def *def = slices->report->def;
    const struct param *param = &def->space->params[first];
    struct plot plot = {.out = out, .width = WIDTH, .height = HEIGHT};
    size_t n_top = slices->n / TOP_SHARE + 1;
    OWN(buf) struct buf alt;

    buf_init(&alt, 4096);
    buf_printf(&alt, "%s against %s", def->objectives[0].metric, param->name);
    const struct plot_text text = {"slice", buf_text(&alt), param->name, def->objectives[0].metric,
                                   false};
    axis_init(&plot.x, -0.03, 1.03, false);
    axis_init(&plot.y, slices->range.low, slices->range.high, slices->range.is_log);
    plot_begin_bare(&plot, &text);
    draw_ticks(&plot, param);
    draw_dots(slices, &plot, first, n_top, slices->n, "dots");
    draw_dots(slices, &plot, first, 0, n_top < slices->n ? n_top : slices->n, "dots top");
    draw_winner(slices, &plot, first);
    plot_end(&plot);
    buf_check_part(out, &alt);
}

static void draw_all(const struct slices *slices, size_t n, const size_t params[], size_t n_left,
                     struct buf *out)
{
    char note[200];

    (void)snprintf(note, sizeof note,
                   "Each dot is a trial; the best tenth is coloured, the best trial ringed.%s",
                   slices->report->shares != NULL ? " The most important parameter comes first."
                                                  : "");
    section_begin(out, "Parameters one by one", note);
    buf_puts(out, "<div class=\"slices\">\n");
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, "<figure>\n");
        draw(slices, params[i], out);
        buf_puts(out, "</figure>\n");
    }
    buf_puts(out, "</div>\n");
    if (n_left > 0) {
        buf_printf(out, "<p class=\"note\">%zu more parameters are not drawn.</p>\n", n_left);
    }
    section_end(out);
}

void report_slices(const struct study_report *report, struct buf *out)
{
    OWN(memory) const struct shown_trial **trials = calloc(REPORT_CONFIGS + 1, sizeof *trials);
    OWN(memory) double *values = calloc(REPORT_CONFIGS + 1, sizeof *values);
    struct slices slices = {.report = report, .trials = trials};
    size_t params[SLICES_MAX];
    size_t n_left;

    if (trials == NULL || values == NULL) {
        buf_lack_memory(out);
        return;
    }
    size_t n = report_params(report, SLICES_MAX, params, &n_left, out);
    if (report->def->n_objectives != 1 || n == 0) {
        return;
    }
    choose(&slices, n);
    if (slices.n == 0) {
        return;
    }
    trial_range(report, slices.n, trials, values, &slices.range);
    draw_all(&slices, n, params, n_left, out);
}
