#include "server/schedule/choice.h"

#include <string.h>

#include "server/schedule/kinds.h"
#include "server/schedule/options.h"
#include "server/schedule/stopping.h"

bool schedule_is_known(const char *name)
{
    return schedule_kind_of(name)->name != NULL;
}

const char *schedule_name(size_t i)
{
    const struct schedule_kind *kind = schedule_kind_at(i);

    return kind == NULL ? NULL : kind->name;
}

bool schedule_uses_forecasts(const struct study_def *study)
{
    const char *mode = json_string_value(json_object_get(study_strategy_options(study), "mode"));

    return strcmp(study_strategy(study), "asha") == 0 && mode != NULL
           && strcmp(mode, "predictive") == 0;
}

static const char *default_search(const struct study_def *study)
{
    if (schedule_uses_forecasts(study)) {
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

void schedule_check(const struct study_def *study, const char *const searches[],
                    struct faults *faults)
{
    struct schedule_options options;
    struct stopping stopping;

    schedule_options_read(study, searches, &options, faults);
    stopping_read(study, &stopping, faults);
    if (study->stopping != STOPPING_NONE && study->n_objectives != 1) {
        faults_add(
            faults, "/stopping",
            "a stopping rule compares one value at a step, and the study has several objectives; "
            "use hyperband or asha, which rank trials by all of them");
    }
}
