#include "server/advice/advice.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/advice/say.h"
#include "server/schedule/schedule.h"
#include "server/strategy/strategy.h"

static const struct {
    const char *title;
    const char *does;
    const char *name;
    const char *mode;   /* of asha, NULL: its default */
    const char *search; /* NULL: the default */
    int demands;        /* on the program: 1 reports as it trains, 2 pauses and goes on as well */
} techniques[TECHNIQUE_COUNT] = {
    [TECHNIQUE_PREDICTIVE] = {"asha, predictive",
                              "a model of the learning curves stops a trial once it has next to no "
                              "chance of beating the best, and a Gaussian process proposes",
                              "asha", "predictive", NULL, 1},
    [TECHNIQUE_BAYESIAN] = {"bayesian",
                            "a Gaussian process says what a configuration would give and how sure "
                            "that is; the next one is where the most improvement is to be expected",
                            "bayesian", NULL, NULL, 0},
    [TECHNIQUE_ASHA_BAYESIAN] = {"asha, bayesian",
                                 "the best third of each rung trains on, nobody waits, and a "
                                 "Gaussian process proposes",
                                 "asha", NULL, "bayesian", 2},
    [TECHNIQUE_BOHB] = {"bohb",
                        "hyperband's brackets, filled by densities of good and bad configurations",
                        "bohb", NULL, NULL, 2},
    [TECHNIQUE_TPE] = {"tpe",
                       "compares the density of the good configurations with that of the others",
                       "tpe", NULL, NULL, 0},
    [TECHNIQUE_ASHA_STOPPING] = {"asha, stopping",
                                 "a trial stops for good where it is not among the best third of "
                                 "those before it",
                                 "asha", "stopping", NULL, 1},
    [TECHNIQUE_ASHA_PROMOTION] = {"asha, promotion",
                                  "trials pause at each rung, and the best third of it goes on; "
                                  "nobody waits",
                                  "asha", NULL, NULL, 2},
    [TECHNIQUE_HYPERBAND] = {"hyperband",
                             "brackets of rungs: many trials for a short time, the best third of "
                             "each rung for three times as long",
                             "hyperband", NULL, NULL, 2},
    [TECHNIQUE_HALVING] = {"successive_halving", "hyperband's largest bracket, over and over",
                           "successive_halving", NULL, NULL, 2},
    [TECHNIQUE_QUASIRANDOM] = {"quasirandom", "an even spread over the space, whatever comes back",
                               "quasirandom", NULL, NULL, 0},
    [TECHNIQUE_RANDOM] = {"random", "draws from the space, whatever comes back", "random", NULL,
                          NULL, 0},
    [TECHNIQUE_GRID] = {"grid", "every combination once, in a shuffled order", "grid", NULL, NULL,
                        0},
};

const char *technique_title(enum technique technique)
{
    return techniques[technique].title;
}

const char *technique_does(enum technique technique)
{
    return techniques[technique].does;
}

/* ---- can it be used? ------------------------------------------------------------------------- */

/* Names all there are: a slip in "hyperband" must not be answered with a list that lacks it. */
static void refuse_unknown(const char *strategy, struct faults *faults)
{
    OWN(buf) struct buf known;

    buf_init(&known, 400);
    buf_puts(&known, "auto, ");
    for (size_t i = 0; strategy_all()[i] != NULL; i++) {
        buf_printf(&known, "%s, ", strategy_all()[i]->name);
    }
    for (size_t i = 0; schedule_name(i) != NULL; i++) {
        buf_printf(&known, "%s%s", i == 0 ? "" : ", ", schedule_name(i));
    }
    faults_add(faults, "/strategy", "there is no strategy \"%.64s\"; use one of %s", strategy,
               buf_text(&known));
}

/* Does the search learn anything from the studies that this one comes after? */
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

void advice_check(const struct study_def *study, struct faults *faults)
{
    const char *strategy = study_strategy(study);

    schedule_check(study, faults);
    check_after(study, faults);
    if (!schedule_is_known(strategy)) {
        if (strategy_find(strategy) == NULL) {
            refuse_unknown(strategy, faults);
        } else if (strategy_check_study(study, faults) != 0) {
            return; /* told */
        }
    } else if (strategy_find(schedule_search(study)) == NULL) {
        faults_add(faults, "/strategy/search", "there is no search \"%.60s\"",
                   schedule_search(study));
    }
}

static void refuse(struct advice_item *item, const char *why)
{
    item->is_usable = false;
    (void)json_array_append_new(item->refused, json_string(why));
}

/* What a whole group of techniques lacks, in words that they share. */
static const char *lacks(const struct study_def *study, const struct advice_item *item)
{
    bool schedules = schedule_is_known(item->name);

    if (schedules && !study->has_resource) {
        return "needs a resource, to train a trial for a while and look: say for example "
               "{\"name\": \"epochs\", \"min\": 1, \"max\": 81}";
    }
    if (study->n_objectives > 1 && (schedules || !strategy_find(item->name)->multi_objective)) {
        return "takes one objective";
    }
    return NULL;
}

static bool is_slow_grid(const struct problem *problem, const struct facts *facts)
{
    return problem->study->space->n_constraints > 0
           && facts->configurations > ADVICE_GRID_CONSTRAINED;
}

/* Asks what POST /v1/studies would, of the study with this strategy in it. */
static void check_usable(const struct problem *problem, const struct facts *facts,
                         struct advice_item *item)
{
    struct study_def study = *problem->study; /* shares everything; changes only what is its own */
    struct faults faults = {0};
    const char *lack = lacks(problem->study, item);

    item->is_usable = true;
    if (lack != NULL) {
        refuse(item, lack);
        return;
    }
    if (item->technique == TECHNIQUE_GRID && is_slow_grid(problem, facts)) {
        refuse(item, "constraints must be tried on every point, and there are too many for that");
        return;
    }
    study.chosen = (struct chosen){0};
    study.strategy_options = item->options;
    (void)snprintf(study.strategy, sizeof study.strategy, "%s", item->name);
    advice_check(&study, &faults);
    for (size_t i = 0; i < faults.n; i++) {
        refuse(item, faults.items[i].detail);
    }
    faults_finish(&faults);
}

/* ---- candidates ------------------------------------------------------------------------------ */

static const char *option_text(const json_t *options, const char *name, const char *fallback)
{
    const char *text = json_string_value(json_object_get(options, name));

    return text == NULL ? fallback : text;
}

/* Is the strategy that the body names this technique, whatever its other options? */
static bool is_asked(const struct study_def *study, enum technique technique)
{
    const json_t *options = study->strategy_options;
    const char *mode = option_text(options, "mode", "promotion");

    if (strcmp(study->strategy, techniques[technique].name) != 0) {
        return false;
    }
    if (strcmp(study->strategy, "asha") != 0) {
        return true;
    }
    if (strcmp(mode, "promotion") != 0) {
        return techniques[technique].mode != NULL && strcmp(mode, techniques[technique].mode) == 0;
    }
    bool gaussian = strcmp(option_text(options, "search", "random"), "bayesian") == 0;
    return techniques[technique].mode == NULL && gaussian == (techniques[technique].search != NULL);
}

static json_t *own_options(enum technique technique)
{
    json_t *options = json_object();

    if (techniques[technique].mode != NULL) {
        (void)json_object_set_new(options, "mode", json_string(techniques[technique].mode));
    }
    if (techniques[technique].search != NULL) {
        (void)json_object_set_new(options, "search", json_string(techniques[technique].search));
    }
    return options;
}

static int begin_item(const struct problem *problem, enum technique technique,
                      struct advice_item *item, struct err *err)
{
    *item = (struct advice_item){
        .technique = technique,
        .name = techniques[technique].name,
        .is_asked = is_asked(problem->study, technique),
        .refused = json_array(),
        .pro = json_array(),
        .con = json_array(),
    };
    item->options =
        item->is_asked ? json_deep_copy(problem->study->strategy_options) : own_options(technique);
    if (item->refused == NULL || item->pro == NULL || item->con == NULL || item->options == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    return 0;
}

/* ---- the order ------------------------------------------------------------------------------- */

static double demand_weight(enum experience experience)
{
    switch (experience) {
    case EXPERIENCE_NEW:
        return ADVICE_DEMAND_NEW;
    case EXPERIENCE_EXPERT:
        return ADVICE_DEMAND_EXPERT;
    case EXPERIENCE_SOME:
    case EXPERIENCE_UNSAID:
        break;
    }
    return ADVICE_DEMAND_SOME;
}

static bool is_gaussian(enum technique technique)
{
    return technique == TECHNIQUE_PREDICTIVE || technique == TECHNIQUE_BAYESIAN
           || technique == TECHNIQUE_ASHA_BAYESIAN;
}

static bool sees_all(const struct facts *facts, const struct advice_item *item)
{
    return item->cost.trials >= facts->configurations
           && (item->technique == TECHNIQUE_GRID
               || (item->technique == TECHNIQUE_BAYESIAN
                   && facts->configurations <= ADVICE_SCORED_WHOLE));
}

/* Full evaluations' worth, less what waiting for suggestions and starting again from zero lose. */
static double worth(const struct problem *problem, const struct advice_item *item)
{
    const struct cost *cost = &item->cost;
    double worth = cost->evaluations;

    if (problem->checkpoints == ANSWER_NO) {
        worth *= cost->share / cost->share_from_zero;
    }
    if (cost->span > 0) {
        worth *= (cost->span - cost->thinking) / cost->span;
    }
    return worth;
}

static void judge(const struct problem *problem, const struct facts *facts,
                  struct advice_item *item)
{
    item->sees_all = sees_all(facts, item);
    item->has_regret = problem->study->n_objectives == 1;
    if (item->has_regret) {
        item->regret = measured_regret(item->technique, facts->kind, facts->workers,
                                       worth(problem, item), &item->is_measured);
    }
    if (item->sees_all && problem->noisy != ANSWER_YES) {
        item->has_regret = true;
        item->regret = 0.0;
        item->is_measured = true;
        item->score = -1.0;
    }
    item->score +=
        item->regret + techniques[item->technique].demands * demand_weight(problem->experience);
    if (is_gaussian(item->technique) && item->cost.trials > ADVICE_MANY_TRIALS) {
        item->score += 1.0; /* behind all that scale */
    }
}

static bool is_exact(const struct facts *facts, const struct advice_item *item)
{
    double think = measured_think_seconds(item->technique, item->cost.trials);

    return think <= 0.0
           || (facts->seconds > 0 && think * facts->workers <= ADVICE_WAIT_SHARE * facts->seconds);
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
    return (int)x->technique - (int)y->technique;
}

static void fill(const struct problem *problem, const struct facts *facts, struct advice_item *item)
{
    check_usable(problem, facts, item);
    if (!item->is_usable) {
        return; /* its options need not even be readable */
    }
    cost_of(item->technique, problem, facts, item->options, &item->cost);
    judge(problem, facts, item);
    item->brackets = technique_brackets(item->technique, problem->study, item->options);
    item->takes_median = facts->is_curved && techniques[item->technique].demands == 0;
    item->is_exact = is_exact(facts, item);
    advice_reason(problem, facts, item);
}

int advice_rank(const struct problem *problem, struct advice *advice, struct err *err)
{
    OWN(advice) struct advice made = {.asked = -1};

    made.assumed = problem->assumed == NULL ? json_array() : json_deep_copy(problem->assumed);
    made.warnings = json_array();
    if (made.assumed == NULL || made.warnings == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    facts_of(problem, &made.facts, made.assumed, made.warnings);
    for (int t = 0; t < (int)TECHNIQUE_COUNT; t++) {
        struct advice_item *item = &made.items[made.n++];
        TRY(begin_item(problem, (enum technique)t, item, err));
        fill(problem, &made.facts, item);
    }
    qsort(made.items, made.n, sizeof made.items[0], compare);
    if (!made.items[0].is_usable) {
        say(made.warnings, "no strategy can serve the problem as it stands; each says why");
    }
    for (size_t i = 0; i < made.n; i++) {
        made.asked = made.items[i].is_asked ? (int)i : made.asked;
    }
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
