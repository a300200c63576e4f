/* The pages of `hone top` that are text: a trial, a worker, the brackets, the keys. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/brackets_text.h"
#include "common/cell.h"
#include "common/json.h"
#include "common/wrap.h"
#include "worker/cli/session.h"
#include "worker/cli/show/study.h"
#include "worker/cli/text.h"
#include "worker/cli/top/pages.h"

enum { TEXT_BYTES = 1 << 20, LABEL = 12 };

/* "label       text", wrapped behind the label; nothing where there is no text. */
static void field(struct buf *out, size_t width, const char *label, const char *text)
{
    OWN(buf) struct buf line = {0};

    if (*text == '\0') {
        return;
    }
    buf_init(&line, TEXT_BYTES);
    buf_printf(&line, "%-*s%s", LABEL, label, text);
    wrap_append(out, buf_text(&line), width, LABEL);
}

static void field_value(struct buf *out, size_t width, const char *label, const json_t *value)
{
    OWN(buf) struct buf text = {0};

    if (value == NULL || json_is_null(value)) {
        return;
    }
    buf_init(&text, TEXT_BYTES);
    value_append(&text, value, 6);
    field(out, width, label, buf_text(&text));
}

/* "83 %" */
static void field_share(struct buf *out, size_t width, const char *label, double share)
{
    char text[16] = "";

    if (!isnan(share)) {
        (void)snprintf(text, sizeof text, "%.0f %%", share * 100);
    }
    field(out, width, label, text);
}

static void field_moment(struct buf *out, size_t width, const char *label, const char *moment)
{
    char local[TEXT_MOMENT_BYTES];

    field(out, width, label, *moment == '\0' ? "" : text_local(moment, local));
}

/* ---- a trial -------------------------------------------------------------------------------- */

static void trial_fields(const struct top *top, const json_t *trial, size_t width, struct buf *out)
{
    char title[TOP_NAME_BYTES + 64];

    (void)snprintf(title, sizeof title, "trial %" PRId64 " of %s", int_at(trial, "number", 0),
                   top_shown(top)->study);
    wrap_append(out, title, width, 0);
    field(out, width, "state", text_at(trial, "state"));
    field(out, width, "reason", text_at(trial, "reason"));
    field_value(out, width, "value", trial_progress(trial, "value"));
    field_value(out, width, "step", trial_progress(trial, "step"));
    field(out, width, "worker", text_at(trial, "worker"));
    field_moment(out, width, "started", text_at(trial, "started_at"));
    field_moment(out, width, "ended", text_at(trial, "ended_at"));
}

static void why(const struct top *top, size_t width, struct buf *out)
{
    const json_t *explain = top->answers[TOP_EXPLAIN_ANSWER];
    const json_t *schedule = json_object_get(explain, "schedule");
    size_t i;
    json_t *event;

    field(out, width, "chosen", text_at(json_object_get(explain, "provenance"), "text"));
    if (*text_at(schedule, "text") != '\0') {
        OWN(buf) struct buf text = {0};
        buf_init(&text, TEXT_BYTES);
        buf_printf(&text, "it %s", text_at(schedule, "text"));
        field(out, width, "why", buf_text(&text));
    }
    json_array_foreach (json_object_get(schedule, "history"), i, event) {
        field(out, width, "", text_at(event, "text"));
    }
}

static void parameters(const json_t *trial, size_t width, struct buf *out)
{
    const char *name;
    json_t *value;
    bool first = true;

    json_object_foreach (json_object_get(trial, "parameters"), name, value) {
        OWN(buf) struct buf text = {0};
        buf_init(&text, TEXT_BYTES);
        buf_printf(&text, "%s = ", name);
        parameter_append_value(&text, value, 17);
        field(out, width, first ? "parameters" : "", buf_text(&text));
        first = false;
    }
}

static void attempts(const struct top *top, size_t width, struct buf *out)
{
    size_t i;
    json_t *attempt;

    json_array_foreach (top->answers[TOP_ATTEMPTS_ANSWER], i, attempt) {
        char label[32];
        OWN(buf) struct buf text = {0};
        const char *reason = text_at(attempt, "reason");
        buf_init(&text, TEXT_BYTES);
        (void)snprintf(label, sizeof label, "attempt %" PRId64, int_at(attempt, "attempt", 0));
        buf_printf(&text, "%s%s%s on %s", text_at(attempt, "state"), *reason == '\0' ? "" : ", ",
                   reason, text_at(attempt, "worker"));
        if (*text_at(attempt, "detail") != '\0') {
            buf_printf(&text, ": %s", text_at(attempt, "detail"));
        }
        field(out, width, label, buf_text(&text));
    }
}

void page_trial(const struct top *top, size_t width, struct buf *out)
{
    const json_t *trial = top->answers[TOP_TRIAL_ANSWER];
    const char *log = json_string_value(top->answers[TOP_LOG_ANSWER]);

    if (trial == NULL) {
        buf_puts(out, "asking …\n");
        return;
    }
    trial_fields(top, trial, width, out);
    why(top, width, out);
    parameters(trial, width, out);
    attempts(top, width, out);
    if (log != NULL && *log != '\0') {
        buf_puts(out, "\noutput, its last lines\n");
        wrap_append(out, log, width, 0);
    }
}

/* ---- a worker ------------------------------------------------------------------------------- */

static const json_t *find_worker(const struct top *top)
{
    const json_t *workers = top->answers[TOP_WORKERS_ANSWER];

    for (size_t i = 0; i < json_array_size(workers); i++) {
        const json_t *worker = json_array_get(workers, i);
        if (strcmp(text_at(worker, "name"), top_shown(top)->worker) == 0) {
            return worker;
        }
    }
    return NULL;
}

static void lease_field(const json_t *lease, const char *label, size_t width, struct buf *out)
{
    OWN(buf) struct buf text = {0};
    char step[JSON_NUMBER_BYTES];

    buf_init(&text, TEXT_BYTES);
    buf_printf(&text, "trial %" PRId64 " of %s, attempt %" PRId64, int_at(lease, "trial", 0),
               text_at(lease, "study"), int_at(lease, "attempt", 0));
    const char *reached = number_text_at(lease, "step", NULL, step);
    if (reached != NULL) {
        buf_printf(&text, ", at step %s", reached);
    }
    field(out, width, label, buf_text(&text));
}

void page_worker(const struct top *top, size_t width, struct buf *out)
{
    const json_t *worker = find_worker(top);
    size_t i;
    json_t *lease;

    if (worker == NULL) {
        buf_puts(out, "the server knows no such worker any more\n");
        return;
    }
    field(out, width, "worker", text_at(worker, "name"));
    field(out, width, "state", text_at(worker, "state"));
    field(out, width, "reason", text_at(worker, "reason"));
    field(out, width, "host", text_at(worker, "host"));
    field_value(out, width, "GPUs", json_object_get(worker, "gpus"));
    field_share(out, width, "GPUs busy", number_at(worker, "gpu_utilization"));
    json_array_foreach (json_object_get(worker, "leases"), i, lease) {
        lease_field(lease, i == 0 ? "runs" : "", width, out);
    }
    field_value(out, width, "completed", json_object_get(worker, "completed"));
    field_value(out, width, "failed", json_object_get(worker, "failed"));
    field_value(out, width, "per hour", json_object_get(worker, "completed_per_hour"));
    field_moment(out, width, "last report", text_at(worker, "last_report_at"));
    field_moment(out, width, "last seen", text_at(worker, "last_seen_at"));
}

/* ---- brackets, keys ------------------------------------------------------------------------- */

/* The brackets that are open first. */
static json_t *open_first(const json_t *brackets)
{
    json_t *sorted = json_copy(json_unconst(brackets));
    json_t *list = json_array();
    size_t i;
    json_t *bracket;

    for (int done = 0; done < 2; done++) {
        json_array_foreach (json_object_get(brackets, "brackets"), i, bracket) {
            if ((strcmp(text_at(bracket, "state"), "done") == 0) == (done == 1)) {
                (void)json_array_append(list, bracket);
            }
        }
    }
    (void)json_object_set_new(sorted, "brackets", list);
    return sorted;
}

void page_brackets(const struct top *top, size_t width, struct buf *out)
{
    json_auto_t *sorted = NULL;
    const json_t *brackets = top->answers[TOP_BRACKETS_ANSWER];

    if (brackets == NULL) {
        buf_puts(out, "asking …\n");
    } else if (json_array_size(json_object_get(brackets, "brackets")) == 0) {
        wrap_append(out,
                    "This study has no brackets: its trials are trained in one go, or none has "
                    "begun.",
                    width, 0);
    } else {
        sorted = open_first(brackets);
        brackets_draw(sorted, &(struct brackets_look){.width = width}, out);
    }
}

void page_help(size_t width, struct buf *out)
{
    static const char *const keys[][2] = {
        {"↑ ↓ j k", "one row or line"},
        {"PgUp PgDn", "one page"},
        {"Home End", "the first, the last (also g, G)"},
        {"Enter", "open the study, trial or worker; of a worker, the trial that it runs"},
        {"← Esc", "back"},
        {"Tab", "from the studies to the workers"},
        {"s", "another order: of studies by state, name, failures; of workers by name, speed (the "
              "slowest first), last report (the longest silent first); of trials those that run, "
              "the best, the newest, those that failed"},
        {"r", "the other way round"},
        {"b", "the brackets of the study: who waits for whom"},
        {"p", "pause the study, or resume it; asks before, as do x, d, c and t"},
        {"x", "stop the study: running trials are told to stop, those that wait are cancelled"},
        {"c t", "cancel the trial; try a failed one again"},
        {"d", "give the worker's node no further trial (drain), or trials again"},
        {"space", "hold the picture still, or go on"},
        {"q", "leave"},
    };

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        OWN(buf) struct buf line = {0};
        buf_init(&line, TEXT_BYTES);
        buf_puts(&line, keys[i][0]);
        for (size_t k = cell_columns(keys[i][0]); k < LABEL; k++) {
            buf_putc(&line, ' ');
        }
        buf_puts(&line, keys[i][1]);
        wrap_append(out, buf_text(&line), width, LABEL);
    }
    wrap_append(out,
                "\nA running trial's value and step are those it measured last. PER HOUR is "
                "what a worker completed since the server started, SILENT how long ago it "
                "reported.",
                width, 0);
}
