#include "server/api/curves.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/array.h"
#include "common/step.h"
#include "server/analysis/learning_points.h"
#include "server/api/list.h"
#include "server/api/request.h"

#define TRIALS_DEFAULT 200
#define TRIALS_MAX 1000
#define POINTS_DEFAULT 300
#define POINTS_MAX 10000
#define POINTS_OF_ALL 200000 /* more curves have fewer points each */
#define POINTS_FEWEST 10

struct curves_answer {
    struct read_request *read;
    const char *metric; /* borrowed */
    int64_t metric_id;  /* -1: nobody has measured it yet */
    int64_t trials, points;
    size_t n, cap;
    int64_t *numbers; /* of the trials; owned */
    struct learning_points of_trial;
    struct item_list list;
};

static void curves_answer_finish(struct curves_answer *curves)
{
    free(curves->numbers);
    learning_points_finish(&curves->of_trial);
    item_list_finish(&curves->list);
}
OWN_VALUE(curves_answer)

/* ---- which trials ---- */

static int add_number(struct curves_answer *curves, int64_t number, struct err *err)
{
    TRY(array_reserve(&curves->numbers, curves->n, &curves->cap, sizeof *curves->numbers, err));
    curves->numbers[curves->n++] = number;
    return 0;
}

static int add_trial(void *context, struct trial_row *row, struct err *err)
{
    return add_number(context, trial_id_number(row->id), err);
}

static int by_size(const void *a, const void *b)
{
    const int64_t *left = a;
    const int64_t *right = b;

    return (*left > *right) - (*left < *right);
}

/* The best ones; several objectives have no common order: the first one's is taken. */
static int choose_best(struct curves_answer *curves, struct err *err)
{
    const struct live_study_view *study = curves->read->study;
    const struct study_def *def = study->def->def;
    struct value_order_kind kind = {.study = study->id,
                                    .sort = def->n_objectives > 1 ? SORT_BY_METRIC : SORT_BY_VALUE,
                                    .maximize = def->objectives[0].direction == DIRECTION_MAXIMIZE};
    struct value_filter filter = {.states = 1U << TRIAL_COMPLETED | 1U << TRIAL_PRUNED,
                                  .source = -1};
    OWN(memory) struct sort_key *keys = calloc((size_t)curves->trials + 1, sizeof *keys);
    size_t n;

    if (keys == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    if (kind.sort == SORT_BY_METRIC) {
        (void)snprintf(kind.metric, sizeof kind.metric, "%s", def->objectives[0].metric);
    }
    TRY(value_orders_find(&curves->read->api->orders, curves->read->store, &kind, study, &filter,
                          (size_t)curves->trials, keys, &n, err));
    for (size_t i = 0; i < n; i++) {
        TRY(add_number(curves, keys[i].number, err));
    }
    return 0;
}

/* Begins the read transaction. */
static int choose(struct curves_answer *curves, struct err *err)
{
    const struct trial_query running = {
        .study = curves->read->study->id, .limit = INT32_MAX, .states = 1U << TRIAL_RUNNING};

    TRY(choose_best(curves, err));
    TRY(store_each_trial(curves->read->store, &running, add_trial, curves, err));
    if (curves->n > 0) {
        qsort(curves->numbers, curves->n, sizeof *curves->numbers, by_size);
    }
    return 0;
}

/* ---- the answer ---- */

static void write_curve(struct curves_answer *curves, const struct trial_row *row)
{
    struct json_writer *w = item_list_item(&curves->list);
    const struct learning_points *points = &curves->of_trial;
    int digits = curves->read->study->def->def->resource_digits;

    json_object_begin(w);
    json_put_int(w, "number", trial_id_number(row->id));
    json_put_string(w, "state", trial_state_name(row->state));
    json_write_key(w, "step");
    json_array_begin(w);
    for (size_t i = 0; i < points->n; i++) {
        json_write_step(w, points->items[i].step, digits);
    }
    json_array_end(w);
    json_write_key(w, "value");
    json_array_begin(w);
    for (size_t i = 0; i < points->n; i++) {
        json_write_number(w, points->items[i].value);
    }
    json_array_end(w);
    json_object_end(w);
    item_list_item_end(&curves->list);
}

/* The other formats have a row for each point. */
static void write_rows(struct curves_answer *curves, const struct trial_row *row)
{
    int digits = curves->read->study->def->def->resource_digits;

    for (size_t i = 0; i < curves->of_trial.n; i++) {
        struct json_writer *w = item_list_item(&curves->list);
        json_object_begin(w);
        json_put_int(w, "number", trial_id_number(row->id));
        json_put_string(w, "state", trial_state_name(row->state));
        json_put_step(w, "step", curves->of_trial.items[i].step, digits);
        json_put_number(w, "value", curves->of_trial.items[i].value);
        json_object_end(w);
        item_list_item_end(&curves->list);
    }
}

static int write_trial(struct curves_answer *curves, int64_t number, size_t most, struct err *err)
{
    int64_t id = trial_id(curves->read->study->id, number);
    OWN(trial_row) struct trial_row row = {0};
    int result = store_trial_load(curves->read->store, id, &row, err);

    if (result != 0 && err->code == ERR_NOT_FOUND) {
        return 0;
    }
    TRY(result);
    learning_points_clear(&curves->of_trial);
    if (curves->metric_id >= 0) {
        TRY(store_each_measurement(curves->read->store, id, curves->metric_id, learning_points_add,
                                   &curves->of_trial, err));
    }
    learning_points_settle(&curves->of_trial, most);
    (curves->list.is_shown ? write_rows : write_curve)(curves, &row);
    return 0;
}

static int write_trials(struct curves_answer *curves, struct err *err)
{
    size_t share = POINTS_OF_ALL / (curves->n + 1);
    size_t most = (size_t)curves->points;

    if (most > share) {
        most = share < POINTS_FEWEST ? POINTS_FEWEST : share;
    }
    for (size_t i = 0; i < curves->n; i++) {
        if (i == 0 || curves->numbers[i] != curves->numbers[i - 1]) {
            TRY(write_trial(curves, curves->numbers[i], most, err));
        }
    }
    return 0;
}

static int read_all(struct curves_answer *curves, struct err *err)
{
    TRY(curves->numbers == NULL ? choose(curves, err) : store_read_begin(curves->read->store, err));
    TRY(read_metric_id(curves->read, curves->metric, &curves->metric_id, err));
    return write_trials(curves, err);
}

/* ---- the request ---- */

static int read_query(struct curves_answer *curves, struct err *err)
{
    const struct http_request *request = curves->read->request;
    const struct study_def *def = curves->read->study->def->def;
    const char *metric = http_query(request, "metric");

    curves->metric = metric == NULL ? def->objectives[0].metric : metric;
    TRY(query_int(request, "trials", TRIALS_DEFAULT, 0, TRIALS_MAX, &curves->trials, err));
    TRY(query_int(request, "points", POINTS_DEFAULT, 2, POINTS_MAX, &curves->points, err));
    TRY(query_numbers(request, &curves->numbers, &curves->n, err));
    curves->cap = curves->n;
    return 0;
}

static void put_metric(void *context, struct json_writer *w)
{
    const struct curves_answer *curves = context;

    json_put_string(w, "metric", curves->metric);
}

static int read_curves(struct read_request *read, struct err *err)
{
    OWN(curves_answer) struct curves_answer curves = {.read = read};

    TRY(read_query(&curves, err));
    TRY(item_list_begin_with(&curves.list, read, put_metric, &curves, err));
    int result = read_all(&curves, err);
    store_read_end(read->store);
    TRY(result);
    return item_list_end(&curves.list, NULL, err);
}

static const char *const curves_query[] = {"metric", "trials", "points", "numbers", NULL};

static const struct representation_column columns[] = {{.key = "number", .is_right = true},
                                                       {.key = "state"},
                                                       {.key = "step", .is_right = true},
                                                       {.key = "value", .is_right = true},
                                                       {0}};
static const struct representation representation = {.formats = FORMATS_LIST, .columns = columns};

REPRESENTATION_HANDLER(get_curves, &representation, curves_query, read_curves)
