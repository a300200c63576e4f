#include "worker/cli/show/event_line.h"

#include <inttypes.h>
#include <string.h>

#include "common/cell.h"
#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/text.h"

enum { LINE_BYTES = 1 << 16 };

/* "trial-ended" of a trial that is named is "ended". */
static void append_kind(const json_t *event, struct buf *line)
{
    const char *kind = text_at(event, "kind");
    const char *dash = strchr(kind, '-');

    if (dash != NULL && strncmp(kind, "trial-", 6) == 0 && int_at(event, "trial", 0) > 0) {
        kind = dash + 1;
    }
    for (; *kind != '\0'; kind++) {
        buf_putc(line, *kind == '-' ? ' ' : *kind);
    }
}

static void append_measurements(const json_t *list, struct buf *line)
{
    const char *joint = "";
    size_t i;
    json_t *measurement;

    json_array_foreach (json_unconst(list), i, measurement) {
        char step[JSON_NUMBER_BYTES];
        const char *name;
        json_t *value;
        buf_printf(line, "%sstep %s", joint, number_text_at(measurement, "step", "?", step));
        json_object_foreach (json_object_get(measurement, "metrics"), name, value) {
            char number[TEXT_NUMBER_BYTES];
            buf_printf(line, " %s=%s", name,
                       json_is_number_like(value) ? text_number(json_number_like(value), 6, number)
                                                  : "?");
        }
        joint = "; ";
    }
}

static void append_whose(const json_t *event, struct buf *line)
{
    const char *worker = text_at(event, "worker");

    if (int_at(event, "trial", 0) > 0) {
        buf_printf(line, "trial %" PRId64, int_at(event, "trial", 0));
    }
    if (int_at(event, "trial", 0) > 0 && int_at(event, "attempt", 0) > 0) {
        buf_printf(line, ", attempt %" PRId64, int_at(event, "attempt", 0));
    }
    if (*worker != '\0') {
        buf_printf(line, "worker %s", worker);
    }
}

void event_line(const json_t *event, struct buf *out)
{
    const json_t *measured = json_object_get(json_object_get(event, "report"), "measurements");
    char moment[TEXT_MOMENT_BYTES];
    OWN(buf) struct buf line = {0};
    OWN(buf) struct buf whose = {0};

    buf_init(&line, LINE_BYTES);
    buf_init(&whose, LINE_BYTES);
    append_whose(event, &whose);
    buf_printf(&line, "%s  %s  %s%s", text_local(text_at(event, "at"), moment),
               text_at(event, "study"), buf_text(&whose), whose.len > 0 ? ": " : "");
    if (measured != NULL) {
        append_measurements(measured, &line);
    } else {
        append_kind(event, &line);
    }
    if (*text_at(event, "detail") != '\0') {
        buf_printf(&line, ": %s", text_at(event, "detail"));
    }
    cell_append_clean(out, buf_text(&line));
}
