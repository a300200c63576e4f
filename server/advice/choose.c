#include "server/advice/choose.h"

#include <stdio.h>
#include <string.h>

#include "server/advice/advice.h"
#include "server/advice/sentence.h"

bool advice_is_auto(const struct study_def *study)
{
    return strcmp(study->strategy, "auto") == 0;
}

/* The first item of the ranking. If none is usable, the simplest one, whose refusal is the
 * clearest. */
static const struct advice_item *first_of(const struct study_def *study,
                                          const struct advice *advice)
{
    const struct technique *simplest =
        technique_find(study->n_objectives > 1 ? "quasirandom" : "bayesian");

    for (size_t i = 0; i < advice->n && !advice->items[0].is_usable; i++) {
        if (advice->items[i].technique == simplest) {
            return &advice->items[i];
        }
    }
    return &advice->items[0];
}

/* *chosen ← the best item with the reasons for it, and the next best. */
static int write_choice(const struct advice_item *best, const struct advice *advice,
                        struct chosen *chosen, struct err *err)
{
    const struct advice_item *next = &advice->items[1];
    size_t failures = json_failures();
    OWN(chosen)
    struct chosen made = {.options = json_deep_copy(best->options),
                          .because = json_deep_copy(best->pro)};

    (void)snprintf(made.name, sizeof made.name, "%s", best->technique->strategy);
    for (size_t i = 0; i < json_array_size(advice->assumed); i++) {
        sentence_add(made.because, "assumed: %s",
                     json_string_value(json_array_get(advice->assumed, i)));
    }
    if (next->is_usable && next->has_regret && best->has_regret) {
        char theirs[NUMBER_TEXT_BYTES];
        char ours[NUMBER_TEXT_BYTES];
        sentence_add(made.because,
                     "next best: %s, with an expected regret of %s against %s at the same price",
                     next->technique->title, regret_text(next->regret, theirs),
                     regret_text(best->regret, ours));
    }
    TRY(json_check(failures, err));
    *chosen = made;
    made = (struct chosen){0};
    return 0;
}

int advice_choose(const struct study_def *study, struct chosen *chosen, struct err *err)
{
    struct study_def open = *study; /* a shallow copy without its strategy */
    struct problem problem = {.study = &open, .keeps_limits = true};
    OWN(advice) struct advice advice = {0};

    (void)snprintf(open.strategy, sizeof open.strategy, "auto");
    open.chosen = (struct chosen){0};
    TRY(advice_rank(&problem, &advice, err));
    return write_choice(first_of(study, &advice), &advice, chosen, err);
}

int advice_settle(struct study_def *study, struct err *err)
{
    if (!advice_is_auto(study) || study->chosen.name[0] != '\0') {
        return 0;
    }
    return advice_choose(study, &study->chosen, err);
}

int advice_settle_old(struct study_def *study, struct err *err)
{
    size_t failures = json_failures();
    OWN(chosen) struct chosen made = {.options = json_object(), .because = json_array()};
    const char *name = study->n_objectives > 1                     ? "quasirandom"
                       : study->limits.trials > ADVICE_MANY_TRIALS ? "tpe"
                                                                   : "bayesian";

    if (!advice_is_auto(study) || study->chosen.name[0] != '\0') {
        return 0;
    }
    sentence_add(made.because, "the study is older than the choice by what was measured");
    TRY(json_check(failures, err));
    (void)snprintf(made.name, sizeof made.name, "%s", name);
    study->chosen = made;
    made = (struct chosen){0};
    return 0;
}

static void refuse_options(const struct study_def *study, struct faults *faults)
{
    const char *key;
    json_t *value;

    json_object_foreach (json_unconst(study->strategy_options), key, value) {
        char pointer[128];
        (void)snprintf(pointer, sizeof pointer, "/strategy/%.80s", key);
        faults_add(faults, pointer,
                   "auto chooses the options too; leave \"%.80s\" out, or name a strategy", key);
    }
}

/* A body that was read from a study contains the choice, which must be the same as now. */
static void check_chosen(const struct study_def *study, const struct chosen *ours,
                         struct faults *faults)
{
    const struct chosen *theirs = &study->chosen;

    if (strcmp(theirs->name, ours->name) != 0 || !json_equal(theirs->options, ours->options)) {
        faults_add(faults, "/strategy/chosen",
                   "is for the server to say, and auto chooses %s here; leave it out, or name a "
                   "strategy instead of auto",
                   ours->name);
    }
}

void advice_settle_body(struct study_def *study, struct faults *faults)
{
    OWN(chosen) struct chosen ours = {0};
    struct err err;

    if (!advice_is_auto(study)) {
        return;
    }
    refuse_options(study, faults);
    if (advice_choose(study, &ours, &err) != 0) {
        faults_take(faults, "", &err);
        return;
    }
    if (study->chosen.name[0] != '\0') {
        check_chosen(study, &ours, faults);
    }
    chosen_finish(&study->chosen);
    study->chosen = ours;
    ours = (struct chosen){0};
}
