#include "server/advice/choose.h"

#include <stdio.h>
#include <string.h>

#include "server/advice/advice.h"
#include "server/advice/say.h"

bool advice_is_auto(const struct study_def *study)
{
    return strcmp(study->strategy, "auto") == 0;
}

/* The first of the ranking. Where none can serve, the one whose refusal says most. */
static const struct advice_item *first_of(const struct study_def *study,
                                          const struct advice *advice)
{
    enum technique plain = study->n_objectives > 1 ? TECHNIQUE_QUASIRANDOM : TECHNIQUE_BAYESIAN;

    for (size_t i = 0; i < advice->n && !advice->items[0].is_usable; i++) {
        if (advice->items[i].technique == plain) {
            return &advice->items[i];
        }
    }
    return &advice->items[0];
}

/* The reasons that spoke for it, and what it is preferred to. */
static int write_choice(const struct advice_item *best, const struct advice *advice,
                        struct chosen *chosen, struct err *err)
{
    const struct advice_item *next = &advice->items[1];
    OWN(chosen)
    struct chosen made = {.options = json_deep_copy(best->options),
                          .because = json_deep_copy(best->pro)};

    if (made.options == NULL || made.because == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    (void)snprintf(made.name, sizeof made.name, "%s", best->name);
    for (size_t i = 0; i < json_array_size(advice->assumed); i++) {
        say(made.because, "assumed: %s", json_string_value(json_array_get(advice->assumed, i)));
    }
    if (next->is_usable && next->has_regret && best->has_regret) {
        say(made.because,
            "next best: %s, with an expected regret of %.2f against %.2f at the same price",
            technique_title(next->technique), next->regret, best->regret);
    }
    *chosen = made;
    made = (struct chosen){0};
    return 0;
}

int advice_choose(const struct study_def *study, struct chosen *chosen, struct err *err)
{
    struct study_def open = *study; /* shares everything; its own strategy has no say */
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
    OWN(chosen) struct chosen made = {.options = json_object(), .because = json_array()};
    const char *name = study->n_objectives > 1                     ? "quasirandom"
                       : study->limits.trials > ADVICE_MANY_TRIALS ? "tpe"
                                                                   : "bayesian";

    if (!advice_is_auto(study) || study->chosen.name[0] != '\0') {
        return 0;
    }
    if (made.options == NULL || made.because == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    say(made.because, "the study is older than the choice by what was measured");
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

/* A study that was read and is sent again carries the choice. It stands if it would be made again;
 * whoever wants another strategy than auto's names it. */
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
        faults_add(faults, "", "%s", err.text);
        return;
    }
    if (study->chosen.name[0] != '\0') {
        check_chosen(study, &ours, faults);
    }
    chosen_finish(&study->chosen);
    study->chosen = ours;
    ours = (struct chosen){0};
}
