#include "server/report/page.h"

#include "server/report/bars.h"
#include "server/report/curves.h"
#include "server/report/definition.h"
#include "server/report/front.h"
#include "server/report/head.h"
#include "server/report/history.h"
#include "server/report/html.h"
#include "server/report/parallel.h"
#include "server/report/slices.h"
#include "server/report/spent.h"
#include "server/report/study_report.h"
#include "server/report/style.h"
#include "server/report/tables.h"

static void write_frame(const struct study_report *report, struct buf *out)
{
    buf_puts(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                  "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                  "style-src 'unsafe-inline'\">\n"
                  "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                  "<meta name=\"color-scheme\" content=\"light dark\">\n"
                  "<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    html_text(out, report->def->name);
    buf_puts(out, " – Hone</title>\n<style>\n");
    buf_puts(out, report_style[0]);
    buf_puts(out, "</style>\n</head>\n<body>\n<main>\n");
}

int study_report_write(const struct study_report *report, struct buf *out, struct err *err)
{
    static void (*const sections[])(const struct study_report *report, struct buf *out) = {
        report_head,       report_best,   report_history,   report_curves,   report_front,
        report_importance, report_slices, report_parallel,  report_brackets, report_spent,
        report_failures,   report_trials, report_definition};

    write_frame(report, out);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        sections[i](report, out);
    }
    buf_puts(out, "</main>\n</body>\n</html>\n");
    return buf_check(out, err);
}
