/* GET …/importance: which parameters matter for being among the best, by PED-ANOVA. */
#include "server/api/importance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/step.h"
#include "server/api/json.h"
#include "server/api/read.h"
#include "server/api/weigh.h"

/* ---- the request: which metric ---- */

static int read_direction(const struct read_request *read, struct comparable_metric *metric,
                          struct err *err)
{
    const char *text = http_query(read->request, "direction");

    if (text == NULL) {
        return metric->objective >= 0
                   ? 0
                   : err_set(err, ERR_MALFORMED,
                             "\"%s\" is no objective: say which way is better with "
                             "direction=minimize or direction=maximize",
                             metric->name);
    }
    if (strcmp(text, "minimize") != 0 && strcmp(text, "maximize") != 0) {
        return err_set(err, ERR_MALFORMED, "direction is minimize or maximize, not \"%.40s\"",
                       text);
    }
    metric->direction = text[1] == 'i' ? DIRECTION_MINIMIZE : DIRECTION_MAXIMIZE;
    return 0;
}

static int read_metric(const struct read_request *read, struct comparable_metric *metric,
                       struct err *err)
{
    const struct study_def *def = read->study->def->def;
    const char *name = http_query(read->request, "metric");

    if (name == NULL && def->n_objectives > 1) {
        return err_set(err, ERR_WRONG_STATE,
                       "the study has several objectives; ask for one of them: ?metric=%s",
                       def->objectives[0].metric);
    }
    comparable_metric_init(metric, def, name);
    return read_direction(read, metric, err);
}

/* ---- the answer ---- */

static void write_warning(const struct weighed *weighed, struct buf *text)
{
    const struct importance *importance = &weighed->importance;

    if (importance->few) {
        buf_printf(text, "made from %zu trials; below %d these shares are mostly chance",
                   importance->n, (int)IMPORTANCE_ENOUGH);
    } else if (importance->n_top == importance->n) {
        buf_puts(text, "all trials are equally good, so nothing tells them apart");
    }
}

static void write_json(const struct weighed *weighed, const char *study, struct buf *out)
{
    const struct importance *importance = &weighed->importance;
    OWN(buf) struct buf warning;
    struct json_writer w;

    buf_init(&warning, 256);
    write_warning(weighed, &warning);
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_string(&w, "study", study);
    json_put_string(&w, "method", "ped_anova");
    json_put_string(&w, "metric", weighed->metric->name);
    json_put_string(&w, "direction",
                    weighed->metric->direction == DIRECTION_MAXIMIZE ? "maximize" : "minimize");
    json_write_key(&w, "resource");
    if (weighed->resource > 0) {
        json_write_step(&w, weighed->resource, weighed->def->resource_digits);
    } else {
        json_write_null(&w);
    }
    json_put_int(&w, "trials", (int64_t)importance->n);
    json_write_key(&w, "top");
    json_object_begin(&w);
    json_put_number(&w, "quantile", importance_top_share);
    json_put_int(&w, "trials", (int64_t)importance->n_top);
    json_write_key(&w, "cutoff");
    if (importance->n > 0 && importance->cutoff < COMPARABLE_VIOLATES) {
        json_write_number(&w, comparable_cost(weighed->metric, importance->cutoff));
    } else {
        json_write_null(&w);
    }
    json_object_end(&w);
    buf_check_part(w.out, &warning);
    json_put_string(&w, "warning", warning.len > 0 ? buf_text(&warning) : NULL);
    json_write_key(&w, "parameters");
    json_array_begin(&w);
    for (size_t k = 0; k < weighed->n_names; k++) {
        const struct importance_share *share = &weighed->shares[weighed->order[k]];
        json_object_begin(&w);
        json_put_string(&w, "name", weighed->def->space->params[weighed->order[k]].name);
        json_put_number(&w, "share", share->share);
        json_put_int(&w, "trials", (int64_t)share->n);
        json_put_int(&w, "top", (int64_t)share->n_top);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
}

static int read_importance(struct read_request *read, struct err *err)
{
    struct comparable_metric metric;
    OWN(weighed) struct weighed weighed = {0};

    TRY(read_metric(read, &metric, err));
    TRY(weigh_parameters(read, &metric, &weighed, err));
    if (metric.objective < 0 && weighed.importance.n == 0) {
        return err_set(err, ERR_MALFORMED,
                       "no finished trial of the study has a value of \"%.70s\"", metric.name);
    }
    write_json(&weighed, read->study->name, &read->response.body);
    return 0;
}

static const char *const importance_query[] = {"metric", "direction", NULL};

static int each_parameter(json_t *answer, representation_row *row, void *context, struct err *err)
{
    size_t i;
    json_t *parameter;

    (void)err;
    json_array_foreach (json_object_get(answer, "parameters"), i, parameter) {
        row(context, parameter);
    }
    return 0;
}

/* The other formats are for programs. */
static void append_warning(const json_t *answer, struct buf *out)
{
    const char *warning = json_string_value(json_object_get(answer, "warning"));

    if (warning != NULL) {
        buf_printf(out, "warning: %s\n", warning);
    }
}

static const struct representation_column columns[] = {{.key = "name"},
                                                       {.key = "share", .is_right = true},
                                                       {.key = "trials", .is_right = true},
                                                       {.key = "top", .is_right = true},
                                                       {0}};
static const struct representation representation = {.formats = FORMATS_LIST,
                                                     .columns = columns,
                                                     .each_row = each_parameter,
                                                     .foot = append_warning};

REPRESENTATION_HANDLER(get_importance, &representation, importance_query, read_importance)
