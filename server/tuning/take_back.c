#include "server/tuning/take_back.h"

#include "server/state/node_health.h"
#include "server/state/trials.h"
#include "server/tuning/history.h"
#include "server/tuning/retry.h"

/* It was queued again by limits.retries: its failures on the node are no longer counted. */
static int excuse_open(struct tuning *tuning, struct live_trial *trial, struct err *err)
{
    if (trial->row.excused || trial->row.failures == 0) {
        return 0;
    }
    trial->row.excused = true;
    trial->row.failures = 0;
    return store_trial_update(tuning->state.store, &trial->row, err);
}

/* Its newest attempt is the one on this node: it has failed nowhere else since. */
static int excuse_final(struct tuning *tuning, struct live_study *study,
                        const struct live_node *node, int64_t id, bool *taken_back, struct err *err)
{
    OWN(trial_row) struct trial_row row = {0};

    TRY(store_trial_load(tuning->state.store, id, &row, err));
    if (row.state != TRIAL_FAILED || row.excused || node_named(&tuning->state, row.worker) != node
        || !trial_may_be_retried(study, &row)) {
        return 0;
    }
    row.excused = true;
    *taken_back = true;
    return trial_try_again(tuning, study, &row, err);
}

static int take_back_one(struct tuning *tuning, const struct live_node *node,
                         const struct node_failure *failed, bool *taken_back, struct err *err)
{
    struct live_trial *open = trial_live(&tuning->state, failed->trial);
    struct live_study *study =
        map_get(&tuning->state.study_by_id, (uint64_t)trial_id_study(failed->trial));

    if (failed->elsewhere == 0 || study == NULL
        || (study->row.state != STUDY_RUNNING && study->row.state != STUDY_PAUSED)) {
        return 0;
    }
    return open != NULL ? excuse_open(tuning, open, err)
                        : excuse_final(tuning, study, node, failed->trial, taken_back, err);
}

int failures_take_back(struct tuning *tuning, struct err *err)
{
    struct live_node *node;

    while ((node = node_next_to_take_back(&tuning->state)) != NULL) {
        for (size_t i = 0; i < node->row.n_failed; i++) {
            const struct node_failure *failed = &node->row.failed[i];
            bool taken_back = false;
            TRY(take_back_one(tuning, node, failed, &taken_back, err));
            if (taken_back) {
                TRY(study_renew_history(
                    tuning,
                    map_get(&tuning->state.study_by_id, (uint64_t)trial_id_study(failed->trial)),
                    err));
            }
        }
    }
    return 0;
}
