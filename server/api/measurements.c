/* A trial's measurements: one item for each step and attempt. */
#include "server/api/measurements.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/integer.h"
#include "common/step.h"
#include "server/api/list.h"

struct step_value {
    int64_t step, attempt, metric;
    double value;
};

struct step_values {
    size_t n, cap;
    int digits; /* of the study's steps */
    struct step_value *items;
    size_t n_names; /* metrics by id, as the store has them now: the view may lag */
    char (*names)[METRIC_NAME_BYTES + 1];
    int64_t after_step, after_attempt; /* from the cursor; -1 */
};

static int by_step(const void *a, const void *b)
{
    const struct step_value *x = a;
    const struct step_value *y = b;

    if (x->step != y->step) {
        return x->step < y->step ? -1 : 1;
    }
    if (x->attempt != y->attempt) {
        return x->attempt < y->attempt ? -1 : 1;
    }
    return x->metric < y->metric ? -1 : x->metric > y->metric ? 1 : 0;
}

static int collect(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                   struct err *err)
{
    struct step_values *list = context;

    if (list->n == list->cap) {
        size_t cap = list->cap == 0 ? 256 : list->cap * 2;
        struct step_value *items = realloc(list->items, cap * sizeof *items);
        if (items == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory for measurements");
        }
        list->items = items;
        list->cap = cap;
    }
    list->items[list->n++] =
        (struct step_value){.step = step, .attempt = attempt, .metric = metric, .value = value};
    return 0;
}

static int collect_name(void *context, int64_t id, const char *name, struct err *err)
{
    struct step_values *list = context;

    if (id < 0 || id >= METRICS_MAX) {
        return 0;
    }
    if (list->names == NULL) {
        list->names = calloc(METRICS_MAX, sizeof *list->names);
        if (list->names == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory for metrics");
        }
    }
    (void)snprintf(list->names[id], sizeof list->names[id], "%s", name);
    list->n_names = list->n_names > (size_t)id + 1 ? list->n_names : (size_t)id + 1;
    return 0;
}

static const char *name_of(const struct step_values *list, int64_t metric)
{
    return metric >= 0 && metric < (int64_t)list->n_names ? list->names[metric] : "";
}

static void write_group(struct item_list *listing, const struct step_values *list,
                        const struct step_value *items, size_t n)
{
    struct json_writer *w = item_list_item(listing);

    json_object_begin(w);
    json_put_int(w, "attempt", items[0].attempt);
    json_put_step(w, "step", items[0].step, list->digits);
    json_write_key(w, "metrics");
    json_object_begin(w);
    for (size_t i = 0; i < n; i++) {
        json_put_number(w, name_of(list, items[i].metric), items[i].value);
    }
    json_object_end(w);
    json_object_end(w);
    item_list_item_end(listing);
}

static int write_groups(struct item_list *listing, const struct step_values *list, int64_t limit,
                        struct err *err)
{
    char cursor[CURSOR_BYTES] = "";
    size_t at = 0;

    while (at < list->n && (int64_t)listing->n < limit) {
        size_t n = 1;
        while (at + n < list->n && list->items[at + n].step == list->items[at].step
               && list->items[at + n].attempt == list->items[at].attempt) {
            n++;
        }
        write_group(listing, list, &list->items[at], n);
        (void)snprintf(cursor, sizeof cursor, "m%" PRId64 "_%" PRId64, list->items[at].step,
                       list->items[at].attempt);
        at += n;
    }
    return item_list_end(listing, at < list->n ? cursor : NULL, err);
}

static int find_metric(const struct step_values *list, const char *name, int64_t *metric,
                       struct err *err)
{
    *metric = -1;
    if (name == NULL) {
        return 0;
    }
    for (size_t i = 0; i < list->n_names; i++) {
        if (strcmp(list->names[i], name) == 0) {
            *metric = (int64_t)i;
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "no trial of this study has measured \"%.64s\"", name);
}

static int read_cursor(const struct read_request *read, struct step_values *list, struct err *err)
{
    const char *at = http_query(read->request, "cursor");

    list->after_step = -1;
    list->after_attempt = -1;
    if (at == NULL) {
        return 0;
    }
    bool whole = cursor_skip(&at, 'm') && integer_read(&at, 0, INT64_MAX - 1, &list->after_step)
                 && cursor_skip(&at, '_') && integer_read(&at, 0, INT64_MAX, &list->after_attempt);
    return whole && *at == '\0' ? 0 : cursor_refused(err);
}

/* One group more than the page shows: whether another page follows. */
static int load_points(const struct read_request *read, struct step_values *list, int64_t limit,
                       struct err *err)
{
    struct measurement_query query = {.trial = trial_id(read->study->id, read->trial),
                                      .after_step = list->after_step,
                                      .after_attempt = list->after_attempt,
                                      .limit = limit + 1};

    TRY(store_each_metric(read->store, read->study->id, collect_name, list, err));
    TRY(find_metric(list, http_query(read->request, "metric"), &query.metric, err));
    TRY(store_each_measurement_after(read->store, &query, collect, list, err));
    if (list->n > 0) {
        qsort(list->items, list->n, sizeof list->items[0], by_step);
    }
    return 0;
}

static int write_points(struct read_request *read, const struct step_values *list, int64_t limit,
                        struct err *err)
{
    OWN(item_list) struct item_list listing = {0};

    TRY(item_list_begin(&listing, read, err));
    return write_groups(&listing, list, limit, err);
}

static int read_measurements(struct read_request *read, struct err *err)
{
    OWN(trial_row) struct trial_row row = {0};
    struct step_values list = {.digits = read->study->def->def->resource_digits};
    int64_t limit;

    TRY(list_limit(read->request, &limit, err));
    TRY(read_cursor(read, &list, err));
    TRY(store_trial_load(read->store, trial_id(read->study->id, read->trial), &row, err));
    int result = load_points(read, &list, limit, err);
    if (result == 0) {
        result = write_points(read, &list, limit, err);
    }
    free(list.items);
    free(list.names);
    return result;
}

static const char *const measurements_query[] = {"limit", "cursor", "metric", NULL};

/* A column for each metric of the study. */
static void add_metrics(const struct live_study_view *study, struct representation_columns *columns)
{
    for (size_t i = 0; i < study->n_metrics; i++) {
        representation_columns_add(columns,
                                   &(struct representation_column){.object = "metrics",
                                                                   .key = study->metrics[i],
                                                                   .title = study->metrics[i],
                                                                   .is_right = true});
    }
}

static const struct representation_column columns[] = {
    {.key = "attempt", .is_right = true}, {.key = "step", .is_right = true}, {0}};
static const struct representation representation = {
    .formats = FORMATS_LIST, .columns = columns, .add_columns = add_metrics};

REPRESENTATION_HANDLER(get_measurements, &representation, measurements_query, read_measurements)
