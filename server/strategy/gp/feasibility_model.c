#include "server/strategy/gp/feasibility_model.h"

#include <math.h>
#include <stdlib.h>

#include "server/model/feasibility.h"

enum {
    FAILURES_LEAST = 3, /* for a model */
    POINTS_MAX = 300    /* of each kind */
};

static const double least_noise = 0.05; /* variance of the labels */

void feasibility_model_finish(struct feasibility_model *model)
{
    gp_destroy(model->gp);
    points_finish(&model->points);
    free(model->label);
    *model = (struct feasibility_model){0};
}

bool feasibility_model_is_needed(const struct evaluations *evaluations)
{
    return evaluations->n_unexplained >= FAILURES_LEAST;
}

/* Takes the newest trials of each kind. */
static int take_labels(struct feasibility_model *model, const struct study_data *data,
                       struct err *err)
{
    const struct evaluations *e = &data->evaluations;
    const struct encoding *encoding = &data->encoding;
    size_t failed = e->n_unexplained < POINTS_MAX ? e->n_unexplained : POINTS_MAX;
    size_t done = e->n_done < POINTS_MAX ? e->n_done : POINTS_MAX;
    size_t n = failed + done;

    model->label = calloc(n + 1, sizeof *model->label);
    if (model->label == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(points_init(&model->points, encoding->n_num, encoding->n_cat, n, err));
    for (size_t i = 0; i < n; i++) {
        model->label[i] = i < done ? 1.0 : -1.0;
        encoding_put(encoding,
                     i < done ? e->done[e->n_done - done + i]
                              : e->unexplained[e->n_unexplained - failed + i - done]->config,
                     &model->points, i);
    }
    model->points.n = n;
    return 0;
}

int feasibility_model_fit(struct feasibility_model *model, const struct study_data *data,
                          const struct fit_prior *prior, const struct theta_search *search,
                          double theta[], struct err *err)
{
    TRY(take_labels(model, data, err));
    if (search != NULL) {
        struct theta_search sized = *search;
        OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
        sized.evaluations = theta_evaluations(model->points.n);
        TRY(marginal_likelihood_create(&model->points, model->label, NULL, GP_MEAN_CONSTANT,
                                       &likelihood, err));
        TRY(theta_fit(likelihood, prior, &sized, theta, err));
        size_t noise = gp_theta_noise(&model->points);
        theta[noise] = fmax(theta[noise], log(least_noise));
    }
    const struct gp_data posterior = {.x = &model->points,
                                      .y = model->label,
                                      .theta = theta,
                                      .mean = GP_MEAN_CONSTANT,
                                      .n_fantasies = 1};
    return gp_create(&posterior, &model->gp, err);
}

int feasibility_model_predict(const struct feasibility_model *model, const struct points *point,
                              double *p_ok, struct err *err)
{
    OWN(gp_batch) struct gp_batch *batch = NULL;

    TRY(gp_batch_create(model->gp, 1, false, &batch, err));
    gp_predict(model->gp, batch, point);
    *p_ok = exp(log_feasibility(batch->mean[0], batch->var[0]));
    return 0;
}
