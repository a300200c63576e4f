/* bayesian: Bayesian optimisation with a Gaussian-process surrogate.
 *
 * A suggestion comes from the initial design (initial_design.h, warm_start.h) while results are
 * few; then it is the candidate (acquisition_search.h) with the greatest log augmented expected
 * improvement under the surrogate (surrogate.h), with two to four objectives the greatest log
 * expected hypervolume improvement (model/hypervolume_improvement.h). The variant was chosen by
 * measurement: tests/bench/choices.md. */
#include "server/strategy/strategies.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "server/model/expected_improvement.h"
#include "server/model/feasibility.h"
#include "server/model/hypervolume_improvement.h"
#include "server/strategy/explanation.h"
#include "server/strategy/gp/acquisition_search.h"
#include "server/strategy/gp/model_explanation.h"
#include "server/strategy/gp/regression_data.h"
#include "server/strategy/gp/surrogate.h"
#include "server/strategy/initial_design.h"
#include "server/strategy/warm_start.h"

enum {
    ENUMERATED_MAX =
        4096, /* a finite space of at most so many configurations is scored as a whole */
    POINTS_PER_CALL = 256,
    INCUMBENTS = 5,
    TRANSFER_FROM =
        4 /* trials; from then on helpful sources replace the rest of the initial design */
};

/* Beyond this a suggestion takes many seconds, in which no other study gets one. */
#define BAYESIAN_PARAMS_MAX 1024

static void check_space(const struct study_def *study, struct faults *faults)
{
    if (study->space->n_params > BAYESIAN_PARAMS_MAX) {
        faults_add(faults, "/parameters",
                   "the search bayesian takes at most %d parameters, not %zu; use tpe, quasirandom "
                   "or random",
                   BAYESIAN_PARAMS_MAX, study->space->n_params);
    }
}

static void check(const struct study_def *study, struct faults *faults)
{
    strategy_refuse_options(study, faults);
    check_space(study, faults);
    if (study->n_objectives > MODELLED_OBJECTIVES_MAX) {
        faults_add(faults, "/objectives",
                   "the strategy bayesian takes at most %d objectives, not %zu; use tpe or nsga2",
                   MODELLED_OBJECTIVES_MAX, study->n_objectives);
    }
}

/* One suggestion in progress. */
struct bayesian_step {
    struct study_data data;
    uint64_t ordinal;
    struct rng rng;
    struct surrogate surrogate;
    struct acquisition acquisition;
    struct candidates candidates;
    size_t n_uniform; /* the first candidates, which are uniform draws */
    double *w_num;    /* ℓ⁻² of each number: the greatest of the objectives' models */
    struct choice choice;
};

static void bayesian_step_finish(struct bayesian_step *step)
{
    free(step->w_num);
    candidates_finish(&step->candidates);
    acquisition_finish(&step->acquisition);
    surrogate_finish(&step->surrogate);
    study_data_finish(&step->data);
}
OWN_VALUE(bayesian_step)

/* ---- candidates ------------------------------------------------------------------------------ */
static bool is_tried(const void *context, const double config[])
{
    return study_data_has_tried(context, config);
}

static int score_all(struct bayesian_step *step, struct err *err)
{
    struct candidates *candidates = &step->candidates;

    TRY(candidates_enumerate(candidates, &step->data.encoding, is_tried, &step->data, err));
    if (candidates->n == 0) {
        return err_set(err, ERR_EXHAUSTED, "every configuration of the space has been tried");
    }
    struct points all = candidates_unscored(candidates);
    acquisition_score(&step->acquisition, &all, candidates->score, NULL);
    candidates_scored(candidates);
    return 0;
}

static int set_scales(struct bayesian_step *step, struct err *err)
{
    const struct surrogate *surrogate = &step->surrogate;
    size_t d = step->data.encoding.n_num;

    step->w_num = calloc(d + 1, sizeof *step->w_num);
    if (step->w_num == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a search");
    }
    for (size_t k = 0; k < surrogate->n_metrics; k++) {
        const struct gp *gp = surrogate->metrics[k].gp;
        for (size_t i = 0; i < d && gp != NULL; i++) {
            step->w_num[i] = fmax(step->w_num[i], gp->kernel.w_num[i]);
        }
    }
    return 0;
}

static int search_best(struct bayesian_step *step, struct err *err)
{
    const struct surrogate *surrogate = &step->surrogate;
    const struct metric_model *model = &surrogate->metrics[0];
    size_t order[INCUMBENTS];
    const double *incumbents[INCUMBENTS];
    bool stops_early = study_stops_trials_early(step->data.study);
    struct acquisition_search search = {
        .encoding = &step->data.encoding,
        .acquisition = &step->acquisition,
        .effort = stops_early ? search_effort_early_stopping() : search_effort_for(model->points.n),
        .reflects = stops_early,
        .n_incumbents = surrogate_best(surrogate, INCUMBENTS, order),
        .incumbents = incumbents,
        .rng = &step->rng,
        .stop = step->data.seen->stop};

    for (size_t i = 0; i < search.n_incumbents; i++) {
        incumbents[i] = model->config[order[i]];
    }
    TRY(set_scales(step, err));
    search.w_num = step->w_num;
    TRY(acquisition_search_run(&search, &step->candidates, err));
    step->n_uniform = search.n_uniform;
    return 0;
}

/* Sets the best untried candidate and its alternatives; *found ← whether there is one. */
static int choose(struct bayesian_step *step, bool *found, struct err *err)
{
    struct candidates *candidates = &step->candidates;
    OWN(memory) size_t *order = calloc(candidates->n + 1, sizeof *order);
    size_t n =
        order == NULL ? CANDIDATES_NO_MEMORY : candidates_best(candidates, candidates->n, order);

    if (n == CANDIDATES_NO_MEMORY) {
        return err_set(err, ERR_NOMEM, "no memory to sort candidates");
    }
    *found = explanation_choose(candidates, n, order, is_tried, &step->data, &step->choice);
    return 0;
}

/* Adds log EI, or log EHVI of several objectives. */
static int add_improvement(struct bayesian_step *step, struct err *err)
{
    const struct surrogate *surrogate = &step->surrogate;
    const struct metric_model *model = &surrogate->metrics[0];
    const struct pareto_set *pareto = &surrogate->pareto;
    struct hypervolume_models models = {
        .m = pareto->m, .n = pareto->n, .front = pareto->cost, .reference = pareto->reference};
    struct acquisition_term *term = NULL;

    for (size_t k = 0; k < pareto->m; k++) {
        models.gp[k] = surrogate->metrics[k].gp;
    }
    if (pareto->m > 1) {
        TRY(hypervolume_improvement_create(&models, POINTS_PER_CALL, &term, err));
    } else {
        TRY(expected_improvement_create(model->gp, model->prior_mean,
                                        surrogate_improve_on(surrogate), POINTS_PER_CALL, &term,
                                        err));
    }
    acquisition_add(&step->acquisition, term);
    return 0;
}

/* The sum of log EI or log EHVI (once a result satisfies all bounds), and the logarithms of
 * the probabilities that each bound is satisfied and that the trial does not fail. */
static int build_acquisition(struct bayesian_step *step, struct err *err)
{
    const struct surrogate *surrogate = &step->surrogate;
    struct acquisition *acquisition = &step->acquisition;
    struct acquisition_term *term = NULL;

    acquisition->cap = POINTS_PER_CALL;
    if (surrogate_has_incumbent(surrogate)) {
        TRY(add_improvement(step, err));
    }
    for (size_t k = surrogate->n_objectives; k < surrogate->n_metrics; k++) {
        const struct metric_model *model = &surrogate->metrics[k];
        if (model->gp != NULL) {
            TRY(bound_create(model->gp, model->limit, POINTS_PER_CALL, &term, err));
            acquisition_add(acquisition, term);
        }
    }
    if (surrogate->feasibility.gp != NULL) {
        TRY(feasibility_create(surrogate->feasibility.gp, POINTS_PER_CALL, &term, err));
        acquisition_add(acquisition, term);
    }
    return 0;
}

/* Fills *out by the model. With `needs_transfer` only if a source study is used; else *done stays
 * false. */
static int suggest_by_model(struct bayesian_step *step, bool needs_transfer, struct suggestion *out,
                            bool *done, struct err *err)
{
    struct surrogate *surrogate = &step->surrogate;
    bool found;

    TRY(surrogate_fit(surrogate, &step->data, NULL, &step->rng, err));
    if (needs_transfer && !surrogate->transfer_prior.weights.any) {
        return 0;
    }
    *done = true;
    TRY(build_acquisition(step, err));
    if (step->data.encoding.cells_total <= ENUMERATED_MAX) {
        TRY(score_all(step, err));
    } else {
        TRY(search_best(step, err));
    }
    TRY(choose(step, &found, err));
    if (!found) {
        TRY(initial_design_point(&step->data, step->ordinal, out->config, err));
        out->explain = explanation_without_model("quasi_random", step->ordinal, 0);
        return 0;
    }
    memcpy(out->config, candidates_config(&step->candidates, step->choice.chosen),
           step->candidates.n_params * sizeof *out->config);
    const struct model_choice choice = {.data = &step->data,
                                        .surrogate = surrogate,
                                        .candidates = &step->candidates,
                                        .choice = &step->choice,
                                        .n_uniform = step->n_uniform};
    out->explain = model_explanation(&choice);
    if (surrogate->transfer_prior.is_new_fit) { /* one fit is stored; this one is made once only */
        out->fit = transfer_prior_fit_bytes(&surrogate->transfer_prior, &out->fit_bytes);
    } else if (surrogate->is_new_fit) {
        out->fit = surrogate_fit_bytes(surrogate, &out->fit_bytes);
        out->fit_n_seen = surrogate->fit_n_seen;
    }
    return 0;
}

/* Are there enough results, and anything to model? */
static bool can_model(const struct study_data *data)
{
    return data->study->n_objectives <= MODELLED_OBJECTIVES_MAX
           && regression_data_count(data->study, &data->evaluations) >= 3
           && encoding_n_dims(&data->encoding) > 0;
}

static int make_fit(const struct study_def *study, const struct history *seen,
                    struct suggestion *out, struct err *err)
{
    OWN(bayesian_step) struct bayesian_step step = {0};

    TRY(study_data_init(&step.data, study, seen, err));
    if (!can_model(&step.data)) {
        return 0;
    }
    TRY(surrogate_fit_theta(&step.surrogate, &step.data, err));
    out->fit = surrogate_fit_bytes(&step.surrogate, &out->fit_bytes);
    out->fit_n_seen = step.surrogate.fit_n_seen;
    return out->fit == NULL ? err_set(err, ERR_NOMEM, "no memory for a fit") : 0;
}

/* Fits the source models if there is no stored fit; it is stored with this suggestion. */
static int store_transfer_fit(const struct bayesian_step *step, struct suggestion *out,
                              struct err *err)
{
    OWN(transfer_prior) struct transfer_prior prior = {0};

    TRY(transfer_prior_init(&prior, &step->data, err));
    if (prior.is_new_fit) {
        out->fit = transfer_prior_fit_bytes(&prior, &out->fit_bytes);
    }
    return 0;
}

static int suggest(const struct study_def *study, const struct history *seen, uint64_t ordinal,
                   struct suggestion *out, struct err *err)
{
    OWN(bayesian_step)
    struct bayesian_step step = {.ordinal = ordinal, .rng = rng_for(study->seed, ordinal)};
    uint64_t size = initial_design_size(study);
    bool is_after_design = ordinal > size;
    bool done = false;
    struct warm_start warm_start = {0};
    struct err why = {0};

    TRY(study_data_init(&step.data, study, seen, err));
    if ((is_after_design || (seen->n_sources > 0 && ordinal > TRANSFER_FROM))
        && can_model(&step.data)) {
        if (suggest_by_model(&step, !is_after_design, out, &done, &why) == 0 && done) {
            return 0;
        }
        if (why.code != ERR_NONE && why.code != ERR_NUMERIC) {
            return err_set(err, why.code, "%s", why.text);
        }
        out->fallback = is_after_design; /* the results cannot be modelled */
    }
    TRY(warm_start_point(&step.data, ordinal, out->config, &warm_start, err));
    if (warm_start.found) {
        out->explain = warm_start_explain(&warm_start, ordinal, size);
        return store_transfer_fit(&step, out, err);
    }
    TRY(initial_design_point(&step.data, warm_start_design_index(study, seen, ordinal), out->config,
                             err));
    out->explain = explanation_without_model(is_after_design ? "quasi_random" : "design", ordinal,
                                             is_after_design ? 0 : size);
    return 0;
}

const struct strategy strategy_bayesian = {
    .name = "bayesian",
    .is_async = true,
    .needs_history = true,
    .is_search = true,
    .transfers = true,
    .multi_objective = true,
    .check = check,
    .check_space = check_space,
    .count = strategy_count_space,
    .suggest = suggest,
    .fit_due = stored_fit_due,
    .make_fit = make_fit,
    .describe = model_describe,
};
