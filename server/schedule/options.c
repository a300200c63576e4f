#include <string.h>

#include "server/schedule/kinds.h"

#define ETA_MAX 1000

static const struct schedule_kind *const kinds[] = {&schedule_hyperband, &schedule_bohb,
                                                    &schedule_halving, &schedule_asha};

const struct schedule_kind *schedule_kind_of(const char *strategy)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i]->name, strategy) == 0) {
            return kinds[i];
        }
    }
    return &schedule_full;
}

bool schedule_is_known(const char *name)
{
    return schedule_kind_of(name)->name != NULL;
}

const char *schedule_name(size_t i)
{
    return i < sizeof kinds / sizeof kinds[0] ? kinds[i]->name : NULL;
}

static bool names_predictive(const struct study_def *study)
{
    const char *mode = json_string_value(json_object_get(study_strategy_options(study), "mode"));

    return strcmp(study_strategy(study), "asha") == 0 && mode != NULL
           && strcmp(mode, "predictive") == 0;
}

bool schedule_wants_word(const struct study_def *study)
{
    return names_predictive(study);
}

static const char *default_search(const struct study_def *study)
{
    if (names_predictive(study)) {
        return "bayesian";
    }
    return strcmp(study_strategy(study), "bohb") == 0 ? "tpe" : "random";
}

const char *schedule_search(const struct study_def *study)
{
    const char *strategy = study_strategy(study);

    if (!schedule_is_known(strategy)) {
        return strategy;
    }
    const char *search =
        json_string_value(json_object_get(study_strategy_options(study), "search"));
    return search == NULL ? default_search(study) : search;
}

static void read_search(struct fields *fields, const struct study_def *study)
{
    static const char *const names[] = {"random", "quasirandom", "tpe", "bayesian"};
    const char *search = fields_string(fields, "search", default_search(study));

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(search, names[i]) == 0) {
            return;
        }
    }
    fields_fault(fields, "search", "must be \"random\", \"quasirandom\", \"tpe\" or \"bayesian\"");
}

static bool resource_fits(const struct study_def *study, struct faults *faults)
{
    if (!study->has_resource) {
        faults_add(faults, "/resource",
                   "%s decides by how trials do at small resources; say which one, for example "
                   "{\"name\": \"epochs\", \"min\": 1, \"max\": 81}",
                   study_strategy(study));
        return false;
    }
    return study->resource_min >= 1 && study->resource_min <= study->resource_max;
}

void schedule_options_read(const struct study_def *study, struct schedule_options *options,
                           struct faults *faults)
{
    const struct schedule_kind *kind = schedule_kind_of(study_strategy(study));
    struct fields fields;

    *options = (struct schedule_options){.eta = 3, .brackets = 1, .bracket = -1};
    if (kind->read == NULL) {
        return; /* the options are the search's */
    }
    if (study->n_objectives != 1) {
        faults_add(faults, "/objectives", "%s ranks trials by one objective",
                   study_strategy(study));
    }
    if (!resource_fits(study, faults)) {
        return;
    }
    fields_begin(&fields, study_strategy_options(study), "/strategy", faults);
    (void)fields_any(&fields, "name");
    (void)fields_any(&fields, "serving"); /* the study's */
    options->eta = fields_int(&fields, "eta", 3, 2, ETA_MAX);
    read_search(&fields, study);
    kind->read(&fields, study, options);
    fields_end(&fields);
}

void schedule_check(const struct study_def *study, struct faults *faults)
{
    struct schedule_options options;
    struct stopping stopping;

    schedule_options_read(study, &options, faults);
    stopping_read(study, &stopping, faults);
    if (study->stopping != STOPPING_NONE && study->n_objectives != 1) {
        faults_add(faults, "/stopping", "a stopping rule goes with one objective");
    }
}
