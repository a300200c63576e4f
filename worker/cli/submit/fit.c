#include "worker/cli/submit/fit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/cli/submit/plan.h"
#include "worker/cli/text.h"

/* ---- workers -------------------------------------------------------------------------------- */

struct worker_search {
    const char *study;
    const struct task_queue *queue;
    struct elsewhere *found;
};

static void add_name(struct elsewhere *found, const char *name)
{
    size_t length = strlen(found->whose);
    size_t room = sizeof found->whose - length;

    if (strlen(name) + sizeof ", …" + sizeof ", " < room) {
        (void)snprintf(found->whose + length, room, "%s%s", length > 0 ? ", " : "", name);
    } else if (length > 0 && strstr(found->whose, "…") == NULL) {
        (void)snprintf(found->whose + length, room, ", …");
    }
}

static int count_elsewhere(void *context, json_t *worker, struct err *err)
{
    const struct worker_search *search = context;
    const char *name = text_at(worker, "name");
    int64_t slots = 0;
    const json_t *lease;
    size_t i;

    (void)err;
    if (task_queue_has_worker(search->queue, name)) {
        return 0;
    }
    json_array_foreach (json_object_get(worker, "leases"), i, lease) {
        slots += strcmp(text_at(lease, "study"), search->study) == 0;
    }
    if (slots > 0) {
        search->found->slots += slots;
        add_name(search->found, name);
    }
    return 0;
}

int fit_slots_elsewhere(struct session *session, const char *study, const struct task_queue *queue,
                        struct elsewhere *elsewhere, struct err *err)
{
    struct worker_search search = {.study = study, .queue = queue, .found = elsewhere};

    *elsewhere = (struct elsewhere){0};
    return session_each(session, "/v1/workers", count_elsewhere, &search, err);
}

struct job_search {
    const char *job;
    bool seen;
};

static int look_for_job(void *context, json_t *worker, struct err *err)
{
    struct job_search *search = context;
    const char *name = text_at(worker, "name");
    size_t length = strlen(search->job);

    (void)err;
    search->seen = search->seen || (strncmp(name, search->job, length) == 0 && name[length] == '_');
    return 0;
}

int fit_job_was_seen(struct session *session, const char *job, bool *seen, struct err *err)
{
    struct job_search search = {.job = job};

    TRY(session_each(session, "/v1/workers", look_for_job, &search, err));
    *seen = search.seen;
    return 0;
}

/* ---- time ----------------------------------------------------------------------------------- */

enum { TRIALS_MAX = 50 };

struct spans {
    int64_t ms[TRIALS_MAX];
    size_t n;
};

static void add_span(struct spans *spans, const json_t *trial)
{
    int64_t from_ms = text_moment_ms(text_at(trial, "started_at"));
    int64_t to_ms = text_moment_ms(text_at(trial, "ended_at"));

    if (from_ms >= 0 && to_ms >= from_ms && spans->n < TRIALS_MAX) {
        spans->ms[spans->n++] = to_ms - from_ms;
    }
}

static int in_order(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* *median_ms ← of the last completed trials; 0 where there are none. */
static int median_span(struct session *session, const char *study, int64_t *median_ms,
                       struct err *err)
{
    OWN(buf) struct buf path = {0};
    json_auto_t *page = NULL;
    struct spans spans = {.n = 0};
    const json_t *trial;
    size_t i;

    (void)study_path(&path, study, "/trials?state=completed&sort=-number&limit=50");
    TRY(session_get(session, buf_text(&path), &page, err));
    json_array_foreach (json_object_get(page, "items"), i, trial) {
        add_span(&spans, trial);
    }
    qsort(spans.ms, spans.n, sizeof spans.ms[0], in_order);
    *median_ms = spans.n > 0 ? spans.ms[spans.n / 2] : 0;
    return 0;
}

int fit_time(struct session *session, const json_t *study, int64_t limit_seconds, struct err *err)
{
    char trial[TEXT_SPAN_BYTES], left[TEXT_SPAN_BYTES];
    int64_t usable_ms = submit_usable_seconds(limit_seconds) * 1000;
    int64_t median_ms = 0;

    if (usable_ms == 0) {
        return err_set(err, ERR_INVALID,
                       "--time: a worker hands its trials back up to 3 minutes before the end of "
                       "its job, so allow more than that");
    }
    if (json_is_object(json_object_get(study, "resource"))) {
        return 0;
    }
    TRY(median_span(session, text_at(study, "name"), &median_ms, err));
    if (median_ms <= usable_ms) {
        return 0;
    }
    return err_set(err, ERR_INVALID,
                   "a trial of '%s' takes %s (the median of the last), and the time limit leaves "
                   "it %s before it is handed back: none would end; allow more --time",
                   text_at(study, "name"), text_span(median_ms, trial), text_span(usable_ms, left));
}
