#include "server/api/metric_lines.h"

#include <inttypes.h>
#include <math.h>

#include "common/json.h"

void metric_head(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP hone_%s %s\n# TYPE hone_%s %s\n", name, help, name, type);
}

static void write_escaped(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            buf_puts(out, "\\n");
            continue;
        }
        if (*text == '"' || *text == '\\') {
            buf_putc(out, '\\');
        }
        buf_putc(out, *text);
    }
}

/* Without the closing brace; returns what goes before the next label. */
static const char *write_labels(struct buf *out, const struct metric_labels *labels)
{
    const char *joint = "{";

    for (size_t i = 0; labels != NULL && i < 2 && labels->names[i] != NULL; i++) {
        buf_printf(out, "%s%s=\"", joint, labels->names[i]);
        write_escaped(out, labels->values[i]);
        buf_putc(out, '"');
        joint = ",";
    }
    return joint;
}

static void write_series(struct buf *out, const char *name, const char *suffix,
                         const struct metric_labels *labels)
{
    buf_printf(out, "hone_%s%s", name, suffix);
    if (*write_labels(out, labels) == ',') {
        buf_putc(out, '}');
    }
    buf_putc(out, ' ');
}

static void write_value(struct buf *out, double value)
{
    char text[JSON_NUMBER_BYTES];

    if (isinf(value)) {
        buf_puts(out, value > 0 ? "+Inf\n" : "-Inf\n");
    } else {
        buf_printf(out, "%s\n", json_format_number(value, text));
    }
}

void metric_line(struct buf *out, const char *name, const struct metric_labels *labels,
                 double value)
{
    write_series(out, name, "", labels);
    write_value(out, value);
}

void metric_histogram(struct buf *out, const char *name, const struct metric_labels *labels,
                      const struct histogram *histogram)
{
    uint64_t n = 0;

    for (int i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        char bound[JSON_NUMBER_BYTES] = "+Inf";
        n += atomic_load_explicit(&histogram->counts[i], memory_order_relaxed);
        if (i < HISTOGRAM_BUCKETS) {
            (void)json_format_number(histogram_bound(i), bound);
        }
        buf_printf(out, "hone_%s_bucket", name);
        const char *joint = write_labels(out, labels);
        buf_printf(out, "%sle=\"%s\"} %" PRIu64 "\n", joint, bound, n);
    }
    write_series(out, name, "_sum", labels);
    write_value(out, (double)atomic_load_explicit(&histogram->sum_us, memory_order_relaxed) / 1e6);
    write_series(out, name, "_count", labels);
    write_value(out, (double)n);
}

void metric_single(struct buf *out, const char *name, const char *type, const char *help,
                   double value)
{
    metric_head(out, name, type, help);
    metric_line(out, name, NULL, value);
}
