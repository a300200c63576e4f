#include "server/report/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "server/report/html.h"

#define FAR 20000.0

static void put(struct buf *out, double value)
{
    char text[32];
    double kept = isnan(value) ? 0 : fmin(fmax(value, -FAR), FAR);

    (void)snprintf(text, sizeof text, "%.1f", kept);
    size_t len = strlen(text);
    if (len > 2 && text[len - 1] == '0') { /* "12.0" */
        text[len - 2] = '\0';
    }
    buf_puts(out, strcmp(text, "-0") == 0 ? "0" : text);
}

static void attribute(struct buf *out, const char *name, double value)
{
    buf_printf(out, " %s=\"", name);
    put(out, value);
    buf_putc(out, '"');
}

void svg_begin(struct buf *out, const char *class, double width, double height, const char *alt)
{
    buf_printf(out, "<svg class=\"%s\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"", class,
               width, height);
    html_text(out, alt);
    buf_puts(out, "\">\n");
}

void svg_end(struct buf *out)
{
    buf_puts(out, "</svg>\n");
}

void svg_line(struct buf *out, const char *class, double x1, double y1, double x2, double y2)
{
    buf_printf(out, "<line class=\"%s\"", class);
    attribute(out, "x1", x1);
    attribute(out, "y1", y1);
    attribute(out, "x2", x2);
    attribute(out, "y2", y2);
    buf_puts(out, "/>\n");
}

void svg_rect(struct buf *out, const char *class, double x, double y, double width, double height)
{
    buf_printf(out, "<rect class=\"%s\"", class);
    attribute(out, "x", x);
    attribute(out, "y", y);
    attribute(out, "width", fmax(width, 0));
    attribute(out, "height", fmax(height, 0));
    buf_puts(out, "/>\n");
}

static void text_begin(struct buf *out, const char *class, double x, double y)
{
    buf_printf(out, "<text class=\"%s\"", class);
    attribute(out, "x", x);
    attribute(out, "y", y);
    buf_putc(out, '>');
}

void svg_text(struct buf *out, const char *class, double x, double y, const char *text)
{
    text_begin(out, class, x, y);
    html_text(out, text);
    buf_puts(out, "</text>\n");
}

static void put_title(struct buf *out, const char *title)
{
    buf_puts(out, "<title>");
    html_text(out, title);
    buf_puts(out, "</title>");
}

void svg_text_cut(struct buf *out, const char *class, double x, double y, const char *text,
                  size_t max)
{
    text_begin(out, class, x, y);
    if (html_text_cut(out, text, max)) {
        put_title(out, text);
    }
    buf_puts(out, "</text>\n");
}

static void shape_end(struct buf *out, const char *name, const char *title)
{
    if (title == NULL) {
        buf_puts(out, "/>\n");
        return;
    }
    buf_putc(out, '>');
    put_title(out, title);
    buf_printf(out, "</%s>\n", name);
}

void svg_disc(struct buf *out, const char *class, double x, double y, double r, const char *title)
{
    buf_printf(out, "<circle class=\"%s\"", class);
    attribute(out, "cx", x);
    attribute(out, "cy", y);
    attribute(out, "r", r);
    shape_end(out, "circle", title);
}

void svg_path_begin(struct buf *out, const char *class)
{
    buf_printf(out, "<path class=\"%s\" d=\"", class);
}

static void put_point(struct buf *out, char command, double x, double y)
{
    buf_putc(out, command);
    put(out, x);
    buf_putc(out, ' ');
    put(out, y);
}

void svg_path_move(struct buf *out, double x, double y)
{
    put_point(out, 'M', x, y);
}

void svg_path_line(struct buf *out, double x, double y)
{
    put_point(out, 'L', x, y);
}

void svg_path_dot(struct buf *out, double x, double y)
{
    put_point(out, 'M', x, y);
    buf_puts(out, "h0");
}

void svg_path_end(struct buf *out, const char *title)
{
    buf_putc(out, '"');
    shape_end(out, "path", title);
}
