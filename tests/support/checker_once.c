#include "tests/support/checker_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- A5: equal keys -------------------------------------------------------------------------- */

/* What an answer made: the trial's number, or the lease. */
static int64_t object_of(const struct checker *checker, const struct op *op)
{
    return op->kind == OP_LEASE ? (int64_t)op->lease
                                : checker->history->items[op->first_item].number;
}

static bool same_scope(const int64_t a[], const int64_t b[], size_t n)
{
    return memcmp(a, b, n * sizeof *a) == 0;
}

/* Requests that made something, by (kind, study or worker, key, op unless keyed, object). */
static void index_makers(const struct checker *checker, struct index *by_key,
                         struct index *by_object)
{
    const struct history *history = checker->history;

    for (size_t i = 0; i < history->n_ops; i++) {
        const struct op *op = &history->ops[i];
        bool enqueued = op->kind == OP_ENQUEUE && op->status == OP_OK && op->n_items > 0;

        if (enqueued || is_grant(op)) {
            int64_t scope = op->kind == OP_LEASE ? op->worker : op->study;
            int64_t plain = op->key == 0 ? op->id : 0;
            int64_t object = object_of(checker, op);

            index_add(by_key, (int64_t[]){op->kind, scope, op->key, plain, object}, 5, i);
            index_add(by_object,
                      (int64_t[]){op->kind, op->kind == OP_LEASE ? 0 : op->study, object, scope,
                                  op->key, plain},
                      6, i);
        }
    }
    index_sort(by_key);
    index_sort(by_object);
}

static void check_keys(struct checker *checker)
{
    struct index by_key = {0};
    struct index by_object = {0};

    index_makers(checker, &by_key, &by_object);
    for (size_t i = 1; i < by_key.n; i++) {
        const int64_t *key = by_key.items[i].key;
        const int64_t *before = by_key.items[i - 1].key;

        if (!same_scope(key, before, 4)) {
            continue;
        }
        if (key[4] != before[4]) {
            violated(checker, 5, "key %s made two objects",
                     checker_text(checker, (uint32_t)key[2]));
        } else if (checker->history->ops[by_key.items[i].row].answer
                   != checker->history->ops[by_key.items[i - 1].row].answer) {
            violated(checker, 5, "key %s got two answers", checker_text(checker, (uint32_t)key[2]));
        }
    }
    for (size_t i = 1; i < by_object.n; i++) {
        const int64_t *key = by_object.items[i].key;
        const int64_t *before = by_object.items[i - 1].key;

        if (same_scope(key, before, 3) && !same_scope(key, before, 6)) {
            violated(checker, 5, "ops %" PRId64 " and %" PRId64 " with different keys got one %s",
                     checker->history->ops[by_object.items[i - 1].row].id,
                     checker->history->ops[by_object.items[i].row].id,
                     key[0] == OP_LEASE ? "lease" : "trial");
        }
    }
    index_finish(&by_key);
    index_finish(&by_object);
}

/* ---- A6: once -------------------------------------------------------------------------------- */

static void check_grid_points(struct checker *checker)
{
    const struct history *history = checker->history;
    const uint32_t grid = texts_add(&checker->history->texts, "grid");
    const uint32_t suggested = texts_add(&checker->history->texts, "suggested");
    struct index grids = {0};
    struct index points = {0}; /* study, params */

    for (size_t i = 0; i < history->n_studies; i++) {
        if (history->studies[i].strategy == grid) {
            index_add(&grids, (int64_t[]){history->studies[i].name}, 1, i);
        }
    }
    index_sort(&grids);
    for (size_t i = 0; i < history->n_trials; i++) {
        const struct dumped_trial *trial = &history->trials[i];
        size_t n;

        if (trial->source == suggested
            && index_find(&grids, (int64_t[]){trial->study}, 1, &n) != NULL) {
            index_add(&points, (int64_t[]){trial->study, trial->params}, 2, i);
        }
    }
    index_sort(&points);
    for (size_t i = 1; i < points.n; i++) {
        if (same_scope(points.items[i].key, points.items[i - 1].key, 2)) {
            violated(checker, 6, "grid point %s is two trials",
                     checker_text(checker, (uint32_t)points.items[i].key[1]));
        }
    }
    index_finish(&grids);
    index_finish(&points);
}

static void check_same_parameters(struct checker *checker)
{
    for (size_t i = 0; i < checker->grants.n; i++) {
        const struct op *op = &checker->history->ops[checker->grants.items[i].row];
        const struct dumped_trial *trial = find_trial(checker, op->study, op->trial);

        if (trial != NULL && trial->params != op->params) {
            violated(checker, 6, "attempt %" PRId64 " of trial %" PRId64 " got %s instead of %s",
                     op->attempt, op->trial, checker_text(checker, op->params),
                     checker_text(checker, trial->params));
        }
    }
}

/* Was the trial known to have reached the step in an earlier attempt, before this request? What the
 * same attempt has reached says nothing: a repeated ask is granted the same lease again. */
static bool has_reached(const struct checker *checker, const struct op *grant, int64_t step)
{
    size_t n;
    const struct index_entry *call =
        index_find(&checker->calls, (int64_t[]){grant->study, grant->trial}, 2, &n);

    for (size_t i = 0; i < n; i++) {
        const struct op *op = &checker->history->ops[call[i].row];
        const struct point *points = checker->history->points + op->first_point;

        if (op->kind != OP_MEASURE || op->status != OP_OK || op->aborted
            || op->attempt >= grant->attempt || op->completed_ns >= grant->invoked_ns) {
            continue;
        }
        for (size_t k = 0; k < op->n_points; k++) {
            if (points[k].step >= step) {
                return true;
            }
        }
    }
    return false;
}

/* A trial that has reached a rung is promoted from it or stays there: it is not sent there again.
 */
static void check_promotions(struct checker *checker)
{
    for (size_t i = 0; i < checker->grants.n; i++) {
        const struct op *op = &checker->history->ops[checker->grants.items[i].row];

        if (op->until > 0 && has_reached(checker, op, op->until)) {
            violated(checker, 6,
                     "trial %" PRId64 " was sent to step %" PRId64 " again (op %" PRId64
                     ", attempt %" PRId64 ")",
                     op->trial, op->until, op->id, op->attempt);
        }
    }
}

void checker_once(struct checker *checker)
{
    check_keys(checker);
    check_grid_points(checker);
    check_same_parameters(checker);
    check_promotions(checker);
}
