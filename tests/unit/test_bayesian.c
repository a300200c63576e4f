#include <check.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "server/strategy/strategy.h"
#include "tests/support/run_suite.h"

enum { TRIALS_MAX = 120, PARAMS_MAX = 64 };

/* A study with its trials, in this process. */
struct lab {
    struct study_def *study;
    const struct strategy *strategy;
    size_t n;
    struct observation items[TRIALS_MAX];
    double values[TRIALS_MAX];
    double x[TRIALS_MAX][PARAMS_MAX];
    size_t n_fits;
    struct fit fits[TRIALS_MAX];
};

static struct lab *lab_create(const char *strategy, const char *parameters, const char *more)
{
    struct lab *lab = calloc(1, sizeof *lab);
    struct faults faults = {0};
    char text[8192];

    ck_assert_ptr_nonnull(lab);
    (void)snprintf(text, sizeof text,
                   "{\"name\": \"t\", \"metric\": \"y\", \"direction\": \"minimize\", "
                   "\"strategy\": \"%s\", \"seed\": 7, \"parameters\": %s%s}",
                   strategy, parameters, more);
    json_auto_t *body = json_loads(text, 0, NULL);
    ck_assert_ptr_nonnull(body);
    ck_assert_int_eq(study_def_from_json(body, 1, &lab->study, &faults), 0);
    lab->strategy = strategy_find(strategy);
    ck_assert_ptr_nonnull(lab->strategy);
    return lab;
}

static void lab_destroy(struct lab *lab)
{
    if (lab != NULL) {
        for (size_t i = 0; i < lab->n_fits; i++) {
            free((void *)(uintptr_t)lab->fits[i].data);
        }
        study_def_destroy(lab->study);
        free(lab);
    }
}
OWN_POINTER(lab)

static struct history seen(const struct lab *lab)
{
    return (struct history){
        .n = lab->n, .items = lab->items, .n_fits = lab->n_fits, .fits = lab->fits};
}

/* Asks with this history; the suggestion becomes pending when `keep`. Returns the error's code. */
static enum err_code ask_with(struct lab *lab, const struct history *history, uint64_t ordinal,
                              bool keep, double x[])
{
    struct suggestion made = {.config = x};
    struct err err = {0};

    if (lab->strategy->suggest(lab->study, history, ordinal, &made, &err) != 0) {
        return err.code;
    }
    ck_assert(space_is_legal(lab->study->space, x));
    ck_assert(!made.fallback);
    free(made.explain);
    if (keep && made.fit != NULL) {
        lab->fits[lab->n_fits++] =
            (struct fit){.n_seen = made.fit_n_seen, .bytes = made.fit_bytes, .data = made.fit};
    } else {
        free(made.fit);
    }
    return ERR_NONE;
}

static double *ask(struct lab *lab)
{
    struct history history = seen(lab);
    double *x = lab->x[lab->n];

    ck_assert_int_eq(ask_with(lab, &history, lab->n + 1, true, x), ERR_NONE);
    lab->items[lab->n] = (struct observation){.number = (int64_t)lab->n + 1,
                                              .ordinal = lab->n + 1,
                                              .kind = OBSERVED_PENDING,
                                              .config = x,
                                              .values = &lab->values[lab->n]};
    lab->n++;
    return x;
}

static void set_value(struct lab *lab, size_t i, double value)
{
    lab->values[i] = value;
    lab->items[i].n_values = 1;
    lab->items[i].kind = isfinite(value) ? OBSERVED_COMPLETED : OBSERVED_FAILED;
}

/* n trials one after the other on f. */
static void tune(struct lab *lab, size_t n, double (*f)(const double x[]))
{
    for (size_t i = 0; i < n; i++) {
        const double *x = ask(lab);
        set_value(lab, lab->n - 1, f(x));
    }
}

static double best_of(const struct lab *lab)
{
    double best = INFINITY;

    for (size_t i = 0; i < lab->n; i++) {
        best = lab->items[i].kind == OBSERVED_COMPLETED ? fmin(best, lab->values[i]) : best;
    }
    return best;
}

#define TWO                                                                                        \
    "[{\"name\":\"a\",\"type\":\"float\",\"low\":-5,\"high\":5},"                                  \
    "{\"name\":\"b\",\"type\":\"float\",\"low\":1e-5,\"high\":1,\"scale\":\"log\"}]"
#define MIXED                                                                                      \
    "[{\"name\":\"k\",\"type\":\"categorical\",\"choices\":[\"p\",\"q\",\"r\"]},"                  \
    "{\"name\":\"a\",\"type\":\"float\",\"low\":0,\"high\":1,\"when\":{\"k\":[\"p\"]}},"           \
    "{\"name\":\"m\",\"type\":\"int\",\"low\":1,\"high\":9,\"when\":{\"k\":[\"q\",\"r\"]}},"       \
    "{\"name\":\"o\",\"type\":\"ordinal\",\"choices\":[\"s\",\"m\",\"l\"]},"                       \
    "{\"name\":\"t\",\"type\":\"bool\"},"                                                          \
    "{\"name\":\"c\",\"type\":\"constant\",\"value\":1}]"

static double bowl(const double x[])
{
    double b = (log10(x[1]) + 3.0) / 5.0;

    return (x[0] - 1.5) * (x[0] - 1.5) / 10.0 + b * b;
}

static double branches(const double x[])
{
    double base = isnan(x[1]) ? .3 + fabs(x[2] - 7) / 9 : 1 + fabs(x[1] - .2);

    return base + .1 * x[3] + .2 * x[4];
}

static double plane(const double x[])
{
    return x[0];
}

static double flat(const double x[])
{
    (void)x;
    return 3.0;
}

static const char *const models[] = {"bayesian", "tpe"};
enum { MODELS = sizeof models / sizeof *models };

START_TEST(finds_the_bottom_of_a_bowl)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], TWO, "");

    tune(lab, 30, bowl);
    ck_assert_msg(best_of(lab) < .02, "best is %g", best_of(lab));
}
END_TEST

START_TEST(finds_the_right_branch)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], MIXED, "");

    tune(lab, 40, branches);
    ck_assert_msg(best_of(lab) <= .3 + 1e-9, "best is %g", best_of(lab));
}
END_TEST

START_TEST(never_proposes_a_configuration_twice)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], MIXED, "");

    tune(lab, 40, branches);
    for (size_t i = 0; i < lab->n; i++) {
        for (size_t j = 0; j < i; j++) {
            struct space_key a = space_config_key(lab->study->space, lab->x[i]);
            struct space_key b = space_config_key(lab->study->space, lab->x[j]);
            ck_assert(a.a != b.a || a.b != b.b);
        }
    }
}
END_TEST

START_TEST(the_same_question_has_the_same_answer)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], MIXED, "");
    double once[PARAMS_MAX], again[PARAMS_MAX];

    tune(lab, 20, branches);
    struct history history = seen(lab);
    ck_assert_int_eq(ask_with(lab, &history, 21, false, once), ERR_NONE);
    ck_assert_int_eq(ask_with(lab, &history, 21, false, again), ERR_NONE);
    ck_assert_mem_eq(once, again, lab->study->space->n_params * sizeof *once);
}
END_TEST

START_TEST(the_order_of_results_does_not_matter)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], TWO, "");
    struct observation turned[TRIALS_MAX];
    double once[PARAMS_MAX], again[PARAMS_MAX];

    tune(lab, 20, bowl);
    for (size_t i = 0; i < 20; i++) {
        turned[i] = lab->items[(i * 7 + 3) % 20];
    }
    struct history history = seen(lab);
    ck_assert_int_eq(ask_with(lab, &history, 21, false, once), ERR_NONE);
    history.items = turned;
    ck_assert_int_eq(ask_with(lab, &history, 21, false, again), ERR_NONE);
    ck_assert_mem_eq(once, again, 2 * sizeof *once);
}
END_TEST

/* The same where trials failed, were pruned, and some still run: those come last, by number. */
START_TEST(the_order_does_not_matter_in_a_mixed_space)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], MIXED, "");
    struct observation turned[TRIALS_MAX];
    double once[PARAMS_MAX], again[PARAMS_MAX];
    size_t n_params = lab->study->space->n_params;

    for (size_t i = 0; i < 30; i++) {
        const double *x = ask(lab);
        set_value(lab, i, i % 7 == 3 ? (double)NAN : branches(x));
        if (i % 5 == 4) {
            lab->items[i].kind = OBSERVED_PRUNED;
        }
    }
    for (size_t i = 0; i < 3; i++) {
        (void)ask(lab);
    }
    memcpy(turned, lab->items, sizeof turned);
    for (size_t i = 0; i < 30; i++) {
        turned[i] = lab->items[(i * 11 + 5) % 30];
    }
    struct history history = seen(lab);
    ck_assert_int_eq(ask_with(lab, &history, 34, false, once), ERR_NONE);
    history.items = turned;
    ck_assert_int_eq(ask_with(lab, &history, 34, false, again), ERR_NONE);
    ck_assert_mem_eq(once, again, n_params * sizeof *once);
}
END_TEST

/* Beyond 1,000 results the model is a part of them: as legal, repeatable and free of order. */
START_TEST(a_long_history_is_served)
{
    enum { N = 1500, D = 6 };
    OWN(lab) struct lab *lab = lab_create(models[_i], MIXED, "");
    OWN(memory) struct observation *items = calloc(2 * N, sizeof *items);
    OWN(memory) double *values = calloc(N, sizeof *values);
    OWN(memory) double *x = calloc(N * D, sizeof *x);
    struct history history = {.n = N, .items = items};
    struct rng rng = rng_for(9, 1);
    double once[PARAMS_MAX], again[PARAMS_MAX];

    ck_assert_uint_eq(lab->study->space->n_params, D);
    for (size_t i = 0; i < N; i++) {
        ck_assert_int_eq(space_sample(lab->study->space, &rng, x + D * i, NULL), 0);
        values[i] = branches(x + D * i) + .01 * rng_normal(&rng);
        items[i] = (struct observation){.number = (int64_t)i + 1,
                                        .ordinal = i + 1,
                                        .kind = OBSERVED_COMPLETED,
                                        .config = x + D * i,
                                        .n_values = 1,
                                        .values = &values[i]};
    }
    for (size_t i = 0; i < N; i++) {
        items[N + i] = items[(i * 7 + 3) % N];
    }
    enum err_code code = ask_with(lab, &history, N + 1, false, once);
    history.items = items + N;
    ck_assert_int_eq(ask_with(lab, &history, N + 1, false, again), code);
    ck_assert(code != ERR_NONE || memcmp(once, again, D * sizeof *once) == 0);
}
END_TEST

START_TEST(units_of_the_objective_do_not_matter)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], TWO, "");
    double once[PARAMS_MAX], again[PARAMS_MAX];

    tune(lab, 20, bowl);
    struct history history = seen(lab);
    history.n_fits = 0;
    ck_assert_int_eq(ask_with(lab, &history, 21, false, once), ERR_NONE);
    for (size_t i = 0; i < 20; i++) {
        lab->values[i] *= 1024.0; /* a power of two: the same digits */
    }
    ck_assert_int_eq(ask_with(lab, &history, 21, false, again), ERR_NONE);
    ck_assert_double_eq_tol(once[0], again[0], 1e-6);
    ck_assert_double_eq_tol(once[1], again[1], 1e-6);
}
END_TEST

START_TEST(maximising_is_minimising_the_negative)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], TWO, "");
    double once[PARAMS_MAX], again[PARAMS_MAX];

    tune(lab, 20, bowl);
    struct history history = seen(lab);
    ck_assert_int_eq(ask_with(lab, &history, 21, false, once), ERR_NONE);
    for (size_t i = 0; i < 20; i++) {
        lab->values[i] = -lab->values[i];
    }
    lab->study->objectives[0].direction = DIRECTION_MAXIMIZE;
    ck_assert_int_eq(ask_with(lab, &history, 21, false, again), ERR_NONE);
    ck_assert_mem_eq(once, again, 2 * sizeof *once);
}
END_TEST

START_TEST(equal_results_leave_it_exploring)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], TWO, "");

    tune(lab, 25, flat);
}
END_TEST

START_TEST(empty_and_tiny_histories_are_served)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], TWO, "");
    struct history none = {0};
    double x[PARAMS_MAX];

    ck_assert_int_eq(ask_with(lab, &none, 1, false, x), ERR_NONE);
    ck_assert_int_eq(ask_with(lab, &none, 1000, false, x), ERR_NONE);
    tune(lab, 1, bowl);
    struct history one = seen(lab);
    ck_assert_int_eq(ask_with(lab, &one, 1000, false, x), ERR_NONE);
}
END_TEST

START_TEST(failures_are_borne_and_avoided)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], TWO, "");
    size_t failed = 0;

    for (size_t i = 0; i < 50; i++) {
        const double *x = ask(lab); /* left of 0 everything fails; the best is right of it */
        set_value(lab, i, x[0] < 0 ? (double)NAN : bowl(x));
        failed += i >= 25 && x[0] < 0;
    }
    ck_assert_msg(failed <= 8, "%zu of 25 failed", failed);
    ck_assert(best_of(lab) < .05);
}
END_TEST

START_TEST(nothing_but_failures_is_borne)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], TWO, "");

    for (size_t i = 0; i < 20; i++) {
        (void)ask(lab);
        set_value(lab, i, NAN);
    }
}
END_TEST

START_TEST(a_finite_space_is_tried_whole_and_then_exhausted)
{
    OWN(lab)
    struct lab *lab =
        lab_create(models[_i],
                   "[{\"name\":\"m\",\"type\":\"int\",\"low\":1,\"high\":6},"
                   "{\"name\":\"k\",\"type\":\"categorical\",\"choices\":[\"p\",\"q\"]}]",
                   ", \"constraints\": [\"m != 3\"]");
    double x[PARAMS_MAX];

    tune(lab, 10, plane);
    struct history history = seen(lab);
    ck_assert_int_eq(ask_with(lab, &history, 11, false, x), ERR_EXHAUSTED);
}
END_TEST

START_TEST(constraints_hold)
{
    OWN(lab)
    struct lab *lab =
        lab_create(models[_i], TWO, ", \"constraints\": [\"a + 3 * b < 1\", \"a > 0.2\"]");

    tune(lab, 30, bowl); /* ask() checks that each is legal */
    ck_assert(best_of(lab) < .13);
}
END_TEST

START_TEST(pending_trials_are_not_proposed_again)
{
    OWN(lab) struct lab *lab = lab_create(models[_i], TWO, "");

    tune(lab, 20, bowl);
    for (size_t i = 0; i < 16; i++) {
        (void)ask(lab);
    }
    for (size_t i = 20; i < 36; i++) {
        for (size_t j = 20; j < i; j++) {
            ck_assert(fabs(lab->x[i][0] - lab->x[j][0]) > 1e-7
                      || fabs(log(lab->x[i][1] / lab->x[j][1])) > 1e-7);
        }
    }
}
END_TEST

START_TEST(one_dimension_and_sixty)
{
    OWN(lab)
    struct lab *one =
        lab_create(models[_i], "[{\"name\":\"a\",\"type\":\"float\",\"low\":0,\"high\":1}]", "");
    char text[8000] = "[";

    tune(one, 15, plane);
    ck_assert(best_of(one) < .01);
    for (int i = 0; i < 60; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len,
                       "%s{\"name\":\"p%d\",\"type\":\"float\",\"low\":0,\"high\":1}",
                       i == 0 ? "" : ",", i);
    }
    text[strlen(text)] = ']';
    OWN(lab) struct lab *sixty = lab_create(models[_i], text, "");
    tune(sixty, 14, plane);
    ck_assert(best_of(sixty) < .5);
}
END_TEST

START_TEST(five_hundred_categories)
{
    char text[8000] = "[{\"name\":\"a\",\"type\":\"float\",\"low\":0,\"high\":1},"
                      "{\"name\":\"k\",\"type\":\"categorical\",\"choices\":[0";

    for (int i = 1; i < 500; i++) {
        size_t len = strlen(text);
        (void)snprintf(text + len, sizeof text - len, ",%d", i);
    }
    (void)strcat(text, "]}]");
    OWN(lab) struct lab *lab = lab_create(models[_i], text, "");
    tune(lab, 20, plane);
    ck_assert(best_of(lab) < .2);
}
END_TEST

START_TEST(only_constants_are_soon_exhausted)
{
    OWN(lab)
    struct lab *lab =
        lab_create(models[_i], "[{\"name\":\"c\",\"type\":\"constant\",\"value\":1}]", "");
    double x[PARAMS_MAX];

    tune(lab, 1, flat);
    struct history history = seen(lab);
    ck_assert_int_eq(ask_with(lab, &history, 2, false, x), ERR_EXHAUSTED);
}
END_TEST

START_TEST(a_stored_fit_gives_the_same_again)
{
    OWN(lab) struct lab *lab = lab_create("bayesian", TWO, "");
    double x[PARAMS_MAX];

    tune(lab, 50, bowl);
    ck_assert_uint_gt(lab->n_fits, 20);
    /* suggestion 45 from what it saw: 44 trials and the fits there were */
    struct history then = seen(lab);
    then.n = 44;
    then.n_fits = 0;
    while (then.n_fits < lab->n_fits && lab->fits[then.n_fits].n_seen < 44) {
        then.n_fits++;
    }
    ck_assert_int_eq(ask_with(lab, &then, 45, false, x), ERR_NONE);
    ck_assert_mem_eq(x, lab->x[44], 2 * sizeof *x);
}
END_TEST

static double ripples(const double x[])
{
    return sin(97 * x[0]) * cos(89 * log10(x[1])) + 10 * fabs(x[0]);
}

/* Whether the next suggestion is made by a closer look; the same when asked for twice. */
static bool looks_closer(struct lab *lab)
{
    struct history history = seen(lab);
    double x[PARAMS_MAX], again[PARAMS_MAX];
    struct suggestion made = {.config = x};

    ck_assert_int_eq(lab->strategy->suggest(lab->study, &history, lab->n + 1, &made, NULL), 0);
    bool closer = strstr(made.explain, "\"closer_look\":true") != NULL;
    if (closer) {
        ck_assert_ptr_null(made.fit);
        ck_assert_int_eq(ask_with(lab, &history, lab->n + 1, false, again), ERR_NONE);
        ck_assert_mem_eq(x, again, 2 * sizeof *x);
    }
    free(made.explain);
    free(made.fit);
    return closer;
}

/* A fit of a version without additive part: another layout of the hyper-parameters. */
START_TEST(a_fit_of_another_layout_is_made_again)
{
    OWN(lab) struct lab *lab = lab_create("bayesian", TWO, "");
    struct {
        char magic[4];
        uint32_t n_theta, has_feasibility, n_more;
        double theta[4];
    } old = {.magic = {'g', 'p', '0', '1'}, .n_theta = 4, .theta = {0, 0, 0, -4}};
    const struct fit fit = {.n_seen = 12, .bytes = sizeof old, .data = &old};
    double with[2], without[2];
    struct suggestion made = {.config = with};

    tune(lab, 12, bowl);
    struct history history = seen(lab);
    history.n_fits = 0;
    ck_assert_int_eq(ask_with(lab, &history, 13, false, without), ERR_NONE);
    history.n_fits = 1;
    history.fits = &fit;
    ck_assert_int_eq(lab->strategy->suggest(lab->study, &history, 13, &made, NULL), 0);
    ck_assert_mem_eq(with, without, sizeof with);
    ck_assert_ptr_nonnull(made.fit); /* to be stored in its place */
    free(made.fit);
    free(made.explain);
}
END_TEST

START_TEST(a_search_that_is_stuck_looks_closer)
{
    OWN(lab) struct lab *lab = lab_create("bayesian", TWO, "");
    bool closer = false;

    tune(lab, 19, ripples);
    ck_assert(!looks_closer(lab));
    while (lab->n < 80 && !closer) {
        tune(lab, 1, ripples);
        closer = looks_closer(lab);
    }
    ck_assert(closer);
}
END_TEST

static size_t allocated(void)
{
    struct mallinfo2 heap = mallinfo2();

    return heap.uordblks + heap.hblkhd;
}

/* Nothing stays behind once caches are as large as they get. The least of twenty asks, since
 * malloc() counts what it keeps for the next as given out. */
START_TEST(asks_leave_nothing_allocated)
{
    enum { WARM_UP = 20, WINDOW = 20, ASKS = 400 };
    OWN(lab) struct lab *lab = lab_create(models[_i], MIXED, "");
    double x[PARAMS_MAX];
    size_t before = SIZE_MAX;
    size_t after = SIZE_MAX;

    tune(lab, 25, branches);
    struct history history = seen(lab);
    for (uint64_t i = 0; i < ASKS; i++) {
        ck_assert_int_eq(ask_with(lab, &history, 26 + i, false, x), ERR_NONE);
        size_t now = allocated();
        before = i >= WARM_UP && i < WARM_UP + WINDOW && now < before ? now : before;
        after = i >= ASKS - WINDOW && now < after ? now : after;
    }
    ck_assert_uint_le(after, before + (size_t)24 * (ASKS - WARM_UP - WINDOW));
}
END_TEST

START_TEST(a_suggestion_says_why)
{
    OWN(lab) struct lab *lab = lab_create("bayesian", TWO, "");
    double x[PARAMS_MAX];
    struct suggestion made = {.config = x};

    tune(lab, 12, bowl);
    (void)ask(lab);
    struct history history = seen(lab);
    ck_assert_int_eq(lab->strategy->suggest(lab->study, &history, 14, &made, NULL), 0);
    json_auto_t *why = json_loads(made.explain, 0, NULL);
    ck_assert_int_eq(json_integer_value(json_object_get(why, "results")), 12);
    ck_assert_int_eq(json_integer_value(json_object_get(why, "pending")), 1);
    json_t *predicted = json_object_get(why, "predicted");
    ck_assert(json_is_number(json_object_get(predicted, "mean")));
    ck_assert(json_number_value(json_object_get(predicted, "sd")) > 0);
    ck_assert(json_integer_value(json_object_get(json_object_get(why, "compared"), "candidates"))
              > 1000);
    free(made.explain);
    free(made.fit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bayesian");
    TCase *tcase = tcase_create("models");

    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, finds_the_bottom_of_a_bowl, 0, MODELS);
    tcase_add_loop_test(tcase, finds_the_right_branch, 0, MODELS);
    tcase_add_loop_test(tcase, never_proposes_a_configuration_twice, 0, MODELS);
    tcase_add_loop_test(tcase, the_same_question_has_the_same_answer, 0, MODELS);
    tcase_add_loop_test(tcase, the_order_of_results_does_not_matter, 0, MODELS);
    tcase_add_loop_test(tcase, the_order_does_not_matter_in_a_mixed_space, 0, MODELS);
    tcase_add_loop_test(tcase, a_long_history_is_served, 0, MODELS);
    tcase_add_loop_test(tcase, units_of_the_objective_do_not_matter, 0, MODELS);
    tcase_add_loop_test(tcase, maximising_is_minimising_the_negative, 0, MODELS);
    tcase_add_loop_test(tcase, equal_results_leave_it_exploring, 0, MODELS);
    tcase_add_loop_test(tcase, empty_and_tiny_histories_are_served, 0, MODELS);
    tcase_add_loop_test(tcase, failures_are_borne_and_avoided, 0, MODELS);
    tcase_add_loop_test(tcase, nothing_but_failures_is_borne, 0, MODELS);
    tcase_add_loop_test(tcase, a_finite_space_is_tried_whole_and_then_exhausted, 0, MODELS);
    tcase_add_loop_test(tcase, constraints_hold, 0, MODELS);
    tcase_add_loop_test(tcase, pending_trials_are_not_proposed_again, 0, MODELS);
    tcase_add_loop_test(tcase, one_dimension_and_sixty, 0, MODELS);
    tcase_add_loop_test(tcase, five_hundred_categories, 0, MODELS);
    tcase_add_loop_test(tcase, only_constants_are_soon_exhausted, 0, MODELS);
    tcase_add_test(tcase, a_stored_fit_gives_the_same_again);
    tcase_add_test(tcase, a_fit_of_another_layout_is_made_again);
    tcase_add_test(tcase, a_search_that_is_stuck_looks_closer);
    tcase_add_loop_test(tcase, asks_leave_nothing_allocated, 0, MODELS);
    tcase_add_test(tcase, a_suggestion_says_why);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
