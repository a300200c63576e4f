#include "worker/agent/pending.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/step.h"
#include "worker/agent/attempt_log.h"
#include "worker/agent/pending_list.h"

#define TOLD_BYTES 400 /* of names in one line of the log */

/* ---- objectives ---- */

static void add_objective(struct pending *pending, const json_t *objective)
{
    const char *metric = json_string_value(json_object_get(objective, "metric"));
    const char *direction = json_string_value(json_object_get(objective, "direction"));
    const char *fold = json_string_value(json_object_get(objective, "fold"));
    static const struct objective_progress nothing = {.step = -1};

    if (metric == NULL || !name_is_metric(metric)
        || pending->n_objectives == PENDING_OBJECTIVES_MAX) {
        return;
    }
    pending->objectives[pending->n_objectives++] = (struct pending_objective){
        .maximize = direction != NULL && strcmp(direction, "maximize") == 0,
        .folds_best = fold != NULL && strcmp(fold, "best") == 0,
        .reported = nothing,
        .delivered = nothing};
    (void)pending_list_add_name(pending, metric);
}

void pending_init(struct pending *pending, const json_t *objectives, struct notes *notes,
                  struct spool *spool)
{
    size_t i;
    json_t *objective;

    *pending = (struct pending){.notes = notes, .spool = spool};
    json_array_foreach (json_unconst(objectives), i, objective) {
        add_objective(pending, objective);
    }
}

bool pending_is_objective(const struct pending *pending, const char *metric)
{
    for (size_t i = 0; i < pending->n_objectives; i++) {
        if (strcmp(pending->names[i].metric, metric) == 0) {
            return true;
        }
    }
    return false;
}

bool pending_is_measured(const struct pending *pending)
{
    for (size_t i = 0; i < pending->n_objectives; i++) {
        if (pending->objectives[i].reported.step < 0) {
            return false;
        }
    }
    return true;
}

void pending_append_reported(const struct pending *pending, struct buf *out)
{
    size_t before = out->len;

    for (size_t i = 0; i < pending->n_names && out->len - before < 200; i++) {
        if (i >= pending->n_objectives || pending->objectives[i].reported.step >= 0) {
            buf_printf(out, "%s%s", out->len == before ? "" : ", ", pending->names[i].metric);
        }
    }
}

void pending_append_missing(const struct pending *pending, struct buf *out)
{
    size_t before = out->len;

    for (size_t i = 0; i < pending->n_objectives && out->len - before < 100; i++) {
        if (pending->objectives[i].reported.step < 0) {
            buf_printf(out, "%s%s", out->len == before ? "" : ", ", pending->names[i].metric);
        }
    }
}

struct reported_value pending_decisive(const struct pending_objective *objective, bool *is_best)
{
    const struct objective_progress *reported = &objective->reported;

    *is_best = objective->folds_best && reported->n_best > 0;
    return *is_best ? reported->best[0] : (struct reported_value){reported->step, reported->last};
}

bool pending_append_lost(const struct pending *pending, struct buf *out)
{
    char number[JSON_NUMBER_BYTES];
    char step[STEP_BYTES];

    for (size_t i = 0; i < pending->n_objectives; i++) {
        const struct pending_objective *objective = &pending->objectives[i];
        const struct objective_progress *delivered = &objective->delivered;
        bool best;
        struct reported_value decisive = pending_decisive(objective, &best);
        bool is_lost = best ? delivered->n_best == 0
                                  || progress_is_better(objective->maximize, decisive.value,
                                                        delivered->best[0].value)
                            : delivered->step < decisive.step;
        if (is_lost) {
            buf_printf(out, "the server did not take the %s value of %s, %s at step %s",
                       best ? "best" : "last", pending->names[i].metric,
                       json_format_number(decisive.value, number),
                       step_format(decisive.step, pending->digits, step));
            buf_printf(out, "%s%s", pending->why[0] == '\0' ? "" : ": ", pending->why);
            return true;
        }
    }
    return false;
}

bool pending_append_not_finite(const struct pending *pending, struct buf *out)
{
    char number[JSON_NUMBER_BYTES];
    char step[STEP_BYTES];

    for (size_t i = 0; i < pending->n_objectives; i++) {
        bool best;
        struct reported_value decisive = pending_decisive(&pending->objectives[i], &best);
        if (decisive.step >= 0 && !isfinite(decisive.value)) {
            buf_printf(out,
                       "the value of %s is %s, reported at step %s; only a finite one completes a "
                       "trial",
                       pending->names[i].metric, json_format_number(decisive.value, number),
                       step_format(decisive.step, pending->digits, step));
            return true;
        }
    }
    return false;
}

/* ---- the list ---- */

void pending_finish(struct pending *pending)
{
    free(pending->items);
    map_finish(&pending->present);
    *pending = (struct pending){0};
}

void pending_clear(struct pending *pending)
{
    map_finish(&pending->present);
    pending->n = 0;
    pending->n_batch = 0;
    pending->n_suspects = 0;
}

/* ---- names ---- */

static void tell_names(struct pending *pending)
{
    OWN(buf) struct buf text;
    size_t n = 0;

    buf_init(&text, TOLD_BYTES + 2 * METRIC_NAME_BYTES);
    for (size_t i = 0; i < pending->n_names; i++) {
        if (pending->names[i].refused && text.len < TOLD_BYTES) {
            buf_printf(&text, "%s%s", n == 0 ? "" : ", ", pending->names[i].metric);
        }
        n += pending->names[i].refused;
    }
    if (n > 0) {
        notes_tell(pending->notes, "names", "",
                   "the server does not take the metrics %s%s (%zu in all): %s; they are left out, "
                   "the others count",
                   buf_text(&text), text.len < TOLD_BYTES ? "" : ", …", n, pending->why);
    }
}

void pending_add(struct pending *pending, int64_t step, const struct metric_value *metrics,
                 size_t n)
{
    struct spool *spool = pending->spool;
    union {
        const struct metric_value *borrowed;
        struct metric_value *plain;
    } same = {metrics};
    struct attempt_report report = {
        .number = pending->last + 1, .step = step, .n = n, .metrics = same.plain};
    int64_t at = spool == NULL ? 0 : spool_end(spool);
    bool is_kept = spool != NULL && attempt_log_measured(spool, report.number, step, metrics, n);

    if (!pending_list_load_or_wait(pending, &report, at) && !is_kept) {
        char text[STEP_BYTES];
        notes_tell(pending->notes, "spool", "",
                   "its measurements from step %s on are not kept: the server is away, the disk "
                   "cannot be written, and there is no more memory for them",
                   step_format(step, pending->digits, text));
    }
}

/* ---- what waits in the spool ---- */

/* Reads reports until the items are enough for some requests again. */
static void reload(struct pending *pending)
{
    OWN(spool_record) struct spool_record record;
    OWN(attempt_report) struct attempt_report report = {0};

    spool_record_init(&record);
    while (pending->loaded < pending->last && pending_list_has_room(pending)) {
        if (!spool_next(pending->spool, &pending->read_at, &record)) {
            pending->loaded = pending->last; /* those that found no place in it are lost */
        } else if (attempt_report_read(&record, &report) && report.number > pending->loaded) {
            pending_list_load(pending, &report);
        }
    }
}

/* Notes in the spool which reports need not be sent again, whoever goes on with it. */
static void note_answered(struct pending *pending)
{
    uint64_t first = pending->loaded + 1;

    for (size_t i = 0; i < pending->n; i++) {
        first = pending->items[i].number < first ? pending->items[i].number : first;
    }
    if (pending->spool != NULL && first - 1 > pending->answered) {
        pending->answered = first - 1;
        (void)attempt_log_answered(pending->spool, pending->answered);
    }
}

static void after_answer(struct pending *pending)
{
    if (pending->n <= PENDING_ITEMS_KEPT / 2) {
        reload(pending);
    }
    note_answered(pending);
}

/* ---- sending ---- */

/* How many of the front the next request takes, if so many fit into it. */
static size_t wanted(const struct pending *pending)
{
    size_t n = pending->n < PENDING_BATCH_ITEMS ? pending->n : PENDING_BATCH_ITEMS;

    if (pending->n_batch > 0) { /* a repeated batch is the same batch */
        return pending->n_batch;
    }
    if (pending->n_suspects > 0) {
        return pending->most < pending->n_suspects ? pending->most : pending->n_suspects;
    }
    return n;
}

/* The front is in a request now. One correction makes all of it one: of values that the server does
 * not have yet there is nothing to replace. */
static void mark_sent(struct pending *pending, struct measurement_list *batch)
{
    pending->n_batch = batch->n;
    for (size_t i = 0; i < batch->n; i++) {
        const struct pending_item *item = &pending->items[i];
        struct pending_name *name = &pending->names[item->name];
        batch->replace = batch->replace || item->corrects;
        name->sent_step = item->step > name->sent_step ? item->step : name->sent_step;
    }
}

int pending_batch(struct pending *pending, struct measurement_list *batch, struct err *err)
{
    size_t n = wanted(pending);

    *batch = (struct measurement_list){
        .n = n, .digits = pending->digits, .items = calloc(n + 1, sizeof *batch->items)};
    if (batch->items == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    for (size_t i = 0; i < n; i++) {
        const struct pending_item *item = &pending->items[i];
        batch->items[i].step = item->step;
        batch->items[i].value = item->value;
        batch->items[i].metric = pending->names[item->name].metric;
    }
    batch->n = measurement_list_fit(batch);
    mark_sent(pending, batch);
    return 0;
}

/* The first item of the batch that may correct a value sent before; the first one if none does. */
static const struct pending_item *first_correction(const struct pending *pending)
{
    for (size_t i = 0; i < pending->n_batch; i++) {
        if (pending->items[i].corrects) {
            return &pending->items[i];
        }
    }
    return &pending->items[0];
}

/* What became of values for steps that the server had values of. */
static void tell_corrections(struct pending *pending, int64_t n_conflicts, int64_t n_replaced)
{
    char number[JSON_NUMBER_BYTES];
    const struct pending_item *item = first_correction(pending);
    const char *metric = pending->names[item->name].metric;
    char step[STEP_BYTES];

    (void)step_format(item->step, pending->digits, step);
    if (n_conflicts > 0) {
        notes_tell(pending->notes, "conflict", "",
                   "%s was reported again at step %s, but the server keeps the value that it has, "
                   "and ignored %s; %" PRId64 " in this request (told once a trial)",
                   metric, step, json_format_number(item->value, number), n_conflicts);
    }
    if (n_replaced > 0) {
        notes_tell(pending->notes, "replaced", metric,
                   "%s was reported again at step %s; the last value, %s, replaces the one sent "
                   "before (told once a metric)",
                   metric, step, json_format_number(item->value, number));
    }
}

void pending_accepted(struct pending *pending, int64_t n_conflicts, int64_t n_replaced)
{
    size_t n = pending->n_batch;
    bool was_suspect = pending->n_suspects > 0;

    tell_corrections(pending, n_conflicts, n_replaced);
    for (size_t i = 0; i < n; i++) {
        const struct pending_item *item = &pending->items[i];
        pending->names[item->name].accepted = true;
        if (pending_list_is_of_objective(pending, item)) {
            struct pending_objective *objective = &pending->objectives[item->name];
            progress_note(&objective->delivered, objective->maximize, item->step, item->value);
        }
    }
    pending_list_drop(pending, n);
    pending->most = 2 * n;
    if (was_suspect && pending->n_suspects == 0) {
        tell_names(pending);
    }
    after_answer(pending);
}

/* ---- a refused batch ---- */

static int by_name_and_step(const void *a, const void *b)
{
    const struct pending_item *left = a;
    const struct pending_item *right = b;

    if (left->name != right->name) {
        return left->name < right->name ? -1 : 1;
    }
    return (left->step > right->step) - (left->step < right->step);
}

/* Puts the objectives in front, to be sent alone; then halves. */
static void divide(struct pending *pending)
{
    size_t n = pending->n_batch;
    size_t first = 0;

    if (pending->n_suspects == 0) {
        pending->n_suspects = n;
        qsort(pending->items, n, sizeof *pending->items, by_name_and_step);
        while (first < n && pending_list_is_of_objective(pending, &pending->items[first])) {
            first++;
        }
    }
    pending->most = first > 0 && first < n ? first : n / 2;
    pending->n_batch = 0;
}

/* After so many refusals the server is not asked about unknown names any more. */
static void refuse_unknown_names(struct pending *pending)
{
    for (size_t i = pending->n_objectives; i < pending->n_names; i++) {
        pending->names[i].refused = !pending->names[i].accepted;
    }
}

static bool is_of_taken_name(const struct pending *pending, const struct pending_item *item)
{
    return !pending->names[item->name].refused;
}

/* What the suspects hold of refused names goes; they stand in front. */
static void drop_refused_names(struct pending *pending)
{
    (void)pending_list_drop_some(pending, pending->n_suspects, SIZE_MAX, is_of_taken_name);
    size_t behind = pending->n - pending->n_suspects;
    (void)pending_list_drop_some(pending, 0, SIZE_MAX, is_of_taken_name);
    pending->n_suspects = pending->n - behind;
}

static void record_refused(struct pending *pending, const struct pending_item *item, bool wholly)
{
    if (pending->spool != NULL) {
        (void)attempt_log_refused(pending->spool, wholly ? -1 : item->step, item->value,
                                  pending->names[item->name].metric);
    }
}

static void tell_value(struct pending *pending, const struct pending_item *item)
{
    char number[JSON_NUMBER_BYTES];
    char step[STEP_BYTES];

    notes_tell(pending->notes, "value", "",
               "the server does not take %s=%s at step %s: %s; it is left out (told once a trial)",
               pending->names[item->name].metric, json_format_number(item->value, number),
               step_format(item->step, pending->digits, step), pending->why);
}

/* One value alone is refused. If the server has never taken this metric, it is the name that is
 * refused, and all of its values; otherwise the value. */
static void give_up(struct pending *pending)
{
    struct pending_name *name = &pending->names[pending->items[0].name];

    pending->n_given_up++;
    record_refused(pending, &pending->items[0], !name->accepted);
    if (name->accepted) {
        tell_value(pending, &pending->items[0]);
        pending_list_drop(pending, 1);
    }
    name->refused = !name->accepted;
    if (pending->n_given_up >= PENDING_GIVEN_UP_MAX) {
        refuse_unknown_names(pending);
    }
    drop_refused_names(pending);
    pending->n_batch = 0;
    pending->most = 1;
}

static void give_up_batch(struct pending *pending)
{
    for (size_t i = 0; i < pending->n_batch; i++) {
        if (pending_list_is_of_objective(pending, &pending->items[i])) {
            record_refused(pending, &pending->items[i], false);
        }
    }
    pending_list_drop(pending, pending->n_batch);
}

void pending_refused(struct pending *pending, const struct err *err)
{
    if (pending->why[0] == '\0') {
        (void)snprintf(pending->why, sizeof pending->why, "%.*s", (int)sizeof pending->why - 1,
                       err->text);
    }
    if (pending->n_given_up >= 2 * PENDING_GIVEN_UP_MAX) {
        tell_value(pending, &pending->items[0]);
        give_up_batch(pending); /* enough was tried */
    } else if (pending->n_batch > 1) {
        divide(pending);
        return;
    } else {
        give_up(pending);
    }
    if (pending->n_suspects == 0) {
        tell_names(pending);
    }
    after_answer(pending);
}
