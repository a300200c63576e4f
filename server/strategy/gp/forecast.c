#include "server/strategy/gp/forecast.h"

#include <math.h>
#include <stdlib.h>

#include "common/normal.h"
#include "server/model/curves.h"
#include "server/strategy/encoding.h"
#include "server/strategy/evaluations.h"
#include "server/strategy/gp/regression_data.h"
#include "server/strategy/gp/surrogate.h"

enum {
    WHOLE_LEAST = 3,
    DOUBT_AFTER = 10 /* trials in a row that did not come to the full resource */
};

#define OWN_HOPELESS 1e-3

size_t forecast_levels(const struct study_def *study, double eta, int64_t levels[64])
{
    _Static_assert(CURVE_LEVELS_MAX == 64, "the header says how many there can be");
    return curve_levels(study->resource_min, study->resource_max, eta, levels);
}

static const struct observation *find(const struct history *seen, int64_t number)
{
    for (size_t i = 0; i < seen->n; i++) {
        if (seen->items[i].number == number) {
            return &seen->items[i];
        }
    }
    return NULL;
}

/* How many trials have come to the full resource. */
static size_t count_whole(const struct trials *trials)
{
    size_t n = 0;

    for (size_t i = 0; i < trials->n_done; i++) {
        n += trials->complete[i] ? 1 : 0;
    }
    return n;
}

/* Mean and standard deviation of f at the configuration, transformed. */
static int predict(const struct belief *belief, const struct axes *axes, const double x[],
                   double *mean, double *sd, struct err *err)
{
    OWN(points) struct points one = {0};
    OWN(gp_batch) struct gp_batch *batch = NULL;

    TRY(points_init(&one, axes->n_num, axes->n_cat, 1, err));
    one.n = 1;
    axes_put(axes, x, &one, 0);
    TRY(gp_batch_create(belief->gp, 1, false, &batch, err));
    gp_predict(belief->gp, batch, &one);
    if (belief->guide.prior_mean != NULL) {
        prior_mean_add(belief->guide.prior_mean, &one, 1, batch->mean);
    }
    *mean = batch->mean[0];
    *sd = sqrt(batch->var[0]);
    return 0;
}

/* The same by the trial's own curve alone. */
static double own_chance(const struct belief *belief)
{
    return normal_cdf((belief->best - belief->own_y) / sqrt(belief->own_var));
}

/* The chance of ending better than the incumbent. Among hundreds of curves that are carried far,
 * the process takes what is special about one for noise. So where the trial's own curve, carried by
 * itself, leads the incumbent, or is far behind it, that is what counts. */
static double chance_of(const struct belief *belief, double mean, double sd)
{
    double chance = normal_cdf((belief->best - mean) / sd);
    double own = own_chance(belief);

    if (own > 0.5) {
        return fmax(chance, own);
    }
    return own < OWN_HOPELESS ? fmin(chance, own) : chance;
}

/* Those begun after the last trial that came to the full resource, and stopped. */
struct stops {
    size_t n;
    double best; /* of their carried curves; INFINITY without any */
};

static int count_stops(const struct study_def *study, const struct trials *trials,
                       struct stops *stops, struct err *err)
{
    OWN(rows) struct rows rows = {0};
    int64_t last = 0;

    *stops = (struct stops){.best = INFINITY};
    for (size_t i = 0; i < trials->n_done; i++) {
        if (trials->complete[i] && trials->done_seen[i]->number > last) {
            last = trials->done_seen[i]->number;
        }
    }
    TRY(rows_init(&rows, study, trials, err));
    for (size_t i = 0, k = 0; i < trials->n_done && k < rows.n; i++) { /* in one order */
        if (rows.x[k] != trials->done[i]) {
            continue;
        }
        if (!trials->complete[i] && trials->done_seen[i]->number > last) {
            stops->n++;
            stops->best = fmin(stops->best, rows.y[k]);
        }
        k++;
    }
    return 0;
}

/* Whether everything has been stopped for long, and the subject is ahead of all that was. */
static bool is_doubtful(const struct belief *belief, const struct stops *stops)
{
    return stops->n >= DOUBT_AFTER && belief->own_y <= stops->best
           && own_chance(belief) >= OWN_HOPELESS;
}

int strategy_forecast(const struct study_def *study, const struct history *seen, int64_t number,
                      struct forecast *forecast, struct err *err)
{
    OWN(axes) struct axes axes = {0};
    OWN(trials) struct trials trials = {0};
    OWN(belief) struct belief belief = {0};
    const struct observation *trial = find(seen, number);
    double mean = 0.0;
    double sd = 0.0;
    struct stops stops;

    *forecast = (struct forecast){0};
    if (trial == NULL) {
        return err_set(err, ERR_NOT_FOUND, "trial %lld is not in this history", (long long)number);
    }
    TRY(axes_init(&axes, study->space, err));
    TRY(trials_init(&trials, study, seen, err));
    size_t n_whole = count_whole(&trials);
    if (n_whole == 0 || axes_count(&axes) == 0) {
        return 0;
    }
    TRY(count_stops(study, &trials, &stops, err));
    if (n_whole < WHOLE_LEAST && stops.n < DOUBT_AFTER) {
        return 0;
    }
    TRY(belief_init(&belief, study, &axes, &trials, seen, trial->x, NULL, err));
    TRY(predict(&belief, &axes, trial->x, &mean, &sd, err));
    bool doubtful = is_doubtful(&belief, &stops);
    if (n_whole < WHOLE_LEAST && !doubtful) {
        return 0;
    }
    double chance = chance_of(&belief, mean, sd);
    double scale = belief.transform.sd > 0.0 ? belief.transform.sd : 1.0;
    *forecast = (struct forecast){
        .known = true,
        .chance = doubtful ? fmax(chance, 0.5) : chance,
        .mean = trials_value(study, belief.transform.mean + scale * mean),
        .sd = scale * sd,
        .incumbent = trials_value(study, belief.transform.mean + scale * belief.best),
        .n_rows = belief.n,
    };
    if (belief.fitted) {
        forecast->fit = belief_fit_bytes(&belief, &forecast->fit_bytes);
        forecast->fit_n_seen = belief.fit_n_seen;
    }
    return 0;
}
