#include "tests/support/checker_private.h"

#include <inttypes.h>
#include <string.h>

/* ---- A1: nothing acknowledged is lost -------------------------------------------------------- */

static void check_create_kept(struct checker *checker, const struct op *op)
{
    if (find_study(checker, op->study) == NULL) {
        violated(checker, 1, "study %s (op %" PRId64 ") is lost", checker_text(checker, op->study),
                 op->id);
    }
}

static void check_enqueue_kept(struct checker *checker, const struct op *op)
{
    for (size_t i = 0; i < op->n_items; i++) {
        const struct enqueued *item = &checker->history->items[op->first_item + i];
        const struct dumped_trial *row = find_trial(checker, op->study, item->number);

        if (row == NULL || row->params != item->params) {
            violated(checker, 1, "enqueued trial %" PRId64 " of %s (op %" PRId64 ") is %s",
                     item->number, checker_text(checker, op->study), op->id,
                     row == NULL ? "lost" : "another configuration");
        }
    }
}

static void check_lease_kept(struct checker *checker, const struct op *op)
{
    const struct history *history = checker->history;
    size_t n;
    const struct index_entry *entry =
        index_find(&checker->attempts, (int64_t[]){op->study, op->trial, op->attempt}, 3, &n);

    if (entry == NULL) {
        violated(checker, 1, "attempt %" PRId64 " of trial %" PRId64 " (op %" PRId64 ") is lost",
                 op->attempt, op->trial, op->id);
        return;
    }
    if (op->worker != 0 && history->attempts[entry->row].worker != op->worker) {
        violated(checker, 1,
                 "attempt %" PRId64 " of trial %" PRId64 " went to %s, the dump says %s",
                 op->attempt, op->trial, checker_text(checker, op->worker),
                 checker_text(checker, history->attempts[entry->row].worker));
    }
}

/* The row of the dump for one point of an attempt; NULL when there is none to compare with. */
static const struct dumped_point *find_point(const struct checker *checker, const struct op *op,
                                             const struct point *point)
{
    size_t n;
    const struct index_entry *entry = index_find(
        &checker->rows, (int64_t[]){op->study, op->trial, op->attempt, point->step, point->metric},
        5, &n);

    if (entry == NULL) {
        entry = index_find(&checker->rows,
                           (int64_t[]){op->study, op->trial, 0, point->step, point->metric}, 5, &n);
    }
    return entry == NULL ? NULL : &checker->history->rows[entry->row];
}

static void check_measure_kept(struct checker *checker, const struct op *op)
{
    const struct dumped_trial *trial = find_trial(checker, op->study, op->trial);

    for (size_t i = 0; i < op->n_points && !op->aborted; i++) {
        const struct point *point = &checker->history->points[op->first_point + i];
        const struct dumped_point *row = find_point(checker, op, point);
        bool comparable =
            row != NULL
            && (row->attempt == op->attempt || (trial != NULL && trial->attempt == op->attempt));

        if (row == NULL || (comparable && op->conflict == 0 && row->point.value != point->value)) {
            violated(checker, 1,
                     "%s=%s at step %" PRId64 " of trial %" PRId64 " (op %" PRId64 ") is %s",
                     checker_text(checker, point->metric), checker_text(checker, point->value),
                     point->step, op->trial, op->id,
                     row == NULL ? "lost" : checker_text(checker, row->point.value));
        }
    }
}

static void check_result_kept(struct checker *checker, const struct op *op)
{
    const struct dumped_trial *trial = find_trial(checker, op->study, op->trial);

    if (trial == NULL) {
        violated(checker, 1, "trial %" PRId64 " with a result (op %" PRId64 ") is lost", op->trial,
                 op->id);
    } else if (state_is_final(checker_text(checker, op->state)) && trial->state != op->state) {
        violated(checker, 1, "trial %" PRId64 " was acknowledged as %s (op %" PRId64 "), is %s",
                 op->trial, checker_text(checker, op->state), op->id,
                 checker_text(checker, trial->state));
    }
}

/* The attempt is over: nobody else may come to harm by it. */
static void check_release_kept(struct checker *checker, const struct op *op)
{
    size_t n;
    const struct index_entry *entry =
        index_find(&checker->attempts, (int64_t[]){op->study, op->trial, op->attempt}, 3, &n);
    const char *state =
        entry == NULL ? "" : checker_text(checker, checker->history->attempts[entry->row].state);

    if (state[0] != '\0' && strcmp(state, "released") != 0 && strcmp(state, "cancelled") != 0) {
        violated(checker, 1,
                 "attempt %" PRId64 " of trial %" PRId64 " was handed back (op %" PRId64
                 "), the dump says %s",
                 op->attempt, op->trial, op->id, state);
    }
}

static void check_kept(struct checker *checker)
{
    for (size_t i = 0; i < checker->history->n_ops; i++) {
        const struct op *op = &checker->history->ops[i];

        if (op->status != OP_OK) {
            continue;
        }
        if (op->kind == OP_CREATE) {
            check_create_kept(checker, op);
        } else if (op->kind == OP_ENQUEUE) {
            check_enqueue_kept(checker, op);
        } else if (is_grant(op)) {
            check_lease_kept(checker, op);
        } else if (op->kind == OP_MEASURE) {
            check_measure_kept(checker, op);
        } else if (op->kind == OP_RESULT) {
            check_result_kept(checker, op);
        } else if (op->kind == OP_RELEASE) {
            check_release_kept(checker, op);
        }
    }
}

/* ---- A2: nothing is invented ----------------------------------------------------------------- */

static void check_studies_asked(struct checker *checker)
{
    const struct history *history = checker->history;
    struct index created = {0};

    for (size_t i = 0; i < history->n_ops; i++) {
        if (history->ops[i].kind == OP_CREATE && may_have_happened(&history->ops[i])) {
            index_add(&created, (int64_t[]){history->ops[i].study}, 1, i);
        }
    }
    index_sort(&created);
    for (size_t i = 0; i < history->n_studies; i++) {
        size_t n;

        if (index_find(&created, (int64_t[]){history->studies[i].name}, 1, &n) == NULL) {
            violated(checker, 2, "no request created study %s",
                     checker_text(checker, history->studies[i].name));
        }
    }
    index_finish(&created);
}

/* Rows of a configuration may be as many as different requests asked for it. A key counts once. */
static void check_enqueued_asked(struct checker *checker)
{
    const struct history *history = checker->history;
    const uint32_t enqueued = texts_add(&checker->history->texts, "enqueued");
    struct index asked = {0}; /* study, params, key, op unless keyed */
    struct index rows = {0};  /* study, params */

    for (size_t i = 0; i < history->n_ops; i++) {
        const struct op *op = &history->ops[i];

        for (size_t k = 0; k < op->n_items && may_have_happened(op); k++) {
            index_add(&asked,
                      (int64_t[]){op->study, history->items[op->first_item + k].params, op->key,
                                  op->key == 0 ? op->id : 0, (int64_t)k},
                      5, i);
        }
    }
    for (size_t i = 0; i < history->n_trials; i++) {
        if (history->trials[i].source == enqueued) {
            index_add(&rows, (int64_t[]){history->trials[i].study, history->trials[i].params}, 2,
                      i);
        }
    }
    index_sort(&asked);
    index_sort(&rows);
    for (size_t i = 0; i < rows.n;) {
        size_t n_rows;
        size_t n_asked;
        size_t n_distinct = 0;
        const struct index_entry *first = index_find(&asked, rows.items[i].key, 2, &n_asked);

        for (size_t k = 0; k < n_asked; k++) {
            n_distinct += k == 0 || memcmp(first[k].key, first[k - 1].key, sizeof first->key) != 0;
        }
        (void)index_find(&rows, rows.items[i].key, 2, &n_rows);
        if (n_rows > n_distinct) {
            violated(checker, 2, "%zu trials were enqueued as %s, the dump has %zu", n_distinct,
                     checker_text(checker, (uint32_t)rows.items[i].key[1]), n_rows);
        }
        i += n_rows;
    }
    index_finish(&asked);
    index_finish(&rows);
}

/* An attempt that no client knows of must come from a lease request without an answer, each of
 * which explains one; none that was granted when it was repeated, which gives the same lease. */
static void check_attempts_asked(struct checker *checker)
{
    const struct history *history = checker->history;
    struct index asked = {0};     /* worker, request id, op unless it has one */
    struct index unclaimed = {0}; /* worker */
    struct index granted = {0};   /* worker, request id */

    for (size_t i = 0; i < checker->grants.n; i++) {
        const struct op *op = &history->ops[checker->grants.items[i].row];

        index_add(&granted, (int64_t[]){op->worker, op->key}, 2, i);
    }
    index_sort(&granted);
    for (size_t i = 0; i < history->n_ops; i++) {
        const struct op *op = &history->ops[i];
        size_t n;

        if (op->kind == OP_LEASE && op->status == OP_INFO
            && (op->key == 0
                || index_find(&granted, (int64_t[]){op->worker, op->key}, 2, &n) == NULL)) {
            index_add(&asked, (int64_t[]){op->worker, op->key, op->key == 0 ? op->id : 0}, 3, i);
        }
    }
    for (size_t i = 0; i < history->n_attempts; i++) {
        const struct dumped_attempt *row = &history->attempts[i];
        size_t n;

        if (index_find(&checker->grants, (int64_t[]){row->study, row->trial, row->attempt}, 3, &n)
            == NULL) {
            index_add(&unclaimed, (int64_t[]){row->worker}, 1, i);
        }
    }
    index_sort(&asked);
    index_sort(&unclaimed);
    for (size_t i = 0; i < unclaimed.n;) {
        size_t n_rows;
        size_t n_asked;
        size_t n_distinct = 0;
        const struct index_entry *first = index_find(&asked, unclaimed.items[i].key, 1, &n_asked);

        for (size_t k = 0; k < n_asked; k++) {
            n_distinct += k == 0 || memcmp(first[k].key, first[k - 1].key, sizeof first->key) != 0;
        }
        (void)index_find(&unclaimed, unclaimed.items[i].key, 1, &n_rows);
        if (n_rows > n_distinct) {
            violated(checker, 2, "%zu attempts of %s were not asked for", n_rows - n_distinct,
                     checker_text(checker, (uint32_t)unclaimed.items[i].key[0]));
        }
        i += n_rows;
    }
    index_finish(&granted);
    index_finish(&asked);
    index_finish(&unclaimed);
}

static void check_points_sent(struct checker *checker)
{
    const struct history *history = checker->history;
    struct index sent = {0}; /* study, trial, step, metric, value, attempt */

    for (size_t i = 0; i < history->n_ops; i++) {
        const struct op *op = &history->ops[i];

        for (size_t k = 0; k < op->n_points && may_have_happened(op); k++) {
            const struct point *point = &history->points[op->first_point + k];

            index_add(&sent,
                      (int64_t[]){op->study, op->trial, point->step, point->metric, point->value,
                                  op->attempt},
                      6, i);
        }
    }
    index_sort(&sent);
    for (size_t i = 0; i < history->n_rows; i++) {
        const struct dumped_point *row = &history->rows[i];
        size_t n;
        int64_t key[] = {row->study,        row->trial,       row->point.step,
                         row->point.metric, row->point.value, row->attempt};

        if (index_find(&sent, key, row->attempt == 0 ? 5 : 6, &n) == NULL) {
            violated(checker, 2,
                     "no request measured %s=%s at step %" PRId64 " of trial %" PRId64
                     ", attempt %" PRId64,
                     checker_text(checker, row->point.metric),
                     checker_text(checker, row->point.value), row->point.step, row->trial,
                     row->attempt);
        }
    }
    index_finish(&sent);
}

static bool needs_result(const struct checker *checker, const struct dumped_trial *trial)
{
    const char *state = checker_text(checker, trial->state);

    if (strcmp(checker_text(checker, trial->source), "imported") == 0) {
        return false;
    }
    return strcmp(state, "completed") == 0 || strcmp(state, "infeasible") == 0
           || (strcmp(state, "failed") == 0
               && strcmp(checker_text(checker, trial->reason), "lost") != 0);
}

/* A trial that was measured at the highest resource is complete, whatever its attempt says then. */
static bool reached_the_top(const struct checker *checker, const struct dumped_trial *trial)
{
    const struct history *history = checker->history;
    const struct dumped_study *study = find_study(checker, trial->study);
    int64_t top = study != NULL && study->resource_max > 0 ? study->resource_max : INT64_MAX;

    for (size_t i = 0; i < history->n_rows; i++) {
        const struct dumped_point *row = &history->rows[i];
        if (row->study == trial->study && row->trial == trial->number && row->point.step >= top) {
            return true;
        }
    }
    return false;
}

static void check_results_sent(struct checker *checker)
{
    const struct history *history = checker->history;

    for (size_t i = 0; i < history->n_trials; i++) {
        const struct dumped_trial *trial = &history->trials[i];
        size_t n;
        const struct index_entry *first =
            index_find(&checker->calls,
                       (int64_t[]){trial->study, trial->number, trial->attempt, OP_RESULT}, 4, &n);
        bool found = !needs_result(checker, trial);

        for (size_t k = 0; k < n && !found; k++) {
            found = result_matches(checker, &history->ops[first[k].row], trial);
        }
        if (!found && !reached_the_top(checker, trial)) {
            violated(checker, 2,
                     "trial %" PRId64 " is %s, but attempt %" PRId64 " sent no such result",
                     trial->number, checker_text(checker, trial->state), trial->attempt);
        }
    }
}

/* A trial fails as lost when as many attempts were lost as its study allows; what was handed back
 * is not charged. */
static void check_losses(struct checker *checker)
{
    const struct history *history = checker->history;
    const uint32_t lost = texts_add(&checker->history->texts, "lost");

    for (size_t i = 0; i < history->n_trials; i++) {
        const struct dumped_trial *trial = &history->trials[i];
        const struct dumped_study *study = find_study(checker, trial->study);
        size_t n;
        int64_t n_lost = 0;
        const struct index_entry *attempt =
            index_find(&checker->attempts, (int64_t[]){trial->study, trial->number}, 2, &n);

        if (trial->reason != lost || study == NULL || n == 0
            || history->attempts[attempt->row].state == 0) {
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            n_lost += history->attempts[attempt[k].row].state == lost;
        }
        if (n_lost < study->attempts_max) {
            violated(checker, 2,
                     "trial %" PRId64 " failed as lost after %" PRId64 " lost attempts of %" PRId64,
                     trial->number, n_lost, study->attempts_max);
        }
    }
}

void checker_rows(struct checker *checker)
{
    check_kept(checker);
    check_studies_asked(checker);
    check_enqueued_asked(checker);
    check_attempts_asked(checker);
    check_points_sent(checker);
    check_results_sent(checker);
    check_losses(checker);
}
