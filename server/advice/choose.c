#include "server/advice/choose.h"

#include <stdio.h>
#include <string.h>

/* Trials beyond which a Gaussian process costs more than it gives. */
#define TOO_MANY_TRIALS 5000

struct choice {
    const char *name;
    const char *mode; /* asha's; NULL */
    const char *because;
};

static struct choice choice_for(const struct study_def *study)
{
    if (study->n_objectives > 1) {
        return (struct choice){"quasirandom", NULL, "several objectives want an even spread"};
    }
    if (study->has_resource && study->resource_min < study->resource_max) {
        return (struct choice){"asha", "predictive",
                               "trials report as they train, and a model of their curves stops "
                               "those with next to no chance of winning"};
    }
    if (study->limits.trials > TOO_MANY_TRIALS) {
        return (struct choice){"tpe", NULL, "so many trials want a model that stays quick"};
    }
    return (struct choice){"bayesian", NULL,
                           "a Gaussian process needs the fewest trials to a good result"};
}

bool advice_is_auto(const struct study_def *study)
{
    return strcmp(study->strategy, "auto") == 0;
}

int advice_choose(const struct study_def *study, struct chosen *chosen, struct err *err)
{
    struct choice choice = choice_for(study);
    OWN(chosen) struct chosen made = {.options = json_object(), .because = json_array()};

    if (made.options == NULL || made.because == NULL
        || json_array_append_new(made.because, json_string(choice.because)) != 0
        || (choice.mode != NULL
            && json_object_set_new(made.options, "mode", json_string(choice.mode)) != 0)) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    (void)snprintf(made.name, sizeof made.name, "%s", choice.name);
    *chosen = made;
    made = (struct chosen){0};
    return 0;
}

int advice_settle(struct study_def *study, struct err *err)
{
    if (!advice_is_auto(study) || study->chosen.name[0] != '\0') {
        return 0;
    }
    return advice_choose(study, &study->chosen, err);
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
