/* Which trial is recommended. The values are those of tests/data/recommendation.py. */
#include "server/strategy/gp/recommendation.h"

#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "server/strategy/gp/stored_fit.h"
#include "tests/support/run_suite.h"

enum { TRIALS_MAX = 64, PARAMS = 3 };

/* A study with its trials, in this process. */
struct lab {
    struct study_def *study;
    size_t n;
    struct observation items[TRIALS_MAX];
    double config[TRIALS_MAX][PARAMS], value[TRIALS_MAX], bounded[TRIALS_MAX];
};

#define MINIMIZE "\"metric\": \"loss\", \"direction\": \"minimize\""
#define MAXIMIZE "\"metric\": \"loss\", \"direction\": \"maximize\""

static struct lab *lab_create(const char *members)
{
    struct lab *lab = calloc(1, sizeof *lab);
    struct faults faults = {0};
    char text[2048];

    (void)snprintf(text, sizeof text,
                   "{\"name\": \"t\", \"strategy\": \"random\", \"parameters\": ["
                   "{\"name\":\"a\",\"type\":\"float\",\"low\":0,\"high\":1},"
                   "{\"name\":\"b\",\"type\":\"float\",\"low\":0,\"high\":1},"
                   "{\"name\":\"k\",\"type\":\"categorical\",\"choices\":[\"p\",\"q\"]}], %s}",
                   members);
    json_auto_t *body = json_loads(text, 0, NULL);
    ck_assert_msg(body != NULL, "%s", text);
    ck_assert_int_eq(study_def_from_json(body, 1, &lab->study, &faults), 0);
    return lab;
}

static void lab_destroy(struct lab *lab)
{
    if (lab != NULL) {
        study_def_destroy(lab->study);
        free(lab);
    }
}
OWN_POINTER(lab)

static struct observation *add(struct lab *lab, const double config[PARAMS], double value)
{
    size_t i = lab->n++;

    memcpy(lab->config[i], config, sizeof lab->config[i]);
    lab->value[i] = value;
    lab->items[i] = (struct observation){.number = (int64_t)i + 1,
                                         .kind = OBSERVED_COMPLETED,
                                         .config = lab->config[i],
                                         .n_values = 1,
                                         .values = &lab->value[i],
                                         .step = 9};
    return &lab->items[i];
}

static void recommend_from(const struct lab *lab, const struct fit *made, int64_t best,
                           struct recommendation *out)
{
    const struct history seen = {.n = lab->n, .items = lab->items, .made = made};

    ck_assert_int_eq(strategy_recommend(lab->study, &seen, best, out, NULL), 0);
}

static void recommend(const struct lab *lab, struct recommendation *out)
{
    recommend_from(lab, NULL, 0, out);
}

/* ---- the reference computation --------------------------------------------------------------- */
static const double toy_config[][PARAMS] = {
    {.10, .80, 0}, {.42, .15, 1}, {.77, .55, 1}, {.23, .98, 0}, {.64, .30, 1}, {.91, .70, 0},
    {.43, .17, 1}, {.40, .13, 1}, {.05, .05, 0}, {.95, .95, 0}, {.44, .16, 1}, {.60, .60, 1}};
static const double toy_value[] = {.61, .12, .55, .82, .25, .74, .21, .19, .93, 60., .20, .42};

enum { TOY = 12 };

static void add_toy(struct lab *lab, double scale, double shift)
{
    for (size_t i = 0; i < TOY; i++) {
        add(lab, toy_config[i], scale * toy_value[i] + shift);
    }
}

/* The fit of this many trials with the hyper-parameters of the reference. */
static struct fit toy_fit(void)
{
    const double theta[] = {-.5, .2, .4, -.1, log(.05), -1.0, -.9};
    const struct fit_shape shape = {.n_theta = 7, .n_metrics = 1};
    struct fit fit = {.n_seen = TOY};

    fit.data = stored_fit_bytes(&shape, theta, &fit.bytes);
    return fit;
}

#define NEAR(got, want) ck_assert_double_eq_tol(got, want, 1e-9 * fmax(1.0, fabs(want)))

static void is_trial(const struct recommended_trial *trial, int64_t number, double expected,
                     double deviation)
{
    ck_assert_int_eq(trial->number, number);
    NEAR(trial->expected, expected);
    NEAR(trial->deviation, deviation);
}

/* The second one has the costs as values to be maximised, with the other sign. */
START_TEST(the_posterior_is_that_of_the_reference)
{
    double sign = _i == 0 ? 1 : -1;
    OWN(lab) struct lab *lab = lab_create(_i == 0 ? MINIMIZE : MAXIMIZE);
    struct fit fit = toy_fit();
    OWN(recommendation) struct recommendation out = {0};

    add_toy(lab, sign, 0);
    recommend_from(lab, &fit, 0, &out);
    ck_assert(out.known);
    ck_assert_uint_eq(out.n_results, TOY);
    is_trial(&out.trial, 7, sign * 0.10675656793633226, 0.16281536340562958);
    is_trial(&out.best, 2, sign * 0.1909562537495989, 0.166963233986187);
    NEAR(out.trial.observed, sign * .21);
    NEAR(out.noise, 0.3447299677924777);
    ck_assert(!recommendation_matters(&out));
    free((void *)(uintptr_t)fit.data);
}
END_TEST

/* Trial 10 is so bad that its cost is compressed. */
START_TEST(any_trial_can_stand_as_best)
{
    OWN(lab) struct lab *lab = lab_create(MINIMIZE);
    struct fit fit = toy_fit();
    OWN(recommendation) struct recommendation out = {0};

    add_toy(lab, 1, 0);
    recommend_from(lab, &fit, 10, &out);
    is_trial(&out.best, 10, 26.407007792430726, 7.37273940122141);
    ck_assert_int_eq(out.trial.number, 7);
    ck_assert(recommendation_matters(&out));
    recommendation_finish(&out);
    recommend_from(lab, &fit, 13, &out);
    ck_assert(!out.known);
    free((void *)(uintptr_t)fit.data);
}
END_TEST

START_TEST(other_units_change_nothing_but_units)
{
    OWN(lab) struct lab *lab = lab_create(MINIMIZE);
    struct fit fit = toy_fit();
    OWN(recommendation) struct recommendation out = {0};

    add_toy(lab, 3, -7);
    recommend_from(lab, &fit, 0, &out);
    is_trial(&out.trial, 7, -6.679730296191011, 0.48844609021688873);
    is_trial(&out.best, 2, -6.427131238751212, 0.500889701958561);
    NEAR(out.noise, 1.034189903377433);
    free((void *)(uintptr_t)fit.data);
}
END_TEST

/* ---- properties ------------------------------------------------------------------------------ */
static double bowl(const double x[PARAMS])
{
    return (x[0] - .3) * (x[0] - .3) + (x[1] - .6) * (x[1] - .6) + .1 * x[2];
}

static double ripples(const double x[PARAMS])
{
    return bowl(x) + .02 * sin(9 * x[0]) + .03 * cos(7 * x[1]);
}

/* n trials spread at random with normal noise. */
static void tune(struct lab *lab, size_t n, double (*f)(const double[PARAMS]), double noise,
                 uint64_t seed)
{
    struct rng rng = rng_for(seed, 1);
    double sign = study_cost(lab->study, 1.0);

    for (size_t i = 0; i < n; i++) {
        double x[PARAMS] = {rng_uniform(&rng), rng_uniform(&rng), rng_uniform(&rng) < .5};
        add(lab, x, sign * (f(x) + noise * rng_normal(&rng)));
    }
}

START_TEST(without_noise_it_is_the_best_observed)
{
    OWN(lab) struct lab *lab = lab_create(_i % 2 == 0 ? MINIMIZE : MAXIMIZE);
    OWN(recommendation) struct recommendation out = {0};

    tune(lab, 40, _i < 4 ? bowl : ripples, 0, (uint64_t)_i);
    recommend(lab, &out);
    ck_assert(out.known);
    ck_assert_int_eq(out.trial.number, out.best.number);
    ck_assert(!(out.noise > 0));
    ck_assert_double_eq_tol(out.trial.expected, out.trial.observed, .01);
    ck_assert(!recommendation_matters(&out));
}
END_TEST

static void are_same(const struct recommendation *a, const struct recommendation *b)
{
    ck_assert(a->known && b->known);
    ck_assert_uint_eq(a->n_results, b->n_results);
    ck_assert_mem_eq(&a->noise, &b->noise, sizeof a->noise);
    ck_assert_mem_eq(&a->trial, &b->trial, sizeof a->trial);
    ck_assert_mem_eq(&a->best, &b->best, sizeof a->best);
    ck_assert_uint_eq(a->fit.bytes, b->fit.bytes);
    ck_assert_mem_eq(a->fit.data, b->fit.data, a->fit.bytes);
}

START_TEST(the_order_of_trials_changes_no_digit)
{
    OWN(lab) struct lab *lab = lab_create(MINIMIZE);
    OWN(recommendation) struct recommendation forward = {0};
    OWN(recommendation) struct recommendation shuffled = {0};
    struct rng rng = rng_for(8, 1);

    tune(lab, 40, bowl, .2, 3);
    recommend(lab, &forward);
    for (size_t i = lab->n; i-- > 1;) {
        size_t j = (size_t)(rng_uniform(&rng) * (double)(i + 1));
        struct observation swapped = lab->items[i];
        lab->items[i] = lab->items[j];
        lab->items[j] = swapped;
    }
    recommend(lab, &shuffled);
    are_same(&forward, &shuffled);
}
END_TEST

START_TEST(only_completed_trials_count)
{
    static const enum observation_kind others[] = {OBSERVED_PRUNED, OBSERVED_FAILED,
                                                   OBSERVED_INFEASIBLE, OBSERVED_PENDING};
    OWN(lab) struct lab *lab = lab_create(MINIMIZE);
    OWN(recommendation) struct recommendation alone = {0};
    OWN(recommendation) struct recommendation among = {0};

    tune(lab, 30, bowl, .2, 3);
    recommend(lab, &alone);
    tune(lab, 16, bowl, .2, 4);
    for (size_t i = 30; i < lab->n; i++) {
        lab->items[i].kind = others[i % 4];
        lab->value[i] -= 9; /* better than all */
    }
    recommend(lab, &among);
    are_same(&alone, &among);
}
END_TEST

START_TEST(a_fit_that_was_made_before_changes_no_digit)
{
    OWN(lab) struct lab *lab = lab_create(MINIMIZE);
    OWN(recommendation) struct recommendation first = {0};
    OWN(recommendation) struct recommendation again = {0};

    tune(lab, 40, bowl, .2, 3);
    recommend(lab, &first);
    recommend_from(lab, &first.fit, 0, &again);
    are_same(&first, &again);
}
END_TEST

/* What is measured at the full resource is compared, without the curves of others. */
START_TEST(a_resource_changes_nothing)
{
    OWN(lab) struct lab *lab = lab_create(MINIMIZE);
    OWN(lab)
    struct lab *epochs =
        lab_create(MINIMIZE ", \"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 9}");
    OWN(recommendation) struct recommendation plain = {0};
    OWN(recommendation) struct recommendation with = {0};

    tune(lab, 30, bowl, .2, 3);
    tune(epochs, 30, bowl, .2, 3);
    recommend(lab, &plain);
    recommend(epochs, &with);
    are_same(&plain, &with);
}
END_TEST

/* ---- noise ----------------------------------------------------------------------------------- */
/* One away from the bottom is lucky by three standard deviations. */
START_TEST(a_lucky_value_is_not_recommended)
{
    OWN(lab) struct lab *lab = lab_create(_i == 0 ? MINIMIZE : MAXIMIZE);
    OWN(recommendation) struct recommendation out = {0};
    double lucky[PARAMS] = {.55, .8, 0};

    tune(lab, 60, bowl, .1, 5);
    add(lab, lucky, study_cost(lab->study, bowl(lucky) - .3));
    recommend(lab, &out);
    ck_assert(out.known);
    ck_assert_int_eq(out.best.number, 61);
    ck_assert_double_gt(out.noise, .05);
    ck_assert_double_lt(out.noise, .2);
    ck_assert(recommendation_matters(&out));
    ck_assert_double_lt(bowl(lab->config[out.trial.number - 1]), .05);
    ck_assert_double_lt(fabs(out.trial.expected), .1);
    double better = study_cost(lab->study, out.best.expected - out.trial.expected);
    ck_assert_double_gt(better, 0);
}
END_TEST

/* The mean over their values is what counts. */
START_TEST(of_repetitions_it_is_the_best_observed)
{
    OWN(lab) struct lab *lab = lab_create(MINIMIZE);
    OWN(recommendation) struct recommendation out = {0};
    double bottom[PARAMS] = {.3, .6, 0};

    tune(lab, 40, bowl, .05, 5);
    for (int i = 0; i < 5; i++) {
        add(lab, bottom, i == 2 ? -.03 : .01 * i);
    }
    recommend(lab, &out);
    ck_assert_int_eq(out.trial.number, 43);
}
END_TEST

/* ---- who is eligible ------------------------------------------------------------------------- */
START_TEST(a_violated_bound_or_another_space_excludes)
{
    OWN(lab) struct lab *lab = lab_create(MINIMIZE ", \"subject_to\": [\"ms <= 5\"]");
    OWN(recommendation) struct recommendation out = {0};
    OWN(recommendation) struct recommendation none = {0};

    tune(lab, 40, bowl, .05, 5);
    for (size_t i = 0; i < lab->n; i++) {
        lab->bounded[i] = bowl(lab->config[i]) < .1 ? 6 : 5;
        lab->items[i].n_bounded = 1;
        lab->items[i].bounded = &lab->bounded[i];
    }
    double outside[PARAMS] = {.3, -.2, 0};
    struct observation *brought = add(lab, outside, -3);
    brought->n_bounded = 1;
    brought->bounded = &lab->bounded[0];
    recommend(lab, &out);
    ck_assert(out.known);
    ck_assert_int_le(out.trial.number, 40);
    ck_assert_double_ge(bowl(lab->config[out.trial.number - 1]), .1);
    ck_assert_double_ge(bowl(lab->config[out.best.number - 1]), .1);
    for (size_t i = 0; i < lab->n; i++) {
        lab->bounded[i] = 6;
    }
    recommend(lab, &none);
    ck_assert(!none.known);
}
END_TEST

START_TEST(little_tells_nothing)
{
    OWN(lab) struct lab *lab = lab_create(MINIMIZE);
    OWN(lab)
    struct lab *several =
        lab_create("\"objectives\": [{\"metric\": \"a\", \"direction\": \"minimize\"}, "
                   "{\"metric\": \"b\", \"direction\": \"minimize\"}]");
    OWN(recommendation) struct recommendation out = {0};

    recommend(lab, &out);
    ck_assert(!out.known);
    tune(lab, RECOMMENDATION_LEAST - 1, bowl, .2, 5);
    recommend(lab, &out);
    ck_assert(!out.known && out.fit.data == NULL);
    tune(lab, 1, bowl, .2, 6);
    recommend(lab, &out);
    ck_assert(out.known);
    recommendation_finish(&out);
    tune(several, 20, bowl, .2, 5);
    recommend(several, &out);
    ck_assert(!out.known);
}
END_TEST

START_TEST(equal_values_recommend_the_first)
{
    OWN(lab) struct lab *lab = lab_create(MINIMIZE);
    OWN(recommendation) struct recommendation out = {0};

    tune(lab, 20, bowl, .2, 5);
    for (size_t i = 0; i < lab->n; i++) {
        lab->value[i] = .25;
    }
    recommend(lab, &out);
    ck_assert(out.known);
    ck_assert_int_eq(out.best.number, 1);
    ck_assert(!recommendation_matters(&out));
    ck_assert_double_eq_tol(out.trial.expected, .25, 1e-9);
}
END_TEST

START_TEST(it_ends_when_asked_to)
{
    OWN(lab) struct lab *lab = lab_create(MINIMIZE);
    OWN(recommendation) struct recommendation out = {0};
    atomic_bool stop = true;
    struct err err = {0};

    tune(lab, 40, bowl, .2, 5);
    const struct history seen = {.n = lab->n, .items = lab->items, .stop = &stop};
    ck_assert_int_eq(strategy_recommend(lab->study, &seen, 0, &out, &err), -1);
    ck_assert_int_eq(err.code, ERR_OVERLOADED);
    ck_assert(!out.known && out.fit.data == NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recommendation");
    TCase *values = tcase_create("values");
    TCase *properties = tcase_create("properties");
    TCase *noise = tcase_create("noise");

    suite_add_tcase(suite, values);
    tcase_add_loop_test(values, the_posterior_is_that_of_the_reference, 0, 2);
    tcase_add_test(values, any_trial_can_stand_as_best);
    tcase_add_test(values, other_units_change_nothing_but_units);
    suite_add_tcase(suite, properties);
    tcase_add_loop_test(properties, without_noise_it_is_the_best_observed, 0, 8);
    tcase_add_test(properties, the_order_of_trials_changes_no_digit);
    tcase_add_test(properties, only_completed_trials_count);
    tcase_add_test(properties, a_fit_that_was_made_before_changes_no_digit);
    tcase_add_test(properties, a_resource_changes_nothing);
    suite_add_tcase(suite, noise);
    tcase_add_loop_test(noise, a_lucky_value_is_not_recommended, 0, 2);
    tcase_add_test(noise, of_repetitions_it_is_the_best_observed);
    tcase_add_test(noise, a_violated_bound_or_another_space_excludes);
    tcase_add_test(noise, little_tells_nothing);
    tcase_add_test(noise, equal_values_recommend_the_first);
    tcase_add_test(noise, it_ends_when_asked_to);
    return run_suite(suite);
}
