#include "server/report/spent.h"

#include <math.h>
#include <stdio.h>

#include "server/report/html.h"
#include "server/report/section.h"
#include "server/report/svg.h"

#define WIDTH 1040.0
#define HEIGHT 22.0

struct part {
    const char *name, *class, *what;
    double seconds;
};

static void draw(const struct part parts[], size_t n, double total, struct buf *out)
{
    double x = 0;

    svg_begin(out, "spent", WIDTH, HEIGHT, "Shares of time kept, wasted and saved");
    for (size_t i = 0; i < n; i++) {
        double width = WIDTH * parts[i].seconds / total;
        if (width > 0) {
            svg_rect(out, parts[i].class, x, 0, fmax(width - 2, 1), HEIGHT);
        }
        x += width;
    }
    svg_end(out);
}

static void write_parts(const struct part parts[], size_t n, struct buf *out)
{
    char text[SHORT_BYTES];

    buf_puts(out, "<dl class=\"facts parts\">\n");
    for (size_t i = 0; i < n; i++) {
        buf_printf(out,
                   "<div><dt><span class=\"key %s\">%s</span></dt><dd>%s<br><small>%s</small>"
                   "</dd></div>\n",
                   parts[i].name, parts[i].name, short_span(parts[i].seconds, text), parts[i].what);
    }
    buf_puts(out, "</dl>\n");
}

static void write_note(const struct ledger *ledger, char note[], size_t room)
{
    double share = ledger_best_after_share(ledger);

    (void)snprintf(note, room, "Time of workers, one slot each.");
    if (!isnan(share)) {
        (void)snprintf(note, room,
                       "Time of workers, one slot each. The best trial had ended after %.0f %% of "
                       "it.",
                       100 * share);
    }
}

void report_spent(const struct study_report *report, struct buf *out)
{
    const struct ledger *ledger = &report->ledger;
    const struct part parts[] = {
        {"kept", "bar", "by attempts whose result or checkpoint counts", ledger->kept},
        {"running", "bar first", "by attempts that run", ledger->running},
        {"wasted", "bar wasted", "by attempts that were lost, failed or cancelled", ledger->wasted},
        {"saved", "bar saved", "not spent: what stopped trials would have taken in full",
         ledger->saved},
    };
    const size_t n = sizeof parts / sizeof parts[0];
    double total = ledger->kept + ledger->running + ledger->wasted + ledger->saved;
    char note[160];

    if (!(total > 0) || isinf(total)) {
        return;
    }
    write_note(ledger, note, sizeof note);
    section_begin(out, "Compute", note);
    buf_puts(out, "<figure>\n");
    draw(parts, n, total, out);
    buf_puts(out, "</figure>\n");
    write_parts(parts, n, out);
    section_end(out);
}
