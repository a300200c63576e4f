#include "server/schedule/options.h"

#include <string.h>

#include "server/schedule/kinds.h"

#define ETA_MAX 1000

static void read_search(struct fields *fields)
{
    static const char *const names[] = {"random", "quasirandom", "tpe", "bayesian"};
    const char *search = fields_string(fields, "search", NULL);

    if (search == NULL) {
        return;
    }
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
    read_search(&fields);
    kind->read(&fields, study, options);
    fields_end(&fields);
}
