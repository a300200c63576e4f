#include "server/tuning/new_space.h"

#include <stdlib.h>
#include <string.h>

#include "server/state/checkpoints.h"
#include "server/state/studies.h"
#include "server/state/transition.h"
#include "server/state/trials.h"
#include "server/state/tried.h"
#include "server/store/decisions.h"
#include "server/tuning/history.h"
#include "server/tuning/load.h"

/* ---- configurations ---- */

/* How those of a study become longer. */
struct extension {
    struct store *store;
    const struct space_change *change;
    const struct space *space;
    int64_t last; /* number of the last trial seen; 0: none */
};

static double *extended(const struct space_change *change, const struct space *space,
                        const double before[])
{
    double *x = calloc(space->n_params + 1, sizeof *x);

    if (x != NULL) {
        space_change_extend(change, space, before, x);
    }
    return x;
}

static int extend_stored(void *context, struct trial_row *row, struct err *err)
{
    struct extension *extension = context;
    OWN(memory) double *x = extended(extension->change, extension->space, row->config);

    if (x == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    extension->last = trial_id_number(row->id);
    return store_trial_set_config(extension->store, row->id, extension->space->n_params, x, err);
}

static int extend_live(struct live_trial *trial, const struct extension *extension, struct err *err)
{
    double *x = extended(extension->change, extension->space, trial->row.config);

    if (x == NULL) {
        return err_set(err, ERR_NOMEM, "out of memory");
    }
    free(trial->row.config);
    trial->row.config = x;
    trial->row.n_params = extension->space->n_params;
    free(trial->parameters);
    trial->parameters = NULL;
    return 0;
}

/* One row at a time, so that no walk goes through rows that it changes. */
static int extend_all(struct tuning *tuning, struct live_study *study,
                      const struct space_change *change, struct err *err)
{
    struct extension extension = {tuning->state.store, change, study->def->space, 0};
    struct trial_query query = {.study = study->row.id, .limit = 1};

    if (study->def->space->n_params == change->n_before) {
        return 0;
    }
    do {
        query.after_number = extension.last;
        extension.last = 0;
        TRY(store_each_trial(tuning->state.store, &query, extend_stored, &extension, err));
    } while (extension.last != 0);
    for (struct live_trial *trial = study->open; trial != NULL; trial = trial->next_open) {
        TRY(extend_live(trial, &extension, err));
    }
    return 0;
}

/* ---- the best trial ---- */

static int consider(void *context, struct trial_row *row, struct err *err)
{
    (void)err;
    study_consider_best(context, row);
    return 0;
}

static int find_best(struct tuning *tuning, struct live_study *study, struct err *err)
{
    const struct trial_query query = {.study = study->row.id,
                                      .limit = -1,
                                      .states = 1u << TRIAL_COMPLETED | 1u << TRIAL_PRUNED
                                                | 1u << TRIAL_PAUSED};

    study->row.best_trial = 0;
    study->row.best_value = 0;
    study->row.best_resource = 0;
    TRY(store_each_trial(tuning->state.store, &query, consider, study, err));
    TRY(checkpoint_follow_best(&tuning->state, study, err));
    return study->best_checkpoint.present ? 0 : study_load_best(tuning, study, err);
}

/* ---- what was tried ---- */

static int count_tried(struct tuning *tuning, struct live_study *study, struct err *err)
{
    config_set_finish(&study->tried);
    study->tried = (struct config_set){0};
    tried_init(study);
    study->row.exhausted = false;
    if (study->strategy->enumerates) {
        study->row.last_ordinal = 0; /* its points have other numbers now */
    }
    TRY(study_load_tried(tuning, study, err));
    for (struct live_trial *trial = study->open; trial != NULL; trial = trial->next_open) {
        TRY(tried_add(study, &trial->row, err));
    }
    return 0;
}

static int cancel_outside(struct tuning *tuning, struct live_study *study, struct err *err)
{
    struct live_trial *kept = NULL; /* the last one passed: no other trial's end removes it */
    struct live_trial *trial;

    while ((trial = kept == NULL ? study->open : kept->next_open) != NULL) {
        bool has_begun = trial->row.state != TRIAL_QUEUED || trial->row.attempt > 0;
        if (has_begun || space_is_legal(study->def->space, trial->row.config)) {
            kept = trial;
        } else {
            TRY(trial_end(&tuning->state, trial, TRIAL_CANCELLED, "outside", NULL, err));
        }
    }
    return 0;
}

int new_space_enter(struct tuning *tuning, struct live_study *study,
                    const struct space_change *change, struct err *err)
{
    TRY(extend_all(tuning, study, change, err));
    TRY(find_best(tuning, study, err));
    TRY(count_tried(tuning, study, err));
    TRY(store_fits_forget(tuning->state.store, study->row.id, err));
    TRY(study_renew_history(tuning, study, err));
    return cancel_outside(tuning, study, err);
}
