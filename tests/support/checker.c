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
        if (is_final(op, checker)) {
            index_add(&checker->finals, (int64_t[]){op->study, op->trial, op->completed_ns}, 3, i);
        }
    }
    index_sort(&checker->grants);
    index_sort(&checker->calls);
    index_sort(&checker->finals);
}

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
            && (trial->attempt != op->attempt || !result_matches(checker, op, trial))) {
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

        if (same_scope(key, before, 4) && key[4] != before[4]) {
            violated(checker, 5, "key %s made two objects",
                     checker_text(checker, (uint32_t)key[2]));
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
    check_attempts_dense(&checker);
    check_lease_ids(&checker);
    check_fence(&checker);
    check_one_result(&checker);
    check_one_row(&checker);
    check_keys(&checker);
    check_grid_points(&checker);
    check_same_parameters(&checker);
    check_reads(&checker);
    check_sequence(&checker);
    check_expiry(&checker);
    check_drained(&checker);
    index_finish(&checker.trials);
    index_finish(&checker.attempts);
    index_finish(&checker.rows);
    index_finish(&checker.grants);
    index_finish(&checker.calls);
    index_finish(&checker.finals);
}
