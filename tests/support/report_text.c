#include "tests/support/report_text.h"

#include "common/buf.h"

static void append(struct buf *text, const char *word)
{
    buf_puts(text, text->len == 0 ? "" : " ");
    buf_puts(text, word);
}

const char *report_text(const struct metric_report *report)
{
    static struct buf text;
    char number[JSON_NUMBER_BYTES];

    buf_finish(&text);
    buf_init(&text, 1 << 20);
    if (report->has_step) {
        buf_printf(&text, "%lld", (long long)report->step);
    }
    for (size_t i = 0; i < report->n; i++) {
        append(&text, report->items[i].metric);
        buf_printf(&text, "=%s", json_format_number(report->items[i].value, number));
    }
    for (size_t i = 0; i < report->n_faults; i++) {
        const struct metric_fault *fault = &report->faults[i];
        append(&text, fault->is_label ? "(" : "!");
        buf_puts(&text, fault->is_label ? fault->metric : "");
        buf_puts(&text, fault->is_label ? ")" : "");
    }
    return buf_text(&text);
}
