#include "server/api/provenance.h"

#include <jansson.h>

#include "server/schedule/schedule.h"
#include "server/strategy/strategy.h"

enum { TEXT_MAX = 1000 };

static const char *say(const struct study_def *study, const struct trial_row *row, struct buf *text)
{
    json_auto_t *noted = row->explain == NULL ? NULL : json_loads(row->explain, 0, NULL);
    const char *search = schedule_search(study);

    if (row->source == SOURCE_IMPORTED) {
        buf_puts(text, "evaluated elsewhere and imported; models learn from it");
        return "imported";
    }
    if (row->source == SOURCE_ENQUEUED) {
        buf_puts(text, "asked for by whoever enqueued it; no strategy chose it");
        return "enqueued";
    }
    if (row->fallback) {
        buf_printf(text, "a point that fills the space evenly, in the place of one from %s, %s",
                   search,
                   noted == NULL ? "which failed or was not ready in time"
                                 : "whose model could not be fitted to these results");
        return "fallback";
    }
    return strategy_describe(search, noted, row->ordinal, text);
}

void provenance_write(const struct study_def *study, const struct trial_row *row,
                      struct json_writer *w)
{
    OWN(buf) struct buf text;

    buf_init(&text, TEXT_MAX);
    const char *kind = say(study, row, &text);
    json_object_begin(w);
    json_put_string(w, "kind", kind);
    json_put_string(w, "text", buf_text(&text));
    json_object_end(w);
}
