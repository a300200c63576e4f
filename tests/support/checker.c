#include "tests/support/checker_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXTS_MAX 100
#define VERDICT_BYTES_MAX (1 << 20)

void verdict_finish(struct verdict *verdict)
{
    buf_finish(&verdict->text);
    *verdict = (struct verdict){0};
}

void violated(struct checker *checker, int rule, const char *fmt, ...)
{
    struct verdict *verdict = checker->verdict;
    char text[512];
    va_list args;

    verdict->counts[rule]++;
    if (verdict->total++ >= TEXTS_MAX) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_printf(&verdict->text, "A%d %s\n", rule, text);
}

const char *checker_text(const struct checker *checker, uint32_t number)
{
    return texts_get(&checker->history->texts, number);
}

bool state_is_final(const char *state)
{
    static const char *const finals[] = {"completed", "pruned", "failed", "infeasible",
                                         "cancelled"};

    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++) {
        if (strcmp(finals[i], state) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_call(const struct op *op)
{
    return op->kind == OP_MEASURE || op->kind == OP_HEARTBEAT || op->kind == OP_RESULT
           || op->kind == OP_RELEASE;
}

bool may_have_happened(const struct op *op)
{
    return op->status != OP_FAIL;
}

bool is_grant(const struct op *op)
{
    return op->kind == OP_LEASE && op->status == OP_OK && op->granted;
}

const struct dumped_study *find_study(const struct checker *checker, uint32_t name)
{
    const struct history *history = checker->history;

    for (size_t i = 0; i < history->n_studies; i++) {
        if (history->studies[i].name == name) {
            return &history->studies[i];
        }
    }
    return NULL;
}

const struct dumped_trial *find_trial(const struct checker *checker, uint32_t study, int64_t number)
{
    size_t n;
    const struct index_entry *entry =
        index_find(&checker->trials, (int64_t[]){study, number}, 2, &n);

    return entry == NULL ? NULL : &checker->history->trials[entry->row];
}

bool result_matches(const struct checker *checker, const struct op *op,
                    const struct dumped_trial *trial)
{
    const struct point *points = checker->history->points;

    for (size_t i = 0; i < op->n_points; i++) {
        const struct point *sent = &points[op->first_point + i];
        bool found = false;

        for (size_t k = 0; k < trial->n_points && !found; k++) {
            found = points[trial->first_point + k].metric == sent->metric
                    && points[trial->first_point + k].value == sent->value;
        }
        if (!found) {
            return false;
        }
    }
    return true;
}

/* ---- preparation ---------------------------------------------------------------------------- */

/* Gives every call under a lease the trial and attempt that its lease id stands for. */
static void resolve_leases(struct checker *checker)
{
    struct history *history = checker->history;
    struct index leases = {0};

    for (size_t i = 0; i < history->n_ops; i++) {
        if (is_grant(&history->ops[i])) {
            index_add(&leases, (int64_t[]){history->ops[i].lease}, 1, i);
        }
    }
    index_sort(&leases);
    for (size_t i = 0; i < history->n_ops; i++) {
        struct op *op = &history->ops[i];
        size_t n;
        const struct index_entry *entry =
            is_call(op) ? index_find(&leases, (int64_t[]){op->lease}, 1, &n) : NULL;

        if (entry != NULL) {
            op->study = history->ops[entry->row].study;
            op->trial = history->ops[entry->row].trial;
            op->attempt = history->ops[entry->row].attempt;
        }
    }
    index_finish(&leases);
}

static void index_dump(struct checker *checker)
{
    const struct history *history = checker->history;

    for (size_t i = 0; i < history->n_trials; i++) {
        const struct dumped_trial *row = &history->trials[i];

        index_add(&checker->trials, (int64_t[]){row->study, row->number}, 2, i);
    }
    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct dumped_attempt *row = &history->attempts[i];

        index_add(&checker->attempts, (int64_t[]){row->study, row->trial, row->attempt}, 3, i);
    }
    for (size_t i = 0; i < history->n_rows; i++) {
        const struct dumped_point *row = &history->rows[i];

        index_add(
            &checker->rows,
            (int64_t[]){row->study, row->trial, row->attempt, row->point.step, row->point.metric},
            5, i);
    }
    index_sort(&checker->trials);
    index_sort(&checker->attempts);
    index_sort(&checker->rows);
}

/* Did this result end its trial? One repeated after the trial went on (a failure that is retried)
 * is answered with the trial as it is by then. */
static bool is_final(const struct op *op, const struct checker *checker)
{
    return op->kind == OP_RESULT && op->status == OP_OK && op->trial != 0
           && (op->holder == 0 || op->holder == op->attempt)
           && state_is_final(checker_text(checker, op->state));
}

/* What an answer told its client of trials: that they exist, and which attempt they have. */
static void index_sightings(struct checker *checker, const struct op *op, size_t row)
{
    const struct enqueued *items = checker->history->items + op->first_item;

    for (size_t i = 0; op->kind == OP_ENQUEUE && i < op->n_items; i++) {
        index_add(&checker->sightings, (int64_t[]){op->study, items[i].number, op->completed_ns, 0},
                  4, row);
    }
    if (is_grant(op) || op->kind == OP_RESULT || op->kind == OP_READ) {
        index_add(&checker->sightings,
                  (int64_t[]){op->study, op->trial, op->completed_ns,
                              is_grant(op) ? op->attempt : op->holder},
                  4, row);
    }
}

static void index_ops(struct checker *checker)
{
    const struct history *history = checker->history;

    for (size_t i = 0; i < history->n_ops; i++) {
        const struct op *op = &history->ops[i];

        if (is_grant(op)) {
            index_add(&checker->grants,
                      (int64_t[]){op->study, op->trial, op->attempt, op->completed_ns}, 4, i);
        }
        if (is_call(op) && op->trial != 0 && may_have_happened(op)) {
            index_add(&checker->calls,
                      (int64_t[]){op->study, op->trial, op->attempt, op->kind, op->invoked_ns}, 5,
                      i);
        }
        if (op->status == OP_OK) {
            index_sightings(checker, op, i);
        }
        if (is_final(op, checker)) {
            index_add(&checker->finals, (int64_t[]){op->study, op->trial, op->completed_ns}, 3, i);
        }
    }
    index_sort(&checker->sightings);
    index_sort(&checker->grants);
    index_sort(&checker->calls);
    index_sort(&checker->finals);
}

void checker_run(struct history *history, const struct checker_options *options,
                 struct verdict *verdict)
{
    struct checker checker = {.history = history, .options = options, .verdict = verdict};

    *verdict = (struct verdict){0};
    buf_init(&verdict->text, VERDICT_BYTES_MAX);
    resolve_leases(&checker);
    index_dump(&checker);
    index_ops(&checker);
    checker_rows(&checker);
    checker_owner(&checker);
    checker_once(&checker);
    checker_time(&checker);
    checker_events(&checker);
    index_finish(&checker.trials);
    index_finish(&checker.attempts);
    index_finish(&checker.rows);
    index_finish(&checker.grants);
    index_finish(&checker.calls);
    index_finish(&checker.sightings);
    index_finish(&checker.finals);
}
