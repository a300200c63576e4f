#include "tests/support/checker_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- A7: real time --------------------------------------------------------------------------- */

static void check_reads(struct checker *checker)
{
    const struct history *history = checker->history;

    for (size_t i = 0; i < history->n_ops; i++) {
        const struct op *op = &history->ops[i];
        size_t n;
        const struct index_entry *final =
            op->kind == OP_READ && op->status == OP_OK
                ? index_find(&checker->finals, (int64_t[]){op->study, op->trial}, 2, &n)
                : NULL;

        if (final != NULL && final->key[2] < op->invoked_ns
            && history->ops[final->row].state != op->state) {
            violated(checker, 7, "trial %" PRId64 " was %s before op %" PRId64 " read it as %s",
                     op->trial, checker_text(checker, history->ops[final->row].state), op->id,
                     checker_text(checker, op->state));
        }
    }
}

/* One read, against what other clients had been told before it began. */
static void check_read(struct checker *checker, const struct op *read)
{
    size_t n;
    const struct index_entry *seen =
        index_find(&checker->sightings, (int64_t[]){read->study, read->trial}, 2, &n);

    for (size_t i = 0; i < n && seen[i].key[2] < read->invoked_ns; i++) {
        const struct op *before = &checker->history->ops[seen[i].row];

        if (read->status == OP_FAIL) {
            violated(checker, 7,
                     "trial %" PRId64 " was there (op %" PRId64 "), op %" PRId64 " did not find it",
                     read->trial, before->id, read->id);
            return;
        }
        if (read->holder < seen[i].key[3]) {
            violated(checker, 7,
                     "trial %" PRId64 " had attempt %" PRId64 " (op %" PRId64 ") before op %" PRId64
                     " read %" PRId64,
                     read->trial, seen[i].key[3], before->id, read->id, read->holder);
            return;
        }
        if (before->kind == OP_READ && before->state != read->state
            && state_is_final(checker_text(checker, before->state))) {
            violated(checker, 7,
                     "trial %" PRId64 " was read as %s (op %" PRId64 "), then as %s (op %" PRId64
                     ")",
                     read->trial, checker_text(checker, before->state), before->id,
                     checker_text(checker, read->state), read->id);
            return;
        }
    }
}

static void check_sightings(struct checker *checker)
{
    const uint32_t not_found = texts_add(&checker->history->texts, "/problems/not-found");

    for (size_t i = 0; i < checker->history->n_ops; i++) {
        const struct op *op = &checker->history->ops[i];

        if (op->kind == OP_READ
            && ((op->status == OP_OK && op->holder > 0)
                || (op->status == OP_FAIL && op->problem == not_found))) {
            check_read(checker, op);
        }
    }
}

/* Walks all invocations and answers in time: an answer's number is no smaller than any that was
 * known when its request was made. */
static void check_sequence(struct checker *checker)
{
    const struct history *history = checker->history;
    struct index moments = {0}; /* time, 0 invoke or 1 answer */
    int64_t *floors = calloc(history->n_ops + 1, sizeof *floors);
    int64_t highest = -1;

    if (floors == NULL) {
        abort();
    }
    for (size_t i = 0; i < history->n_ops; i++) {
        index_add(&moments, (int64_t[]){history->ops[i].invoked_ns, 0}, 2, i);
        if (history->ops[i].seq >= 0) {
            index_add(&moments, (int64_t[]){history->ops[i].completed_ns, 1}, 2, i);
        }
    }
    index_sort(&moments);
    for (size_t i = 0; i < moments.n; i++) {
        const struct op *op = &history->ops[moments.items[i].row];

        if (moments.items[i].key[1] == 0) {
            floors[moments.items[i].row] = highest;
        } else if (op->seq < floors[moments.items[i].row]) {
            violated(checker, 7, "Server-Seq fell from %" PRId64 " to %" PRId64 " (op %" PRId64 ")",
                     floors[moments.items[i].row], op->seq, op->id);
        }
        if (moments.items[i].key[1] == 1 && op->seq > highest) {
            highest = op->seq;
        }
    }
    if (history->dump_seq >= 0 && history->dump_seq < highest) {
        violated(checker, 7, "Server-Seq was %" PRId64 ", the dump says %" PRId64, highest,
                 history->dump_seq);
    }
    free(floors);
    index_finish(&moments);
}

/* ---- A8, A9 ---------------------------------------------------------------------------------- */

/* Until when this attempt's lease was promised by the last answer to it, if it took what time it
 * could to arrive at the server; -1 when the attempt ended or may have. */
static int64_t promised_ns(const struct checker *checker, const struct op *grant)
{
    const double scale = checker->options->ttl_scale > 0 ? checker->options->ttl_scale : 1;
    const int64_t ttl_ns = (int64_t)(grant->ttl_seconds / scale * 1e9);
    size_t n;
    const struct index_entry *call =
        index_find(&checker->calls, (int64_t[]){grant->study, grant->trial, grant->attempt}, 3, &n);
    const struct op *last = grant;

    for (size_t i = 0; i < n; i++) {
        const struct op *op = &checker->history->ops[call[i].row];

        if (op->kind == OP_RESULT || op->kind == OP_RELEASE || op->aborted) {
            return -1;
        }
        if (op->status == OP_OK && op->invoked_ns > last->invoked_ns) {
            last = op;
        }
    }
    return last->expires_ns > 0 ? last->expires_ns : last->invoked_ns + ttl_ns;
}

static void check_expiry(struct checker *checker)
{
    for (size_t i = 0; i < checker->grants.n; i++) {
        const struct op *next = &checker->history->ops[checker->grants.items[i].row];
        size_t n;
        const struct index_entry *entry = index_find(
            &checker->grants, (int64_t[]){next->study, next->trial, next->attempt - 1}, 3, &n);
        int64_t promised =
            entry == NULL ? -1 : promised_ns(checker, &checker->history->ops[entry->row]);

        if (next->completed_ns < promised) {
            violated(checker, 8, "trial %" PRId64 " was leased again (op %" PRId64 ") %.3f s early",
                     next->trial, next->id, (double)(promised - next->completed_ns) / 1e9);
        }
    }
}

static void check_drained(struct checker *checker)
{
    const struct history *history = checker->history;

    for (size_t i = 0; checker->options->drained && i < history->n_trials; i++) {
        if (!state_is_final(checker_text(checker, history->trials[i].state))) {
            violated(checker, 9, "trial %" PRId64 " of %s is still %s", history->trials[i].number,
                     checker_text(checker, history->trials[i].study),
                     checker_text(checker, history->trials[i].state));
        }
    }
}

static void check_liveness(struct checker *checker)
{
    const struct history *history = checker->history;
    const double within = checker->options->drained_within_seconds;

    if (within <= 0) {
        return;
    }
    if (history->drained_ns == 0) {
        violated(checker, 9, "the trials were never seen to end");
    } else if ((double)(history->drained_ns - history->calm_ns) > within * 1e9) {
        violated(checker, 9, "the last trial ended %.1f s after the last fault, %.1f are allowed",
                 (double)(history->drained_ns - history->calm_ns) / 1e9, within);
    }
}

void checker_time(struct checker *checker)
{
    check_reads(checker);
    check_sightings(checker);
    check_sequence(checker);
    check_expiry(checker);
    check_drained(checker);
    check_liveness(checker);
}
