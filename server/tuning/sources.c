#include "server/tuning/sources.h"

#include <stdio.h>

#include "server/state/studies.h"
#include "server/tuning/internal.h"

/* Can anything be learned from it at all? */
static bool is_fit(const struct live_study *older, const char *name, const struct study_def *def,
                   const char *at, struct faults *faults)
{
    static const char *const verbs[] = {"minimizes", "maximizes"};

    if (older == NULL) {
        faults_add(faults, at,
                   "there is no study \"%s\"; name finished or stopped ones, or leave it out",
                   name);
    } else if (older->row.state != STUDY_FINISHED && older->row.state != STUDY_STOPPED) {
        faults_add(faults, at,
                   "\"%s\" is still %s and its results may change; wait until it is finished, stop "
                   "it, or leave it out",
                   name, study_state_name(older->row.state));
    } else if (older->def->n_objectives > 1) {
        faults_add(faults, at, "\"%s\" has several objectives; there is no one best to start from",
                   name);
    } else if (older->def->objectives[0].direction != def->objectives[0].direction) {
        faults_add(faults, at, "\"%s\" %s its metric and this study %s; leave it out", name,
                   verbs[older->def->objectives[0].direction], verbs[def->objectives[0].direction]);
    } else {
        return true;
    }
    return false;
}

int sources_take(struct tuning *tuning, const struct study_def *def, struct sources *sources,
                 struct faults *faults, struct err *err)
{
    size_t n = json_array_size(def->after);

    *sources = (struct sources){0};
    for (size_t i = 0; i < n && i < SOURCES_MAX; i++) {
        const char *name = json_string_value(json_array_get(def->after, i));
        const struct live_study *older = study_named(&tuning->state, name);
        char at[32];
        (void)snprintf(at, sizeof at, "/after/%zu", i);
        if (!is_fit(older, name, def, at, faults)) {
            continue;
        }
        const struct source_study study = {older->row.id, older->def, at};
        if (source_read(tuning->state.store, &study, def, &sources->items[i], faults, err) != 0) {
            sources->n = i + 1;
            sources_finish(sources);
            return -1;
        }
    }
    sources->n = n;
    if (faults->total > 0) {
        sources_finish(sources);
    }
    return faults_result(faults, err);
}
