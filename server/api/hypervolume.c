#include "server/api/hypervolume.h"

#include <math.h>
#include <stdlib.h>

#include "server/analysis/hypervolume_trace.h"
#include "server/api/json.h"
#include "server/api/read.h"
#include "server/api/think.h"

static int check_objectives(const struct read_request *read, struct err *err)
{
    size_t m = read->study->def->def->n_objectives;

    if (m > HYPERVOLUME_OBJECTIVES_MAX) {
        return err_set(err, ERR_WRONG_STATE,
                       "the study has %zu objectives; the hypervolume is computed for at most %d, "
                       "as it takes too long for more; see /v1/studies/%s/pareto",
                       m, HYPERVOLUME_OBJECTIVES_MAX, read->study->name);
    }
    return 0;
}

/* "0.5,30": a value of each objective, in the order of the study. */
static int read_reference(const struct read_request *read, struct hypervolume_trace *trace,
                          bool *is_given, struct err *err)
{
    const struct study_def *def = read->study->def->def;
    const char *text = http_query(read->request, "reference");

    *is_given = text != NULL;
    for (size_t k = 0; text != NULL && k < def->n_objectives; k++) {
        char *end;
        double value = strtod(text, &end);
        bool is_last = k + 1 == def->n_objectives;
        if (end == text || !isfinite(value) || *end != (is_last ? '\0' : ',')) {
            return err_set(err, ERR_MALFORMED,
                           "reference is a finite number for each of the %zu objectives, with "
                           "commas between them, in the order of the study: %s first",
                           def->n_objectives, def->objectives[0].metric);
        }
        trace->reference[k] = study_objective_cost(def, k, value);
        text = end + 1;
    }
    return 0;
}

static int add_inside(void *context, struct trial_row *row, struct err *err)
{
    struct hypervolume_trace *trace = context;

    return space_is_legal(trace->def->space, row->config) ? hypervolume_trace_add(trace, row, err)
                                                          : 0;
}

/* ---- the answer ---- */

static void write_point(const struct hypervolume_point *point, int64_t n_ended,
                        struct json_writer *w)
{
    json_object_begin(w);
    json_put_int(w, "number", point->number);
    json_put_moment(w, "ended_at", point->ended_at_ms);
    json_put_int(w, "after_trials", n_ended);
    json_put_number(w, "hypervolume", point->volume);
    json_put_number(w, "added", point->added);
    json_object_end(w);
}

static void write_json(const struct hypervolume_trace *trace, const char *study, bool is_given,
                       struct buf *out)
{
    const struct study_def *def = trace->def;
    struct json_writer w;

    json_writer_init(&w, out);
    json_object_begin(&w);
    json_put_string(&w, "study", study);
    json_write_key(&w, "reference");
    json_object_begin(&w);
    for (size_t k = 0; k < def->n_objectives && (trace->n > 0 || is_given); k++) {
        json_put_number(&w, def->objectives[k].metric,
                        study_objective_cost(def, k, trace->reference[k]));
    }
    json_object_end(&w);
    json_put_string(&w, "reference_from", is_given ? "request" : "trials");
    json_put_number(&w, "hypervolume", trace->n > 0 ? trace->points[trace->n - 1].volume : 0.0);
    json_write_key(&w, "items");
    json_array_begin(&w);
    for (size_t i = 0; i < trace->n; i++) {
        write_point(&trace->points[i], (int64_t)i + 1, &w);
    }
    json_array_end(&w);
    json_object_end(&w);
    buf_putc(out, '\n');
}

static int read_points(struct read_request *read, struct hypervolume_trace *trace, struct err *err)
{
    const struct trial_query query = {
        .study = read->study->id, .limit = INT32_MAX, .states = 1U << TRIAL_COMPLETED};

    TRY(store_read_begin(read->store, err));
    int result = store_each_trial(read->store, &query, add_inside, trace, err);
    store_read_end(read->store);
    return result;
}

/* ---- the volumes: those of long fronts are computed on the optimiser threads ---- */

#define FIRST_PAIRS 500000 /* some 20 ms of a reader thread */
#define STEP_PAIRS 2500000 /* some 100 ms of an optimiser thread */

struct volumes {
    struct hypervolume_trace trace;
    bool is_given; /* the reference */
};

static void volumes_destroy(struct volumes *volumes)
{
    if (volumes != NULL) {
        hypervolume_trace_finish(&volumes->trace);
        free(volumes);
    }
}
OWN_POINTER(volumes)

static int step_volumes(void *state, const atomic_bool *stop, bool *more, struct err *err)
{
    struct volumes *volumes = state;

    (void)stop; /* the threads look at it after each step */
    return hypervolume_trace_step(&volumes->trace, STEP_PAIRS, more, err);
}

static int write_volumes(struct read_request *read, void *state, struct err *err)
{
    const struct volumes *volumes = state;

    (void)err;
    write_json(&volumes->trace, read->study->name, volumes->is_given, &read->response.body);
    return 0;
}

static void destroy_volumes(void *state)
{
    volumes_destroy(state);
}

static const struct read_thought thought = {
    .step = step_volumes,
    .write = write_volumes,
    .destroy = destroy_volumes,
    .advice = "the Pareto front has too many trials, or the server has too much to do",
};

static int read_hypervolume(struct read_request *read, struct err *err)
{
    OWN(volumes) struct volumes *volumes = calloc(1, sizeof *volumes);
    bool more;

    if (volumes == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory for the hypervolume");
    }
    hypervolume_trace_init(&volumes->trace, read->study->def->def);
    TRY(check_objectives(read, err));
    TRY(read_points(read, &volumes->trace, err));
    hypervolume_trace_order(&volumes->trace);
    TRY(read_reference(read, &volumes->trace, &volumes->is_given, err));
    TRY(hypervolume_trace_step(&volumes->trace, FIRST_PAIRS, &more, err));
    if (!more) {
        return write_volumes(read, volumes, err);
    }
    TRY(read_think(read, &thought, volumes, volumes->trace.cap * sizeof *volumes->trace.points,
                   err));
    volumes = NULL;
    return 0;
}

static const char *const hypervolume_query[] = {"reference", NULL};

static int each_point(json_t *answer, representation_row *row, void *context, struct err *err)
{
    size_t i;
    json_t *point;

    (void)err;
    json_array_foreach (json_object_get(answer, "items"), i, point) {
        row(context, point);
    }
    return 0;
}

/* The other formats are for programs. */
static void append_reference(const json_t *answer, struct buf *out)
{
    const char *metric;
    json_t *value;
    char text[JSON_NUMBER_BYTES];
    bool is_first = true;

    json_object_foreach (json_object_get(answer, "reference"), metric, value) {
        buf_printf(out, "%s%s %s", is_first ? "up to the reference point " : ", ", metric,
                   json_format_number(json_number_value(value), text));
        is_first = false;
    }
    if (!is_first) {
        buf_putc(out, '\n');
    }
}

static const struct representation_column columns[] = {
    {.key = "number", .is_right = true},       {.key = "ended_at"},
    {.key = "after_trials", .is_right = true}, {.key = "hypervolume", .is_right = true},
    {.key = "added", .is_right = true},        {0}};
static const struct representation representation = {
    .formats = FORMATS_LIST, .columns = columns, .each_row = each_point, .foot = append_reference};

REPRESENTATION_HANDLER(get_hypervolume, &representation, hypervolume_query, read_hypervolume)
