/* Why, in sentences with numbers. */
#include <inttypes.h>
#include <math.h>

#include "server/advice/advice.h"
#include "server/advice/say.h"

static const char *kind_words(enum problem_kind kind)
{
    switch (kind) {
    case KIND_NUMBERS:
        return "problems of numbers alone";
    case KIND_MIXED:
        return "problems with categories and conditions";
    case KIND_NOISY:
        return "noisy problems";
    case KIND_CURVES:
        return "learning curves";
    case KIND_COUNT:
        break;
    }
    return "such problems";
}

static bool stops_early(const struct advice_item *item)
{
    return item->brackets != NULL;
}

static bool is_gaussian(const struct advice_item *item)
{
    return item->technique == TECHNIQUE_PREDICTIVE || item->technique == TECHNIQUE_BAYESIAN
           || item->technique == TECHNIQUE_ASHA_BAYESIAN;
}

/* Goes by the rank of single values. */
static bool goes_by_rank(const struct advice_item *item)
{
    return stops_early(item) && item->technique != TECHNIQUE_PREDICTIVE;
}

static bool pauses(const struct advice_item *item)
{
    return goes_by_rank(item) && item->technique != TECHNIQUE_ASHA_STOPPING;
}

/* ---- what was measured ----------------------------------------------------------------------- */

static void say_measured(const struct problem *problem, const struct facts *facts,
                         struct advice_item *item)
{
    char budget[SAY_BYTES];
    double at = fmin(fmax(item->cost.evaluations, MEASURED_LEAST), MEASURED_MOST);
    double random = measured_regret(TECHNIQUE_RANDOM, facts->kind, facts->workers, at, NULL);
    double regret = measured_regret(item->technique, facts->kind, facts->workers, at, NULL);

    if (item->technique == TECHNIQUE_RANDOM || item->technique == TECHNIQUE_GRID
        || problem->study->n_objectives > 1) {
        return;
    }
    bool better = regret < random - 0.01;
    say(better ? item->pro : item->con,
        "measured on %s, %s full evaluations' worth left a regret of %.2f%s, those of random "
        "search %.2f (0: the best known, 1: the median random configuration)",
        kind_words(facts->kind), say_number(round(at), budget), regret,
        item->technique == TECHNIQUE_HALVING ? " in hyperband, its relative" : "", random);
}

/* ---- the space ------------------------------------------------------------------------------- */

static void say_space(const struct facts *facts, struct advice_item *item)
{
    char all[SAY_BYTES];
    char trials[SAY_BYTES];

    if (item->sees_all) {
        say(item->pro, "there are only %s configurations, and all of them will be tried",
            say_number(facts->configurations, all));
    } else if (item->technique == TECHNIQUE_GRID) {
        say(item->con, "the budget is for %s of its points: it stops where the budget ends",
            say_number(item->cost.trials, trials));
    }
    if (is_gaussian(item) && facts->n_searched > MEASURED_PARAMETERS) {
        say(item->con, "%zu parameters are searched, and it was measured with at most %d",
            facts->n_searched, MEASURED_PARAMETERS);
    }
    if (is_gaussian(item) && item->cost.trials > ADVICE_MANY_TRIALS) {
        say(item->con,
            "its model holds a part of so many trials only; from %d on densities scale "
            "better",
            ADVICE_MANY_TRIALS);
    }
}

static void say_objective(const struct problem *problem, struct advice_item *item)
{
    if (problem->study->n_objectives > 1) {
        say(item->pro, "takes %zu objectives: an even spread serves every front",
            problem->study->n_objectives);
    }
    if (problem->noisy != ANSWER_YES) {
        return;
    }
    if (is_gaussian(item)) {
        say(item->pro, "estimates the noise, and trusts its mean rather than one lucky value");
    } else if (goes_by_rank(item)) {
        say(item->con, "with noise the order within a rung is partly luck, and who is out stays "
                       "out");
    }
}

/* ---- time ------------------------------------------------------------------------------------ */

static void say_thinking(const struct facts *facts, struct advice_item *item)
{
    char think[SAY_BYTES];
    char evaluation[SAY_BYTES];
    double seconds = measured_think_seconds(item->technique, item->cost.trials);

    if (seconds <= 0.0) {
        return;
    }
    (void)say_span(seconds, think);
    if (facts->seconds <= 0 && seconds < 0.005) {
        return;
    }
    if (facts->seconds <= 0) {
        say(item->con,
            "a suggestion takes %s of the server by the end; that matters where "
            "evaluations take seconds",
            think);
    } else if (item->cost.thinking > 0.05 * item->cost.span) {
        say(item->con,
            "workers would wait %.0f %% of the time: a suggestion takes %s by the end, an "
            "evaluation %s on %.0f workers",
            100.0 * item->cost.thinking / item->cost.span, think,
            say_span(facts->seconds, evaluation), facts->workers);
    } else {
        say(item->pro, "a suggestion takes %s at most, an evaluation %s: nobody waits for it",
            think, say_span(facts->seconds, evaluation));
    }
}

static void say_workers(const struct facts *facts, struct advice_item *item)
{
    const json_t *rungs = json_object_get(json_array_get(item->brackets, 0), "rungs");
    double first = json_number_value(json_object_get(json_array_get(rungs, 0), "trials"));

    if (technique_has_brackets(item->technique) && facts->workers > first / 3.0) {
        say(item->con,
            "%.0f workers are many for a first rung of %.0f: later rungs are smaller, "
            "and more brackets are open at once",
            facts->workers, first);
    } else if (stops_early(item) && facts->workers > 1
               && !technique_has_brackets(item->technique)) {
        say(item->pro, "no rung is ever waited for: %.0f workers train all the time",
            facts->workers);
    }
    if (!stops_early(item) && facts->workers > MEASURED_WORKERS
        && item->technique <= TECHNIQUE_TPE) {
        say(item->con,
            "what it learns from, it learns %.0f at a time; it was measured with at most "
            "%d workers",
            facts->workers, MEASURED_WORKERS);
    }
}

/* ---- stopping early -------------------------------------------------------------------------- */

/* What early stopping makes of the budget: more trials, or less to pay. */
static void say_price(const struct problem *problem, const struct facts *facts,
                      struct advice_item *item)
{
    char trials[SAY_BYTES];
    char full[SAY_BYTES];

    if (facts->source == BUDGET_TRIALS && problem->keeps_limits) {
        say(item->pro, "its %s trials cost about %s full trainings",
            say_number(facts->evaluations, trials),
            say_number(ceil(facts->evaluations * item->cost.share), full));
        return;
    }
    say(item->pro, "tries about %s configurations for the price of %s full trainings",
        say_number(item->cost.trials, trials), say_number(item->cost.evaluations, full));
    if (facts->source == BUDGET_TRIALS) {
        say(item->pro, "its study limits the resource to that price instead of the trials to %s",
            say_number(facts->evaluations, full));
    }
}

static void say_stopping(const struct problem *problem, const struct facts *facts,
                         struct advice_item *item)
{
    char starts[SAY_BYTES];
    double more = item->cost.share_from_zero / item->cost.share - 1.0;

    if (!stops_early(item)) {
        if (facts->is_curved) {
            say(item->con, "trains every trial to %" PRId64 " %s, those without a chance as well",
                problem->study->resource_max, problem->study->resource_name);
        }
        return;
    }
    say_price(problem, facts, item);
    if (item->technique == TECHNIQUE_PREDICTIVE) {
        say(item->pro, "pauses nothing, so a program without checkpoints loses nothing");
    } else if (pauses(item) && problem->checkpoints == ANSWER_NO) {
        say(item->con,
            "without checkpoints whoever goes on starts from zero: %.0f %% more training",
            100.0 * more);
    } else if (pauses(item)) {
        say(item->con, "needs checkpoints; without them it costs %.0f %% more", 100.0 * more);
    }
    if (item->cost.trials > 1000) {
        say(item->con, "starts the program some %s times: dear where a start takes long",
            say_number(item->cost.trials, starts));
    }
    if (goes_by_rank(item)) {
        say(item->con, "who is slow at the start is lost, however good the end would be");
    }
    if (problem->experience == EXPERIENCE_NEW) {
        say(item->con,
            "the program must report while it trains%s: more to get right the first time",
            pauses(item) ? ", pause and go on" : "");
    }
}

static void say_search(const struct facts *facts, struct advice_item *item)
{
    char few[SAY_BYTES];

    switch (item->technique) {
    case TECHNIQUE_GRID:
    case TECHNIQUE_RANDOM:
    case TECHNIQUE_QUASIRANDOM:
        say(item->con, "learns nothing from results");
        say(item->pro, "nothing to set, nothing to wait for, any number of workers");
        break;
    case TECHNIQUE_HYPERBAND:
    case TECHNIQUE_HALVING:
    case TECHNIQUE_ASHA_STOPPING:
    case TECHNIQUE_ASHA_PROMOTION:
        say(item->con, "its configurations are drawn at random unless `search` says otherwise");
        break;
    case TECHNIQUE_TPE:
    case TECHNIQUE_BOHB:
        if (facts->evaluations < 50) {
            say(item->con,
                "needs some 50 results before it is clearly better than random, and has "
                "%s",
                say_number(floor(facts->evaluations), few));
        }
        break;
    case TECHNIQUE_PREDICTIVE:
    case TECHNIQUE_BAYESIAN:
    case TECHNIQUE_ASHA_BAYESIAN:
    case TECHNIQUE_COUNT:
        break;
    }
}

/* For those who want to turn the screws. */
static void say_options(const struct problem *problem, struct advice_item *item)
{
    static const char *const options[TECHNIQUE_COUNT] = {
        [TECHNIQUE_PREDICTIVE] = "delta (0.1), eta (3) and search (bayesian)",
        [TECHNIQUE_ASHA_BAYESIAN] = "eta (3), brackets (1) and progressive (false)",
        [TECHNIQUE_BOHB] = "eta (3), rounds, brackets, rounding (formula) and quorum",
        [TECHNIQUE_ASHA_STOPPING] = "eta (3), brackets (1) and search (random)",
        [TECHNIQUE_ASHA_PROMOTION] = "eta (3), brackets (1), progressive (false) and search "
                                     "(random)",
        [TECHNIQUE_HYPERBAND] = "eta (3), rounds, brackets, rounding (formula), quorum and search "
                                "(random)",
        [TECHNIQUE_HALVING] = "eta (3), bracket, rounds and search (random)",
    };

    if (problem->experience == EXPERIENCE_EXPERT && options[item->technique] != NULL) {
        say(item->pro, "leaves to set: %s", options[item->technique]);
    }
}

void advice_reason(const struct problem *problem, const struct facts *facts,
                   struct advice_item *item)
{
    say_measured(problem, facts, item);
    say_space(facts, item);
    say_objective(problem, item);
    say_stopping(problem, facts, item);
    say_workers(facts, item);
    say_thinking(facts, item);
    say_search(facts, item);
    say_options(problem, item);
}
