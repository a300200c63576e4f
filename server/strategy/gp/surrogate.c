#include "server/strategy/gp/surrogate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "server/model/fit.h"
#include "server/strategy/gp/regression_data.h"
#include "server/strategy/gp/result_subset.h"

/* The reasons for these numbers are in tests/bench/choices.md. */
enum {
    FIT_POINTS_MAX = 300,    /* hyper-parameters are fitted to at most so many results: */
    FIT_BEST = 150,          /* the best of them, and a spread over the others */
    MODEL_POINTS_MAX = 1000, /* with more results the model is local, which bounds its cost: */
    MODEL_BEST = 300,        /* the best of them, */
    MODEL_LOCAL = 800,       /* and, up to so many in all, the nearest to the incumbent */
    CURVES_MAX = 400,        /* of learning curves: the best half, and a spread */
    FAILURES_LEAST = 3,      /* for a feasibility model */
    FULL_LEAST = 3,          /* results at the full resource, before truncated curves are avoided */
    PENDING_MAX = 200,
    STARTS_MAX = 3,
    STAGNATION = 12,        /* results without improvement, after which a local refit is made, */
    LOCAL_REFIT_MAX = 200,  /* with up to so many results */
    LOCAL_EVALUATIONS = 15, /* of the posterior */
    OFFSETS_AT_ONCE = 256
};

static const double feasibility_noise = 0.05; /* least noise variance of the labels */
static const char fit_magic[4] = {'g', 'p', '0', '1'};

/* The beginning of a stored fit; then theta of the objective, and of feasibility if there is one.
 */
struct surrogate_fit_header {
    char magic[4];
    uint32_t n_theta;
    uint32_t has_feasibility;
    uint32_t reserved;
};

void surrogate_finish(struct surrogate *surrogate)
{
    gp_destroy(surrogate->gp);
    gp_destroy(surrogate->feasibility);
    transfer_prior_finish(&surrogate->transfer_prior);
    points_finish(&surrogate->points);
    points_finish(&surrogate->feasibility_points);
    points_finish(&surrogate->truncated);
    free(surrogate->config);
    free(surrogate->y);
    free(surrogate->extra);
    free(surrogate->offset);
    free(surrogate->theta);
    *surrogate = (struct surrogate){0};
}

/* ---- stored fits ----------------------------------------------------------------------------- */
void *surrogate_fit_bytes(const struct surrogate *surrogate, size_t *bytes)
{
    size_t n = surrogate->n_theta;
    struct surrogate_fit_header header = {.n_theta = (uint32_t)n,
                                          .has_feasibility = surrogate->feasibility != NULL};
    size_t n_values = (header.has_feasibility ? 2 : 1) * n;
    char *data = malloc(sizeof header + 2 * n * sizeof(double));

    if (data == NULL) {
        return NULL;
    }
    memcpy(header.magic, fit_magic, sizeof header.magic);
    *bytes = sizeof header + n_values * sizeof(double);
    memcpy(data, &header, sizeof header);
    memcpy(data + sizeof header, surrogate->theta, n_values * sizeof(double));
    return data;
}

/* Reads the header of a stored fit; is the fit of this shape? */
static bool read_header(const struct fit *fit, size_t n_theta, struct surrogate_fit_header *header)
{
    if (fit->bytes < sizeof *header) {
        return false;
    }
    memcpy(header, fit->data, sizeof *header);
    size_t sets = header->has_feasibility ? 2 : 1;
    return memcmp(header->magic, fit_magic, sizeof fit_magic) == 0 && header->n_theta == n_theta
           && fit->bytes == sizeof *header + sets * n_theta * sizeof(double);
}

/* The newest stored fit of this shape that was made from at most n_finished trials; NULL: none. */
static const struct fit *newest_fit(const struct history *seen, size_t n_theta, uint64_t n_finished,
                                    struct surrogate_fit_header *header)
{
    for (size_t i = seen->n_fits; i-- > 0;) {
        const struct fit *fit = &seen->fits[i];
        if (fit->n_seen <= n_finished && read_header(fit, n_theta, header)) {
            return fit;
        }
    }
    *header = (struct surrogate_fit_header){0};
    return NULL;
}

static bool is_due(uint64_t n, uint64_t fitted_at)
{
    return n <= 30 ? fitted_at < n : n - fitted_at >= (n + 19) / 20;
}

uint64_t surrogate_fit_due(uint64_t n)
{
    uint64_t due = n < 30 ? n : 30;

    for (uint64_t i = due + 1; i <= n; i++) {
        due = is_due(i, due) ? i : due;
    }
    return due;
}

/* ---- hyper-parameters ------------------------------------------------------------------------ */
/* What surrogate_fit() works with. */
struct fitting {
    struct surrogate *surrogate;
    const struct study_data *data;
    struct regression_data rows;
    struct points points;   /* of all rows */
    struct fit_prior prior; /* of theta */
    double *stored;         /* theta of the newest stored fit, then that of its feasibility model */
    bool has_stored_feasibility;
    bool is_made; /* the new fit is the stored theta: it was made before */
};

static void fitting_finish(struct fitting *fitting)
{
    regression_data_finish(&fitting->rows);
    points_finish(&fitting->points);
    fit_prior_finish(&fitting->prior);
    free(fitting->stored);
}
OWN_VALUE(fitting)

/* Active numbers and categories of a row, on average: the D of the length scales' prior. */
static void count_active(const struct encoding *encoding, const struct regression_data *rows,
                         double *num, double *cat)
{
    double sum_num = 0.0;
    double sum_cat = 0.0;

    for (size_t i = 0; i < rows->n; i++) {
        for (size_t k = 0; k < encoding->n_num; k++) {
            sum_num += !isnan(rows->config[i][encoding->num[k]]);
        }
        for (size_t k = 0; k < encoding->n_cat; k++) {
            sum_cat += !isnan(rows->config[i][encoding->cat[k]]);
        }
    }
    *num = rows->n == 0 ? 0.0 : sum_num / (double)rows->n;
    *cat = rows->n == 0 ? 0.0 : sum_cat / (double)rows->n;
}

/* Evaluations of the posterior for n points, from each start: with many points the start is good.
 */
static int fit_evaluations(size_t n)
{
    return n <= 100 ? 30 : n <= 200 ? 20 : 10;
}

/* How to fit theta: from `warm` (or NULL) and, without it or `afresh`, also from the mode of the
 * prior and from shorter length scales. */
struct theta_search {
    const double *warm;
    bool afresh;
    int evaluations;
    const atomic_bool *stop;
};

/* theta ← the MAP fit. */
static int fit_theta(struct marginal_likelihood *likelihood, const struct fit_prior *prior,
                     const struct theta_search *search, double theta[], struct err *err)
{
    OWN(memory) double *from = calloc(STARTS_MAX * prior->n, sizeof *from);
    struct fit_starts starts = {
        .theta = from, .evaluations = search->evaluations, .stop = search->stop};
    double value = 0.0;

    if (from == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    if (search->warm != NULL) {
        memcpy(from + prior->n * starts.n++, search->warm, prior->n * sizeof *from);
    }
    if (search->afresh || search->warm == NULL) {
        double *mode = from + prior->n * starts.n++;
        double *shorter = from + prior->n * starts.n++;
        for (size_t i = 0; i < prior->n; i++) {
            mode[i] = prior->mean[i];
            shorter[i] = prior->mean[i] - (i + 2 < prior->n ? 1.2 : 0.0);
        }
    }
    return fit_map(likelihood, prior, &starts, theta, &value, err);
}

/* theta of the objective ← the MAP fit to at most FIT_POINTS_MAX rows. */
static int fit_objective(const struct fitting *fitting, const struct theta_search *search,
                         struct err *err)
{
    const struct points *points = &fitting->points;
    const struct regression_data *rows = &fitting->rows;
    size_t n = points->n;
    size_t k = n < FIT_POINTS_MAX ? n : FIT_POINTS_MAX;
    const struct result_subset subset = {.n = k, .best = FIT_BEST, .is_spread = true};
    OWN(points) struct points part = {0};
    OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
    OWN(memory) struct result_key *order = calloc(n + 1, sizeof *order);
    OWN(memory) double *y = calloc(2 * k + 1, sizeof *y);

    if (order == NULL || y == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a fit");
    }
    double *extra = y + k;
    TRY(result_subset_choose(points, rows->y, &subset, order, err));
    TRY(points_init(&part, points->n_num, points->n_cat, k, err));
    for (size_t i = 0; i < k; i++) {
        points_copy(&part, i, points, order[i].index);
        y[i] = rows->y[order[i].index] - rows->prior_mean[order[i].index];
        extra[i] = rows->extra[order[i].index];
    }
    part.n = k;
    TRY(marginal_likelihood_create(&part, y, extra, GP_MEAN_POLYNOMIAL, &likelihood, err));
    return fit_theta(likelihood, &fitting->prior, search, fitting->surrogate->theta, err);
}

/* Takes the new fit, where the history has it made. */
static bool take_made(struct fitting *fitting)
{
    struct surrogate *s = fitting->surrogate;
    const struct fit *made = fitting->data->seen->made;
    bool has_feasibility = fitting->data->evaluations.n_failed >= FAILURES_LEAST;
    struct surrogate_fit_header header;

    if (made == NULL || made->n_seen != s->fit_n_seen || !read_header(made, s->n_theta, &header)
        || (header.has_feasibility != 0) != has_feasibility) {
        return false;
    }
    memcpy(fitting->stored, (const char *)made->data + sizeof header, made->bytes - sizeof header);
    memcpy(s->theta, fitting->stored, s->n_theta * sizeof *s->theta);
    fitting->has_stored_feasibility = has_feasibility;
    fitting->is_made = true;
    return true;
}

/* theta of the objective ← a new fit if one is due, else the newest stored fit. */
static int choose_theta(struct fitting *fitting, struct err *err)
{
    struct surrogate *s = fitting->surrogate;
    uint64_t n_finished = fitting->data->evaluations.n_finished;
    struct surrogate_fit_header header = {0};
    const struct fit *fit = newest_fit(fitting->data->seen, s->n_theta, n_finished, &header);

    if (fit != NULL) {
        memcpy(fitting->stored, (const char *)fit->data + sizeof header,
               fit->bytes - sizeof header);
    }
    fitting->has_stored_feasibility = header.has_feasibility;
    s->is_new_fit = fit == NULL || is_due(n_finished, fit->n_seen);
    s->fit_n_seen = s->is_new_fit ? n_finished : fit->n_seen;
    if (!s->is_new_fit) {
        memcpy(s->theta, fitting->stored, s->n_theta * sizeof *s->theta);
        return 0;
    }
    if (take_made(fitting)) {
        return 0;
    }
    size_t n = fitting->points.n;
    uint64_t period = n_finished < 100 ? 10 : 50;
    const struct theta_search search = {
        .warm = fit == NULL ? NULL : fitting->stored,
        .afresh = n_finished < 15 || n_finished % period == 0,
        .evaluations = fit_evaluations(n < FIT_POINTS_MAX ? n : FIT_POINTS_MAX),
        .stop = fitting->data->seen->stop};
    return fit_objective(fitting, &search, err);
}

/* Makes a local refit where it is time for one. Its hyper-parameters are not stored: they follow
 * from the results, and the next suggestion uses the regular fit again. */
static int refit_locally(struct fitting *fitting, struct err *err)
{
    struct surrogate *s = fitting->surrogate;
    struct regression_data *rows = &fitting->rows;
    const struct theta_search search = {
        .afresh = true, .evaluations = LOCAL_EVALUATIONS, .stop = fitting->data->seen->stop};
    bool is_time = !s->is_new_fit && !rows->has_curves && s->transfer_prior.prior_mean == NULL
                   && rows->n_full % 2 == 1 && rows->n_full <= LOCAL_REFIT_MAX
                   && regression_data_stagnation(rows) > STAGNATION;

    if (!is_time || !regression_data_focus(rows)) {
        return 0;
    }
    s->is_local_refit = true;
    s->transform = rows->transform;
    return fit_objective(fitting, &search, err);
}

/* ---- transfer prior -------------------------------------------------------------------------- */
/* offset[0 … n-1] += the transfer prior at points from … from + n - 1. */
static int add_offsets(const struct surrogate *s, const struct points *points, size_t from,
                       size_t n, double offset[], struct err *err)
{
    OWN(points) struct points part = {0};

    if (s->transfer_prior.prior_mean == NULL || n == 0) {
        return 0;
    }
    TRY(points_init(&part, points->n_num, points->n_cat, OFFSETS_AT_ONCE, err));
    for (size_t i = 0; i < n; i += part.n) {
        part.n = n - i < OFFSETS_AT_ONCE ? n - i : OFFSETS_AT_ONCE;
        for (size_t k = 0; k < part.n; k++) {
            points_copy(&part, k, points, from + i + k);
        }
        prior_mean_add(s->transfer_prior.prior_mean, &part, 1, offset + i);
    }
    return 0;
}

static int apply_transfer_prior(struct fitting *fitting, struct err *err)
{
    struct surrogate *s = fitting->surrogate;
    struct points measured = fitting->points; /* without the failed trials, which come last */

    measured.n -= fitting->data->evaluations.n_failed;
    TRY(transfer_prior_init(&s->transfer_prior, fitting->data, err));
    TRY(transfer_prior_weight(&s->transfer_prior, &measured, fitting->rows.y,
                              fitting->data->study->seed, err));
    return add_offsets(s, &fitting->points, 0, fitting->points.n, fitting->rows.prior_mean, err);
}

/* ---- the objective --------------------------------------------------------------------------- */
/* Notes the subject's own value, and takes its row into the n selected ones. */
static void include_subject(struct surrogate *s, const struct regression_data *rows, size_t n,
                            struct result_key order[])
{
    s->own_y = (double)NAN;
    s->own_var = (double)NAN;
    for (size_t i = 0; s->subject != NULL && i < rows->n; i++) {
        if (rows->config[i] == s->subject) {
            s->own_y = rows->y[i];
            s->own_var = rows->extra[i] / rows->variance_factor;
            result_subset_include(i, rows->y, n, order);
            return;
        }
    }
}

/* Takes the rows of the model and, if `with_pending`, the newest pending trials after them. */
static int take_points(const struct fitting *fitting, bool with_pending, struct err *err)
{
    struct surrogate *s = fitting->surrogate;
    const struct regression_data *rows = &fitting->rows;
    const struct points *all = &fitting->points;
    const struct evaluations *evaluations = &fitting->data->evaluations;
    size_t n_pending = evaluations->n_pending;
    size_t p = !with_pending ? 0 : n_pending < PENDING_MAX ? n_pending : PENDING_MAX;
    size_t most = rows->has_curves ? CURVES_MAX : MODEL_POINTS_MAX;
    size_t n = all->n <= most ? all->n : rows->has_curves ? CURVES_MAX : MODEL_LOCAL;
    const struct result_subset subset = {.n = n,
                                         .best = rows->has_curves ? CURVES_MAX / 2 : MODEL_BEST,
                                         .is_spread = rows->has_curves};
    OWN(memory) struct result_key *order = calloc(all->n + 1, sizeof *order);

    s->y = calloc(n + 1, sizeof *s->y);
    s->extra = calloc(n + 1, sizeof *s->extra);
    s->offset = calloc(n + p + 1, sizeof *s->offset);
    s->config = calloc(n + 1, sizeof *s->config);
    if (order == NULL || s->y == NULL || s->extra == NULL || s->offset == NULL
        || s->config == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(result_subset_choose(all, rows->y, &subset, order, err));
    include_subject(s, rows, n, order);
    TRY(points_init(&s->points, all->n_num, all->n_cat, n + p, err));
    for (size_t i = 0; i < n; i++) {
        size_t row = order[i].index;
        points_copy(&s->points, i, all, row);
        s->offset[i] = rows->prior_mean[row];
        s->y[i] = rows->y[row] - s->offset[i];
        s->extra[i] = rows->extra[row];
        s->config[i] = rows->config[row];
    }
    for (size_t i = 0; i < p; i++) {
        encoding_put(&fitting->data->encoding, evaluations->pending[n_pending - p + i], &s->points,
                     n + i);
    }
    s->points.n = n + p;
    s->n = n;
    return add_offsets(s, &s->points, n, p, s->offset + n, err);
}

/* truncated ← the results that are extrapolated curves, once enough have reached the end. */
static int collect_truncated(const struct fitting *fitting, struct err *err)
{
    struct surrogate *s = fitting->surrogate;

    TRY(points_init(&s->truncated, s->points.n_num, s->points.n_cat, s->n, err));
    for (size_t i = 0; i < s->n && fitting->rows.n_full >= FULL_LEAST; i++) {
        if (s->extra[i] > 0.0) {
            points_copy(&s->truncated, s->truncated.n++, &s->points, i);
        }
    }
    return 0;
}

/* Computes the posterior and the incumbent. With noise the best observed value is biased, so that
 * the best posterior mean is used instead; with curves, the best one that reached the full
 * resource. */
static int compute_posterior(const struct fitting *fitting, struct rng *rng, struct err *err)
{
    struct surrogate *s = fitting->surrogate;
    const struct regression_data *rows = &fitting->rows;
    size_t p = s->points.n - s->n;
    OWN(memory) double *eps = calloc(p * FANTASIES + 1, sizeof *eps);

    if (eps == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    for (size_t i = 0; i < p * FANTASIES; i++) {
        eps[i] = rng_normal(rng);
    }
    const struct gp_data data = {.x = &s->points,
                                 .p = p,
                                 .y = s->y,
                                 .extra = s->extra,
                                 .theta = s->theta,
                                 .mean = GP_MEAN_POLYNOMIAL,
                                 .n_fantasies = FANTASIES,
                                 .eps = eps};
    TRY(gp_create(&data, &s->gp, err));
    for (size_t i = 0; i < p * s->gp->n_fantasies; i++) {
        s->gp->y_pending[i] += s->offset[s->n + i % p];
    }
    s->best = rows->has_curves ? rows->best : (double)INFINITY;
    if (isfinite(s->best)) {
        return 0;
    }
    bool is_noisy = rows->has_curves || s->gp->noise > 1e-3;
    for (size_t i = 0; i < s->n; i++) {
        double y = is_noisy ? s->gp->mean_observed[i] : s->y[i];
        s->best = fmin(s->best, y + s->offset[i]);
    }
    return 0;
}

/* ---- feasibility ----------------------------------------------------------------------------- */
/* The feasibility model: a regression on labels +1 (succeeded) and −1 (failed). */
static int fit_feasibility(const struct fitting *fitting, struct err *err)
{
    struct surrogate *s = fitting->surrogate;
    const struct evaluations *e = &fitting->data->evaluations;
    const struct encoding *encoding = &fitting->data->encoding;
    size_t failed = e->n_failed < FIT_POINTS_MAX ? e->n_failed : FIT_POINTS_MAX;
    size_t done = e->n_done < FIT_POINTS_MAX ? e->n_done : FIT_POINTS_MAX;
    size_t n = failed + done;
    const double *warm = fitting->has_stored_feasibility ? fitting->stored + s->n_theta : NULL;
    double *theta = s->feasibility_theta;
    OWN(memory) double *label = calloc(n + 1, sizeof *label);

    if (label == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(points_init(&s->feasibility_points, encoding->n_num, encoding->n_cat, n, err));
    for (size_t i = 0; i < n; i++) { /* the newest of each kind */
        label[i] = i < done ? 1.0 : -1.0;
        encoding_put(encoding,
                     i < done ? e->done[e->n_done - done + i]
                              : e->failed[e->n_failed - failed + i - done],
                     &s->feasibility_points, i);
    }
    s->feasibility_points.n = n;
    if (s->is_new_fit && !fitting->is_made) {
        const struct theta_search search = {.warm = warm,
                                            .afresh = warm == NULL,
                                            .evaluations = fit_evaluations(n),
                                            .stop = fitting->data->seen->stop};
        OWN(marginal_likelihood) struct marginal_likelihood *likelihood = NULL;
        TRY(marginal_likelihood_create(&s->feasibility_points, label, NULL, GP_MEAN_CONSTANT,
                                       &likelihood, err));
        TRY(fit_theta(likelihood, &fitting->prior, &search, theta, err));
        theta[s->n_theta - 1] = fmax(theta[s->n_theta - 1], log(feasibility_noise));
    } else {
        memcpy(theta, warm == NULL ? fitting->prior.mean : warm, s->n_theta * sizeof *theta);
    }
    const struct gp_data data = {.x = &s->feasibility_points,
                                 .y = label,
                                 .theta = theta,
                                 .mean = GP_MEAN_CONSTANT,
                                 .n_fantasies = 1};
    return gp_create(&data, &s->feasibility, err);
}

/* ---- the surrogate --------------------------------------------------------------------------- */
static int fitting_init(struct fitting *fitting, struct surrogate *surrogate,
                        const struct study_data *data, struct err *err)
{
    const struct encoding *encoding = &data->encoding;
    double num = 0.0;
    double cat = 0.0;

    *fitting = (struct fitting){.surrogate = surrogate, .data = data};
    fitting->stored = calloc(2 * surrogate->n_theta, sizeof *fitting->stored);
    if (fitting->stored == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    TRY(regression_data_init(&fitting->rows, data->study, &data->evaluations, err));
    size_t n = fitting->rows.n;
    TRY(points_init(&fitting->points, encoding->n_num, encoding->n_cat, n, err));
    for (size_t i = 0; i < n; i++) {
        encoding_put(encoding, fitting->rows.config[i], &fitting->points, i);
    }
    fitting->points.n = n;
    count_active(encoding, &fitting->rows, &num, &cat);
    return fit_prior_init(&fitting->prior, &fitting->points, num, cat, err);
}

/* The hyper-parameters of both models. */
static int fit_both(struct fitting *fitting, const struct study_data *data, const double *subject,
                    struct surrogate *surrogate, struct err *err)
{
    *surrogate =
        (struct surrogate){.n_theta = encoding_n_dims(&data->encoding) + 2, .subject = subject};
    surrogate->theta = calloc(2 * surrogate->n_theta, sizeof *surrogate->theta);
    if (surrogate->theta == NULL) {
        return err_set(err, ERR_NOMEM, "no memory for a model");
    }
    surrogate->feasibility_theta = surrogate->theta + surrogate->n_theta;
    TRY(fitting_init(fitting, surrogate, data, err));
    surrogate->transform = fitting->rows.transform;
    TRY(apply_transfer_prior(fitting, err));
    TRY(choose_theta(fitting, err));
    return data->evaluations.n_failed >= FAILURES_LEAST ? fit_feasibility(fitting, err) : 0;
}

int surrogate_fit_theta(struct surrogate *surrogate, const struct study_data *data, struct err *err)
{
    OWN(fitting) struct fitting fitting = {0};

    return fit_both(&fitting, data, NULL, surrogate, err);
}

int surrogate_fit(struct surrogate *surrogate, const struct study_data *data, const double *subject,
                  struct rng *rng, struct err *err)
{
    OWN(fitting) struct fitting fitting = {0};

    TRY(fit_both(&fitting, data, subject, surrogate, err));
    TRY(refit_locally(&fitting, err));
    TRY(take_points(&fitting, rng != NULL, err));
    if (study_stops_trials_early(data->study)) {
        TRY(collect_truncated(&fitting, err));
    }
    return compute_posterior(&fitting, rng, err);
}

/* The posterior mean at the i-th result, the transfer prior included. */
static double mean_at(const struct surrogate *surrogate, size_t i)
{
    return surrogate->gp->mean_observed[i] + surrogate->offset[i];
}

size_t surrogate_best(const struct surrogate *surrogate, size_t k, size_t order[])
{
    size_t n = 0;

    for (size_t i = 0; i < surrogate->n; i++) {
        size_t at = n;
        while (at > 0 && mean_at(surrogate, i) < mean_at(surrogate, order[at - 1])) {
            at--;
        }
        if (at < k) {
            size_t last = n < k ? n++ : k - 1;
            memmove(order + at + 1, order + at, (last - at) * sizeof *order);
            order[at] = i;
        }
    }
    return n;
}

double surrogate_scale(const struct surrogate *surrogate)
{
    return surrogate->transform.sd > 0.0 ? surrogate->transform.sd : 1.0;
}

double surrogate_objective(const struct surrogate *surrogate, const struct study_def *study,
                           double cost)
{
    return objective_from_cost(study,
                               surrogate->transform.mean + surrogate_scale(surrogate) * cost);
}
