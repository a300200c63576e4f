/* GET …/importance: which parameters matter for being among the best, by PED-ANOVA.
 *
 * Trials are compared at one level of resource: the highest one that 50 of them, or half of them
 * where there are fewer, have come to. What a trial had there is its value if it ended there, else
 * the last measurement at or before it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/api/resources.h"
#include "server/strategy/importance.h"

/* ---- which metric ---- */

struct question {
    char metric[NAME_BYTES + 1];
    enum direction direction;
    enum fold fold;
    int64_t objective; /* -1: only a metric of the study */
    int64_t id;        /* of its measurements; -1: never measured */
};

static void take_objective(const struct study_def *def, size_t i, struct question *question)
{
    memcpy(question->metric, def->objectives[i].metric, sizeof question->metric);
    question->objective = (int64_t)i;
    question->direction = def->objectives[i].direction;
    question->fold = def->objectives[i].fold;
}

static int take_direction(const struct reading *reading, struct question *question, struct err *err)
{
    const char *text = http_query(reading->request, "direction");

    if (text == NULL) {
        return question->objective >= 0
                   ? 0
                   : err_set(err, ERR_MALFORMED,
                             "\"%s\" is no objective: say which way is better with "
                             "direction=minimize or direction=maximize",
                             question->metric);
    }
    if (strcmp(text, "minimize") != 0 && strcmp(text, "maximize") != 0) {
        return err_set(err, ERR_MALFORMED, "direction is minimize or maximize, not \"%.40s\"",
                       text);
    }
    question->direction = text[1] == 'i' ? DIRECTION_MINIMIZE : DIRECTION_MAXIMIZE;
    return 0;
}

static int find_id(void *context, int64_t id, const char *name, struct err *err)
{
    struct question *question = context;

    (void)err;
    if (strcmp(name, question->metric) == 0) {
        question->id = id;
    }
    return 0;
}

static int ask(const struct reading *reading, struct question *question, struct err *err)
{
    const struct study_def *def = reading->study->def->def;
    const char *name = http_query(reading->request, "metric");

    *question = (struct question){.objective = -1, .id = -1};
    if (name == NULL && def->n_objectives > 1) {
        return err_set(err, ERR_WRONG_STATE,
                       "the study has several objectives; ask for one of them: ?metric=%s",
                       def->objectives[0].metric);
    }
    for (size_t i = 0; i < def->n_objectives; i++) {
        if (name == NULL || strcmp(def->objectives[i].metric, name) == 0) {
            take_objective(def, i, question);
        }
    }
    if (question->objective < 0) {
        (void)snprintf(question->metric, sizeof question->metric, "%s", name);
    }
    TRY(store_each_metric(reading->store, reading->study->id, find_id, question, err));
    return take_direction(reading, question, err);
}

/* ---- what the trials had ---- */

struct had {
    int64_t number;
    double *x;      /* owned */
    bool is_closed; /* trained as far as it ever will: its value stands at every later level */
    int64_t step;
    double value; /* at its last step; NaN: look among the measurements */
};

struct sample {
    const struct study_def *def;
    const struct question *question;
    int64_t resource; /* the level; 0: the study has none */
    size_t n, cap;
    struct had *items;
};

static void sample_finish(struct sample *sample)
{
    for (size_t i = 0; i < sample->n; i++) {
        free(sample->items[i].x);
    }
    free(sample->items);
}
OWN_VALUE(sample)

static double metric_of(const char *metrics, const char *name)
{
    json_auto_t *all = metrics == NULL ? NULL : json_loads(metrics, 0, NULL);
    const json_t *value = json_object_get(all, name);

    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static double value_of(const struct sample *sample, const struct trial_row *row)
{
    int64_t i = sample->question->objective;

    if (i < 0) {
        return metric_of(row->metrics, sample->question->metric);
    }
    if (row->n_objectives > (size_t)i) {
        return row->objectives[i];
    }
    return row->has_value && i == 0 ? row->value : (double)NAN;
}

static int keep_row(void *context, struct trial_row *row, struct err *err)
{
    struct sample *sample = context;

    if (row->state != TRIAL_COMPLETED && !sample->def->has_resource) {
        return 0; /* without levels nothing compares a pruned trial with whole ones */
    }
    if (sample->n == sample->cap) {
        size_t cap = sample->cap == 0 ? 256 : sample->cap * 2;
        struct had *grown = realloc(sample->items, cap * sizeof *grown);
        if (grown == NULL) {
            return err_set(err, ERR_NOMEM, "out of memory for importances");
        }
        sample->items = grown;
        sample->cap = cap;
    }
    sample->items[sample->n++] = (struct had){
        .number = trial_id_number(row->id),
        .x = row->config,
        .is_closed = row->state == TRIAL_COMPLETED,
        .step = row->has_step ? row->step : 0,
        .value = value_of(sample, row),
    };
    row->config = NULL; /* moved */
    return 0;
}

static int by_reach(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a;
    int64_t y = *(const int64_t *)b;

    return (x < y) - (x > y);
}

static int choose_level(struct sample *sample, struct err *err)
{
    size_t half = (sample->n + 1) / 2;
    size_t enough = half < IMPORTANCE_ENOUGH ? half : IMPORTANCE_ENOUGH;

    if (!sample->def->has_resource || sample->n == 0) {
        return 0;
    }
    OWN(memory) int64_t *reach = calloc(sample->n, sizeof *reach);
    if (reach == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for importances");
    }
    for (size_t i = 0; i < sample->n; i++) {
        const struct had *had = &sample->items[i];
        reach[i] = had->is_closed ? sample->def->resource_max : had->step;
    }
    qsort(reach, sample->n, sizeof *reach, by_reach);
    sample->resource = reach[enough - 1];
    return 0;
}

/* The metric at the level, from measurements in order of their steps. */
struct looking {
    const struct sample *sample;
    double value;
};

static int look(void *context, int64_t metric, int64_t attempt, int64_t step, double value,
                struct err *err)
{
    struct looking *looking = context;
    const struct question *question = looking->sample->question;
    bool is_best = question->fold == FOLD_BEST && isfinite(looking->value);

    (void)metric;
    (void)attempt;
    (void)err;
    if (looking->sample->resource > 0 && step > looking->sample->resource) {
        return 0;
    }
    if (is_best) {
        value = question->direction == DIRECTION_MAXIMIZE ? fmax(value, looking->value)
                                                          : fmin(value, looking->value);
    }
    looking->value = value;
    return 0;
}

/* NaN: it never came so far, or nothing was measured. */
static int value_at_level(const struct sample *sample, struct store *store, int64_t study,
                          const struct had *had, double *value, struct err *err)
{
    struct looking looking = {.sample = sample, .value = (double)NAN};
    bool beyond = sample->resource > 0 && had->step > sample->resource;

    *value = beyond ? (double)NAN : had->value;
    if (sample->resource > 0 && had->step < sample->resource && !had->is_closed) {
        *value = NAN;
        return 0;
    }
    if (isfinite(*value) || sample->question->id < 0) {
        return 0;
    }
    TRY(store_each_measurement(store, trial_id(study, had->number), sample->question->id, look,
                               &looking, err));
    *value = looking.value;
    return 0;
}

/* ---- the answer ---- */

struct weighed {
    const struct study_def *def;
    const struct question *question;
    int64_t resource;
    struct importance importance;
    struct importance_share *shares;
    size_t *order; /* of the parameters, the most important first */
};

static double in_units(const struct question *question, double cost)
{
    return question->direction == DIRECTION_MAXIMIZE ? -cost : cost;
}

static void sort_shares(struct weighed *weighed)
{
    for (size_t i = 0; i < weighed->def->space->n_params; i++) {
        size_t at = i;
        while (at > 0 && weighed->shares[weighed->order[at - 1]].share < weighed->shares[i].share) {
            weighed->order[at] = weighed->order[at - 1];
            at--;
        }
        weighed->order[at] = i;
    }
}

static void say_warning(const struct weighed *weighed, struct buf *text)
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
    say_warning(weighed, &warning);
    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_string(&w, "study", study);
    json_put_string(&w, "method", "ped_anova");
    json_put_string(&w, "metric", weighed->question->metric);
    json_put_string(&w, "direction",
                    weighed->question->direction == DIRECTION_MAXIMIZE ? "maximize" : "minimize");
    json_write_key(&w, "resource");
    if (weighed->resource > 0) {
        json_write_int(&w, weighed->resource);
    } else {
        json_write_null(&w);
    }
    json_put_int(&w, "trials", (int64_t)importance->n);
    json_write_key(&w, "top");
    json_object_begin(&w);
    json_put_number(&w, "quantile", importance_top_share);
    json_put_int(&w, "trials", (int64_t)importance->n_top);
    json_write_key(&w, "cutoff");
    if (importance->n > 0) {
        json_write_number(&w, in_units(weighed->question, importance->cutoff));
    } else {
        json_write_null(&w);
    }
    json_object_end(&w);
    json_put_string(&w, "warning", warning.len > 0 ? buf_text(&warning) : NULL);
    json_write_key(&w, "parameters");
    json_array_begin(&w);
    for (size_t k = 0; k < weighed->def->space->n_params; k++) {
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
    buf_putc(out, '\n');
}

static void write_sheet(const struct weighed *weighed, enum format format, struct buf *out)
{
    static const char *const columns[] = {"name", "share", "trials", "top"};
    OWN(sheet) struct sheet sheet = {0};

    sheet_init(&sheet, format == FORMAT_CSV    ? SHEET_CSV
                       : format == FORMAT_TEXT ? SHEET_LINES
                                               : SHEET_TABLE);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        sheet_column(&sheet, columns[i]);
    }
    for (size_t k = 0; k < weighed->def->space->n_params; k++) {
        const struct importance_share *share = &weighed->shares[weighed->order[k]];
        sheet_text(&sheet, weighed->def->space->params[weighed->order[k]].name);
        sheet_number(&sheet, round(1e4 * share->share) / 1e4);
        sheet_int(&sheet, (int64_t)share->n);
        sheet_int(&sheet, (int64_t)share->n_top);
    }
    sheet_write(&sheet, out);
    if (format == FORMAT_TABLE) { /* the other sheets are for programs */
        OWN(buf) struct buf warning;
        buf_init(&warning, 256);
        say_warning(weighed, &warning);
        if (warning.len > 0) {
            buf_printf(out, "warning: %s\n", buf_text(&warning));
        }
    }
}

static int weigh(struct reading *reading, const struct sample *sample, struct weighed *weighed,
                 struct err *err)
{
    OWN(memory) const double **x = calloc(sample->n + 1, sizeof *x);
    OWN(memory) double *cost = calloc(sample->n + 1, sizeof *cost);
    size_t n = 0;

    if (x == NULL || cost == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for importances");
    }
    for (size_t i = 0; i < sample->n; i++) {
        double value;
        TRY(value_at_level(sample, reading->store, reading->study->id, &sample->items[i], &value,
                           err));
        if (isfinite(value)) {
            x[n] = sample->items[i].x;
            cost[n++] = in_units(sample->question, value);
        }
    }
    TRY(importance_of(sample->def->space, n, x, cost, weighed->shares, &weighed->importance, err));
    sort_shares(weighed);
    return 0;
}

static int read_importance(struct reading *reading, struct err *err)
{
    const struct study_def *def = reading->study->def->def;
    const struct trial_query query = {.study = reading->study->id,
                                      .limit = INT32_MAX,
                                      .states = 1U << TRIAL_COMPLETED | 1U << TRIAL_PRUNED
                                                | 1U << TRIAL_PAUSED};
    struct question question;
    OWN(sample) struct sample sample = {.def = def, .question = &question};
    OWN(memory) struct importance_share *shares = calloc(def->space->n_params + 1, sizeof *shares);
    OWN(memory) size_t *order = calloc(def->space->n_params + 1, sizeof *order);

    if (shares == NULL || order == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for importances");
    }
    struct weighed weighed = {.def = def, .question = &question, .shares = shares, .order = order};
    TRY(ask(reading, &question, err));
    TRY(store_each_trial(reading->store, &query, keep_row, &sample, err));
    TRY(choose_level(&sample, err));
    weighed.resource = sample.resource;
    TRY(weigh(reading, &sample, &weighed, err));
    if (question.objective < 0 && weighed.importance.n == 0) {
        return err_set(err, ERR_MALFORMED,
                       "no finished trial of the study has a value of \"%.70s\"", question.metric);
    }
    if (reading->format == FORMAT_JSON) {
        write_json(&weighed, reading->study->name, &reading->response.body);
    } else {
        write_sheet(&weighed, reading->format, &reading->response.body);
    }
    return 0;
}

static const char *const importance_query[] = {"metric", "direction", NULL};

READING_HANDLER(get_importance, FORMATS_ONE | FORMAT_BIT(FORMAT_CSV), importance_query,
                read_importance)
