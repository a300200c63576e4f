/* The feasibility model of a study: a regression on labels +1 (the trial succeeded) and −1 (it
 * failed, and not by a violated bound that is known), from three failed ones on. */
#ifndef SERVER_STRATEGY_GP_FEASIBILITY_MODEL_H
#define SERVER_STRATEGY_GP_FEASIBILITY_MODEL_H

#include "server/model/gp.h"
#include "server/strategy/gp/theta_fit.h"
#include "server/strategy/study_data.h"

struct feasibility_model {
    struct points points;
    double *label;
    struct gp *gp; /* NULL while few trials have failed */
};

void feasibility_model_finish(struct feasibility_model *model);

/* Have enough trials failed? */
bool feasibility_model_is_needed(const struct evaluations *evaluations);

/* theta ← a new fit by `search`; NULL: theta is given. Then computes the posterior. ERR_NUMERIC;
 * ERR_NOMEM; ERR_OVERLOADED: asked to stop. */
MUST_USE int feasibility_model_fit(struct feasibility_model *model, const struct study_data *data,
                                   const struct fit_prior *prior, const struct theta_search *search,
                                   double theta[], struct err *err);

/* *p_ok ← the probability of success at one point. ERR_NOMEM. */
MUST_USE int feasibility_model_predict(const struct feasibility_model *model,
                                       const struct points *point, double *p_ok, struct err *err);

#endif
