#include "server/report/bars.h"

#include <stdio.h>
#include <string.h>

#include "common/step.h"
#include "server/report/html.h"
#include "server/report/param_axis.h"
#include "server/report/section.h"
#include "server/report/svg.h"

#define BARS_MAX 20
#define ROW 26.0
#define VALUE 60.0

static void draw(const struct study_report *report, size_t n, const size_t params[],
                 const char *class, double width, struct buf *out)
{
    double label = width * 0.3;
    double room = width - label - VALUE;
    double most = report->shares[params[0]].share;
    char text[40];

    svg_begin(out, class, width, ROW * (double)n + 4,
              "Share of each parameter in whether a trial is among the best");
    for (size_t i = 0; i < n; i++) {
        double share = report->shares[params[i]].share;
        double y = ROW * (double)i;
        (void)snprintf(text, sizeof text, "%.1f %%", 100 * share);
        svg_text_cut(out, "label end", label - 10, y + 17,
                     report->def->space->params[params[i]].name, (size_t)(label / 7.5));
        svg_rect(out, i == 0 ? "bar first" : "bar", label, y + 4, room * share / most, ROW - 8);
        svg_text(out, "tick", label + room * share / most + 7, y + 17, text);
    }
    svg_end(out);
}

static void write_note(const struct study_report *report, char note[], size_t room)
{
    const struct importance *importance = &report->importance;
    char level[STEP_BYTES];
    int n = snprintf(note, room,
                     "PED-ANOVA: how much each parameter alone separates the best %zu of %zu "
                     "trials from the others",
                     importance->n_top, importance->n);

    if (report->importance_level > 0 && n > 0 && (size_t)n < room) {
        n += snprintf(note + n, room - (size_t)n, ", compared at %.40s %s",
                      report->def->resource_name,
                      step_format(report->importance_level, report->def->resource_digits, level));
    }
    if (n > 0 && (size_t)n < room) {
        (void)snprintf(note + n, room - (size_t)n, ".%s",
                       importance->few ? " With so few trials these shares are mostly chance."
                                       : "");
    }
}

void report_importance(const struct study_report *report, struct buf *out)
{
    size_t params[BARS_MAX];
    size_t n_left;
    char note[400];

    if (report->shares == NULL || report->importance.n < 2) {
        return;
    }
    size_t n = report_params(report, BARS_MAX, params, &n_left, out);
    if (n == 0 || report->shares[params[0]].share <= 0) {
        return;
    }
    write_note(report, note, sizeof note);
    section_begin(out, "Importance", note);
    buf_puts(out, "<figure>\n");
    draw(report, n, params, "bars wide", 680, out);
    draw(report, n, params, "bars narrow", 380, out);
    buf_puts(out, "</figure>\n");
    section_end(out);
}
