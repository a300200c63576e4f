#include "worker/agent/pending_list.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/array.h"
#include "common/log.h"
#include "common/step.h"
#include "worker/agent/attempt_log.h"

#define LEFT_OUT_TOLD 5
#define LEFT_OUT_BYTES 60 /* of a name */
#define TOLD_BYTES 400    /* of names in one line of the log */

/* Exact: a step has 53 bits and a name 8. */
static uint64_t key_of(const struct pending_item *item)
{
    return (uint64_t)item->step * PENDING_NAMES_MAX + item->name;
}

/* How many items of the list have the key, as a pointer for the map: 1 or 2. */
static char counts[3];

static size_t count_of(const struct pending *pending, uint64_t key)
{
    const char *count = map_get(&pending->present, key);

    return count == NULL ? 0 : (size_t)(count - counts);
}

static bool set_count(struct pending *pending, uint64_t key, size_t count)
{
    if (count == 0) {
        (void)map_take(&pending->present, key);
        return true;
    }
    return map_put(&pending->present, key, &counts[count], NULL) == 0;
}

/* An item leaves the list. */
static void forget(struct pending *pending, const struct pending_item *item)
{
    uint64_t key = key_of(item);
    size_t count = count_of(pending, key);

    (void)set_count(pending, key, count > 0 ? count - 1 : 0);
}

/* Takes out of [from, n) what `is_wanted` does not want, at most `quota`; returns how many. */
size_t pending_list_drop_some(struct pending *pending, size_t from, size_t quota,
                              bool (*is_wanted)(const struct pending *,
                                                const struct pending_item *))
{
    size_t kept = from;

    for (size_t i = from; i < pending->n; i++) {
        struct pending_item item = pending->items[i];
        if (i - kept < quota && !is_wanted(pending, &item)) {
            forget(pending, &item);
        } else {
            pending->items[kept++] = item;
        }
    }
    size_t dropped = pending->n - kept;
    pending->n = kept;
    return dropped;
}

bool pending_list_is_of_objective(const struct pending *pending, const struct pending_item *item)
{
    return item->name < pending->n_objectives;
}

void pending_list_drop(struct pending *pending, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        forget(pending, &pending->items[i]);
    }
    pending->n -= n;
    memmove(pending->items, pending->items + n, pending->n * sizeof *pending->items);
    pending->n_suspects -= n < pending->n_suspects ? n : pending->n_suspects;
    pending->n_batch = 0;
}

static bool make_room(struct pending *pending)
{
    return array_reserve(&pending->items, pending->n, &pending->cap, sizeof *pending->items, NULL)
           == 0;
}

/* ---- names ---- */

/* There is place for it. Returns its index. */
size_t pending_list_add_name(struct pending *pending, const char *metric)
{
    struct pending_name *name = &pending->names[pending->n_names];

    *name = (struct pending_name){.sent_step = -1,
                                  .refused = pending->n_given_up >= PENDING_GIVEN_UP_MAX};
    (void)snprintf(name->metric, sizeof name->metric, "%s", metric);
    return pending->n_names++;
}

/* The index of the name, new or known; PENDING_NO_NAME when there are too many. */
size_t pending_list_name(struct pending *pending, const char *metric)
{
    for (size_t i = 0; i < pending->n_names; i++) {
        if (strcmp(pending->names[i].metric, metric) == 0) {
            return i;
        }
    }
    if (pending->n_names == PENDING_NAMES_MAX) {
        return PENDING_NO_NAME;
    }
    return pending_list_add_name(pending, metric);
}

/* ---- adding ---- */

/* The item with the key that is in no request; NULL: there is none. New ones stand at the end. */
static struct pending_item *find_waiting(struct pending *pending, uint64_t key)
{
    for (size_t i = pending->n; i > pending->n_batch; i--) {
        if (key_of(&pending->items[i - 1]) == key) {
            return &pending->items[i - 1];
        }
    }
    return NULL;
}

static bool is_same(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static void tell_replaced(struct pending *pending, const struct pending_item *item, double before)
{
    char first[JSON_NUMBER_BYTES];
    char second[JSON_NUMBER_BYTES];
    char step[STEP_BYTES];
    char unit[STEP_BYTES];
    const char *metric = pending->names[item->name].metric;
    bool is_rounded = pending->digits > 0;

    notes_tell(pending->notes, "replaced", metric,
               "%s was reported again at step %s%s%s; the last value, %s, replaces %s (told once a "
               "metric)",
               metric, step_format(item->step, pending->digits, step),
               is_rounded ? ", steps being rounded to multiples of " : "",
               is_rounded ? step_format(1, pending->digits, unit) : "",
               json_format_number(item->value, second), json_format_number(before, first));
}

/* Overwrites the value that waits, or finds the one that is under way to be the same. */
static bool replace(struct pending *pending, const struct pending_item *item)
{
    uint64_t key = key_of(item);
    struct pending_item *waiting = find_waiting(pending, key);

    if (waiting != NULL) {
        if (!is_same(waiting->value, item->value)) {
            tell_replaced(pending, item, waiting->value);
        }
        waiting->value = item->value;
        return true;
    }
    for (size_t i = 0; i < pending->n_batch; i++) {
        const struct pending_item *sent = &pending->items[i];
        if (key_of(sent) == key) {
            if (!is_same(sent->value, item->value)) {
                tell_replaced(pending, item, sent->value);
            }
            return is_same(sent->value, item->value);
        }
    }
    return false;
}

static void add_item(struct pending *pending, struct pending_item *item)
{
    struct pending_name *name = &pending->names[item->name];
    uint64_t key = key_of(item);

    if (name->refused || (count_of(pending, key) > 0 && replace(pending, item))) {
        return;
    }
    item->corrects = item->step <= name->sent_step || item->number <= pending->restored;
    if (!make_room(pending) || !set_count(pending, key, count_of(pending, key) + 1)) {
        log_error("out of memory: a measurement of trial %" PRId64 " is lost",
                  pending->notes->trial);
        return;
    }
    pending->items[pending->n++] = *item;
}

/* There is no place for the names of these metrics of a report; the first ones are told. */
static void tell_left_out(struct pending *pending, const struct metric_value *const left[],
                          size_t n)
{
    OWN(buf) struct buf names;

    buf_init(&names, TOLD_BYTES);
    for (size_t i = 0; i < n && i < LEFT_OUT_TOLD; i++) {
        buf_printf(&names, "%s%.*s", i == 0 ? "" : ", ", LEFT_OUT_BYTES, left[i]->metric);
    }
    if (n > 0) {
        notes_tell(pending->notes, "too many", "",
                   "it reports more than %d metrics; those beyond are left out, here %s%s, %zu in "
                   "this report (told once a trial)",
                   PENDING_NAMES_MAX, buf_text(&names), n > LEFT_OUT_TOLD ? ", ..." : "", n);
    }
}

/* Puts a report behind the items. */
void pending_list_load(struct pending *pending, const struct attempt_report *report)
{
    const struct metric_value *left[LEFT_OUT_TOLD];
    size_t n_left = 0;

    pending->loaded = report->number;
    for (size_t i = 0; i < report->n; i++) {
        struct pending_item item = {.step = report->step,
                                    .number = report->number,
                                    .value = report->metrics[i].value,
                                    .name = pending_list_name(pending, report->metrics[i].metric)};
        if (item.name != PENDING_NO_NAME) {
            add_item(pending, &item);
        } else {
            if (n_left < LEFT_OUT_TOLD) {
                left[n_left] = &report->metrics[i];
            }
            n_left++;
        }
    }
    tell_left_out(pending, left, n_left);
}

void pending_list_note_reported(struct pending *pending, const struct attempt_report *report)
{
    for (size_t i = 0; i < report->n; i++) {
        for (size_t k = 0; k < pending->n_objectives; k++) {
            struct pending_objective *objective = &pending->objectives[k];
            if (strcmp(pending->names[k].metric, report->metrics[i].metric) == 0) {
                progress_note(&objective->reported, objective->maximize, report->step,
                              report->metrics[i].value);
            }
        }
    }
}

bool pending_list_has_room(const struct pending *pending)
{
    return pending->spool == NULL || pending->n < PENDING_ITEMS_KEPT;
}

/* The report that stands at `at` in the spool comes next: among the items, or it waits there.
 * False: it waits. */
bool pending_list_load_or_wait(struct pending *pending, const struct attempt_report *report,
                               int64_t at)
{
    bool is_next = pending->loaded == pending->last;

    pending_list_note_reported(pending, report);
    pending->last = report->number;
    if (is_next && pending_list_has_room(pending)) {
        pending_list_load(pending, report);
        return true;
    }
    if (is_next) {
        pending->read_at = at;
    }
    return false;
}
