#include "server/api/event_line.h"

#include <inttypes.h>
#include <string.h>

#include "common/cell.h"
#include "common/figures.h"
#include "common/step.h"
#include "server/api/json.h"
#include "server/api/read.h"

enum { DIGITS = 6, DAY_MS = 86400000 };

/* ---- parts of a line ---- */

static void append_time(int64_t wall_ms, struct buf *out)
{
    int64_t s = wall_ms / 1000 % (DAY_MS / 1000);

    buf_printf(out, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 " ", s / 3600, s / 60 % 60, s % 60);
}

static void append_day(struct event_lines *lines, int64_t wall_ms, struct buf *out)
{
    char text[CLOCK_TEXT_BYTES];

    if (wall_ms / DAY_MS != lines->day) {
        lines->day = wall_ms / DAY_MS;
        buf_printf(out, "# %.10s, times in UTC\n", clock_format(wall_ms, text));
    }
}

/* "digits #18 " */
static void append_subject(const struct event_row *event, const struct live_view *view,
                           struct buf *out)
{
    const char *name = event->study == 0 ? NULL : read_study_name(view, event->study);

    if (name != NULL) {
        cell_append_escaped(out, name);
        buf_putc(out, ' ');
    } else if (event->study != 0) {
        buf_printf(out, "study %" PRId64 " ",
                   event->study); /* deleted: its name may be another's */
    }
    if (event->trial > 0) {
        buf_printf(out, "#%" PRId64 " ", event->trial);
    }
}

static void append_value(const char *metric, double value, struct buf *out)
{
    char number[TEXT_NUMBER_BYTES];

    buf_putc(out, ' ');
    cell_append_escaped(out, metric);
    buf_printf(out, "=%s", text_number(value, DIGITS, number));
}

static void append_reason(const char *reason, struct buf *out)
{
    if (reason != NULL && *reason != '\0') {
        buf_printf(out, " (%s)", reason);
    }
}

/* ---- an event ---- */

/* *found ← false where the thing is gone meanwhile. */
static int or_gone(int result, bool *found, struct err *err)
{
    *found = result == 0;
    return result == 0 || err->code == ERR_NOT_FOUND ? 0 : -1;
}

static void append_objectives(const struct live_study_view *study, const struct trial_row *trial,
                              struct buf *out)
{
    const struct study_def *def = study->def->def;
    json_auto_t *metrics = stored_json(trial->metrics, out);

    for (size_t i = 0; i < def->n_objectives; i++) {
        const json_t *value = json_object_get(metrics, def->objectives[i].metric);
        if (value != NULL && json_is_number_like(value)) {
            append_value(def->objectives[i].metric, json_number_like(value), out);
        }
    }
}

/* " p99_ms=612 violates p99_ms <= 500", for each bound that the trial violates. */
static void append_violated(const struct study_def *def, const struct trial_row *trial,
                            struct buf *out)
{
    char text[METRIC_BOUND_BYTES];

    for (size_t i = 0; i < trial->n_bounded && i < def->n_bounds; i++) {
        if (metric_bound_excess(&def->bounds[i], trial->bounded[i]) > 0) {
            if (!study_is_objective(def, def->bounds[i].metric)) {
                append_value(def->bounds[i].metric, trial->bounded[i], out);
            }
            buf_puts(out, " violates ");
            cell_append_escaped(out, metric_bound_text(&def->bounds[i], text));
        }
    }
}

/* "completed accuracy=0.93 best" */
static int append_end(const struct event_row *event, const struct live_view *view,
                      struct store *store, struct buf *out, struct err *err)
{
    const char *name = read_study_name(view, event->study);
    const struct live_study_view *study = name == NULL ? NULL : live_view_study(view, name);
    OWN(trial_row) struct trial_row trial = {0};
    OWN(study_row) struct study_row row = {0};
    bool found = false;

    TRY(or_gone(store_trial_load(store, trial_id(event->study, event->trial), &trial, err), &found,
                err));
    if (!found || study == NULL) {
        buf_puts(out, "ended");
        return 0;
    }
    buf_puts(out, trial_state_name(trial.state));
    append_reason(trial.reason, out);
    append_objectives(study, &trial, out);
    append_violated(study->def->def, &trial, out);
    TRY(or_gone(store_study_load(store, event->study, &row, err), &found, err));
    buf_puts(out, found && row.best_trial == event->trial ? " best" : "");
    return 0;
}

struct wanted_attempt {
    int64_t number;
    const struct event_row *event;
    struct buf *out;
};

/* "running on gpu07:0", or how the attempt ended. */
static int append_attempt(void *context, struct attempt_row *row, struct err *err)
{
    const struct wanted_attempt *wanted = context;

    (void)err;
    if (row->number != wanted->number) {
        return 0;
    }
    if (wanted->event->kind == EVENT_TRIAL_RUNNING) {
        buf_puts(wanted->out, "running");
    } else {
        buf_printf(wanted->out, "queued again: attempt %" PRId64 " %s", row->number,
                   attempt_end_name(row->end));
        append_reason(row->reason, wanted->out);
    }
    if (row->worker_name[0] != '\0') {
        buf_puts(wanted->out, " on ");
        cell_append_escaped(wanted->out, row->worker_name);
    }
    return 0;
}

static int append_study_state(const struct event_row *event, struct store *store, struct buf *out,
                              struct err *err)
{
    OWN(study_row) struct study_row row = {0};
    bool found = false;

    TRY(or_gone(store_study_load(store, event->study, &row, err), &found, err));
    if (event->kind == EVENT_STUDY_CHANGED) {
        buf_printf(out, "changed%s%s", found ? ", it is " : "",
                   found ? study_state_name(row.state) : "");
    } else {
        buf_puts(out, "finished");
        append_reason(found ? study_reason_name(row.reason) : NULL, out);
    }
    return 0;
}

static void append_worker(const struct event_row *event, struct buf *out)
{
    static const char *const states[EVENT_KIND_COUNT] = {
        [EVENT_WORKER_QUARANTINED] = "quarantined",
        [EVENT_WORKER_DRAINING] = "draining",
        [EVENT_WORKER_RESUMED] = "resumed",
    };

    buf_puts(out, "node ");
    cell_append_escaped(out, event->worker != NULL ? event->worker : "?");
    buf_printf(out, " %s", states[event->kind]);
    if (event->detail != NULL && *event->detail != '\0') {
        buf_puts(out, ": ");
        cell_append_escaped(out, event->detail);
    }
}

static int append_event(const struct event_row *event, const struct live_view *view,
                        struct store *store, struct buf *out, struct err *err)
{
    struct wanted_attempt wanted = {event->attempt, event, out};

    switch (event->kind) {
    case EVENT_STUDY_CHANGED:
    case EVENT_STUDY_FINISHED:
        return append_study_state(event, store, out, err);
    case EVENT_TRIAL_ENDED:
        return append_end(event, view, store, out, err);
    case EVENT_TRIAL_RUNNING:
    case EVENT_ATTEMPT_ENDED:
        return store_each_attempt(store, trial_id(event->study, event->trial), append_attempt,
                                  &wanted, err);
    case EVENT_WORKER_QUARANTINED:
    case EVENT_WORKER_DRAINING:
    case EVENT_WORKER_RESUMED:
        append_worker(event, out);
        return 0;
    case EVENT_STUDY_CREATED:
    case EVENT_STUDY_DELETED:
    case EVENT_TRIAL_QUEUED:
    case EVENT_TRIAL_PAUSED:
    case EVENT_TOKEN_CHANGED:
    case EVENT_MEASUREMENT_REPLACED:
    case EVENT_EPOCH_BEGAN:
    case EVENT_KIND_COUNT:
        break;
    }
    static const char *const words[EVENT_KIND_COUNT] = {
        [EVENT_STUDY_CREATED] = "created",
        [EVENT_STUDY_DELETED] = "deleted",
        [EVENT_TRIAL_QUEUED] = "queued",
        [EVENT_TRIAL_PAUSED] = "paused until its rung is complete",
        [EVENT_TOKEN_CHANGED] = "a token was made or revoked",
        [EVENT_MEASUREMENT_REPLACED] = "measurements replaced",
        [EVENT_EPOCH_BEGAN] = "the server goes on from an older state",
    };
    const char *word = event->kind < EVENT_KIND_COUNT ? words[event->kind] : NULL;
    buf_puts(out, word != NULL ? word : "changed");
    return 0;
}

int event_line_write(struct event_lines *lines, const struct event_row *event,
                     const struct live_view *view, struct store *store, struct buf *out,
                     struct err *err)
{
    append_day(lines, event->at_ms, out);
    append_time(event->at_ms, out);
    append_subject(event, view, out);
    TRY(append_event(event, view, store, out, err));
    buf_putc(out, '\n');
    return 0;
}

/* ---- measurements, places ---- */

void event_line_write_measured(const struct measure_command *measure, int64_t now_ms,
                               struct buf *out)
{
    const struct measurement_list *list = &measure->in.measurements;
    char step[STEP_BYTES];

    for (size_t i = 0; i < list->n; i++) {
        const struct measurement *one = &list->items[i];
        if (i == 0 || one->step != list->items[i - 1].step) {
            buf_puts(out, i == 0 ? "" : "\n");
            append_time(now_ms, out);
            cell_append_escaped(out, measure->out.study);
            buf_printf(out, " #%" PRId64 " step %s", measure->out.trial,
                       step_format(one->step, list->digits, step));
        }
        append_value(one->metric, one->value, out);
    }
    buf_puts(out, list->n > 0 ? "\n" : "");
}

void event_line_write_place(int64_t after, struct buf *out)
{
    buf_printf(out, "# after=%" PRId64 "\n", after);
}
