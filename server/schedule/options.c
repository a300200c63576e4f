#include "server/schedule/options.h"
#include "common/suggest.h"

#include <stdio.h>
#include <string.h>

#include "server/schedule/kinds.h"

#define ETA_MAX 1000

static void read_search(struct fields *fields, const char *const searches[])
{
    const char *search = fields_string(fields, "search", NULL);
    char known[256] = "";
    char question[SUGGEST_QUESTION_BYTES];
    struct suggestion_for meant = {.word = search};
    size_t len = 0;

    if (search == NULL || searches == NULL) {
        return;
    }
    for (size_t i = 0; searches[i] != NULL && len < sizeof known; i++) {
        if (strcmp(search, searches[i]) == 0) {
            return;
        }
        suggest_offer(&meant, searches[i]);
        const char *separator = i == 0 ? "" : searches[i + 1] == NULL ? " or " : ", ";
        len +=
            (size_t)snprintf(known + len, sizeof known - len, "%s\"%s\"", separator, searches[i]);
    }
    fields_fault(fields, "search", "there is no search \"%.60s\"; %suse %s", search,
                 suggest_question(&meant, question), known);
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

/* After a fault eta is 3, so that the other options can be read. */
static void read_eta(struct fields *fields, const struct study_def *study,
                     struct schedule_options *options)
{
    double eta = fields_real(fields, "eta", 3);

    if (!(eta > 1 && eta <= ETA_MAX)) {
        fields_fault(fields, "eta", "must be a number above 1 and at most %d", ETA_MAX);
        return;
    }
    struct table_input input = table_input_of(study, ratio_from_number(eta));
    if (tables_s_max(&input) >= RUNGS_MAX) {
        fields_fault(fields, "eta",
                     "makes more than %d rungs between min and max; take a larger one", RUNGS_MAX);
        return;
    }
    options->eta = eta;
    options->ratio = input.eta;
}

void schedule_options_read(const struct study_def *study, const char *const searches[],
                           struct schedule_options *options, struct faults *faults)
{
    const struct schedule_kind *kind = schedule_kind_of(study_strategy(study));
    struct fields fields;

    *options = (struct schedule_options){.eta = 3, .ratio = {3, 1}, .brackets = 1, .bracket = -1};
    if (kind->read == NULL) {
        return; /* the options are the search's */
    }
    if (!resource_fits(study, faults)) {
        return;
    }
    fields_begin(&fields, study_strategy_options(study), "/strategy", faults);
    (void)fields_any(&fields, "name");
    (void)fields_any(&fields, "serving"); /* the study's */
    read_search(&fields, searches);
    read_eta(&fields, study, options);
    kind->read(&fields, study, options);
    fields_end(&fields);
}
