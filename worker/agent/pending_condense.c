#include "worker/agent/pending_condense.h"

#include <string.h>

#include "worker/agent/attempt_log.h"
#include "worker/agent/pending_restore.h"
#include "worker/agent/progress.h"

bool pending_is_mostly_answered(const struct pending *pending)
{
    uint64_t n = pending->last - pending->condensed;

    return pending->last - pending->answered < n / 2;
}

static bool write_value(const struct pending *pending, size_t name, struct reported_value value,
                        struct spool *into)
{
    struct metric_value metric = {.value = value.value};

    memcpy(metric.metric, pending->names[name].metric, sizeof metric.metric);
    return attempt_log_measured(into, pending->answered, value.step, &metric, 1);
}

/* The best values and the last one. */
static size_t list_values(const struct objective_progress *progress,
                          struct reported_value values[PROGRESS_BEST_KEPT + 1])
{
    size_t n = progress->n_best;

    memcpy(values, progress->best, n * sizeof values[0]);
    if (progress->step >= 0) {
        values[n++] = (struct reported_value){progress->step, progress->last};
    }
    return n;
}

static bool write_delivered(const struct pending *pending, size_t name, struct spool *into)
{
    struct reported_value values[PROGRESS_BEST_KEPT + 1];
    size_t n = list_values(&pending->objectives[name].delivered, values);
    bool done = true;

    for (size_t i = 0; i < n; i++) {
        done = done && write_value(pending, name, values[i], into);
    }
    return done;
}

/* They decide the trial's value, and the server does not have them. */
static bool write_refused(const struct pending *pending, size_t name,
                          const struct pending_refusals *refused, struct spool *into)
{
    struct reported_value values[PROGRESS_BEST_KEPT + 1];
    size_t n = list_values(&pending->objectives[name].reported, values);
    bool done = true;

    for (size_t i = 0; i < n; i++) {
        struct metric_value metric = {.value = values[i].value};
        memcpy(metric.metric, pending->names[name].metric, sizeof metric.metric);
        if (pending_was_refused(refused, values[i].step, &metric)) {
            done = done && write_value(pending, name, values[i], into);
        }
    }
    return done;
}

/* In place of everything that was answered. */
static bool write_summary(const struct pending *pending, struct spool *into)
{
    struct pending_refusals refused = {0};
    bool done = true;

    pending_read_refusals(pending->spool, &refused);
    for (size_t i = 0; i < pending->n_names; i++) {
        const struct pending_name *name = &pending->names[i];
        if (i < pending->n_objectives) {
            done = done && write_delivered(pending, i, into)
                   && write_refused(pending, i, &refused, into);
        } else if (name->accepted) { /* the value does not matter */
            done =
                done && write_value(pending, i, (struct reported_value){name->sent_step, 0}, into);
        }
    }
    return done && attempt_log_answered(into, pending->answered);
}

static bool write_steps(const struct pending *pending, struct pending_steps steps,
                        struct spool *into)
{
    return !steps.is_said
           || (attempt_log_measured(into, pending->answered, steps.furthest, NULL, 0)
               && attempt_log_measured(into, pending->answered, steps.last, NULL, 0));
}

/* What follows the beginning of the attempt: every record but the reports that were answered. */
static bool copy_record(const struct pending *pending, const struct spool_record *record,
                        struct attempt_report *report, int64_t *read_at, struct spool *into)
{
    if (record->kind == SPOOL_ANSWERED) {
        return true;
    }
    if (attempt_report_read(record, report)) {
        if (report->number <= pending->answered) {
            return true;
        }
        *read_at = *read_at == 0 && report->number > pending->loaded ? spool_end(into) : *read_at;
    }
    return spool_append(into, record->kind, buf_text(&record->content), record->content.len);
}

bool pending_condense(struct pending *pending, struct pending_steps steps, struct spool *into)
{
    OWN(spool_record) struct spool_record record;
    OWN(attempt_report) struct attempt_report report = {0};
    int64_t at = SPOOL_HEAD_BYTES;
    int64_t read_at = 0;
    bool done = true;
    bool is_summed_up = false;
    int64_t last_run = 0;

    spool_record_init(&record);
    for (int64_t before = at; spool_next(pending->spool, &at, &record); before = at) {
        last_run = record.kind == SPOOL_RUN ? before : last_run;
    }
    at = SPOOL_HEAD_BYTES;
    for (int64_t before = at; done && spool_next(pending->spool, &at, &record); before = at) {
        if (record.kind == SPOOL_RUN && !is_summed_up) {
            done = write_summary(pending, into); /* before it: its steps are not this run's */
            is_summed_up = true;
        }
        done = done && copy_record(pending, &record, &report, &read_at, into);
        if (before == last_run && last_run > 0) {
            done = done && write_steps(pending, steps, into);
        }
    }
    if (done && is_summed_up) {
        pending->read_at = read_at;
        pending->condensed = pending->answered;
    }
    return done && is_summed_up;
}
