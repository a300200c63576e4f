#include "server/advice/advice.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/suggest.h"
#include "server/advice/choose.h"
#include "server/advice/reasons.h"
#include "server/advice/sentence.h"
#include "server/schedule/schedule.h"
#include "server/strategy/strategy.h"

/* ---- is it usable? --------------------------------------------------------------------------- */

/* Lists the strategies and the schedules. */
static void refuse_unknown(const char *strategy, struct faults *faults)
{
    OWN(buf) struct buf known;
    struct suggestion_for meant = {.word = strategy};
    char question[SUGGEST_QUESTION_BYTES];

    buf_init(&known, 400);
    buf_puts(&known, "auto, ");
    for (size_t i = 0; strategy_all()[i] != NULL; i++) {
        buf_printf(&known, "%s, ", strategy_all()[i]->name);
        suggest_offer(&meant, strategy_all()[i]->name);
    }
    for (size_t i = 0; schedule_name(i) != NULL; i++) {
        buf_printf(&known, "%s%s", i == 0 ? "" : ", ", schedule_name(i));
        suggest_offer(&meant, schedule_name(i));
    }
    if (known.no_memory) {
        faults_no_memory(faults);
        return;
    }
    faults_add(faults, "/strategy", "there is no strategy \"%.64s\"; %suse one of %s", strategy,
               suggest_question(&meant, question), buf_text(&known));
}

/* Adds a fault if the search cannot learn from the studies in "after". */
static void check_after(const struct study_def *study, struct faults *faults)
{
    const struct strategy *search = strategy_find(schedule_search(study));

    if (study->after != NULL && search != NULL && !search->transfers) {
        faults_add(faults, "/after",
                   "the search %s does not learn, so it cannot learn from other studies either; "
                   "use bayesian, tpe or auto, with a schedule as its \"search\"",
                   search->name);
    }
}

/* The search of a schedule, whose options are the schedule's. */
static void check_search(const struct study_def *study, struct faults *faults)
{
    const struct strategy *search = strategy_find(schedule_search(study));

    if (search == NULL) {
        faults_add(faults, "/strategy/search", "there is no search \"%.60s\"",
                   schedule_search(study));
    } else if (search->check_space != NULL) {
        search->check_space(study, faults);
    }
}

void advice_check(const struct study_def *study, struct faults *faults)
{
    const char *strategy = study_strategy(study);
    const char *searches[STRATEGIES_MAX + 1];

    strategy_searches(searches);
    schedule_check(study, searches, faults);
    check_after(study, faults);
    if (!schedule_is_known(strategy)) {
        if (strategy_find(strategy) == NULL) {
            refuse_unknown(strategy, faults);
        } else if (strategy_check_study(study, faults) != 0) {
            return;
        }
    } else {
        check_search(study, faults);
    }
}

int advice_read_study(const json_t *body, uint64_t seed, struct study_def **def,
                      struct faults *faults)
{
    OWN(study_def) struct study_def *read = NULL;
    size_t before = faults->total;

    TRY(study_def_from_json(body, seed, &read, faults));
    advice_settle_body(read, faults);
    advice_check(read, faults);
    if (faults->total != before) {
        return -1;
    }
    *def = read;
    read = NULL;
    return 0;
}

static void refuse(struct advice_item *item, const char *why)
{
    item->is_usable = false;
    (void)json_array_append_new(item->refused, json_string(why));
}

/* What the problem lacks for a whole group of techniques, in the same words for each; NULL:
 * nothing. */
static const char *lacks(const struct study_def *study, const struct technique *technique)
{
    if (technique_stops_early(technique) && !study->has_resource) {
        return "needs a resource, such as epochs from 1 to 81, to train a trial for a while and "
               "look";
    }
    if (study->n_objectives > 1 && technique->plan == PLAN_FORECAST) {
        return "forecasts one objective";
    }
    if (study->n_objectives > 1 && !technique_stops_early(technique)
        && !strategy_find(technique->strategy)->multi_objective) {
        return "takes one objective";
    }
    return NULL;
}

static bool is_slow_grid(const struct problem *problem, const struct problem_features *features)
{
    return problem->study->space->n_constraints > 0
           && features->configurations > ADVICE_GRID_CONSTRAINED;
}

/* Each fault, as why the item cannot be used. ERR_NOMEM. */
static int refuse_each(const struct faults *faults, struct advice_item *item, struct err *err)
{
    if (faults->no_memory) {
        return faults_result(faults, err);
    }
    for (size_t i = 0; i < faults->n; i++) {
        refuse(item, faults->items[i].detail);
    }
    return 0;
}

/* Checks the study with this strategy as POST /v1/studies does. */
static int check_usable(const struct problem *problem, const struct problem_features *features,
                        struct advice_item *item, struct err *err)
{
    struct study_def study = *problem->study; /* a shallow copy */
    struct faults faults = {0};
    const char *lack = lacks(problem->study, item->technique);

    item->is_usable = true;
    if (lack != NULL) {
        refuse(item, lack);
        return 0;
    }
    if (item->technique->is_grid && is_slow_grid(problem, features)) {
        refuse(item, "constraints must be tried on every point, and there are too many for that");
        return 0;
    }
    study.chosen = (struct chosen){0};
    study.strategy_options = item->options;
    (void)snprintf(study.strategy, sizeof study.strategy, "%s", item->technique->strategy);
    advice_check(&study, &faults);
    int result = refuse_each(&faults, item, err);
    faults_finish(&faults);
    return result;
}

/* ---- items ----------------------------------------------------------------------------------- */

static const char *option_text(const json_t *options, const char *name, const char *fallback)
{
    const char *text = json_string_value(json_object_get(options, name));

    return text == NULL ? fallback : text;
}

/* Whether the strategy that the body names is this technique; other options do not matter. */
static bool is_asked(const struct study_def *study, const struct technique *technique)
{
    const json_t *options = study->strategy_options;
    const char *mode = option_text(options, "mode", "promotion");

    if (strcmp(study->strategy, technique->strategy) != 0) {
        return false;
    }
    if (strcmp(study->strategy, "asha") != 0) {
        return true;
    }
    if (strcmp(mode, "promotion") != 0) {
        return technique->mode != NULL && strcmp(mode, technique->mode) == 0;
    }
    bool is_gaussian = strcmp(option_text(options, "search", "random"), "bayesian") == 0;
    return technique->mode == NULL && is_gaussian == (technique->search != NULL);
}

static json_t *default_options(const struct technique *technique)
{
    json_t *options = json_object();

    if (technique->mode != NULL) {
        (void)json_object_set_new(options, "mode", json_string(technique->mode));
    }
    if (technique->search != NULL) {
        (void)json_object_set_new(options, "search", json_string(technique->search));
    }
    return options;
}

static void item_init(const struct problem *problem, const struct technique *technique,
                      struct advice_item *item)
{
    *item = (struct advice_item){
        .technique = technique,
        .is_asked = is_asked(problem->study, technique),
        .refused = json_array(),
        .pro = json_array(),
        .con = json_array(),
    };
    item->options = item->is_asked ? json_deep_copy(problem->study->strategy_options)
                                   : default_options(technique);
}

/* ---- ranking --------------------------------------------------------------------------------- */

static double demand_weight(enum experience experience)
{
    switch (experience) {
    case EXPERIENCE_NEW:
        return ADVICE_DEMAND_NEW;
    case EXPERIENCE_EXPERT:
        return ADVICE_DEMAND_EXPERT;
    case EXPERIENCE_SOME:
    case EXPERIENCE_UNKNOWN:
        break;
    }
    return ADVICE_DEMAND_SOME;
}

/* The cost of all trials in full evaluations, less what is lost by waiting for suggestions and by
 * starting again from zero. */
static double effective_evaluations(const struct problem *problem, const struct advice_item *item)
{
    const struct cost *cost = &item->cost;
    double effective = cost->evaluations;

    if (problem->checkpoints == ANSWER_NO) {
        effective *= cost->share / cost->share_from_zero;
    }
    if (cost->span > 0) {
        effective *= (cost->span - cost->waiting) / cost->span;
    }
    return effective;
}

/* Several objectives: no figures have been measured, and this is the order of preference. Up to so
 * many trials that a Gaussian process is asked in time, then densities, a genetic algorithm, and
 * what learns nothing; beyond the genetic algorithm comes first. */
static double rank_of_several(const struct advice_item *item)
{
    bool is_many = item->cost.trials > ADVICE_MANY_TRIALS_SEVERAL;
    bool waits = item->cost.waiting > ADVICE_WAIT_SEVERAL * item->cost.span;

    switch (item->technique->model) {
    case MODEL_GAUSSIAN:
        return is_many || waits ? 0.5 : 0.0;
    case MODEL_DENSITIES:
        return is_many || waits ? 0.4 : 0.1;
    case MODEL_POPULATION:
        return 0.2;
    case MODEL_NONE:
        break;
    }
    return 0.8;
}

static void set_score(const struct problem *problem, const struct problem_features *features,
                      struct advice_item *item)
{
    const struct technique *technique = item->technique;

    item->tries_all = item->cost.trials >= features->configurations
                      && features->configurations <= technique->enumerates_up_to;
    item->has_regret = problem->study->n_objectives == 1;
    item->score = item->has_regret ? 0.0 : rank_of_several(item);
    if (item->has_regret) {
        item->regret = benchmark_regret(technique, features->kind, features->workers,
                                        effective_evaluations(problem, item), &item->is_measured);
    }
    if (item->tries_all && problem->noisy != ANSWER_YES) {
        item->has_regret = true;
        item->regret = (struct figure){0};
        item->is_measured = true;
        item->score = -1.0;
    }
    item->score +=
        item->regret.mean + technique_demands(technique) * demand_weight(problem->experience);
    if (technique->model == MODEL_GAUSSIAN && item->cost.trials > ADVICE_MANY_TRIALS) {
        item->score += 1.0; /* behind all techniques that scale */
    }
}

static bool is_exact(const struct problem_features *features, const struct advice_item *item)
{
    double seconds = benchmark_suggestion_seconds(item->technique, item->cost.trials);

    return seconds <= 0.0
           || (features->seconds > 0
               && seconds * features->workers <= ADVICE_WAIT_SHARE * features->seconds);
}

static int compare(const void *a, const void *b)
{
    const struct advice_item *x = a;
    const struct advice_item *y = b;

    if (x->is_usable != y->is_usable) {
        return x->is_usable ? -1 : 1;
    }
    if (x->is_usable && x->score != y->score) {
        return x->score < y->score ? -1 : 1;
    }
    return x->technique < y->technique ? -1 : x->technique > y->technique;
}

static int fill_item(const struct problem *problem, const struct problem_features *features,
                     struct advice_item *item, struct err *err)
{
    const struct technique_use use = {item->technique, problem->study, item->options};

    TRY(check_usable(problem, features, item, err));
    if (!item->is_usable) {
        return 0; /* its options may be invalid */
    }
    cost_of(&use, problem, features, &item->cost);
    set_score(problem, features, item);
    item->brackets = technique_brackets(&use);
    item->takes_median = features->is_curved && !technique_stops_early(item->technique);
    item->is_exact = is_exact(features, item);
    advice_add_reasons(problem, features, item);
    return 0;
}

int advice_rank(const struct problem *problem, struct advice *advice, struct err *err)
{
    OWN(advice) struct advice made = {.asked = -1};
    size_t failures = json_failures();

    made.assumed = problem->assumed == NULL ? json_array() : json_deep_copy(problem->assumed);
    made.warnings = json_array();
    problem_features_of(problem, &made.features, made.assumed, made.warnings);
    for (size_t t = 0; t < technique_count() && t < ADVICE_ITEMS_MAX; t++) {
        struct advice_item *item = &made.items[made.n++];
        item_init(problem, technique_at(t), item);
        TRY(fill_item(problem, &made.features, item, err));
    }
    qsort(made.items, made.n, sizeof made.items[0], compare);
    if (!made.items[0].is_usable) {
        sentence_add(made.warnings,
                     "no strategy can serve the problem as it stands; each says why");
    }
    for (size_t i = 0; i < made.n; i++) {
        made.asked = made.items[i].is_asked ? (int)i : made.asked;
    }
    TRY(json_check(failures, err)); /* every sentence and table is there */
    *advice = made;
    made = (struct advice){0};
    return 0;
}

void advice_finish(struct advice *advice)
{
    for (size_t i = 0; i < advice->n; i++) {
        struct advice_item *item = &advice->items[i];
        json_decref(item->options);
        json_decref(item->refused);
        json_decref(item->pro);
        json_decref(item->con);
        json_decref(item->brackets);
        json_decref(item->study);
    }
    json_decref(advice->assumed);
    json_decref(advice->warnings);
    *advice = (struct advice){0};
}
