#include "server/api/provenance.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "server/schedule/schedule.h"

enum { TEXT_MAX = 1000 };

static int64_t int_of(const json_t *noted, const char *key)
{
    return json_integer_value(json_object_get(noted, key));
}

static void put_number(struct buf *text, const json_t *value)
{
    buf_printf(text, "%.4g", json_number_value(value));
}

static void say_compared(const json_t *noted, struct buf *text)
{
    const json_t *compared = json_object_get(noted, "compared");
    int64_t candidates = int_of(compared, "candidates");
    int64_t incumbent = int_of(noted, "incumbent_trial");

    if (candidates > 0) {
        buf_printf(text, "; the most promising of %" PRId64 " candidates", candidates);
    }
    if (incumbent > 0) {
        buf_printf(text, ", when trial %" PRId64 " was the best with ", incumbent);
        put_number(text, json_object_get(noted, "incumbent"));
    }
}

/* Which older studies had a say. */
static void say_followed(const json_t *noted, struct buf *text)
{
    size_t n = 0;
    size_t i;
    json_t *one;

    json_array_foreach (json_object_get(noted, "after"), i, one) {
        if (json_number_value(json_object_get(one, "weight")) > 0.0) {
            buf_printf(text, "%s%s", n++ == 0 ? "; it followed " : ", ",
                       json_string_value(json_object_get(one, "study")));
        }
    }
}

/* "a Gaussian process on 40 results and 3 running trials expected 0.91 ± 0.02; …" */
static void say_process(const json_t *noted, struct buf *text)
{
    const json_t *predicted = json_object_get(noted, "predicted");

    buf_printf(text,
               "a Gaussian process on %" PRId64 " results and %" PRId64 " running trials expected ",
               int_of(noted, "results"), int_of(noted, "pending"));
    put_number(text, json_object_get(predicted, "mean"));
    buf_puts(text, " ± ");
    put_number(text, json_object_get(predicted, "sd"));
    say_compared(noted, text);
    say_followed(noted, text);
}

static void say_densities(const json_t *noted, struct buf *text)
{
    buf_printf(text,
               "drawn where the best %" PRId64 " of %" PRId64
               " results are dense and the others, with %" PRId64 " running trials, are not",
               int_of(noted, "good"), int_of(noted, "results"), int_of(noted, "pending"));
    say_compared(noted, text);
}

/* What the strategy noted, by the model that it names. */
static const char *say_noted(const json_t *noted, const char *search, struct buf *text)
{
    const char *model = json_string_value(json_object_get(noted, "model"));

    if (model == NULL) {
        return NULL;
    }
    if (strcmp(model, "gaussian_process") == 0) {
        say_process(noted, text);
        return "model";
    }
    if (strcmp(model, "parzen") == 0) {
        say_densities(noted, text);
        return "model";
    }
    if (strcmp(model, "design") == 0) {
        buf_printf(
            text, "point %" PRId64 " of the %" PRId64 " that %s begins with, before it has a model",
            int_of(noted, "point"), int_of(noted, "of"), search);
        return "initial_design";
    }
    if (strcmp(model, "transfer") == 0) {
        buf_printf(text,
                   "trial %" PRId64 " of the study %s, which this one comes after, was good there",
                   int_of(noted, "trial"), json_string_value(json_object_get(noted, "study")));
        return "transfer";
    }
    if (strcmp(model, "quasi_random") == 0) {
        buf_puts(text,
                 "a point that fills the space evenly: there are too few results for a model, or "
                 "all that it proposed had been tried");
        return "quasirandom";
    }
    return NULL;
}

static const char *say_search(const char *search, uint64_t ordinal, struct buf *text)
{
    if (strcmp(search, "grid") == 0) {
        buf_printf(text, "point %" PRIu64 " of the grid", ordinal);
    } else if (strcmp(search, "quasirandom") == 0) {
        buf_printf(text, "point %" PRIu64 " of a sequence that fills the space evenly", ordinal);
    } else {
        buf_printf(text,
                   "drawn by chance: number %" PRIu64 " of the stream that the study's seed begins",
                   ordinal);
    }
    return search;
}

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
    const char *kind = say_noted(noted, search, text);
    return kind != NULL ? kind : say_search(search, row->ordinal, text);
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
