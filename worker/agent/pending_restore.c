#include "worker/agent/pending_restore.h"

#include <math.h>
#include <string.h>

#include "worker/agent/attempt_log.h"
#include "worker/agent/pending_list.h"
#include "worker/agent/progress.h"

bool pending_was_refused(const struct pending_refusals *refused, int64_t step,
                         const struct metric_value *metric)
{
    for (size_t i = 0; i < refused->n; i++) {
        const struct attempt_refusal *one = &refused->items[i];
        bool is_same = one->value == metric->value || (isnan(one->value) && isnan(metric->value));
        if (one->step == step && is_same && strcmp(one->metric, metric->metric) == 0) {
            return true;
        }
    }
    return false;
}

void pending_read_refusals(struct spool *spool, struct pending_refusals *refused)
{
    OWN(spool_record) struct spool_record record;
    struct attempt_refusal one;
    int64_t at = SPOOL_HEAD_BYTES;

    spool_record_init(&record);
    while (spool_next(spool, &at, &record)) {
        if (attempt_refusal_read(&record, &one) && refused->n < PENDING_REFUSALS_MAX) {
            refused->items[refused->n++] = one;
        }
    }
}

/* Names are refused once more. */
static void restore_refusals(struct pending *pending, const struct pending_refusals *refused)
{
    pending->n_given_up = refused->n;
    for (size_t i = 0; i < refused->n; i++) {
        const struct attempt_refusal *one = &refused->items[i];
        size_t index = one->step < 0 ? pending_list_name(pending, one->metric) : PENDING_NO_NAME;
        if (index != PENDING_NO_NAME) {
            pending->names[index].refused = true;
        }
    }
}

/* A report that was answered. */
static void count_delivered(struct pending *pending, const struct attempt_report *report,
                            const struct pending_refusals *refused)
{
    pending_list_note_reported(pending, report);
    for (size_t i = 0; i < report->n; i++) {
        const struct metric_value *metric = &report->metrics[i];
        size_t index = pending_list_name(pending, metric->metric);
        if (index == PENDING_NO_NAME || pending->names[index].refused) {
            continue;
        }
        struct pending_name *name = &pending->names[index];
        name->sent_step = report->step > name->sent_step ? report->step : name->sent_step;
        if (pending_was_refused(refused, report->step, metric)) {
            continue;
        }
        name->accepted = true;
        if (index < pending->n_objectives) {
            struct pending_objective *objective = &pending->objectives[index];
            progress_note(&objective->delivered, objective->maximize, report->step, metric->value);
        }
    }
}

void pending_restore(struct pending *pending, uint64_t answered)
{
    OWN(spool_record) struct spool_record record;
    OWN(attempt_report) struct attempt_report report = {0};
    struct pending_refusals refused = {0};
    int64_t at = SPOOL_HEAD_BYTES;

    spool_record_init(&record);
    pending_read_refusals(pending->spool, &refused);
    restore_refusals(pending, &refused);
    pending->answered = pending->loaded = pending->last = answered;
    pending->restored = UINT64_MAX;
    for (int64_t before = at; spool_next(pending->spool, &at, &record); before = at) {
        if (!attempt_report_read(&record, &report)) {
            continue;
        }
        if (report.number <= answered) {
            count_delivered(pending, &report, &refused);
        } else {
            (void)pending_list_load_or_wait(pending, &report, before);
        }
    }
    pending->restored = pending->last;
}
