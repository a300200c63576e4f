#include "server/report/plot.h"

#include "server/report/html.h"

#define LEFT 52.0
#define RIGHT 14.0
#define TOP 26.0
#define BOTTOM 40.0
#define PIXELS_PER_X_TICK 90.0
#define PIXELS_PER_Y_TICK 44.0

static void draw_y(const struct plot *plot)
{
    double ticks[AXIS_TICKS];
    char text[SHORT_BYTES];
    double span = plot->y.from - plot->y.to;
    size_t n = axis_ticks(&plot->y, (size_t)(span / PIXELS_PER_Y_TICK) + 1, ticks);

    for (size_t i = 0; i < n; i++) {
        double y = axis_place(&plot->y, ticks[i]);
        svg_line(plot->out, "grid", plot->x.from, y, plot->x.to, y);
        svg_text(plot->out, "tick end", plot->x.from - 8, y + 4, short_number(ticks[i], text));
    }
}

static void draw_x(const struct plot *plot, bool whole)
{
    double ticks[AXIS_TICKS];
    char text[SHORT_BYTES];
    size_t wanted = (size_t)((plot->x.to - plot->x.from) / PIXELS_PER_X_TICK) + 1;
    size_t n = (whole ? axis_whole_ticks : axis_ticks)(&plot->x, wanted, ticks);

    for (size_t i = 0; i < n; i++) {
        double x = axis_place(&plot->x, ticks[i]);
        svg_line(plot->out, "mark", x, plot->y.from, x, plot->y.from + 4);
        svg_text(plot->out, "tick middle", x, plot->y.from + 18, short_number(ticks[i], text));
    }
}

void plot_begin_bare(struct plot *plot, const struct plot_text *text)
{
    plot->x.from = LEFT;
    plot->x.to = plot->width - RIGHT;
    plot->y.from = plot->height - BOTTOM;
    plot->y.to = TOP;
    svg_begin(plot->out, text->class, plot->width, plot->height, text->alt);
    draw_y(plot);
    svg_line(plot->out, "frame", plot->x.from, plot->y.from, plot->x.to, plot->y.from);
    svg_text_cut(plot->out, "label", 2, 13, text->y_label, 40);
    svg_text_cut(plot->out, "label end", plot->x.to, plot->height - 5, text->x_label, 40);
}

void plot_begin(struct plot *plot, const struct plot_text *text)
{
    plot_begin_bare(plot, text);
    draw_x(plot, text->whole_x);
}

void plot_end(struct plot *plot)
{
    svg_end(plot->out);
}
