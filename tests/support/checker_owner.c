#include "tests/support/checker_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- A3: who owns a trial -------------------------------------------------------------------- */

static void check_attempts_dense(struct checker *checker)
{
    const struct index *attempts = &checker->attempts;
    int64_t expected = 1;

    for (size_t i = 0; i < attempts->n; i++) {
        const int64_t *key = attempts->items[i].key;
        bool same = i > 0 && memcmp(attempts->items[i - 1].key, key, 2 * sizeof *key) == 0;

        expected = same ? expected + 1 : 1;
        if (key[2] != expected) {
            violated(checker, 3,
                     "trial %" PRId64 ": attempt %" PRId64 " stands where %" PRId64 " should",
                     key[1], key[2], expected);
            expected = key[2];
        }
    }
}

/* A lease id means one attempt, an attempt one lease id. */
static void check_lease_ids(struct checker *checker)
{
    const struct history *history = checker->history;
    struct index by_lease = {0};

    for (size_t i = 0; i < checker->grants.n; i++) {
        const struct op *op = &history->ops[checker->grants.items[i].row];
        const struct op *before = i == 0 ? NULL : &history->ops[checker->grants.items[i - 1].row];

        index_add(&by_lease, (int64_t[]){op->lease, op->study, op->trial, op->attempt}, 4,
                  checker->grants.items[i].row);
        if (before != NULL && before->study == op->study && before->trial == op->trial
            && before->attempt == op->attempt && before->lease != op->lease) {
            violated(checker, 3,
                     "attempt %" PRId64 " of trial %" PRId64 " was leased twice (ops %" PRId64
                     " and %" PRId64 ")",
                     op->attempt, op->trial, before->id, op->id);
        }
    }
    index_sort(&by_lease);
    for (size_t i = 1; i < by_lease.n; i++) {
        const int64_t *key = by_lease.items[i].key;
        const int64_t *before = by_lease.items[i - 1].key;

        if (key[0] == before[0] && memcmp(key, before, 4 * sizeof *key) != 0) {
            violated(checker, 3, "lease %s stands for two attempts",
                     checker_text(checker, (uint32_t)key[0]));
        }
    }
    index_finish(&by_lease);
}

/* When an attempt newer than this one was known to a client; INT64_MAX: never. */
static int64_t overtaken_ns(const struct checker *checker, const struct op *op)
{
    size_t n;
    const struct index_entry *grant =
        index_find(&checker->grants, (int64_t[]){op->study, op->trial}, 2, &n);
    int64_t earliest = INT64_MAX;

    for (size_t i = 0; i < n; i++) {
        if (grant[i].key[2] > op->attempt && grant[i].key[3] < earliest) {
            earliest = grant[i].key[3];
        }
    }
    return earliest;
}

/* An answer repeated, not a new effect: the same was sent before the other attempt began. */
static bool is_replay(const struct checker *checker, const struct op *op, int64_t before_ns)
{
    size_t n;
    const struct index_entry *call = index_find(
        &checker->calls, (int64_t[]){op->study, op->trial, op->attempt, op->kind}, 4, &n);

    if (op->kind != OP_RESULT && op->kind != OP_RELEASE) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (call[i].key[4] < before_ns && checker->history->ops[call[i].row].body == op->body) {
            return true;
        }
    }
    return false;
}

static void check_fence(struct checker *checker)
{
    for (size_t i = 0; i < checker->calls.n; i++) {
        const struct op *op = &checker->history->ops[checker->calls.items[i].row];
        int64_t overtaken;

        if (op->status != OP_OK || op->aborted) {
            continue;
        }
        overtaken = overtaken_ns(checker, op);
        if (op->invoked_ns > overtaken && !is_replay(checker, op, overtaken)) {
            violated(checker, 3,
                     "attempt %" PRId64 " of trial %" PRId64 " was overtaken, yet op %" PRId64
                     " was accepted",
                     op->attempt, op->trial, op->id);
        }
    }
}

/* ---- A4: one result -------------------------------------------------------------------------- */

/* An attempt that failed at the highest resource ends its trial as completed, with what was
 * measured there and not what it says of itself. */
static bool decides_value(const struct checker *checker, const struct op *op)
{
    return op->outcome == op->state || strcmp(checker_text(checker, op->outcome), "completed") == 0;
}

static void check_one_result(struct checker *checker)
{
    const struct history *history = checker->history;

    for (size_t i = 0; i < checker->finals.n; i++) {
        const struct op *op = &history->ops[checker->finals.items[i].row];
        const struct op *before = i == 0 ? NULL : &history->ops[checker->finals.items[i - 1].row];
        const struct dumped_trial *trial = find_trial(checker, op->study, op->trial);

        if (before != NULL && before->study == op->study && before->trial == op->trial
            && (before->attempt != op->attempt || before->body != op->body
                || before->answer != op->answer)) {
            violated(checker, 4,
                     "trial %" PRId64 " has two results (ops %" PRId64 " and %" PRId64 ")",
                     op->trial, before->id, op->id);
        }
        if (trial != NULL
            && (trial->attempt != op->attempt
                || (decides_value(checker, op) && !result_matches(checker, op, trial)))) {
            violated(checker, 4,
                     "trial %" PRId64 " does not hold its result (op %" PRId64 ", attempt %" PRId64
                     ")",
                     op->trial, op->id, op->attempt);
        }
    }
}

static void check_one_row(struct checker *checker)
{
    for (size_t i = 1; i < checker->trials.n; i++) {
        const int64_t *key = checker->trials.items[i].key;

        if (memcmp(key, checker->trials.items[i - 1].key, 2 * sizeof *key) == 0) {
            violated(checker, 4, "the dump has trial %" PRId64 " twice", key[1]);
        }
    }
}

void checker_owner(struct checker *checker)
{
    check_attempts_dense(checker);
    check_lease_ids(checker);
    check_fence(checker);
    check_one_result(checker);
    check_one_row(checker);
}
