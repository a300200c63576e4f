#include "server/strategy/gp/model_explanation.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "common/json.h"
#include "common/normal.h"
#include "server/model/hypervolume.h"
#include "server/model/hypervolume_improvement.h"

enum { FRONT_NAMED = 32 };

/* ---- the posterior at the chosen candidate --------------------------------------------------- */
static void put_prediction(struct json_writer *w, const struct model_choice *c, size_t k,
                           const struct metric_prediction *prediction)
{
    const struct metric_model *model = &c->surrogate->metrics[k];
    double scale = metric_model_scale(model);

    json_put_number(w, "mean", metric_model_value(model, c->data->study, prediction->mean));
    json_put_number(w, "sd", scale * sqrt(prediction->var));
    json_put_number(w, "noise_sd", scale * sqrt(model->gp->noise));
}

static void put_p_ok(struct json_writer *w, const struct model_choice *c, const struct points *one)
{
    double p_ok;

    if (c->surrogate->feasibility.gp != NULL
        && feasibility_model_predict(&c->surrogate->feasibility, one, &p_ok, NULL) == 0) {
        json_put_number(w, "p_ok", p_ok);
    }
}

static void put_covariance(struct json_writer *w, const struct model_choice *c, size_t metric)
{
    const struct encoding *encoding = &c->data->encoding;
    const double *theta = c->surrogate->metrics[metric].theta;
    OWN(buf) struct buf part;
    struct json_writer scales;

    buf_init(&part, EXPLANATION_BYTES_MAX);
    json_writer_init(&scales, &part);
    json_object_begin(&scales);
    for (size_t k = 0; k < encoding_n_dims(encoding); k++) {
        size_t i = k < encoding->n_num ? encoding->num[k] : encoding->cat[k - encoding->n_num];
        json_put_number(&scales, encoding->space->params[i].name, exp(theta[k]));
    }
    json_object_end(&scales);
    explanation_add_part(w, "length_scales", &part);
    json_put_number(w, "additive_share", c->surrogate->metrics[metric].gp->share);
}

/* ---- one objective --------------------------------------------------------------------------- */
static void write_one(struct json_writer *w, const struct model_choice *c)
{
    const struct metric_model *model = &c->surrogate->metrics[0];
    const struct points one = points_part(&c->candidates->points, c->choice->chosen, 1);
    struct metric_prediction prediction;

    explanation_write_incumbent(c->data->study, &c->data->evaluations, w);
    if (surrogate_has_incumbent(c->surrogate)) {
        json_put_number(
            w, "improve_on",
            metric_model_value(model, c->data->study, surrogate_improve_on(c->surrogate)));
    }
    if (metric_model_predict(model, &one, &prediction, NULL) == 0) {
        json_write_key(w, "predicted");
        json_object_begin(w);
        put_prediction(w, c, 0, &prediction);
        put_p_ok(w, c, &one);
        json_object_end(w);
    }
}

/* ---- several objectives ---------------------------------------------------------------------- */
/* The trials of the front. */
static void write_front(struct json_writer *w, const struct model_choice *c)
{
    const struct pareto_set *pareto = &c->surrogate->pareto;
    const struct metric_model *model = &c->surrogate->metrics[0];

    json_put_int(w, "front_size", (int64_t)pareto->n);
    json_write_key(w, "front_trials");
    json_array_begin(w);
    for (size_t i = 0; i < pareto->n && i < FRONT_NAMED; i++) {
        size_t row = model->row[pareto->result[i]];
        json_write_int(w, c->data->evaluations.done_observed[row]->number);
    }
    json_array_end(w);
}

/* "objectives": where the hypervolume is measured from, and what the model expects. */
static void write_objectives(struct json_writer *w, const struct model_choice *c,
                             const struct metric_prediction predictions[])
{
    const struct surrogate *surrogate = c->surrogate;

    json_write_key(w, "objectives");
    json_array_begin(w);
    for (size_t k = 0; k < surrogate->pareto.m; k++) {
        const struct metric_model *model = &surrogate->metrics[k];
        json_object_begin(w);
        json_put_string(w, "metric", c->data->study->objectives[k].metric);
        put_prediction(w, c, k, &predictions[k]);
        json_put_number(w, "reference",
                        metric_model_value(model, c->data->study, surrogate->pareto.reference[k]));
        put_covariance(w, c, k);
        json_object_end(w);
    }
    json_array_end(w);
}

/* The hypervolume in units of the objectives, and what the point is expected to add to it.
 * ERR_NOMEM.
 */
static int write_gain(struct json_writer *w, const struct model_choice *c,
                      const struct metric_prediction predictions[], struct err *err)
{
    const struct pareto_set *pareto = &c->surrogate->pareto;
    OWN(nondominated_boxes) struct nondominated_boxes boxes = {0};
    double mean[MODELLED_OBJECTIVES_MAX];
    double sd[MODELLED_OBJECTIVES_MAX];
    double unit = 1.0;
    double volume = 0.0;

    TRY(nondominated_boxes_init(&boxes, pareto->n, pareto->m, pareto->cost, pareto->reference,
                                err));
    TRY(hypervolume(pareto->n, pareto->m, pareto->cost, pareto->reference, &volume, err));
    OWN(memory)
    double *scratch = calloc(hypervolume_improvement_scratch(&boxes), sizeof *scratch);
    if (scratch == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for an explanation");
    }
    for (size_t k = 0; k < pareto->m; k++) {
        mean[k] = predictions[k].mean;
        sd[k] = sqrt(predictions[k].var);
        unit *= metric_model_scale(&c->surrogate->metrics[k]);
    }
    json_put_number(w, "hypervolume", unit * volume);
    json_put_number(w, "expected_gain",
                    unit * exp(log_hypervolume_improvement(&boxes, mean, sd, NULL, NULL, scratch)));
    json_put_number(w, "p_nondominated", nondominated_probability(&boxes, mean, sd, scratch));
    return 0;
}

static void write_several(struct json_writer *w, const struct model_choice *c)
{
    const struct points one = points_part(&c->candidates->points, c->choice->chosen, 1);
    struct metric_prediction predictions[MODELLED_OBJECTIVES_MAX];

    write_front(w, c);
    for (size_t k = 0; k < c->surrogate->pareto.m; k++) {
        if (metric_model_predict(&c->surrogate->metrics[k], &one, &predictions[k], NULL) != 0) {
            return;
        }
    }
    if (write_gain(w, c, predictions, NULL) == 0) {
        write_objectives(w, c, predictions);
    }
    put_p_ok(w, c, &one);
}

/* ---- bounded metrics ------------------------------------------------------------------------- */
/* "bounds": what is expected of each bounded metric, and how probably the bound is satisfied. */
static void write_bounds(struct json_writer *w, const struct model_choice *c)
{
    const struct surrogate *surrogate = c->surrogate;
    const struct study_def *study = c->data->study;
    const struct points one = points_part(&c->candidates->points, c->choice->chosen, 1);
    struct metric_prediction prediction;
    char text[METRIC_BOUND_BYTES];

    json_write_key(w, "bounds");
    json_array_begin(w);
    for (size_t k = surrogate->n_objectives; k < surrogate->n_metrics; k++) {
        const struct metric_model *model = &surrogate->metrics[k];
        const struct metric_bound *bound = &study->bounds[k - surrogate->n_objectives];
        json_object_begin(w);
        json_put_string(w, "bound", metric_bound_text(bound, text));
        if (model->gp != NULL && metric_model_predict(model, &one, &prediction, NULL) == 0) {
            double cost = regression_data_bounded_cost(bound, bound->limit);
            double limit =
                model->transform.sd > 0.0 ? transform_apply(&model->transform, cost) : model->limit;
            put_prediction(w, c, k, &prediction);
            json_put_number(w, "p_satisfied",
                            normal_cdf((limit - prediction.mean) / sqrt(prediction.var)));
        }
        json_object_end(w);
    }
    json_array_end(w);
}

/* ---- the whole ------------------------------------------------------------------------------- */
static void write_comparison(struct json_writer *w, const struct model_choice *c)
{
    double best_uniform = -INFINITY;

    for (size_t i = 0; i < c->n_uniform; i++) {
        best_uniform = fmax(best_uniform, c->candidates->score[i]);
    }
    json_write_key(w, "compared");
    json_object_begin(w);
    json_put_int(w, "candidates", (int64_t)c->candidates->n);
    if (c->n_uniform > 0) {
        json_put_number(w, "best_uniform", best_uniform);
    }
    explanation_write_alternatives(c->candidates, c->choice, w);
    json_object_end(w);
}

char *model_explanation(const struct model_choice *c)
{
    const struct surrogate *surrogate = c->surrogate;
    const struct metric_model *model = &surrogate->metrics[0];
    bool is_one = surrogate->pareto.m == 0;
    OWN(buf) struct buf out;
    struct json_writer w;

    buf_init(&out, EXPLANATION_BYTES_MAX);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    json_put_string(&w, "model", "gaussian_process");
    explanation_write_history(&c->data->evaluations, model->n, &w);
    json_put_int(&w, "fantasies", (int64_t)model->gp->n_fantasies);
    json_put_int(&w, "fit_seen", (int64_t)surrogate->fit_n_seen);
    if (surrogate->is_local_refit) {
        json_put_bool(&w, "closer_look", true);
    }
    (is_one ? write_one : write_several)(&w, c);
    if (c->data->study->n_bounds > 0) {
        write_bounds(&w, c);
    }
    json_put_string(&w, "acquisition",
                    !surrogate_has_incumbent(surrogate) ? "log_probability_of_feasibility"
                    : is_one                            ? "log_augmented_expected_improvement"
                                                        : "log_expected_hypervolume_improvement");
    json_put_number(&w, "acquisition_value", c->candidates->score[c->choice->chosen]);
    write_comparison(&w, c);
    if (is_one) {
        put_covariance(&w, c, 0);
    }
    if (surrogate->transfer_prior.n > 0) {
        transfer_prior_write(&surrogate->transfer_prior, &w);
    }
    json_object_end(&w);
    return buf_steal(&out);
}

/* ---- in words -------------------------------------------------------------------------------- */
static void put_expected(const json_t *object, struct buf *text)
{
    explanation_put_number(object, "mean", text);
    buf_puts(text, " ± ");
    explanation_put_number(object, "sd", text);
}

/* "loss 0.91 ± 0.02, seconds 12 ± 1; with a probability of 34 % no result is better in all of
 * them" */
static void describe_objectives(const json_t *explain, struct buf *text)
{
    double p = json_number_value(json_object_get(explain, "p_nondominated"));
    size_t i;
    json_t *one;

    json_array_foreach (json_object_get(explain, "objectives"), i, one) {
        buf_printf(text, "%s%s ", i == 0 ? "" : ", ",
                   json_string_value(json_object_get(one, "metric")));
        put_expected(one, text);
    }
    buf_printf(text, "; with a probability of %.0f %% no result is better in all of them",
               100.0 * p);
}

const char *model_describe(const json_t *explain, uint64_t ordinal, struct buf *text)
{
    size_t n_sources = 0;
    size_t i;
    json_t *source;

    (void)ordinal;
    if (!explanation_has_model(explain, "gaussian_process")) {
        return NULL;
    }
    buf_printf(text,
               "a Gaussian process on %" PRId64 " results and %" PRId64 " running trials expected ",
               explanation_int(explain, "results"), explanation_int(explain, "pending"));
    if (json_object_get(explain, "objectives") != NULL) {
        describe_objectives(explain, text);
    } else {
        put_expected(json_object_get(explain, "predicted"), text);
    }
    explanation_describe_comparison(explain, text);
    json_array_foreach (json_object_get(explain, "after"), i, source) {
        if (json_number_value(json_object_get(source, "weight")) > 0.0) {
            buf_printf(text, "%s%s", n_sources++ == 0 ? "; it followed " : ", ",
                       json_string_value(json_object_get(source, "study")));
        }
    }
    return "model";
}
