/* Which strategy is advised, and what `auto` takes. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/json.h"
#include "server/advice/advice.h"
#include "server/advice/advice_json.h"
#include "server/advice/advice_text.h"
#include "server/advice/choose.h"
#include "server/advice/study_body.h"
#include "tests/support/run_suite.h"

#define X "{\"name\": \"x\", \"type\": \"float\", \"low\": 0, \"high\": 1}"

/* A study of one parameter with these members (JSON without braces, with a trailing comma). */
static struct study_def *study_of(const char *members)
{
    struct study_def *study = NULL;
    struct faults faults = {0};
    char text[4000];

    (void)snprintf(text, sizeof text, "{\"name\": \"s\", %s \"parameters\": [" X "]}", members);
    json_auto_t *body = json_loads(text, 0, NULL);
    ck_assert_msg(body != NULL, "%s", text);
    int rc = study_def_from_json(body, 1, &study, &faults);
    ck_assert_msg(rc == 0, "%s: %s", text, faults.n > 0 ? faults.items[0].detail : "");
    faults_finish(&faults);
    return study;
}

#define LOSS "\"metric\": \"loss\", \"direction\": \"minimize\", "
#define TWO                                                                                        \
    "\"objectives\": [{\"metric\": \"a\", \"direction\": \"minimize\"}, {\"metric\": \"b\", "      \
    "\"direction\": \"maximize\"}], "

static const struct {
    const char *members;
    const char *name;
} choices[] = {
    {LOSS, "bayesian"},
    {TWO, "bayesian"},
    {TWO "\"limits\": {\"trials\": 20000}, ", "nsga2"},
    {LOSS "\"limits\": {\"trials\": 100000}, ", "tpe"},
    {LOSS "\"resource\": {\"min\": 1, \"max\": 81}, ", "asha"},
    /* 100 trials of a schedule cost 40 full trainings; 400 so much that all may be trained in full
     */
    {LOSS "\"resource\": {\"min\": 1, \"max\": 81}, \"limits\": {\"trials\": 100}, ", "asha"},
    {LOSS "\"resource\": {\"min\": 1, \"max\": 81}, \"limits\": {\"trials\": 400}, ", "bayesian"},
    {LOSS "\"resource\": {\"min\": 81, \"max\": 81}, ", "bayesian"},
    {TWO "\"resource\": {\"min\": 1, \"max\": 81}, ", "bayesian"},
};

START_TEST(auto_chooses_by_what_is_declared)
{
    OWN(study_def) struct study_def *study = study_of(choices[_i].members);
    OWN(chosen) struct chosen chosen = {0};
    struct err err = {0};

    ck_assert(advice_is_auto(study));
    ck_assert_int_eq(advice_choose(study, &chosen, &err), 0);
    ck_assert_str_eq(chosen.name, choices[_i].name);
    ck_assert_uint_gt(json_array_size(chosen.because), 0);
    ck_assert_str_eq(study_strategy(study), "auto");
    ck_assert_int_eq(advice_settle(study, &err), 0);
    ck_assert_str_eq(study_strategy(study), choices[_i].name);
}
END_TEST

START_TEST(a_named_strategy_is_left_alone)
{
    OWN(study_def)
    struct study_def *study = study_of(LOSS "\"strategy\": \"random\", ");
    struct err err = {0};

    ck_assert(!advice_is_auto(study));
    ck_assert_int_eq(advice_settle(study, &err), 0);
    ck_assert_str_eq(study_strategy(study), "random");
    ck_assert_str_eq(study->chosen.name, "");
}
END_TEST

static char *written(const struct study_def *study)
{
    struct buf out;
    struct json_writer w;

    buf_init(&out, 100000);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    study_def_write(study, &w);
    json_object_end(&w);
    return buf_steal(&out);
}

/* What is stored is what is read, and no second choice is made. */
START_TEST(the_choice_is_kept)
{
    OWN(study_def) struct study_def *study = study_of(LOSS);
    OWN(study_def) struct study_def *again = NULL;
    struct faults faults = {0};
    struct err err = {0};

    ck_assert_int_eq(advice_settle(study, &err), 0);
    (void)snprintf(study->chosen.name, sizeof study->chosen.name, "tpe"); /* an older choice */
    OWN(memory) char *once = written(study);
    json_auto_t *body = json_loads(once, 0, NULL);
    ck_assert_int_eq(study_def_from_json(body, 1, &again, &faults), 0);
    ck_assert_int_eq(advice_settle(again, &err), 0);
    OWN(memory) char *twice = written(again);
    ck_assert_str_eq(once, twice);
    ck_assert_str_eq(study_strategy(again), "tpe");
}
END_TEST

/* The price is that of the study as it is, with its own limits. */
START_TEST(reasons_are_of_the_study_as_it_is)
{
    OWN(study_def)
    struct study_def *study =
        study_of(LOSS "\"resource\": {\"min\": 1, \"max\": 81}, \"limits\": {\"trials\": 100}, ");
    struct err err = {0};

    ck_assert_int_eq(advice_settle(study, &err), 0);
    OWN(memory) char *because = json_dumps(study->chosen.because, 0);
    ck_assert_ptr_nonnull(strstr(because, "its 100 trials cost about 40 full trainings"));
    ck_assert_ptr_null(strstr(because, "instead of"));
    ck_assert_ptr_null(strstr(because, "tries about"));
}
END_TEST

/* Nothing that ran without a schedule begins one because of an upgrade. */
START_TEST(a_study_of_an_older_version_stays_as_it_was)
{
    OWN(study_def)
    struct study_def *study = study_of(LOSS "\"resource\": {\"min\": 1, \"max\": 81}, ");
    struct err err = {0};

    ck_assert_int_eq(advice_settle_old(study, &err), 0);
    ck_assert_str_eq(study_strategy(study), "bayesian");
    ck_assert_uint_eq(json_object_size(study_strategy_options(study)), 0);
}
END_TEST

/* ---- described problems ---- */

#define LR "{\"name\": \"lr\", \"type\": \"float\", \"low\": 1e-5, \"high\": 1, \"scale\": \"log\"}"
#define UNITS "{\"name\": \"units\", \"type\": \"int\", \"low\": 16, \"high\": 512}"
#define KERNEL "{\"name\": \"kernel\", \"type\": \"categorical\", \"choices\": [\"rbf\", \"poly\"]}"
#define DEGREE                                                                                     \
    "{\"name\": \"degree\", \"type\": \"int\", \"low\": 2, \"high\": 5, \"when\": {\"kernel\": "   \
    "[\"poly\"]}}"
#define SIZE "{\"name\": \"size\", \"type\": \"ordinal\", \"choices\": [\"s\", \"m\", \"l\"]}"
#define EPOCHS "\"resource\": {\"name\": \"epochs\", \"min\": 1, \"max\": 81}, "

static json_t *parsed(const char *text)
{
    json_t *body = json_loads(text, 0, NULL);

    ck_assert_msg(body != NULL, "%s", text);
    return body;
}

static void ranked(const char *text, struct problem *problem, struct advice *advice)
{
    json_auto_t *body = parsed(text);
    struct faults faults = {0};
    struct err err = {0};

    int rc = problem_from_json(body, problem, &faults);
    ck_assert_msg(rc == 0, "%s: %s %s", text, faults.n > 0 ? faults.items[0].pointer : "",
                  faults.n > 0 ? faults.items[0].detail : "");
    ck_assert_int_eq(advice_rank(problem, advice, &err), 0);
    ck_assert_int_eq(advice_make_studies(problem, advice, &err), 0);
}

static const struct {
    const char *body;
    const char *first;
} problems[] = {
    /* nothing said but the space */
    {"{\"parameters\": [" LR "]}", "bayesian"},
    {"{\"parameters\": [" LR ", " KERNEL ", " DEGREE "]}", "bayesian"},
    /* budgets */
    {"{\"parameters\": [" LR "], \"limits\": {\"trials\": 5}}", "bayesian"},
    {"{\"parameters\": [" LR "], \"limits\": {\"trials\": 1000}}", "bayesian"},
    {"{\"parameters\": [" LR "], \"limits\": {\"trials\": 50000}}", "tpe"},
    /* dear evaluations, few of them */
    {"{\"parameters\": [" LR ", " UNITS "], \"evaluation_seconds\": 36000, \"workers\": 4, "
     "\"available_seconds\": 604800}",
     "bayesian"},
    /* evaluations that take no time, so that thinking is all there is to pay for */
    {"{\"parameters\": [" LR ", " UNITS "], \"evaluation_seconds\": 0.001, \"workers\": 32, "
     "\"available_seconds\": 600}",
     "tpe"},
    /* noise */
    {"{\"parameters\": [" LR ", " UNITS "], \"noisy\": true, \"limits\": {\"trials\": 100}}",
     "bayesian"},
    /* learning curves */
    {"{\"parameters\": [" LR "], " EPOCHS " \"workers\": 1}", "asha, predictive"},
    {"{\"parameters\": [" LR "], " EPOCHS " \"workers\": 64}", "asha, predictive"},
    {"{\"parameters\": [" LR "], " EPOCHS " \"checkpoints\": false}", "asha, predictive"},
    {"{\"parameters\": [" LR "], " EPOCHS " \"experience\": \"expert\"}", "asha, predictive"},
    /* full training asks nothing of the program, which counts where the figures are so near */
    {"{\"parameters\": [" LR "], " EPOCHS " \"experience\": \"new\", \"workers\": 16}", "bayesian"},
    {"{\"parameters\": [" LR "], " EPOCHS " \"experience\": \"new\"}", "bayesian"},
    {"{\"parameters\": [" LR "], " EPOCHS " \"experience\": \"new\", \"limits\": {\"trials\": 20}}",
     "asha, predictive"},
    {"{\"parameters\": [" LR "], " EPOCHS " \"limits\": {\"trials\": 50}}", "asha, predictive"},
    /* a budget of 100 full trainings is enough to train each trial in full */
    {"{\"parameters\": [" LR "], " EPOCHS " \"limits\": {\"trials\": 100}}", "bayesian"},
    /* a resource with nothing between its ends */
    {"{\"parameters\": [" LR "], \"resource\": {\"min\": 5, \"max\": 5}}", "bayesian"},
    {"{\"parameters\": [" LR "], \"resource\": {\"max\": 1}}", "bayesian"},
    /* few configurations: all of them, the likely ones first */
    {"{\"parameters\": [" KERNEL ", " SIZE "]}", "bayesian"},
    {"{\"parameters\": [" KERNEL "], " TWO " \"limits\": {\"trials\": 10}}", "bayesian"},
    /* several objectives */
    {"{\"parameters\": [" LR "], " TWO " \"workers\": 3}", "bayesian"},
    {"{\"parameters\": [" LR "], " TWO EPOCHS " \"workers\": 3}", "bayesian"},
    {"{\"parameters\": [" LR "], " TWO " \"limits\": {\"trials\": 5000}}", "nsga2"},
    {"{\"parameters\": [" LR "], " TWO
     " \"evaluation_seconds\": 0.0001, \"limits\": {\"trials\": 1000}}",
     "nsga2"},
};
#define N_PROBLEMS ((int)(sizeof problems / sizeof problems[0]))

START_TEST(the_first_fits_the_problem)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};

    ranked(problems[_i].body, &problem, &advice);
    ck_assert_msg(strcmp(advice.items[0].technique->title, problems[_i].first) == 0, "%s: %s",
                  problems[_i].body, advice.items[0].technique->title);
}
END_TEST

/* Each technique once, the usable ones first and by score, each with its reasons and its body. */
START_TEST(every_item_is_whole)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};
    unsigned seen = 0;

    ranked(problems[_i].body, &problem, &advice);
    ck_assert_uint_eq(advice.n, technique_count());
    for (size_t i = 0; i < advice.n; i++) {
        const struct advice_item *item = &advice.items[i];
        seen |= 1u << (item->technique - technique_at(0));
        ck_assert_int_eq(item->is_usable, json_array_size(item->refused) == 0);
        ck_assert_int_eq(item->is_usable, item->study != NULL);
        ck_assert_int_eq(item->is_usable,
                         json_array_size(item->pro) + json_array_size(item->con) > 0);
        ck_assert(i == 0 || advice.items[i - 1].is_usable || !item->is_usable);
        if (item->is_usable) {
            ck_assert(i == 0 || advice.items[i - 1].score <= item->score);
            ck_assert(item->cost.trials >= 0 && isfinite(item->cost.trials));
            ck_assert(item->cost.evaluations <= advice.features.evaluations * (1 + 1e-9));
            ck_assert(item->regret.mean >= 0 && item->regret.mean <= 1);
        }
    }
    ck_assert_uint_eq(seen, (1u << technique_count()) - 1);
}
END_TEST

/* `auto` of the same study is the first of the ranking, as far as a study declares the problem. */
START_TEST(auto_takes_the_first)
{
    static const char *const bodies[] = {
        "{\"parameters\": [" LR ", " UNITS "]}",
        "{\"parameters\": [" LR ", " KERNEL "], \"limits\": {\"trials\": 20000}}",
        "{\"parameters\": [" LR "], " EPOCHS " \"limits\": {\"parallel\": 8, \"trials\": 40}}",
        "{\"parameters\": [" LR "], " EPOCHS " \"limits\": {\"resource\": 800}}",
        "{\"parameters\": [" KERNEL ", " SIZE "]}",
        "{\"parameters\": [" KERNEL ", " LR "], " TWO " \"limits\": {\"trials\": 40}}",
        "{\"parameters\": [" KERNEL "], " TWO " \"limits\": {\"trials\": 40}}",
    };
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};
    OWN(chosen) struct chosen chosen = {0};
    struct err err = {0};

    ranked(bodies[_i], &problem, &advice);
    ck_assert_int_eq(advice_choose(problem.study, &chosen, &err), 0);
    ck_assert_str_eq(chosen.name, advice.items[0].technique->strategy);
    ck_assert(json_equal(chosen.options, advice.items[0].options));
}
END_TEST

static char *text_of(const char *body)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};
    struct buf out;
    struct json_writer w;

    ranked(body, &problem, &advice);
    buf_init(&out, 16 << 20);
    json_writer_init(&w, &out);
    json_object_begin(&w);
    advice_write(&problem, &advice, &w);
    json_object_end(&w);
    advice_write_text(&problem, &advice, &out);
    return buf_steal(&out);
}

START_TEST(the_same_problem_gets_the_same_advice)
{
    OWN(memory) char *once = text_of(problems[_i].body);
    OWN(memory) char *twice = text_of(problems[_i].body);

    ck_assert_ptr_nonnull(once);
    ck_assert_str_eq(once, twice);
    ck_assert_ptr_null(strstr(once, "nan"));
    ck_assert_ptr_null(strstr(once, "inf "));
}
END_TEST

/* ---- what must be so whatever the figures ---- */

static const struct advice_item *item_of(const struct advice *advice, const char *title)
{
    for (size_t i = 0; i < advice->n; i++) {
        if (strcmp(advice->items[i].technique->title, title) == 0) {
            return &advice->items[i];
        }
    }
    ck_abort_msg("no such technique");
}

/* The last row is grid, which is not monotone: it stops at the number of its points. */
#define N_BUT_GRID (technique_count() - 1)

/* The same study with a factor at rising values: figures[technique][i] is read from the i-th. */
static void walk(const char *format, const double values[], size_t n,
                 double (*figure)(const struct advice_item *item),
                 double figures[ADVICE_ITEMS_MAX][16])
{
    for (size_t i = 0; i < n; i++) {
        OWN(problem) struct problem problem = {0};
        OWN(advice) struct advice advice = {0};
        char body[1000];
        char number[JSON_NUMBER_BYTES];
        const char *hole = strchr(format, '#');

        (void)snprintf(body, sizeof body, "%.*s%s%s", (int)(hole - format), format,
                       json_format_number(values[i], number), hole + 1);
        ranked(body, &problem, &advice);
        for (size_t t = 0; t < N_BUT_GRID; t++) {
            figures[t][i] = figure(item_of(&advice, technique_at(t)->title));
        }
    }
}

static double span(const struct advice_item *item)
{
    return item->cost.span;
}

static double trials(const struct advice_item *item)
{
    return item->cost.trials;
}

static const double rising[] = {1, 2, 3, 5, 8, 16, 17, 64, 100, 1000, 100000};
#define N_RISING (sizeof rising / sizeof rising[0])

START_TEST(more_workers_never_finish_later)
{
    static const char *const formats[] = {
        "{\"parameters\": [" LR "], " EPOCHS
        " \"evaluation_seconds\": 60, \"limits\": {\"trials\": 200}, \"workers\": #}",
        "{\"parameters\": [" LR "], " EPOCHS
        " \"evaluation_seconds\": 60, \"limits\": {\"resource\": 8100}, \"workers\": #}",
        "{\"parameters\": [" LR "], " EPOCHS
        " \"evaluation_seconds\": 60, \"worker_seconds\": 6000, \"workers\": #}",
    };
    double spans[ADVICE_ITEMS_MAX][16];

    for (size_t f = 0; f < sizeof formats / sizeof formats[0]; f++) {
        walk(formats[f], rising, N_RISING, span, spans);
        for (size_t t = 0; t < N_BUT_GRID; t++) {
            for (size_t i = 1; i < N_RISING; i++) {
                ck_assert_msg(spans[t][i] <= spans[t][i - 1], "%s: %.0f workers",
                              technique_at(t)->title, rising[i]);
            }
        }
    }
}
END_TEST

START_TEST(more_time_and_more_workers_never_try_less)
{
    static const char *const formats[] = {
        "{\"parameters\": [" LR "], " EPOCHS
        " \"evaluation_seconds\": 7, \"available_seconds\": 700, \"workers\": #}",
        "{\"parameters\": [" LR "], " EPOCHS
        " \"evaluation_seconds\": 7, \"workers\": 5, \"available_seconds\": #}",
        "{\"parameters\": [" LR "], " EPOCHS " \"limits\": {\"trials\": #}}",
        "{\"parameters\": [" LR "], " EPOCHS " \"limits\": {\"resource\": #}}",
    };
    double counts[ADVICE_ITEMS_MAX][16];

    for (size_t f = 0; f < sizeof formats / sizeof formats[0]; f++) {
        walk(formats[f], rising, N_RISING, trials, counts);
        for (size_t t = 0; t < N_BUT_GRID; t++) {
            for (size_t i = 1; i < N_RISING; i++) {
                ck_assert_msg(counts[t][i] >= counts[t][i - 1], "%s: format %d, %.0f",
                              technique_at(t)->title, (int)f, rising[i]);
            }
        }
    }
}
END_TEST

START_TEST(rows_are_consistent)
{
    for (size_t t = 0; t < technique_count(); t++) {
        const struct technique *technique = technique_at(t);
        ck_assert_ptr_eq(technique_find(technique->title), technique);
        ck_assert(technique->figures_of == NULL || technique_find(technique->figures_of) != NULL);
        ck_assert(technique_stops_early(technique) || !technique->pauses);
    }
    ck_assert_ptr_null(technique_find("no such technique"));
}
END_TEST

/* ---- cost ---- */

/* Hyperband, R 81, eta 3: 143 configurations a round, 1,581 epochs resuming, 1,902 from zero. */
START_TEST(brackets_cost_what_the_literature_says)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};

    ranked("{\"parameters\": [" LR "], " EPOCHS " \"limits\": {\"resource\": 1581}}", &problem,
           &advice);
    const struct advice_item *item = item_of(&advice, "hyperband");
    ck_assert_double_eq(item->cost.trials, 143);
    ck_assert_double_eq_tol(item->cost.share, 1581.0 / (143 * 81), 1e-12);
    ck_assert_double_eq_tol(item->cost.share_from_zero, 1902.0 / (143 * 81), 1e-12);
    json_auto_t *table = parsed(
        "[{\"rungs\": [{\"trials\": 81, \"resource\": 1}, {\"trials\": 27, \"resource\": 3},"
        "{\"trials\": 9, \"resource\": 9}, {\"trials\": 3, \"resource\": 27},"
        "{\"trials\": 1, \"resource\": 81}]},"
        "{\"rungs\": [{\"trials\": 34, \"resource\": 3}, {\"trials\": 11, \"resource\": 9},"
        "{\"trials\": 3, \"resource\": 27}, {\"trials\": 1, \"resource\": 81}]},"
        "{\"rungs\": [{\"trials\": 15, \"resource\": 9}, {\"trials\": 5, \"resource\": 27},"
        "{\"trials\": 1, \"resource\": 81}]},"
        "{\"rungs\": [{\"trials\": 8, \"resource\": 27}, {\"trials\": 2, \"resource\": 81}]},"
        "{\"rungs\": [{\"trials\": 5, \"resource\": 81}]}]");
    ck_assert(json_equal(item->brackets, table));
}
END_TEST

START_TEST(full_training_is_counted_in_turns)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};

    ranked("{\"parameters\": [" LR "], \"evaluation_seconds\": 60, \"workers\": 8, "
           "\"limits\": {\"trials\": 100}}",
           &problem, &advice);
    ck_assert_double_eq(item_of(&advice, "random")->cost.span, 13 * 60); /* ⌈100 / 8⌉ */
    ck_assert_double_eq(item_of(&advice, "random")->cost.evaluations, 100);
}
END_TEST

START_TEST(the_strategy_asked_for_keeps_its_options)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};

    ranked("{\"parameters\": [" LR "], " EPOCHS
           " \"strategy\": {\"name\": \"hyperband\", \"eta\": 9, \"serving\": \"exact\"}}",
           &problem, &advice);
    const struct advice_item *item = item_of(&advice, "hyperband");
    ck_assert(item->is_asked);
    ck_assert_ptr_eq(item, &advice.items[advice.asked]);
    ck_assert_int_eq(json_integer_value(json_object_get(item->options, "eta")), 9);
    ck_assert_uint_eq(json_array_size(item->brackets), 3); /* 1, 9, 81 */
    ck_assert_str_eq(
        json_string_value(json_object_get(json_object_get(item->study, "strategy"), "name")),
        "hyperband");
}
END_TEST

START_TEST(options_that_cannot_be_are_said_with_the_item)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};

    ranked(
        "{\"parameters\": [" LR "], " EPOCHS
        " \"strategy\": {\"name\": \"hyperband\", \"eta\": 1, \"colour\": 2, \"brackets\": \"x\"}}",
        &problem, &advice);
    const struct advice_item *item = item_of(&advice, "hyperband");
    ck_assert(!item->is_usable);
    ck_assert_uint_ge(json_array_size(item->refused), 2);
}
END_TEST

/* The limits of the study offered: those given stand unless a smaller one is needed. */
START_TEST(bodies_hold_the_budget)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice advice = {0};

    ranked("{\"name\": \"mine\", \"parameters\": [" LR "], " EPOCHS
           " \"limits\": {\"trials\": 100, \"failures\": 9}, \"available_seconds\": 3600}",
           &problem, &advice);
    const json_t *early = item_of(&advice, "asha, predictive")->study;
    const json_t *full = item_of(&advice, "bayesian")->study;
    json_auto_t *steps = parsed("{\"failures\": 9, \"resource\": 8100, \"seconds\": 3600}");
    json_auto_t *trials_limit = parsed("{\"trials\": 100, \"failures\": 9, \"seconds\": 3600}");
    ck_assert(json_equal(json_object_get(early, "limits"), steps));
    ck_assert(json_equal(json_object_get(full, "limits"), trials_limit));
    ck_assert_str_eq(json_string_value(json_object_get(early, "name")), "mine");
    ck_assert_ptr_null(json_object_get(early, "available_seconds"));
}
END_TEST

START_TEST(experience_weighs_what_is_demanded)
{
    OWN(problem) struct problem problem = {0};
    OWN(advice) struct advice newcomer = {0};
    OWN(problem) struct problem again = {0};
    OWN(advice) struct advice expert = {0};

    ranked("{\"parameters\": [" LR "], " EPOCHS " \"experience\": \"new\"}", &problem, &newcomer);
    ranked("{\"parameters\": [" LR "], " EPOCHS " \"experience\": \"expert\"}", &again, &expert);
    const struct advice_item *a = item_of(&newcomer, "hyperband");
    const struct advice_item *b = item_of(&expert, "hyperband");
    ck_assert_double_eq_tol(a->score - b->score, 2 * ADVICE_DEMAND_NEW, 1e-12);
    ck_assert_double_eq(item_of(&newcomer, "bayesian")->score, item_of(&expert, "bayesian")->score);
}
END_TEST

/* ---- bad input ---- */

static const struct {
    const char *body;
    const char *pointer;
} bad[] = {
    {"[]", ""},
    {"{}", "/parameters"},
    {"{\"parameters\": []}", "/parameters"},
    {"{\"parameters\": [" LR "], \"colour\": 1}", "/colour"},
    {"{\"parameters\": [" LR "], \"evaluation_seconds\": 0}", "/evaluation_seconds"},
    {"{\"parameters\": [" LR "], \"evaluation_seconds\": -3}", "/evaluation_seconds"},
    {"{\"parameters\": [" LR "], \"evaluation_seconds\": 1e300}", "/evaluation_seconds"},
    {"{\"parameters\": [" LR "], \"evaluation_seconds\": \"NaN\"}", "/evaluation_seconds"},
    {"{\"parameters\": [" LR "], \"evaluation_seconds\": \"10m\"}", "/evaluation_seconds"},
    {"{\"parameters\": [" LR "], \"available_seconds\": -1}", "/available_seconds"},
    {"{\"parameters\": [" LR "], \"worker_seconds\": 0}", "/worker_seconds"},
    {"{\"parameters\": [" LR "], \"workers\": 0}", "/workers"},
    {"{\"parameters\": [" LR "], \"workers\": -2}", "/workers"},
    {"{\"parameters\": [" LR "], \"workers\": 2.5}", "/workers"},
    {"{\"parameters\": [" LR "], \"workers\": 1000001}", "/workers"},
    {"{\"parameters\": [" LR "], \"noisy\": \"yes\"}", "/noisy"},
    {"{\"parameters\": [" LR "], \"checkpoints\": 1}", "/checkpoints"},
    {"{\"parameters\": [" LR "], \"experience\": \"guru\"}", "/experience"},
    {"{\"parameters\": [" LR "], \"experience\": 5}", "/experience"},
    {"{\"parameters\": [" LR "], \"metric\": \"loss\"}", "/direction"},
    {"{\"parameters\": [" LR "], \"name\": \"No Name\"}", "/name"},
    {"{\"parameters\": [" LR "], \"limits\": {\"trials\": 0}}", "/limits/trials"},
    {"{\"parameters\": [" LR "], \"resource\": {\"min\": 9, \"max\": 3}}", "/resource/min"},
    {"{\"parameters\": [" LR "], \"stopping\": {\"rule\": \"median\", \"x\": 3}}", "/stopping/x"},
    {"{\"parameters\": [" LR "], " TWO " \"stopping\": {\"rule\": \"median\"}}", "/stopping"},
    {"{\"parameters\": [{\"name\": \"x\", \"type\": \"float\", \"low\": 1, \"high\": 0}]}",
     "/parameters/0/high"},
};

START_TEST(nonsense_is_refused_by_its_place)
{
    json_auto_t *body = parsed(bad[_i].body);
    OWN(problem) struct problem problem = {0};
    struct faults faults = {0};
    bool found = false;

    ck_assert_int_eq(problem_from_json(body, &problem, &faults), -1);
    for (size_t i = 0; i < faults.n; i++) {
        found = found || strcmp(faults.items[i].pointer, bad[_i].pointer) == 0;
    }
    ck_assert_msg(found, "%s: %s", bad[_i].body, faults.n > 0 ? faults.items[0].pointer : "");
    faults_finish(&faults);
}
END_TEST

/* Far ends: nothing overflows, and every figure is a number. */
START_TEST(far_ends_are_borne)
{
    static const char *const bodies[] = {
        "{\"parameters\": [" LR "], \"resource\": {\"min\": 1, \"max\": 1000000000000}, "
        "\"limits\": {\"trials\": 1000000000000}, \"evaluation_seconds\": 3e9, \"workers\": "
        "1000000, \"available_seconds\": 1e-300}",
        "{\"parameters\": [" LR "], \"resource\": {\"min\": 1, \"max\": 1000000000000}, "
        "\"evaluation_seconds\": 1e-300, \"workers\": 1000000, \"available_seconds\": 3e9}",
        "{\"parameters\": [" LR "], \"resource\": {\"min\": 1, \"max\": 2}, \"worker_seconds\": "
        "1e-9, \"evaluation_seconds\": 3e9}",
        "{\"parameters\": [{\"name\": \"c\", \"type\": \"constant\", \"value\": 1}], "
        "\"limits\": {\"resource\": 1}, " EPOCHS " \"noisy\": false}",
        "{\"parameters\": [{\"name\": \"i\", \"type\": \"int\", \"low\": -9007199254740992, "
        "\"high\": 9007199254740992}], \"limits\": {\"trials\": 1}}",
    };
    OWN(memory) char *text = text_of(bodies[_i]);

    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_null(strstr(text, "nan"));
    ck_assert_ptr_null(strstr(text, "Infinity"));
}
END_TEST

static const struct {
    int n;
    const char *words;
} many[] = {
    {1024, "1024 parameters are searched"},
    {SPACE_PARAMS_MAX, "the search bayesian takes at most 1024 parameters, not 4096"},
};

START_TEST(many_parameters_are_borne)
{
    OWN(buf) struct buf body;

    buf_init(&body, 1 << 20);
    buf_puts(&body, "{\"parameters\": [");
    for (int i = 0; i < many[_i].n; i++) {
        buf_printf(&body, "%s{\"name\": \"p%d\", \"type\": \"int\", \"low\": 0, \"high\": 1000000}",
                   i > 0 ? ", " : "", i);
    }
    buf_puts(&body, "]}");
    OWN(memory) char *text = text_of(buf_text(&body));
    ck_assert_ptr_nonnull(strstr(text, many[_i].words));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("advice");
    TCase *tcase = tcase_create("auto");

    tcase_add_loop_test(tcase, auto_chooses_by_what_is_declared, 0,
                        (int)(sizeof choices / sizeof choices[0]));
    tcase_add_test(tcase, a_named_strategy_is_left_alone);
    tcase_add_test(tcase, the_choice_is_kept);
    tcase_add_test(tcase, reasons_are_of_the_study_as_it_is);
    tcase_add_test(tcase, a_study_of_an_older_version_stays_as_it_was);
    suite_add_tcase(suite, tcase);
    tcase = tcase_create("ranking");
    tcase_add_loop_test(tcase, the_first_fits_the_problem, 0, N_PROBLEMS);
    tcase_add_loop_test(tcase, every_item_is_whole, 0, N_PROBLEMS);
    tcase_add_loop_test(tcase, auto_takes_the_first, 0, 7);
    tcase_add_loop_test(tcase, the_same_problem_gets_the_same_advice, 0, N_PROBLEMS);
    tcase_add_test(tcase, more_workers_never_finish_later);
    tcase_add_test(tcase, more_time_and_more_workers_never_try_less);
    tcase_add_test(tcase, rows_are_consistent);
    tcase_add_test(tcase, brackets_cost_what_the_literature_says);
    tcase_add_test(tcase, full_training_is_counted_in_turns);
    tcase_add_test(tcase, the_strategy_asked_for_keeps_its_options);
    tcase_add_test(tcase, options_that_cannot_be_are_said_with_the_item);
    tcase_add_test(tcase, bodies_hold_the_budget);
    tcase_add_test(tcase, experience_weighs_what_is_demanded);
    tcase_add_loop_test(tcase, nonsense_is_refused_by_its_place, 0,
                        (int)(sizeof bad / sizeof bad[0]));
    tcase_add_loop_test(tcase, far_ends_are_borne, 0, 5);
    tcase_add_loop_test(tcase, many_parameters_are_borne, 0, 2);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
