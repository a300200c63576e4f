#include "worker/cli/top/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "worker/cli/session.h"
#include "worker/cli/show/study.h"
#include "worker/cli/text.h"

void top_init(struct top *top, const char *url)
{
    *top = (struct top){0};
    (void)snprintf(top->url, sizeof top->url, "%s", url);
}

void top_finish(struct top *top)
{
    for (size_t i = 0; i < TOP_ANSWER_COUNT; i++) {
        json_decref(top->answers[i]);
        top->answers[i] = NULL;
    }
}

struct top_place *top_place(struct top *top)
{
    return &top->places[top->depth];
}

const struct top_place *top_shown(const struct top *top)
{
    return &top->places[top->depth];
}

/* ---- going about ---------------------------------------------------------------------------- */

static void forget(struct top *top, enum top_answer from, enum top_answer to)
{
    for (enum top_answer i = from; i <= to; i++) {
        json_decref(top->answers[i]);
        top->answers[i] = NULL;
    }
}

static void forget_others(struct top *top, const struct top_place *from, const struct top_place *to)
{
    if (strcmp(from->study, to->study) != 0) {
        forget(top, TOP_STUDY_ANSWER, TOP_BRACKETS_ANSWER);
        top->rate = (struct rate){0};
    }
    if (strcmp(from->study, to->study) != 0 || from->trial != to->trial) {
        forget(top, TOP_TRIAL_ANSWER, TOP_LOG_ANSWER);
    }
}

void top_open(struct top *top, const struct top_place *place)
{
    if (top->depth + 1 < TOP_DEPTH) {
        forget_others(top, top_shown(top), place);
        top->places[++top->depth] = *place;
    }
}

bool top_back(struct top *top)
{
    if (top->depth == 0) {
        return false;
    }
    forget_others(top, &top->places[top->depth], &top->places[top->depth - 1]);
    top->depth--;
    return true;
}

bool top_needs(const struct top *top, enum top_answer which)
{
    static const unsigned needs[] = {
        [TOP_OVERVIEW] = 1U << TOP_STUDIES_ANSWER | 1U << TOP_WORKERS_ANSWER,
        [TOP_STUDY] = 1U << TOP_STUDY_ANSWER | 1U << TOP_BEST_ANSWER | 1U << TOP_HISTORY_ANSWER
                      | 1U << TOP_TRIALS_ANSWER,
        [TOP_BRACKETS] = 1U << TOP_BRACKETS_ANSWER,
        [TOP_TRIAL] = 1U << TOP_TRIAL_ANSWER | 1U << TOP_EXPLAIN_ANSWER | 1U << TOP_ATTEMPTS_ANSWER
                      | 1U << TOP_LOG_ANSWER | 1U << TOP_STUDY_ANSWER,
        [TOP_WORKER] = 1U << TOP_WORKERS_ANSWER,
        [TOP_HELP] = 0,
    };

    return (needs[top_shown(top)->page] & 1U << which) != 0;
}

void top_take(struct top *top, enum top_answer which, json_t *answer_stolen)
{
    json_decref(top->answers[which]);
    top->answers[which] = answer_stolen;
    if (which == TOP_STUDY_ANSWER) {
        rate_add(&top->rate, top->now_ms, study_count_done(answer_stolen));
    }
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* What a study is sorted by: those that run first, then those that wait for a person, then the
 * rest. */
static int state_rank(const json_t *study)
{
    const char *state = text_at(study, "state");

    return strcmp(state, "running") == 0 ? 0 : strcmp(state, "paused") == 0 ? 1 : 2;
}

struct sortable {
    const json_t *item;
    double rank;
    const char *name;
    bool reverse;
};

static int in_order(const void *a, const void *b)
{
    const struct sortable *left = a;
    const struct sortable *right = b;
    int sign = left->rank < right->rank ? -1 : left->rank > right->rank ? 1 : 0;

    sign = sign == 0 ? strcmp(left->name, right->name) : sign;
    return left->reverse ? -sign : sign;
}

static double study_rank(const struct top *top, const json_t *study)
{
    switch (top->studies) {
    case TOP_BY_NAME:
        return 0;
    case TOP_BY_FAILED:
        return -(double)study_count(study, "failed");
    case TOP_BY_STATE:
    case TOP_STUDIES_COUNT:
    default:
        return state_rank(study);
    }
}

/* The slowest first, and those that have reported nothing for longest. */
static double worker_rank(const struct top *top, const json_t *worker)
{
    double speed = number_at(worker, "completed_per_hour");

    switch (top->workers) {
    case TOP_BY_SPEED:
        return isnan(speed) ? -1 : speed;
    case TOP_BY_REPORT:
        return (double)text_moment_ms(text_at(worker, "last_report_at"));
    case TOP_BY_WORKER:
    case TOP_WORKERS_COUNT:
    default:
        return 0;
    }
}

static void add_row(struct top_rows *rows, const char *kind, const char *name, const json_t *item)
{
    (void)snprintf(rows->keys[rows->n], sizeof rows->keys[0], "%s:%.160s", kind, name);
    rows->items[rows->n++] = item;
}

static void add_sorted(const struct top *top, const json_t *items, const char *kind,
                       double (*rank)(const struct top *top, const json_t *item),
                       struct top_rows *rows)
{
    size_t n = json_array_size(items);
    OWN(memory) struct sortable *sorted = calloc(n + 1, sizeof *sorted);

    if (sorted == NULL) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(items, i);
        sorted[i] = (struct sortable){item, rank(top, item), text_at(item, "name"), top->reverse};
    }
    qsort(sorted, n, sizeof *sorted, in_order);
    for (size_t i = 0; i < n; i++) {
        add_row(rows, kind, sorted[i].name, sorted[i].item);
    }
}

static void add_trials(const json_t *trials, struct top_rows *rows)
{
    for (size_t i = 0; i < json_array_size(trials); i++) {
        const json_t *trial = json_array_get(trials, i);
        char number[24];
        (void)snprintf(number, sizeof number, "%" PRId64, int_at(trial, "number", 0));
        add_row(rows, "trial", number, trial);
    }
}

void top_rows(const struct top *top, struct top_rows *rows)
{
    const json_t *studies = top->answers[TOP_STUDIES_ANSWER];
    const json_t *workers = top->answers[TOP_WORKERS_ANSWER];
    const json_t *trials = top->answers[TOP_TRIALS_ANSWER];
    size_t n = json_array_size(studies) + json_array_size(workers) + json_array_size(trials);

    *rows = (struct top_rows){.keys = calloc(n + 1, sizeof *rows->keys),
                              .items = calloc(n + 1, sizeof *rows->items)};
    if (rows->keys == NULL || rows->items == NULL) {
        return;
    }
    if (top_shown(top)->page == TOP_OVERVIEW) {
        add_sorted(top, studies, "study", study_rank, rows);
        rows->n_studies = rows->n;
        add_sorted(top, workers, "worker", worker_rank, rows);
    } else if (top_shown(top)->page == TOP_STUDY) {
        add_trials(trials, rows);
    }
}

void top_rows_finish(struct top_rows *rows)
{
    free(rows->keys);
    free(rows->items);
    *rows = (struct top_rows){0};
}

size_t top_row_at(const struct top *top, const struct top_rows *rows)
{
    const struct top_place *place = top_shown(top);

    for (size_t i = 0; place->row[0] != '\0' && i < rows->n; i++) {
        if (strcmp(rows->keys[i], place->row) == 0) {
            return i;
        }
    }
    return place->at < rows->n ? place->at : rows->n == 0 ? 0 : rows->n - 1;
}
