/* The results of a study: the best trial, the Pareto front, the trace of improvements. */
#include "server/api/best.h"

#include <stdlib.h>
#include <string.h>

#include "common/bounds_text.h"
#include "common/cell.h"
#include "common/step.h"
#include "server/analysis/pareto.h"
#include "server/analysis/spending.h"
#include "server/analysis/trace.h"
#include "server/api/bounds.h"
#include "server/api/json.h"
#include "server/api/recommend.h"
#include "server/api/request.h"
#include "server/api/think.h"
#include "server/api/trial_representation.h"
#include "server/store/spans.h"

#define LINE_BYTES (1u << 16)

static int require_one_objective(const struct read_request *read, struct err *err)
{
    if (read->study->def->def->n_objectives == 1) {
        return 0;
    }
    return err_set(err, ERR_WRONG_STATE,
                   "the study has several objectives and no single best trial; see "
                   "/v1/studies/%s/pareto",
                   read->study->name);
}

/* ---- best: the writer keeps it with the study ---- */

/* Is "recommended" asked for? */
static bool is_wanted(const struct read_request *read)
{
    const char *flag = http_query(read->request, "recommended");

    return flag != NULL && strcmp(flag, "true") == 0;
}

static int write_best(struct read_request *read, const struct study_row *study,
                      const struct trial_row *trial, const struct recommending *recommending,
                      struct err *err)
{
    const struct study_def *def = read->study->def->def;
    struct buf *out = &read->response.body;
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_write_key(&w, "trial");
    if (trial != NULL) {
        trial_write(def, trial, &w);
    } else {
        json_write_null(&w);
    }
    json_write_key(&w, "resource");
    if (trial != NULL && def->has_resource) {
        json_write_step(&w, study->best_resource, def->resource_digits);
    } else {
        json_write_null(&w);
    }
    if (def->n_bounds > 0) {
        json_put_int(&w, "completed_trials", study->counts[TRIAL_COMPLETED]);
    }
    bounds_put_study(def, study, &w);
    bounds_put_reported(read->study, study, &w);
    if (trial == NULL) {
        TRY(bounds_put_nearest(read, &w, err));
    }
    if (is_wanted(read)) {
        json_write_key(&w, "recommended");
        recommend_write(recommending, &w);
    }
    json_object_end(&w);
    return 0;
}

/* The answer while the model of the recommended trial is made. */
struct best_answer {
    struct study_row study;
    struct trial_row trial; /* id 0: there is none */
    struct recommending *recommending;
};

static void best_answer_destroy(struct best_answer *answer)
{
    if (answer != NULL) {
        recommending_destroy(answer->recommending);
        trial_row_finish(&answer->trial);
        study_row_finish(&answer->study);
        free(answer);
    }
}
OWN_POINTER(best_answer)

static void destroy_answer(void *state)
{
    best_answer_destroy(state);
}

static int step_answer(void *state, const atomic_bool *stop, bool *more, struct err *err)
{
    struct best_answer *answer = state;

    *more = false;
    return recommend_think(answer->recommending, stop, err);
}

static int write_answer(struct read_request *read, void *state, struct err *err)
{
    const struct best_answer *answer = state;

    return write_best(read, &answer->study, answer->trial.id == 0 ? NULL : &answer->trial,
                      answer->recommending, err);
}

static const struct read_thought best_thought = {
    .step = step_answer,
    .write = write_answer,
    .destroy = destroy_answer,
    .advice = "ask without recommended=true, or repeat when the server has less to do",
};

/* Without a recommendation the answer is written at once: what is nearest is in the store. */
static int read_best_rows(struct read_request *read, struct best_answer *answer, struct err *err)
{
    const struct study_row *study = &answer->study;

    TRY(read_study_row(read, &answer->study, err));
    if (study->best_trial != 0) {
        TRY(store_trial_load(read->store, trial_id(study->id, study->best_trial), &answer->trial,
                             err));
    }
    return is_wanted(read) && study->best_trial != 0
               ? recommend_read(read, study->best_trial, &answer->recommending, err)
               : write_answer(read, answer, err);
}

static int read_best(struct read_request *read, struct err *err)
{
    OWN(best_answer) struct best_answer *answer = calloc(1, sizeof *answer);
    bool checked;

    if (answer == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for an answer");
    }
    TRY(query_flag(read->request, "recommended", false, &checked, err));
    TRY(require_one_objective(read, err));
    TRY(store_read_begin(read->store, err));
    int result = read_best_rows(read, answer, err);
    store_read_end(read->store);
    TRY(result);
    if (answer->recommending == NULL) {
        return 0;
    }
    TRY(read_think(read, &best_thought, answer, recommending_bytes(answer->recommending), err));
    answer = NULL;
    return 0;
}

/* ---- Pareto front ---- */

/* In order of number, as the rows were. */
static int write_front(struct read_request *read, const struct pareto_front *front, struct err *err)
{
    OWN(item_list) struct item_list listing = {0};

    TRY(item_list_begin(&listing, read, err));
    for (size_t i = 0; i < front->n; i++) {
        OWN(trial_row) struct trial_row row = {0};
        TRY(store_trial_load(read->store, trial_id(read->study->id, front->numbers[i]), &row, err));
        trial_item(&listing, read->study, &row);
    }
    TRY(item_list_end(&listing, NULL, err));
    if (front->n == 0 && read->format == FORMAT_TABLE) {
        buf_printf(
            &read->response.body,
            "No completed trial has a value of every objective%s yet; the list of trials of %s "
            "shows what became of them.\n",
            read->study->def->def->n_bounds > 0 ? " and satisfies subject_to" : "",
            read->study->name);
    }
    return 0;
}

/* Trials outside the study's space are evidence, and never among the best. */
struct inside {
    const struct space *space;
    int (*add)(void *to, struct trial_row *row, struct err *err);
    void *to;
};

static int add_inside(void *context, struct trial_row *row, struct err *err)
{
    const struct inside *inside = context;

    return space_is_legal(inside->space, row->config) ? inside->add(inside->to, row, err) : 0;
}

static int each_inside(const struct read_request *read,
                       int (*add)(void *to, struct trial_row *row, struct err *err), void *to,
                       struct err *err)
{
    struct inside inside = {read->study->def->def->space, add, to};
    const struct trial_query query = {
        .study = read->study->id, .limit = INT32_MAX, .states = 1U << TRIAL_COMPLETED};

    return store_each_trial(read->store, &query, add_inside, &inside, err);
}

static int read_pareto(struct read_request *read, struct err *err)
{
    OWN(pareto_front) struct pareto_front front;

    pareto_front_init(&front, read->study->def->def);
    TRY(store_read_begin(read->store, err));
    int result = each_inside(read, pareto_front_add, &front, err);
    if (result == 0) {
        result = pareto_front_reduce(&front, err);
    }
    if (result == 0) {
        result = write_front(read, &front, err);
    }
    store_read_end(read->store);
    return result;
}

/* ---- the trace ---- */

/* What an improvement came after. */
struct improvement {
    const struct trace_point *point;
    double seconds; /* of the study's life */
    struct spent spent;
};

static void put_step_or_null(struct json_writer *w, const char *key, bool there, int64_t step,
                             int digits)
{
    if (there) {
        json_put_step(w, key, step, digits);
    } else {
        json_put_null(w, key);
    }
}

static void write_improvement(struct item_list *listing, const struct improvement *improvement)
{
    const struct study_def *def = listing->read->study->def->def;
    const struct trace_point *point = improvement->point;
    struct json_writer *w = item_list_item(listing);

    json_object_begin(w);
    json_put_int(w, "number", point->number);
    json_put_number(w, "value", point->value);
    put_step_or_null(w, "step", point->has_step, point->step, def->resource_digits);
    json_put_moment(w, "ended_at", point->ended_at_ms);
    json_put_int(w, "after_trials", point->n_ended);
    json_put_number(w, "after_seconds", improvement->seconds);
    put_step_or_null(w, "after_resource", def->has_resource, improvement->spent.resource,
                     def->resource_digits);
    json_put_number(w, "after_worker_seconds", improvement->spent.seconds);
    json_object_end(w);
    item_list_item_end(listing);
}

/* started_at_ms: of the study, which its imported trials may precede. */
static int write_trace(struct read_request *read, const struct trace *trace,
                       struct spending *spending, int64_t started_at_ms, struct err *err)
{
    OWN(item_list) struct item_list listing = {0};

    TRY(item_list_begin(&listing, read, err));
    for (size_t i = 0; i < trace->n; i++) {
        int64_t at_ms = trace->points[i].ended_at_ms;
        const struct improvement improvement = {
            .point = &trace->points[i],
            .seconds = at_ms > started_at_ms ? (double)(at_ms - started_at_ms) / 1000 : 0,
            .spent = spending_until(spending, at_ms)};
        write_improvement(&listing, &improvement);
    }
    return item_list_end(&listing, NULL, err);
}

/* Completed trials only: a pruned one's value was measured at a lower resource. */
static int read_trace(struct read_request *read, struct err *err)
{
    OWN(trace) struct trace trace = {.def = read->study->def->def};
    OWN(spending) struct spending spending = {0};
    OWN(study_row) struct study_row study = {0};

    TRY(read_study_row(read, &study, err));
    TRY(each_inside(read, trace_add, &trace, err));
    TRY(store_each_span(read->store, read->study->id, spending_add, &spending, err));
    trace_keep_improvements(&trace);
    spending_sort(&spending);
    return write_trace(read, &trace, &spending,
                       study.started_at_ms > 0 ? study.started_at_ms : study.created_at_ms, err);
}

static int read_history(struct read_request *read, struct err *err)
{
    TRY(require_one_objective(read, err));
    TRY(store_read_begin(read->store, err));
    int result = read_trace(read, err);
    store_read_end(read->store);
    return result;
}

static int each_best(json_t *answer, representation_row *row, void *context, struct err *err)
{
    const json_t *trial = json_object_get(answer, "trial");

    (void)err;
    if (json_is_object(trial)) {
        row(context, trial);
    }
    return 0;
}

/* Which trial is recommended, where it is another one. */
static void append_recommended(struct buf *out, const json_t *answer)
{
    const json_t *recommended = json_object_get(answer, "recommended");
    const char *text = json_string_value(json_object_get(recommended, "text"));

    if (text != NULL && json_is_true(json_object_get(recommended, "matters"))) {
        buf_puts(out, text);
    }
}

/* How many are feasible, which metric is missing, and the nearest where none is; what is
 * recommended. */
static void append_feasible(const json_t *answer, struct buf *out)
{
    static void (*const parts[])(struct buf * out, const json_t *answer) = {
        bounds_append_count, bounds_append_never_reported, bounds_append_nearest,
        append_recommended};

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        OWN(buf) struct buf line;
        buf_init(&line, LINE_BYTES);
        parts[i](&line, answer);
        cell_append_escaped(out, buf_text(&line));
        buf_puts(out, line.len > 0 ? "\n" : "");
        buf_check_part(out, &line);
    }
}

static const struct representation best_representation = {
    .formats = FORMATS_ONE | FORMAT_BIT(FORMAT_HYDRA),
    .columns = trial_columns,
    .add_columns = trial_representation_add_columns,
    .is_one = true,
    .each_row = each_best,
    .nothing = "no trial of the study is complete yet, or none is feasible",
    .foot = append_feasible,
};
static const struct representation_column history_columns[] = {
    {.key = "number", .is_right = true},
    {.key = "value", .is_right = true},
    {.key = "step", .is_right = true},
    {.key = "ended_at"},
    {.key = "after_trials", .is_right = true},
    {.key = "after_seconds", .is_right = true},
    {.key = "after_resource", .is_right = true},
    {.key = "after_worker_seconds", .is_right = true},
    {0}};
static const struct representation history_representation = {.formats = FORMATS_LIST,
                                                             .columns = history_columns};

static const char *const best_query[] = {"recommended", NULL};

REPRESENTATION_HANDLER(get_best, &best_representation, best_query, read_best)
REPRESENTATION_HANDLER(get_pareto, &trials_representation, NULL, read_pareto)
REPRESENTATION_HANDLER(get_history, &history_representation, NULL, read_history)
