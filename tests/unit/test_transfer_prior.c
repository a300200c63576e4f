/* Which source studies are used, with what weight, and what a study that names them suggests. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "server/strategy/gp/transfer_prior.h"
#include "server/strategy/strategy.h"
#include "server/strategy/warm_start.h"
#include "tests/support/run_suite.h"
#include "tests/support/space_text.h"

enum { D = 2, OLD = 60, NEW = 12, TRIALS_MAX = 40 };

static const char parameters[] = "[{'name':'a','type':'float','low':0,'high':1},"
                                 "{'name':'b','type':'float','low':0,'high':1}]";

/* A pit in a wavy plain: a few results do not determine its shape. */
static double pit(const double x[])
{
    double square = (x[0] - 0.7) * (x[0] - 0.7) + 0.5 * (x[1] - 0.2) * (x[1] - 0.2);

    return 1.0 - exp(-10.0 * square) + 0.2 * sin(9.0 * x[0]) * cos(7.0 * x[1]);
}

/* An older study: random configurations, and what `kind` makes of the pit. */
enum kind { ALIKE, NEGATED, NOISE, KIND_COUNT };

struct older {
    struct observation items[OLD];
    double values[OLD];
    double x[OLD][D];
};

static struct source make_source(struct older *older, enum kind kind)
{
    struct rng rng = rng_for(11, 1 + (uint64_t)kind);
    struct source source = {.n = OLD, .items = older->items};

    for (size_t i = 0; i < OLD; i++) {
        double *x = older->x[i];
        x[0] = rng_uniform(&rng);
        x[1] = rng_uniform(&rng);
        double shifted[] = {x[0] + 0.05, x[1] - 0.03};
        older->values[i] = kind == ALIKE     ? 40.0 + 9.0 * pit(shifted)
                           : kind == NEGATED ? -pit(x)
                                             : rng_normal(&rng);
        older->items[i] = (struct observation){.number = (int64_t)i + 1,
                                               .kind = OBSERVED_COMPLETED,
                                               .config = x,
                                               .n_values = 1,
                                               .values = &older->values[i]};
    }
    (void)strcpy(source.name, kind == ALIKE ? "alike" : kind == NEGATED ? "negated" : "noise");
    return source;
}

static struct study_def *make_seeded(const char *strategy, int seed)
{
    struct faults faults = {0};
    struct study_def *study = NULL;
    json_auto_t *body = json_pack("{s:s, s:s, s:s, s:s, s:i, s:o}", "name", "t", "metric", "y",
                                  "direction", "minimize", "strategy", strategy, "seed", seed,
                                  "parameters", json_from_text(parameters));

    ck_assert_int_eq(study_def_from_json(body, 1, &study, &faults), 0);
    return study;
}

static struct study_def *make_study(const char *strategy)
{
    return make_seeded(strategy, 7);
}

/* Weights after n results on the pit, at random configurations. */
static void weight(const struct study_def *study, const struct source sources[], size_t n_sources,
                   size_t n, struct transfer_prior *prior)
{
    struct history seen = {.n_sources = n_sources, .sources = sources};
    OWN(study_data) struct study_data data = {0};
    OWN(points) struct points points = {0};
    struct rng rng = rng_for(12, 1);
    struct err err = {0};
    double y[TRIALS_MAX];

    ck_assert_int_eq(study_data_init(&data, study, &seen, &err), 0);
    ck_assert_int_eq(points_init(&points, data.encoding.n_num, data.encoding.n_cat, n, &err), 0);
    for (size_t i = 0; i < n; i++) {
        double x[] = {rng_uniform(&rng), rng_uniform(&rng)};
        encoding_put(&data.encoding, x, &points, i);
        y[i] = 8.0 * pit(x) - 1.0;
    }
    points.n = n;
    ck_assert_int_eq(transfer_prior_init(prior, &data, &err), 0);
    ck_assert_int_eq(transfer_prior_weight(prior, &points, y, study->seed, &err), 0);
}

START_TEST(a_helpful_source_is_used)
{
    OWN(study_def) struct study_def *study = make_study("bayesian");
    OWN(transfer_prior) struct transfer_prior prior = {0};
    struct older older;
    struct source source = make_source(&older, ALIKE);

    weight(study, &source, 1, NEW / 2, &prior);
    ck_assert_ptr_nonnull(prior.prior_mean);
    ck_assert_double_gt(prior.weights.weight[0], 0.99);
    ck_assert_double_lt(prior.weights.loss[0], 0.25);
    ck_assert_double_gt(prior.weights.slope, 0.2);
}
END_TEST

START_TEST(a_negated_source_is_excluded)
{
    OWN(study_def) struct study_def *study = make_study("bayesian");
    OWN(transfer_prior) struct transfer_prior prior = {0};
    struct older older;
    struct source source = make_source(&older, NEGATED);

    weight(study, &source, 1, NEW / 2, &prior);
    ck_assert_ptr_null(prior.prior_mean);
    ck_assert_double_eq(prior.weights.weight[0], 0.0);
    ck_assert(!prior.weights.any);
    ck_assert_double_gt(prior.weights.loss[0], 0.8);
}
END_TEST

START_TEST(noise_gets_little_weight)
{
    OWN(study_def) struct study_def *study = make_study("bayesian");
    OWN(transfer_prior) struct transfer_prior prior = {0};
    struct older older;
    struct source source = make_source(&older, NOISE);

    weight(study, &source, 1, NEW, &prior);
    ck_assert_double_lt(prior.weights.weight[0], 0.1);
}
END_TEST

/* Its model has the parameters that it knows; its prediction does not depend on the others. */
START_TEST(a_parameter_that_the_source_lacks_does_not_count)
{
    OWN(study_def) struct study_def *study = make_study("bayesian");
    OWN(transfer_prior) struct transfer_prior prior = {0};
    OWN(points) struct points two = {0};
    struct older older;
    struct source source = make_source(&older, ALIKE);
    struct err err = {0};
    double predicted[2] = {0};

    for (size_t i = 0; i < OLD; i++) {
        older.values[i] = 3.0 * older.x[i][0] * older.x[i][0];
        older.x[i][1] = NAN;
    }
    weight(study, &source, 1, NEW, &prior);
    ck_assert_uint_eq(prior.models[0].points.n_num, 1);
    ck_assert_uint_eq(prior.models[0].num[0], 0);
    struct prior_mean_term term = {prior.models[0].gp, prior.models[0].num, prior.models[0].cat,
                                   1.0};
    OWN(prior_mean) struct prior_mean *mean = NULL;
    ck_assert_int_eq(prior_mean_create(1, &term, 2, &mean, &err), 0);
    ck_assert_int_eq(points_init(&two, D, 0, 2, &err), 0);
    two.n = 2;
    points_num(&two, 0)[0] = points_num(&two, 1)[0] = 0.4;
    points_num(&two, 0)[1] = 0.1;
    points_num(&two, 1)[1] = 0.9;
    prior_mean_add(mean, &two, 1, predicted);
    ck_assert_double_eq_tol(predicted[0], predicted[1], 1e-12);
}
END_TEST

START_TEST(among_several_the_helpful_one_wins)
{
    OWN(study_def) struct study_def *study = make_study("bayesian");
    OWN(transfer_prior) struct transfer_prior prior = {0};
    struct older older[KIND_COUNT];
    struct source sources[] = {make_source(&older[0], NEGATED), make_source(&older[1], NOISE),
                               make_source(&older[2], ALIKE)};

    weight(study, sources, 3, NEW / 2, &prior);
    ck_assert_double_eq(prior.weights.weight[0], 0.0);
    ck_assert_double_lt(prior.weights.weight[1], 0.1);
    ck_assert_double_gt(prior.weights.weight[2], 0.9);
}
END_TEST

START_TEST(stored_fits_are_the_fits_that_would_be_made)
{
    OWN(study_def) struct study_def *study = make_study("bayesian");
    OWN(study_data) struct study_data data = {0};
    OWN(transfer_prior) struct transfer_prior first = {0};
    OWN(transfer_prior) struct transfer_prior second = {0};
    struct older older[2];
    struct source sources[] = {make_source(&older[0], ALIKE), make_source(&older[1], NOISE)};
    struct history seen = {.n_sources = 2, .sources = sources};
    struct err err = {0};
    struct fit fit = {0};

    ck_assert_int_eq(study_data_init(&data, study, &seen, &err), 0);
    ck_assert_int_eq(transfer_prior_init(&first, &data, &err), 0);
    ck_assert(first.is_new_fit);
    OWN(memory) void *bytes = transfer_prior_fit_bytes(&first, &fit.bytes);
    fit.data = bytes;
    seen.n_fits = 1;
    seen.fits = &fit;
    ck_assert_int_eq(transfer_prior_init(&second, &data, &err), 0);
    ck_assert(!second.is_new_fit);
    for (size_t i = 0; i < 2; i++) {
        ck_assert_mem_eq(first.models[i].theta, second.models[i].theta, (D + 2) * sizeof(double));
    }
}
END_TEST

/* ---- whole suggestions ----------------------------------------------------------------------- */
struct lab {
    struct study_def *study;
    size_t n, n_fits;
    struct observation items[TRIALS_MAX];
    double values[TRIALS_MAX];
    double x[TRIALS_MAX][D];
    struct fit fits[TRIALS_MAX];
};

static void lab_finish(struct lab *lab)
{
    for (size_t i = 0; i < lab->n_fits; i++) {
        free((void *)(uintptr_t)lab->fits[i].data);
    }
    study_def_destroy(lab->study);
}
OWN_VALUE(lab)

/* n trials one after the other; `forget`: no fit is kept, as if all were lost. The best value. */
static double tune(struct lab *lab, const struct source sources[], size_t n_sources, size_t n,
                   bool forget)
{
    const struct strategy *strategy = strategy_find(lab->study->strategy);
    double best = INFINITY;
    struct err err = {0};

    for (size_t i = 0; i < n; i++) {
        struct suggestion made = {.config = lab->x[i]};
        struct history seen = {.n = lab->n,
                               .items = lab->items,
                               .n_fits = lab->n_fits,
                               .fits = lab->fits,
                               .n_sources = n_sources,
                               .sources = sources};
        ck_assert_int_eq(strategy->suggest(lab->study, &seen, i + 1, &made, &err), 0);
        ck_assert(space_is_legal(lab->study->space, made.config));
        ck_assert(!made.fallback);
        free(made.explain);
        if (made.fit != NULL && !forget) {
            lab->fits[lab->n_fits++] =
                (struct fit){.n_seen = made.fit_n_seen, .bytes = made.fit_bytes, .data = made.fit};
        } else {
            free(made.fit);
        }
        lab->values[i] = pit(made.config);
        lab->items[lab->n++] = (struct observation){.number = (int64_t)i + 1,
                                                    .ordinal = i + 1,
                                                    .kind = OBSERVED_COMPLETED,
                                                    .config = made.config,
                                                    .n_values = 1,
                                                    .values = &lab->values[i]};
        best = fmin(best, lab->values[i]);
    }
    return best;
}

static size_t best_of(const struct older *older)
{
    size_t best = 0;

    for (size_t i = 1; i < OLD; i++) {
        best = older->values[i] < older->values[best] ? i : best;
    }
    return best;
}

START_TEST(a_study_begins_with_the_best_of_the_older_one)
{
    OWN(lab) struct lab lab = {.study = make_study("bayesian")};
    struct older older;
    struct source source = make_source(&older, ALIKE);
    size_t best = best_of(&older);

    (void)tune(&lab, &source, 1, 3, false);
    ck_assert_double_eq_tol(lab.x[0][0], older.x[best][0], 1e-12);
    ck_assert_double_eq_tol(lab.x[0][1], older.x[best][1], 1e-12);
    bool found = false;
    for (size_t i = 0; i < OLD; i++) {
        found = found || (i != best && fabs(older.x[i][0] - lab.x[2][0]) < 1e-12);
    }
    ck_assert(found);
}
END_TEST

START_TEST(misleading_warm_starts_end)
{
    OWN(lab) struct lab lab = {.study = make_study("bayesian")};
    struct older older;
    struct source source = make_source(&older, NEGATED);

    (void)tune(&lab, &source, 1, 4, false);
    for (size_t i = 0; i < OLD; i++) {
        ck_assert(fabs(older.x[i][0] - lab.x[2][0]) > 1e-12);
    }
}
END_TEST

START_TEST(a_running_warm_start_is_not_misleading)
{
    OWN(lab) struct lab lab = {.study = make_study("bayesian")};
    struct older older;
    struct source source = make_source(&older, ALIKE);
    bool found = false;

    (void)tune(&lab, &source, 1, 2, false);
    lab.items[0].kind = OBSERVED_PENDING;
    struct history seen = {.n = 2, .items = lab.items, .n_sources = 1, .sources = &source};
    struct suggestion made = {.config = lab.x[2]};
    struct err err = {0};
    ck_assert_int_eq(strategy_find("bayesian")->suggest(lab.study, &seen, 3, &made, &err), 0);
    free(made.explain);
    free(made.fit);
    for (size_t i = 0; i < OLD; i++) {
        found = found || fabs(older.x[i][0] - lab.x[2][0]) < 1e-12;
    }
    ck_assert(found);
}
END_TEST

START_TEST(it_finds_more_with_a_source_that_helps)
{
    struct older older;
    struct source source = make_source(&older, ALIKE);
    double without = 0.0;
    double with = 0.0;

    for (int seed = 1; seed <= 5; seed++) {
        OWN(lab) struct lab alone = {.study = make_seeded("bayesian", seed)};
        OWN(lab) struct lab after = {.study = make_seeded("bayesian", seed)};
        without += tune(&alone, NULL, 0, 5, false);
        with += tune(&after, &source, 1, 5, false);
    }
    ck_assert_double_lt(with, 0.5 * without);
}
END_TEST

START_TEST(a_negated_source_costs_little)
{
    struct older older;
    struct source source = make_source(&older, NEGATED);
    double sum = 0.0;

    for (int seed = 1; seed <= 5; seed++) {
        OWN(lab) struct lab after = {.study = make_seeded("bayesian", seed)};
        sum += tune(&after, &source, 1, 16, false);
    }
    ck_assert_double_lt(sum, 0.0); /* the least value is −.006 */
}
END_TEST

START_TEST(tpe_begins_with_them_too)
{
    OWN(lab) struct lab lab = {.study = make_study("tpe")};
    struct older older;
    struct source source = make_source(&older, ALIKE);

    (void)tune(&lab, &source, 1, 12, false);
    ck_assert_double_eq_tol(lab.x[0][0], older.x[best_of(&older)][0], 1e-12);
}
END_TEST

START_TEST(an_explanation_names_the_sources)
{
    OWN(lab) struct lab lab = {.study = make_study("bayesian")};
    struct older older;
    struct source source = make_source(&older, ALIKE);
    double x[D];
    struct suggestion made = {.config = x};
    struct err err = {0};

    (void)tune(&lab, &source, 1, 6, false);
    struct history seen = {.n = lab.n,
                           .items = lab.items,
                           .n_fits = lab.n_fits,
                           .fits = lab.fits,
                           .n_sources = 1,
                           .sources = &source};
    ck_assert_int_eq(strategy_find("bayesian")->suggest(lab.study, &seen, 7, &made, &err), 0);
    json_auto_t *explain = json_loads(made.explain, 0, NULL);
    const json_t *one = json_array_get(json_object_get(explain, "after"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(one, "study")), "alike");
    ck_assert(json_number_value(json_object_get(one, "weight")) > 0.2);
    free(made.explain);
    free(made.fit);
}
END_TEST

/* The sources' fits are a cache: lost ones are made again, the same to the last digit. */
START_TEST(a_lost_fit_of_the_sources_changes_nothing)
{
    OWN(lab) struct lab lab = {.study = make_study("bayesian")};
    struct older older;
    struct source source = make_source(&older, ALIKE);
    double x[2][D];
    struct err err = {0};

    (void)tune(&lab, &source, 1, 8, false);
    for (size_t k = 0; k < 2; k++) {
        struct suggestion made = {.config = x[k]};
        struct history seen = {.n = lab.n,
                               .items = lab.items,
                               .n_fits = lab.n_fits - k, /* the first stored one is theirs */
                               .fits = lab.fits + k,
                               .n_sources = 1,
                               .sources = &source};
        ck_assert_int_eq(strategy_find("bayesian")->suggest(lab.study, &seen, 9, &made, &err), 0);
        free(made.explain);
        free(made.fit);
    }
    ck_assert_mem_eq(x[0], x[1], sizeof x[0]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transfer_prior");
    TCase *weights = tcase_create("weights");
    TCase *whole = tcase_create("whole");

    tcase_add_test(weights, a_helpful_source_is_used);
    tcase_add_test(weights, a_negated_source_is_excluded);
    tcase_add_test(weights, noise_gets_little_weight);
    tcase_add_test(weights, a_parameter_that_the_source_lacks_does_not_count);
    tcase_add_test(weights, among_several_the_helpful_one_wins);
    tcase_add_test(weights, stored_fits_are_the_fits_that_would_be_made);
    tcase_add_test(whole, a_study_begins_with_the_best_of_the_older_one);
    tcase_add_test(whole, misleading_warm_starts_end);
    tcase_add_test(whole, a_running_warm_start_is_not_misleading);
    tcase_add_test(whole, it_finds_more_with_a_source_that_helps);
    tcase_add_test(whole, a_negated_source_costs_little);
    tcase_add_test(whole, tpe_begins_with_them_too);
    tcase_add_test(whole, an_explanation_names_the_sources);
    tcase_add_test(whole, a_lost_fit_of_the_sources_changes_nothing);
    suite_add_tcase(suite, weights);
    suite_add_tcase(suite, whole);
    return run_suite(suite);
}
