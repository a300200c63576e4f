#include "common/bounds_text.h"

#include <inttypes.h>
#include <string.h>

#include "common/figures.h"
#include "common/json_at.h"

enum { DIGITS = 6 };

static int64_t completed_of(const json_t *answer)
{
    const json_t *counts = json_object_get(answer, "counts");

    return counts != NULL ? int_at(counts, "completed", 0) : int_at(answer, "completed_trials", 0);
}

void bounds_append_count(struct buf *out, const json_t *answer)
{
    int64_t feasible = int_at(answer, "feasible_trials", -1);
    int64_t completed = completed_of(answer);

    if (feasible < 0) {
        return;
    }
    if (completed == 0) {
        buf_puts(out, "no trial is complete yet");
    } else if (feasible == 0) {
        buf_printf(out, "none of %" PRId64 " completed trials is feasible", completed);
    } else {
        buf_printf(out, "%" PRId64 " of %" PRId64 " completed trial%s %s feasible", feasible,
                   completed, completed == 1 ? "" : "s", feasible == 1 ? "is" : "are");
    }
}

/* "; reported were loss and p99_ms": a name of these was meant, most likely. */
static void append_reported(struct buf *out, const json_t *names)
{
    size_t n = json_array_size(names);
    size_t i;
    json_t *name;

    json_array_foreach (json_unconst(names), i, name) {
        buf_puts(out, i == 0 ? "; reported were " : i + 1 == n ? " and " : ", ");
        buf_puts(out, json_is_string(name) ? json_string_value(name) : "");
    }
}

void bounds_append_never_reported(struct buf *out, const json_t *answer)
{
    const json_t *names = json_object_get(answer, "never_reported");
    size_t n = json_array_size(names);
    size_t i;
    json_t *name;

    json_array_foreach (json_unconst(names), i, name) {
        buf_puts(out, i == 0 ? "no trial has reported " : i + 1 == n ? " or " : ", ");
        buf_puts(out, json_is_string(name) ? json_string_value(name) : "");
    }
    if (n > 0) {
        buf_puts(out, ", which subject_to names");
        append_reported(out, json_object_get(answer, "reported_metrics"));
    }
}

void bounds_append_constraint(struct buf *out, const json_t *constraint)
{
    const json_t *satisfied = json_object_get(constraint, "satisfied");
    const char *metric = text_at(constraint, "metric");

    if (satisfied == NULL || json_is_null(satisfied)) {
        buf_printf(out, "%s was not reported, so whether %s holds is not known", metric,
                   text_at(constraint, "constraint"));
        return;
    }
    buf_printf(out, "%s ", metric);
    value_append(out, json_object_get(constraint, "value"), DIGITS);
    buf_printf(out, " %s %s", json_is_true(satisfied) ? "satisfies" : "violates",
               text_at(constraint, "constraint"));
    if (!json_is_true(satisfied)) {
        buf_puts(out, " by ");
        value_append(out, json_object_get(constraint, "excess"), DIGITS);
    }
}

void bounds_append_nearest(struct buf *out, const json_t *best)
{
    const json_t *nearest = json_object_get(best, "nearest");
    const char *joint = ": ";
    size_t i;
    json_t *constraint;

    if (!json_is_object(nearest)) {
        return;
    }
    buf_printf(out, "the nearest is trial %" PRId64, int_at(nearest, "trial", 0));
    json_array_foreach (json_object_get(nearest, "constraints"), i, constraint) {
        if (!json_is_true(json_object_get(constraint, "satisfied"))) {
            buf_puts(out, joint);
            bounds_append_constraint(out, constraint);
            joint = ", ";
        }
    }
}

const char *bounds_feasible_word(const json_t *trial)
{
    const json_t *feasible = json_object_get(trial, "feasible");

    return feasible == NULL            ? ""
           : json_is_boolean(feasible) ? (json_is_true(feasible) ? "yes" : "no")
                                       : "?";
}

/* Is the metric an objective of the study, in the long form or the short one? */
static bool is_objective(const json_t *study, const char *metric)
{
    size_t i;
    json_t *objective;

    json_array_foreach (json_object_get(study, "objectives"), i, objective) {
        if (strcmp(text_at(objective, "metric"), metric) == 0) {
            return true;
        }
    }
    return strcmp(text_at(study, "metric"), metric) == 0;
}

size_t bounds_metrics(const json_t *study, struct metric_bound bounds[BOUNDS_MAX])
{
    struct err ignored;
    size_t n = 0;
    size_t i;
    json_t *item;

    json_array_foreach (json_object_get(study, "subject_to"), i, item) {
        const char *text = json_string_value(item);
        if (n == BOUNDS_MAX || text == NULL
            || metric_bound_parse(text, &bounds[n], &ignored) != 0) {
            continue;
        }
        bool is_known = is_objective(study, bounds[n].metric);
        for (size_t k = 0; k < n; k++) {
            is_known = is_known || strcmp(bounds[k].metric, bounds[n].metric) == 0;
        }
        n += is_known ? 0 : 1;
    }
    return n;
}
