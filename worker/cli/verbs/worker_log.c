#include "worker/cli/verbs/worker_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/step.h"
#include "worker/cli/session.h"
#include "worker/cli/text.h"

enum { DIGITS = 6 };

static void tell_trial(const struct agent_event *event, const char *what)
{
    log_info("%s #%" PRId64 " (slot %zu): %s", event->grant->study, event->grant->trial,
             event->slot, what);
}

/* ---- what it was worth ---------------------------------------------------------------------- */

/* The one objective; NULL: there are several, or it is not known. */
static const json_t *objective_of(const struct agent_event *event)
{
    const json_t *objectives = event->grant->values.objectives;

    return json_array_size(objectives) == 1 ? json_array_get(objectives, 0) : NULL;
}

static void note_value(struct worker_log *log, const struct agent_event *event)
{
    const char *metric = text_at(objective_of(event), "metric");

    for (size_t i = 0; i < event->n_metrics && event->slot < AGENT_SLOTS_MAX; i++) {
        if (strcmp(event->metrics[i].metric, metric) == 0) {
            log->slots[event->slot] = (struct slot_value){true, event->metrics[i].value};
        }
    }
}

static bool is_better(const struct worker_log *log, const struct agent_event *event, double value)
{
    bool maximizes = strcmp(text_at(objective_of(event), "direction"), "maximize") == 0;

    return strcmp(log->study, event->grant->study) != 0
           || (maximizes ? value > log->best : value < log->best);
}

/* ", accuracy 0.93; the best here is 0.95 (#3)" */
static void append_value(struct worker_log *log, const struct agent_event *event, struct buf *text)
{
    const char *metric = text_at(objective_of(event), "metric");
    struct slot_value last =
        event->slot < AGENT_SLOTS_MAX ? log->slots[event->slot] : (struct slot_value){0};
    char number[TEXT_NUMBER_BYTES];

    if (!last.is_known) {
        return;
    }
    buf_printf(text, ", %s %s", metric, text_number(last.value, DIGITS, number));
    if (event->is_excluded) {
        buf_puts(text, ", not known to be feasible");
    } else if (is_better(log, event, last.value)) {
        (void)snprintf(log->study, sizeof log->study, "%s", event->grant->study);
        log->best = last.value;
        log->best_trial = event->grant->trial;
        buf_puts(text, ", the best here so far");
    } else {
        buf_printf(text, "; the best here is %s (#%" PRId64 ")",
                   text_number(log->best, DIGITS, number), log->best_trial);
    }
}

/* ---- events --------------------------------------------------------------------------------- */

static void append_metrics(struct buf *text, const struct agent_event *event)
{
    char number[JSON_NUMBER_BYTES];

    for (size_t i = 0; i < event->n_metrics; i++) {
        buf_printf(text, " %s=%s", event->metrics[i].metric,
                   json_format_number(event->metrics[i].value, number));
    }
}

static void tell_waiting(struct worker_log *log, const struct agent_event *event)
{
    if (strcmp(log->waiting, event->detail) != 0) {
        (void)snprintf(log->waiting, sizeof log->waiting, "%s", event->detail);
        log_info("no trial to run: %s", event->detail);
    }
}

static void tell_start(struct worker_log *log, const struct agent_event *event)
{
    OWN(buf) struct buf text = {0};

    buf_init(&text, 200);
    buf_printf(&text, "attempt %" PRId64 " %s", event->grant->attempt,
               event->detail[0] == '\0' ? "runs" : "is promoted and runs again");
    log->waiting[0] = '\0';
    if (event->slot < AGENT_SLOTS_MAX) {
        log->slots[event->slot].is_known = false;
    }
    tell_trial(event, buf_text(&text));
}

static void tell_report(const struct agent_event *event)
{
    OWN(buf) struct buf text = {0};
    char step[STEP_BYTES];

    buf_init(&text, 4000);
    append_metrics(&text, event);
    log_debug("%s #%" PRId64 ": step %s%s", event->grant->study, event->grant->trial,
              step_format(event->step, event->grant->digits, step), buf_text(&text));
}

static void tell_end(struct worker_log *log, const struct agent_event *event)
{
    OWN(buf) struct buf text = {0};
    bool is_success = agent_event_is_success(event);

    buf_init(&text, 4000);
    buf_puts(&text, event->outcome);
    if (event->state[0] != '\0' && strcmp(event->state, event->outcome) != 0) {
        buf_printf(&text, ", the trial is %s", event->state);
    }
    if (is_success) {
        append_value(log, event, &text);
    } else if (event->detail[0] != '\0' && event->log_path[0] != '\0') {
        buf_printf(&text, ": %s; its output is in %s", event->detail, event->log_path);
    } else if (event->detail[0] != '\0') {
        buf_printf(&text, ": %s; it printed nothing", event->detail);
    }
    tell_trial(event, buf_text(&text));
}

void worker_log_event(void *context, const struct agent_event *event)
{
    struct worker_log *log = context;

    switch (event->kind) {
    case AGENT_WAITING:
        tell_waiting(log, event);
        return;
    case AGENT_STARTED:
        tell_start(log, event);
        return;
    case AGENT_REPORTED:
        note_value(log, event);
        tell_report(event);
        return;
    case AGENT_ENDED:
        tell_end(log, event);
        return;
    case AGENT_UNREACHABLE:
        log_warning("%s; jobs run on and reports are kept", event->detail);
        return;
    case AGENT_REACHABLE:
        log_info("the server answers again");
        return;
    case AGENT_UNREADABLE: /* noted already */
    default:
        return;
    }
}

/* ---- the first line ------------------------------------------------------------------------- */

void worker_log_hello(const struct agent_settings *settings, size_t n_slots)
{
    OWN(buf) struct buf which = {0};

    buf_init(&which, 4000);
    if (settings->study != NULL) {
        buf_printf(&which, "study \"%s\"", settings->study);
    } else {
        buf_printf(&which, "the runner%s", settings->n_runners == 1 ? "" : "s");
    }
    for (size_t i = 0; settings->study == NULL && i < settings->n_runners; i++) {
        buf_printf(&which, "%s %s", i == 0 ? "" : ",", settings->runners[i].name);
    }
    log_info("waiting for trials of %s at %s, %zu at once", buf_text(&which), settings->url,
             n_slots);
}
