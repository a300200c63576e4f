/* Writes SVG as text, inside an HTML page: shapes with the classes of report.css, no style and no
 * script of their own.
 *
 * Coordinates are rounded to a tenth. One that is not finite, or far outside every picture, is
 * moved to where it does no harm: no value of a trial can break a picture. */
#ifndef SERVER_REPORT_SVG_H
#define SERVER_REPORT_SVG_H

#include "common/buf.h"

/* Begins a picture of this size with a text for those who cannot see it. `class`: static text. */
void svg_begin(struct buf *out, const char *class, double width, double height, const char *alt);
void svg_end(struct buf *out);

void svg_line(struct buf *out, const char *class, double x1, double y1, double x2, double y2);
void svg_rect(struct buf *out, const char *class, double x, double y, double width, double height);
/* A text; the class says whether it begins, ends or has its middle at x. */
void svg_text(struct buf *out, const char *class, double x, double y, const char *text);
/* The same, cut to `max` characters; the whole text is then shown where the pointer is. */
void svg_text_cut(struct buf *out, const char *class, double x, double y, const char *text,
                  size_t max);
/* A disc, with what is shown where the pointer is; `title` NULL: nothing. */
void svg_disc(struct buf *out, const char *class, double x, double y, double r, const char *title);

/* One shape of many parts: svg_path_begin(), then moves, lines and dots, then svg_path_end(). */
void svg_path_begin(struct buf *out, const char *class);
void svg_path_move(struct buf *out, double x, double y);
void svg_path_line(struct buf *out, double x, double y);
/* A dot as wide as the class' line, whose ends are round. */
void svg_path_dot(struct buf *out, double x, double y);
/* `title` as for a disc. */
void svg_path_end(struct buf *out, const char *title);

#endif
