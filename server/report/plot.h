/* A picture with two axes: frame, grid, ticks and labels. The caller draws what stands inside. */
#ifndef SERVER_REPORT_PLOT_H
#define SERVER_REPORT_PLOT_H

#include "server/report/axis.h"
#include "server/report/svg.h"

struct plot {
    struct buf *out;
    double width, height;
    struct axis x, y;
};

struct plot_text {
    const char *class; /* of the picture: "wide" and "narrow" are shown on such screens only */
    const char *alt;
    const char *x_label, *y_label;
    bool whole_x; /* ticks of x at whole numbers */
};

/* Begins a picture; width, height, x and y are set, and get their places here. */
void plot_begin(struct plot *plot, const struct plot_text *text);
void plot_end(struct plot *plot);
/* The same in a band without ticks of x, whose labels the caller writes below plot->y.from. */
void plot_begin_bare(struct plot *plot, const struct plot_text *text);

#endif
