#include "worker/agent/progress.h"

#include <math.h>
#include <string.h>

bool progress_is_better(bool maximize, double value, double than)
{
    return maximize ? value > than : value < than;
}

static void drop_best(struct objective_progress *progress, size_t at)
{
    progress->n_best--;
    memmove(progress->best + at, progress->best + at + 1,
            (progress->n_best - at) * sizeof progress->best[0]);
}

/* The best ones come first, of equals the earlier. One that is no better than what found no place
 * before finds none either. */
static void insert_best(struct objective_progress *progress, bool maximize,
                        struct reported_value item)
{
    size_t at = progress->n_best;

    if (progress->is_cut && !progress_is_better(maximize, item.value, progress->cut)) {
        return;
    }
    while (at > 0 && progress_is_better(maximize, item.value, progress->best[at - 1].value)) {
        at--;
    }
    if (progress->n_best == PROGRESS_BEST_KEPT) {
        bool is_last = at == PROGRESS_BEST_KEPT;
        progress->is_cut = true;
        progress->cut = is_last ? item.value : progress->best[PROGRESS_BEST_KEPT - 1].value;
        if (is_last) {
            return;
        }
        progress->n_best--;
    }
    memmove(progress->best + at + 1, progress->best + at,
            (progress->n_best - at) * sizeof progress->best[0]);
    progress->best[at] = item;
    progress->n_best++;
}

void progress_note(struct objective_progress *progress, bool maximize, int64_t step, double value)
{
    if (step >= progress->step) {
        progress->step = step;
        progress->last = value;
    }
    for (size_t i = 0; i < progress->n_best; i++) {
        if (progress->best[i].step == step) {
            drop_best(progress, i);
            break;
        }
    }
    if (!isnan(value)) {
        insert_best(progress, maximize, (struct reported_value){step, value});
    }
}
